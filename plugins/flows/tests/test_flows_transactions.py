"""Transactions: what stands together, what is undone, and what a kill leaves of it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from brickwork import open_storage
from brickwork_flows import INPUTS, flow, task
from brickwork_flows.errors import TransactionError
from brickwork_flows.runtime import Runtime
from brickwork_flows.transactions import CommitMode, Transaction, get_transaction, transaction

told: list[str] = []


def _undo(txn: Transaction) -> None:
    told.append(f"undo {txn.get('what', '?')}")


def _committed(txn: Transaction) -> None:
    told.append(f"commit {txn.get('what', '?')}")


@task(on_commit=_committed, on_rollback=_undo)
def step(what: str) -> str:
    """Note what is done, for the hooks."""
    get_transaction().set("what", what)  # type: ignore[union-attr]  # the task's own
    told.append(what)
    return what


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    """Begin with nothing told."""
    told.clear()


def test_hooks_are_called_at_the_commit(runtime: Runtime) -> None:
    """In a transaction, on_commit comes when its block has ended, in the order of the tasks."""

    @flow
    def main() -> None:
        with transaction():
            step("a")
            step("b")
            told.append("end of block")

    main()
    assert told == ["a", "b", "end of block", "commit a", "commit b"]


def test_a_rollback_undoes_in_reverse(runtime: Runtime) -> None:
    """An error in the block has each task undone, the last one first, and nothing committed."""

    @flow
    def main() -> None:
        with transaction():
            step("a")
            step("b")
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        main()
    assert told == ["a", "b", "undo b", "undo a"]
    runtime.flush()
    children = runtime.history.children(runtime.history.runs()[0].id)
    assert {each.state.name for each in children} == {"RolledBack"}


def test_a_rollback_reaches_submitted_tasks(runtime: Runtime) -> None:
    """Tasks in threads belong to it; what has not begun when it is rolled back never does."""

    @flow
    def main() -> None:
        with transaction():
            step.map(["a", "b"])
            step.submit("c").result()
            raise OSError("down")

    with pytest.raises(OSError, match="down"):
        main()
    done = {each for each in told if " " not in each}
    assert "c" in done
    assert sorted(told) == sorted([*done, *(f"undo {each}" for each in done)])


def test_staged_writes_stand_only_after_the_commit(runtime: Runtime, tmp_path: Path) -> None:
    """What is staged is not there inside the block, and is there after it."""
    url = f"file:{tmp_path / 'out'}"
    seen: list[bool] = []

    @flow
    def main(fails: bool) -> None:
        with transaction() as txn:
            txn.write(url, "a/total.txt", b"7")
            seen.append(open_storage(url).exists("a/total.txt"))
            if fails:
                raise OSError("down")

    with pytest.raises(OSError, match="down"):
        main(True)
    assert not open_storage(url).exists("a/total.txt")
    main(False)
    assert seen == [False, False]
    assert open_storage(url).read("a/total.txt") == b"7"


def test_a_key_is_committed_once(runtime: Runtime) -> None:
    """A transaction whose key another run has committed says so when it begins."""

    @flow
    def main() -> bool:
        with transaction(key="invoice-42") as txn:
            if txn.is_committed():
                return False
            step("paid")
            return True

    assert [main(), main()] == [True, False]
    assert told == ["paid", "commit paid"]


def test_a_lazy_one_waits_for_the_one_around_it(runtime: Runtime) -> None:
    """An inner transaction is undone with the outer one; an eager one stands."""

    @flow
    def main(mode: CommitMode) -> None:
        with transaction():
            with transaction(commit_mode=mode):
                step("inner")
            raise OSError("down")

    for mode, expected in ((CommitMode.LAZY, "undo inner"), (CommitMode.EAGER, "commit inner")):
        told.clear()
        with pytest.raises(OSError, match="down"):
            main(mode)
        assert told == ["inner", expected]


def test_off_is_committed_by_hand_alone(runtime: Runtime) -> None:
    """Where nobody calls commit, it is rolled back at the end of its block."""

    @flow
    def main(commits: bool) -> None:
        with transaction(commit_mode=CommitMode.OFF) as txn:
            step("a")
            if commits:
                txn.commit()

    main(True)
    assert told == ["a", "commit a"]
    told.clear()
    main(False)
    assert told == ["a", "undo a"]


def test_what_was_rolled_back_is_not_in_the_cache(runtime: Runtime) -> None:
    """A result counts for others when its transaction was committed, and not before."""
    calls: list[int] = []

    @task(cache_policy=INPUTS)
    def costly(number: int) -> int:
        calls.append(number)
        return number

    @flow
    def main(fails: bool) -> None:
        with transaction():
            costly(1)
            if fails:
                raise OSError("down")

    with pytest.raises(OSError, match="down"):
        main(True)
    main(False)
    main(False)
    assert calls == [1, 1]


def test_async_flows_have_transactions(runtime: Runtime) -> None:
    """The same in an event loop, with hooks that are coroutines."""

    async def undone(txn: Transaction) -> None:
        await asyncio.sleep(0)
        told.append("undone")

    @task(on_rollback=undone)
    async def later() -> None:
        told.append("later")

    @flow
    async def main() -> None:
        from brickwork_flows.transactions import atransaction

        async with atransaction():
            await later()
            raise OSError("down")

    with pytest.raises(OSError, match="down"):
        asyncio.run(main())
    assert told == ["later", "undone"]


def test_a_hook_that_fails_breaks_nothing_else(runtime: Runtime) -> None:
    """The others are undone all the same."""

    def fails(txn: Transaction) -> None:
        raise LookupError("a mistake")

    @task(on_rollback=fails)
    def careless() -> None:
        told.append("careless")

    @flow
    def main() -> None:
        with transaction():
            step("a")
            careless()
            raise OSError("first")

    with pytest.raises(OSError, match="first"):
        main()
    assert told == ["a", "careless", "undo a"]


def test_bad_use_is_an_error(runtime: Runtime) -> None:
    """A key that is no text, a write after the end, a value that is not there."""

    @flow
    def main() -> list[str]:
        said: list[str] = []
        with transaction() as txn:
            with pytest.raises(TransactionError, match="no value"):
                txn.get("total")
            with pytest.raises(TransactionError, match="takes bytes"):
                txn.write("memory:x", "a", "text")  # type: ignore[arg-type]  # on purpose
        for call in (txn.commit, txn.rollback, lambda: txn.write("memory:x", "a", b"1")):
            with pytest.raises(TransactionError) as caught:
                call()
            said.append(str(caught.value))
        bad: Any = 7
        with pytest.raises(TransactionError), transaction(key=bad):
            pass
        return said

    assert all("not open" in each for each in main())


_PROGRAM = """
import os, signal, sys
from pathlib import Path
from brickwork_flows import flow, task
from brickwork_flows.transactions import transaction

