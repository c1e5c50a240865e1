"""Runs a command in a process group of its own, which ends with the task that waits for it."""

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

from brickwork import check_cancelled, progress

_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 2.0
_MOST_SAID = 64 * 1024
_PROGRESS = re.compile(r"(?:remote: )?([A-Z][A-Za-z ]+): +\d+% \((\d+)/(\d+)\)")


class Finished(NamedTuple):
    """A command that has ended.

    Attributes:
        code: What it ended with; 0 is success.
        output: What it printed.
        errors: The end of what it said besides, without its progress.
    """

    code: int
    output: str
    errors: str


def run_command(
    command: Sequence[str], *, cwd: str, environment: Mapping[str, str], data: bytes = b""
) -> Finished:
    """Run a command to its end, and report progress as git writes it.

    Args:
        command: The program and its arguments.
        cwd: Where.
        environment: All of it; nothing is inherited.
        data: What it reads.

    Raises:
        TaskCancelled, TaskTimeout: The task was stopped; so was the command, and what it started.
        OSError: It cannot be started.
    """
    from tempfile import TemporaryFile

    with TemporaryFile() as stdin:
        stdin.write(data)
        stdin.seek(0)
        process = subprocess.Popen(  # noqa: S603  # its arguments are guarded where they come from
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101  # as asked for
    assert process.stderr is not None  # noqa: S101  # as above
    said = _Said()
    output = bytearray()
    with process.stdout, process.stderr:
        pipes = {process.stdout: output.extend, process.stderr: said.add}
        try:
            _follow(pipes, check_cancelled)
            while True:
                check_cancelled()
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(_LOOK_SECONDS)
                    break
        except BaseException:
            _end(process, pipes)
            raise
    return Finished(code, output.decode(errors="replace"), said.text())


_Pipes = Mapping[IO[bytes], Callable[[bytes], object]]


def _follow(pipes: _Pipes, look: Callable[[], object]) -> None:
    """Read pipes to their end, and look around meanwhile."""
    with selectors.DefaultSelector() as selector:
        for pipe, take in pipes.items():
            selector.register(pipe, selectors.EVENT_READ, take)
        while selector.get_map():
            look()
            for key, _ in selector.select(_LOOK_SECONDS):
                data = os.read(key.fd, 64 * 1024)
                key.data(data)
                if not data:
                    selector.unregister(key.fileobj)


def _end(process: "subprocess.Popen[bytes]", pipes: _Pipes) -> None:
    """End a command and all that it started: kindly, then not."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # The pipes end with the last process that has them; until then it may write into the folder.
    until = time.monotonic() + _GRACE_SECONDS

    def look() -> None:
        if time.monotonic() > until:
            raise TimeoutError

    with suppress(TimeoutError):
        _follow(dict.fromkeys(pipes, len), look)


class _Said:
    """What git says besides: progress, which is passed on, and words, of which the end is kept."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._rest = b""

    def add(self, data: bytes) -> None:
        # A line of progress ends with a carriage return, any other with a line feed.
        *lines, self._rest = re.split(rb"[\r\n]+", self._rest + data)
        for line in lines:
            self._line(line.decode(errors="replace"))

    def _line(self, line: str) -> None:
        found = _PROGRESS.match(line)
        if found is not None:
            progress(int(found[2]), int(found[3]), found[1])
        elif line.strip():
            self._words.append(line.rstrip())

    def text(self) -> str:
        self._line(self._rest.decode(errors="replace"))
        return "\n".join(self._words)[-_MOST_SAID:]
