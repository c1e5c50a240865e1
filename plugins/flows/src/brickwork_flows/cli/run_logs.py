"""``brickwork run logs``: what a run has logged and printed."""

import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from brickwork.commands import harmless, json_option, print_json, print_text
from brickwork_flows.history.events import Logged
from brickwork_flows.runs import found
from brickwork_flows.runtime import Runtime, current_runtime

POLL_SECONDS = 0.2
PAGE = 5_000


@click.command("logs")
@click.argument("run_id", metavar="ID")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended.")
@click.option(
    "--level",
    default="NOTSET",
    type=click.Choice(["NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], False),
    help="Only lines of this level, and above it.",
)
@json_option
def logs(run_id: str, follow: bool, level: str, as_json: bool) -> None:
    """Show what a run and everything in it has logged; of a task's run, only that.

    With --follow and --json, each line is a JSON object of its own.
    """
    runtime = current_runtime()
    record = found(runtime, run_id)
    floor = logging.getLevelNamesMapping()[level.upper()]
    names = {record.id: record.run_name}
    pages = (
        _following(runtime, record.flow_run, record.id)
        if follow
        else _pages(runtime, record.flow_run)
    )
    listed: list[dict[str, Any]] = []
    for page in pages:
        for line in page:
            if line.level < floor or not _within(line.run, record.id, record.flow_run):
                continue
            if as_json and not follow:
                listed.append(log_as_dict(line))
            elif as_json:
                print_text(json.dumps(log_as_dict(line)))
            else:
                print_log(line, _name(runtime, names, line.run))
        if follow:
            sys.stdout.flush()
    if as_json and not follow:
        print_json("run.logs/1", {"run": record.id, "logs": listed})


def _pages(runtime: Runtime, flow_run: str) -> Iterator[Sequence[Logged]]:
    last = 0
    while page := runtime.history.logs(flow_run, after=last, limit=PAGE):
        last = page[-1].number
        yield page


def _following(runtime: Runtime, flow_run: str, run_id: str) -> Iterator[Sequence[Logged]]:
    last = 0
    while True:
        runtime.flush()
        # Asked before the lines are: after its end, only hooks log something.
        ended = runtime.history.run(run_id).state.final
        page = runtime.history.logs(flow_run, after=last, limit=PAGE)
        if page:
            last = page[-1].number
            yield page
        elif ended:
            return
        else:
            time.sleep(POLL_SECONDS)


def _within(run: str, wanted: str, flow_run: str) -> bool:
    return wanted in (flow_run, run) or run.startswith(f"{wanted}/")


def _name(runtime: Runtime, names: dict[str, str], run: str) -> str:
    if run not in names:
        names[run] = runtime.history.run(run).run_name
    return names[run]


def print_log(line: Logged, run_name: str) -> None:
    """Print a line of a log; further lines of it are indented."""
    level = logging.getLevelName(line.level)
    head = f"{moment(line.at)}  {level:<8}  {harmless(run_name)}  "
    first, *rest = line.message.split("\n")
    print_text(head + harmless(first))
    for text in rest:
        print_text(f"    {harmless(text)}")


def moment(at: float) -> str:
    """Return a time for people: UTC, with milliseconds."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
    return f"{when}.{int(at * 1000) % 1000:03d}Z"


def iso(at: float) -> str:
    """Return a time for programs."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def log_as_dict(line: Logged) -> dict[str, Any]:
    """Return a line of a log as what JSON can hold."""
    return {
        "run": line.run,
        "number": line.number,
        "at": iso(line.at),
        "level": logging.getLevelName(line.level),
        "logger": line.logger,
        "message": line.message,
    }
