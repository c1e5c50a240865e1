"""Async tasks, and sync ones awaited: time-outs, cancelling, and whose error it is."""

import asyncio
import gc
import pickle
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from brickwork import TaskCancelled, TaskError, TaskTimeout, cancelled, remaining, task
from brickwork.tasks import Progress, Scope, Task, on_progress, progress
from brickwork.testing.task import no_waiting


async def forever() -> None:
    """Wait for what never happens."""
    await asyncio.Event().wait()


def spin() -> None:
    """Be busy in bytecode for half a minute."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pass


def soon(awaitable: Awaitable[Any]) -> Any:
    """Run in an event loop, and fail if it takes too long."""

    async def main() -> Any:
        return await asyncio.wait_for(awaitable, 20)

    return asyncio.run(main())


BOTH = pytest.mark.parametrize("slow", [forever, spin])


@BOTH
def test_a_late_one_is_stopped(slow: Callable[[], Any]) -> None:
    """An async function at its await, a sync one in its thread at its next bytecode."""
    late = task(timeout_seconds=0.05)(slow)
    with pytest.raises(TaskTimeout, match=rf"'{slow.__name__}' did not end within 0\.05 s"):
        soon(late.aio())


def test_the_event_loop_goes_on_meanwhile() -> None:
    """While a sync task runs in its thread, other coroutines have their turns."""
    allowed = threading.Event()
    wait = task(name="wait")(lambda: allowed.wait(20))

    async def main() -> bool:
        running = asyncio.create_task(wait.aio())
        await asyncio.sleep(0.01)
        allowed.set()
        return await running

    assert soon(main())


def test_context_variables_go_into_the_thread() -> None:
    """A sync task in its thread sees the caller's context, and does not change it."""
    name: ContextVar[str] = ContextVar("name")

    @task
    def read() -> str:
        before = name.get()
        name.set("changed")
        return before

    async def main() -> tuple[str, str]:
        name.set("mine")
        return await read.aio(), name.get()

    assert soon(main()) == ("mine", "mine")


def test_scope_and_progress_go_into_the_thread() -> None:
    """``remaining`` and ``progress`` work in a sync task that is awaited."""
    heard: list[Progress] = []

    @task(timeout_seconds=30)
    def work() -> float | None:
        progress(1, 2)
        return remaining()

    with on_progress(heard.append):
        left = soon(work.aio())
    assert 29 < left <= 30
    assert [report.task for report in heard] == ["work"]


def test_own_timeout_error_passes_unchanged() -> None:
    """A TimeoutError of the function, also of its own asyncio.timeout, is not taken for ours."""

    @task(timeout_seconds=30)
    async def work() -> None:
        async with asyncio.timeout(0.01):
            await forever()

    with pytest.raises(TimeoutError) as caught:
        soon(work())
    assert not isinstance(caught.value, TaskTimeout)


def test_nested_deadlines_end_the_right_task() -> None:
    """The inner time-out stays inside; the outer one passes an inner task that would retry."""
    inner = task(timeout_seconds=0.02, name="inner")(forever)
    patient = task(timeout_seconds=20, retries=5, name="patient")(forever)

    @task(timeout_seconds=0.2)
    async def outer() -> None:
        with pytest.raises(TaskTimeout, match="'inner'"):
            await inner()
        await patient()

    with pytest.raises(TaskTimeout, match="'outer'"):
        soon(outer())


def test_a_cancelling_by_others_is_theirs() -> None:
    """The event loop's own cancelling goes through a task with a time-out and retries as it is."""
    calls: list[int] = []

    @task(timeout_seconds=30, retries=3)
    async def work() -> None:
        calls.append(1)
        await forever()

    async def main() -> None:
        running = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert running.cancelled()

    soon(main())
    assert calls == [1]


def test_when_both_cancel_theirs_wins() -> None:
    """A time-out in the moment of a cancelling from outside does not hide the cancelling."""

    async def main() -> None:
        running = asyncio.create_task(task(timeout_seconds=0.01)(forever)())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.02, running.cancel)
        time.sleep(0.05)  # blocks the loop, so that both are due at once: first ours, then theirs
        with pytest.raises(asyncio.CancelledError):
            await running

    soon(main())


