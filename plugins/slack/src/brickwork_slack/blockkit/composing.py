"""Puts blocks together to messages that Slack takes, with a text for where blocks are not shown."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from brickwork_slack.blockkit import limits
from brickwork_slack.blockkit.building import code, context, sections
from brickwork_slack.blockkit.checking import checked
from brickwork_slack.blockkit.cutting import cut
from brickwork_slack.blockkit.limits import size
from brickwork_slack.blockkit.markup import Mrkdwn, Text, entities, escape, markup_of, sound
from brickwork_slack.blockkit.shapes import Block
from brickwork_slack.blockkit.tables import aligned, cells_size
from brickwork_slack.errors import SlackInvalid

_AROUND = 60
"""What Slack adds to each block: an id."""

_NOTE = 400


@dataclass(frozen=True, slots=True)
class Message:
    """A message: blocks, and a text for notifications and screen readers.

    Attributes:
        text: What it says without blocks, in Slack's markup; 4,000 characters at the most.
        blocks: The blocks.
    """

    text: str
    blocks: tuple[Block, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """Return it as arguments of ``chat.postMessage`` and its like."""
        return {"text": self.text, "blocks": [dict(block) for block in self.blocks]}


Part: TypeAlias = Text | Block | Iterable[Block]
"""A text, which becomes sections, a block, or several."""


def message(*parts: Part, text: Text = "") -> Message:
    """Return one message; what does not fit is left out, and its end says how much.

    Args:
        parts: Texts and blocks.
        text: What it says without blocks; made of the blocks if it is left out.

    Raises:
        SlackInvalid: A block is not one that Slack takes, or there is none and no text.
    """
    first, *rest = _groups(_flat(parts))
    if rest:
        left = sum(map(len, rest))
        while _too_much(len(first) + 1, sum(map(_weight, first)) + _NOTE):
            first.pop()
            left += 1
        first.append(_left_out(left))
    return _message(first, text)


def messages(*parts: Part, text: Text = "") -> list[Message]:
    """Return as many messages as it needs.

    Args:
        parts: As for `message`.
        text: What the first says without blocks.

    Raises:
        SlackInvalid: As for `message`.
    """
    return [_message(group, "" if at else text) for at, group in enumerate(_groups(_flat(parts)))]


def fallback(blocks: Iterable[Block]) -> str:
    """Return what blocks say, in Slack's markup, 4,000 characters at the most."""
    said = "\n".join(text for block in blocks for text in _said(block))
    return cut(said, limits.MOST_TEXT, markup=True)


def _message(blocks: Sequence[Block], text: Text) -> Message:
    said = cut(markup_of(text), limits.MOST_TEXT, markup=True) if str(text) else fallback(blocks)
    if not blocks and not said.strip():
        error = SlackInvalid("The message says nothing.", fix="Give a text or a block.")
        error.error = "no_text"
        raise error
    return Message(said, tuple(checked(blocks)))


def _flat(parts: Iterable[Part]) -> list[Block]:
    found: list[Block] = []
    for part in parts:
        if isinstance(part, str | Mrkdwn):
            found += sections(part)
        elif isinstance(part, Mapping):
            found.append(part)
        else:
            found += part
    return found


def _groups(blocks: Iterable[Block]) -> list[list[Block]]:
    """Return the blocks in groups that each are one message; at least one."""
    groups: list[list[Block]] = [[]]
    used = 0
    for block in blocks:
        group = groups[-1]
        if block.get("type") == "table" and any(each["type"] == "table" for each in group):
            block = code(aligned(block))  # Slack takes one table
        weight = _weight(block)
        if group and _too_much(len(group) + 1, used + weight):
            if block.get("type") == "divider":
                continue
            groups.append([block])
            used = weight
        else:
            group.append(block)
            used += weight
    return groups


def _too_much(count: int, weight: int) -> bool:
    return count > limits.MOST_BLOCKS or weight > limits.MOST_MESSAGE


def _weight(block: Block) -> int:
    if block.get("type") == "table":
        return cells_size(block) + _AROUND
    return size(json.dumps(block, ensure_ascii=False, separators=(",", ":"))) + _AROUND


def _left_out(count: int) -> Block:
    return context(f"\u2026 {count:,} more {'block' if count == 1 else 'blocks'} left out")


def _said(block: Block) -> Iterator[str]:
    """Return the texts of a block, as markup."""
    kind = block.get("type")
    if kind == "table":
        yield entities(aligned(block))
    elif kind == "image":
        yield escape(sound(str(block.get("alt_text", ""))))
    elif kind == "rich_text":
        yield entities("".join(_pieces(block)))
    elif kind in ("header", "section", "context"):
        found = [block.get("text"), *(block.get("fields") or ()), *(block.get("elements") or ())]
        yield from (_markup(each) for each in found if each and "text" in each)


def _markup(text: Mapping[str, Any]) -> str:
    said = str(text["text"])
    return said if text.get("type") == "mrkdwn" else escape(said)


def _pieces(part: Mapping[str, Any]) -> Iterator[str]:
    if "elements" in part:
        for each in part["elements"]:
            yield from _pieces(each)
    elif "text" in part or "url" in part:
        yield str(part.get("text") or part.get("url"))
