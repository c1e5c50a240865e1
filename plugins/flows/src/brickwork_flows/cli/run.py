"""``brickwork run``: what has run, and what became of it."""

from typing import Any

import click

from brickwork.commands import json_option, note, print_json, print_table, print_text
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import current_runtime
from brickwork_flows.states import StateType


@click.group("run")
def group() -> None:
    """Look at the runs of flows."""


@group.command("ls")
@click.option("--flow", "name", metavar="NAME", help="Only runs of this flow.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([each.value for each in StateType]),
    help="Only runs in this state; repeatable.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="How many. Default: 50.")
@json_option
def ls(name: str | None, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List runs, the newest first."""
    runtime = current_runtime()
    runtime.flush()
    found = runtime.history.runs(name=name, states=map(StateType, states), limit=limit)
    if as_json:
        print_json("run.list/1", {"runs": [as_dict(record) for record in found]})
    elif found:
        print_table(
            ("id", "flow", "name", "state", "began", "seconds"),
            [
                (r.id, r.name, r.run_name, str(r.state), _shown(began(r)), _seconds(r))
                for r in found
            ],
        )
    else:
        note("No flow has run yet.")


@group.command("show")
@click.argument("run_id", metavar="ID")
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show a run: its states, and the tasks in it."""
    runtime = current_runtime()
    runtime.flush()
    record = runtime.history.run(run_id)
    inside = runtime.history.children(run_id) if record.kind == "flow" else ()
    if as_json:
        content = {**as_dict(record), "tasks": [as_dict(each) for each in inside]}
        print_json("run.show/1", content)
        return
    print_text(f"{record.run_name} ({record.name}), {record.id}\n")
    print_table(
        ("when", "state", "message"),
        [(_shown(s.timestamp), s.name, s.message) for s in record.states],
    )
    if inside:
        print_text("\n")
        print_table(
            ("task", "state", "attempts", "seconds"),
            [(r.key, str(r.state), str(r.attempts), _seconds(r)) for r in inside],
        )


def as_dict(record: RunRecord) -> dict[str, Any]:
    """Return a run as what JSON can hold."""
    return {
        "id": record.id,
        "kind": record.kind,
        "name": record.name,
        "run_name": record.run_name,
        "parent": record.parent,
        "key": record.key,
        "tags": list(record.tags),
        "attempts": record.attempts,
        **record.details,
        "states": [
            {"type": s.type.value, "name": s.name, "message": s.message, "at": _iso(s.timestamp)}
            for s in record.states
        ],
    }


def began(record: RunRecord) -> float:
    """Return when a run was first recorded, in seconds since 1970."""
    return record.states[0].timestamp if record.states else 0.0


def _seconds(record: RunRecord) -> str:
    if not record.states or not record.state.final:
        return ""
    return f"{record.state.timestamp - began(record):.3f}"


def _shown(seconds: float) -> str:
    return _iso(seconds)[:19].replace("T", " ") + "Z"


def _iso(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
