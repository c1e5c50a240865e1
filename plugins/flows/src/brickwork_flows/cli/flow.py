"""``brickwork flow``: flows, listed and run."""

from pathlib import Path
from typing import Any

import click

from brickwork import InvalidArguments
from brickwork.commands import (
    Invocation,
    json_option,
    note,
    pass_invocation,
    print_json,
    print_table,
    read_arguments,
)


@click.group("flow")
def group() -> None:
    """List and run flows."""


@group.command("run")
@click.argument("target", metavar="FILE.py:FLOW")
@click.option(
    "-p", "--param", "texts", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable."
)
@click.option("--quiet", is_flag=True, help="Tell nothing on standard error.")
@json_option
@pass_invocation
def run(
    invocation: Invocation, target: str, texts: tuple[str, ...], quiet: bool, as_json: bool
) -> None:
    """Run a flow here and now, and record it.

    \b
    brickwork flow run reports.py:nightly -p day=2026-01-01 -p n=3

    Instead of a file, a module that can be imported will do: reports.nightly:main. Values become
    what the annotations ask for: numbers, dates, paths; JSON for lists and mappings; a saved block
    or a URL for a block or a storage. A secret is given as "-", from standard input.
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    from brickwork_flows.cli.running import run_and_print
    from brickwork_flows.definition import Flow
    from brickwork_flows.finding import find
    from brickwork_flows.running import Beginning

    flow = find(target)
    if not isinstance(flow, Flow):
        from brickwork_flows.errors import InvalidFlow

        raise InvalidFlow(f"{target} is no flow.", fix="Put @flow on the function.")
    try:
        arguments = read_arguments(invocation, flow.task, texts, "-p")
    except InvalidArguments as error:
        raise flow.misfit(error) from None
    how = Beginning()
    run_and_print(
        how.run_id,
        flow.name,
        lambda: flow.begin(arguments, how),
        is_async=flow.is_async,
        as_json=as_json,
        quiet=quiet,
    )


@group.command("ls")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def ls(file: Path, as_json: bool) -> None:
    """List the flows of a file."""
    from brickwork_flows.definition import Flow
    from brickwork_flows.finding import load_file

    module = load_file(file)
    rows: list[dict[str, Any]] = [
        {"target": f"{file}:{name}", "name": value.name, "description": value.description}
        for name, value in vars(module).items()
        if isinstance(value, Flow) and value.__module__ == module.__name__
    ]
    if as_json:
        print_json("flow.list/1", {"flows": rows})
    elif rows:
        print_table(
            ("flow", "name", "description"),
            [(r["target"], r["name"], r["description"]) for r in rows],
        )
    else:
        note(f"{file} has no flow.")