def test_a_scope_cancels_an_async_task_at_its_await() -> None:
    """``Scope.cancel`` from another thread ends it at once, by TaskCancelled."""

    async def main() -> None:
        with Scope("job") as scope:
            threading.Timer(0.02, scope.cancel).start()
            with pytest.raises(TaskCancelled, match="'forever' was cancelled"):
                await task(forever)()
        current = asyncio.current_task()
        assert current is not None
        assert not current.cancelling()

    soon(main())


def test_a_cancelling_that_comes_too_late_stops_nothing() -> None:
    """A scope cancelled in the last moment of a task does not cancel what its caller does next."""

    @task
    async def work(scope: Scope) -> str:
        scope.cancel()
        return "done"

    async def main() -> None:
        with Scope("job") as scope:
            assert await work(scope) == "done"
        for _ in range(3):
            await asyncio.sleep(0)

    soon(main())


def test_cancelling_waits_for_the_thread() -> None:
    """A cancelled ``aio`` of a sync task interrupts its thread, and ends only after that."""
    events: list[str] = []

    @task
    def work() -> None:
        try:
            spin()
        finally:
            events.append(f"thread ended, cancelled: {cancelled()}")

    async def main() -> None:
        running = asyncio.create_task(work.aio())
        await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        events.append("caller goes on")

    soon(main())
    assert events == ["thread ended, cancelled: True", "caller goes on"]


def test_no_retry_while_the_old_call_still_runs() -> None:
    """An async task that awaits a sync one times out and retries: the sync calls never overlap."""
    at_once = 0
    most = 0
    calls = 0

    @task
    def blocking() -> None:
        nonlocal at_once, most, calls
        calls += 1
        at_once += 1
        most = max(most, at_once)
        try:
            time.sleep(0.1)  # one system call: it cannot be interrupted in a thread
        finally:
            at_once -= 1

    @task(timeout_seconds=0.02, retries=3)
    async def outer() -> None:
        await blocking.aio()

    with pytest.raises(TaskTimeout, match="'outer'"):
        soon(outer())
    assert calls > 1
    assert most == 1
    assert at_once == 0


def test_a_call_that_waits_for_a_thread_never_begins() -> None:
    """Cancelled before its thread was free, a sync task does not run, and ends at once."""
    began: list[int] = []
    work = task(name="work")(lambda: began.append(1))

    async def main() -> None:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            asyncio.get_running_loop().set_default_executor(pool)
            free = threading.Event()
            blocker = task(name="blocker")(lambda: free.wait(20))
            first = asyncio.create_task(blocker.aio())
            await asyncio.sleep(0.02)
            second = asyncio.create_task(work.aio())
            await asyncio.sleep(0.02)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            free.set()
            await first

    soon(main())
    assert began == []


def test_many_at_once() -> None:
    """A hundred async tasks with time-outs: half end, half are late, none by another's."""
    slow = task(timeout_seconds=0.05, name="slow")(forever)

    async def number(value: int) -> int:
        await asyncio.sleep(0.001)
        return value

    quick: Task[[int], Coroutine[Any, Any, int]] = task(timeout_seconds=20)(number)

    async def main() -> list[Any]:
        calls = [call for value in range(50) for call in (slow(), quick(value))]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    results = soon(main())
    assert all(isinstance(late, TaskTimeout) for late in results[::2])
    assert results[1::2] == list(range(50))


