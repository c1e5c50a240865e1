"""Futures: tasks that run elsewhere, and the waiting for what they return."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from brickwork_flows.errors import UnfinishedDependency

R = TypeVar("R")
T = TypeVar("T")

_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_SCALARS = frozenset({type(None), bool, int, float, str, bytes})


class RunFuture(Generic[R]):
    """The result of a task that was submitted.

    Given to another task, also deep in a list, a tuple, a dict or a set, it makes that task wait
    for it and get the result.

    Attributes:
        name: The task's name.
        key: Which call of its flow it is.
    """

    __slots__ = ("_callbacks", "_cancel", "_condition", "_done", "_error", "_value", "key", "name")

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.key = key
        self._condition = threading.Condition(threading.Lock())
        self._done = False
        self._value: R | None = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[RunFuture[R]], object]] | None = None
        self._cancel: Callable[[], bool] | None = None

    def result(self, timeout: float | None = None) -> R:
        """Wait for the result and return it, or raise what the task raised.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: It has not ended by then, and runs on.
        """
        self.wait(timeout)
        if not self._done:
            raise TimeoutError(f"{self.key} has not ended within {timeout:g} s")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set with _done

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, and tell whether it has."""
        with self._condition:
            return self._condition.wait_for(lambda: self._done, timeout)

    def done(self) -> bool:
        """Return whether it has ended, in whatever way."""
        return self._done

    def exception(self) -> BaseException | None:
        """Return what it raised; None where it has not ended, or ended well."""
        return self._error

    def cancel(self) -> bool:
        """Ask it to stop; return False when it is too late."""
        return not self._done and self._cancel is not None and self._cancel()

    def add_done_callback(self, callback: Callable[["RunFuture[R]"], object]) -> None:
        """Have a function called with this future when it has ended; at once if it has."""
        with self._condition:
            if not self._done:
                self._callbacks = [*(self._callbacks or ()), callback]
                return
        callback(self)

    # For runners

    def can_cancel(self, cancel: Callable[[], bool]) -> None:
        """Set what `cancel` calls."""
        self._cancel = cancel

    def end(self, value: Any, error: BaseException | None = None) -> None:
        """Set how it ended, and wake who waits."""
        with self._condition:
            self._value, self._error, self._done = value, error, True
            callbacks, self._callbacks = self._callbacks, None
            self._cancel = None
            self._condition.notify_all()
        for callback in callbacks or ():
            callback(self)

    def __repr__(self) -> str:
        return f"<RunFuture {self.key} {'done' if self._done else 'running'}>"


class Allowed(NamedTuple):
    """A future whose failure is no failure of the task that it is given to; see `allow_failure`."""

    future: RunFuture[Any]


class Whole(NamedTuple):
    """A value that ``map`` gives to every call as it is; see `unmapped`."""

    value: Any


def allow_failure(future: RunFuture[Any]) -> Any:
    """Mark a future: who is given it begins in any case, with the exception if it failed."""
    return Allowed(future)


def unmapped(value: T) -> T:
    """Mark an argument of ``map``: every call gets the whole of it, instead of one element."""
    marked: Any = Whole(value)
    return marked  # type: ignore[no-any-return]  # as what the task takes, for type checkers


def wait(
    futures: Iterable[RunFuture[R]], timeout: float | None = None
) -> tuple[set[RunFuture[R]], set[RunFuture[R]]]:
    """Wait for futures; return those that have ended, and those that have not.

    Args:
        futures: What to wait for.
        timeout: Seconds to wait at most, for all together.
    """
    import time

    wanted = list(futures)
    end = None if timeout is None else time.monotonic() + timeout
    for future in wanted:
        future.wait(None if end is None else max(0.0, end - time.monotonic()))
    done = {future for future in wanted if future.done()}
    return done, set(wanted) - done


def as_completed(
    futures: Iterable[RunFuture[R]], timeout: float | None = None
) -> Iterator[RunFuture[R]]:
    """Give futures back in the order in which they end.

    Raises:
        TimeoutError: Some have not ended by then.
    """
    import time
    from queue import Empty, SimpleQueue

    wanted = list(futures)
    ended: SimpleQueue[RunFuture[R]] = SimpleQueue()
    for future in wanted:
        future.add_done_callback(ended.put)
    end = None if timeout is None else time.monotonic() + timeout
    for left in range(len(wanted), 0, -1):
        try:
            yield ended.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
        except Empty:
            raise TimeoutError(f"{left} of {len(wanted)} futures have not ended") from None


def has_futures(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether arguments hold a future, at any depth."""
    for value in args:
        if type(value) not in _SCALARS and _holds(value):
            return True
    return bool(kwargs) and any(_holds(value) for value in kwargs.values())


def _holds(value: Any) -> bool:
    kind = type(value)
    if kind is RunFuture or kind is Allowed:
        return True
    if kind not in _CONTAINERS:
        return False
    return any(_holds(each) for each in (value.values() if kind is dict else value))


def resolved(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Wait for the futures in arguments, and return these with results in their places.

    Raises:
        UnfinishedDependency: One of them failed; the error is its cause.
    """
    return (
        tuple(_resolved(name, value) for value in args),
        {key: _resolved(name, value) for key, value in kwargs.items()},
    )


def _resolved(name: str, value: Any) -> Any:
    kind = type(value)
    if kind is RunFuture:
        return _result(name, value)
    if kind is Allowed:
        value.future.wait()
        error = value.future.exception()
        return value.future.result() if error is None else error
    if kind not in _CONTAINERS or not _holds(value):
        return value
    if kind is dict:
        return {key: _resolved(name, each) for key, each in value.items()}
    return kind(_resolved(name, each) for each in value)


def _result(name: str, future: RunFuture[Any]) -> Any:
    future.wait()
    error = future.exception()
    if error is not None:
        raise UnfinishedDependency(
            f"The task {name!r} did not begin: {future.key}, which it waits for, did not complete.",
            fix="Mend what failed, or pass allow_failure(future) to begin in any case.",
        ) from error
    return future.result()
