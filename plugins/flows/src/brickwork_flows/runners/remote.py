"""A call of a task that another process performs: what a runner sends there, and hears of it."""

import pickle
from collections.abc import Mapping
from typing import Any

from brickwork import Task, progress, remaining
from brickwork_flows.context import current_run
from brickwork_flows.errors import WorkerDied
from brickwork_flows.runners.far import here
from brickwork_flows.runners.interface import Watching
from brickwork_flows.runners.orders import Packed, packed, unpacked


class RemoteCall:
    """A call of a task for another process: made by `TaskRunner.perform`, in the task's thread.

    Its order goes to `perform_order` over there, and what that tells comes back to `hear`, at once
    or at the end. What the task logs, prints, makes and emits is then recorded here.

    Args:
        task: The task.
        args: Positional arguments.
        kwargs: Arguments by name.
        watcher: Is told of each retry.

    Attributes:
        order: What to send.
        begun: Whether anything was told of it: until then the task has surely not begun.

    Raises:
        NotSendable: The task or an argument cannot be pickled.
    """

    def __init__(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        watcher: Watching,
    ) -> None:
        self.order = packed(task, args, kwargs, remaining(), here())
        self.begun = False
        self._watcher = watcher
        self._outcome: Packed | None = None

    @property
    def ended(self) -> bool:
        """Whether it was told how the task ended."""
        return self._outcome is not None

    def hear(self, told: bytes) -> str:
        """Do what is told: keep a line, an artifact, an event; note a retry, or the end.

        Args:
            told: What `perform_order` has told. Reading it can run code.

        Returns:
            What it is about: ``begins``, ``line``, ``retry_planned``, ``attempt_begins``, ``ended``
            and others.
        """
        self.begun = True
        kind: str
        kind, *what = pickle.loads(told)  # noqa: S301  # from a process that does our work
        context = current_run.get()
        if kind == "ended":
            self._outcome = Packed(*what)
        elif kind == "progress":
            progress(*what)
        elif kind in ("retry_planned", "attempt_begins"):
            getattr(self._watcher, kind)(*what)
        elif context is not None:
            flow = context.flow
            if kind == "line":
                flow.log.add(context.id, *what)
            elif kind == "artifact":
                flow.artifact(*what)
            elif kind == "record":
                flow.write(*what)
        return kind

    def result(self) -> Any:
        """Return what the task returned, or raise what it raised.

        Raises:
            NotSendable: That could not be pickled, or cannot be read here.
            WorkerDied: Nobody has told how it ended.
        """
        if self._outcome is None:
            raise WorkerDied(
                "The process that ran the task has not told how it ended.",
                fix="Look whether it was killed, or lost its connection.",
            )
        return unpacked(self._outcome)
