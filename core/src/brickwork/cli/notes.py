"""Options that say what people note on a block: description, tags, expiry."""

from typing import TYPE_CHECKING, Any

import click

from brickwork.cli.options import together
from brickwork.cli.times import When

if TYPE_CHECKING:
    from brickwork.vault.notes import Notes


note_options = together(
    click.option("--description", metavar="TEXT", help="What it is for, in one line."),
    click.option("--tag", "tags", multiple=True, metavar="TAG", help="A word to find it by."),
    click.option(
        "--expires",
        type=When(),
        metavar="WHEN",
        help="When what it holds ends to be valid: 2027-01-31, 90d, or never.",
    ),
)
"""Gives a command the options of a new block: ``description``, ``tags``, ``expires``."""

untag_option = click.option(
    "--untag", "untags", multiple=True, metavar="TAG", help="Take a tag off it."
)
"""Gives a command that changes a block ``untags``, too."""


def changed_notes(
    notes: "Notes",
    description: str | None,
    tags: tuple[str, ...],
    expires: Any,
    untags: tuple[str, ...] = (),
) -> "Notes":
    """Return notes with what was given in the options changed."""
    if description is not None:
        notes = notes._replace(description=description)
    if tags or untags:
        notes = notes._replace(tags=tuple(sorted({*notes.tags, *tags} - {*untags})))
    if expires is not None:
        notes = notes._replace(expires_at=None if expires == "never" else expires)
    return notes
