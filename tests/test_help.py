"""What every command of every package says of itself."""

from collections.abc import Iterator

import click
import pytest

from brickwork.registry import get_registry


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Return a command and all below it, with what one types."""
    yield name, command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for below in command.list_commands(context):
                found = command.get_command(context, below)
                assert found is not None
                yield from commands(found, f"{name} {below}")


def every_command() -> list[tuple[str, click.Command]]:
    """Return those of the core and of the packages."""
    registry = get_registry()
    return [
        each
        for name in registry.names("commands")
        for each in commands(registry.get("commands", name), f"brickwork {name}")
    ]


def test_help_is_laid_out() -> None:
    """Marks for the layout are not shown, and every command, argument and option is explained."""
    found = every_command()
    assert len(found) > 60
    for typed, command in found:
        with click.Context(command, info_name=typed, terminal_width=80) as context:
            shown = command.get_help(context)
        assert "\\" not in shown, f"{typed}: a raw docstring hides the mark from click"
        assert "\b" not in shown, typed
        assert command.help, f"{typed} says nothing"
        assert command.get_short_help_str(), typed
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{typed} {option.name} says nothing"


@pytest.mark.parametrize("line", ["brickwork slack manifest slack.", "brickwork aws policy aws."])
def test_examples_in_help_stand_alone(line: str) -> None:
    """Each on a line of its own."""
    helps = [command.get_help(click.Context(command)) for _, command in every_command()]
    assert any(text.strip().startswith(line) for each in helps for text in each.splitlines())
