"""``brickwork notify``: messages, receipts, exit codes."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from brickwork import BasicAuth, Block, DeliveryStatus, Notification, Notifier, Receipt
from brickwork.cli import notify_options
from brickwork.cli.app import run
from brickwork.testing.commandline import Command, command_here, command_line
from brickwork.testing.loopback import LoopbackServer, reply

SECRET = "Zq7!xK-not-to-be-seen"

Hook = Callable[..., LoopbackServer]


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here, with standard input that is no terminal."""
    return command_here(run, capfd)


class Branching(Block, Notifier):
    """A notifier that has two parts, as a route has."""

    slug: ClassVar[str] = "notifytest-branching"

    def describe(self) -> str:
        return "notifytest-branching/x"

    def deliver(self, notification: Notification) -> Receipt:
        parts = (
            Receipt("webhook/a", DeliveryStatus.DELIVERED),
            Receipt("webhook/b", DeliveryStatus.HELD, detail=notification.title),
        )
        return Receipt(self.describe(), DeliveryStatus.HELD, parts=parts)


# What is sent


def test_every_option_arrives(brickwork: Command, hook: Hook, tmp_path: Path) -> None:
    """Each option becomes its part of the notification."""
    server = hook()
    (tmp_path / "log.txt").write_text(f"line with {SECRET}")

    said = brickwork(
        "notify", "webhook/ops", "-m", "3 of 40\nfiles", "--title", "Load failed",
        "--severity", "ERROR", "--field", "run=17=42", "--field", "host=db1",
        "--url", "https://example.com/1742", "--link", "Run book=https://example.com/?a=b",
        "--tag", "etl", "--tag", "db", "--thread", "nightly", "--dedupe", "nightly-1742",
        "--attach", tmp_path / "log.txt",
    )  # fmt: skip

    assert said.code == 0, said.err
    (body,) = server.bodies()
    del body["id"], body["sent_at"]
    assert base64.b64decode(body["attachments"][0].pop("content")) == b"line with ***"
    assert body == {
        "version": 1,
        "title": "Load failed",
        "body": "3 of 40\nfiles",
        "severity": "error",
        "fields": {"run": "17=42", "host": "db1"},
        "url": "https://example.com/1742",
        "thread_key": "nightly",
        "dedupe_key": "nightly-1742",
        "tags": ["db", "etl"],
        "links": {"Run book": "https://example.com/?a=b"},
        "attachments": [{"name": "log.txt", "media_type": "text/plain"}],
    }


@pytest.mark.parametrize(
    ("args", "stdin", "title", "body"),
    [
        (("-m", "one line"), "", "one line", ""),
        (("-m", "first\nsecond\nthird"), "", "first", "second\nthird"),
        (("-m", "-"), "\nfirst\n\nsecond\n\n", "first", "second"),
        (("-m", "-", "--title", "T"), "first\nsecond\n", "T", "first\nsecond"),
        (("-m", "-"), "\x1b[31mred\x1b[0m\x07\nb\x08\tc", "red", "b\tc"),
        (("-m", "-"), b"\xff\xfe\nnot text", "\ufffd\ufffd", "not text"),
        (("--title", "alone"), "", "alone", ""),
        (("-m", "--dry-run"), "", "--dry-run", ""),
    ],
    ids=["line", "lines", "stdin", "stdin-title", "escapes", "no-utf8", "title", "option-like"],
)
def test_title_and_body(
    args: tuple[str, ...], stdin: str | bytes, title: str, body: str, brickwork: Command, hook: Hook
) -> None:
    """Without --title the first line is the title; the rest is the body, as plain text."""
    server = hook()

    assert brickwork("notify", "webhook/ops", *args, stdin=stdin).code == 0
    assert (server.bodies()[0]["title"], server.bodies()[0]["body"]) == (title, body)
    assert server.bodies()[0]["severity"] == "info"


def test_known_secrets_are_masked(brickwork: Command, hook: Hook) -> None:
    """A secret of a block that is loaded leaves in no part of a message."""
    server = hook()

    said = brickwork(
        "notify", "webhook/ops", "-m", f"{SECRET}\n{SECRET}", "--field", f"a={SECRET}",
        "--link", f"b=https://x/{SECRET}", "--thread", SECRET, "--tag", SECRET,
    )  # fmt: skip

    assert said.code == 0
    assert SECRET.encode() not in server.requests[0].body
    assert server.requests[0].body.count(b"***") == 6