HERE = Path(__file__).parent

@task
def work(number: int) -> int:
    with (HERE / "calls").open("a") as file:
        file.write(f"{number}\\n")
    if number == int((HERE / "kill-at").read_text() or -1):
        (HERE / "kill-at").write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return number

@flow
def main():
    with transaction() as txn:
        for number in range(6):
            work(number)
            txn.write(f"file:{HERE / 'out'}", f"{number}.txt", str(number).encode())
    return txn.key
"""


@pytest.mark.parametrize("killed_at", range(6))
def test_a_kill_leaves_each_write_exactly_once(tmp_path: Path, killed_at: int) -> None:
    """Killed in the middle, nothing is published; resumed, each write stands, none twice."""
    (tmp_path / "program.py").write_text(_PROGRAM)
    (tmp_path / "kill-at").write_text(str(killed_at))
    environment = os.environ | {"BRICKWORK_HISTORY": str(tmp_path / "runs")}

    def brickwork(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "brickwork", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    killed = brickwork("flow", "run", "--quiet", f"{tmp_path / 'program.py'}:main")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "out").exists()
    run_id = brickwork("run", "ls", "--json").stdout.partition('"id": "')[2].partition('"')[0]
    resumed = brickwork("run", "resume", "--quiet", run_id)
    assert resumed.returncode == 0, resumed.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"{number}.txt" for number in range(6)]
    calls = (tmp_path / "calls").read_text().split()
    assert sorted(set(calls)) == [str(number) for number in range(6)]
    assert len(calls) == 7
