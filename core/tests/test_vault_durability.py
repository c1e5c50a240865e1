"""What was acknowledged is there: after kills, under many writers, across forks.

``BRICKWORK_ATTACK_SCALE`` of 10 is the bar: 500 kills, 8 writers with 500 updates each.
"""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from brickwork import BasicAuth, SecretBlock, Settings, StoreError, Vault, VersionConflict
from brickwork.testing.base import lacking
from brickwork.testing.concurrent import in_threads

pytestmark = [
    pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning"),  # short on purpose
    pytest.mark.attack,
    pytest.mark.filterwarnings(
        "ignore:This process .* is multi-threaded:DeprecationWarning"
    ),  # Python 3.12 and later, on a fork
]

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
LONG = SCALE >= 10
KILLS = 500 if LONG else 20
UPDATES = 500 if LONG else 50
WRITERS = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a vault with one block, which nobody has open."""
    with vault_at(tmp_path / "vault.db") as vault:
        vault.save(Settings(value=0), "counter")
    return tmp_path / "vault.db"


def vault_at(path: Path) -> Vault:
    """Open a vault with a key file in a folder beside it."""
    return Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}")


def check_integrity(path: Path) -> None:
    """Assert that the database itself is sound."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


# Kills

_SAVER = """
import os, sys
from pathlib import Path
from brickwork import BasicAuth, Vault
path, first = Path(sys.argv[1]), int(sys.argv[2])
vault = Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}")
number = first
while True:
    block = BasicAuth(username=f"user-{number}", password=f"password-{number}")
    # New blocks, and new versions of one block, in turn.
    vault.save(block, "same" if number % 2 else f"block-{number}", overwrite=True)
    os.write(1, b"%d\\n" % number)
    number += 1
"""


