"""A group whose commands are imported when they are used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that knows of its commands where they are and what they do.

    Args:
        elsewhere: Name to ``module:attribute`` and the line that help has on it.
    """

    def __init__(
        self, *args: Any, elsewhere: Mapping[str, tuple[str, str]] | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.elsewhere = elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return all names; imports nothing."""
        return sorted({*self.commands, *self.elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.elsewhere[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands, without importing any."""
        lines = {name: command.get_short_help_str(80) for name, command in self.commands.items()}
        lines.update({name: line for name, (_, line) in self.elsewhere.items()})
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))
