"""Running a flow for the command line: what it prints, and how Ctrl-C and a cancelling end it."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from brickwork.commands import as_text, harmless_lines, jsonable, note, print_json, print_text
from brickwork_flows.errors import FlowSuspended
from brickwork_flows.history.events import StateSet
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import StateType

GRACE_SECONDS = 1.5
"""How long what runs has to end after Ctrl-C, before it is left."""

_CANCEL_SECONDS = 1.0
_INTERRUPTED = 130


def run_and_print(
    run_id: str,
    name: str,
    begin: Callable[[], Any],
    *,
    is_async: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a flow, tell on standard error how it goes, and print what it returns.

    Args:
        run_id: The id that the run has.
        name: The flow's name.
        begin: Runs it, or gives the coroutine that does.
        is_async: Which of both.
        as_json: Whether to print JSON.
        quiet: Whether to tell nothing on standard error.
    """
    tell: Callable[[str], object] = (lambda _: None) if quiet else note
    tell(f"{name}: run {run_id}")
    started = time.monotonic()
    runtime = current_runtime()
    try:
        with (
            _shown(runtime, run_id, name, hidden=quiet or as_json) as leave,
            _interruptible(runtime, run_id, leave),
        ):
            result = asyncio.run(begin()) if is_async else begin()
    except FlowSuspended:
        _tell_end(runtime, run_id, tell)
        if as_json:
            print_json("flow.run/1", {"id": run_id, "flow": name, "state": "paused"})
        return
    except BaseException:
        _tell_end(runtime, run_id, tell)
        raise
    seconds = time.monotonic() - started
    tell(f"{name}: completed in {seconds:.3g} s")
    if as_json:
        content = {"id": run_id, "flow": name, "state": "completed", "seconds": round(seconds, 3)}
        print_json("flow.run/1", {**content, "result": jsonable(result)})
    elif result is not None:
        print_result(result)


def print_result(result: object) -> None:
    """Print what a run returned, as text for people."""
    text = as_text(result)
    # A terminal would obey what a program that reads the output wants as it is.
    print_text(harmless_lines(text) if sys.stdout.isatty() else text)


def _tell_end(runtime: Runtime, run_id: str, tell: Callable[[str], object]) -> None:
    runtime.flush()
    found = runtime.history.matching(run_id)
    if found:
        state = runtime.history.run(run_id).state.type
        # Else somebody else runs it, or has done so.
        if state is StateType.PAUSED or (state.final and state is not StateType.COMPLETED):
            tell(f"{state.value}; to go on: brickwork run resume {run_id}")


@contextmanager
def _shown(
    runtime: Runtime, run_id: str, name: str, *, hidden: bool
) -> Iterator[Callable[[], object]]:
    """Show the run as a tree where a person looks on; yield what ends that."""
    from brickwork_flows.cli.live_screen import is_terminal

    if hidden or not is_terminal():
        yield lambda: None
        return
    from brickwork_flows.cli.live import shown

    with shown(runtime, run_id, name) as leave:
        yield leave


@contextmanager
def _interruptible(runtime: Runtime, run_id: str, leave: Callable[[], object]) -> Iterator[None]:
    """Let Ctrl-C, and who cancels the run, end it soon, also if it does not listen.

    A second Ctrl-C waits for nothing any more.
    """
    timers: list[threading.Timer] = []
    abandoning = threading.Lock()

    def later(seconds: float, function: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timers.append(timer)
        timer.start()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        again = any(timer.function is abandon for timer in timers)
        # In another thread: what is interrupted here may hold what that needs.
        later(0.0 if again else GRACE_SECONDS, abandon)
        if not again:
            raise KeyboardInterrupt

    def abandon() -> None:
        if abandoning.acquire(blocking=False):
            leave()
            _abandon(runtime, run_id)

    # A call that blocks is woken by a signal alone.
    runtime.on_cancel = lambda: later(_CANCEL_SECONDS, lambda: os.kill(os.getpid(), signal.SIGINT))
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, interrupted) if main else None
    try:
        yield
    finally:
        runtime.on_cancel = None
        for timer in timers:
            timer.cancel()
        if main:
            signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def _abandon(runtime: Runtime, run_id: str) -> NoReturn:
    """Record what has not ended as cancelled, and end the process."""
    try:
        runtime.recorder.flush()
        records = [*runtime.history.children(run_id), runtime.history.run(run_id)]
        message = "interrupted; it did not end in time, and was left"
        runtime.recorder.write(
            *(
                StateSet(
                    *(each.id, len(each.states) + 1, "cancelled", "Cancelled"),
                    *(message, time.time(), each.attempts),
                )
                for each in records
                if not each.state.final
            )
        )
        runtime.close()
        note(f"interrupted: what still ran was left; to go on: brickwork run resume {run_id}")
    finally:
        os._exit(_INTERRUPTED)
