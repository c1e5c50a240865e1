"""``brickwork notify TARGET -- COMMAND``: what runs, what passes through, what is told."""

import base64
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
from hypothesis import given, strategies as st

from brickwork import BasicAuth, Block, DeliveryStatus, Notification, Notifier, Receipt, Webhook
from brickwork.cli import command_run
from brickwork.cli.app import run
from brickwork.cli.command_report import duration, shown
from brickwork.cli.command_run import Ended
from brickwork.cli.command_tail import Tail, plain
from brickwork.cli.process_tree import ProcessTree
from brickwork.masking import masker
from brickwork.testing.commandline import Command, Conversation, command_here
from brickwork.testing.loopback import LoopbackServer, Peer, Request, reply

pytestmark = pytest.mark.usefixtures("only_own_secrets")

SECRET = "Zq7!xK-not-to-be-seen"


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here."""
    return command_here(run, capfd)


class Receiver(LoopbackServer):
    """A webhook's server."""

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The notifications that came."""
        return [json.loads(request.body) for request in self.requests]

    @property
    def one(self) -> dict[str, Any]:
        """The only one."""
        (body,) = self.sent
        return body


def save(server: LoopbackServer, name: str = "ops") -> None:
    """Save ``webhook/NAME`` that posts to a server."""
    Webhook(
        url=f"http://127.0.0.1:{server.port}/hook",
        headers={"x-token": SECRET},
        allow_private=True,
        allow_http=True,
        retry_seconds=0,
        timeout_seconds=30,
    ).save(name)


@pytest.fixture
def ops() -> Iterator[Receiver]:
    """The receiver of ``webhook/ops``."""
    with Receiver(reply(204)) as server:
        save(server)
        yield server


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
        import select

        ready, _, _ = select.select([watched], [], [], 30)
        os.close(watched)
        assert ready


class Rehearsed(Block, Notifier):
    """A notifier whose dry run says what its fields say."""

    slug: ClassVar[str] = "notifytest-rehearsed"

    whole: str = "dry-run"
    part: str = "dry-run"

    def describe(self) -> str:
        return "notifytest-rehearsed/x"

    def deliver(self, notification: Notification) -> Receipt:
        return Receipt(self.describe(), DeliveryStatus.DELIVERED, detail=notification.title)

    def rehearse(self, messages: Sequence[Notification]) -> Receipt:
        said = f"severity {messages[0].severity}"
        part = Receipt("webhook/a", DeliveryStatus(self.part), 0, detail="not saved")
        status = DeliveryStatus(self.whole)
        return Receipt(self.describe(), status, 0, detail=said, parts=(part,))


# What is told


def test_a_failure_is_told_with_everything(
    ops: Receiver, brickwork: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Title, fields, the tail, severity; and the options that a message has too."""
    monkeypatch.chdir(tmp_path)

    said = brickwork(
        "notify", "webhook/ops", "-m", "See the run book.", "--field", "team=data",
        "--url", "https://example.com/book", "--tag", "backup", "--thread", "t", "--dedupe", "d",
        "--attach", "made.log", "--", "sh", "-c",
        "echo one; echo two >&2; echo x > made.log; exit 3",
    )  # fmt: skip

    assert (said.code, said.out, said.err) == (3, "one\n", "two\n")
    body = ops.one
    assert body["title"] == "sh failed with exit code 3"
    assert body["body"] in ("See the run book.\n\none\ntwo", "See the run book.\n\ntwo\none")
    assert body["severity"] == "error"
    fields = body["fields"]
    assert re.fullmatch(r"\d+ ms|[\d.]+ s", fields.pop("duration"))
    assert fields == {
        "command": "sh -c 'echo one; echo two >&2; echo x > made.log; exit 3'",
        "exit code": "3",
        "host": os.uname().nodename,
        "directory": str(tmp_path),
        "team": "data",
    }
    assert (body["url"], body["tags"]) == ("https://example.com/book", ["backup"])
    assert (body["thread_key"], body["dedupe_key"]) == ("t", "d")
    assert base64.b64decode(body["attachments"][0]["content"]) == b"x\n"


