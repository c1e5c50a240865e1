"""``brickwork help``: a command's help, or a topic."""

from collections.abc import Callable

import click

from brickwork.cli import exit_codes
from brickwork.cli.output import print_text


def _completion() -> str:
    lines = {
        "bash": 'add to ~/.bashrc:  eval "$(_BRICKWORK_COMPLETE=bash_source brickwork)"',
        "zsh": 'add to ~/.zshrc:   eval "$(_BRICKWORK_COMPLETE=zsh_source brickwork)"',
        "fish": "run once:          _BRICKWORK_COMPLETE=fish_source brickwork > "
        "~/.config/fish/completions/brickwork.fish",
    }
    return "\n".join(f"{shell:>5}: {line}" for shell, line in lines.items())


def _variables() -> str:
    from brickwork.config import VARIABLES

    return "\n".join(f"{name:<24} {meaning}" for name, meaning in VARIABLES.items())


TOPICS: dict[str, Callable[[], str]] = {
    "completion": _completion,
    "exit-codes": exit_codes.text,
    "variables": _variables,
}
"""What there is help on beside commands."""


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND... | TOPIC]")
@click.pass_context
def group(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Explain a command, or one of the topics: completion, exit-codes, variables."""
    if len(words) == 1 and words[0] in TOPICS:
        print_text(TOPICS[words[0]]())
        return
    context = ctx.find_root()
    for word in words:
        parent = context.command
        found = parent.get_command(context, word) if isinstance(parent, click.Group) else None
        if found is None:
            ctx.fail(f"There is no help on that; topics are {', '.join(TOPICS)}.")
        context = click.Context(found, info_name=word, parent=context)
    print_text(context.get_help())
