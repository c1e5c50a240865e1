"""Ledgers that are shared by threads and processes: nothing is lost, nothing is kept by half."""

import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brickwork import Ledger, SecretBlock, Vault, ledger_of
from brickwork.ledger import ProcessLedger
from brickwork.testing.base import lacking
from brickwork.testing.concurrent import CheckedThread, in_threads

pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)


@pytest.fixture
def block(memory_vault: Vault) -> SecretBlock:
    """A block that is saved in a vault which child processes use too."""
    block = SecretBlock(value="counted-together")
    block.save("a")
    return block


def count(ledger: Ledger, times: int) -> None:
    """Add one so many times, and what comes back of it."""
    for _ in range(times):
        with ledger.transaction() as page:
            counter = page.get("counter") or {"n": 0}
            page.put("counter", {"n": counter["n"] + 1}, keep_seconds=3600)


@pytest.mark.parametrize("where", ["vault", "process"])
def test_eight_threads_lose_no_count(block: SecretBlock, where: str) -> None:
    """Each reads and writes in one transaction: nobody's count is lost."""
    shared = ProcessLedger()
    ledgers = [ledger_of(block) if where == "vault" else shared for _ in range(8)]
    in_threads([lambda each=each: count(each, 50) for each in ledgers])  # type: ignore[misc]  # a default binds
    assert ledgers[0].get("counter") == {"n": 400}


