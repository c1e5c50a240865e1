"""``brickwork slack``: what tasks need in Slack."""

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

_MOST_NAME = 35


@click.group("slack")
def group() -> None:
    """See what tasks need in Slack."""


@group.command("manifest")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...")
@click.option("--name", default="Brickwork", show_default=True, help="What the app is called.")
@json_option
@pass_invocation
def manifest(invocation: Invocation, tasks: tuple[str, ...], name: str, as_json: bool) -> None:
    """Print the manifest of an app with the scopes that tasks need.

    \b
    brickwork slack manifest slack.post_message slack.upload_file
    brickwork slack manifest flows.py --name "Data bot"

    TASK is the name of a task, or a file or module with flows and functions that use tasks. Paste
    what is printed at https://api.slack.com/apps, under Create New App, From a manifest. What is
    called by slack_call is not known: add its scopes yourself.
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    from brickwork_slack.manifest import manifest_for

    if not 1 <= len(name) <= _MOST_NAME:
        raise click.BadParameter(f"1 to {_MOST_NAME} characters", param_hint="--name")
    found = named_tasks(invocation, tasks)
    needed = manifest_for(found, name)
    if any(task.name == "slack_call" for task in found):
        note("Add the scopes that are needed by slack_call.")
    if "oauth_config" not in needed:
        note("Nothing that was named declares what it needs in Slack.")
    if as_json:
        print_json("slack.manifest/1", {"manifest": needed})
        return
    import yaml

    print_text(yaml.safe_dump(needed, sort_keys=False, allow_unicode=True).rstrip())
