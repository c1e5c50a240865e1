"""``brickwork notify TARGET -- COMMAND``: what people are told, and when."""

import base64
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from brickwork import (
    BasicAuth,
    Block,
    DeliveryStatus,
    Notification,
    Notifier,
    NotifyRoute,
    Receipt,
    RouteTarget,
    Webhook,
)
from brickwork.cli.app import run
from brickwork.masking import masker
from brickwork.testing.commandline import Command, command_here
from brickwork.testing.loopback import LoopbackServer, reply

SECRET = "Zq7!xK-not-to-be-seen"

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
    ops: LoopbackServer, brickwork: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    body = one(ops)
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
    when: str | None, code: int, severity: str | None, ops: LoopbackServer, brickwork: Command
) -> None:
    """--on says which endings are told; a success has severity success, unless only it is told."""
    args = [*(("--on", when) if when else ()), *(("--severity", severity) if severity else ())]

    said = brickwork("notify", "webhook/ops", *args, "--", "sh", "-c", f"exit {code}")

    assert said.code == code
    told = when == "always" or (when == "success") == (code == 0)
    assert len(ops.requests) == told
    if told and code:
        assert one(ops)["severity"] == (severity or "error")
    elif told:
        own = severity if when == "success" else None
        assert one(ops)["severity"] == (own or "success")
        assert one(ops)["title"] == "sh succeeded"


def test_a_title_of_ones_own(ops: LoopbackServer, brickwork: Command) -> None:
    """--title takes the place of what would be said of the command."""
    brickwork("notify", "webhook/ops", "--title", "Backup broke", "--", "false")

    assert one(ops)["title"] == "Backup broke"


def test_options_behind_the_hyphens_are_the_commands(
    ops: LoopbackServer, brickwork: Command
) -> None:
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
    command: str, code: int, problem: str, ops: LoopbackServer, brickwork: Command
) -> None:
    """A command that is not there ends with 127, one that is none with 126; both are told."""
    said = brickwork("notify", "webhook/ops", "--", command)

    assert said.code == code
    assert f"error: {command}: {problem}" in said.err
    assert one(ops)["title"].endswith("could not be started")
    assert problem in one(ops)["fields"]["problem"]


def test_a_file_that_is_no_program(ops: LoopbackServer, brickwork: Command, tmp_path: Path) -> None:
    """An executable file without a program in it ends with 126."""
    (tmp_path / "odd").write_bytes(b"\0\1\2")
    (tmp_path / "odd").chmod(0o755)

    assert brickwork("notify", "webhook/ops", "--", tmp_path / "odd").code == 126
    assert "Exec format error" in one(ops)["fields"]["problem"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGPIPE"])
def test_a_signal_that_ends_the_command(name: str, ops: LoopbackServer, brickwork: Command) -> None:
    """The exit code is 128 and the signal's number; the message has its name."""
    number = getattr(signal, name)

    said = brickwork("notify", "webhook/ops", "--", "sh", "-c", f"ulimit -c 0; kill -{number} $$")

    assert said.code == 128 + number
    assert one(ops)["title"] == f"sh was ended by {name}"
    assert one(ops)["fields"]["signal"] == name
    assert "exit code" not in one(ops)["fields"]


@pytest.mark.parametrize("code", [1, 2, 9, 126, 127, 130, 141, 255])
def test_every_exit_code_is_passed_on(code: int, ops: LoopbackServer, brickwork: Command) -> None:
    """Also codes that have a meaning of their own for brickwork are the command's."""
    said = brickwork("notify", "webhook/ops", "--", "sh", "-c", f"exit {code}")

    assert said.code == code
    assert one(ops)["fields"]["exit code"] == str(code)


def test_the_tail_is_as_long_as_asked(ops: LoopbackServer, brickwork: Command) -> None:
    """--tail N has the last N lines, 0 none; without it there are 30."""
    for args, count in (((), 30), (("--tail", "3"), 3), (("--tail", "0"), 0)):
        brickwork("notify", "webhook/ops", *args, "--", "sh", "-c", "seq 1 100; exit 1")
        lines = ops.bodies()[-1]["body"].split("\n") if count else []
        assert lines == [str(number) for number in range(101 - count, 101)]
    assert len(ops.bodies()) == 3


# Secrets


def test_secrets_in_output_and_arguments_are_masked(
    ops: LoopbackServer, brickwork: Command, tmp_path: Path
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
    assert one(ops)["body"] == "***\n***\n***"
    assert one(ops)["fields"]["command"].endswith(
        f"{script} '***' '--key=***' --password '***' 'API_TOKEN=***' 'https://me:***@example.com/'"
    )


def test_a_secret_of_several_lines_is_masked_at_the_cut(
    ops: LoopbackServer, brickwork: Command
) -> None:
    """The last lines of a secret are hidden, also where the tail begins in its midst."""
    lines = [f"line-{number:02}-of-it" for number in range(20)]
    lines.append("==")
    masker.add("\n".join(lines))
    code = f"print(*{lines!r}, sep='\\n'); exit(1)"

    brickwork("notify", "webhook/ops", "--tail", "2", "--", *python(code))

    assert "of-it" not in one(ops)["body"]
    assert "==" not in one(ops)["body"]


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
    targets: tuple[str, ...], code: int, ops: LoopbackServer, brickwork: Command, tmp_path: Path
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


def test_without_the_key_nothing_runs(ops: LoopbackServer, tmp_path: Path) -> None:
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
def test_a_notification_that_fails_changes_no_exit_code(
    status: int, hook: Hook, brickwork: Command
) -> None:
    """The exit code is the command's; standard error says who was not told."""
    hook("ops", reply(status))

    said = brickwork("notify", "webhook/ops", "console:", "--", "sh", "-c", "exit 6")

    assert said.code == 6
    assert re.search(rf"error: webhook/ops was not notified: \w+: HTTP {status}", said.err)
    assert "[ERROR] sh failed with exit code 6" in said.err
    assert said.out == ""


def test_a_target_that_was_deleted_meanwhile_is_told_all_the_same(
    ops: LoopbackServer, brickwork: Command
) -> None:
    """The target was loaded before the command ran."""
    command = (sys.executable, "-m", "brickwork", "block", "delete", "webhook/ops", "--yes")

    assert brickwork("notify", "webhook/ops", "--on", "always", "--", *command).code == 0
    assert len(ops.requests) == 1


def test_a_file_that_is_not_there_is_a_note(ops: LoopbackServer, brickwork: Command) -> None:
    """An attachment that cannot be read stops no notification."""
    said = brickwork("notify", "webhook/ops", "--attach", "/no/such", "--", "false")

    assert said.code == 1
    assert "such is not attached: No such file" in said.err
    assert one(ops)["attachments"] == []


def test_a_route_is_told(
    ops: LoopbackServer, hook: Hook, brickwork: Command, tmp_path: Path
) -> None:
    """A name alone is a route; its targets are opened first, and their secrets masked."""
    down = hook("down", reply(410))
    NotifyRoute(targets=[RouteTarget(to=Webhook.load(name)) for name in ("down", "ops")]).save(
        "ops"
    )

    said = brickwork("notify", "ops", "--dedupe", "d", "--", "sh", "-c", f"echo {SECRET}; exit 6")
    again = brickwork("notify", "ops", "--dedupe", "d", "--", "sh", "-c", "exit 6")

    assert (said.code, again.code) == (6, 6)
    assert (one(ops)["body"], len(down.requests)) == ("***", 1)
    assert "error: notify-route/ops was not notified" in said.err
    assert again.err == ""  # held back, which is no failure
