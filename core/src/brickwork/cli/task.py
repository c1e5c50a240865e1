"""``brickwork task``: prebuilt tasks, listed and run."""

import sys
from typing import TYPE_CHECKING, Any

import click

from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import (
    harmless_lines,
    json_option,
    note,
    print_json,
    print_table,
    print_text,
)
from brickwork.errors import BlockError, BrickworkError

if TYPE_CHECKING:
    from brickwork.tasks import Task


@click.group("task")
def group() -> None:
    """List and run prebuilt tasks."""


@group.command("ls")
@json_option
@pass_invocation
def ls(invocation: Invocation, as_json: bool) -> None:
    """List the tasks of the installed plugins."""
    registry = invocation.registry()
    rows = []
    for name, origin in registry.names("tasks").items():
        row: dict[str, Any] = {"name": name, "description": "", "package": origin, "problem": None}
        try:
            row["description"] = registry.task(name).description
        except BrickworkError as error:
            row["problem"] = error.what
        rows.append(row)
    if as_json:
        print_json("task.list/1", {"tasks": rows})
    elif rows:
        print_table(
            ("name", "description", "package"),
            [(r["name"], r["problem"] or r["description"], r["package"]) for r in rows],
        )
    else:
        note("No installed plugin has tasks.")


@group.command("show")
@click.argument("name", shell_complete=completion.tasks)
@json_option
@pass_invocation
def show(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show what a task does and which arguments it takes."""
    from brickwork.tasks.parameters import EMPTY

    task = invocation.registry().task(name)
    rows = [
        {
            "name": each.name,
            "type": _type_name(each.annotation),
            "required": each.required,
            "default": "" if each.default is EMPTY else repr(each.default),
            "description": each.description,
        }
        for each in task.parameters
    ]
    if as_json:
        content = {"name": name, "description": task.description}
        print_json("task.show/1", {**content, "parameters": rows})
        return
    print_text(f"{name}: {task.description}\n")
    print_table(
        ("argument", "type", "needed", "default", "description"),
        [
            (r["name"], r["type"], "yes" if r["required"] else "", r["default"], r["description"])
            for r in rows
        ],
    )


@group.command("run")
@click.argument("name", shell_complete=completion.tasks)
@click.option(
    "--arg", "texts", multiple=True, metavar="NAME=VALUE", help="Give an argument; repeatable."
)
@click.option("--quiet", is_flag=True, help="Do not show the progress.")
@json_option
@pass_invocation
def run(
    invocation: Invocation, name: str, texts: tuple[str, ...], quiet: bool, as_json: bool
) -> None:
    """Run a task here and now, with its retries and its time-out.

    \b
    brickwork task run aws.s3_upload_file --arg bucket=aws-s3-bucket/reports
        --arg path=report.pdf --arg key=2026/report.pdf

    Values become what the task's annotations ask for: numbers, dates, paths; JSON for lists and
    mappings; a saved block or a URL for a block or a storage. A secret is given as "-", from
    standard input.
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    import time

    from brickwork.cli.progress import shown_progress
    from brickwork.cli.results import as_text, jsonable

    task = invocation.registry().task(name)
    invocation.vault()
    arguments = task.coerce(_arguments(invocation, task, texts), resolve_block=_opened)
    started = time.monotonic()
    with shown_progress(hidden=quiet):
        result = _run(task, arguments)
    seconds = round(time.monotonic() - started, 3)
    if as_json:
        print_json("task.result/1", {"task": name, "seconds": seconds, "result": jsonable(result)})
    elif result is not None:
        text = as_text(result)
        # A terminal would obey what a program that reads the output wants as it is.
        print_text(harmless_lines(text) if sys.stdout.isatty() else text)


def _arguments(
    invocation: Invocation, task: "Task[..., Any]", texts: tuple[str, ...]
) -> dict[str, object]:
    """Read ``NAME=VALUE``; a secret comes from standard input, never from the argument."""
    from brickwork.cli.assign import parse, read_input
    from brickwork.cli.forms import Terminal
    from brickwork.secret import Secret
    from brickwork.vault.shapes import Shape

    annotations = {each.name: each.annotation for each in task.parameters}
    arguments: dict[str, object] = {}
    used = ""
    for given in parse(texts, "--arg"):
        name = given.name
        shape = Shape(annotations[name]) if name in annotations else None
        arguments[name] = given.value
        if shape is None or not _may_hold_secret(shape, given.value):
            continue
        if given.value != "-" or not shape.takes_secret():
            raise BlockError(
                f"{name} is a secret, and an argument is seen by other users.",
                fix=f"Write --arg {name}=- and pass it on standard input.",
            )
        if used:
            raise BlockError(
                f"Standard input was taken for {used}, and cannot give {name} too.",
                fix="Save the secrets in a block, or call the task from Python.",
            )
        if invocation.interactive:
            arguments[name] = Secret(Terminal().ask_hidden(f"{name} (hidden)"))
        else:
            used, arguments[name] = name, Secret(read_input())
    return arguments


def _may_hold_secret(shape: Any, text: str) -> bool:
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    blocks = bool(shape.block_classes())
    return shape.secret_in(value) and not (blocks and isinstance(value, str))


def _opened(text: str) -> object:
    """Return what a text names: a saved block, a storage, a notifier, or a serializer."""
    from brickwork.block import Block
    from brickwork.errors import UnknownName
    from brickwork.opening import open_notifier, open_serializer, open_storage

    head = text.split("/", 1)[0]
    if ":" in head:
        try:
            return open_storage(text)
        except UnknownName:
            return open_notifier(text)
    return Block.load(text) if "/" in text else open_serializer(text)


def _run(task: "Task[..., Any]", arguments: dict[str, Any]) -> Any:
    """Run a task; Ctrl-C cancels it, so that its threads stop too."""
    from brickwork.tasks import Scope

    with Scope() as scope:
        try:
            if not task.is_async:
                return task(**arguments)
            import asyncio

            return asyncio.run(task.aio(**arguments))
        except KeyboardInterrupt:
            scope.cancel()
            raise


def _type_name(annotation: Any) -> str:
    from brickwork.tasks.parameters import EMPTY

    if annotation is EMPTY:
        return ""
    if isinstance(annotation, type) and not hasattr(annotation, "__origin__"):
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("pathlib.", "")
