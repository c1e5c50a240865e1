"""The journal and the recorder: torn lines, full disks, forks, rotation, ends of processes."""

import os
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from brickwork_flows.errors import HistoryError
from brickwork_flows.history import recorder as recorder_module
from brickwork_flows.history.events import (
    Event,
    Logged,
    ResultKept,
    RunStarted,
    StateSet,
    decoded,
    encoded,
)
from brickwork_flows.history.journal import Journal, LeftJournal
from brickwork_flows.history.recorder import Recorder, recover
from brickwork_flows.history.sqlite import SqliteHistory
from brickwork_flows.states import StateType
from brickwork_flows.testing.history import begun, ended

pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)  # Python 3.12 and later, on a fork

_text = st.text(st.characters(codec="utf-8") | st.sampled_from("\ud800\udfff\0\n\r\u2028"))
_number = st.integers(0, 2**40)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner) | st.dictionaries(_text, inner),
    max_leaves=5,
)
_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        RunStarted,
        *[_text] * 4,
        st.none() | _text,
        _text,
        _text,
        st.lists(_text).map(tuple),
        _text,
        st.dictionaries(_text, _json),
    ),
    st.builds(StateSet, _text, _number, _text, _text, _text, st.floats(allow_nan=False), _number),
    st.builds(
        ResultKept, _text, _text, st.none() | st.binary(), st.none() | _text, st.none() | _text
    ),
    st.builds(Logged, _text, _number, st.floats(allow_nan=False), _number, _text, _text),
)


def left_events(path: Path) -> list[Event]:
    """What a journal tells whose process is gone."""
    left = LeftJournal.take(path)
    assert left is not None
    try:
        return list(left.events())
    finally:
        left.release()


def journal_files(folder: Path) -> list[Path]:
    """The journals in a folder."""
    return sorted((folder / "journals").glob("*.journal"))


def opened(folder: Path) -> Recorder:
    """A recorder into a history beside its journals."""
    return Recorder(SqliteHistory(folder / "runs.db"), folder / "journals")


# Lines


@settings(deadline=None)  # the machine may be busy
@given(st.lists(_events, max_size=5))
def test_events_come_back_from_their_line(events: list[Event]) -> None:
    """Every event, with whatever text and bytes, is read as it was; a line has no line break."""
    line = encoded(events)
    assert decoded(line) == events
    assert line.isascii()
    assert b"\n" not in line


def test_text_in_results_is_kept_as_text() -> None:
    """A result that is text is not blown up by an encoding for bytes."""
    line = encoded([ResultKept("f", "json", b'{"a": 1}' * 100)])
    assert len(line) < 1100
    assert b"hello" in encoded([ResultKept("f", "json", b"hello")])


def test_what_json_has_not_is_refused_at_once(tmp_path: Path) -> None:
    """Who records it hears of it, and the journal stays as it was."""
    recorder = opened(tmp_path)
    started = begun("f")[0]._replace(details={"x": object()})  # type: ignore[call-arg]  # a run
    with pytest.raises(TypeError):
        recorder.write(started)
    recorder.write(*begun("f"), ended("f"))
    recorder.flush()
    assert recorder.history.run("f").state.type is StateType.COMPLETED
    recorder.close()


def test_a_journal_torn_at_any_byte_keeps_every_whole_line(tmp_path: Path) -> None:
    """Cut anywhere, it gives back the lines before the cut, and nothing else."""
    journal = Journal(tmp_path)
    batches: list[Sequence[Event]] = [
        begun("f"),
        [ResultKept("f", "json", b"\xff\n1"), Logged("f", 1, 1.5, 20, "a", "é\n")],
        [ended("f")],
    ]
    ends = [0]
    for batch in batches:
        journal.write(encoded(batch))
        ends.append(journal.size)
    journal.close()
    whole = journal.path.read_bytes()
    assert len(whole) == ends[-1]
    torn = tmp_path / "torn.journal"
    for cut in range(len(whole) + 1):
        torn.write_bytes(whole[:cut])
        count = sum(end <= cut for end in ends[1:])
        assert left_events(torn) == [event for batch in batches[:count] for event in batch]


