"""``brickwork notify TARGET -- COMMAND``: the command runs as if it were alone."""

import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from brickwork.cli import command_run
from brickwork.cli.app import run
from brickwork.cli.command_tail import Tail
from brickwork.cli.process_tree import ProcessTree
from brickwork.testing.commandline import Command, Conversation, command_here
from brickwork.testing.loopback import LoopbackServer, Peer, Request, reply

Hook = Callable[..., LoopbackServer]


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here."""
    return command_here(run, capfd)


def one(server: LoopbackServer) -> dict[str, Any]:
    """Return the only notification that came."""
    (body,) = server.bodies()
    return dict(body)


def python(code: str) -> tuple[str, ...]:
    """Return a command that runs some Python."""
    return (sys.executable, "-c", code)


class Wrapped:
    """``brickwork notify webhook/ops OPTIONS -- COMMAND`` in a process of its own.

    A context manager; what still runs at its end is killed.
    """

    def __init__(self, *args: str, **popen: Any) -> None:
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-m", "brickwork", "notify", "webhook/ops", *args],
            bufsize=0,
            **{**options, **popen},
        )

    def line(self) -> bytes:
        """Wait for the next line of standard output."""
        assert self.process.stdout is not None
        line: bytes = self.process.stdout.readline()
        return line

    def signal(self, number: int) -> None:
        """Send a signal to ``brickwork`` alone."""
        self.process.send_signal(number)

    def end(self, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        """Wait for the end; return exit code, the rest of output, and errors."""
        out, err = self.process.communicate(stdin, timeout=60)
        return self.process.returncode, out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def gone(pid: int) -> bool:
    """Whether a process has ended, or is a zombie that its new parent has not waited for yet."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def ends(pid: int) -> None:
    """Wait until a process that is no child of ours has ended."""
    watched = os.pidfd_open(pid) if not gone(pid) else None
    if watched is not None:
        ready, _, _ = select.select([watched], [], [], 30)
        os.close(watched)
        assert ready


# What passes through


def test_output_passes_unchanged_whatever_it_is(ops: LoopbackServer) -> None:
    """Bytes that are no text, and no lines, arrive as they were; so does standard input."""
    data = bytes(range(256)) * 4096 + b"\r\n\x1b[31m no newline"
    command = python(
        "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d);"
        "sys.stderr.buffer.write(d[::-1]); sys.exit(7)"
    )

    with Wrapped("--", *command) as wrapped:
        assert wrapped.end(data) == (7, data, data[::-1])
    assert "no newline" in one(ops)["body"] or len(one(ops)["body"]) == 3000


def test_output_passes_at_once_and_in_order(ops: LoopbackServer) -> None:
    """Each line arrives while the command waits; the tail has both streams in their order."""
    command = python(
        "import sys\n"
        "for number in range(6):\n"
        "    stream = (sys.stdout, sys.stderr)[number % 2]\n"
        "    print('line', number, file=stream, flush=True)\n"
        "    sys.stdin.readline()\n"
        "sys.exit(1)"
    )
    with Wrapped("--", *command) as wrapped:
        process = wrapped.process
        assert process.stdin is not None
        assert process.stderr is not None
        for number in range(6):
            stream = process.stderr if number % 2 else process.stdout
            assert stream is not None
            assert stream.readline() == f"line {number}\n".encode()
            process.stdin.write(b"\n")
        code, out, err = wrapped.end()

    assert (code, out, err) == (1, b"", b"")
    assert one(ops)["body"].split("\n") == [f"line {number}" for number in range(6)]


