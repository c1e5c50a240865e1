"""What runs now: the run of a flow or of a task, for what is called inside it."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brickwork_flows.engine import FlowRun
    from brickwork_flows.transactions.unit import Unit


class RunContext:
    """A run, as what is called inside it sees it.

    Attributes:
        id: The run's id.
        kind: ``flow`` or ``task``.
        name: The flow's or the task's name.
        run_name: The name of this run.
        path: Which call it is, seen from its flow: the keys of the calls that lead to it.
        flow: The run of the flow that it belongs to.
        attempt: Which attempt this is, from 1.
        fn: The function that runs, for the names of its parameters.
        tags: Its tags, with those around it, sorted.
        log_prints: Whether what it prints is kept.
        transaction: Its own, if it has come to have one.
        opened: Whether a transaction is open in its body.
    """

    __slots__ = (
        "_calls",
        "attempt",
        "flow",
        "fn",
        "id",
        "kind",
        "log_prints",
        "name",
        "opened",
        "path",
        "run_name",
        "tags",
        "transaction",
    )

    def __init__(
        self,
        run_id: str,
        kind: str,
        name: str,
        run_name: str,
        path: str,
        flow: "FlowRun",
        fn: Callable[..., Any] | None = None,
        tags: tuple[str, ...] = (),
        log_prints: bool = False,
    ) -> None:
        self.id = run_id
        self.kind = kind
        self.name = name
        self.run_name = run_name
        self.path = path
        self.flow = flow
        self.attempt = 1
        self.fn = fn
        self.tags = tags
        self.log_prints = log_prints
        self.transaction: Unit | None = None
        self.opened = False
        self._calls: dict[str, int] = {}

    def next_key(self, name: str) -> str:
        """Return which call of that name the next one in this run is: ``load-0``, ``load-1``."""
        number = self._calls.get(name, 0)
        self._calls[name] = number + 1
        return f"{name}-{number}"

    def begin_again(self) -> None:
        """Count calls from the start: the body begins anew."""
        if self.transaction is not None:
            self.transaction.begin_again()
        self.opened = False
        self._calls.clear()


current_run: ContextVar[RunContext | None] = ContextVar("brickwork_run", default=None)


current_transaction: ContextVar["Unit | None"] = ContextVar("brickwork_transaction", default=None)
"""The innermost transaction whose block is open here."""

far_run: ContextVar[RunContext | None] = ContextVar("brickwork_far_run", default=None)
"""The run whose work this process does for another one, which records."""


def run_here() -> RunContext | None:
    """Return the run that runs here, or whose work is done here; None outside of one."""
    return current_run.get() or far_run.get()
