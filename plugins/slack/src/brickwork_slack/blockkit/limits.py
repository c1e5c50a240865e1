"""What Slack takes, in characters and in numbers; each with the page that says so.

Slack does not say how it counts. Characters outside the basic plane, as most emoji, are two here,
and entities such as ``&amp;`` are as long as they are written: the larger way to count.
"""

MOST_BLOCKS = 50
"""Of a message: https://docs.slack.dev/reference/block-kit/blocks."""

MOST_HEADER = 150
"""https://docs.slack.dev/reference/block-kit/blocks/header-block."""

MOST_SECTION = 3000
MOST_FIELDS = 10
MOST_FIELD = 2000
"""https://docs.slack.dev/reference/block-kit/blocks/section-block."""

MOST_ELEMENTS = 10
MOST_CONTEXT = 3000
"""https://docs.slack.dev/reference/block-kit/blocks/context-block."""

MOST_BUTTONS = 25
"""https://docs.slack.dev/reference/block-kit/blocks/actions-block."""

MOST_BUTTON = 75
MOST_VALUE = 2000
MOST_URL = 3000
"""https://docs.slack.dev/reference/block-kit/block-elements/button-element."""

MOST_CONFIRM_TITLE = 100
MOST_CONFIRM_TEXT = 300
MOST_CONFIRM_BUTTON = 30
"""https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object."""

MOST_ALT = 2000
"""https://docs.slack.dev/reference/block-kit/blocks/image-block."""

MOST_ROWS = 100
MOST_COLUMNS = 20
MOST_CELLS = 10_000
"""Rows with the header, and the characters of all cells of a message.

https://docs.slack.dev/reference/block-kit/blocks/table-block.
"""

MOST_MARKDOWN = 12_000
"""https://docs.slack.dev/reference/block-kit/blocks/markdown-block."""

MOST_ID = 255
"""Of a block's or an action's id."""

MOST_MESSAGE = 12_000
"""The size of all blocks of a message; larger ones are refused as ``msg_blocks_too_long``.

Slack does not document it. Its engineers name 12,000 characters "with a buffer for block
containers", and failures were seen from 13,172 on: https://github.com/slackapi/bolt-js/issues/2509.
Here it is the size of the blocks as JSON, but of a table that of its cells.
"""

MOST_TEXT = 4000
"""Of the text beside the blocks, as Slack advises: https://docs.slack.dev/reference/methods/chat.postMessage.
"""

MOST_CODE = 9000
"""Of code in one block: ours, so that a message has room for something else."""


def size(text: str) -> int:
    """Return how long a text is, as counted here; see above."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
