"""``brickwork plugin new``: the package of a new plugin, ready to be tested."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, print_json, print_text
from brickwork.errors import ConfigError
from brickwork.scaffold.plan import LICENSES, PARTS

if TYPE_CHECKING:
    from brickwork.cli.forms import Terminal
    from brickwork.scaffold import Plan


@click.command("new")
@click.argument("name")
@click.option(
    "--with",
    "parts",
    metavar="PARTS",
    help=f"What it has, with commas between: {', '.join(PARTS)}. Default: all.",
)
@click.option("--title", help="What people call the service. Default: NAME.")
@click.option("--url", help="Where the service's API is. Default: an example.")
@click.option("--author", help="Who writes it: Ann Example <ann@example.com>.")
@click.option("--license", type=click.Choice(LICENSES), help="Its licence. Default: Apache-2.0.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder in which its folder is made. Default: this one.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing; take what is not given as it is.")
@json_option
@pass_invocation
def new(
    invocation: Invocation,
    name: str,
    parts: str | None,
    title: str | None,
    url: str | None,
    author: str | None,
    license: str | None,  # noqa: A002  # as in pyproject.toml
    into: Path,
    no_input: bool,
    as_json: bool,
) -> None:
    """Write the package of a new plugin: brickwork-NAME.

    It has a block, what else is wanted, a service on loopback, the contracts, tests, documentation
    and a file for CI, and passes `brickwork plugin check` as it is. On a terminal it asks for what
    is not given.
    """
    from brickwork.scaffold import Plan, check_name, write

    name = check_name(name)
    given = {"parts": parts, "title": title, "url": url, "author": author, "license": license}
    if invocation.interactive and not no_input and not as_json:
        given = _asked(name, given)
    wanted = _parts(given.pop("parts"))
    plan = Plan.of(name, parts=wanted, **{key: text for key, text in given.items() if text})
    folder = write(plan, into)
    if as_json:
        files = sorted(
            str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
        )
        print_json("plugin.new/1", {"name": plan.name, "folder": str(folder), "files": files})
        return
    _tell(plan, folder)


def _asked(name: str, given: dict[str, str | None]) -> dict[str, str | None]:
    """Ask for what is not given."""
    from brickwork.cli.forms import Terminal

    person = Terminal()
    questions = {
        "title": ("What do people call the service?", name.capitalize()),
        "url": ("Where is its API?", f"https://api.{name}.example"),
        "author": ("Who writes it? (Ann Example <ann@example.com>)", ""),
        "license": (f"Licence ({', '.join(LICENSES)})?", LICENSES[0]),
    }
    answers: dict[str, str | None] = {
        key: given[key] or _answer(person, name, key, question, default)
        for key, (question, default) in questions.items()
    }
    parts = given["parts"]
    if parts is None:
        parts = ",".join(
            part
            for part, what in PARTS.items()
            if part == "credentials" or person.confirm(f"Has it {what}?", default=True)
        )
    return {**answers, "parts": parts}


def _answer(person: "Terminal", name: str, key: str, question: str, default: str) -> str:
    """Ask until the answer can be used."""
    from brickwork.scaffold import Plan

    while True:
        answer = person.ask(question, default=default)
        try:
            Plan.of(name, **{key: answer})  # type: ignore[arg-type]  # a text each
        except ConfigError as error:
            person.tell(f"  {error.what} {error.fix}")
        else:
            return answer


def _parts(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset(PARTS)
    return frozenset(part for part in map(str.strip, text.split(",")) if part)


def _tell(plan: "Plan", folder: Path) -> None:
    count = sum(path.is_file() for path in folder.rglob("*"))
    print_text(
        f"Wrote {folder}: {count} files. Next:\n"
        f"  cd {shlex.quote(str(folder))}\n"
        '  python -m pip install -e ".[dev]"\n'
        "  python -m pytest -q\n"
        f"  brickwork plugin check {plan.distribution}"
    )
