"""What a run that is resumed, or tried again, has done before."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from brickwork_flows.errors import ReplayDiverged
from brickwork_flows.history.events import ResultKept
from brickwork_flows.history.interface import History
from brickwork_flows.result_settings import ResultSettings
from brickwork_flows.results import restore
from brickwork_flows.states import CACHED, ROLLED_BACK, StateType

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
        here: Whether that was in an attempt before, and not before the run was resumed.
        cached: Whether it did not run, since its result was in the cache.
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
        staged: What its transactions have put aside; None for nothing.
    """

    calls: dict[str, PastCall] = field(default_factory=dict)
    left: dict[str, dict[str, str]] = field(default_factory=dict)
    staged: "Staging | None" = None

    @classmethod
    def of(cls, history: History, flow_run: str) -> Self:
        """Return what the history has of a flow's run."""
        results = history.results(flow_run)
        replay = cls()
        for record in history.children(flow_run):
            if not record.states:
                continue
            state = record.state
            completed = state.type is StateType.COMPLETED and state.name != ROLLED_BACK
            replay.calls[record.key] = PastCall(
                record.name,
                record.inputs,
                results.get(record.id) if completed else None,
                len(record.states),
                record.attempts,
                None,
                completed,
                cached=state.name == CACHED,
            )
            replay.left.setdefault(record.key.rpartition("/")[0], {})[record.key] = record.name
        return replay

    def knows(self, key: str) -> bool:
        """Return whether a call need not be made again."""
        past = self.calls.get(key)
        return past is not None and (past.result is not None or past.value is not None)

    def ask(self, key: str) -> None:
        """Take note of a call that is made again.

        What follows one that runs again may be other than it was: it may end otherwise.
        """
        past = self.calls.get(key)
        if past is None:
            return
        caller = key.rpartition("/")[0]
        if past.result is None and past.value is None:
            self.left.pop(caller, None)
        elif caller in self.left:
            self.left[caller].pop(key, None)

    def expect(self, key: str, name: str) -> None:
        """Refuse a call that was not made before, where another one was made in its place.

        Only for calls that a body makes one after the other.

        Raises:
            ReplayDiverged: Names both calls.
        """
        if key in self.calls:
            return
        left = self.left.get(key.rpartition("/")[0])
        if left:
            before, named = next(iter(left.items()))
            what = f"{before} ({named!r})" if before.rpartition("-")[0] != named else before
            raise ReplayDiverged(
                f"The flow calls {key} ({name!r}) where it called {what} when it ran before.",
                fix="Make the flow's body depend on its parameters and on results of tasks alone; "
                "or start a new run.",
            )


NOT_KEPT = "it completed before, and runs again: its result was not kept"


def given_back(
    before: PastCall, path: str, inputs: str, settings: ResultSettings
) -> tuple[bool, Any]:
    """Return whether a call need not be made again, and what it returned then.

    Args:
        before: The call.
        path: Which one it is.
        inputs: A fingerprint of its arguments.
        settings: How its results are kept now.

    Raises:
        ReplayDiverged: It had other arguments when the run ran that is resumed.
        MissingResult: What it returned cannot be read.
    """
    if before.inputs != inputs:
        if before.here:
            return False, None  # another attempt may do something else
        raise ReplayDiverged(
            f"The call {path} ({before.name!r}) has other arguments than when the flow ran before.",
            fix="Make the flow's body depend on its parameters and on results of tasks alone; "
            "or start a new run.",
        )
    if before.value is not None:
        return True, before.value[0]
    if before.result is not None:
        return True, restore(before.result, allow_pickle=settings.allow_pickle)
    return False, None
