"""What Slack refuses of blocks: its published limits of lengths and numbers.

See https://docs.slack.dev/reference/block-kit. The kinds and names of fields are the matter of
`brickwork_slack.testing.types`, which has them from Slack's own TypeScript.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
"""See https://docs.slack.dev/reference/block-kit/blocks."""

MOST_CHARACTERS = 13_200
"""Of all texts of a message's blocks; see https://github.com/slackapi/bolt-js/issues/2509."""

MOST_MARKDOWN = 12_000
"""Of all markdown blocks together: https://docs.slack.dev/reference/block-kit/blocks/markdown-block."""

_CONFIRM = {"title.text": 100, "text.text": 300, "confirm.text": 30, "deny.text": 30}
_OPTION = {"text.text": 75, "value": 150, "description.text": 75, "url": 3000}
_ANY = {"block_id": 255, "action_id": 255, "placeholder.text": 150}

_LENGTHS: Mapping[str, Mapping[str, int]] = {
    "header": {"text.text": 150},
    "section": {"text.text": 3000},
    "image": {"alt_text": 2000, "title.text": 2000, "image_url": 3000},
    "input": {"label.text": 2000, "hint.text": 2000},
    "markdown": {"text": MOST_MARKDOWN},
    "video": {"title.text": 199, "author_name": 49},
    "button": {"text.text": 75, "value": 2000, "url": 3000, "accessibility_label": 75},
    "workflow_button": {"text.text": 75, "accessibility_label": 75},
    "plain_text_input": {"initial_value": 3000},
    "modal": {
        "title.text": 24,
        "close.text": 24,
        "submit.text": 24,
        "private_metadata": 3000,
        "callback_id": 255,
    },
    "home": {"private_metadata": 3000, "callback_id": 255},
}
"""The most characters, by the type of an object and the way from there."""

