"""``brickwork run watch``: what happens to a run, wherever it runs, until it ends."""

import json
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import click

from brickwork.commands import harmless, json_option, print_text
from brickwork_flows.cli.live_screen import Screen, is_terminal
from brickwork_flows.cli.live_text import Row
from brickwork_flows.cli.run_logs import iso, log_as_dict, moment, print_log
from brickwork_flows.cli.watching import Happening, Watching
from brickwork_flows.history.events import Logged, StateSet
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runs import found
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import StateType

_SCHEMA = "brickwork.run.watch/1"
_CODES = {StateType.COMPLETED: 0, StateType.CANCELLED: 130}


@click.command("watch")
@click.argument("run_id", metavar="ID")
@json_option
def watch(run_id: str, as_json: bool) -> None:
    """Show a run of any process until it has ended: its tree, and above it what it logs.

    Without a terminal, each state, line of the log and progress is a line; with --json, a JSON
    object. Ends with 0 if the run completed, with 130 if it was cancelled, else with 1.
    """
    runtime = current_runtime()
    record = found(runtime, run_id)
    if as_json:
        _print(runtime, record, _print_json)
    elif is_terminal():
        _show(runtime, record)
    else:
        _print(runtime, record, _print_line)
    state = runtime.history.run(record.id).state.type
    code = _CODES.get(state, 1)
    if as_json:
        end = {"type": "end", "run": record.id, "state": state.value, "exit_code": code}
        print_text(json.dumps({"schema": _SCHEMA, **end}))
    sys.exit(code)


def _show(runtime: Runtime, record: RunRecord) -> None:
    from brickwork_flows.cli.live import signs_for_terminal
    from brickwork_flows.cli.live_tree import Tree

    tree = Tree(record.id, record.run_name)
    signs = signs_for_terminal()
    waiting: deque[Happening] = deque()

    def rows(height: int) -> list[Row]:
        new = [waiting.popleft() for _ in range(len(waiting))]
        for each in new:
            if isinstance(each.what, StateSet):
                tree.rename(each.what.run, each.run_name)
        tree.add(each.what for each in new)
        return tree.rows(height, signs)

    screen = Screen(rows)
    try:
        for page in Watching(runtime, record.id):
            waiting.extend(each for each in page if not isinstance(each.what, Logged))
            for each in page:
                if isinstance(each.what, Logged):
                    print_log(each.what, each.run_name)
    finally:
        screen.close()


def _print(runtime: Runtime, record: RunRecord, show: Callable[[Happening], None]) -> None:
    for page in Watching(runtime, record.id):
        for each in page:
            show(each)
        sys.stdout.flush()


def _print_line(each: Happening) -> None:
    what = each.what
    if isinstance(what, Logged):
        print_log(what, each.run_name)
        return
    if isinstance(what, StateSet):
        word, told = "STATE", (what.name, what.message)
    else:
        word, told = "PROGRESS", (f"{what.progress:g}%", what.label or "")
    cells = (moment(each.at), f"{word:<8}", each.run_name, *told)
    print_text("  ".join(map(harmless, filter(None, cells))))


def _print_json(each: Happening) -> None:
    print_text(json.dumps({"schema": _SCHEMA, **_as_dict(each)}))


def _as_dict(each: Happening) -> dict[str, Any]:
    what = each.what
    told: dict[str, Any]
    if isinstance(what, Logged):
        told = {"type": "log", **log_as_dict(what)}
    elif isinstance(what, StateSet):
        told = {"type": "state", "run": what.run, "number": what.number, "at": iso(what.at)}
        told |= {"state": what.type, "name": what.name, "message": what.message}
    else:
        told = {"type": "progress", "run": what.run, "artifact": what.id, "at": iso(each.at)}
        told |= {"progress": what.progress, "description": what.label}
    return {**told, "run_name": each.run_name}
