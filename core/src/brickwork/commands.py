"""What plugins that bring commands share with the core's own: output in the same manner.

A command is a click command, found through the hook ``brickwork_commands``.
"""

from brickwork.cli.output import (
    harmless as harmless,
    json_option as json_option,
    note as note,
    print_json as print_json,
    print_table as print_table,
    print_text as print_text,
)

__all__ = [
    "harmless",
    "json_option",
    "note",
    "print_json",
    "print_table",
    "print_text",
]
