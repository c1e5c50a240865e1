"""Threads and processes that want the same result compute it once, whoever of them dies."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brickwork import Scope, TaskCancelled, TaskTimeout
from brickwork_flows import INPUTS, RUN_ID, flow, task
from brickwork_flows.caching import store
from brickwork_flows.caching.locks import KeyLock
from brickwork_flows.runtime import Runtime

PROGRAM = """
import sys, time
from pathlib import Path
from brickwork_flows import INPUTS, flow, task, use_history

folder = Path(sys.argv[1])
what = sys.argv[2]

@task(cache_policy=INPUTS)
def once(number: int) -> int:
    with (folder / "calls").open("a") as calls:
        calls.write(f"{number}\\n")
    if what == "hang":
        print("computing", flush=True)
        sys.stdin.read()
    time.sleep(0.2)  # long enough for all the others to come
    return number + 1

@flow
def main() -> int:
    return once(1)

print("ready", flush=True)
sys.stdin.readline()
with use_history(folder / "runs"):
    print(main(), flush=True)
"""


@contextmanager
def program(folder: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program above in a process of its own, up to where it is ready."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def go(process: subprocess.Popen[str]) -> None:
    """Let a program begin its flow."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def locks(runtime: Runtime) -> list[Path]:
    """Return the files of locks."""
    return list(store.CacheStore.of(runtime.place).folder.rglob("*.lock"))


def test_eight_threads_compute_once(runtime: Runtime) -> None:
    """The first computes, the others wait for it and get its result."""
    calls = []
    all_here = threading.Barrier(8)

    @task(cache_policy=INPUTS)
    def once(number: int) -> int:
        calls.append(number)
        return number + 1

    @flow
    def main() -> int:
        all_here.wait(10)
        return once(1)

    results: list[int] = []

    def work() -> None:
        from brickwork_flows import use_history

        with use_history(runtime.place.folder):
            results.append(main())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert results == [2] * 8
    assert calls == [1]
    assert not locks(runtime)


def test_submitted_tasks_compute_once(runtime: Runtime) -> None:
    """So do the tasks of one flow."""
    calls = []

    @task(cache_policy=INPUTS)
    def once(number: int) -> int:
        calls.append(number)
        return number + 1

    @flow
    def main() -> list[int]:
        return [future.result() for future in [once.submit(n % 2) for n in range(16)]]

    assert main() == [1, 2] * 8
    assert sorted(calls) == [0, 1]


def test_coroutines_compute_once(runtime: Runtime) -> None:
    """Coroutines of one loop wait for each other without blocking it."""
    calls = []

    @task(cache_policy=INPUTS)
    async def once(number: int) -> int:
        calls.append(number)
        await asyncio.sleep(0.01)
        return number + 1

    @flow
    async def main() -> list[int]:
        return await asyncio.gather(*(once(1) for _ in range(8)))

    assert asyncio.run(main()) == [2] * 8
    assert calls == [1]


