"""Transactions in use: keys, isolation, what was submitted, storages, secrets, and errors."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from brickwork import Secret, SecretBlock, UnsupportedType, open_storage
from brickwork_flows import (
    INPUTS,
    IsolationLevel,
    ProcessRunner,
    Transaction,
    TransactionState,
    atransaction,
    flow,
    get_transaction,
    task,
    transaction,
    use_history,
)
from brickwork_flows.errors import (
    HistoryError,
    InvalidFlow,
    TransactionConflict,
    TransactionError,
)
from brickwork_flows.runtime import Runtime
from brickwork_flows.staging import PIECE_BYTES

told: list[str] = []


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    """Nothing was told yet."""
    told.clear()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A storage of this test's own."""
    return f"file:{tmp_path / 'out'}"


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
    """Note what is done."""
    own().set("what", what)
    told.append(what)
    return what


# Keys


def test_a_key_of_its_own_belongs_to_the_call(runtime: Runtime) -> None:
    """Each call has one, the same for each attempt; a text that any service takes."""
    keys: list[str] = []

    @task(retries=1)
    def call(number: int) -> None:
        keys.append(own().key)
        if number == 2 and len(keys) == 2:
            raise OSError("busy")

    @flow
    def main() -> None:
        call(1)
        call(2)
        with transaction() as txn:
            keys.append(txn.key)
            call(3)

    main()
    main()
    assert len(keys) == 9
    assert keys[1] == keys[2]
    assert len(set(keys)) == 8
    assert all(len(key) == 32 and key.isalnum() for key in keys)


