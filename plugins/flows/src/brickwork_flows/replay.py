"""What a run that is resumed, or tried again, has done before."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from brickwork_flows.history.events import ResultKept
from brickwork_flows.history.interface import History
from brickwork_flows.states import StateType


class PastCall(NamedTuple):
    """A task that was called before.

    Attributes:
        name: The task's name.
        inputs: A fingerprint of its arguments.
        result: What it returned; None if it did not complete, or nothing was kept.
        number: How many states were recorded.
        attempts: How many times it was tried.
        value: What it returned, in a list, where that is still in this process.
    """

    name: str
    inputs: str
    result: ResultKept | None
    number: int
    attempts: int
    value: list[Any] | None = None


@dataclass(slots=True)
class Replay:
    """The calls of a run before, by which call they are; empty for a run that is new."""

    calls: dict[str, PastCall] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History, flow_run: str) -> Self:
        """Return what the history has of a flow's run."""
        results = history.results(flow_run)
        calls = {
            record.key: PastCall(
                record.name,
                record.inputs,
                results.get(record.id) if record.state.type is StateType.COMPLETED else None,
                len(record.states),
                record.attempts,
            )
            for record in history.children(flow_run)
            if record.states
        }
        return cls(calls)
