"""Time-outs of sync tasks: on the main thread, in others, nested, and beside other users."""

import gc
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

import pytest

from brickwork import BrickworkError, TaskTimeout, cancelled, remaining, task
from brickwork.testing.task import no_waiting

R = TypeVar("R")


def here(work: Callable[[], R]) -> R:
    """Run on the main thread."""
    assert threading.current_thread() is threading.main_thread(), "tests run on the main thread"
    return work()


def in_a_thread(work: Callable[[], R]) -> R:
    """Run in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, work).result()


@contextmanager
def alarm_in_use() -> Iterator[list[int]]:
    """SIGALRM belongs to somebody else; yields the alarms that they got."""
    got: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: got.append(number))
    try:
        yield got
    finally:
        signal.signal(signal.SIGALRM, before)


def beside_an_alarm(work: Callable[[], R]) -> R:
    """Run on the main thread while somebody else uses SIGALRM."""
    with alarm_in_use() as got:
        result = work()
    assert got == []
    return result


EVERYWHERE = pytest.mark.parametrize("where", [here, in_a_thread, beside_an_alarm])


def spin(seconds: float = 30) -> str:
    """Be busy in bytecode."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "done"


@pytest.fixture(autouse=True)
def signals_are_as_before() -> Iterator[None]:
    """Every test leaves SIGALRM and its timer as they were."""
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@EVERYWHERE
def test_a_late_task_is_interrupted(where: Callable[[Callable[[], Any]], Any]) -> None:
    """A busy function ends soon after its time-out, with an error that names task and seconds."""
    began = time.monotonic()
    with pytest.raises(TaskTimeout, match=r"Task 'spin' did not end within 0\.05 s") as caught:
        where(task(timeout_seconds=0.05)(spin))
    assert time.monotonic() - began < 5
    assert isinstance(caught.value, BrickworkError)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.fix
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@EVERYWHERE
def test_the_traceback_shows_where_it_was(where: Callable[[Callable[[], Any]], Any]) -> None:
    """The error's traceback leads into the function, to the line that ran."""
    with pytest.raises(TaskTimeout) as caught:
        where(task(timeout_seconds=0.02)(spin))
    assert any(frame.name == "spin" for frame in traceback.extract_tb(caught.value.__traceback__))


@EVERYWHERE
def test_in_time_gives_the_result(where: Callable[[Callable[[], Any]], Any]) -> None:
    """A function that ends in time is not disturbed, and leaves nothing behind."""
    quick = task(timeout_seconds=0.5)(lambda: remaining())
    left = where(quick)
    assert left is not None
    assert 0 < left <= 0.5
    where(lambda: spin(0.6))


def test_a_blocking_call_is_interrupted_on_the_main_thread() -> None:
    """A sleep or a wait for a lock of a minute ends at the time-out there."""
    lock = threading.Lock()
    lock.acquire()
    for block in (lambda: time.sleep(60), lambda: lock.acquire(timeout=60)):
        began = time.monotonic()
        with pytest.raises(TaskTimeout):
            task(timeout_seconds=0.05, name="block")(block)()
        assert time.monotonic() - began < 5


@EVERYWHERE
def test_an_own_exception_handler_does_not_swallow_it(
    where: Callable[[Callable[[], Any]], Any],
) -> None:
    """``except Exception`` inside the task is for its own errors; ``finally`` runs."""
    cleaned: list[int] = []

    @task(timeout_seconds=0.05)
    def stubborn() -> str:
        while True:
            try:
                spin()
            except Exception:  # noqa: BLE001 - the claim
                continue
            finally:
                cleaned.append(1)

    with pytest.raises(TaskTimeout):
        where(stubborn)
    assert cleaned == [1]


@EVERYWHERE
def test_the_tasks_own_timeout_error_is_its_own(
    where: Callable[[Callable[[], Any]], Any],
) -> None:
    """A TimeoutError that the function raises comes out unchanged."""
    own = TimeoutError("the server is slow")

    @task(timeout_seconds=5)
    def work() -> None:
        raise own

    with pytest.raises(TimeoutError) as caught:
        where(work)
    assert caught.value is own


@EVERYWHERE
def test_the_inner_deadline_ends_only_the_inner_task(
    where: Callable[[Callable[[], Any]], Any],
) -> None:
    """The outer task catches the inner one's error, works on, and is still limited itself."""
    inner = task(timeout_seconds=0.03, name="inner")(spin)

    @task(timeout_seconds=0.6)
    def outer() -> None:
        for _ in range(2):
            with pytest.raises(TaskTimeout, match=r"'inner' did not end within 0\.03 s"):
                inner()
        events.append("inner ended twice")
        spin()

    events: list[str] = []
    with pytest.raises(TaskTimeout, match=r"'outer' did not end within 0\.6 s"):
        where(outer)
    assert events == ["inner ended twice"]


@EVERYWHERE
def test_the_outer_deadline_passes_the_inner_task(
    where: Callable[[Callable[[], Any]], Any],
) -> None:
    """The outer time-out ends both; the inner task does not retry, nor take it for its own."""
    calls: list[int] = []

    @task(timeout_seconds=20, retries=5)
    def inner() -> None:
        calls.append(1)
        spin()

    @task(timeout_seconds=0.05)
    def outer() -> None:
        inner()

    with pytest.raises(TaskTimeout, match="'outer'"):
        where(outer)
    assert calls == [1]