def test_a_process_of_a_runner_knows_the_key(runtime: Runtime) -> None:
    """A task that runs in a process has its key and its hooks; it cannot write from there."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> tuple[str, str]:
        with transaction():
            return far.submit().result(), far_write.submit().result()

    key, said = main()
    assert len(key) == 32
    assert "in a process of its own" in said
    assert told == ["commit ?"]


@task(on_commit=stands)
def far() -> str:
    """Return the key."""
    return own().key


@task
def far_write() -> str:
    """Try to write from a process of its own."""
    try:
        own().write("memory:x", "a", b"1")
    except TransactionError as error:
        return str(error)
    return "written"


def test_a_key_that_was_committed_refuses_writes(runtime: Runtime, url: str) -> None:
    """Who does not ask, and works on, gets an error; tasks inside are neither undone nor told."""

    @flow
    def main(within: bool) -> None:
        with transaction(key="k") as txn:
            step("a")
            if within:
                writes(url)
            else:
                txn.write(url, "a", b"1")

    main(False)
    told.clear()
    for within in (False, True):
        with pytest.raises(TransactionError, match=r"committed before, by the run \w+") as caught:
            main(within)
        assert "is_committed()" in caught.value.fix
    assert told == ["a", "a"]


@task
def writes(url: str) -> None:
    """Stage a write."""
    own().write(url, "b", b"1")


def test_a_value_is_kept_with_the_key(runtime: Runtime) -> None:
    """Who finds the key committed reads what was staged; a rollback leaves nothing of it."""

    @flow
    def main(value: Any, fails: bool = False) -> Any:
        with transaction(key="k") as txn:
            if not txn.is_committed():
                assert txn.read() is None
                txn.stage("replaced")
                txn.stage(value)
                if fails:
                    raise OSError("no")
            return txn.read()

    with pytest.raises(OSError, match="no"):
        main("lost", True)
    assert main({"receipt": 7}) == {"receipt": 7}
    assert main("other") == {"receipt": 7}


def test_a_value_with_a_secret_is_encrypted(runtime: Runtime) -> None:
    """It is not in clear in the history, and is read as it was staged."""
    secret = Secret("correct-horse-battery-staple").reveal()
    SecretBlock(value="makes the vault").save("first")

    @flow
    def main() -> Any:
        with transaction(key="k") as txn:
            if not txn.is_committed():
                txn.stage({"token": secret})
            return txn.read()

    assert main() == main() == {"token": secret}
    entry = runtime.history.entry("transaction-keys", "k")
    assert entry is not None
    assert entry.value["value"][0] == "json|aes256gcm"


def test_what_cannot_be_staged_is_told(runtime: Runtime) -> None:
    """No key to keep it by, too large, or nothing that the serializer takes."""

    @flow
    def main() -> None:
        with transaction() as txn, pytest.raises(TransactionError, match="without a key"):
            txn.stage(1)
        with transaction(key="k") as txn:
            with pytest.raises(TransactionError, match="may have 16,384 bytes"):
                txn.stage("x" * 20_000)
            with pytest.raises(UnsupportedType):
                txn.stage(object())

    main()
    assert list((runtime.place.folder / "results").glob("*")) == []


def test_overwrite_does_it_once_more(runtime: Runtime, url: str) -> None:
    """With overwrite, a key that was committed does not count, and is committed anew."""

    @flow
    def main(value: bytes, overwrite: bool) -> bool:
        with transaction(key="k", overwrite=overwrite) as txn:
            if txn.is_committed():
                return False
            txn.write(url, "a", value)
            return True

    assert [main(b"1", False), main(b"2", False), main(b"3", True)] == [True, False, True]
    assert open_storage(url).read("a") == b"3"


def test_a_key_that_was_rolled_back_is_free(runtime: Runtime) -> None:
    """Only a commit takes a key."""

    @flow
    def main(fails: bool) -> bool:
        with transaction(key="k") as txn:
            if fails:
                raise OSError("no")
            return not txn.is_committed()

    with pytest.raises(OSError, match="no"):
        main(True)
    assert main(False)
    assert not main(False)


def test_the_same_key_twice_in_one_flow_is_committed_once(runtime: Runtime) -> None:
    """The second block with a key finds it committed, also when it is open around it: an error."""

    @flow
    def main() -> list[bool]:
        found = []
        for _ in range(2):
            with transaction(key="k") as txn:
                found.append(txn.is_committed())
        with (
            transaction(key="other"),
            pytest.raises(TransactionError, match="is open around this one"),
            transaction(key="other"),
        ):
            pass
        return found

    assert main() == [False, True]


def test_of_two_with_one_key_at_once_one_is_committed(runtime: Runtime, url: str) -> None:
    """READ_COMMITTED lets both begin; the later commit is refused, and leaves nothing."""

    @flow
    def inner() -> None:
        with transaction(key="k") as txn:
            txn.write(url, "a", b"inner")

    @flow
    def main() -> None:
        with transaction(key="k") as txn:
            txn.write(url, "a", b"main")
            step("main")
            thread = threading.Thread(target=in_history, args=(runtime, inner))
            thread.start()
            thread.join()

    with pytest.raises(TransactionConflict, match="has committed a transaction with the key 'k'"):
        main()
    assert open_storage(url).read("a") == b"inner"
    assert told == ["main", "undo main"]


def test_a_commit_that_was_to_be_overwritten_stays_after_a_rollback(runtime: Runtime) -> None:
    """What takes a key anew, and is rolled back for another one, does not set that key free."""

    @flow
    def commits(key: str) -> bool:
        with transaction(key=key) as txn:
            return not txn.is_committed()

    @flow
    def main() -> None:
        with transaction(key="taken"):
            with transaction(key="done", overwrite=True):
                step("again")
            thread = threading.Thread(target=in_history, args=(runtime, lambda: commits("taken")))
            thread.start()
            thread.join()

    assert commits("done")
    with pytest.raises(TransactionConflict, match="'taken'"):
        main()
    assert told == ["again", "undo again"]
    assert not commits("done")


def in_history(runtime: Runtime, function: Callable[[], object]) -> None:
    """Call a function that uses the history of a test, in another thread."""
    with use_history(runtime.place.folder):
        function()


def test_serializable_ones_run_one_after_the_other(runtime: Runtime) -> None:
    """The second waits until the first has ended, and finds its key committed."""
    inside, found = threading.Event(), []

    @flow
    def first() -> None:
        with transaction(key="k", isolation_level="serializable"):
            inside.set()
            time.sleep(0.2)  # the second one begins meanwhile
            found.append("first ends")

    @flow
    def second() -> None:
        inside.wait(30)
        with transaction(key="k", isolation_level=IsolationLevel.SERIALIZABLE) as txn:
            found.append(f"second begins, committed: {txn.is_committed()}")

    threads = [
        threading.Thread(target=in_history, args=(runtime, each)) for each in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["first ends", "second begins, committed: True"]


def test_an_inner_serializable_one_keeps_others_out_until_it_is_committed(
    runtime: Runtime,
) -> None:
    """That is when the outer one is; then the next one finds the key committed."""
    found: list[str] = []

    @flow
    def other() -> None:
        with transaction(key="k", isolation_level="serializable") as txn:
            found.append(f"other begins, committed: {txn.is_committed()}")

    @flow
    def main() -> None:
        with transaction():
            with transaction(key="k", isolation_level="serializable"):
                pass
            thread = threading.Thread(target=in_history, args=(runtime, other))
            thread.start()
            thread.join(0.3)
            found.append("outer ends")
        thread.join()

    main()
    assert found == ["outer ends", "other begins, committed: True"]


def test_a_commit_that_was_killed_names_the_run_to_resume(runtime: Runtime) -> None:
    """A key in the middle of a commit is neither free nor committed; the error says what to do."""
    value = {"run": "r1", "path": "(transaction)-0", "state": "committing", "value": None}
    runtime.history.put("transaction-keys", "k", value)

    @flow
    def main() -> None:
        with transaction(key="k"):
            step("a")

    with pytest.raises(TransactionConflict, match="The run r1 is in the middle") as caught:
        main()
    assert "brickwork run resume r1" in caught.value.fix
    assert told == []


# Side by side


def test_blocks_side_by_side_need_a_key(runtime: Runtime) -> None:
    """Two blocks of one body that are open at once have no order; with keys that is no matter."""

    async def block(key: str | None, together: asyncio.Barrier) -> None:
        async with atransaction(key=key):
            await together.wait()

    @flow
    async def main(keyed: bool) -> None:
        together = asyncio.Barrier(2)
        async with asyncio.TaskGroup() as group:
            for number in range(2):
                group.create_task(block(f"k{number}" if keyed else None, together))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(main(False))
    (error, *_) = caught.value.exceptions
    assert isinstance(error, TransactionError)
    assert "open beside each other" in str(error)
    asyncio.run(main(True))


def test_tasks_at_once_have_transactions_of_their_own(runtime: Runtime) -> None:
    """Blocks in tasks that run at once do not meet: each belongs to its task."""

    @task
    async def block(number: int) -> str:
        async with atransaction() as txn:
            await asyncio.sleep(0)
            return txn.key

    @flow
    async def main() -> list[str]:
        return await asyncio.gather(*(block(number) for number in range(5)))

    assert len(set(asyncio.run(main()))) == 5


# What was submitted


def test_a_failure_that_nobody_asked_for_rolls_back(runtime: Runtime) -> None:
    """The block waits for what was submitted in it; what failed is raised, unless it was seen."""

    @task
    def fails() -> None:
        raise OSError("in a thread")

    @flow
    def main(asks: bool) -> None:
        with transaction():
            step("a")
            future = fails.submit()
            if asks:
                with pytest.raises(OSError, match="in a thread"):
                    future.result()

    with pytest.raises(OSError, match="in a thread"):
        main(False)
    assert told == ["a", "undo a"]
    told.clear()
    main(True)
    assert told == ["a", "commit a"]


def test_an_error_cancels_what_was_submitted(runtime: Runtime) -> None:
    """What runs is stopped before it is undone, and what has not begun does not begin."""
    running = threading.Event()

    @task
    def long() -> None:
        running.set()
        time.sleep(60)

    @flow
    def main() -> None:
        with transaction():
            step("a")
            long.submit()
            running.wait(30)
            raise OSError("now")

    began = time.monotonic()
    with pytest.raises(OSError, match="now"):
        main()
    assert time.monotonic() - began < 20
    assert told == ["a", "undo a"]
    runtime.flush()
    children = runtime.history.children(runtime.history.runs()[0].id)
    assert {each.name: each.state.name for each in children} == {
        "step": "RolledBack",
        "long": "Cancelled",
    }


def test_async_tasks_are_waited_for_in_their_loop(runtime: Runtime) -> None:
    """An async block awaits what runs in its loop; one that cannot says what to write."""

    @task(on_commit=stands)
    async def later(what: str) -> None:
        await asyncio.sleep(0.01)
        own().set("what", what)

    @flow
    async def awaits() -> None:
        async with atransaction():
            later.map(["a", "b"])
        told.append("end")

    @flow
    async def blocks() -> None:
        with transaction():
            later.submit("c")

    asyncio.run(awaits())
    assert told == ["commit a", "commit b", "end"]
    with pytest.raises(TransactionError, match="would stop the event loop") as caught:
        asyncio.run(blocks())
    assert "atransaction" in caught.value.fix
    assert told[3:] == []


def test_async_tasks_in_a_sync_flow_belong_to_it(runtime: Runtime) -> None:
    """A coroutine that runs in a thread of the runner knows the transaction as well."""

    @task(on_rollback=undone)
    async def later(what: str) -> None:
        own().set("what", what)

    @flow
    def main() -> None:
        with transaction():
            later.submit("a").result()
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        main()
    assert told == ["undo a"]


# Nesting, values, states


def test_states_and_values(runtime: Runtime) -> None:
    """An inner one waits as staged; values of the outer one are seen within, and not outside."""

    @flow
    def main() -> None:
        assert get_transaction() is None
        with transaction() as outer:
            assert outer.is_active()
            assert get_transaction() is outer
            outer.set("name", "outer")
            with transaction() as inner:
                assert inner.parent is outer
                assert inner.get("name") == "outer"
                inner.set("name", "inner")
                inner.set("other", 1)
            assert inner.is_staged()
            assert outer.get("name") == "outer"
            assert outer.get("other", None) is None
        assert outer.state is inner.state is TransactionState.COMMITTED
        with pytest.raises(OSError, match="no"), transaction() as third:
            raise OSError("no")
        assert third.is_rolled_back()

    main()


def test_a_block_after_the_commit_of_the_one_around_it(runtime: Runtime) -> None:
    """It belongs to the next one that is open, and is undone with that."""

    @flow
    def main() -> None:
        with transaction():
            with transaction() as inner:
                step("inner")
                inner.commit()
                with transaction():
                    step("after")
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        main()
    assert told == ["inner", "commit inner", "after", "undo after"]


def test_an_inner_one_that_was_undone_leaves_the_outer_one(runtime: Runtime) -> None:
    """Who catches the error of the inner block goes on: as a savepoint of a database."""

    @flow
    def main() -> None:
        with transaction():
            step("outer")
            with pytest.raises(OSError, match="no"), transaction():  # noqa: PT012  # the block is it
                step("inner")
                raise OSError("no")

    main()
    assert told == ["outer", "inner", "undo inner", "commit outer"]


def test_hooks_of_a_block(runtime: Runtime) -> None:
    """A block has hooks as tasks have, after theirs; the last one is undone first."""

    @flow
    def main(fails: bool) -> None:
        hooks: dict[str, Any] = {
            "on_commit": lambda txn: told.append(f"block stands {txn.key}"),
            "on_rollback": [lambda _: told.append("1"), lambda _: told.append("2")],
        }
        with transaction(key=f"k{fails}", **hooks):
            step("a")
            if fails:
                raise OSError("no")

    main(False)
    assert told == ["a", "commit a", "block stands kFalse"]
    told.clear()
    with pytest.raises(OSError, match="no"):
        main(True)
    assert told == ["a", "2", "1", "undo a"]


def test_a_task_alone_is_its_own_transaction(runtime: Runtime, url: str) -> None:
    """It is committed when it has completed: its writes are published, its hooks called."""

    @task(on_commit=stands, on_rollback=undone)
    def alone(fails: bool) -> None:
        own().write(url, "a", b"1")
        assert not open_storage(url).exists("a")
        if fails:
            raise OSError("no")

    @flow
    def main(fails: bool) -> None:
        alone(fails)

    with pytest.raises(OSError, match="no"):
        main(True)
    assert told == []
    assert not open_storage(url).exists("a")
    main(False)
    assert told == ["commit ?"]
    assert open_storage(url).exists("a")


def test_what_came_from_the_cache_is_not_undone(runtime: Runtime) -> None:
    """A task that did not run here, since its result was known, has nothing to undo."""

    @task(cache_policy=INPUTS, on_rollback=undone, on_commit=stands)
    def cached(number: int) -> int:
        told.append("ran")
        return number

    @flow
    def main(fails: bool) -> None:
        with transaction():
            cached(1)
            if fails:
                raise OSError("no")

    main(False)
    with pytest.raises(OSError, match="no"):
        main(True)
    assert told == ["ran", "commit ?"]


# Storages, secrets


def test_the_same_key_twice_stands_as_it_was_last(runtime: Runtime, url: str) -> None:
    """Writes are published in their order; storages by URL and as objects are the same."""

    @flow
    def main() -> None:
        with transaction() as txn:
            txn.write(url, "a", bytearray(b"1"))
            txn.write(open_storage(url), "a", memoryview(b"22"))

    main()
    assert open_storage(url).read("a") == b"22"


def test_files_are_copied_when_they_are_staged(runtime: Runtime, url: str, tmp_path: Path) -> None:
    """By path or open, in pieces: what becomes of the file later changes nothing."""
    large = os.urandom(PIECE_BYTES) * 5  # no secrets are looked for in what is so large
    path = tmp_path / "table"
    path.write_bytes(large)

    @flow
    def main() -> None:
        with transaction() as txn:
            txn.write(url, "by-path", path)
            with path.open("rb") as file:
                file.seek(7)
                txn.write(url, "open", file)
            txn.write(url, "small", io.BytesIO(b"1"))
            path.unlink()

    main()
    out = open_storage(url)
    assert out.read("by-path") == large
    assert out.read("open") == large[7:]
    assert out.read("small") == b"1"


def test_a_large_file_is_staged_and_published_in_little_memory(runtime: Runtime, url: str) -> None:
    """Neither putting it aside nor the commit holds more of it than a few pieces."""

    class Zeros(io.RawIOBase):
        """Many bytes, made as they are read."""

        left = 64 * PIECE_BYTES

        def read(self, size: int = -1) -> bytes:
            """Return some of them."""
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    @flow
    def main() -> None:
        with transaction() as txn:
            txn.write(url, "zeros", cast("BinaryIO", Zeros()))

    tracemalloc.start()
    try:
        main()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert open_storage(url).stat("zeros").size == 64 * PIECE_BYTES
    assert peak < 16 * PIECE_BYTES


def test_a_file_that_holds_a_secret_is_encrypted_as_well(runtime: Runtime, tmp_path: Path) -> None:
    """A secret is found where it lies across two pieces, and not written in clear."""
    secret = Secret("correct-horse-battery-staple").reveal().encode()
    content = b"-" * (PIECE_BYTES - 5) + secret
    (tmp_path / "in").write_bytes(content)
    SecretBlock(value="makes the vault").save("first")

    @flow
    def main() -> None:
        with transaction() as txn:
            txn.write(f"file:{tmp_path / 'out'}", "a", tmp_path / "in")
            (staged,) = runtime.place.folder.glob("staged/*/*")
            assert secret not in staged.read_bytes()

    main()
    assert (tmp_path / "out" / "a").read_bytes() == content


def test_what_cannot_be_read_is_an_error_of_the_write(
    runtime: Runtime, url: str, tmp_path: Path
) -> None:
    """A file that is not there, one open as text, and what is no file."""
    (tmp_path / "text").write_text("text")

    @flow
    def main() -> None:
        with transaction() as txn, (tmp_path / "text").open() as text:
            with pytest.raises(TransactionError, match="cannot be read: no such file"):
                txn.write(url, "a", tmp_path / "nowhere")
            for wrong in (text, "text", 7):
                with pytest.raises(TransactionError, match="takes bytes, and no"):
                    txn.write(url, "a", wrong)  # type: ignore[arg-type]  # on purpose
            assert list(runtime.place.folder.glob("staged/*/*")) == []

    main()
    assert list(open_storage(url).keys()) == []


def test_what_was_damaged_while_it_waited_is_not_published(runtime: Runtime, url: str) -> None:
    """The disk changed a byte: the commit stops, and what stood at the key before stays."""
    open_storage(url).write("a", b"before")

    @flow
    def main() -> None:
        with transaction() as txn:
            txn.write(url, "a", b"after")
            (staged,) = runtime.place.folder.glob("staged/*/*")
            staged.write_bytes(staged.read_bytes().replace(b"after", b"aftes"))

    with pytest.raises(TransactionError, match="is damaged"):
        main()
    assert open_storage(url).read("a") == b"before"


def test_a_storage_that_no_other_process_finds_is_refused(runtime: Runtime) -> None:
    """What is put aside must be published by whoever resumes the run."""
    from brickwork.builtin.memory_storage import MemoryStorage

    class Nowhere(MemoryStorage):
        """A storage whose URL nobody knows."""

        url = "nowhere:here"

    @flow
    def main() -> None:
        with transaction() as txn:
            txn.write(Nowhere(), "a", b"1")

    with pytest.raises(InvalidFlow, match="the storage of a staged write"):
        main()


def test_what_holds_a_secret_is_encrypted_while_it_waits(runtime: Runtime, url: str) -> None:
    """No file of the history has a known secret in clear; it is published as it was given."""
    secret = Secret("correct-horse-battery-staple")

    def files() -> bytes:
        folder = runtime.place.folder
        return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())

    @flow
    def main(key: str) -> None:
        with transaction() as txn:
            txn.write(url, key, b"the secret is " + secret.reveal().encode())
            txn.write(url, "plain", b"nothing of it")
            runtime.flush()
            assert b"nothing of it" in files()
            assert secret.reveal().encode() not in files()

    SecretBlock(value="makes the vault").save("first")
    main("a")
    with pytest.raises(TransactionError, match="secret stands in the key"):
        main(f"{secret.reveal()}/a")
    assert open_storage(url).read("a") == b"the secret is " + secret.reveal().encode()


@pytest.mark.parametrize(("durability", "synced"), [("process", False), ("power", True)])
def test_what_is_put_aside_is_as_durable_as_the_history(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, durability: Any, synced: bool
) -> None:
    """With the durability for a loss of power, a staged write has reached the disk at once."""
    from brickwork_flows import staging

    calls: list[str] = []
    monkeypatch.setattr(staging, "sync", lambda _: calls.append("file"))
    monkeypatch.setattr(staging, "sync_folder", lambda _: calls.append("folder"))

    @flow
    def main() -> None:
        with transaction() as txn:
            txn.write(url, "a", b"1")
            assert calls == (["file", "folder"] if synced else [])

    with use_history(tmp_path / "runs", durability=durability) as runtime:
        main()
        runtime.close()


def test_a_full_disk_is_an_error_of_the_write(
    runtime: Runtime, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be put aside is told at once, and the transaction is rolled back."""
    from brickwork_flows import staging

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    @flow
    def main() -> None:
        with transaction() as txn:
            step("a")
            monkeypatch.setattr(staging, "_write_all", full)
            txn.write(url, "a", b"1")

    with pytest.raises(HistoryError, match="no space left"):
        main()
    assert told == ["a", "undo a"]


