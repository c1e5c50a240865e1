"""``brickwork run cancel|pause|resume|send``: how a run is stopped, and goes on."""

import time
from collections.abc import Callable
from typing import Any

import click

from brickwork.commands import (
    Invocation,
    given_arguments,
    json_option,
    note,
    opened,
    pass_invocation,
    print_json,
)
from brickwork_flows.errors import InvalidInput, NotResumable
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.history.requests import ask
from brickwork_flows.runs import found
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import StateType

ASK_SECONDS = 5.0
"""How long to wait for the run to say that it was told."""


@click.command("cancel")
@click.argument("run_id", metavar="ID")
def cancel(run_id: str) -> None:
    """Ask a run to stop; its process does so at the next task, or where it looks."""
    from brickwork_flows.resuming import cancel_at_rest

    runtime = current_runtime()
    record = _whole(runtime, run_id, "Cancel")
    if record.state.type is StateType.PAUSED and cancel_at_rest(runtime, record.id):
        note(f"{record.id} is cancelled.")
        return
    ask(runtime.history, record.id, "cancel")
    now = _until(runtime, record.id, StateType.CANCELLING)
    if now is None:
        note(f"{record.id} was asked to stop; its process has not answered yet.")
    else:
        note(f"{record.id} is {now.value}.")


@click.command("pause")
@click.argument("run_id", metavar="ID")
def pause(run_id: str) -> None:
    """Ask a run to pause before the next task that begins."""
    runtime = current_runtime()
    record = _whole(runtime, run_id, "Pause")
    if record.state.type is StateType.PAUSED:
        raise NotResumable(
            f"The run {record.id} is paused already.",
            fix=f"To go on with it: brickwork run resume {record.id}",
        )
    ask(runtime.history, record.id, "pause")
    now = _until(runtime, record.id, StateType.PAUSED)
    if now is None:
        note(f"{record.id} was asked to pause; it does so before the next task that begins.")
    else:
        note(f"{record.id} is {now.value}; to go on: brickwork run resume {record.id}")


def _whole(runtime: Runtime, run_id: str, verb: str) -> RunRecord:
    record = found(runtime, run_id)
    if record.id != record.flow_run:
        raise NotResumable(
            f"The run {record.id} is part of another one.", fix=f"{verb} that: {record.flow_run}."
        )
    if record.state.final:
        again = record.state.type is not StateType.COMPLETED
        raise NotResumable(
            f"The run {record.id} has ended: it is {record.state.type.value}.",
            fix=f"To go on with it: brickwork run resume {record.id}" if again else "",
        )
    return record


def _until(runtime: Runtime, run_id: str, wanted: StateType) -> StateType | None:
    """Wait until a run is in a state, or has ended; None where it takes too long."""
    until = time.monotonic() + ASK_SECONDS
    while time.monotonic() < until:
        runtime.flush()
        now = runtime.history.run(run_id).state.type
        if now.final or now is wanted:
            return now
        time.sleep(0.05)
    return None