@settings(max_examples=300, deadline=None)  # it writes files
@given(st.data())
def test_a_changed_byte_costs_its_line_alone(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A bad disk does not make an event of something else, nor lose what is in other lines."""
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder)
    batches: list[Sequence[Event]] = [begun("f"), begun("g"), [ended("f")]]
    for batch in batches:
        journal.write(encoded(batch))
    journal.close()
    whole = bytearray(journal.path.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    journal.path.write_bytes(whole)
    found = left_events(journal.path)
    known = [event for batch in batches for event in batch]
    assert all(event in known for event in found)
    assert len(found) >= 1, "more than the damaged line, and the one it may run into, is lost"


# Disks


_FILLS = """
import resource, signal, sys
from pathlib import Path
from brickwork_flows import flow, task, use_history
from brickwork_flows.errors import HistoryError

@task
def step(number):
    return number

@flow
def many():
    for number in range(10_000):
        step(number)
        print(number, flush=True)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
with use_history(sys.argv[1]) as runtime:
    runtime.recorder
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        many()
    except HistoryError as error:
        print("HistoryError", error.what, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


@pytest.mark.parametrize("limit", [100_000, 100_001, 100_137, 163_840])
def test_a_full_disk_is_a_typed_error_and_loses_nothing(tmp_path: Path, limit: int) -> None:
    """The flow ends with an error that says so; each task that ended before is in the history."""
    command = [sys.executable, "-c", _FILLS, str(tmp_path / "runs"), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *numbers, last = done.stdout.splitlines()
    assert last.startswith("HistoryError"), done.stdout[-300:]
    assert "cannot be used" in last
    assert len(numbers) > 50
    history = SqliteHistory(tmp_path / "runs" / "runs.db")
    recover(history, tmp_path / "runs" / "journals")
    (record,) = history.runs()
    completed = [
        run.key
        for run in history.children(record.id)
        if run.state.type is StateType.COMPLETED and history.result(run.id) is not None
    ]
    assert completed[: len(numbers)] == [f"step-{number}" for number in numbers]


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that takes a few bytes at a time leaves the same line."""
    journal = Journal(tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    journal.write(encoded(begun("f")))
    monkeypatch.undo()
    journal.close()
    assert left_events(journal.path) == begun("f")


def test_half_a_write_does_not_swallow_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure in the middle of a line, the next line is whole and the failed one gone."""
    journal = Journal(tmp_path)
    journal.write(encoded(begun("f")))
    write = os.write
    taken: list[int] = []

    def full(file: int, data: bytes) -> int:
        if taken:
            raise OSError(28, "No space left on device")
        taken.append(write(file, data[:20]))
        return taken[0]

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(HistoryError, match="no space left"):
        journal.write(encoded(begun("lost")))
    monkeypatch.undo()
    journal.write(encoded([ended("f")]))
    journal.close()
    assert left_events(journal.path) == [*begun("f"), ended("f")]


class Unwilling(SqliteHistory):
    """A history that cannot be written for a while."""

    willing = threading.Event()

    def record(self, events: Sequence[Event]) -> None:
        """Refuse, until told otherwise."""
        if not self.willing.is_set():
            raise HistoryError("The history is away.")
        super().record(events)


def test_what_cannot_be_folded_waits(tmp_path: Path) -> None:
    """While the history cannot be written, recording goes on; later everything is there."""
    history = Unwilling(tmp_path / "runs.db")
    history.willing.clear()
    recorder = Recorder(history, tmp_path / "journals")
    recorder.write(*begun("f"))
    with pytest.raises(HistoryError, match="is away"):
        recorder.flush()
    recorder.write(ended("f"))
    history.willing.set()
    recorder.flush()
    assert len(history.run("f").states) == 3
    recorder.close()
    assert journal_files(tmp_path) == []


def test_what_could_not_be_folded_at_the_end_is_left_to_the_next(tmp_path: Path) -> None:
    """The journal stays if the history cannot be written when the process ends."""
    history = Unwilling(tmp_path / "runs.db")
    history.willing.clear()
    recorder = Recorder(history, tmp_path / "journals")
    recorder.write(*begun("f"), ended("f"))
    recorder.close()
    assert len(journal_files(tmp_path)) == 1
    history.willing.set()
    assert recover(history, tmp_path / "journals") == []
    assert history.run("f").state.type is StateType.COMPLETED
    assert journal_files(tmp_path) == []


# Growth


def test_a_journal_does_not_grow_without_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one long flow runs, its journal is replaced, and its crash is still noticed."""
    monkeypatch.setattr(recorder_module, "ROTATE_BYTES", 20_000)
    recorder = opened(tmp_path)
    recorder.write(*begun("f"))
    largest = 0
    for number in range(400):
        recorder.write(*begun(f"f.t-{number}", flow_run="f"))
        recorder.write(ResultKept(f"f.t-{number}", "json", b"1"), ended(f"f.t-{number}"))
        if number % 20 == 19:
            recorder.flush()
        for path in journal_files(tmp_path):
            with suppress(FileNotFoundError):  # it has just been replaced
                largest = max(largest, path.stat().st_size)
    recorder.flush()
    assert largest < 100_000
    (path,) = journal_files(tmp_path)
    # As after a kill: the lines are there, and nobody holds the lock.
    copy = tmp_path / "killed" / "x.journal"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    assert recover(recorder.history, copy.parent) == ["f"]
    assert recorder.history.run("f").state.type is StateType.CRASHED
    assert len(recorder.history.children("f")) == 400
    assert {run.state.type for run in recorder.history.children("f")} == {StateType.COMPLETED}
    recorder.write(ended("f"))
    recorder.close()


# Crashes


def test_a_crash_ends_the_flow_and_the_tasks_that_ran(tmp_path: Path) -> None:
    """Both are crashed; what had ended stays, and so does what is paused."""
    journal = Journal(tmp_path / "journals")
    journal.write(encoded([*begun("f"), *begun("f.a-0", flow_run="f"), ended("f.a-0")]))
    journal.write(encoded(begun("f.b-0", flow_run="f")))
    journal.write(encoded([*begun("p"), StateSet("p", 3, "paused", "Paused", "", 1.0, 1)]))
    journal.close()
    history = SqliteHistory(tmp_path / "runs.db")
    assert recover(history, tmp_path / "journals") == ["f"]
    states = {run: history.run(run).state.type.value for run in ("f", "f.a-0", "f.b-0", "p")}
    assert states == {"f": "crashed", "f.a-0": "completed", "f.b-0": "crashed", "p": "paused"}
    assert "killed" in history.run("f").state.message
    assert recover(history, tmp_path / "journals") == []


def test_folding_twice_changes_nothing(tmp_path: Path) -> None:
    """A kill between the fold and the removal of the journal: the next fold adds nothing."""
    journal = Journal(tmp_path / "journals")
    journal.write(encoded([*begun("f"), *begun("f.a-0", flow_run="f"), ended("f.a-0")]))
    journal.close()
    content = journal.path.read_bytes()
    history = SqliteHistory(tmp_path / "runs.db")
    recover(history, tmp_path / "journals")
    first = (history.run("f"), history.children("f"))
    journal.path.write_bytes(content)
    recover(history, tmp_path / "journals")
    assert (history.run("f"), history.children("f")) == first


def test_the_journal_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    """Recovering while somebody records neither takes its journal nor ends its runs."""
    recorder = opened(tmp_path)
    recorder.write(*begun("f"))
    recorder.flush()
    assert recover(recorder.history, tmp_path / "journals") == []
    assert recorder.history.run("f").state.type is StateType.RUNNING
    assert len(journal_files(tmp_path)) == 1
    recorder.write(ended("f"))
    recorder.close()
    assert journal_files(tmp_path) == []


def test_many_that_recover_at_once_do_it_once(tmp_path: Path) -> None:
    """Of eight threads that find one journal, each crash is told by exactly one."""
    for number in range(20):
        journal = Journal(tmp_path / "journals")
        journal.write(encoded(begun(f"f{number}")))
        journal.close()
    history = SqliteHistory(tmp_path / "runs.db")
    barrier, told = threading.Barrier(8), list[str]()

    def work() -> None:
        barrier.wait()
        told.extend(recover(history, tmp_path / "journals"))
        history.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whoever comes second finds the file gone, or locked.
    assert sorted(told) == sorted(f"f{number}" for number in range(20))


# Forks


def in_child(work: Callable[[], object]) -> int:
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


def test_a_fork_does_not_write_to_the_journal_of_its_parent(tmp_path: Path) -> None:
    """There it is an error that says so; the parent goes on, and its journal is its own."""
    recorder = opened(tmp_path)
    recorder.write(*begun("f"))

    def child() -> None:
        with pytest.raises(HistoryError, match="forked"):
            recorder.write(*begun("child"))
        recorder.close()

    assert in_child(child) == 0
    recorder.write(ended("f"))
    recorder.flush()
    assert [run.id for run in recorder.history.runs()] == ["f"]
    recorder.close()


def test_a_fork_does_not_keep_the_lock_of_its_parent(tmp_path: Path) -> None:
    """When the parent is gone and a child lives on, the parent's runs are found crashed."""
    code = f"""
import os, sys
from pathlib import Path
from brickwork_flows.testing.history import begun
from brickwork_flows import use_history
with use_history({str(tmp_path)!r}) as runtime:
    runtime.recorder.write(*begun("f"))
    if os.fork() == 0:
        os.write(1, b"alive\\n")
        sys.stdin.read()
        os._exit(0)
    os._exit(7)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"alive\n"
        assert process.wait() == 7
        history = SqliteHistory(tmp_path / "runs.db")
        assert recover(history, tmp_path / "journals") == ["f"]


def test_a_fork_has_a_journal_of_its_own(tmp_path: Path) -> None:
    """A flow that is called in a forked child is recorded, while the parent's run goes on."""
    from brickwork_flows import flow, use_history

    with use_history(tmp_path) as runtime:
        runtime.recorder.write(*begun("f"))
        inner = flow(name="inner")(_one)

        def child() -> None:
            assert inner() == 1
            runtime.close()

        for _ in range(5):
            assert in_child(child) == 0
        runtime.recorder.write(ended("f"))
        runtime.flush()
        names = [run.name for run in runtime.history.runs()]
        assert sorted(names) == ["inner"] * 5 + ["work"]
        assert {run.state.type for run in runtime.history.runs()} == {StateType.COMPLETED}
        runtime.close()


def _one() -> int:
    return 1


def test_forks_while_others_record_hang_nobody(tmp_path: Path) -> None:
    """While threads record and fold, children are forked that record too: all of it is there."""
    from brickwork_flows import flow, use_history

    done = threading.Event()
    counts = [0, 0]
    with use_history(tmp_path) as runtime:
        inner = flow(name="inner")(_one)
        inner()
        recorder = runtime.recorder

        def child() -> None:
            inner()
            runtime.close()

        def keep_recording(thread: int) -> None:
            while not done.is_set():
                run = f"t{thread}-{counts[thread]}"
                recorder.write(*begun(run), ended(run))
                counts[thread] += 1
                done.wait(0.0005)

        threads = [threading.Thread(target=keep_recording, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                assert in_child(child) == 0
        finally:
            done.set()
            for thread in threads:
                thread.join()
        runtime.flush()
        found = runtime.history.runs(limit=10**6)
        assert sum(run.name == "inner" for run in found) == 11
        assert sum(run.name == "work" for run in found) == sum(counts) > 0
        runtime.close()


# The end of a process

_ENDS = """
import sys
from brickwork_flows import flow, use_history, task

@task
def step():
    return 1

@flow
def work():
    step()
    {last}

with use_history(sys.argv[1]):
    work()
"""


@pytest.mark.parametrize(
    ("last", "code", "state"),
    [
        ("return 1", 0, StateType.COMPLETED),
        ("raise ValueError('no')", 1, StateType.FAILED),
        ("sys.exit(3)", 3, StateType.CRASHED),
    ],
)
def test_at_its_end_a_process_folds_everything(
    tmp_path: Path, last: str, code: int, state: StateType
) -> None:
    """However the interpreter ends, the history has all of it and the journal is gone."""
    command = [sys.executable, "-c", _ENDS.format(last=last), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert journal_files(tmp_path) == []
    history = SqliteHistory(tmp_path / "runs.db")
    (record,) = history.runs()
    assert record.state.type is state
    assert len(history.children(record.id)) == 1


def test_the_sum_is_the_one_of_zip_files(tmp_path: Path) -> None:
    """A line is its CRC-32 in eight hexadecimal digits, a space and JSON: others may read it."""
    journal = Journal(tmp_path)
    journal.write(encoded([ended("f")]))
    journal.close()
    total, text = journal.path.read_bytes().rstrip(b"\n").split(b" ", 1)
    assert int(total, 16) == zlib.crc32(text)
    assert text.startswith(b'[["state",["f",3,"completed"')
