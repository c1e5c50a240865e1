"""What a task shows of its work: in logs, on standard streams, in its progress and its result."""

import asyncio
import inspect
import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from brickwork import Secret
from brickwork.tasks import Task, on_progress
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