@pytest.mark.parametrize("when", [None, "failure", "success", "always"])
@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("severity", [None, "critical"])
def test_when_it_is_told_and_how_much_it_matters(
    when: str | None, code: int, severity: str | None, ops: Receiver, brickwork: Command
) -> None:
    """--on says which endings are told; a success has severity success, unless only it is told."""
    args = [*(("--on", when) if when else ()), *(("--severity", severity) if severity else ())]

    said = brickwork("notify", "webhook/ops", *args, "--", "sh", "-c", f"exit {code}")

    assert said.code == code
    told = when == "always" or (when == "success") == (code == 0)
    assert len(ops.requests) == told
    if told and code:
        assert ops.one["severity"] == (severity or "error")
    elif told:
        own = severity if when == "success" else None
        assert ops.one["severity"] == (own or "success")
        assert ops.one["title"] == "sh succeeded"


def test_a_title_of_ones_own(ops: Receiver, brickwork: Command) -> None:
    """--title takes the place of what would be said of the command."""
    brickwork("notify", "webhook/ops", "--title", "Backup broke", "--", "false")

    assert ops.one["title"] == "Backup broke"


def test_options_behind_the_hyphens_are_the_commands(ops: Receiver, brickwork: Command) -> None:
    """All that follows the first double hyphen is the command, double hyphens included."""
    command = python("import sys; print(sys.argv[1:])")

    said = brickwork("notify", "webhook/ops", "--", *command, "--json", "--", "-m", "@x", "$HOME")

    assert (said.code, said.out) == (0, "['--json', '--', '-m', '@x', '$HOME']\n")
    assert ops.requests == []


@pytest.mark.parametrize(
    ("command", "code", "problem"),
    [("no-such-command-anywhere", 127, "No such file"), ("/", 126, "Permission denied")],
)
def test_what_cannot_be_started(
    command: str, code: int, problem: str, ops: Receiver, brickwork: Command
) -> None:
    """A command that is not there ends with 127, one that is none with 126; both are told."""
    said = brickwork("notify", "webhook/ops", "--", command)

    assert said.code == code
    assert f"error: {command}: {problem}" in said.err
    assert ops.one["title"].endswith("could not be started")
    assert problem in ops.one["fields"]["problem"]


