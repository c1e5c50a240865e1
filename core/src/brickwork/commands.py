"""What plugins that bring commands share with the core's own: input and output in one manner.

A command is a click command, found through the hook ``brickwork_commands``.
"""

from typing import Any

from brickwork.cli.arguments import (
    given as given_arguments,
    opened as opened,
    read_arguments as read_arguments,
)
from brickwork.cli.invocation import Invocation as Invocation, pass_invocation as pass_invocation
from brickwork.cli.named_tasks import named_tasks as named_tasks
from brickwork.cli.output import (
    harmless as harmless,
    harmless_lines as harmless_lines,
    json_option as json_option,
    note as note,
    print_json as print_json,
    print_table as print_table,
    print_text as print_text,
)

__all__ = [
    "Invocation",
    "as_text",
    "given_arguments",
    "harmless",
    "harmless_lines",
    "json_option",
    "jsonable",
    "named_tasks",
    "note",
    "opened",
    "pass_invocation",
    "print_json",
    "print_table",
    "print_text",
    "read_arguments",
]


def jsonable(value: Any) -> Any:
    """Return a value as JSON: secrets hidden, a saved block as its address, others as text."""
    from brickwork.cli.results import jsonable as made

    return made(value)


def as_text(value: Any) -> str:
    """Return a value as text for people: a text as it is, anything else as readable JSON."""
    from brickwork.cli.results import as_text as made

    return made(value)
