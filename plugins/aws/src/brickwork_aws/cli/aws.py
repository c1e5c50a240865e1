"""``brickwork aws``: what tasks need on AWS."""

import click

from brickwork.commands import Invocation, named_tasks, note, pass_invocation, print_text


@click.group("aws")
def group() -> None:
    """See what tasks need on AWS."""


@group.command("policy")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...")
@click.option(
    "--resource",
    "resources",
    multiple=True,
    metavar="SERVICE=ARN",
    help="Allow the actions of a service on this only; repeatable. By default on everything.",
)
@pass_invocation
def policy(invocation: Invocation, tasks: tuple[str, ...], resources: tuple[str, ...]) -> None:
    """Print the IAM policy that tasks need, as JSON.

    \b
    brickwork aws policy aws.s3_read aws.s3_list --resource s3=arn:aws:s3:::reports/*
    brickwork aws policy flows.py

    TASK is the name of a task, or a file or module with flows and functions that use tasks. What
    is called by aws_call is not known: add its actions yourself.
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    import json

    from brickwork_aws.policy import policy_for

    narrowed: dict[str, list[str]] = {}
    for each in resources:
        service, equals, arn = each.partition("=")
        if not equals or not arn.startswith("arn:"):
            raise click.BadParameter(f"{each!r}: write SERVICE=ARN.", param_hint="--resource")
        narrowed.setdefault(service, []).append(arn)
    found = named_tasks(invocation, tasks)
    unknown = [task.name for task in found if task.name in {"aws_call", "aws_wait"}]
    made = policy_for(found, narrowed)
    used = {statement["Action"][0].partition(":")[0] for statement in made["Statement"]}
    for service in narrowed.keys() - used:
        raise click.BadParameter(
            f"no task needs {service}; they need {', '.join(sorted(used)) or 'nothing'}.",
            param_hint="--resource",
        )
    if not made["Statement"]:
        note("Nothing that was named declares what it needs on AWS.")
    if unknown:
        note(f"Add the actions that are called by {' and '.join(unknown)}.")
    print_text(json.dumps(made, indent=2))
