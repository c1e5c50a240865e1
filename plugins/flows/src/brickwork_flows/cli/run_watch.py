"""``brickwork run watch``: the tree of a run of another process, until it ends."""

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence

import click

from brickwork.commands import harmless, print_text
from brickwork_flows.cli.live_screen import Screen, is_terminal
from brickwork_flows.cli.live_text import Row
from brickwork_flows.history.events import RunStarted, StateSet
from brickwork_flows.history.interface import Change, RunRecord
from brickwork_flows.runs import found
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import StateType

POLL_SECONDS = 0.2
PAGE = 2_000


@click.command("watch")
@click.argument("run_id", metavar="ID")
def watch(run_id: str) -> None:
    """Show a run as a tree until it has ended; without a terminal, each new state as a line.

    Ends with 1 if the run did not complete. `logs --follow` shows what it says meanwhile.
    """
    runtime = current_runtime()
    record = found(runtime, run_id)
    if is_terminal():
        _show(runtime, record)
    else:
        _print(runtime, record)
    if runtime.history.run(record.id).state.type is not StateType.COMPLETED:
        sys.exit(1)


def _show(runtime: Runtime, record: RunRecord) -> None:
    from brickwork_flows.cli.live import signs_for_terminal
    from brickwork_flows.cli.live_tree import Tree

    tree = Tree(record.id, record.run_name)
    position = runtime.history.position()
    for each in (runtime.history.run(record.id), *runtime.history.children(record.flow_run)):
        tree.add(_events(each))
    signs = signs_for_terminal()
    waiting: deque[Change] = deque()

    def rows(height: int) -> list[Row]:
        while waiting:
            change = waiting.popleft()
            tree.rename(change.event.run, change.run_name)
            tree.add((change.event,))
        return tree.rows(height, signs)

    screen = Screen(rows)
    try:
        for page in _changes(runtime, record.id, position):
            waiting.extend(page)
    finally:
        screen.close()


def _events(record: RunRecord) -> Iterator[object]:
    """Yield what a record says, as it happened: its beginning, and its first and last state."""
    yield RunStarted(*record[:10])
    for number in sorted({1, len(record.states)} - {0}):
        state = record.states[number - 1]
        told = (state.type.value, state.name, state.message, state.timestamp)
        yield StateSet(record.id, number, *told, record.attempts)


def _changes(runtime: Runtime, run: str, after: int) -> Iterator[Sequence[Change]]:
    """Yield what happens to a run, and within it, until it has ended."""
    while True:
        runtime.flush()
        # Asked before the changes are: nothing comes after its end.
        ended = runtime.history.run(run).state.final
        page = runtime.history.changes(after=after, run=run, limit=PAGE)
        if page:
            after = page[-1].position
            yield page
        elif ended:
            return
        else:
            time.sleep(POLL_SECONDS)


def _print(runtime: Runtime, record: RunRecord) -> None:
    position = runtime.history.position()
    if runtime.history.run(record.id).state.final:
        position = 0
    for page in _changes(runtime, record.id, position):
        for change in page:
            event = change.event
            if isinstance(event, StateSet):
                when = time.strftime("%H:%M:%S", time.localtime(event.at))
                text = f"{when}  {change.run_name}  {event.name}  {event.message}"
                print_text(harmless(text.rstrip()))
        sys.stdout.flush()
