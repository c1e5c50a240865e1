"""The tree of a flow in the terminal, while it runs in this process."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

from brickwork import Progress, on_progress
from brickwork_flows.cli.live_screen import Screen
from brickwork_flows.cli.live_text import Row
from brickwork_flows.cli.live_tree import PLAIN_SIGNS, SIGNS, Signs, Tree
from brickwork_flows.context import run_here
from brickwork_flows.runtime import Runtime


@contextmanager
def shown(runtime: Runtime, run_id: str, name: str) -> Iterator[Callable[[], None]]:
    """Show a run on the terminal while it runs inside; it tells, and no history is asked.

    Args:
        runtime: Where it is recorded.
        run_id: Its id.
        name: The flow's name.

    Yields:
        What ends the display, if the process is to end at once.
    """
    tree = Tree(run_id, name)
    # Whoever records only appends; this is emptied by the thread that draws.
    heard: list[tuple[object, ...]] = []
    signs = signs_for_terminal()

    def rows(height: int) -> list[Row]:
        new = heard[:]
        del heard[: len(new)]
        tree.add(chain.from_iterable(new))
        return tree.rows(height, signs)

    def hear(report: Progress) -> None:
        run = run_here()
        if run is not None:
            tree.progress[run.id] = report

    runtime.recorder.heard = heard.append
    screen = Screen(rows)
    try:
        with on_progress(hear):
            yield screen.close
    finally:
        runtime.recorder.heard = None
        screen.close()


def signs_for_terminal() -> Signs:
    """Return the signs that standard error can show."""
    try:
        "".join((SIGNS.spinner, *SIGNS.of.values())).encode(sys.stderr.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_SIGNS
    return SIGNS