def _count_in_process(times: int, barrier: Any) -> None:
    block = SecretBlock.load("a")
    barrier.wait()
    count(ledger_of(block), times)


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_four_processes_lose_no_count(block: SecretBlock, start: str) -> None:
    """They begin at once, the parent has the vault open, and all counts are there."""
    count(ledger_of(block), 1)
    context: Any = multiprocessing.get_context(start)
    barrier = context.Barrier(4)
    workers = [context.Process(target=_count_in_process, args=(50, barrier)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert ledger_of(block).get("counter") == {"n": 201}


def test_a_transaction_sees_what_the_one_before_it_kept(block: SecretBlock) -> None:
    """The second waits until the first has ended; who only looks does not wait."""
    first_is_in, order = threading.Event(), []

    def second() -> None:
        first_is_in.wait()
        with ledger_of(block).transaction() as page:
            order.append(page.get("a"))

    thread = CheckedThread(second)
    with ledger_of(block).transaction() as page:
        page.put("a", {"n": 1}, keep_seconds=60)
        first_is_in.set()
        assert ledger_of(block).get("a") is None, "it is not kept yet"
        in_threads([lambda: order.append(ledger_of(block).get("a"))])
    thread.finish()
    assert order == [None, {"n": 1}]


_INSIDE = """
import sys
from brickwork import SecretBlock, ledger_of
with ledger_of(SecretBlock.load("a")).transaction() as page:
    assert page.get("a") == {"n": 1}
    page.put("a", {"n": 2}, keep_seconds=3600)
    page.put("b", {"n": 2}, keep_seconds=3600)
    assert page.get("a") == {"n": 2}
    print("inside", flush=True)
    sys.stdin.read()
"""


def test_a_process_that_is_killed_inside_leaves_the_old_values(block: SecretBlock) -> None:
    """And nobody waits for it any more."""
    ledger = ledger_of(block)
    with ledger.transaction() as page:
        page.put("a", {"n": 1}, keep_seconds=3600)
    command = [sys.executable, "-c", _INSIDE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"inside\n", process.stderr and process.stderr.read()
        assert ledger.get("a") == {"n": 1}
        process.kill()
    assert ledger.entries() == {"a": {"n": 1}}
    count(ledger, 1)
    assert ledger.entries() == {"a": {"n": 1}, "counter": {"n": 1}}


_UNTIL_KILLED = """
from brickwork import SecretBlock, ledger_of
ledger = ledger_of(SecretBlock.load("a"))
number = 0
while True:
    number += 1
    with ledger.transaction() as page:
        page.put("a", {"n": number}, keep_seconds=3600)
        page.put("b", {"n": number}, keep_seconds=3600)
    print(number, flush=True)
"""


@pytest.mark.parametrize("wait", [0.0, 0.02, 0.05, 0.08])
def test_a_kill_at_any_time_leaves_all_or_nothing(block: SecretBlock, wait: float) -> None:
    """Both entries are of one transaction, and none is older than what was acknowledged."""
    with subprocess.Popen([sys.executable, "-c", _UNTIL_KILLED], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        threading.Event().wait(wait)
        process.kill()
        lines = process.stdout.read().split()
    acknowledged = int(lines[-1]) if lines else 1
    entries = ledger_of(block).entries()
    assert entries["a"] == entries["b"]
    assert acknowledged <= entries["a"]["n"] <= acknowledged + 1


# Forks of a process that remembers by itself


def in_child(work: Callable[[], bool]) -> bool:
    """Do something in a forked process, and return whether it was so."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if work() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_process_goes_on_with_its_own_copy() -> None:
    """Also when another thread was in a transaction at that moment, which never ends there."""
    ledger = ProcessLedger()
    count(ledger, 1)
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with ledger.transaction() as page:
            page.put("held", {}, keep_seconds=60)
            inside.set()
            done.wait()

    def in_the_child() -> bool:
        count(ledger, 1)
        equal = SecretBlock(value="not-saved-at-all")
        count(ledger_of(equal), 1)
        return ledger.entries() == {"counter": {"n": 2}}

    thread = CheckedThread(hold)
    inside.wait()
    try:
        assert in_child(in_the_child)
    finally:
        done.set()
        thread.finish()
    assert ledger.entries() == {"counter": {"n": 1}, "held": {}}
    assert ledger_of(SecretBlock(value="not-saved-at-all")).entries() == {}


def test_a_fork_inside_a_transaction_ends_twice() -> None:
    """Once here and once in the child, each for its own copy."""
    ledger = ProcessLedger()
    transaction = ledger.transaction()
    page = transaction.__enter__()
    page.put("a", {}, keep_seconds=60)

    def in_the_child() -> bool:
        page.put("b", {}, keep_seconds=60)
        transaction.__exit__(None, None, None)
        count(ledger, 1)
        return sorted(ledger.entries()) == ["a", "b", "counter"]

    assert in_child(in_the_child)
    transaction.__exit__(None, None, None)
    assert sorted(ledger.entries()) == ["a"]


# Waiting for the disk

_TRANSACTIONS = """
import sys
from brickwork import SecretBlock, ledger_of
ledger, kind, times = ledger_of(SecretBlock.load("a")), sys.argv[1], int(sys.argv[2])
for number in range(times):
    with ledger.transaction() as page:
        entry = page.get("a") or {"n": 0}
        if kind == "changes":
            page.put("a", {"n": number}, keep_seconds=3600)
"""


def syncs(kind: str, times: int) -> int:
    """Return how often the disk is waited for, in so many transactions."""
    command = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", sys.executable, "-c"]
    done = subprocess.run(
        [*command, _TRANSACTIONS, kind, str(times)], capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("this user may not trace a process")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stderr.splitlines()]
    return sum(int(row[3]) for row in rows if row and row[-1] in ("fsync", "fdatasync"))


def test_only_a_change_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """A hundred changes are a hundred syncs, 1.5 each at most; a hundred looks are none."""
    if shutil.which("strace") is None:
        lacking("needs strace, to count syncs")
    monkeypatch.setenv("BRICKWORK_HOME", str(tmp_path))
    SecretBlock(value="some-secret-value").save("a")
    none = syncs("looks", 0)
    looks, changes = syncs("looks", 100), syncs("changes", 100)
    record_property("syncs of 100 changes", changes - none)
    assert looks - none == 0, "a transaction that changed nothing must not wait for the disk"
    assert 100 <= changes - none <= 150