def test_deadline_at_the_moment_of_the_end() -> None:
    """Due just when the function ends, in many rounds, no cancelling is left behind."""
    outcomes = {"done": 0, "late": 0}

    async def nap(seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def main() -> None:
        current = asyncio.current_task()
        assert current is not None
        for number in range(300):
            try:
                await task(timeout_seconds=0.003)(nap)(number * 2e-5)
                outcomes["done"] += 1
            except TaskTimeout:
                outcomes["late"] += 1
            assert not current.cancelling()
            await asyncio.sleep(0)

    soon(main())
    assert min(outcomes.values()) > 5, outcomes


def test_each_attempt_has_the_whole_time() -> None:
    """A late async attempt is tried again with new time."""
    calls: list[float | None] = []

    @task(timeout_seconds=0.05, retries=2)
    async def work() -> str:
        calls.append(remaining())
        if len(calls) < 3:
            await forever()
        return "done"

    with no_waiting():
        assert soon(work()) == "done"
    assert all(left is not None and left > 0 for left in calls)


def test_without_policy_any_event_loop_will_do() -> None:
    """A plain async task needs no asyncio: its coroutine can be driven by hand."""

    @task
    async def work() -> str:
        return "done"

    with pytest.raises(StopIteration) as caught:
        work().send(None)
    assert caught.value.value == "done"


def test_a_time_out_without_asyncio_says_so() -> None:
    """With a time-out and no asyncio task around, the error says what to do."""
    limited = task(timeout_seconds=1)(forever)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        errors: list[BaseException] = []

        def outside_of_tasks() -> None:
            try:
                limited().send(None)
            except BaseException as error:  # noqa: BLE001 - told to the test
                errors.append(error)

        loop.call_soon(outside_of_tasks)
        await asyncio.sleep(0.01)
        assert isinstance(errors[0], TaskError)
        assert "no asyncio task runs it" in str(errors[0])

    soon(main())


def test_an_abandoned_coroutine_is_closed_quietly() -> None:
    """A coroutine that is dropped half way is closed in another context without a complaint."""
    running = task(forever)()
    import contextvars

    def begin() -> None:
        class Once:
            def __await__(self) -> Any:
                yield

        async def half() -> None:
            await Once()

        nonlocal running
        running.close()
        running = task(half)()
        running.send(None)

    contextvars.copy_context().run(begin)
    del running
    gc.collect()


class Greeter:
    """Has a method of both kinds."""

    def __init__(self, name: str) -> None:
        self.name = name

    def greet(self, word: str) -> str:
        """Say it without a loop."""
        return f"{word}, {self.name}, from a call"

    async def greet_async(self, word: str) -> str:
        """Say it in one."""
        await asyncio.sleep(0)
        return f"{word}, {self.name}, from a loop"

    both = task(async_fn=greet_async)(greet)


def test_the_twin_of_a_task_is_awaited_in_its_place() -> None:
    """A call runs the function, `aio` the coroutine function, in the loop's own thread."""

    def here() -> int:
        return threading.get_ident()

    async def here_async() -> int:
        return -threading.get_ident()

    both = task(async_fn=here_async, name="both")(here)
    assert (both(), soon(both.aio())) == (threading.get_ident(), -threading.get_ident())
    assert soon(task(here).aio()) not in (threading.get_ident(), -threading.get_ident())
    assert (both.is_async, both.with_options(name="other").async_fn) == (False, here_async)


def test_the_twin_is_bound_and_pickled_with_its_task() -> None:
    """A method's twin is a method of the same object, there and back."""
    bound = Greeter("Ada").both
    for each in (bound, pickle.loads(pickle.dumps(bound))):
        assert each("Hello") == "Hello, Ada, from a call"
        assert soon(each.aio("Hello")) == "Hello, Ada, from a loop"


def test_the_twin_is_retried_and_stopped_as_any_other() -> None:
    """Retries and the time-out are those of the task."""
    tries: list[int] = []

    async def twin() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError
        await forever()

    late = task(async_fn=twin, retries=1, retry_on=ConnectionError, timeout_seconds=0.05)(spin)
    with pytest.raises(TaskTimeout):
        soon(late.aio())
    assert len(tries) == 2


@pytest.mark.parametrize(("fn", "twin"), [(forever, forever), (spin, spin)])
def test_what_is_no_twin_is_refused(fn: Any, twin: Any) -> None:
    """An async task needs none, and a sync function is none."""
    with pytest.raises(TaskError, match="async_fn is the coroutine function beside a sync"):
        task(async_fn=twin)(fn)
