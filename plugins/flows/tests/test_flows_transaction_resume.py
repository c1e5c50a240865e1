"""Transactions of runs that are resumed or tried again: what is done once more, and what is not."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brickwork import StorageError, open_storage
from brickwork_flows import (
    CommitMode,
    FlowSuspended,
    Transaction,
    flow,
    get_transaction,
    resume_flow_run,
    suspend_flow_run,
    task,
    transaction,
)
from brickwork_flows.definition import Flow
from brickwork_flows.errors import ReplayDiverged
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.resuming import resume_flow
from brickwork_flows.runtime import Runtime
from brickwork_flows.states import StateType

told: list[str] = []
broken = SimpleNamespace(now=True)
out = SimpleNamespace(url="")


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path) -> None:
    """Nothing was told yet, and what can break is broken."""
    told.clear()
    broken.now = True
    out.url = f"file:{tmp_path / 'out'}"


def undone(txn: Transaction) -> None:
    """Note that a task was undone."""
    told.append(f"undo {txn.get('what', '?')}")


def stands(txn: Transaction) -> None:
    """Note that a task was committed."""
    told.append(f"commit {txn.get('what', '?')}")


def own() -> Transaction:
    """The transaction of here."""
    found = get_transaction()
    assert found is not None
    return found


@task(on_commit=stands, on_rollback=undone)
def step(what: str) -> str:
    """Stage a write, and note it."""
    own().set("what", what)
    own().write(out.url, what, what.encode())
    told.append(what)
    return what


@task
def fragile() -> None:
    """Fail until it is mended."""
    if broken.now:
        broken.now = False
        raise OSError("no disk")


@flow
def part(what: str) -> str:
    """Make a step in a flow in a flow."""
    return step(what)


def standing() -> list[str]:
    """The keys of what was published."""
    return list(open_storage(out.url).keys())


def only(runtime: Runtime) -> RunRecord:
    """Return the one run of a flow that nobody called."""
    runtime.flush()
    (run,) = runtime.history.runs()
    return run


def again(of: "Flow[..., Any]", runtime: Runtime) -> Any:
    """Resume the one run, of a flow that is made in a test."""
    return resume_flow(of, only(runtime), {})


def states(runtime: Runtime) -> dict[str, str]:
    """The names of the states that the tasks of the one run are in."""
    return {each.key: each.state.name for each in runtime.history.children(only(runtime).id)}


def left_behind(runtime: Runtime) -> list[str]:
    """The files of what was put aside."""
    return [path.name for path in runtime.place.folder.glob("staged/*/*")]


def test_what_was_rolled_back_runs_again_on_resume(runtime: Runtime) -> None:
    """The tasks of a transaction that was undone are run again, with the same keys."""
    keys: list[str] = []

    @task(on_rollback=undone)
    def keyed() -> None:
        keys.append(own().key)

    @flow
    def main() -> None:
        step("before")
        with transaction():
            step("a")
            keyed()
            part("b")
            fragile()

    with pytest.raises(OSError, match="no disk"):
        main()
    assert told == ["before", "commit before", "a", "b", "undo b", "undo ?", "undo a"]
    assert standing() == ["before"]
    assert left_behind(runtime) == []
    assert states(runtime) == {
        "step-0": "Completed",
        "step-1": "RolledBack",
        "keyed-0": "RolledBack",
        "part-0": "RolledBack",
        "part-0/step-0": "RolledBack",
        "fragile-0": "Failed",
    }
    told.clear()
    again(main, runtime)
    assert told == ["a", "b", "commit a", "commit b"]
    assert standing() == ["a", "b", "before"]
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert set(states(runtime).values()) == {"Completed"}


@pytest.mark.parametrize("retries", [0, 1])
def test_what_was_committed_is_not_committed_again(runtime: Runtime, retries: int) -> None:
    """When the flow breaks after that, its second run gives back, publishes nothing, calls none."""

    @flow(retries=retries)
    def main() -> str:
        with transaction() as txn:
            assert not txn.is_committed()
            step("a")
            txn.write(out.url, "block", b"block")
        assert txn.is_committed()
        if told.count("commit a") == 1:
            open_storage(out.url).write("block", b"changed by somebody else")
        step("alone")
        fragile()
        return "done"

    if retries:
        assert main() == "done"
    else:
        with pytest.raises(OSError, match="no disk"):
            main()
        told.append("resumed")
        assert again(main, runtime) == "done"
        told.remove("resumed")
    assert told == ["a", "commit a", "alone", "commit alone"]
    assert open_storage(out.url).read("block") == b"changed by somebody else"


def test_a_rollback_and_a_retry_of_the_flow(runtime: Runtime) -> None:
    """A transaction that was undone is done anew by the next attempt of the flow."""

    @flow(retries=1)
    def main() -> None:
        with transaction():
            step("a")
            fragile()

    main()
    assert told == ["a", "undo a", "a", "commit a"]
    assert standing() == ["a"]


def test_only_the_last_attempt_of_a_task_counts(runtime: Runtime) -> None:
    """What a failed attempt put aside is thrown away, with the transactions inside of it."""
    attempts: list[int] = []

    @task(retries=1, on_commit=stands)
    def again() -> None:
        attempts.append(1)
        own().set("what", len(attempts))
        own().write(out.url, f"attempt-{len(attempts)}", b"")
        with transaction() as inner:
            step("inner")
            inner.write(out.url, f"inner-{len(attempts)}", b"")
        if len(attempts) == 1:
            raise OSError("busy")

    @flow
    def main(within: bool) -> None:
        if not within:
            again()
            return
        with transaction():
            again()

    for within in (True, False):
        told.clear()
        attempts.clear()
        for key in standing():
            open_storage(out.url).delete(key)
        main(within)
        assert standing() == ["attempt-2", "inner", "inner-2"]
        assert told == ["inner", "undo inner", "inner", "commit inner", "commit 2"]


def test_a_task_that_failed_leaves_nothing(runtime: Runtime) -> None:
    """Who catches its error goes on with the transaction, without what the task put aside."""

    @task(on_commit=stands, on_rollback=undone)
    def fails() -> None:
        own().write(out.url, "failed", b"")
        raise OSError("broken")

    @flow
    def main() -> None:
        with transaction():
            step("a")
            with pytest.raises(OSError, match="broken"):
                fails()

    main()
    assert told == ["a", "commit a"]
    assert standing() == ["a"]


def test_a_commit_that_cannot_publish_is_finished_by_resuming(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once decided it is not undone: what is left is published, in order, and hooks are called."""
    written: list[str] = []
    kind: Any = type(open_storage(out.url))
    open_write = kind.open_write

    def sometimes(self: Any, key: str) -> Any:
        if key == "b" and broken.now:
            raise StorageError("The disk is gone.")
        written.append(key)
        return open_write(self, key)

    monkeypatch.setattr(kind, "open_write", sometimes)

    @flow
    def main() -> None:
        with transaction():
            step("a")
            step("b")
            step("c")

    with pytest.raises(StorageError, match="disk is gone"):
        main()
    assert (told, written) == (["a", "b", "c"], ["a"])
    assert set(states(runtime).values()) == {"Completed"}
    broken.now = False
    again(main, runtime)
    assert written == ["a", "b", "c"]
    assert told == ["a", "b", "c", "commit a", "commit b", "commit c"]
    assert left_behind(runtime) == []


