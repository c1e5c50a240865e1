"""``brickwork variable``: named values that flows, tasks and programs share."""

import json
from typing import Any

import click

from brickwork.commands import harmless, json_option, note, print_json, print_table, print_text
from brickwork_flows.cli.running import print_result
from brickwork_flows.errors import InvalidVariable, VariableNotFound
from brickwork_flows.variables import Variable, existing, list_variables

_SHOWN = 60


@click.group("variable")
def group() -> None:
    """Read and set variables: named values that flows share. They are no place for secrets."""


@group.command("ls")
@click.option("--tag", metavar="TAG", help="Only those with this tag.")
@json_option
def ls(tag: str | None, as_json: bool) -> None:
    """List variables."""
    variables = list_variables(tag)
    if as_json:
        print_json("variable.list/1", {"variables": [_as_dict(each) for each in variables]})
    elif variables:
        print_table(
            ("name", "value", "tags", "version", "updated"),
            [
                (v.name, _shortened(v.value), ", ".join(v.tags), v.version, _when(v)[:19] + "Z")
                for v in variables
            ],
        )
    else:
        note("No variable is like that." if tag else "There is no variable yet.")


@group.command("get")
@click.argument("name")
@json_option
def get(name: str, as_json: bool) -> None:
    """Print the value of a variable: a text as it is, anything else as JSON."""
    found = existing(name)
    if as_json:
        print_json("variable.get/1", {"name": found.name, "value": found.value})
    else:
        print_result(found.value if isinstance(found.value, str) else _text(found.value))


@group.command("inspect")
@click.argument("name")
@json_option
def inspect(name: str, as_json: bool) -> None:
    """Show a variable with its tags, version and time."""
    found = existing(name)
    if as_json:
        print_json("variable.inspect/1", _as_dict(found))
        return
    for label, value in (
        ("name", found.name),
        ("value", _text(found.value)),
        ("tags", ", ".join(found.tags)),
        ("version", found.version),
        ("updated", _when(found)),
    ):
        print_text(f"{label:<8} {harmless(value)}".rstrip())


@group.command("set")
@click.argument("name")
@click.argument("value")
@click.option("--overwrite", is_flag=True, help="Change it if there is one already.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag; repeatable.")
@click.option("--from-json", is_flag=True, help="VALUE is JSON: a number, true, a list, ...")
def set_(name: str, value: str, overwrite: bool, tags: tuple[str, ...], from_json: bool) -> None:
    """Set a variable to a text, or with --from-json to what JSON says.

    The value is taken as it stands there. One that begins with a dash goes after two dashes:
    brickwork variable set --from-json -- limit -5
    """
    kept: Any = value
    if from_json:
        try:
            kept = json.loads(value)
        except (ValueError, RecursionError):
            raise InvalidVariable(
                f"The value of {name!r} is no JSON.",
                fix="Write a text in JSON's quotes, or leave out --from-json.",
            ) from None
    found = Variable.set(name, kept, tags or None, overwrite)
    note(f"{found.name} is set; version {found.version}.")


@group.command("unset")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def unset(names: tuple[str, ...]) -> None:
    """Remove variables."""
    missing = [name for name in names if not Variable.unset(name)]
    if missing:
        raise VariableNotFound(f"There is no variable {', '.join(map(repr, missing))}.")
    note(f"{len(names)} variable(s) removed.")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shortened(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _as_dict(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "value": variable.value,
        "tags": list(variable.tags),
        "version": variable.version,
        "updated": _when(variable),
    }


def _when(variable: Variable) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(variable.updated, UTC).isoformat(timespec="microseconds")