def test_four_processes_compute_once(tmp_path: Path) -> None:
    """Processes with one history compute a key once."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        processes = [stack.enter_context(program(tmp_path, "work")) for _ in range(4)]
        for process in processes:
            go(process)
        outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert outputs == ["2\n"] * 4
    assert (tmp_path / "calls").read_text() == "1\n"


def test_a_killed_owner_frees_the_key(tmp_path: Path) -> None:
    """When the process that computes is killed, the one that waits computes."""
    with program(tmp_path, "hang") as owner, program(tmp_path, "work") as waiter:
        go(owner)
        assert owner.stdout is not None
        assert owner.stdout.readline() == "computing\n"
        go(waiter)
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait(10)
        output, _ = waiter.communicate(timeout=60)
    assert output == "2\n"
    assert (tmp_path / "calls").read_text() == "1\n1\n"


def test_a_failed_owner_frees_the_key(runtime: Runtime) -> None:
    """What fails is not cached, and the next one may compute."""
    calls = []

    @task(cache_policy=INPUTS)
    def once() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError("once")
        return 7

    @flow
    def main() -> int:
        return once()

    with pytest.raises(ConnectionError):
        main()
    assert not locks(runtime)
    assert main() == 7


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    """Whoever comes second waits until the first has released, and the file goes with the last."""
    path = tmp_path / "k.lock"
    first, second = KeyLock(path), KeyLock(path)
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()
    second.release()
    assert not path.exists()


def test_many_threads_never_hold_a_lock_together(tmp_path: Path) -> None:
    """Removing the file of a lock lets nobody in twice."""
    inside, most, rounds = 0, 0, 0
    count = threading.Lock()

    def work() -> None:
        nonlocal inside, most, rounds
        for _ in range(50):
            lock = KeyLock(tmp_path / "k.lock")
            lock.wait()
            with count:
                inside += 1
                most = max(most, inside)
                rounds += 1
            with count:
                inside -= 1
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (most, rounds) == (1, 400)


def test_waiting_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    """A scope that is cancelled, or whose time is up, does not wait for the lock."""
    owner = KeyLock(tmp_path / "k.lock")
    assert owner.take()
    with Scope("work") as scope:
        timer = threading.Timer(0.02, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            KeyLock(owner.path).wait()
        timer.join()
    with Scope("work", seconds=0.02), pytest.raises(TaskTimeout):
        KeyLock(owner.path).wait()
    with Scope("work", seconds=0.02), pytest.raises(TaskTimeout):
        asyncio.run(KeyLock(owner.path).wait_async())
    owner.release()
    assert KeyLock(owner.path).take()


def test_a_task_that_calls_itself_does_not_wait_for_itself(runtime: Runtime) -> None:
    """Where caller and called have the same key, the one called is not cached."""

    @task(cache_policy=RUN_ID)
    def down(number: int) -> int:
        return 0 if number == 0 else 1 + down(number - 1)

    @flow
    def main() -> int:
        return down(3)

    assert main() == 3
    runtime.flush()
    run = runtime.history.runs()[0]
    states = {each.key: each.state for each in runtime.history.children(run.id)}
    assert states["down-0"].message == ""
    assert "has the same key" in states["down-0/down-0"].message


def test_who_waits_leaves_the_place_to_others(runtime: Runtime) -> None:
    """With two threads, the one that computes can submit a task while the other waits for it."""
    from brickwork_flows import ThreadRunner

    @task
    def part(number: int) -> int:
        return number

    @task(cache_policy=INPUTS)
    def whole(number: int) -> int:
        return part.submit(number).result()

    @flow(task_runner=lambda: ThreadRunner(max_workers=2))
    def main() -> list[int]:
        return [future.result() for future in [whole.submit(5) for _ in range(6)]]

    assert main() == [5] * 6


def test_a_cancelled_wait_is_recorded(runtime: Runtime) -> None:
    """A task that is cancelled while another run computes its result is cancelled, not lost."""
    computing, ended = threading.Event(), threading.Event()

    @task(cache_policy=INPUTS)
    def once() -> int:
        computing.set()
        ended.wait(10)
        return 7

    @flow
    def main() -> int:
        owner = once.submit()
        assert computing.wait(10)
        with Scope("the wait", seconds=0.05), pytest.raises(TaskTimeout):
            once()
        ended.set()
        return owner.result()

    assert main() == 7
    runtime.flush()
    run = runtime.history.runs()[0]
    states = {each.key: each.state.name for each in runtime.history.children(run.id)}
    assert states == {"once-0": "Completed", "once-1": "Cancelled"}


def test_a_processs_task_is_cached(runtime: Runtime) -> None:
    """Where processes do the work, the cache is looked at here, before."""
    from brickwork_flows import ProcessRunner

    @flow(task_runner=ProcessRunner(max_workers=1))
    def main() -> list[object]:
        futures = [own_process.submit(1) for _ in range(3)]
        return [future.result() for future in futures]

    pids = main()
    assert len(set(pids)) == 1
    assert main() == pids
    assert os.getpid() not in pids


@task(cache_policy=INPUTS)
def own_process(number: int) -> int:
    """Return which process does the work."""
    return os.getpid() * number
