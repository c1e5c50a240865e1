"""Futures in arguments: found at any depth, waited for, and replaced by their results."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from brickwork_flows.errors import UnfinishedDependency
from brickwork_flows.futures import Allowed, RunFuture

_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_SCALARS = frozenset({type(None), bool, int, float, str, bytes})


def has_futures(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether arguments hold a future, at any depth."""
    for value in args:
        if type(value) not in _SCALARS and _holds(value):
            return True
    return bool(kwargs) and any(_holds(value) for value in kwargs.values())


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


async def resolved_async(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """`resolved` without blocking the event loop."""
    for future in _futures((*args, *kwargs.values())):
        await future.await_end()
    return resolved(name, args, kwargs)


def results_of(value: Any) -> Any:
    """Return a value with the results of the futures in it in their places; waits for them.

    What a task raised is raised here, unless that is allowed.
    """
    kind = type(value)
    if kind is RunFuture:
        return value.result()
    if kind is Allowed:
        return _resolved("", value)
    if kind not in _CONTAINERS or not _holds(value):
        return value
    if kind is dict:
        return {key: results_of(each) for key, each in value.items()}
    return kind(results_of(each) for each in value)


def waited_for(values: Any) -> list[tuple[str, int, int]]:
    """Return which calls the futures in a value stand for: the name of a call, and from and to.

    A thousand futures of one ``map`` are one range. `expanded` gives back the keys.
    """
    found: list[tuple[str, int, int]] = []
    for future in _futures(values):
        stem, _, text = future.key.rpartition("-")
        number = int(text)
        if found and found[-1][0] == stem and found[-1][2] == number - 1:
            found[-1] = (stem, found[-1][1], number)
        else:
            found.append((stem, number, number))
    return found


def expanded(ranges: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the keys of the calls that `waited_for` returned."""
    for stem, first, last in ranges:
        for number in range(first, last + 1):
            yield f"{stem}-{number}"


def _holds(value: Any) -> bool:
    return next(_futures(value), None) is not None


def _futures(value: Any) -> Iterator[RunFuture[Any]]:
    kind = type(value)
    if kind is RunFuture:
        yield value
    elif kind is Allowed:
        yield value.future
    elif kind in _CONTAINERS:
        for each in value.values() if kind is dict else value:
            if type(each) not in _SCALARS:
                yield from _futures(each)


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
