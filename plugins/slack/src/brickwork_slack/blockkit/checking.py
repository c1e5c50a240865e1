"""Looks at blocks before they are sent, those of others too, and says what Slack would refuse.

In Slack's words: ``must be less than 151 characters [json-pointer:/blocks/0/text/text]``. What it
does not know, it leaves to Slack.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from brickwork_slack.blockkit import limits
from brickwork_slack.blockkit.limits import size
from brickwork_slack.blockkit.shapes import Block
from brickwork_slack.blockkit.tables import cells_size
from brickwork_slack.errors import SlackInvalid

_Problems = Iterator[str]


def checked(blocks: Iterable[Block]) -> list[Block]:
    """Return blocks that keep Slack's limits.

    Raises:
        SlackInvalid: They do not; with what is wrong, and where.
    """
    given = list(blocks)
    found = tuple(problems(given))
    if not found:
        return given
    error = SlackInvalid(
        f"Slack would not take these blocks: {'; '.join(found[:5])}"
        + (f"; and {len(found) - 5} more." if len(found) > 5 else "."),
        fix="Mend the blocks; the builders of brickwork_slack.blockkit cut what is too long.",
    )
    error.error = "invalid_blocks"
    error.messages = tuple(f"[ERROR] {each}" for each in found)
    raise error


def problems(
    blocks: Sequence[Any], *, most: int = limits.MOST_BLOCKS, place: str = "/blocks"
) -> _Problems:
    """Yield what is wrong with blocks, in Slack's words; nothing if all is well.

    Args:
        blocks: The blocks.
        most: How many may be together; views take more than messages.
        place: Where they stand in what is sent.
    """
    if len(blocks) > most:
        yield _said(f"no more than {most} items allowed", place)
    for at, block in enumerate(blocks):
        yield from _of_block(block, f"{place}/{at}")
    ids = [
        str(block["block_id"])
        for block in blocks
        if isinstance(block, Mapping) and block.get("block_id")
    ]
    if len(set(ids)) < len(ids):
        yield _said("`block_id` must be unique", place)
    yield from _of_tables([each for each in blocks if _kind(each) == "table"], place)
    marked = [str(each.get("text", "")) for each in blocks if _kind(each) == "markdown"]
    if sum(map(size, marked)) > limits.MOST_MARKDOWN:
        yield _less(limits.MOST_MARKDOWN, place)


def _of_block(block: Any, where: str) -> _Problems:
    kind = _kind(block)
    if not kind:
        yield _said("missing required field: type", where)
        return
    if size(str(block.get("block_id") or "")) > limits.MOST_ID:
        yield _less(limits.MOST_ID, f"{where}/block_id")
    look = _LOOKS.get(kind)
    if look is not None:
        yield from look(block, where)


def _header(block: Block, where: str) -> _Problems:
    yield from _text(block.get("text"), f"{where}/text", limits.MOST_HEADER, plain=True)


def _section(block: Block, where: str) -> _Problems:
    text, fields = block.get("text"), block.get("fields")
    if text is None and not fields:
        yield _said("missing required field: text", where)
    if text is not None:
        yield from _text(text, f"{where}/text", limits.MOST_SECTION)
    yield from _items(fields or (), f"{where}/fields", limits.MOST_FIELDS)
    for at, each in enumerate(fields or ()):
        yield from _text(each, f"{where}/fields/{at}", limits.MOST_FIELD)
    if block.get("accessory") is not None:
        yield from _element(block["accessory"], f"{where}/accessory")


def _context(block: Block, where: str) -> _Problems:
    elements = block.get("elements") or ()
    yield from _items(elements, f"{where}/elements", limits.MOST_ELEMENTS, least=1)
    for at, each in enumerate(elements):
        there = f"{where}/elements/{at}"
        if _kind(each) == "image":
            yield from _image(each, there)
        else:
            yield from _text(each, there, limits.MOST_CONTEXT)


def _actions(block: Block, where: str) -> _Problems:
    elements = block.get("elements") or ()
    yield from _items(elements, f"{where}/elements", limits.MOST_BUTTONS, least=1)
    for at, each in enumerate(elements):
        yield from _element(each, f"{where}/elements/{at}")
    ids = [str(each["action_id"]) for each in elements if each.get("action_id")]
    if len(set(ids)) < len(ids):
        yield _said("`action_id` must be unique", f"{where}/elements")


def _image(block: Block, where: str) -> _Problems:
    if not block.get("image_url") and not block.get("slack_file"):
        yield _said("missing required field: image_url", where)
    yield from _length(block.get("image_url") or "-", f"{where}/image_url", limits.MOST_URL)
    yield from _length(block.get("alt_text"), f"{where}/alt_text", limits.MOST_ALT)
    if block.get("title") is not None:
        yield from _text(block["title"], f"{where}/title", limits.MOST_ALT, plain=True)


def _table(block: Block, where: str) -> _Problems:
    rows = block.get("rows") or ()
    yield from _items(rows, f"{where}/rows", limits.MOST_ROWS, least=1)
    for at, row in enumerate(rows):
        yield from _items(row, f"{where}/rows/{at}", limits.MOST_COLUMNS, least=1)
        for column, cell in enumerate(row):
            if _kind(cell) == "raw_text" and not cell.get("text"):
                there = f"{where}/rows/{at}/{column}/text"
                yield _said("must be more than 0 characters", there)
    columns = block.get("column_settings") or ()
    yield from _items(columns, f"{where}/column_settings", limits.MOST_COLUMNS)


def _rich_text(block: Block, where: str) -> _Problems:
    for at, part in enumerate(block.get("elements") or ()):
        for inner, piece in enumerate(part.get("elements") or ()):
            if _kind(piece) == "text" and not piece.get("text"):
                there = f"{where}/elements/{at}/elements/{inner}/text"
                yield _said("must be more than 0 characters", there)


_LOOKS: dict[str, Callable[[Block, str], _Problems]] = {
    "actions": _actions,
    "context": _context,
    "header": _header,
    "image": _image,
    "rich_text": _rich_text,
    "section": _section,
    "table": _table,
}


def _element(element: Any, where: str) -> _Problems:
    if _kind(element) == "image":
        yield from _image(element, where)
    if _kind(element) != "button":
        return
    yield from _text(element.get("text"), f"{where}/text", limits.MOST_BUTTON, plain=True)
    for name, most in _BUTTON.items():
        if element.get(name) is not None:
            yield from _length(element[name], f"{where}/{name}", most)
    for name, most in _CONFIRM.items():
        found = (element.get("confirm") or {}).get(name)
        if found is not None:
            yield from _text(found, f"{where}/confirm/{name}", most, plain=name != "text")


_BUTTON = {"value": limits.MOST_VALUE, "url": limits.MOST_URL, "action_id": limits.MOST_ID}
_CONFIRM = {
    "title": limits.MOST_CONFIRM_TITLE,
    "text": limits.MOST_CONFIRM_TEXT,
    "confirm": limits.MOST_CONFIRM_BUTTON,
    "deny": limits.MOST_CONFIRM_BUTTON,
}


def _of_tables(tables: Sequence[Block], place: str) -> _Problems:
    if len(tables) > 1:
        yield _said("only one table is allowed", place)
    if sum(map(cells_size, tables)) > limits.MOST_CELLS:
        yield _less(limits.MOST_CELLS, place)


def _text(text: Any, where: str, most: int, *, plain: bool = False) -> _Problems:
    if not isinstance(text, Mapping) or _kind(text) not in ("plain_text", "mrkdwn"):
        yield _said("must be a text object", where)
        return
    if plain and _kind(text) != "plain_text":
        yield _said("must be plain_text", f"{where}/type")
    yield from _length(text.get("text"), f"{where}/text", most)


def _length(value: Any, where: str, most: int) -> _Problems:
    if not isinstance(value, str):
        yield _said("must be a string", where)
    elif not value:
        yield _said("must be more than 0 characters", where)
    elif size(value) > most:
        yield _less(most, where)


def _items(items: Sequence[Any], where: str, most: int, *, least: int = 0) -> _Problems:
    if len(items) > most:
        yield _said(f"no more than {most} items allowed", where)
    if len(items) < least:
        yield _said(f"no fewer than {least} items allowed", where)


def _kind(part: Any) -> str:
    return str(part.get("type") or "") if isinstance(part, Mapping) else ""


def _less(most: int, where: str) -> str:
    return _said(f"must be less than {most + 1} characters", where)


def _said(what: str, where: str) -> str:
    return f"{what} [json-pointer:{where}]"
