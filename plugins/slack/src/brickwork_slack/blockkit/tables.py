"""Tables: as Slack's table block, and as text of one width where there can be none.

See https://docs.slack.dev/reference/block-kit/blocks/table-block.
"""

from collections.abc import Iterable, Sequence
from unicodedata import combining, east_asian_width

from brickwork_slack.blockkit import limits
from brickwork_slack.blockkit.cutting import cut
from brickwork_slack.blockkit.limits import size
from brickwork_slack.blockkit.markup import sound
from brickwork_slack.blockkit.shapes import Align, Block, RawText, RichText, Table
from brickwork_slack.errors import SlackInvalid

_MOST_NOTE = 40
_WIDEST = 60


def table(
    rows: Iterable[Sequence[object]],
    *,
    head: Sequence[str] = (),
    align: Sequence[Align] = (),
    wrap: bool = True,
) -> Table:
    """Return a table: 100 rows with its head, 20 columns, 10,000 characters.

    What does not fit is left out, and how much is said in its last row and column. Numbers stand
    to the right. A message has one table; of more, `message` makes text.

    Args:
        rows: Texts, and anything that ``str`` makes a text of; None is an empty cell.
        head: Above the columns, in bold.
        align: Of each column; where it ends, the usual.
        wrap: Whether a long text goes on in the next line.

    Raises:
        SlackInvalid: It has no cell.
    """
    given = [list(row) for row in rows]
    width = max([len(head), *map(len, given)], default=0)
    if not width:
        raise SlackInvalid("A table has no cell.", fix="Give a row or a head.")
    # A head, and one row, must not be too much already.
    most = limits.MOST_CELLS * 2 // 5 // min(width, limits.MOST_COLUMNS)
    texts = [[_shown(cell, most) for cell in row] + [""] * (width - len(row)) for row in given]
    titles = [_shown(each, most) for each in head]
    titles += [""] * (width - len(titles)) if titles else []
    settings = [_align(given, column, align) for column in range(width)]
    if width > limits.MOST_COLUMNS:
        kept = limits.MOST_COLUMNS - 1
        texts = [[*row[:kept], "\u2026"] for row in texts]
        titles = [*titles[:kept], f"\u2026 {width - kept} more"] if titles else []
        settings = [*settings[:kept], "left"]
    body = _fitted(titles, texts)
    made: list[list[RawText | RichText]] = [[_bold(each) for each in titles]] if titles else []
    made += [[{"type": "raw_text", "text": each or " "} for each in row] for row in body]
    return {
        "type": "table",
        "rows": made,
        "column_settings": [{"align": each, "is_wrapped": wrap} for each in settings],
    }


def aligned(block: Block) -> str:
    """Return what a table block says as text of one width, a line for each row."""
    rows = [[_text_of(cell) for cell in row] for row in block["rows"]]
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    settings = block.get("column_settings") or ()
    right = {at for at, each in enumerate(settings) if (each or {}).get("align") == "right"}
    widths = [min(_WIDEST, max(_columns(row[at]) for row in rows)) for at in range(width)]
    return "\n".join(
        "  ".join(_padded(row[at], widths[at], right=at in right) for at in range(width)).rstrip()
        for row in rows
    )


def cells_size(block: Block) -> int:
    """Return how long the texts of all cells are together."""
    return sum(size(_text_of(cell)) for row in block["rows"] for cell in row)


def _fitted(titles: Sequence[str], rows: list[list[str]]) -> list[list[str]]:
    """Return the rows that fit, and one that says how many do not."""
    most_rows = limits.MOST_ROWS - bool(titles)
    room = limits.MOST_CELLS - _MOST_NOTE - limits.MOST_COLUMNS - sum(map(_size, titles))
    kept = 0
    for row in rows[:most_rows]:
        room -= sum(map(_size, row))
        if room < 0:
            break
        kept += 1
    if kept == len(rows):
        return rows
    kept = min(kept, most_rows - 1)
    note = f"\u2026 {len(rows) - kept:,} more rows"
    return [*rows[:kept], [note, *[""] * (len(rows[0]) - 1)]]


def _shown(cell: object, most: int) -> str:
    return cut(sound("" if cell is None else str(cell)).strip(), most)


def _size(text: str) -> int:
    return size(text) or 1  # an empty cell is a space


def _align(rows: list[list[object]], column: int, align: Sequence[Align]) -> Align:
    if column < len(align):
        return align[column]
    cells = [row[column] for row in rows if column < len(row) and row[column] is not None]
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) for each in cells]
    return "right" if numbers and all(numbers) else "left"


def _bold(text: str) -> RichText:
    return {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": text or " ", "style": {"bold": True}}],
            }
        ],
    }


def _text_of(cell: Block) -> str:
    """Return what a cell says: raw text, a raw number or rich text."""
    if "elements" in cell:
        return "".join(_text_of(each) for each in cell["elements"])
    return str(cell.get("text", cell.get("value", cell.get("url", ""))))


def _columns(text: str) -> int:
    """Return how many columns of a fixed width a text takes."""
    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )


def _padded(text: str, width: int, *, right: bool) -> str:
    text = " ".join(text.split())
    blank = " " * max(0, width - _columns(text))
    return blank + text if right else text + blank