def killed_saver(path: Path, first: int, kill_after: int) -> int:
    """Run a saver, kill it after some acknowledged saves, and return the last acknowledged one."""
    command = [sys.executable, "-c", _SAVER, str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        for _ in range(kill_after):
            assert process.stdout.readline(), "the saver ended by itself"
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        assert process.wait() == -signal.SIGKILL
    last = first + kill_after - 1
    # What was acknowledged between the decision to kill and the kill, in whole lines.
    return last + rest.count(b"\n")


def test_a_kill_loses_nothing_that_was_acknowledged(
    path: Path, record_property: Callable[[str, object], None]
) -> None:
    """After each kill -9 of a saving process, all acknowledged saves are there and open."""
    acknowledged: list[int] = []
    first = 1
    for kill in range(KILLS):
        last = killed_saver(path, first, 5 + kill * 7 % 23)
        acknowledged += range(first, last + 1)
        with vault_at(path) as vault:
            # The one in work when the kill came may be there, but whole.
            newest = last + 1
            check_saved(vault, [n for n in (last, last - 1) if n >= first])
            names = {document.name for document in vault.documents("basic-auth")}
            extra = {f"block-{newest}"} & names
            for name in extra:
                assert vault.load(f"basic-auth/{name}") == saved(newest)
        first = newest + 1
    with vault_at(path) as vault:
        check_saved(vault, acknowledged)
        versions = vault.history("basic-auth/same")
        for document in versions:  # also the ones that were not acknowledged
            block = vault.load(document.address, expect=BasicAuth)
            assert block.password.reveal() == block.username.replace("user", "password")
        assert [document.version for document in versions] == [*range(1, len(versions) + 1)]
    check_integrity(path)
    assert len(acknowledged) >= KILLS * 10, "too few saves to prove anything"
    record_property("kills", KILLS)
    record_property("acknowledged saves", len(acknowledged))
    assert path.stat().st_mode & 0o777 == 0o600


def saved(number: int) -> BasicAuth:
    """The block that the saver saves under a number."""
    return BasicAuth(username=f"user-{number}", password=f"password-{number}")


def check_saved(vault: Vault, numbers: list[int]) -> None:
    """Assert that the saves of these numbers can be loaded, the new versions among them too."""
    odd = {number for number in numbers if number % 2}
    for number in set(numbers) - odd:
        assert vault.load(f"basic-auth/block-{number}") == saved(number)
    if odd:
        users = {d.fields["username"] for d in vault.history("basic-auth/same")}
        assert {f"user-{number}" for number in odd} <= users


def test_control_a_lost_save_is_noticed(path: Path) -> None:
    """The check that follows each kill fails when one row is taken away."""
    last = killed_saver(path, 1, 6)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM blocks WHERE name = 'block-2'")
        database.commit()
    with vault_at(path) as vault, pytest.raises(Exception, match="block-2"):
        check_saved(vault, [*range(1, last + 1)])


_FIRST_SAVE = """
import sys
from pathlib import Path
from brickwork import SecretBlock, Vault
path = Path(sys.argv[1])
with Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}") as vault:
    print("go", flush=True)
    vault.save(SecretBlock(value="made by the first"), "first")
    print("done", flush=True)
"""


@pytest.mark.parametrize("delay", [0, 0.001, 0.003, 0.006, 0.01, 0.015, 0.02, 0.03])
def test_a_kill_while_the_vault_is_made_leaves_nothing_in_the_way(
    tmp_path: Path, delay: float
) -> None:
    """Whoever comes after it makes the vault, or finds it made; never half of one."""
    path = tmp_path / "vault.db"
    for _ in range(3 * SCALE):
        command = [sys.executable, "-c", _FIRST_SAVE, str(path)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"go\n"
            threading.Event().wait(delay)
            process.kill()
            acknowledged = process.stdout.read() == b"done\n"
        with vault_at(path) as vault:
            if acknowledged:
                assert vault.load("secret/first") == SecretBlock(value="made by the first")
            assert len(vault.documents()) <= 1
            vault.save(SecretBlock(value="made by the second"), "second")
        with vault_at(path) as vault:
            assert vault.load("secret/second") == SecretBlock(value="made by the second")
        check_integrity(path)
        for file in tmp_path.glob("vault.db*"):
            file.unlink()


_HUNDRED = """
import sys
from pathlib import Path
from brickwork import SecretBlock, Vault
path, saves = Path(sys.argv[1]), int(sys.argv[2])
vault = Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}")
vault.documents()
for number in range(saves):
    vault.save(SecretBlock(value=f"value-{number}"), f"b{number}")
"""


def synced(path: Path, saves: int) -> int:
    """Save so many times under strace, and return how often the disk was waited for."""
    command = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", sys.executable, "-c", _HUNDRED]
    done = subprocess.run(
        [*command, str(path), str(saves)], capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("this user may not trace a process")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stderr.splitlines()]
    return sum(int(row[3]) for row in rows if row and row[-1] in ("fsync", "fdatasync"))


def test_every_commit_waits_for_the_disk_once(
    path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A hundred saves are at least a hundred syncs, and at most 1.5 each."""
    if shutil.which("strace") is None:
        lacking("needs strace, to count syncs")
    before = synced(path, 0)
    count = synced(path, 100)
    assert count - before >= 100
    assert count <= 150
    record_property("syncs of 100 saves", count - before)


# Writers


def count_up(vault: Vault, updates: int, started: Callable[[], object] = lambda: None) -> int:
    """Add one to the counter so many times, and return how often somebody else was faster."""
    conflicts = 0
    started()
    for _ in range(updates):
        while True:
            block = vault.load("settings/counter", expect=Settings)
            assert isinstance(block.value, int)
            try:
                changed = block.model_copy(update={"value": block.value + 1})
                vault.save(changed, "counter", overwrite=True)
            except VersionConflict:
                conflicts += 1
            else:
                break
    return conflicts


def counted(path: Path) -> int:
    """What the counter says, and that its versions tell the same."""
    with vault_at(path) as vault:
        block = vault.load("settings/counter", expect=Settings)
        assert vault.document("settings/counter").version == (block.value or 0) + 1  # type: ignore[operator]  # an int
        assert isinstance(block.value, int)
        return block.value


def _count_in_process(path: Path, updates: int, barrier: Any, results: Any) -> None:
    with vault_at(path) as vault:
        try:
            results.put(count_up(vault, updates, barrier.wait))
        except BaseException as error:
            results.put(f"{type(error).__name__}: {error}")
            raise


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_processes_lose_no_update(
    path: Path, start: str, record_property: Callable[[str, object], None]
) -> None:
    """Eight processes that update one block: every update counts, and nobody sees BUSY."""
    context: Any = multiprocessing.get_context(start)  # typeshed gives Process to its kinds only
    barrier, results = context.Barrier(WRITERS), context.Queue()
    arguments = (path, UPDATES, barrier, results)
    writers = [context.Process(target=_count_in_process, args=arguments) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    outcomes = [results.get(timeout=300) for _ in writers]
    for writer in writers:
        writer.join()
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
    assert sum(outcomes) > 0, "they never met, so this proves nothing"
    assert counted(path) == WRITERS * UPDATES
    record_property("updates", f"{WRITERS * UPDATES} of 8 processes, {sum(outcomes)} conflicts")
    check_integrity(path)


def test_threads_lose_no_update(path: Path) -> None:
    """Eight threads on one vault object: every update counts."""
    with vault_at(path) as vault:
        barrier = threading.Barrier(WRITERS)
        in_threads([lambda: count_up(vault, UPDATES // 2, barrier.wait)] * WRITERS)
    assert counted(path) == WRITERS * (UPDATES // 2)
    check_integrity(path)


def test_control_without_compare_and_set_updates_are_lost(path: Path) -> None:
    """The same writers with fresh blocks, which compare nothing, lose updates: they do race."""
    with vault_at(path) as vault:
        barrier = threading.Barrier(WRITERS)

        def careless() -> None:
            barrier.wait()
            for _ in range(UPDATES):
                value = vault.load("settings/counter", expect=Settings).value
                assert isinstance(value, int)
                vault.save(Settings(value=value + 1), "counter", overwrite=True)

        in_threads([careless] * WRITERS)
        final = vault.load("settings/counter", expect=Settings).value
    assert isinstance(final, int)
    assert final < WRITERS * UPDATES


# Forks


def _in_child(work: Callable[[], object]) -> int:
    """Fork, do something in the child, and return its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_server_works_with_the_vault_of_its_parent(path: Path) -> None:
    """Children inherit an open vault, use it at once, and outlive the parent's closing it."""
    vault = vault_at(path)
    vault.load("settings/counter")  # the connection is open now
    go, told = os.pipe()
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                vault.load("settings/counter")
                os.close(told)
                os.read(go, 1)  # until the parent has closed the vault
                for each in range(UPDATES):
                    vault.save(SecretBlock(value=f"{number}-{each}"), f"c{number}-{each}")
                vault.close()
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    vault.save(SecretBlock(value="parent"), "parent")
    vault.close()
    os.close(told)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    os.close(go)
    with vault_at(path) as vault:
        assert len(vault.documents("secret")) == 4 * UPDATES + 1
        for number in range(4):
            for each in range(UPDATES):
                block = vault.load(f"secret/c{number}-{each}", expect=SecretBlock)
                assert block.reveal() == f"{number}-{each}"
    check_integrity(path)


def test_forks_in_the_middle_of_other_threads_saves_lose_nothing(path: Path) -> None:
    """While threads save, another one forks children that save too and end normally."""
    done = threading.Event()
    saved: list[str] = []
    with vault_at(path) as vault:

        def keep_saving(number: int) -> None:
            each = 0
            while not done.is_set():
                vault.save(SecretBlock(value=f"value-{number}-{each}"), f"t{number}-{each}")
                saved.append(f"t{number}-{each}")
                each += 1

        def fork() -> None:
            try:
                for each in range(10 * SCALE):
                    child_saves = SecretBlock(value=f"child-{each}")
                    assert _in_child(lambda: vault.save(child_saves, f"child-{each}")) == 0  # noqa: B023  # called at once
                    saved.append(f"child-{each}")
            finally:
                done.set()

        in_threads([fork, *[lambda n=n: keep_saving(n) for n in range(3)]])
    with vault_at(path) as vault:
        assert {document.name for document in vault.documents("secret")} == set(saved)
        for name in saved:
            vault.load(f"secret/{name}")
    check_integrity(path)
    assert len(saved) > 20 * SCALE


def test_a_fork_inside_a_transaction_harms_nobody(path: Path) -> None:
    """The child's part of it is refused, the parent's is committed, and both go on."""
    vault = vault_at(path)
    vault.load("settings/counter")

    child = -1
    try:
        with vault.store.transaction():
            key = vault.keys.for_sealing()
            child = os.fork()
            if child:
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    except BaseException as error:
        if child == 0:
            refused = isinstance(error, StoreError) and "carried through a fork" in str(error)
            os._exit(7 if refused else 1)
        raise
    assert child, "the child committed"
    assert key.kid == vault.keys.active()
    vault.save(SecretBlock(value="after"), "after")
    vault.close()
    with vault_at(path) as again:
        assert again.load("secret/after", expect=SecretBlock).reveal() == "after"
        assert again.store.keys()[0].wraps == 4
    check_integrity(path)
