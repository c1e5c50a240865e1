r"""Builders for messages that people like to read, as Slack's Block Kit takes them.

Each gives plain dictionaries. A ``str`` is shown as it is and alerts nobody; markup is a `Mrkdwn`,
which `mrkdwn`, `from_markdown`, `link`, `mention` and `date` give. What is too long is cut at a
word, and says how much is left out. See https://docs.slack.dev/block-kit.

Examples:
    >>> from brickwork_slack.blockkit import fields, header, message
    >>> report = message(header("Nightly load"), fields({"Files": 12, "Failed": 0}))
    >>> report.text
    'Nightly load\n*Files*\n12\n*Failed*\n0'
"""

from brickwork_slack.blockkit.building import (
    actions,
    button,
    code,
    confirmation,
    context,
    divider,
    fields,
    header,
    image,
    progress,
    progress_bar,
    section,
    sections,
)
from brickwork_slack.blockkit.checking import checked, problems
from brickwork_slack.blockkit.composing import Message, Part, fallback, message, messages
from brickwork_slack.blockkit.converting import from_markdown, markdown
from brickwork_slack.blockkit.markup import Mrkdwn, Text, date, escape, link, mention, mrkdwn
from brickwork_slack.blockkit.shapes import Block, Button, Confirmation
from brickwork_slack.blockkit.tables import table

__all__ = [
    "Block",
    "Button",
    "Confirmation",
    "Message",
    "Mrkdwn",
    "Part",
    "Text",
    "actions",
    "button",
    "checked",
    "code",
    "confirmation",
    "context",
    "date",
    "divider",
    "escape",
    "fallback",
    "fields",
    "from_markdown",
    "header",
    "image",
    "link",
    "markdown",
    "mention",
    "message",
    "messages",
    "mrkdwn",
    "problems",
    "progress",
    "progress_bar",
    "section",
    "sections",
    "table",
]
