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
from brickwork.errors import BrickworkError

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
    """Show what a task does, which arguments it takes, and an example."""
    from brickwork.catalog.words import annotation, shown_default
    from brickwork.tasks.docstrings import examples

    task = invocation.registry().task(name)
    example = examples(task.__doc__)
    rows = [
        {
            "name": each.name,
            "type": annotation(each.annotation),
            "required": each.required,
            "default": shown_default(each.default),
            "description": each.description,
        }
        for each in task.parameters
    ]
    if as_json:
        content = {"name": name, "description": task.description, "permissions": task.permissions}
        print_json("task.show/1", {**content, "parameters": rows, "example": example})
        return
    print_text(f"{name}: {task.description}\n")
    print_table(
        ("argument", "type", "needed", "default", "description"),
        [
            (r["name"], r["type"], "yes" if r["required"] else "", r["default"], r["description"])
            for r in rows
        ],
    )
    if task.permissions:
        print_text(f"\nneeds permission for {', '.join(task.permissions)}")
    if example:
        print_text(f"\n{example}")


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

    from brickwork.cli.arguments import read_arguments
    from brickwork.cli.progress import shown_progress
    from brickwork.cli.results import as_text, jsonable

    task = invocation.registry().task(name)
    invocation.vault()
    arguments = read_arguments(invocation, task, texts, "--arg")
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


def _run(task: "Task[..., Any]", arguments: dict[str, Any]) -> Any:
    """Run a task; Ctrl-C cancels it, so that its threads and remote jobs stop too.

    So do the signals by which a system ends a process, or a terminal that is closed.
    """
    import signal
    import threading

    from brickwork.cli.signals import handled
    from brickwork.tasks import Scope

    ended_by: list[int] = []

    def end(number: int) -> None:
        if not ended_by:  # what stops the work is not stopped
            ended_by.append(number)
            raise KeyboardInterrupt

    here = threading.current_thread() is threading.main_thread()
    with Scope() as scope, handled((signal.SIGTERM, signal.SIGHUP) if here else (), end):
        try:
            if not task.is_async:
                return task(**arguments)
            import asyncio

            return asyncio.run(task.aio(**arguments))
        except KeyboardInterrupt:
            scope.cancel()
            if ended_by:
                note(f"Ended by {signal.Signals(ended_by[0]).name}.")
                sys.exit(128 + ended_by[0])  # as shells have it
            raise