def test_a_block_that_writes_otherwise_than_when_it_was_committed_is_told(
    runtime: Runtime,
) -> None:
    """A flow that is resumed, and does not replay alike, does not lose a write in silence."""
    keys = iter(["monday", "tuesday"])

    @flow
    def main() -> None:
        with transaction() as txn:
            txn.write(out.url, next(keys), b"")
        fragile()

    with pytest.raises(OSError, match="no disk"):
        main()
    with pytest.raises(ReplayDiverged, match="wrote something else"):
        again(main, runtime)
    assert standing() == ["monday"]


def test_results_that_were_not_kept_commit_nothing_twice(runtime: Runtime) -> None:
    """A task that runs again, since its result was not kept, is committed no second time."""

    @task(persist_result=False, on_commit=stands)
    def forgotten(what: str) -> None:
        own().set("what", what)
        own().write(out.url, what, str(len(told)).encode())
        told.append(what)

    @flow
    def main() -> None:
        forgotten("alone")
        with transaction():
            forgotten("within")
        fragile()

    with pytest.raises(OSError, match="no disk"):
        main()
    before = ["alone", "commit alone", "within", "commit within"]
    assert told == before
    again(main, runtime)
    assert told == [*before, "alone", "within"]
    assert open_storage(out.url).read("alone") == b"0"
    assert open_storage(out.url).read("within") == b"2"


