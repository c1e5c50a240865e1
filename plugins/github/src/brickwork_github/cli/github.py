"""``brickwork github``: what tasks need on GitHub."""

import click

from brickwork.commands import (
    Invocation,
    json_option,
    named_tasks,
    note,
    pass_invocation,
    print_json,
    print_text,
)


@click.group("github")
def group() -> None:
    """See what tasks need on GitHub."""


@group.command("permissions")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...")
@json_option
@pass_invocation
def permissions(invocation: Invocation, tasks: tuple[str, ...], as_json: bool) -> None:
    """Print the permissions that tasks need of a fine-grained token or a GitHub App.

    \b
    brickwork github permissions github.create_issue github.merge_pull_request
    brickwork github permissions flows.py

    TASK is the name of a task, or a file or module with flows and functions that use tasks. What
    is called by github_call is not known: add its permissions yourself.
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    from brickwork_github.permissions import permissions_for

    found = named_tasks(invocation, tasks)
    needed = permissions_for(found)
    unknown = [task.name for task in found if task.name in {"github_call", "github_graphql"}]
    if unknown:
        note(f"Add the permissions that are needed by {' and '.join(unknown)}.")
    if as_json:
        print_json("github.permissions/1", {"permissions": needed})
        return
    if not needed:
        note("Nothing that was named declares what it needs on GitHub.")
    for name, level in needed.items():
        print_text(f"{name}: {level}")
