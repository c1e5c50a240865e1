"""Runs a command as if it were not watched: its streams, its signals, its ending."""

import math
import os
import select
import signal
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from brickwork.cli.command_tail import Tail
from brickwork.cli.process_tree import ProcessTree
from brickwork.cli.signals import handled

if TYPE_CHECKING:
    from subprocess import Popen
    from typing import IO

GRACE_SECONDS = 10.0
"""How long a command that was told to end has for it, until it is killed."""

DRAIN_SECONDS = 2.0
"""How long, once a command has ended, others that it has started may hold its output open."""

NOT_EXECUTABLE = 126
NOT_FOUND = 127

_CHUNK = 64 * 1024
_LONGEST_WAIT = 3600.0  # poll() takes milliseconds in 31 bits

# A terminal sends these to all in the foreground, so the command has them already.
_OF_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGHUP})
_PASSED_ON = (*_OF_TERMINAL, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
_ENDING = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM})


class Ended(NamedTuple):
    """How a command has ended.

    Attributes:
        code: As a shell tells it: 128 and the signal's number, 126 and 127 for not started.
        seconds: How long it took.
        signal: The signal that ended it, such as ``SIGKILL``; empty if none did.
        timed_out: Whether it was told to end because its time was up.
        problem: Why it was not started; empty if it was.
    """

    code: int
    seconds: float
    signal: str = ""
    timed_out: bool = False
    problem: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it ended with 0, and by itself."""
        return self.code == 0 and not self.timed_out


def run_command(argv: Sequence[str], tail: Tail, *, timeout: float | None = None) -> Ended:
    """Run a command; pass its output through, byte by byte as it comes, and wait for its end.

    It has this process's standard input, environment, folder, process group and inherited files.
    SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1 and SIGUSR2 are passed on to it, except what a
    terminal has sent to both; the second SIGINT kills it. Only for the main thread.

    Args:
        argv: The command and its arguments; no shell reads them.
        tail: Keeps the end of both streams.
        timeout: After so many seconds it is told to end by SIGTERM, and 10 seconds later killed;
            so is what it has started, as far as that is found (`ProcessTree`).
    """
    import subprocess

    started = time.monotonic()
    early: list[int] = []
    receivers = [early.append]
    with _awaking() as awake, handled(_PASSED_ON, lambda number: receivers[-1](number)):
        try:
            process = subprocess.Popen(  # noqa: S603  # that is what the user asks for
                list(argv),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                # Files that this process has inherited are meant for the command; its own have
                # close-on-exec (PEP 446).
                close_fds=False,
            )
        except OSError as error:
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            return Ended(code, 0.0, problem=error.strerror or type(error).__name__)
        watch = _Watch(process, tail, awake, started + timeout if timeout is not None else math.inf)
        receivers.append(watch.receive)
        for number in early:
            watch.receive(number)
        try:
            watch.run()
        finally:
            watch.close()
    code = process.returncode
    return Ended(
        128 - code if code < 0 else code, watch.ended - started, _name(-code), watch.timed_out
    )


@contextmanager
def _awaking() -> Iterator[int]:
    """Give a file that can be read after a signal has come, also one that a child has ended."""
    read, write = os.pipe()
    try:
        for file in (read, write):
            os.set_blocking(file, False)
        before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        try:
            with handled([signal.SIGCHLD], lambda _: None):
                yield read
        finally:
            signal.set_wakeup_fd(before)
    finally:
        os.close(read)
        os.close(write)


class _Watch:
    """A running command.

    Attributes:
        timed_out: Whether it was told to end.
        ended: When it did, by the monotonic clock; 0 until then.
    """

    def __init__(self, process: "Popen[bytes]", tail: Tail, awake: int, deadline: float) -> None:
        assert process.stdout is not None  # noqa: S101  # both are pipes
        assert process.stderr is not None  # noqa: S101  # as above
        self.timed_out = False
        self.ended = 0.0
        self._process = process
        self._tree = ProcessTree(process.pid)
        self._relays = [_Relay(process.stdout, 1, tail), _Relay(process.stderr, 2, tail)]
        self._awake = awake
        # When to tell it to end, then to kill it, then to leave its output.
        self._next = deadline
        self._grace_ends = 0.0
        self._interrupts = 0
        self._given_up = False

    def receive(self, number: int) -> None:
        """Pass a signal on."""
        if self._process.poll() is not None:
            self._given_up = self._given_up or number in _ENDING
            return
        if number == signal.SIGINT:
            self._interrupts += 1
        if self._interrupts > 1:
            self._tree.signal(signal.SIGKILL)
        elif not (number in _OF_TERMINAL and _in_foreground()):
            self._process.send_signal(number)

    def run(self) -> None:
        """Move its output until it has ended, and the output too."""
        while True:
            now = time.monotonic()
            if not self.ended and self._process.poll() is not None:
                self.ended = now
                self._next = max(now + DRAIN_SECONDS, self._grace_ends)
            if self.ended and (self._given_up or not any(each.busy for each in self._relays)):
                return
            if now >= self._next:
                self._advance(now)
            else:
                self._wait(self._next - now)

    def close(self) -> None:
        """Close its output; kill it where it still runs, since something went wrong here."""
        for relay in self._relays:
            relay.close()
        if self._process.poll() is None:
            self._tree.signal(signal.SIGKILL)
            self._process.wait()

    def _advance(self, now: float) -> None:
        if self.ended:
            if self.timed_out:
                self._tree.signal(signal.SIGKILL, root=False)
            self._next = math.inf
            for relay in self._relays:
                relay.finish()
        elif not self.timed_out:
            self.timed_out = True
            self._next = self._grace_ends = now + GRACE_SECONDS
            self._tree.signal(signal.SIGTERM)
        else:
            self._next = math.inf
            self._tree.signal(signal.SIGKILL)

    def _wait(self, seconds: float) -> None:
        """Wait for output, for room for it, or for a signal; move what can be moved."""
        poll = select.poll()
        poll.register(self._awake, select.POLLIN)
        ready = {}
        for relay in self._relays:
            if relay.busy:
                file, event = relay.wanted()
                poll.register(file, event)
                ready[file] = relay
        milliseconds = math.ceil(min(seconds, _LONGEST_WAIT) * 1000)
        for file, _ in poll.poll(milliseconds):
            if file in ready:
                ready[file].move()
            else:
                with suppress(BlockingIOError):
                    os.read(self._awake, _CHUNK)


class _Relay:
    """Moves what comes out of a pipe to a file of this process, as it is."""

    def __init__(self, source: "IO[bytes]", target: int, tail: Tail) -> None:
        self._source = source
        self._target = target
        self._tail = tail
        self._pending = memoryview(b"")
        self._left: int | None = None
        # So much can be written without waiting where poll() says that something can.
        self._piece = _CHUNK if _is_regular(target) else select.PIPE_BUF

    @property
    def busy(self) -> bool:
        """Whether there is, or may come, something to move."""
        return bool(self._pending) or not self._source.closed

    def wanted(self) -> tuple[int, int]:
        """Return what to wait for, as `select.poll` takes it."""
        if self._pending:
            return self._target, select.POLLOUT
        return self._source.fileno(), select.POLLIN

    def move(self) -> None:
        """Read or write once; the other side is ready for it."""
        if self._pending:
            self._write()
        else:
            self._read()

    def finish(self) -> None:
        """Take what is in the pipe now, and no more."""
        if not self._source.closed:
            self._left = _readable(self._source.fileno())
            if not self._left:
                self._source.close()

    def close(self) -> None:
        """Stop, whatever is left: who still writes to the pipe gets SIGPIPE, or an error."""
        self._pending = memoryview(b"")
        self._source.close()

    def _read(self) -> None:
        size = _CHUNK if self._left is None else min(_CHUNK, self._left)
        data = os.read(self._source.fileno(), size)
        if self._left is not None:
            self._left -= len(data)
        if not data or self._left == 0:
            self._source.close()
        self._tail.add(self._target, data)
        self._pending = memoryview(data)

    def _write(self) -> None:
        try:
            written = os.write(self._target, self._pending[: self._piece])
        except BlockingIOError:
            return
        except OSError as error:
            self.close()
            if not isinstance(error, BrokenPipeError) and self._target != 2:
                sys.stderr.write(f"error: standard output: {error.strerror}\n")
            return
        self._pending = self._pending[written:]


def _is_regular(file: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file).st_mode)
    except OSError:
        return False


def _readable(file: int) -> int:
    """Return how many bytes wait in a pipe."""
    import fcntl
    import termios

    count = fcntl.ioctl(file, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(count, sys.byteorder)


def _in_foreground() -> bool:
    """Whether a terminal controls this process and has it in the foreground."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _name(number: int) -> str:
    if number <= 0:
        return ""
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"