# Suspended inside of one: as after a kill, it was neither committed nor rolled back


@flow
def suspends(breaks: bool) -> None:
    """Suspend in the middle of a transaction, and break after that if told to."""
    with transaction() as txn:
        txn.write(out.url, "block", b"block")
        part("in a part")
        calls("in a task")
        suspend_flow_run(timeout=60)
        step("after")
        if breaks and broken.now:
            fragile()


@task
def calls(what: str) -> None:
    """Call a task."""
    step(what)


def suspended(breaks: bool) -> str:
    """Run that flow until it is suspended, and return its id."""
    with pytest.raises(FlowSuspended) as caught:
        suspends(breaks)
    assert told == ["in a part", "in a task"]
    assert standing() == []
    return caught.value.run_id


def test_what_was_suspended_is_committed_when_it_is_resumed(runtime: Runtime) -> None:
    """Tasks are given back with what they had put aside; their hooks are called, however deep."""
    run_id = suspended(breaks=False)
    told.clear()
    resume_flow_run(run_id)
    assert told == ["after", "commit in a part", "commit in a task", "commit after"]
    assert standing() == ["after", "block", "in a part", "in a task"]
    assert left_behind(runtime) == []


def test_what_was_suspended_is_undone_when_it_breaks(runtime: Runtime) -> None:
    """Tasks that were given back are undone, also those that they had called; all run again."""
    run_id = suspended(breaks=True)
    told.clear()
    with pytest.raises(OSError, match="no disk"):
        resume_flow_run(run_id)
    assert told == ["after", "undo after", "undo in a task", "undo in a part"]
    assert standing() == []
    names = states(runtime)
    assert names.pop("fragile-0") == "Failed"
    assert set(names.values()) == {"RolledBack"}
    told.clear()
    again(suspends, runtime)
    assert told[:3] == ["in a part", "in a task", "after"]
    assert standing() == ["after", "block", "in a part", "in a task"]


def test_an_eager_one_stands_though_the_one_around_it_was_undone(runtime: Runtime) -> None:
    """On resume its tasks are given back, and those of the outer one run again."""

    @flow
    def main() -> None:
        with transaction():
            step("outer")
            with transaction(commit_mode=CommitMode.EAGER):
                step("eager")
            fragile()

    with pytest.raises(OSError, match="no disk"):
        main()
    assert told == ["outer", "eager", "commit eager", "undo outer"]
    assert standing() == ["eager"]
    told.clear()
    again(main, runtime)
    assert told == ["outer", "commit outer"]
    assert standing() == ["eager", "outer"]


def test_many_tasks_in_a_transaction_are_fast(runtime: Runtime) -> None:
    """A transaction costs the same for each task, however many there are, also after a rollback."""

    @task
    def number(value: int) -> int:
        return value

    @flow
    def main() -> None:
        with transaction() as txn:
            for value in range(2000):
                number(value)
                txn.set("last", value)
            fragile()

    began = time.monotonic()
    with pytest.raises(OSError, match="no disk"):
        main()
    again(main, runtime)
    assert time.monotonic() - began < 30
    assert only(runtime).state.type is StateType.COMPLETED
