"""What others ask of the runs of this process: `History.request`."""

import time
from collections.abc import Callable
from contextlib import suppress

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.interface import History

ASK_SECONDS = 0.5

Asked = Callable[[str], bool]
"""Is told what was asked of a run; returns whether that was for it to do."""


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
            for run, wish in self._history.requests(list(self._watched)).items():
                asked = self._watched.get(run)
                if asked is not None and asked(wish):
                    self._history.request(run, "")
