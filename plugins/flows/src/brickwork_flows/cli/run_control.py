"""``brickwork run cancel|resume``: how a run is stopped, and goes on."""

import time

import click

from brickwork.commands import (
    Invocation,
    given_arguments,
    json_option,
    note,
    opened,
    pass_invocation,
)
from brickwork_flows.cli.found import found
from brickwork_flows.errors import NotResumable
from brickwork_flows.history.requests import ask
from brickwork_flows.runtime import current_runtime
from brickwork_flows.states import StateType

CANCEL_SECONDS = 5.0
"""How long `cancel` waits for the run to say that it was told."""


@click.command("cancel")
@click.argument("run_id", metavar="ID")
def cancel(run_id: str) -> None:
    """Ask a run to stop; its process does so at the next task, or where it looks."""
    runtime = current_runtime()
    record = found(runtime, run_id)
    if record.id != record.flow_run:
        raise NotResumable(
            f"The run {record.id} is part of another one.", fix=f"Cancel that: {record.flow_run}."
        )
    if record.state.final:
        raise NotResumable(f"The run {record.id} has ended: it is {record.state.type.value}.")
    ask(runtime.history, record.id, "cancel")
    until = time.monotonic() + CANCEL_SECONDS
    while time.monotonic() < until:
        runtime.flush()
        now = runtime.history.run(record.id).state
        if now.final or now.type is StateType.CANCELLING:
            note(f"{record.id} is {now.type.value}.")
            return
        time.sleep(0.05)
    note(f"{record.id} was asked to stop; its process has not answered yet.")


@click.command("resume")
@click.argument("run_id", metavar="ID")
@click.option(
    "-p",
    "--param",
    "texts",
    multiple=True,
    metavar="NAME=VALUE",
    help='A parameter that was not recorded; a secret as "-". Repeatable.',
)
@click.option("--quiet", is_flag=True, help="Tell nothing on standard error.")
@json_option
@pass_invocation
def resume(
    invocation: Invocation, run_id: str, texts: tuple[str, ...], quiet: bool, as_json: bool
) -> None:
    """Run a flow again that crashed, failed or was cancelled.

    What it completed is not run again.
    """
    from brickwork_flows.cli.running import run_and_print
    from brickwork_flows.parameters import restored
    from brickwork_flows.resuming import flow_of, resumable, resume_flow

    runtime = current_runtime()
    record = resumable(runtime, found(runtime, run_id).id)
    flow = flow_of(record)
    given = given_arguments(invocation, flow.task, texts, "-p")
    whole = restored(record.details.get("parameters", {}), given)
    fitting = flow.task.coerce(whole, resolve_block=opened)
    again = {name: fitting[name] for name in given}
    run_and_print(
        record.id,
        flow.name,
        lambda: resume_flow(flow, record, again),
        is_async=flow.is_async,
        as_json=as_json,
        quiet=quiet,
    )
