"""``map``: one call for each element of the arguments."""

from collections.abc import Iterable, Mapping
from typing import Any

from brickwork import InvalidArguments, Task
from brickwork_flows.futures import RunFuture, Whole

Call = tuple[tuple[Any, ...], dict[str, Any]]


def calls_of(
    task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterable[Call]:
    """Return the arguments of each call.

    Lists, tuples, sets, ranges and other iterables give one element to each call; texts, bytes,
    mappings, what is marked by `unmapped` and what cannot be iterated go to each call whole. A
    future is waited for, and its result counts.

    Raises:
        InvalidArguments: Nothing is to be mapped over, or the lengths differ.
    """
    columns = [_column(value) for value in args]
    named = {name: _column(value) for name, value in kwargs.items()}
    lengths = {len(each) for each in (*columns, *named.values()) if isinstance(each, list)}
    if not lengths:
        raise InvalidArguments(
            f"{task.name}.map() has no argument to map over.",
            fix="Give at least one list, or another iterable.",
        )
    if len(lengths) > 1:
        raise InvalidArguments(
            f"{task.name}.map() has arguments of different lengths: "
            f"{', '.join(map(str, sorted(lengths)))}.",
            fix="Make them equally long, or mark what every call gets whole by unmapped().",
        )
    return [
        (
            tuple(_element(column, number) for column in columns),
            {name: _element(column, number) for name, column in named.items()},
        )
        for number in range(lengths.pop())
    ]


def _column(value: Any) -> Any:
    """Return the elements as a list, or what every call gets, boxed."""
    if type(value) is Whole:
        return value
    if type(value) is RunFuture:
        value = value.result()
    if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        return Whole(value)
    return list(value)


def _element(column: Any, number: int) -> Any:
    return column[number] if isinstance(column, list) else column.value
