"""Runs the command line: in this process, or as users do, with pipes or with a terminal.

For tests of commands, the core's and those of plugins.
"""

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    import pytest

_SECONDS = 60.0


class Done(NamedTuple):
    """A command line that has ended.

    Attributes:
        code: Its exit code.
        out: Standard output.
        err: Standard error.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


Command = Callable[..., Done]
"""Runs a command line: the arguments, and ``stdin=``."""


def command_here(
    run: Callable[[Sequence[str]], int], capture: "pytest.CaptureFixture[str]"
) -> Command:
    """Return what runs ``brickwork`` in this process, with standard input that is no terminal.

    Sooner than `command_line`, for the many tests that need no process.

    Args:
        run: ``brickwork.cli.app.run``.
        capture: pytest's ``capsys`` or ``capfd``; what was printed before is forgotten.
    """

    def call(*args: str | os.PathLike[str], stdin: str | bytes = "") -> Done:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(data), "utf-8")
        try:
            code = run([os.fspath(arg) for arg in args])
        finally:
            sys.stdin = before
        return Done(code, *capture.readouterr())

    return call


def command_line(
    *args: str,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    python: Sequence[str] = (),
    cwd: str | os.PathLike[str] | None = None,
) -> Done:
    """Run ``brickwork`` with arguments, without a terminal.

    Args:
        args: The arguments.
        stdin: What it reads on standard input.
        env: Variables to set beside those of this process.
        python: Options of the interpreter, such as ``-X importtime``.
        cwd: Where it runs.
    """
    done = subprocess.run(  # noqa: S603  # ourselves
        [sys.executable, *python, "-m", "brickwork", *args],
        input=stdin,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Conversation:
    """``brickwork`` in a terminal of its own: wait for a question, answer, read on.

    A context manager; what still runs at its end is killed.

    Args:
        args: The arguments.

    Attributes:
        shown: All that the terminal has shown, echoed answers included.
    """

    def __init__(self, *args: str) -> None:
        self.shown = ""
        self._read_to = 0
        self._code: int | None = None
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:  # pragma: no cover - the other process
            os.execv(sys.executable, [sys.executable, "-m", "brickwork", *args])  # noqa: S606  # ourselves

    def answer(self, question: str, text: str) -> None:
        """Wait until a text is shown after the last one, then type a line."""
        self.wait_for(question)
        os.write(self._terminal, f"{text}\n".encode())

    def press(self, key: bytes) -> None:
        """Type a key, such as the byte 3 for Ctrl-C."""
        os.write(self._terminal, key)

    def wait_for(self, text: str) -> None:
        """Read on until a text is shown. Raises AssertionError if it never is."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.shown[self._read_to :]:
            assert self._read(deadline), f"{text!r} was never shown; shown was:\n{self.shown}"
        self._read_to = self.shown.index(text, self._read_to) + len(text)

    def end(self) -> int:
        """Read to the end, and return the exit code."""
        deadline = time.monotonic() + _SECONDS
        while self._read(deadline):
            pass
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            os.close(self._terminal)
        return self._code

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(0, deadline - time.monotonic()))
        try:
            data = os.read(self._terminal, 65536) if ready else b""
        except OSError:  # on Linux, the end of what the terminal shows
            data = b""
        self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)
            self.end()
