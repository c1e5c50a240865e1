"""A plan as text and as JSON. No secret is in either."""

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from brickwork.cli.output import harmless, print_text

if TYPE_CHECKING:
    from brickwork.vault.manifest import Change, Plan, Step

_SIGNS = {
    "create": ("+", "green"),
    "change": ("~", "yellow"),
    "take over": ("~", "yellow"),
    "replace": ("~", "yellow"),
    "delete": ("-", "red"),
    "unreadable": ("!", "red"),
    "same": ("=", None),
}
_WORDS = {
    "create": "to create",
    "change": "to change",
    "take over": "to take over",
    "replace": "to replace",
    "delete": "to delete",
    "unreadable": "unreadable",
    "same": "the same",
}
_LONGEST = 80


def print_plan(plan: "Plan") -> None:
    """Print what a plan would do, and what it would not."""
    colours = sys.stdout.isatty()
    for step in plan.changes:
        sign, colour = _SIGNS[step.action]
        title = f"{sign} {step.action:<10} {step.address}"
        if step.base is not None:
            title += f"@{step.base.version}"
        print_text(click.style(title, fg=colour) if colours else title)
        for line in _lines(step):
            print_text(f"    {line}")
    if plan.changes:
        print_text("")
    print_text(summary(plan))


def summary(plan: "Plan") -> str:
    """Return how many blocks there are of each sort."""
    counts = [f"{plan.counts[a]} {word}" for a, word in _WORDS.items() if a in plan.counts]
    name = f"{plan.manifest}: " if plan.manifest else ""
    return f"{name}{', '.join(counts) or 'no blocks'}."


def as_json(plan: "Plan") -> dict[str, Any]:
    """Return a plan as JSON."""
    return {
        "manifest": plan.manifest,
        "counts": plan.counts,
        "steps": [_step(step) for step in plan.steps],
    }


def _lines(step: "Step") -> Iterator[str]:
    if step.drift is not None:
        when = "" if step.drift.saved_at is None else f" at {step.drift.saved_at:%Y-%m-%d %H:%MZ}"
        yield (
            f"drift: version {step.drift.version} was saved by {harmless(step.drift.saved_by)}"
            f"{when}; this manifest saved version {step.drift.applied}"
        )
    if step.schema_versions is not None:
        yield "schema version {} -> {}".format(*step.schema_versions)
    changes = [(_path(each.pointer), each) for each in step.changes]
    changes += [(f"${each.pointer}", each) for each in step.notes]
    width = min(max((len(path) for path, _ in changes), default=0), 40)
    for path, change in changes:
        yield f"{_sign(change)} {harmless(path):<{width}}  {_became(change)}"
    for path, why in step.missing.items():
        yield f"? {harmless(path)}: not checked: {harmless(why)}"
    if step.reason:
        yield f"reason: {harmless(step.reason)}"
    if step.refusal:
        yield f"refused: {harmless(step.refusal)}"


def _sign(change: "Change") -> str:
    return {"added": "+", "removed": "-"}.get(change.kind, "~")


def _became(change: "Change") -> str:
    if change.what == "secret":
        return {"added": "(a secret) set", "removed": "(a secret) removed"}.get(
            change.kind, "(a secret) changed"
        )
    if change.kind == "added":
        return _value(change.after)
    if change.kind == "removed":
        return _value(change.before)
    return f"{_value(change.before)} -> {_value(change.after)}"


def _value(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"$block"}:
        return f"{{$block: {harmless(value['$block'])}}}"
    plain = isinstance(value, str) and value.strip() == value != ""
    text = harmless(value if plain else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _path(pointer: str) -> str:
    from brickwork.vault.pointers import dotted

    return dotted(pointer)


def _step(step: "Step") -> dict[str, Any]:
    drift = step.drift and {
        "applied": step.drift.applied,
        "version": step.drift.version,
        "saved_by": step.drift.saved_by,
        "saved_at": step.drift.saved_at and step.drift.saved_at.isoformat(),
    }
    return {
        "address": str(step.address),
        "action": step.action,
        "version": None if step.base is None else step.base.version,
        "changes": [_change(each) for each in step.changes],
        "notes": [_change(each) for each in step.notes],
        "schema_versions": step.schema_versions,
        "drift": drift,
        "owner": step.owner,
        "reason": step.reason or None,
        "refusal": step.refusal or None,
        "not_fetched": step.missing,
    }


def _change(change: "Change") -> dict[str, Any]:
    return {
        "pointer": change.pointer,
        "kind": change.kind,
        "what": change.what,
        "before": change.before,
        "after": change.after,
    }