def test_a_file_that_is_no_program(ops: Receiver, brickwork: Command, tmp_path: Path) -> None:
    """An executable file without a program in it ends with 126."""
    (tmp_path / "odd").write_bytes(b"\0\1\2")
    (tmp_path / "odd").chmod(0o755)

    assert brickwork("notify", "webhook/ops", "--", tmp_path / "odd").code == 126
    assert "Exec format error" in ops.one["fields"]["problem"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGPIPE"])
def test_a_signal_that_ends_the_command(name: str, ops: Receiver, brickwork: Command) -> None:
    """The exit code is 128 and the signal's number; the message has its name."""
    number = getattr(signal, name)

    said = brickwork("notify", "webhook/ops", "--", "sh", "-c", f"ulimit -c 0; kill -{number} $$")

    assert said.code == 128 + number
    assert ops.one["title"] == f"sh was ended by {name}"
    assert ops.one["fields"]["signal"] == name
    assert "exit code" not in ops.one["fields"]


@pytest.mark.parametrize("code", [1, 2, 9, 126, 127, 130, 141, 255])
def test_every_exit_code_is_passed_on(code: int, ops: Receiver, brickwork: Command) -> None:
    """Also codes that have a meaning of their own for brickwork are the command's."""
    said = brickwork("notify", "webhook/ops", "--", "sh", "-c", f"exit {code}")

    assert said.code == code
    assert ops.one["fields"]["exit code"] == str(code)


# Secrets


def test_secrets_in_output_and_arguments_are_masked(
    ops: Receiver, brickwork: Command, tmp_path: Path
) -> None:
    """What a loaded block keeps secret is nowhere in the message; the output stays as it is."""
    half = len(SECRET) // 2
    coloured = f"{SECRET[:half]}\\033[1m{SECRET[half:]}"
    script = tmp_path / "script"
    script.write_text(f"printf '{SECRET}\\n{coloured}\\n{SECRET}'; exit 1\n")

    said = brickwork(
        "notify", "webhook/ops", "--", "sh", script, SECRET, f"--key={SECRET}",
        "--password", "hunter2x", "API_TOKEN=hunter3x", "https://me:hunter4x@example.com/",
    )  # fmt: skip

    assert said.out.count(SECRET) == 2
    raw = ops.requests[0].body
    assert SECRET.encode() not in raw
    assert b"hunter" not in raw
    assert ops.one["body"] == "***\n***\n***"
    assert ops.one["fields"]["command"].endswith(
        f"{script} '***' '--key=***' --password '***' 'API_TOKEN=***' 'https://me:***@example.com/'"
    )


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("make", "backup"), "make backup"),
        (("a", "b c"), "a 'b c'"),
        (("x", "--db-password=a b"), "x '--db-password=***'"),
        (("x", "--token", "abc", "y"), "x --token '***' y"),
        (("x", "--token", "--verbose"), "x --token --verbose"),
        (("x", "--tokenize"), "x --tokenize"),
        (("env", "PGPASSWORD=a", "x"), "env 'PGPASSWORD=***' x"),
        (("sh", "-c", "x; MY_API_KEY=a pg -u b"), "sh -c 'x; MY_API_KEY=*** pg -u b'"),
        (
            ("curl", "https://h/?a=1&access_token=b&c=2"),
            "curl 'https://h/?a=1&access_token=***&c=2'",
        ),
        (("curl", "https://ghp_abc@github.com"), "curl 'https://***@github.com'"),
        (("curl", "-H", "Authorization: Bearer abc"), "curl -H 'Authorization: ***'"),
        (("x", "me@example.com", "user=me"), "x me@example.com user=me"),
    ],
)
def test_a_command_as_it_is_shown(argv: Sequence[str], expected: str) -> None:
    """It could be typed again, but for values that are named like secrets."""
    assert shown(argv) == expected


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_a_command_is_shown_whatever_it_is(argv: list[str]) -> None:
    """No argument breaks it, and it is short."""
    assert len(shown(argv)) <= 1000


def test_a_long_command_is_cut() -> None:
    """Long arguments cost no time, and are cut after they were masked."""
    assert len(shown(["x", "token" * 100_000, "=" * 100_000, "://" * 100_000])) == 1000


# What passes through


def test_output_passes_unchanged_whatever_it_is(ops: Receiver) -> None:
    """Bytes that are no text, and no lines, arrive as they were; so does standard input."""
    data = bytes(range(256)) * 4096 + b"\r\n\x1b[31m no newline"
    command = python(
        "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d);"
        "sys.stderr.buffer.write(d[::-1]); sys.exit(7)"
    )

    with Wrapped("--", *command) as wrapped:
        assert wrapped.end(data) == (7, data, data[::-1])
    assert "no newline" in ops.one["body"] or len(ops.one["body"]) == 3000


def test_output_passes_at_once_and_in_order(ops: Receiver) -> None:
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
    assert ops.one["body"].split("\n") == [f"line {number}" for number in range(6)]


