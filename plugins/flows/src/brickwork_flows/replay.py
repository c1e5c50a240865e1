"""What a run that is resumed, or tried again, has done before."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from brickwork_flows.errors import ReplayDiverged
from brickwork_flows.history.events import ResultKept
from brickwork_flows.history.interface import History, RunRecord
from brickwork_flows.result_settings import ResultSettings
from brickwork_flows.results import restore
from brickwork_flows.states import AWAITING_RETRY, CACHED, RETRYING, ROLLED_BACK, StateType

if TYPE_CHECKING:
    from brickwork_flows.staging import Staging


class PastCall(NamedTuple):
    """A task, or a flow within the flow, that was called before.

    Attributes:
        name: Its name.
        inputs: A fingerprint of its arguments.
        result: What it returned; None if it did not complete, or nothing was kept.
        number: How many states were recorded.
        attempts: How many times it was tried.
        value: What it returned, in a list, where that is still in this process.
        completed: Whether it completed.
        here: Whether that was in an attempt that was tried again since, and may be done otherwise.
        cached: Whether it did not run, since its result was in the cache.
        kind: ``flow`` or ``task``.
    """

    name: str
    inputs: str
    result: ResultKept | None
    number: int
    attempts: int
    value: list[object] | None = None
    completed: bool = False
    here: bool = False
    cached: bool = False
    kind: str = "task"

    @property
    def known(self) -> bool:
        """Whether it completed, and was not undone."""
        return self.completed or self.value is not None

    def undone(self, number: int) -> "PastCall":
        """Return the same as one that has to be made again, after so many states."""
        return self._replace(result=None, number=number, value=None, completed=False)


@dataclass(slots=True)
class Replay:
    """The calls of a run before, by which call they are; empty for a run that is new.

    Attributes:
        calls: The calls, by their keys.
        left: For each caller (empty: the flow), the calls that it made and has not made again.
            Only for callers of which it can be said what they must call next.
        callers: Which of the calls made others.
        staged: What its transactions have put aside; None for nothing.
        diverged: What is wrong, once a call was found that the run did not make before. Nothing
            more is called then, and the run fails, whatever the body makes of the error.
    """

    calls: dict[str, PastCall] = field(default_factory=dict)
    left: dict[str, dict[str, str]] = field(default_factory=dict)
    callers: set[str] = field(default_factory=set)
    staged: "Staging | None" = None
    diverged: ReplayDiverged | None = None

    @classmethod
    def of(cls, history: History, run: RunRecord) -> Self:
        """Return what the history has of a flow's run."""
        results = history.results(run.id)
        children = [record for record in history.children(run.id) if record.states]
        retried = {record.key for record in children if _retried(record)}
        changed = _changed(history, run.id)
        replay = cls()
        for record in children:
            state = record.state
            here = _retried(run) or (bool(retried) and _within(record.key, retried))
            completed = state.type is StateType.COMPLETED and state.name != ROLLED_BACK
            replay.calls[record.key] = PastCall(
                record.name,
                changed.get(record.id, record.inputs),
                results.get(record.id) if completed else None,
                len(record.states),
                record.attempts,
                None,
                completed,
                here,
                state.name == CACHED,
                record.kind,
            )
            caller = record.key.rpartition("/")[0]
            replay.callers.add(caller)
            if not here:
                replay.left.setdefault(caller, {})[record.key] = record.name
        return replay

    def knows(self, key: str) -> bool:
        """Return whether a call need not be made again."""
        past = self.calls.get(key)
        return past is not None and (past.result is not None or past.value is not None)

    def ask(self, key: str) -> None:
        """Take note of a call that is made again.

        What follows one that runs again may be other than it was: it may end otherwise.

        Raises:
            ReplayDiverged: An earlier one has diverged.
        """
        if self.diverged is not None:
            raise self.diverged
        past = self.calls.get(key)
        if past is None:
            return
        caller = key.rpartition("/")[0]
        if past.result is None and past.value is None:
            self.left.pop(caller, None)
        elif caller in self.left:
            self.left[caller].pop(key, None)

    def expect(self, key: str, name: str, flow: str) -> None:
        """Refuse a call that was not made before, where another one was made in its place.

        Only for calls that a body makes one after the other.

        Args:
            key: Which call it is.
            name: The name of the task or flow that is called.
            flow: The name of the flow that runs.

        Raises:
            ReplayDiverged: Names both calls.
        """
        if key in self.calls:
            return
        left = self.left.get(key.rpartition("/")[0])
        if left:
            before, named = next(iter(left.items()))
            what = f"{before} ({named!r})" if before.rpartition("-")[0] != named else before
            raise self.diverges(
                f"The flow {flow!r} calls {key} ({name!r}) where it called {what} when it ran "
                "before."
            )

    def given_back(
        self, key: str, kind: str, inputs: str, settings: ResultSettings, flow: str
    ) -> tuple[bool, Any]:
        """Return whether a call that was made before need not be made again, and what it returned.

        Args:
            key: Which call it is.
            kind: Whether a ``flow`` or a ``task`` is called.
            inputs: A fingerprint of its arguments.
            settings: How its results are kept now.
            flow: The name of the flow that runs.

        Raises:
            ReplayDiverged: It completed, and was something else, or had other arguments.
            MissingResult: What it returned cannot be read.
        """
        before = self.calls[key]
        if before.inputs != inputs or before.kind != kind:
            if before.here:
                return False, None  # another attempt may do something else
            if not before.known:
                self._free(key)
                return False, None
            raise self.diverges(
                f"In the flow {flow!r}, the call {key} ({before.name!r}) "
                + (
                    f"is that of a {kind}, and was that of a {before.kind}, when it ran before."
                    if before.kind != kind
                    else "has other arguments than when it ran before."
                )
            )
        if before.value is not None:
            return True, before.value[0]
        if before.result is not None:
            return True, restore(before.result, allow_pickle=settings.allow_pickle)
        return False, None

    def diverges(self, what: str) -> ReplayDiverged:
        """Return the error for a call that is not as it was; no other call is made after it."""
        self.diverged = ReplayDiverged(
            what,
            fix="Make the flow's body depend on its parameters and on results of tasks alone, and "
            "resume the run again, which has lost nothing; or start a new run.",
        )
        return self.diverged

    def _free(self, key: str) -> None:
        """Let what a call called be other than it was: it is made with other arguments."""
        if key not in self.callers:
            return
        within = f"{key}/"
        for each, past in list(self.calls.items()):
            if each.startswith(within):
                self.calls[each] = past._replace(here=True)
        for caller in [each for each in self.left if f"{each}/".startswith(within)]:
            self.left.pop(caller, None)


NOT_KEPT = "it completed before, and runs again: its result was not kept"

CHANGED = "arguments"
"""The collection of the fingerprints of calls that were made again with other arguments."""


def keep_changed(history: History, root: str, run_id: str, inputs: str) -> None:
    """Keep that a call is made again with other arguments, for when it is replayed."""
    history.put(CHANGED, run_id, inputs, run=root)


def _changed(history: History, root: str) -> dict[str, str]:
    found: dict[str, str] = {}
    after = ""
    while page := history.entries(CHANGED, prefix=f"{root}.", after=after):
        found |= {entry.key: entry.value for entry in page}
        after = page[-1].key
    return found


def _retried(record: RunRecord) -> bool:
    """Tell whether a run was to be tried again, and may call something else then than at first."""
    return any(state.name in (AWAITING_RETRY, RETRYING) for state in record.states)


def _within(key: str, callers: set[str]) -> bool:
    while key := key.rpartition("/")[0]:
        if key in callers:
            return True
    return False
