"""Threads that record at once: one of them writes for all, and waits for the disk once."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork_flows.errors import HistoryError
from brickwork_flows.history import journal as journal_module
from brickwork_flows.history.events import Logged, decoded
from brickwork_flows.history.recorder import Recorder
from brickwork_flows.history.sqlite import SqliteHistory

THREADS = 8


class Disk:
    """Stands for the disk's sync: the first one lasts until all others wait for their turn."""

    def __init__(self, recorder: Recorder) -> None:
        self.syncs = 0
        self.full = False
        self.begun = threading.Event()
        self._recorder = recorder

    def sync(self, file: int) -> None:
        """Wait for the others, the first time; fail when the disk is full."""
        self.syncs += 1
        if self.syncs == 1:
            self.begun.set()
            turn = threading.Event()
            while len(self._recorder._notes) < THREADS - 1:
                turn.wait(0.001)
        elif self.full:
            raise OSError(28, os.strerror(28))


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """Return a recorder that waits for the disk."""
    recorder = Recorder(SqliteHistory(tmp_path / "runs.db"), tmp_path / "journals", power=True)
    yield recorder
    recorder.close()


def _record_at_once(recorder: Recorder, disk: Disk) -> list[HistoryError]:
    refused: list[HistoryError] = []

    def record(number: int) -> None:
        try:
            recorder.write(Logged("f", number, 1.0, 20, "app", f"line {number}"))
        except HistoryError as error:
            refused.append(error)

    threads = [threading.Thread(target=record, args=(n,)) for n in range(1, THREADS + 1)]
    threads[0].start()
    assert disk.begun.wait(60)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join(60)
    return refused


def test_threads_wait_for_the_disk_together(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of eight threads, seven come while the first one waits: they share the next sync."""
    disk = Disk(recorder)
    monkeypatch.setattr(journal_module, "sync", disk.sync)
    assert not _record_at_once(recorder, disk)
    assert disk.syncs == 2
    lines = recorder._journal.path.read_bytes().splitlines()
    found = [event for line in lines for event in decoded(line.partition(b" ")[2])]
    assert sorted(event.number for event in found if isinstance(event, Logged)) == [*range(1, 9)]
    recorder.flush()
    assert len(recorder.history.logs("f")) == THREADS


def test_a_write_that_fails_fails_for_all_of_it(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written together counts together: none of it is recorded, and each is told so."""
    disk = Disk(recorder)
    disk.full = True
    monkeypatch.setattr(journal_module, "sync", disk.sync)
    refused = _record_at_once(recorder, disk)
    assert len(refused) == THREADS - 1
    assert all("no space" in str(error) for error in refused)
    recorder.flush()
    assert [line.number for line in recorder.history.logs("f")] == [1]


def test_an_interrupt_loses_nothing_of_others(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while one thread writes for all: what the others recorded is written by the next."""
    write = recorder._journal.write

    def interrupted(*lines: bytes) -> None:
        monkeypatch.setattr(recorder._journal, "write", write)
        other = threading.Thread(
            target=lambda: recorder.write(Logged("f", 2, 1.0, 20, "app", "the other's"))
        )
        other.start()
        others.append(other)
        raise KeyboardInterrupt

    others: list[threading.Thread] = []
    monkeypatch.setattr(recorder._journal, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        recorder.write(Logged("f", 1, 1.0, 20, "app", "mine"))
    others[0].join(60)
    recorder.flush()
    assert {line.number for line in recorder.history.logs("f")} >= {2}