def test_much_output_in_little_memory(ops: LoopbackServer) -> None:
    """50 MB pass through; the wrapper's memory does not grow with them."""
    command = python(
        "import sys\n"
        "line = b'%07d ' + b'x' * 41 + b'\\n'\n"
        "for number in range(1_000_000): sys.stdout.buffer.write(line % number)\n"
        "sys.exit(1)"
    )
    watched = (
        # Not getrusage: what it gives begins with the memory of the process that started this one.
        "import sys; from brickwork.cli.app import run; code = run(sys.argv[1:]);"
        "peak = open('/proc/self/status').read().partition('VmHWM:')[2].split()[0];"
        "print(peak, file=sys.stderr); sys.exit(code)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", watched, "notify", "webhook/ops", "--tail", "5", "--", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        size = 0
        while chunk := process.stdout.read(1 << 20):
            size += len(chunk)
        peak = int(process.stderr.read())

    assert process.returncode == 1
    assert size == 50_000_000
    assert [line[:7] for line in one(ops)["body"].split("\n")] == [
        f"{n:07}" for n in range(999_995, 10**6)
    ]
    assert peak < 150_000  # KiB; mostly modules


def test_the_environment_and_inherited_files_are_the_commands(
    ops: LoopbackServer, tmp_path: Path
) -> None:
    """Variables, folder, umask and an open file arrive as they are without the wrapper."""
    code = (
        "import os, signal; umask = os.umask(0);"
        "print(dict(os.environ), os.getcwd(), umask, os.read(3, 5), os.getpgrp(),"
        " signal.getsignal(signal.SIGPIPE), signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    )
    file = tmp_path / "three"
    file.write_bytes(b"three")
    environment = {
        "PATH": os.environ["PATH"],
        "ODD": "\udcff",
        "BRICKWORK_HOME": os.environ["BRICKWORK_HOME"],
    }

    def printed(prefix: Sequence[str]) -> str:
        # A file at number 3, as a shell's "3<file" has it.
        line = 'exec 3<"$0"; exec "$@"'
        done = subprocess.run(
            ["sh", "-c", line, str(file), *prefix, sys.executable, "-S", "-c", code],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    wrapper = (sys.executable, "-m", "brickwork", "notify", "webhook/ops", "--")
    assert printed(wrapper) == printed(())


def test_an_output_that_nobody_reads_ends_the_command(ops: LoopbackServer) -> None:
    """As without the wrapper: the command gets SIGPIPE, and its exit code says so."""
    wrapper = f"{sys.executable} -m brickwork notify webhook/ops -- yes"
    line = f'{wrapper} | head -n 1; echo "${{PIPESTATUS[0]}}"'

    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("y\n141\n", "")
    assert one(ops)["title"] == "yes was ended by SIGPIPE"


def test_a_full_disk_under_the_output_is_told(ops: LoopbackServer) -> None:
    """Where output cannot be written, the command ends and standard error says why."""
    with Path("/dev/full").open("wb") as full, Wrapped("--", "yes", stdout=full) as wrapped:
        code, _, err = wrapped.end()

    assert code == 128 + signal.SIGPIPE
    assert b"standard output: No space left on device" in err


def test_a_slow_reader_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command wrote before its end is all there, also if nobody reads it until later."""
    monkeypatch.setattr(command_run, "DRAIN_SECONDS", 0.1)
    monkeypatch.setattr(command_run, "_CHUNK", 4096)
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    over = threading.Event()
    waited: list[bool] = []
    received = bytearray()

    class Relay(command_run._Relay):
        def finish(self) -> None:
            super().finish()
            over.set()

    def late() -> None:
        waited.append(over.wait(30))
        while chunk := os.read(read, 65_536):
            received.extend(chunk)

    monkeypatch.setattr(command_run, "_Relay", Relay)
    reader = threading.Thread(target=late)
    reader.start()
    stdout = os.dup(1)
    try:
        os.dup2(write, 1)
        # All of it fits into the pipe from the command, and little of it into that to the reader.
        ended = command_run.run_command(("head", "-c", "65000", "/dev/zero"), Tail(1))
    finally:
        os.dup2(stdout, 1)
        for file in (stdout, write):
            os.close(file)
        reader.join(30)
        os.close(read)

    assert waited == [True]
    assert ended.code == 0
    assert received == bytes(65_000)


def test_a_fault_in_the_wrapper_leaves_nobody_behind(tmp_path: Path) -> None:
    """If anything breaks while the command runs, the command is killed and waited for."""
    started = tmp_path / "started"

    class Broken(Tail):
        def add(self, stream: int, data: bytes) -> None:
            raise RuntimeError(f"broke at {data!r} of {stream}")

    with pytest.raises(RuntimeError, match="broke at b'x"):
        command_run.run_command(
            ("sh", "-c", f"echo $$ > {started}; echo x; exec sleep 1000"), Broken(1)
        )

    assert not Path(f"/proc/{int(started.read_text())}").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


# Signals and time


READY = "import signal, sys, threading\nprint('ready', flush=True)\n"
WAITS = READY + "threading.Event().wait()"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGQUIT"])
def test_a_signal_is_passed_on(name: str, ops: LoopbackServer) -> None:
    """What the wrapper gets the command gets; it is waited for, and told."""
    number = getattr(signal, name)
    command = python(
        f"import signal, sys\nsignal.signal({int(number)}, lambda *_: sys.exit(42))\n" + WAITS
    )
    # What who started the tests ignores (nohup, a shell's background) would be ignored here too.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        wrapping = Wrapped("--", *command)
    finally:
        signal.signal(number, before)
    with wrapping as wrapped:
        assert wrapped.line() == b"ready\n"
        wrapped.signal(number)
        code, _, err = wrapped.end()

    assert (code, err) == (42, b"")
    assert one(ops)["title"].endswith("failed with exit code 42")


def test_sigterm_ends_a_command_that_does_not_care(ops: LoopbackServer) -> None:
    """The exit code is the command's: 143."""
    with Wrapped("--", *python(WAITS)) as wrapped:
        wrapped.line()
        wrapped.signal(signal.SIGTERM)
        assert wrapped.end()[0] == 143
    assert one(ops)["fields"]["signal"] == "SIGTERM"


def test_the_second_interrupt_kills(ops: LoopbackServer) -> None:
    """A command that ignores SIGINT is killed by the second, with what it has started."""
    command = python(
        "import os, signal, subprocess, sys\n"
        "signal.signal(signal.SIGINT, lambda *_: print('again', flush=True))\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        "print(child.pid)\n" + WAITS
    )
    with Wrapped("--", *command) as wrapped:
        pid = int(wrapped.line())
        wrapped.line()
        wrapped.signal(signal.SIGINT)
        assert wrapped.line() == b"again\n"
        wrapped.signal(signal.SIGINT)
        assert wrapped.end()[0] == 137
    ends(pid)
    assert one(ops)["fields"]["signal"] == "SIGKILL"


def test_ctrl_c_on_a_terminal_reaches_the_command_once(ops: LoopbackServer) -> None:
    """A terminal tells both: the wrapper passes nothing on, waits, and ends with its code."""
    command = python(
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "sys.exit(5)"
    )
    with Conversation("notify", "webhook/ops", "--", *command) as terminal:
        terminal.wait_for("ready")
        terminal.press(b"\x03")
        terminal.wait_for("interrupted")
        terminal.press(b"\n")
        assert terminal.end() == 5
    assert terminal.shown.count("interrupted") == 1
    assert one(ops)["fields"]["exit code"] == "5"


def test_an_ignored_signal_stays_ignored(ops: LoopbackServer) -> None:
    """Under nohup neither the wrapper nor the command is ended by SIGHUP."""
    command = READY + "sys.stdin.readline(); print(signal.getsignal(signal.SIGHUP))"
    script = 'trap "" HUP; exec "$@"'
    args = [sys.executable, "-m", "brickwork", "notify", "webhook/ops", "--", *python(command)]
    with subprocess.Popen(
        ["sh", "-c", script, "sh", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(b"\n", timeout=60)

    assert (process.returncode, out) == (0, b"1\n")  # SIG_IGN


def test_a_killed_command_leaves_no_zombie(ops: LoopbackServer, brickwork: Command) -> None:
    """The command was waited for."""
    said = brickwork("notify", "webhook/ops", "--", "sh", "-c", "echo $$; kill -9 $$")

    assert one(ops)["fields"]["signal"] == "SIGKILL"
    assert not Path(f"/proc/{int(said.out)}").exists()


def test_a_timeout_ends_the_command_and_what_it_started(
    ops: LoopbackServer, brickwork: Command, tmp_path: Path
) -> None:
    """SIGTERM reaches the shell and its child; the exit code is the shell's; it is told."""
    started = tmp_path / "started"
    said = brickwork(
        "notify", "webhook/ops", "--timeout", "1.5", "--", "sh", "-c",
        f"sleep 1000 & echo $! > {started}; wait; echo over",
    )  # fmt: skip

    assert said.code == 143
    ends(int(started.read_text()))
    assert one(ops)["title"] == "sh did not end in time"
    assert one(ops)["fields"]["time limit"] == "1.5 s"
    assert one(ops)["fields"]["signal"] == "SIGTERM"


def test_a_timeout_kills_what_does_not_end(
    ops: LoopbackServer, brickwork: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who ignores SIGTERM is killed when the time of grace is over."""
    monkeypatch.setattr(command_run, "GRACE_SECONDS", 0.3)
    # A shell has set its trap long before the time is up; Python might not, on a busy machine.
    command = ("sh", "-c", "trap '' TERM; sleep 1000")

    assert brickwork("notify", "webhook/ops", "--timeout", "1", "--", *command).code == 137
    assert one(ops)["fields"]["signal"] == "SIGKILL"


def test_a_timeout_with_a_good_ending_is_a_failure(ops: LoopbackServer, brickwork: Command) -> None:
    """A command that ends with 0 on SIGTERM has not succeeded; its code is passed on."""
    command = ("sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait")

    assert brickwork("notify", "webhook/ops", "--timeout", "1", "--", *command).code == 0
    assert one(ops)["title"].endswith("did not end in time")
    assert one(ops)["severity"] == "error"


def test_no_timeout_for_what_ends_in_time(ops: LoopbackServer, brickwork: Command) -> None:
    """A limit that is not reached changes nothing, however long it is."""
    assert brickwork("notify", "webhook/ops", "--timeout", "1e15", "--", "true").code == 0
    assert ops.requests == []


@pytest.mark.parametrize("noisy", [False, True])
def test_who_holds_the_output_open_is_not_waited_for(
    noisy: bool,
    ops: LoopbackServer,
    brickwork: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A process left in the background keeps nobody; what the command said is there."""
    monkeypatch.setattr(command_run, "DRAIN_SECONDS", 0.2)
    started = tmp_path / "started"
    background = "yes background" if noisy else "sleep 1000"

    said = brickwork(
        "notify", "webhook/ops", "--", "sh", "-c",
        f"{background} & echo $! > {started}; echo last; exit 4",
    )  # fmt: skip

    pid = int(started.read_text())
    if noisy:
        ends(pid)  # SIGPIPE
    else:
        os.kill(pid, signal.SIGKILL)
    assert said.code == 4
    assert "last\n" in said.out
    assert one(ops)["title"] == "sh failed with exit code 4"


def test_a_background_process_may_finish_its_output(ops: LoopbackServer) -> None:
    """What comes within the time of grace after the command's end is passed on too."""
    # Its standard input is kept at number 3: a shell gives those in the background an empty one.
    line = "exec 3<&0; { read word <&3; echo $word; } & exit 1"
    with Wrapped("--", "sh", "-c", line) as wrapped:
        code, out, _ = wrapped.end(b"late\n")

    assert (code, out) == (1, b"late\n")


def test_the_tree_signals_only_what_it_knows(tmp_path: Path) -> None:
    """Children of children get the signal; a stranger does not."""
    script = 'sh -c "sleep 1000 & echo \\$!; wait" & wait'
    with (
        subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as family,
        subprocess.Popen(["sleep", "1000"]) as stranger,
    ):
        assert family.stdout is not None
        grandchild = int(family.stdout.readline())
        ProcessTree(family.pid).signal(signal.SIGTERM)
        ends(grandchild)
        assert family.wait(30) == -signal.SIGTERM
        assert stranger.poll() is None
        stranger.kill()


def test_an_interrupt_gives_a_slow_notification_up(hook: Hook) -> None:
    """While the notification is sent, a signal ends that; the exit code stays the command's."""
    asked = threading.Event()

    def never(peer: Peer, _: Request) -> None:
        asked.set()
        peer.pause()

    hook("ops", never)
    with Wrapped("--", "sh", "-c", "exit 6") as wrapped:
        assert asked.wait(60)
        wrapped.signal(signal.SIGTERM)
        code, _, err = wrapped.end()

    assert code == 6
    assert b"interrupted" in err


def test_errors_that_nobody_reads_change_no_exit_code(hook: Hook) -> None:
    """With standard error closed, a failed notification still ends with the command's code."""
    hook("ops", reply(500))
    read, write = os.pipe()
    os.close(read)
    with Wrapped("--", "sh", "-c", "exit 6", stderr=write) as wrapped:
        os.close(write)
        code = wrapped.process.wait(60)

    assert code == 6
