"""``console:``: what it writes, where, and what it does not let through."""

import io
import sys
from contextlib import redirect_stderr

import pytest
from hypothesis import given, strategies as st

from brickwork import Attachment, Console, Notification, NotifierError, Receipt, Vault, notify
from brickwork.builtin.notifiers.console import render
from brickwork.notifier import Severity


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def send_to(stream: io.StringIO | io.TextIOWrapper, notification: Notification) -> Receipt:
    """Send while standard error is this stream."""
    with redirect_stderr(stream):
        return Console().send(notification)


def test_layout() -> None:
    """A heading with the severity, and indented below it everything else."""
    stream = io.StringIO()
    send_to(
        stream,
        Notification(
            "Load failed",
            body="3 of 40 files\nsee the log",
            severity=Severity.ERROR,
            fields={"run": "1742"},
            url="https://example.com/runs/1742",
            links={"Runbook": "https://example.com/runbook"},
            tags=frozenset({"etl", "db"}),
            attachments=(Attachment("log.txt", b"x" * 1234),),
        ),
    )

    assert stream.getvalue() == (
        "[ERROR] Load failed\n"
        "    3 of 40 files\n"
        "    see the log\n"
        "    Not attached: log.txt (1,234 bytes)\n"
        "    run: 1742\n"
        "    https://example.com/runs/1742\n"
        "    Runbook: https://example.com/runbook\n"
        "    Tags: db, etl\n"
    )


def test_writes_to_standard_error_of_now(capsys: pytest.CaptureFixture[str]) -> None:
    """``console:`` writes to what standard error is when it sends, and ``console:stdout`` not."""
    Console.from_url("console:").send(Notification("to stderr"))
    Console.from_url("console:stdout").send(Notification("to stdout"))

    out, err = capsys.readouterr()
    assert (out, err) == ("[INFO] to stdout\n", "[INFO] to stderr\n")


@pytest.mark.parametrize("url", ["console:elsewhere", "console://host", "console:/dev/tty"])
def test_unknown_url_is_refused(url: str) -> None:
    """A URL that names something else is an error that says what there is."""
    with pytest.raises(NotifierError, match="console:stdout"):
        Console.from_url(url)


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape sequences are written to a terminal, unless NO_COLOR is set, and to nothing else."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, file, plain = Terminal(), io.StringIO(), Terminal()
    notification = Notification("hot", severity=Severity.CRITICAL)
    send_to(terminal, notification)
    send_to(file, notification)
    monkeypatch.setenv("NO_COLOR", "1")
    send_to(plain, notification)

    assert "\x1b[1;37;41m[CRITICAL]\x1b[0m hot" in terminal.getvalue()
    assert file.getvalue() == plain.getvalue() == "[CRITICAL] hot\n"


@given(title=st.text(min_size=1).filter(str.strip), body=st.text(), name=st.text(), value=st.text())
def test_no_control_character_gets_through(title: str, body: str, name: str, value: str) -> None:
    """Whatever the texts are, only newlines of ours reach the terminal, and one heading."""
    lines = render(Notification(title, body, fields={name: value}), coloured=False).split("\n")

    assert lines.pop() == ""
    assert lines
    assert all(ord(char) >= 0x20 and not 0x7F <= ord(char) <= 0x9F for char in "".join(lines))
    assert [line.startswith("    ") for line in lines] == [False] + [True] * (len(lines) - 1)


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b[2J\x1b[H",  # clears the screen
        "\x1b]0;owned\x07",  # sets the window's title
        "\x9b31m",  # the C1 form of ESC [
        "ok\r[INFO] all is well",  # overwrites the line
        "ok\n[INFO] all is well",  # passes for another notification
        "a\u202edcb",  # shows text backwards
        "a\u2028[INFO] b",
        "\x08\x08\x08",
    ],
)
def test_escape_sequences_are_shown(attack: str) -> None:
    """What would steer the terminal appears as text, in title and fields."""
    text = render(Notification(f"T{attack}", fields={"f": attack}), coloured=False)

    assert attack not in text
    assert text.count("\n") == 2
    assert "\\" in text


def test_stream_of_another_encoding() -> None:
    """A character that the stream cannot write is escaped, and the rest is written."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    receipt = send_to(stream, Notification("gr\u00fc\u00dfe \U0001f600 end"))

    assert receipt.delivered
    assert raw.getvalue() == b"[INFO] gr\\xfc\\xdfe \\U0001f600 end\n"


def test_closed_stream_is_a_failure() -> None:
    """Nothing is reported as delivered that could not be written."""
    stream = io.StringIO()
    stream.close()

    receipt = send_to(stream, Notification("lost"))

    assert receipt.status == "failed"
    assert receipt.detail == "ValueError"


def test_process_without_console_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has no standard error, such as a service, gets a receipt that says so."""
    monkeypatch.setattr(sys, "stderr", None)

    receipt = Console().send(Notification("lost"))

    assert (receipt.status, receipt.attempts) == ("failed", 0)


def test_a_saved_console_is_a_target(
    memory_vault: Vault, capsys: pytest.CaptureFixture[str]
) -> None:
    """Saved as a block it has a name, and writes where its field says."""
    Console(stream="stdout").save("here")
    (receipt,) = notify("console/here", title="hello")

    assert (receipt.target, receipt.status) == ("console/here", "delivered")
    assert capsys.readouterr().out == "[INFO] hello\n"


@pytest.mark.parametrize(
    ("stream", "status", "says"),
    [
        (io.StringIO(), "ok", "a file"),
        (Terminal(), "ok", "a terminal"),
        (None, "failed", "has none"),
    ],
)
def test_check_tells_what_the_stream_is(
    stream: io.StringIO | None, status: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check tells a terminal from a file, and fails where there is nothing to write to."""
    monkeypatch.setattr(sys, "stdout", stream)
    (finding,) = Console(stream="stdout").check().findings

    assert (finding.status, finding.what) == (status, "stdout")
    assert says in finding.detail


def test_check_of_a_closed_stream_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that was closed takes nothing."""
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)

    report = Console().check()

    assert not report.ok
    assert "closed" in report.findings[0].detail
