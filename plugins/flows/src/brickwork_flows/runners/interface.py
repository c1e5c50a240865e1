"""The interface of runners."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

from brickwork import InvalidArguments, Task, Watcher
from brickwork_flows.futures import RunFuture

Watching = Watcher


class Parked(BaseException):
    """Raised by what a runner calls for a task that waits for a slot, and needs no thread for that.

    Only by what is given to the `start` of a runner whose `parks` is true.

    Attributes:
        wait: Is called with a function, and calls that once, soon or later, from any thread.
        go_on: Is to be called in a thread then, in place of the function that raised this.
    """

    def __init__(
        self, wait: Callable[[Callable[[], None]], None], go_on: Callable[[], Any]
    ) -> None:
        super().__init__()
        self.wait = wait
        self.go_on = go_on


class TaskRunner(ABC):
    """Runs submitted tasks, several at once.

    A flow makes one for each of its runs, when a task is first submitted: ``task_runner=`` takes a
    class, a function that returns a runner, or a runner, of which each run uses a copy made by
    `fresh`.

    Two things can be brought: where a task waits for its turn and its end (`start`), and where its
    function is called (`perform`). To call functions somewhere else (in other processes, on other
    machines), derive from `ThreadRunner`, whose threads wait for what runs elsewhere, and override
    `perform` and `close`.
    """

    in_loops: bool = True
    """Whether async tasks come by `start_async`; else by `start`, and `perform` runs them, too."""

    parks: bool = False
    """Whether `start` deals with `Parked`. Without it, a task keeps its thread while it waits for
    the slot of a limit."""

    @abstractmethod
    def start(self, future: RunFuture[Any], function: Callable[[], Any], /) -> None:
        """Call a function in another thread, and end the future with what it returns or raises.

        The function records the task's run, and asks `perform` to do its work.
        """

    @abstractmethod
    def start_async(self, future: RunFuture[Any], function: Callable[[], Any], /) -> None:
        """Run a coroutine function: in the event loop of here if there is one, else in a thread."""

    def perform(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        watcher: Watching,
        /,
    ) -> Any:
        """Do the work of a sync task, with its retries and time-out; called in its thread.

        Args:
            task: The task.
            args: Positional arguments, without futures.
            kwargs: Arguments by name.
            watcher: Is told of each retry, for the history.
        """
        return task.perform(args, kwargs, watcher)

    @abstractmethod
    def wait(self) -> None:
        """Wait until everything that was started has ended."""

    @abstractmethod
    def close(self, *, cancel: bool) -> None:
        """End; with ``cancel``, everything that has not ended is cancelled first."""

    def fresh(self) -> Self:
        """Return a runner with the same settings, for one run of a flow.

        Raises:
            InvalidArguments: This kind has no such copies.
        """
        raise InvalidArguments(
            f"A {type(self).__name__} cannot be shared by runs.",
            fix=f"Pass a function that makes one: task_runner=lambda: {type(self).__name__}(...).",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close(cancel=error is not None)


class LazyRunner(TaskRunner):
    """Makes the runner when something is first submitted: most flows submit nothing.

    Args:
        make: A runner, what makes one, or its name.
    """

    def __init__(self, make: Callable[[], TaskRunner] | TaskRunner | str) -> None:
        if isinstance(make, str):
            self._make: Callable[[], TaskRunner] = partial(_by_name, make)
        else:
            self._make = make.fresh if isinstance(make, TaskRunner) else make
        self._made: TaskRunner | None = None

    @property
    def in_loops(self) -> bool:  # type: ignore[override]  # that of the runner that is made
        """As the runner's."""
        return self._runner().in_loops

    @property
    def parks(self) -> bool:  # type: ignore[override]  # as above
        """As the runner's."""
        return self._runner().parks

    def _runner(self) -> TaskRunner:
        if self._made is None:
            self._made = self._make()
        return self._made

    def start(self, future: RunFuture[Any], function: Callable[[], Any], /) -> None:
        """Start by the runner."""
        self._runner().start(future, function)

    def start_async(self, future: RunFuture[Any], function: Callable[[], Any], /) -> None:
        """Start by the runner."""
        self._runner().start_async(future, function)

    def perform(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        watcher: Watching,
        /,
    ) -> Any:
        """Have the runner do the work."""
        return self._runner().perform(task, args, kwargs, watcher)

    def wait(self) -> None:
        """Wait by the runner."""
        if self._made is not None:
            self._made.wait()

    def close(self, *, cancel: bool) -> None:
        """Close the runner; the next submitted task makes another."""
        made, self._made = self._made, None
        if made is not None:
            made.close(cancel=cancel)


def _by_name(name: str) -> TaskRunner:
    from brickwork_flows.extensions import find

    made: TaskRunner = find("runners", name)()
    return made