_COUNTS: Mapping[str, Mapping[str, int]] = {
    "section": {"fields": 10},
    "context": {"elements": 10},
    "actions": {"elements": 25},
    "context_actions": {"elements": 5},
    "overflow": {"options": 5},
    "checkboxes": {"options": 10},
    "radio_buttons": {"options": 10},
    "static_select": {"options": 100, "option_groups": 100},
    "multi_static_select": {"options": 100, "option_groups": 100},
    "table": {"rows": 100, "column_settings": 20},
}
"""The most items, by the type of an object and the field."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "section": ("text", "fields"),
    "image": ("image_url", "slack_file"),
    "static_select": ("options", "option_groups"),
    "multi_static_select": ("options", "option_groups"),
}
"""Fields of which there must be one."""

_PLAIN = {"header": ("text",), "button": ("text",), "input": ("label", "hint")}
"""Fields that take no mrkdwn."""


def block_faults(blocks: Any, *, most: int = MESSAGE_BLOCKS, place: str = "/blocks") -> list[str]:
    """Return what Slack would say of blocks; nothing if it takes them.

    Args:
        blocks: As they came.
        most: How many there may be.
        place: Where they stand in the call.
    """
    if not isinstance(blocks, list):
        return [f"must provide an array [json-pointer:{place}]"]
    faults = [] if len(blocks) <= most else [f"no more than {most} items allowed {_at(place)}"]
    for index, block in enumerate(blocks):
        here = f"{place}/{index}"
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            faults.append(f"missing required field: type {_at(here)}")
        else:
            faults += _object_faults(block, here)
            faults += _twice(block.get("elements"), "action_id", f"{here}/elements")
    faults += _twice(blocks, "block_id", place)
    markdown = sum(len(str(each.get("text", ""))) for each in _of_type(blocks, "markdown"))
    if markdown > MOST_MARKDOWN:
        faults.append(
            f"markdown text must be less than {MOST_MARKDOWN + 1} characters {_at(place)}"
        )
    return faults


def view_faults(view: Mapping[str, Any]) -> list[str]:
    """Return what Slack would say of a modal or a home tab."""
    own = {key: value for key, value in view.items() if key != "blocks"}
    faults = list(_object_faults(own, "/view"))
    faults += block_faults(view.get("blocks"), most=VIEW_BLOCKS, place="/view/blocks")
    if view.get("type") == "modal" and "submit" not in view:
        faults += [
            f"a modal with inputs needs submit {_at('/view/submit')}"
            for _ in _of_type(view.get("blocks"), "input")
        ][:1]
    return faults


def tables(blocks: Any) -> int:
    """Return how many tables there are: Slack takes one a message."""
    return sum(1 for _ in _of_type(blocks, "table"))


def characters(blocks: Any) -> int:
    """Return how long all texts are together."""
    if isinstance(blocks, dict):
        return sum(
            len(value)
            if name in ("text", "value") and isinstance(value, str)
            else characters(value)
            for name, value in blocks.items()
        )
    return sum(map(characters, blocks)) if isinstance(blocks, list) else 0


def _of_type(blocks: Any, kind: str) -> Iterator[dict[str, Any]]:
    if isinstance(blocks, list):
        yield from (each for each in blocks if isinstance(each, dict) and each.get("type") == kind)


def _object_faults(node: Any, place: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, each in enumerate(node):
            yield from _object_faults(each, f"{place}/{index}")
    if not isinstance(node, dict):
        return
    kind = node.get("type") if isinstance(node.get("type"), str) else ""
    lengths = {**_ANY, **_LENGTHS.get(kind or "", {})}
    if "confirm" in node and "deny" in node and "title" in node:
        lengths |= _CONFIRM
    if re.search(r"/options/\d+$", place):
        lengths |= _OPTION
    if re.search(r"/fields/\d+$", place):
        lengths["text"] = 2000
    if kind in ("plain_text", "mrkdwn") and "text" not in lengths:
        lengths["text"] = 3000
    for path, most in lengths.items():
        yield from _length_faults(node, path, most, place)
    for name, most in _COUNTS.get(kind or "", {}).items():
        yield from _count_faults(node.get(name), most, f"{place}/{name}")
    needed = _NEEDED.get(kind or "", ())
    if needed and not any(node.get(name) for name in needed):
        yield f"missing required field: {needed[0]} {_at(place)}"
    for name in _PLAIN.get(kind or "", ()):
        if isinstance(node.get(name), dict) and node[name].get("type") != "plain_text":
            yield f"must be plain_text {_at(f'{place}/{name}/type')}"
    for name, value in node.items():
        yield from _object_faults(value, f"{place}/{name}")


def _length_faults(node: Mapping[str, Any], path: str, most: int, place: str) -> Iterator[str]:
    value: Any = node
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    where = _at(f"{place}/{path.replace('.', '/')}")
    if isinstance(value, str) and len(value) > most:
        yield f"must be less than {most + 1} characters {where}"
    if value == "" and path in ("text", "text.text", "alt_text") and most != MOST_MARKDOWN:
        yield f"must be more than 0 characters {where}"


def _count_faults(items: Any, most: int, place: str) -> Iterator[str]:
    if isinstance(items, list) and len(items) > most:
        yield f"no more than {most} items allowed {_at(place)}"
    if isinstance(items, list) and not items:
        yield f"no fewer than 1 items allowed {_at(place)}"
    if place.endswith("/rows") and isinstance(items, list):
        for index, row in enumerate(items):
            yield from _count_faults(row, 20, f"{place}/{index}")


def _twice(items: Any, name: str, place: str) -> Iterator[str]:
    if not isinstance(items, list):
        return
    ids = Counter(each.get(name) for each in items if isinstance(each, dict))
    for value, count in ids.items():
        if value is not None and count > 1:
            yield f"`{name}`: {value!r} is used {count} times {_at(place)}"


def _at(place: str) -> str:
    return f"[json-pointer:{place}]"
