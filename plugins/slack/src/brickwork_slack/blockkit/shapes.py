"""The shapes of Block Kit that the builders give: plain dictionaries, as Slack takes them.

See https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/reference/block-kit/composition-objects.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

Block: TypeAlias = Mapping[str, Any]
"""Any block, of these builders or of others."""

Style = Literal["primary", "danger"]
Align = Literal["left", "center", "right"]


class PlainText(TypedDict):
    """A text that is shown as it is, but for codes of emoji."""

    type: Literal["plain_text"]
    text: str
    emoji: bool


class MrkdwnText(TypedDict):
    """A text in Slack's markup. ``verbatim`` keeps Slack from finding more in it than is marked."""

    type: Literal["mrkdwn"]
    text: str
    verbatim: bool


TextObject: TypeAlias = PlainText | MrkdwnText


class Confirmation(TypedDict):
    """A dialog that asks before a button acts."""

    title: PlainText
    text: TextObject
    confirm: PlainText
    deny: PlainText
    style: NotRequired[Style]


class Button(TypedDict):
    """A button."""

    type: Literal["button"]
    text: PlainText
    url: NotRequired[str]
    value: NotRequired[str]
    action_id: NotRequired[str]
    style: NotRequired[Style]
    confirm: NotRequired[Confirmation]


class Image(TypedDict):
    """An image: a block, and an element of a context without a title."""

    type: Literal["image"]
    image_url: str
    alt_text: str
    title: NotRequired[PlainText]


class Header(TypedDict):
    """A header block."""

    type: Literal["header"]
    text: PlainText


class Section(TypedDict):
    """A section block: a text, or fields."""

    type: Literal["section"]
    text: NotRequired[TextObject]
    fields: NotRequired[Sequence[TextObject]]
    accessory: NotRequired[Button | Image]
    expand: NotRequired[bool]


class Context(TypedDict):
    """A context block."""

    type: Literal["context"]
    elements: Sequence[TextObject | Image]


class Actions(TypedDict):
    """An actions block."""

    type: Literal["actions"]
    elements: Sequence[Button]
    block_id: NotRequired[str]


class Divider(TypedDict):
    """A divider block."""

    type: Literal["divider"]


class TextStyle(TypedDict, total=False):
    """How a piece of rich text looks."""

    bold: bool
    italic: bool
    strike: bool
    code: bool


class RichTextPiece(TypedDict):
    """A text, or a link, of rich text."""

    type: Literal["text", "link"]
    text: NotRequired[str]
    url: NotRequired[str]
    style: NotRequired[TextStyle]


class RichTextPart(TypedDict):
    """A part of rich text: running text, or code."""

    type: Literal["rich_text_section", "rich_text_preformatted"]
    elements: Sequence[RichTextPiece]


class RichText(TypedDict):
    """A rich text block, and a cell of a table."""

    type: Literal["rich_text"]
    elements: Sequence[RichTextPart]


class RawText(TypedDict):
    """A cell of a table."""

    type: Literal["raw_text"]
    text: str


class Column(TypedDict):
    """How a column of a table looks."""

    align: NotRequired[Align]
    is_wrapped: NotRequired[bool]


class Table(TypedDict):
    """A table block."""

    type: Literal["table"]
    rows: Sequence[Sequence[RawText | RichText]]
    column_settings: NotRequired[Sequence[Column]]