@EVERYWHERE
def test_each_attempt_has_the_whole_time(where: Callable[[Callable[[], Any]], Any]) -> None:
    """The time-out is for one attempt; a late attempt counts as failed, and is tried again."""
    left: list[float | None] = []

    @task(timeout_seconds=0.1, retries=2)
    def work() -> str:
        left.append(remaining())
        return spin(0 if len(left) == 3 else 30)

    with no_waiting():
        assert where(work) == "done"
    assert all(seconds is not None and 0 < seconds <= 0.1 for seconds in left)
    with no_waiting(), pytest.raises(TaskTimeout) as caught:
        where(task(timeout_seconds=0.02, retries=1)(spin))
    assert caught.value.__notes__ == ["task 'spin' failed at attempt 2 of 2"]


def test_a_time_out_is_retried_only_if_retry_on_takes_it() -> None:
    """With ``retry_on`` of other errors, the first time-out is the end."""
    calls: list[int] = []

    @task(timeout_seconds=0.02, retries=3, retry_on=ConnectionError)
    def work() -> None:
        calls.append(1)
        spin()

    with pytest.raises(TaskTimeout):
        work()
    assert calls == [1]


@EVERYWHERE
def test_a_late_task_knows_it_while_it_cleans_up(
    where: Callable[[Callable[[], Any]], Any],
) -> None:
    """In ``finally`` after the interrupt, no time remains and the task is told to stop."""
    seen: list[object] = []

    @task(timeout_seconds=0.02)
    def work() -> None:
        try:
            spin()
        finally:
            seen.extend([remaining(), cancelled()])

    with pytest.raises(TaskTimeout):
        where(work)
    assert seen == [0.0, True]


def test_ctrl_c_ends_a_task_at_once() -> None:
    """KeyboardInterrupt passes a task, its time-out and its retries, and all is put back."""
    calls: list[int] = []

    @task(timeout_seconds=60, retries=3)
    def work() -> None:
        calls.append(1)
        os.kill(os.getpid(), signal.SIGINT)
        spin()

    with pytest.raises(KeyboardInterrupt):
        work()
    assert calls == [1]


def test_ctrl_c_ends_the_wait_for_a_retry() -> None:
    """KeyboardInterrupt in a wait of an hour ends it."""

    @task(retries=3, retry_delay_seconds=3600)
    def work() -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        raise OSError

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.monotonic() - began < 5


def test_an_alarm_of_somebody_else_is_left_alone() -> None:
    """Their handler stays, and their running timer rings on time, during a task and after."""
    with alarm_in_use() as got:
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(TaskTimeout):
            task(timeout_seconds=0.02)(spin)()
        assert got == [] or time.monotonic() - began > 1  # on a busy machine
        while not got and time.monotonic() - began < 30:
            spin(0.01)
        assert got == [signal.SIGALRM]
        assert time.monotonic() - began >= 1


def test_a_task_may_use_the_alarm_itself() -> None:
    """A handler that the function sets and leaves is still there afterwards."""

    def mine(number: int, frame: object) -> None: ...

    @task(timeout_seconds=30)
    def work() -> None:
        signal.signal(signal.SIGALRM, mine)

    try:
        work()
        assert signal.getsignal(signal.SIGALRM) is mine
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def test_many_threads_at_once() -> None:
    """Fifty threads with time-outs of their own: each ends by its own, none by another's."""
    slow = task(timeout_seconds=0.3, name="slow")(lambda: spin(30))
    quick = task(timeout_seconds=30, name="quick")(lambda: spin(0.001))
    with ThreadPoolExecutor(50) as pool:
        late = [pool.submit(slow) for _ in range(10)]
        fine = [pool.submit(quick) for _ in range(40)]
        assert [future.result() for future in fine] == ["done"] * 40
        for future in late:
            with pytest.raises(TaskTimeout, match="'slow'"):
                future.result()


def test_a_forked_child_has_time_outs_of_its_own() -> None:
    """After a fork inside a task, in the child a time-out works in both ways."""

    @task(timeout_seconds=60)
    def fork() -> int:
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        code = 1
        try:
            for where in (here, in_a_thread):
                with pytest.raises(TaskTimeout):
                    where(task(timeout_seconds=0.05)(spin))
            code = 0
        finally:
            os._exit(code)

    with pytest.raises(TaskTimeout):
        in_a_thread(task(timeout_seconds=0.01)(spin))  # the watching thread of the parent runs
    assert fork() == 0


@EVERYWHERE
def test_a_finalizer_does_not_lose_the_interrupt(where: Callable[[Callable[[], Any]], Any]) -> None:
    """Due in ``__del__`` or a callback of gc, where CPython swallows, it comes after that."""
    ended: list[str] = []

    class Slow:
        def __del__(self) -> None:
            spin(0.05)
            ended.append("finalizer")

    def callback(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            spin(0.05)
            ended.append("callback")

    @task(timeout_seconds=0.02)
    def finalize() -> None:
        Slow()
        spin()

    @task(timeout_seconds=0.02)
    def collect() -> None:
        gc.collect()
        spin()

    with pytest.raises(TaskTimeout):
        where(finalize)
    gc.callbacks.append(callback)
    try:
        with pytest.raises(TaskTimeout):
            where(collect)
    finally:
        gc.callbacks.remove(callback)
    assert "finalizer" in ended
    assert "callback" in ended


@EVERYWHERE
def test_who_swallows_it_is_interrupted_again(where: Callable[[Callable[[], Any]], Any]) -> None:
    """``except BaseException: pass`` gains a moment; while it is handled, nothing else comes."""
    caught: list[int] = []

    @task(timeout_seconds=0.02)
    def stubborn() -> None:
        for _ in range(2):
            try:
                spin()
            except BaseException:  # noqa: BLE001 - the claim
                spin(0.2)  # handling takes its time
                caught.append(1)
        spin()

    with pytest.raises(TaskTimeout):
        where(stubborn)
    assert caught