@click.command("resume")
@click.argument("run_id", metavar="ID")
@click.option("--input", "document", metavar="JSON", help='What it waits for; "-": standard input.')
@click.option(
    "-i",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help='A field of what it waits for; a secret as "-". Repeatable.',
)
@click.option("--key", help="Which of its pauses is meant, where it has several.")
@click.option(
    "-p",
    "--param",
    "texts",
    multiple=True,
    metavar="NAME=VALUE",
    help='A parameter that was not recorded; a secret as "-". Repeatable.',
)
@click.option(
    "--flow", "target", metavar="FILE.py:FLOW", help="Where its flow is now, if it was moved."
)
@click.option("--quiet", is_flag=True, help="Tell nothing on standard error.")
@json_option
@pass_invocation
def resume(
    invocation: Invocation,
    run_id: str,
    document: str | None,
    fields: tuple[str, ...],
    key: str | None,
    texts: tuple[str, ...],
    target: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Let a run go on that is paused; run one again that crashed, failed or was cancelled.

    What it completed is not run again. A paused run that waits for input is given that by --input
    or -i; on a terminal it is asked for.
    """
    from brickwork_flows.resuming import resumable

    runtime = current_runtime()
    record = resumable(runtime, found(runtime, run_id).id)
    if record.state.type is not StateType.PAUSED:
        if document is not None or fields or key:
            raise NotResumable(
                f"The run {record.id} waits for no input: it is {record.state.type.value}.",
                fix="Leave out --input, -i and --key.",
            )
        _run_again(invocation, record, texts, target, None, as_json=as_json, quiet=quiet)
        return
    asks = document is None and not fields
    while True:
        try:
            _end_pause(
                *(invocation, runtime, record, document, fields, key, texts, target),
                as_json=as_json,
                quiet=quiet,
            )
        except InvalidInput as error:
            record = runtime.history.run(record.id)
            if not (asks and invocation.interactive and record.state.type is StateType.PAUSED):
                raise
            note(error.what)
        else:
            return


def _end_pause(
    invocation: Invocation,
    runtime: Runtime,
    record: RunRecord,
    document: str | None,
    fields: tuple[str, ...],
    key: str | None,
    texts: tuple[str, ...],
    target: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Give a paused run what it waits for: to its process, or here, where that has died."""
    from brickwork_flows.cli.run_input import read_input
    from brickwork_flows.pausing.awaited import chosen, open_pauses
    from brickwork_flows.resuming import is_held, offer_input, tell_waiting

    held = is_held(runtime, record.id)
    pauses = open_pauses(runtime.history, record.id, held=held)
    given: Any = None
    if held or pauses or document is not None or fields or key:
        waits = chosen(pauses, record.id, key)
        key = waits.key
        # What a killed process was offered, and had not looked at, need not be given again.
        if held or waits.offer is None or document is not None or fields:
            given = read_input(invocation, waits, document, fields)
    if held and tell_waiting(runtime, record, given, key):
        if as_json:
            print_json("run.resume/1", {"id": record.id, "state": "running"})
        elif not quiet:
            note(f"{record.id} goes on in its process.")
        return

    def offer() -> object:
        return offer_input(runtime, record, given, key, held=False)

    _run_again(invocation, record, texts, target, offer, as_json=as_json, quiet=quiet)


def _run_again(
    invocation: Invocation,
    record: RunRecord,
    texts: tuple[str, ...],
    target: str | None,
    first: Callable[[], object] | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a run again here."""
    from brickwork_flows.cli.running import run_and_print
    from brickwork_flows.reopening import flow_of, parameters_of
    from brickwork_flows.resuming import resume_flow

    flow = flow_of(record, target or "")
    again = given_arguments(invocation, flow.task, texts, "-p")
    fitting = parameters_of(flow, record, again, resolve_block=opened)
    run_and_print(
        record.id,
        flow.name,
        lambda: resume_flow(flow, record, {name: fitting[name] for name in again}, first),
        is_async=flow.is_async,
        as_json=as_json,
        quiet=quiet,
    )


@click.command("send")
@click.argument("run_id", metavar="ID")
@click.argument("document", metavar="JSON")
@click.option("--key-prefix", help="The queue, where the flow receives from several.")
def send(run_id: str, document: str, key_prefix: str | None) -> None:
    """Send something to a run, which takes it by receive_input; "-": from standard input.

    What is no JSON is sent as a text.
    """
    import json
    import sys

    from brickwork_flows.pausing.messages import send_input

    text = sys.stdin.read() if document == "-" else document
    try:
        value = json.loads(text)
    except ValueError:
        value = text.removesuffix("\n")
    record = found(current_runtime(), run_id)
    send_input(value, record.id, key_prefix=key_prefix)
    note(f"sent to {record.id}.")
