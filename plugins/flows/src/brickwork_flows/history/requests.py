"""What others ask of the runs of this process: `History.request`."""

import time
from collections.abc import Callable
from contextlib import suppress

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.interface import History

ASK_SECONDS = 0.5

COLLECTION = "requests"

Asked = Callable[[str], bool]
"""Is told what was asked of a run; returns whether that was for it to do."""


def ask(history: History, flow_run: str, wish: str) -> None:
    """Ask the process that runs a flow for something: ``cancel`` or ``pause``.

    Args:
        history: Where the run is recorded.
        flow_run: The flow's run; only the last wish for it counts.
        wish: What is asked for; an empty one takes back what was asked.

    Raises:
        HistoryError: It cannot be written.
    """
    history.put(COLLECTION, flow_run, wish or None, run=flow_run)


class Requests:
    """Looks for what is asked of runs, and tells them.

    Args:
        history: Where it is asked.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._watched: dict[str, Asked] = {}
        self._next = 0.0

    def watch(self, flow_run: str, asked: Asked) -> None:
        """Have a function called, in another thread, with what is asked of a run."""
        self._watched[flow_run] = asked

    def unwatch(self, flow_run: str) -> None:
        """End that."""
        self._watched.pop(flow_run, None)

    def poll(self) -> None:
        """Look, if it is time to."""
        now = time.monotonic()
        if not self._watched or now < self._next:
            return
        self._next = now + ASK_SECONDS
        with suppress(HistoryError):  # it is looked for again soon
            for entry in self._history.entries(COLLECTION):
                asked = self._watched.get(entry.key)
                if asked is not None and asked(entry.value):
                    ask(self._history, entry.key, "")