# Targets


def test_several_targets_one_receipt_each(brickwork: Command, hook: Hook) -> None:
    """All are told; each has its line, and one that refuses makes the exit code 1."""
    good, bad = hook("good"), hook("bad", reply(410))

    said = brickwork("notify", "webhook/bad", "webhook/good", "console:", "-m", "hi")

    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[0].split() == ["TARGET", "STATUS", "DETAIL"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["webhook/bad", "refused"],
        ["webhook/good", "delivered"],
        ["console:", "delivered"],
    ]
    assert "HTTP 410" in lines[1]
    assert "[INFO] hi" in said.err
    assert len(good.requests) == len(bad.requests) == 1


def test_json_has_the_receipts(brickwork: Command, hook: Hook) -> None:
    """--json prints the receipts as programs have them."""
    hook()

    said = brickwork("notify", "webhook/ops", "webhook/gone", "-m", "hi", "--json")

    assert said.code == 1
    assert said.json["schema"] == "brickwork.notify.receipts/1"
    delivered, refused = said.json["receipts"]
    assert (delivered["status"], delivered["http_status"]) == ("delivered", 204)
    assert delivered["message_id"].startswith("msg_")
    assert (refused["target"], refused["status"]) == ("webhook/gone", "refused")
    assert "No block webhook/gone" in refused["detail"]


def test_dry_run_sends_nothing(brickwork: Command, hook: Hook) -> None:
    """--dry-run opens the targets, sends nothing, and fails where a target cannot be opened."""
    server = hook()

    good = brickwork("notify", "webhook/ops", "-m", "hi", "--dry-run")
    bad = brickwork("notify", "webhook/ops", "webhook/gone", "-m", "hi", "--dry-run")

    assert (good.code, bad.code) == (0, 1)
    assert good.out.splitlines()[1].split()[:2] == ["webhook/ops", "dry-run"]
    assert server.connections == 0


def test_parts_of_a_route_are_indented_and_held_is_no_failure(brickwork: Command) -> None:
    """What a target like a route did with each of its own stands below it."""
    Branching().save("x")

    said = brickwork("notify", "notifytest-branching/x", "-m", "hi")

    assert said.code == 0
    assert [line.rstrip() for line in said.out.splitlines()[1:]] == [
        "notifytest-branching/x  held",
        "  webhook/a             delivered",
        "  webhook/b             held       hi",
    ]


def test_a_name_alone_is_a_route(brickwork: Command) -> None:
    """``ops`` means ``notify-route/ops``."""
    BasicAuth(username="u", password=SECRET).save("x")  # so that there is a vault

    said = brickwork("notify", "ops", "-m", "hi", "--json")

    assert said.code == 1
    assert said.json["receipts"][0]["target"] == "notify-route/ops"


@pytest.mark.parametrize(
    "url",
    ["webhook:https://host/services/T0/B0SECRET", "slack:xoxb-B0SECRET", "smtp://u:B0SECRET@h"],
)
def test_a_url_that_may_hold_a_secret_is_refused(url: str, brickwork: Command) -> None:
    """Such a URL is no argument; the error says what to do instead and does not repeat it."""
    said = brickwork("notify", url, "-m", "hi")

    assert said.code == 2
    assert "Save it as a block" in said.err
    assert "B0SECRET" not in said.err


def test_a_url_with_its_block_is_taken(brickwork: Command, hook: Hook) -> None:
    """Where the credentials are a saved block, a URL is no secret; that block is loaded."""
    hook()

    said = brickwork("notify", "webhook:x?block=webhook/ops", "-m", "hi")

    assert said.code == 1
    assert "The URL of a webhook takes no block" in said.out