# Errors


def test_words_that_do_not_exist_are_named(runtime: Runtime) -> None:
    """A mode, a level or a hook that there is not: the error shows those that there are."""

    def opened(**options: Any) -> str:
        with pytest.raises((TransactionError, InvalidFlow)) as caught, transaction(**options):
            pass
        return f"{caught.value.what} {caught.value.fix}"

    @flow
    def main() -> None:
        assert "eager, lazy, off" in opened(commit_mode="slow")
        assert "read_committed, serializable" in opened(isolation_level=3, key="k")
        assert "needs a key" in opened(isolation_level="serializable")
        assert "is a int, or empty" in opened(key=3)
        assert "or empty" in opened(key="")
        assert "list of functions" in opened(on_commit="webhook/ops")
        Secret("long-enough-secret")
        assert "known secret" in opened(key="x-long-enough-secret")

    main()


def test_a_transaction_needs_a_flow() -> None:
    """Outside of a flow there is nothing to resume."""
    with pytest.raises(TransactionError, match="belongs to the run of a flow"), transaction():
        pass
    assert get_transaction() is None


def test_hooks_of_tasks_are_functions(runtime: Runtime) -> None:
    """An address, which on_failure takes, is refused before the task runs."""

    @task(on_rollback="webhook/ops")
    def wrong() -> None:
        told.append("ran")

    @flow
    def main() -> None:
        wrong()

    with pytest.raises(InvalidFlow, match=r"on_rollback of wrong-0 is no list of functions"):
        main()
    assert told == []


