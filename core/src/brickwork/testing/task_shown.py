"""What a task shows of its work: in logs, on standard streams, in its progress, result, errors."""

import asyncio
import inspect
import io
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from brickwork import Secret
from brickwork.tasks import Scope, Task, on_progress
from brickwork.testing.block_looks import clear_text, found_in


def secrets_in(arguments: Mapping[str, Any]) -> list[str]:
    """Return the secrets in the arguments of a call."""
    values = [value for each in arguments.values() for value in found_in(each, Secret)]
    return [clear_text(value) for value in values]


def shown_by(task: Task[..., Any], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Run a task and return all that it shows, also what libraries log at the lowest level."""
    streams, reports = io.StringIO(), list[str]()
    with (
        _logged() as lines,
        redirect_stdout(streams),
        redirect_stderr(streams),
        on_progress(lambda report: reports.append(repr(report))),
    ):
        result = task(**arguments)
        if inspect.iscoroutine(result):
            result = asyncio.run(_awaited(result))
        repeated = repr(result)
    return {
        "what it logs": "\n".join(lines),
        "what it prints": streams.getvalue(),
        "its progress": "\n".join(reports),
        "the repr of its result": repeated,
    }


def with_a_wrong_one(arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return arguments of which one has no type that a task takes; None if all hold secrets."""
    for name, value in arguments.items():
        if not any(found_in(value, Secret)):
            return {**arguments, name: object()}
    return None


def shown_by_failing(call: Callable[[], object], seconds: float) -> dict[str, str]:
    """Call what is to fail, within some seconds, and return all that its error shows, if any."""
    streams = io.StringIO()
    try:
        with (
            _logged() as lines,
            redirect_stdout(streams),
            redirect_stderr(streams),
            Scope("contract", seconds=seconds),
        ):
            result = call()
            if inspect.iscoroutine(result):
                asyncio.run(_awaited(result))
    except Exception as error:  # noqa: BLE001  # whatever it is, it must show nothing
        return {
            "the traceback of a call that fails": "".join(traceback.format_exception(error)),
            "the repr of its error": f"{error!r} {error.args!r} {vars(error)!r}",
            "what it logs when it fails": "\n".join(lines),
            "what it prints when it fails": streams.getvalue(),
        }
    return {}


@contextmanager
def _logged() -> Iterator[list[str]]:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]  # the smallest handler there is
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


async def _awaited(running: Any) -> Any:
    return await running
