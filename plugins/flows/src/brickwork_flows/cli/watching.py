"""What happens to a run, wherever it runs, as it is recorded: states, logs, and progress."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from brickwork_flows.artifacts import keeping
from brickwork_flows.artifacts.records import ProgressShown
from brickwork_flows.history.events import Logged, StateSet
from brickwork_flows.history.interface import Change, RunRecord
from brickwork_flows.runtime import Runtime

POLL_SECONDS = 0.2
PAGE = 2_000

PROGRESS_SECONDS = 0.5
"""So often artifacts are looked at; less often where there are many of them."""

_SHARE = 20


class Happening(NamedTuple):
    """Something that happened.

    Attributes:
        at: When, in seconds since 1970.
        what: The state, the line, or the progress.
        run_name: The name of the run that it happened to.
    """

    at: float
    what: StateSet | Logged | ProgressShown
    run_name: str


class Watching:
    """Reads what happens to a run and within it, from its beginning.

    Args:
        runtime: Where it is recorded.
        run_id: Its id.
    """

    def __init__(self, runtime: Runtime, run_id: str) -> None:
        self._runtime = runtime
        self._history = runtime.history
        self._id = run_id
        self._flow_run = run_id.partition(".")[0]
        self._names: dict[str, str] = {}
        self._numbers: dict[str, int] = {}  # by run, that of the last state that was read
        self._updated: dict[str, float] = {}  # by artifact
        self._position = self._line = 0
        self._look_again = 0.0

    def __iter__(self) -> Iterator[list[Happening]]:
        """Yield what is new, in the order of time, until the run has ended; waits for it."""
        self._runtime.flush()
        self._position = self._history.position()
        page = [*self._so_far(), *self._logs(), *self._progress()]
        yield sorted(page, key=_at)
        while True:
            self._runtime.flush()
            # Asked before the rest is: nothing comes after its end.
            ended = self._history.run(self._id).state.final
            page = [*self._states(), *self._logs(), *self._progress(at_once=ended)]
            yield sorted(page, key=_at)
            if ended:
                return
            if not page:
                time.sleep(POLL_SECONDS)

    def _so_far(self) -> Iterator[Happening]:
        for record in (self._history.run(self._id), *self._history.children(self._flow_run)):
            if self._is_within(record.id) and record.id not in self._names:
                self._names[record.id] = record.run_name
                yield from self._states_of(record)

    def _states_of(self, record: RunRecord) -> Iterator[Happening]:
        self._numbers[record.id] = len(record.states)
        for number, state in enumerate(record.states, 1):
            told = (state.type.value, state.name, state.message, state.timestamp)
            event = StateSet(record.id, number, *told, record.attempts)
            yield Happening(state.timestamp, event, record.run_name)

    def _states(self) -> Iterator[Happening]:
        while page := self._changes():
            self._position = page[-1].position
            for change in page:
                event = change.event
                # What was recorded while the runs were read may come a second time.
                if isinstance(event, StateSet) and event.number > self._numbers.get(event.run, 0):
                    self._numbers.pop(event.run, None)
                    self._names[event.run] = change.run_name
                    yield Happening(event.at, event, change.run_name)

    def _changes(self) -> Sequence[Change]:
        return self._history.changes(after=self._position, run=self._id, limit=PAGE)

    def _logs(self) -> Iterator[Happening]:
        while page := self._history.logs(self._flow_run, after=self._line, limit=PAGE):
            self._line = page[-1].number
            for line in page:
                if self._is_within(line.run):
                    yield Happening(line.at, line, self._name(line.run))

    def _progress(self, *, at_once: bool = False) -> Iterator[Happening]:
        began = time.monotonic()
        if began < self._look_again and not at_once:
            return
        for each in keeping.made_by(self._runtime, self._id):
            if each.type == "progress" and each.updated > self._updated.get(each.id, 0.0):
                self._updated[each.id] = each.updated
                label = each.description or each.key
                shown = ProgressShown(each.id, each.run or "", each.read(), label)
                yield Happening(each.updated, shown, self._name(each.run or self._id))
        now = time.monotonic()
        self._look_again = now + max(PROGRESS_SECONDS, _SHARE * (now - began))

    def _is_within(self, run: str) -> bool:
        return self._id in (self._flow_run, run) or run.startswith(f"{self._id}/")

    def _name(self, run: str) -> str:
        if run not in self._names:
            self._names[run] = self._history.run(run).run_name
        return self._names[run]


def _at(happening: Happening) -> float:
    return happening.at