def test_commit_in_the_block_is_the_end(runtime: Runtime, url: str) -> None:
    """What comes after it in the block is not part of it."""

    @flow
    def main() -> None:
        with transaction() as txn:
            step("a")
            txn.commit()
            step("b")
            with pytest.raises(TransactionError, match="is committed, and not open"):
                txn.write(url, "a", b"")
            raise OSError("later")

    with pytest.raises(OSError, match="later"):
        main()
    assert told == ["a", "commit a", "b", "commit b"]


def test_a_task_cannot_end_its_own(runtime: Runtime) -> None:
    """A task's transaction ends with it."""

    @task
    def ends() -> None:
        with pytest.raises(TransactionError, match="when it has ended"):
            own().commit()
        with pytest.raises(TransactionError, match="when it has ended"):
            own().rollback()

    @flow
    def main() -> None:
        ends()

    main()


# Ctrl-C

PROGRAM = """
import os, sys, time
from brickwork_flows import flow, get_transaction, task, transaction, use_history

def undone(txn):
    os.write(1, b"undone\\n")

@task(on_rollback=undone)
def step():
    get_transaction().write(f"file:{sys.argv[1]}/out", "a", b"1")

@flow
def main():
    with transaction():
        step()
        os.write(1, b"waits\\n")
        time.sleep(60)

with use_history(sys.argv[1] + "/runs"):
    main()
"""


def test_ctrl_c_rolls_back(tmp_path: Path) -> None:
    """It undoes what was done, leaves nothing of what was put aside, and is recorded."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waits\n"
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert out == b"undone\n"
    assert not (tmp_path / "out").exists()
    with use_history(tmp_path / "runs") as runtime:
        runtime.flush()
        (run,) = runtime.history.runs()
        (child,) = runtime.history.children(run.id)
        runtime.close()
    assert (run.state.name, child.state.name) == ("Cancelled", "RolledBack")
    assert "KeyboardInterrupt" in child.state.message
    assert list((tmp_path / "runs").glob("staged/*")) == []
