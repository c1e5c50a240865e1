"""How an engine puts itself in front of tasks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from brickwork.tasks.definition import Task

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class TaskFuture(Protocol[R_co]):
    """What ``submit`` and ``map`` give back: the result of a task that runs elsewhere."""

    def result(self, timeout: float | None = None) -> R_co:
        """Wait for the result and return it, or raise what the task raised.

        Args:
            timeout: Seconds to wait at most.
        """

    async def aresult(self) -> R_co:
        """`result` without blocking the event loop."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, and tell whether it has.

        Args:
            timeout: Seconds to wait at most.
        """

    def done(self) -> bool:
        """Return whether it has ended, in whatever way."""

    def exception(self) -> BaseException | None:
        """Return what it raised; None where it has not ended, or ended well."""

    def cancel(self) -> bool:
        """Ask it to stop; return False when it is too late."""


class Engine(Protocol):
    """What runs tasks instead of a plain call, while it is installed by `use_engine`.

    An engine ends up calling the function by ``task.perform(args, kwargs, watcher)`` or
    ``await task.perform_async(...)``: these apply retries and time-out and set the scope, tell the
    watcher of each retry, and do not ask the engine again.
    """

    def run(
        self, task: "Task[..., Any]", args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> Any:
        """Run a sync task and return its result."""

    async def run_async(
        self, task: "Task[..., Any]", args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> Any:
        """Run a task without blocking the event loop; a sync one runs in a thread."""

    def submit(
        self, task: "Task[..., Any]", args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> TaskFuture[Any]:
        """Start a task and return at once."""

    def map(
        self, task: "Task[..., Any]", args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> list[TaskFuture[Any]]:
        """Start a task once for each element of its arguments and return at once."""


current_engine: ContextVar[Engine | None] = ContextVar("brickwork_engine", default=None)


@contextmanager
def use_engine(engine: Engine | None) -> Iterator[None]:
    """Put an engine in front of every task called inside, in this context and its copies.

    Args:
        engine: None takes away the one that is installed.
    """
    token = current_engine.set(engine)
    try:
        yield
    finally:
        current_engine.reset(token)


def stoppable(fn: Callable[..., R], *args: Any) -> R:
    """Call a sync function, and interrupt it when the scope of here, or one around, is cancelled.

    It ends at its next bytecode: a blocking system call or C function returns first. For engines,
    which run tasks in threads of their own.

    Args:
        fn: The function.
        args: Its arguments.

    Raises:
        TaskCancelled: It was interrupted.
    """
    from brickwork.tasks.interrupt import guarded
    from brickwork.tasks.scope import current_scope
    from brickwork.tasks.threads import ThreadGuard

    scope = current_scope.get()
    if scope is None:
        return fn(*args)
    guard = ThreadGuard(scope)
    with scope.waking(guard.stop_soon):
        return guarded(guard, fn, args, {})