def test_much_output_in_little_memory(ops: Receiver) -> None:
    """50 MB pass through; the wrapper's memory does not grow with them."""
    command = python(
        "import sys\n"
        "line = b'%07d ' + b'x' * 41 + b'\\n'\n"
        "for number in range(1_000_000): sys.stdout.buffer.write(line % number)\n"
        "sys.exit(1)"
    )
    watched = (
        "import sys, resource; from brickwork.cli.app import run; code = run(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
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
    assert [line[:7] for line in ops.one["body"].split("\n")] == [
        f"{n:07}" for n in range(999_995, 10**6)
    ]
    assert peak < 150_000  # KiB; mostly modules


def test_the_environment_and_inherited_files_are_the_commands(
    ops: Receiver, tmp_path: Path
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


def test_an_output_that_nobody_reads_ends_the_command(ops: Receiver) -> None:
    """As without the wrapper: the command gets SIGPIPE, and its exit code says so."""
    wrapper = f"{sys.executable} -m brickwork notify webhook/ops -- yes"
    line = f'{wrapper} | head -n 1; echo "${{PIPESTATUS[0]}}"'

    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("y\n141\n", "")
    assert ops.one["title"] == "yes was ended by SIGPIPE"


def test_a_full_disk_under_the_output_is_told(ops: Receiver) -> None:
    """Where output cannot be written, the command ends and standard error says why."""
    with Path("/dev/full").open("wb") as full, Wrapped("--", "yes", stdout=full) as wrapped:
        code, _, err = wrapped.end()

    assert code == 128 + signal.SIGPIPE
    assert b"standard output: No space left on device" in err


def test_a_slow_reader_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command wrote before its end is all there, also if nobody reads it until later."""
    monkeypatch.setattr(command_run, "DRAIN_SECONDS", 0.1)
    read, write = os.pipe()
    given_up = threading.Event()
    received = bytearray()

    class Relay(command_run._Relay):
        def finish(self) -> None:
            super().finish()
            given_up.set()

    def late() -> None:
        assert given_up.wait(30)
        while chunk := os.read(read, 65_536):
            received.extend(chunk)

    monkeypatch.setattr(command_run, "_Relay", Relay)
    reader = threading.Thread(target=late)
    reader.start()
    stdout = os.dup(1)
    try:
        os.dup2(write, 1)
        # This fills the pipe to the reader, what is held here, and the pipe to here.
        ended = command_run.run_command(("head", "-c", "180000", "/dev/zero"), Tail(1))
    finally:
        os.dup2(stdout, 1)
        for file in (stdout, write):
            os.close(file)
        reader.join(30)
        os.close(read)

    assert ended.code == 0
    assert received == bytes(180_000)


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


# The tail


def test_the_tail_is_as_long_as_asked(ops: Receiver, brickwork: Command) -> None:
    """--tail N has the last N lines, 0 none; without it there are 30."""
    for args, count in (((), 30), (("--tail", "3"), 3), (("--tail", "0"), 0)):
        brickwork("notify", "webhook/ops", *args, "--", "sh", "-c", "seq 1 100; exit 1")
        lines = ops.sent[-1]["body"].split("\n") if count else []
        assert lines == [str(number) for number in range(101 - count, 101)]
    assert len(ops.sent) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mx\x9b0m", "red x"),
        ("\x1b]0;title\x07a\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("\x1b(Ba\x1b=b\x1bMc\x1b", "abc"),
        ("\x1bPdevice\x1b\\a", "a"),
        (" 10%\r 55%\r100%\nnext\r\n", "100%\nnext\n"),
        ("a\tb\x00\x07\x08\x7fc\u202ed\ud800", "a\tbcd"),
        ("\x1b]never ends\nnext", "\nnext"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    """Escape sequences, control characters and overwritten parts of lines are left out."""
    assert plain(text) == expected


@given(st.text(st.characters(codec=None)))
def test_plain_has_no_control_characters(text: str) -> None:
    """Whatever is read, what is shown obeys no terminal, and is plain already."""
    shown = plain(text)
    assert all(each in "\n\t" or (each >= " " and not "\x7f" <= each <= "\x9f") for each in shown)
    assert plain(shown) == shown


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=20)), max_size=30),
    st.integers(1, 5),
)
def test_the_tail_does_not_depend_on_how_output_was_cut(
    chunks: list[tuple[int, bytes]], lines: int
) -> None:
    """One stream gives the same tail in any pieces."""
    whole = b"".join(data for _, data in chunks)
    at_once, in_pieces = Tail(lines), Tail(lines)
    at_once.add(1, whole)
    for _, data in chunks:
        in_pieces.add(1, data)
    assert at_once.text() == in_pieces.text()
    assert len(at_once.text().split("\n")) <= lines


@pytest.mark.parametrize("before", [*range(40), 65_500, 65_530, 70_000, 200_000])
@pytest.mark.parametrize("newline", [b"\n", b""])
def test_no_cut_shows_half_a_secret(before: int, newline: bytes) -> None:
    """Wherever a line or the tail is cut, nothing of a secret is left standing."""
    secret = "".join(chr(0x100 + number) for number in range(60))
    masker.add(secret)
    tail = Tail(1)
    # The tail shows 100 characters of the last line: the cut goes through the secret.
    tail.add(1, b"x" * before + newline + secret.encode() * 2 + b"y" * (100 - before % 60))

    assert not set(tail.text()) & set(secret)


def test_a_secret_of_several_lines_is_masked_at_the_cut(ops: Receiver, brickwork: Command) -> None:
    """The last lines of a secret are hidden, also where the tail begins in its midst."""
    lines = [f"line-{number:02}-of-it" for number in range(20)]
    lines.append("==")
    masker.add("\n".join(lines))
    code = f"print(*{lines!r}, sep='\\n'); exit(1)"

    brickwork("notify", "webhook/ops", "--tail", "2", "--", *python(code))

    assert "of-it" not in ops.one["body"]
    assert "==" not in ops.one["body"]


def test_one_endless_line_in_little_memory() -> None:
    """A line without an end is kept only in its last part."""
    tail = Tail(3)
    for _ in range(1000):
        tail.add(1, b"x" * 65_536)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        tail.add(1, b"x" * 65_536)

    assert tail.text() == "x" * 300
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


# Signals and time


READY = "import signal, sys, threading\nprint('ready', flush=True)\n"
WAITS = READY + "threading.Event().wait()"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGQUIT"])
def test_a_signal_is_passed_on(name: str, ops: Receiver) -> None:
    """What the wrapper gets the command gets; it is waited for, and told."""
    number = getattr(signal, name)
    command = python(
        f"import signal, sys\nsignal.signal({int(number)}, lambda *_: sys.exit(42))\n" + WAITS
    )
    with Wrapped("--", *command) as wrapped:
        assert wrapped.line() == b"ready\n"
        wrapped.signal(number)
        code, _, err = wrapped.end()

    assert (code, err) == (42, b"")
    assert ops.one["title"].endswith("failed with exit code 42")


def test_sigterm_ends_a_command_that_does_not_care(ops: Receiver) -> None:
    """The exit code is the command's: 143."""
    with Wrapped("--", *python(WAITS)) as wrapped:
        wrapped.line()
        wrapped.signal(signal.SIGTERM)
        assert wrapped.end()[0] == 143
    assert ops.one["fields"]["signal"] == "SIGTERM"


def test_the_second_interrupt_kills(ops: Receiver) -> None:
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
    assert ops.one["fields"]["signal"] == "SIGKILL"


def test_ctrl_c_on_a_terminal_reaches_the_command_once(ops: Receiver) -> None:
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
    assert ops.one["fields"]["exit code"] == "5"


def test_an_ignored_signal_stays_ignored(ops: Receiver) -> None:
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


def test_a_killed_command_leaves_no_zombie(ops: Receiver, brickwork: Command) -> None:
    """The command was waited for."""
    said = brickwork("notify", "webhook/ops", "--", "sh", "-c", "echo $$; kill -9 $$")

    assert ops.one["fields"]["signal"] == "SIGKILL"
    assert not Path(f"/proc/{int(said.out)}").exists()


def test_a_timeout_ends_the_command_and_what_it_started(
    ops: Receiver, brickwork: Command, tmp_path: Path
) -> None:
    """SIGTERM reaches the shell and its child; the exit code is the shell's; it is told."""
    started = tmp_path / "started"
    said = brickwork(
        "notify", "webhook/ops", "--timeout", "1.5", "--", "sh", "-c",
        f"sleep 1000 & echo $! > {started}; wait; echo over",
    )  # fmt: skip

    assert said.code == 143
    ends(int(started.read_text()))
    assert ops.one["title"] == "sh did not end in time"
    assert ops.one["fields"]["time limit"] == "1.5 s"
    assert ops.one["fields"]["signal"] == "SIGTERM"


def test_a_timeout_kills_what_does_not_end(
    ops: Receiver, brickwork: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who ignores SIGTERM is killed when the time of grace is over."""
    monkeypatch.setattr(command_run, "GRACE_SECONDS", 0.3)
    command = python("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS)

    assert brickwork("notify", "webhook/ops", "--timeout", "2", "--", *command).code == 137
    assert ops.one["fields"]["signal"] == "SIGKILL"


def test_a_timeout_with_a_good_ending_is_a_failure(ops: Receiver, brickwork: Command) -> None:
    """A command that ends with 0 on SIGTERM has not succeeded; its code is passed on."""
    command = python("import signal, sys\nsignal.signal(15, lambda *_: sys.exit(0))\n" + WAITS)

    assert brickwork("notify", "webhook/ops", "--timeout", "2", "--", *command).code == 0
    assert ops.one["title"].endswith("did not end in time")
    assert ops.one["severity"] == "error"


def test_no_timeout_for_what_ends_in_time(ops: Receiver, brickwork: Command) -> None:
    """A limit that is not reached changes nothing, however long it is."""
    assert brickwork("notify", "webhook/ops", "--timeout", "1e15", "--", "true").code == 0
    assert ops.requests == []


@pytest.mark.parametrize("noisy", [False, True])
def test_who_holds_the_output_open_is_not_waited_for(
    noisy: bool, ops: Receiver, brickwork: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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
    assert ops.one["title"] == "sh failed with exit code 4"


def test_a_background_process_may_finish_its_output(ops: Receiver) -> None:
    """What comes within the time of grace after the command's end is passed on too."""
    line = f'{sys.executable} -c "import os; os.read(0, 1); print(1)" & exit 1'
    with Wrapped("--", "sh", "-c", f"exec 3<&0; {line.replace('&', '<&3 &', 1)}") as wrapped:
        code, out, _ = wrapped.end(b"x")

    assert (code, out) == (1, b"1\n")


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


# Targets, before and after


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        (("webhook/gone",), 4),
        (("webhook/ops", "webhook/gone"), 4),
        (("basic-auth/x",), 7),
        (("nope/x",), 4),
    ],
)
def test_a_wrong_target_is_an_error_before_anything_runs(
    targets: tuple[str, ...], code: int, ops: Receiver, brickwork: Command, tmp_path: Path
) -> None:
    """A mistyped target ends with the code of that error; the command was not started."""
    BasicAuth(username="u", password=SECRET).save("x")

    said = brickwork("notify", *targets, "--", "touch", tmp_path / "ran")

    assert said.code == code
    assert "error:" in said.err
    assert not (tmp_path / "ran").exists()
    assert ops.requests == []


@pytest.mark.parametrize(
    ("whole", "part", "code", "told"),
    [
        ("dry-run", "dry-run", 0, ""),
        ("refused", "dry-run", 1, "error: notifytest-rehearsed/x would not take a notification"),
        ("dry-run", "refused", 0, "warning: webhook/a: refused: not saved\n"),
        ("skipped", "dry-run", 0, "warning: notifytest-rehearsed/x: skipped: severity error\n"),
    ],
)
def test_targets_are_tried_before_the_command_runs(
    whole: str, part: str, code: int, told: str, brickwork: Command, tmp_path: Path
) -> None:
    """A dry run of what would be told shows what is wrong with a route, in time."""
    Rehearsed(whole=whole, part=part).save("x")
    brickwork("--version")  # forget what the new vault said

    said = brickwork("notify", "notifytest-rehearsed/x", "--", "touch", tmp_path / "ran")

    assert said.code == code
    assert said.err == told if code == 0 else said.err.startswith(told)
    assert (tmp_path / "ran").exists() == (code == 0)


def test_without_the_key_nothing_runs(ops: Receiver, tmp_path: Path) -> None:
    """A missing key ends with 3 before the command is started."""
    done = subprocess.run(
        [sys.executable, "-m", "brickwork", "--keys", "env:NO_SUCH_KEY", "notify", "webhook/ops",
         "--", "touch", str(tmp_path / "ran")],
        capture_output=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == 3
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("status", [500, 410])
def test_a_notification_that_fails_changes_no_exit_code(status: int, brickwork: Command) -> None:
    """The exit code is the command's; standard error says who was not told."""
    with Receiver(reply(status)) as server:
        save(server)
        said = brickwork("notify", "webhook/ops", "console:", "--", "sh", "-c", "exit 6")

    assert said.code == 6
    assert re.search(rf"error: webhook/ops was not notified: \w+: HTTP {status}", said.err)
    assert "[ERROR] sh failed with exit code 6" in said.err
    assert said.out == ""


def test_a_target_that_was_deleted_meanwhile_is_told_all_the_same(
    ops: Receiver, brickwork: Command
) -> None:
    """The target was loaded before the command ran."""
    command = (sys.executable, "-m", "brickwork", "block", "delete", "webhook/ops", "--yes")

    assert brickwork("notify", "webhook/ops", "--on", "always", "--", *command).code == 0
    assert len(ops.requests) == 1


def test_a_file_that_is_not_there_is_a_note(ops: Receiver, brickwork: Command) -> None:
    """An attachment that cannot be read stops no notification."""
    said = brickwork("notify", "webhook/ops", "--attach", "/no/such", "--", "false")

    assert said.code == 1
    assert "such is not attached: No such file" in said.err
    assert ops.one["attachments"] == []


def test_an_interrupt_gives_a_slow_notification_up() -> None:
    """While the notification is sent, a signal ends that; the exit code stays the command's."""
    asked = threading.Event()

    def never(peer: Peer, _: Request) -> None:
        asked.set()
        peer.pause()

    with Receiver(never) as server:
        save(server)
        with Wrapped("--", "sh", "-c", "exit 6") as wrapped:
            assert asked.wait(60)
            wrapped.signal(signal.SIGTERM)
            code, _, err = wrapped.end()

    assert code == 6
    assert b"interrupted" in err


def test_errors_that_nobody_reads_change_no_exit_code() -> None:
    """With standard error closed, a failed notification still ends with the command's code."""
    with Receiver(reply(500)) as server:
        save(server)
        read, write = os.pipe()
        os.close(read)
        with Wrapped("--", "sh", "-c", "exit 6", stderr=write) as wrapped:
            os.close(write)
            code = wrapped.process.wait(60)

    assert code == 6


# Words


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0004, "0 ms"),
        (0.04, "40 ms"),
        (3.14, "3.1 s"),
        (30, "30 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3599.9, "1 h"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    """Times are said as people say them."""
    assert duration(seconds) == expected


def test_success() -> None:
    """Only 0, and not by a time limit, is a success."""
    assert Ended(0, 1.0).succeeded
    assert not Ended(1, 1.0).succeeded
    assert not Ended(0, 1.0, timed_out=True).succeeded