# Wrong input


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "Missing argument 'TARGET...'"),
        (("console:",), "There is no message"),
        (("console:", "-m", " \n"), "There is no message"),
        (("console:", "-m", "x", "--title", " "), "There is no message"),
        (("console:", "-m", "-"), "There is no message"),
        (("console:", "-m", "x", "--severity", "bad"), "'info', 'success', 'warning'"),
        (("console:", "-m", "x", "--field", f"{SECRET}"), "write NAME=VALUE"),
        (("console:", "-m", "x", "--field", f"={SECRET}"), "write NAME=VALUE"),
        (("console:", "-m", "x", "--link", "https://x/?a=b"), "write WORDS=URL"),
        (("console:", "-m", "x", "--attach", "/no/such"), "No such file"),
        (("console:", "-m", "x", "--attach", "/"), "Is a directory"),
        (("bad name", "-m", "x"), "is not a name for a block"),
        (("a/b/c", "-m", "x"), "is not a name for a block"),
        (("console:", "-m", "x", "--on", "always"), "need a command"),
        (("console:", "-m", "x", "--tail", "3"), "need a command"),
        (("console:", "--timeout", "3", "-m", "x"), "need a command"),
        (("console:stdout", "-m", "x", "--json"), "standard output is JSON"),
        (("console:", "--"), "There is no command"),
        (("console:", "--on", "never", "--", "true"), "'failure', 'success', 'always'"),
        (("console:", "--tail", "-1", "--", "true"), "--tail"),
        (("console:", "--timeout", "0", "--", "true"), "above 0"),
        (("console:", "--timeout", "nan", "--", "true"), "above 0"),
        (("console:", "--timeout", "inf", "--", "true"), "above 0"),
        (("console:", "-m", "-", "--", "true"), "Standard input is the command's"),
        (("console:", "--dry-run", "--", "true"), "go with no command"),
        (("console:", "--json", "--", "true"), "go with no command"),
        (("--", "true"), "Missing argument 'TARGET...'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_input(args: tuple[str, ...], told: str, brickwork: Command) -> None:
    """What cannot be meant ends with 2, says why, and tells nobody."""
    said = brickwork("notify", *args)

    assert said.code == 2
    assert told in said.err
    assert "[INFO]" not in said.err
    assert SECRET not in said.err


def test_what_is_too_large_is_refused(
    brickwork: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message or a file above its limit is an error; the largest that is allowed is not."""
    monkeypatch.setattr(notify_options, "MAX_MESSAGE", 100)
    monkeypatch.setattr(notify_options, "MAX_ATTACHED", 100)
    (tmp_path / "most").write_bytes(b"x" * 100)
    (tmp_path / "more").write_bytes(b"x" * 101)

    def code(*args: str, stdin: str = "") -> int:
        return brickwork("notify", "console:", *args, stdin=stdin).code

    assert code("-m", "-", stdin="x" * 100) == code("-m", "x", "--attach", f"{tmp_path}/most") == 0
    assert code("-m", "-", stdin="x" * 101) == code("-m", "x", "--attach", f"{tmp_path}/more") == 2


def test_a_missing_key_is_told_in_the_receipt(hook: Hook) -> None:
    """A target that cannot be opened for want of a key has a receipt that says so."""
    hook()

    said = command_line("--keys", "env:NO_SUCH_KEY", "notify", "webhook/ops", "-m", "hi")

    assert said.code == 1
    assert "NO_SUCH_KEY" in said.out


def test_help_shows_both_ways(brickwork: Command) -> None:
    """Help has the usage with a command, examples as they are typed, and the exit codes."""
    said = brickwork("notify", "--help")

    assert said.code == 0
    assert "TARGET... [-- COMMAND [ARG]...]" in said.out
    assert "  brickwork notify ops --timeout 3600 -- make backup\n" in said.out
    assert "127 if it was not found" in said.out
    assert said.out in brickwork("help", "notify").out


# Completion


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("brickwork notify w", {"webhook/ops", "webhook/dev"}),
        ("brickwork notify webhook/ops webhook/d", {"webhook/dev"}),
        ("brickwork notify c", {"console:"}),
        ("brickwork notify basic", set()),
        ("brickwork notify webhook/ops -- w", {"w"}),
    ],
)
def test_targets_are_completed(words: str, expected: set[str], hook: Hook) -> None:
    """Saved notifiers and the console are offered; behind the double hyphen, files."""
    hook("ops")
    hook("dev")
    BasicAuth(username="u", password=SECRET).save("basic")

    done = command_line(
        env={
            "_BRICKWORK_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
    )

    assert done.err == ""
    lines = done.out.split()
    assert {line.partition(",")[2] for line in lines} == expected
    assert {line.partition(",")[0] for line in lines} <= {"file" if "--" in words else "plain"}
