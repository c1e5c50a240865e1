"""``brickwork event``: what has happened to runs and blocks, and what programs said."""

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from brickwork import BrickworkError
from brickwork.commands import (
    harmless,
    json_option,
    note,
    print_json,
    print_table,
    print_text,
)
from brickwork_flows.cli.ages import seconds
from brickwork_flows.eventing.recorded import NAME, PREFIX, Cursor, RecordedEvent
from brickwork_flows.eventing.stream import Stream, Wanted, following
from brickwork_flows.runs import found
from brickwork_flows.runtime import current_runtime

F = TypeVar("F", bound=Callable[..., Any])


@click.group("event")
def group() -> None:
    """Look at what has happened: to runs of flows, to blocks, and by the word of programs.

    Names are such as brickwork.flow-run.Completed and brickwork.block.updated, and those that
    programs choose.
    """


def _filters(command: F) -> F:
    for option in (
        click.option("--no-blocks", is_flag=True, help="Without changes of blocks."),
        click.option("--run", "run_id", metavar="ID", help="Only of a run and what is within it."),
        click.option(
            "--event",
            "patterns",
            multiple=True,
            metavar="PATTERN",
            help="Only of that name: 'flow-run.*', 'block.*', 'acme.*'. Repeatable.",
        ),
        click.option("--since", callback=seconds, metavar="AGE", help="Not older: 90s, 10m, 7d."),
    ):
        command = option(command)
    return command


def _stream(
    since: float | None, patterns: tuple[str, ...], run_id: str | None, no_blocks: bool
) -> Stream:
    runtime = current_runtime()
    run = "" if run_id is None else found(runtime, run_id).id
    after = 0.0 if since is None else time.time() - since
    return Stream(runtime, Wanted(after, patterns, run, not no_blocks), _tell_gap)


def _tell_gap(error: BrickworkError) -> None:
    note(f"Changes of blocks are left out: {error.what}")


@group.command("ls")
@_filters
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="How many. Default: 50.")
@json_option
def ls(
    since: float | None,
    patterns: tuple[str, ...],
    run_id: str | None,
    no_blocks: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List the last events, the oldest first."""
    stream = _stream(since, patterns, run_id, no_blocks)
    listed = stream.last(limit)
    if as_json:
        content = {"events": [as_dict(each) for each in listed], "cursor": str(stream.cursor)}
        print_json("event.list/1", content)
    elif listed:
        print_table(("when", "event", "of", "message"), map(_cells, listed))
    else:
        note("No event is like that." if patterns or run_id or since else "Nothing has happened.")


@group.command("tail")
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until Ctrl-C.")
@click.option(
    "-n", "--lines", type=click.IntRange(0, 10_000), help="How many of the last ones. Default: 10."
)
@click.option("--after", metavar="CURSOR", help="All after an event: its cursor, in JSON.")
@_filters
@json_option
def tail(
    follow: bool,
    lines: int | None,
    after: str | None,
    since: float | None,
    patterns: tuple[str, ...],
    run_id: str | None,
    no_blocks: bool,
    as_json: bool,
) -> None:
    """Print the last events as lines, and with --follow each one that comes.

    With --since or --after, all from there on. With --json each line is a JSON object with its
    schema and its cursor; what --after takes misses nothing and repeats nothing.
    """
    show = _print_json if as_json else _print
    stream = _stream(since, patterns, run_id, no_blocks)
    if lines is not None and (since is not None or after is not None):
        raise click.UsageError("--lines goes with neither --since nor --after.")
    if after is not None:
        stream.cursor = Cursor.parse(after)
    elif since is None:
        if lines == 0:
            stream.cursor = stream.end()
        _print_all(stream.last(10 if lines is None else lines) if lines != 0 else (), show)
        if not follow:
            return
    _print_all(following(stream) if follow else stream.read(), show)


def _print_all(events: Iterable[RecordedEvent], show: Callable[[RecordedEvent], object]) -> None:
    for event in events:
        show(event)
        sys.stdout.flush()


@group.command("emit")
@click.argument("name")
@click.option(
    "--resource",
    "resources",
    multiple=True,
    metavar="ID",
    help="What it happened to: an id, or a label as KEY=VALUE. Repeatable.",
)
@click.option(
    "--payload",
    "payloads",
    multiple=True,
    metavar="KEY=VALUE",
    help="What else to say: a text, or all of it as a JSON object. Repeatable.",
)
@json_option
def emit(name: str, resources: tuple[str, ...], payloads: tuple[str, ...], as_json: bool) -> None:
    """Record that something has happened.

    \b
    brickwork event emit acme.report.published --resource report/7 --payload day=2026-01-01
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    from brickwork_flows.eventing.emitting import emit_event
    from brickwork_flows.eventing.recorded import ID

    labels = dict(_pair(each) if "=" in each else (ID, each) for each in resources)
    payload: dict[str, Any] = {}
    for each in payloads:
        payload.update(_object(each) if each.startswith("{") else [_pair(each)])
    event = emit_event(name, labels, payload=payload)
    current_runtime().flush()
    if as_json:
        print_json("event.emit/1", {"event": as_dict(event)})
    else:
        print_text(event.id)


@group.command("rm")
@click.option(
    "--older-than", callback=seconds, required=True, metavar="AGE", help="Older than that: 30d."
)
def rm(older_than: float) -> None:
    """Remove events that were emitted outside of runs; others go with their runs, or stay."""
    runtime = current_runtime()
    runtime.flush()
    note(f"{runtime.history.forget(time.time() - older_than)} event(s) removed.")


def as_dict(event: RecordedEvent) -> dict[str, Any]:
    """Return an event as what JSON can hold."""
    return {**event._asdict(), "occurred": event.occurred.isoformat(timespec="microseconds")}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError("Write KEY=VALUE.")
    return name, value


def _object(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        raise click.UsageError("--payload begins like a JSON object, and is none.") from None
    return found


def _print_json(event: RecordedEvent) -> None:
    print_text(json.dumps({"schema": "brickwork.event/1", **as_dict(event)}))


def _print(event: RecordedEvent) -> None:
    print_text("  ".join(filter(None, map(harmless, _cells(event)))))


def _cells(event: RecordedEvent) -> tuple[str, ...]:
    when = event.occurred.isoformat(" ", "milliseconds")[:23] + "Z"
    return when, event.event, _subject(event), _message(event)


def _subject(event: RecordedEvent) -> str:
    labels = event.resource
    identifier = labels.get("brickwork.resource.id", "")
    if identifier.startswith(f"{PREFIX}block."):
        return identifier.removeprefix(f"{PREFIX}block.")
    return labels.get(NAME) or identifier


def _message(event: RecordedEvent) -> str:
    payload = event.payload
    state = payload.get("state")
    if event.event.startswith(PREFIX) and isinstance(state, dict):
        return str(state.get("message", ""))
    return ", ".join(f"{name}={value}" for name, value in payload.items())
