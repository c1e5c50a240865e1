"""What the contract of runners runs: tasks in a module that every process can import."""

import os
import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from brickwork import task
from brickwork_flows.current import current_flow_run, current_task_run
from brickwork_flows.eventing.emitting import emit_event
from brickwork_flows.logs import get_run_logger

LONGEST_SECONDS = 60.0


class Strange(Exception):
    """Cannot be pickled."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


@task
def double(number: int, plus: int = 0) -> int:
    """Return twice a number, and more."""
    return 2 * number + plus


@task
def echo(value: Any) -> Any:
    """Return what is given."""
    return value


@task
def total(numbers: dict[str, Iterable[int]]) -> int:
    """Return the sum of all."""
    return sum(sum(each) for each in numbers.values())


@task
def kind_of(value: object) -> str:
    """Return the name of a value's type."""
    return type(value).__name__


@task
def process() -> int:
    """Return the process that this runs in."""
    return os.getpid()


@task
def fails(text: str, number: int) -> None:
    """Raise."""
    raise LookupError(text, number)


@task
def fails_strangely(text: str) -> None:
    """Raise what cannot be pickled."""
    raise Strange(text)


@task
def gives_lock() -> object:
    """Return what cannot be pickled."""
    return threading.Lock()


@task(retries=2, retry_delay_seconds=0)
def flaky(folder: Path) -> int:
    """Fail twice."""
    number = len(list(folder.glob("tried-*")))
    (folder / f"tried-{number}").touch()
    if number < 2:
        raise OSError("busy")
    return number


@task
def touches(path: Path) -> None:
    """Leave a file."""
    path.touch()


@task
def meets(mine: Path, other: Path) -> bool:
    """Leave a file, and wait for that of somebody else; tell whether it came."""
    mine.touch()
    return awaited(other)


@task
def ticks(path: Path) -> str:
    """Write on and on, until there is a file ``stop`` beside."""
    _tick(path)
    return path.name


@task(timeout_seconds=0.5)
def late(path: Path) -> None:
    """Write on for longer than it may."""
    _tick(path)


@task
def calls(number: int) -> int:
    """Call a task."""
    return double(double(number))


@task
def descends(depth: int) -> int:
    """Submit a task that submits one, and so on, and wait for it."""
    if depth == 0:
        return 0
    below: int = descends.submit(depth - 1).result()
    return below + 1


@task
async def in_coroutine(number: int) -> int:
    """Return twice a number, after other coroutines had their turn."""
    import asyncio

    await asyncio.sleep(0)
    return 2 * number


@task(tags=["of-the-task"], log_prints=True)
def speaks(word: str) -> dict[str, Any]:
    """Log, print and emit a word, and return what is known here of the run."""
    get_run_logger().info("logged %s", word)
    print("printed", word)  # noqa: T201  # to be kept
    emit_event("contract.said", payload={"word": word})
    own, flow = current_task_run(), current_flow_run()
    return {
        "task": own and (own.id, own.name, own.attempt, own.tags, own.parameters),
        "flow": flow and (flow.id, flow.name),
    }


@task
def dies(began: Path, go: Path) -> None:
    """Be killed, once there is a file."""
    began.touch()
    awaited(go)
    os.kill(os.getpid(), signal.SIGKILL)


def awaited(path: Path, seconds: float = LONGEST_SECONDS) -> bool:
    """Wait for a file, and tell whether it came."""
    end = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def _tick(path: Path) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end and not (path.parent / "stop").exists():
        with path.open("a", encoding="ascii") as file:
            file.write(".")
        time.sleep(0.01)
