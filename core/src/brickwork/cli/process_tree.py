"""A process and what it has started, to be signalled together."""

import os
from contextlib import suppress
from pathlib import Path


class ProcessTree:
    """A process of ours that was not waited for yet, and all that descend from it.

    Descendants are found where there is ``/proc`` (Linux); elsewhere only the process itself is
    signalled. One that was seen is known again when its parent has ended meanwhile; one whose
    parent ended before anybody looked is not found.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: dict[int, int] = {}

    def signal(self, number: int, *, root: bool = True) -> None:
        """Send a signal to all of them.

        Args:
            number: The signal.
            root: Whether to the process itself too; never once it was waited for.
        """
        running = _running()
        self._look(running)
        targets = [self._pid] if root else []
        for pid, started in self._seen.items():
            # A number is used again, and then by a process that started later.
            if pid in running and running[pid][1] == started:
                targets.append(pid)
        for pid in targets:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _look(self, running: dict[int, tuple[int, int]]) -> None:
        children: dict[int, list[int]] = {}
        for pid, (parent, _) in running.items():
            children.setdefault(parent, []).append(pid)
        above = [self._pid, *(pid for pid in self._seen if pid in running)]
        while above:
            for pid in children.get(above.pop(), ()):
                if self._seen.get(pid) != running[pid][1]:
                    self._seen[pid] = running[pid][1]
                    above.append(pid)


def _running() -> dict[int, tuple[int, int]]:
    """Return each process with its parent and the time that it started, in ticks since boot."""
    found = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # The name, in brackets, can hold anything; the fields after it are proc(5)'s from 3.
            fields = each.read_bytes().rpartition(b")")[2].split()
            found[int(each.parent.name)] = (int(fields[1]), int(fields[19]))
    return found
