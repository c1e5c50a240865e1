"""``console:``: what it writes, where, and what it does not let through."""

import io
import sys

import pytest
from hypothesis import given, strategies as st

from brickwork import Notification, NotifierError
from brickwork.builtin.notifiers.console import ConsoleNotifier, render
from brickwork.notifier import Severity


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_layout() -> None:
    """A heading with the severity, and indented below it everything else."""
    stream = io.StringIO()
    ConsoleNotifier(stream).send(
        Notification(
            "Load failed",
            body="3 of 40 files\nsee the log",
            severity=Severity.ERROR,
            fields={"run": "1742"},
            url="https://example.com/runs/1742",
        )
    )

    assert stream.getvalue() == (
        "[ERROR] Load failed\n"
        "    3 of 40 files\n"
        "    see the log\n"
        "    run: 1742\n"
        "    https://example.com/runs/1742\n"
    )


def test_writes_to_standard_error_of_now(capsys: pytest.CaptureFixture[str]) -> None:
    """``console:`` writes to what standard error is when it sends, and ``console:stdout`` not."""
    ConsoleNotifier.from_url("console:").send(Notification("to stderr"))
    ConsoleNotifier.from_url("console:stdout").send(Notification("to stdout"))

    out, err = capsys.readouterr()
    assert (out, err) == ("[INFO] to stdout\n", "[INFO] to stderr\n")


@pytest.mark.parametrize("url", ["console:elsewhere", "console://host", "console:/dev/tty"])
def test_unknown_url_is_refused(url: str) -> None:
    """A URL that names something else is an error that says what there is."""
    with pytest.raises(NotifierError, match="console:stdout"):
        ConsoleNotifier.from_url(url)


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape sequences are written to a terminal, unless NO_COLOR is set, and to nothing else."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, file, plain = Terminal(), io.StringIO(), Terminal()
    notification = Notification("hot", severity=Severity.CRITICAL)
    ConsoleNotifier(terminal).send(notification)
    ConsoleNotifier(file).send(notification)
    monkeypatch.setenv("NO_COLOR", "1")
    ConsoleNotifier(plain).send(notification)

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
    receipt = ConsoleNotifier(stream).send(Notification("gr\u00fc\u00dfe \U0001f600 end"))

    assert receipt.delivered
    assert raw.getvalue() == b"[INFO] gr\\xfc\\xdfe \\U0001f600 end\n"


def test_closed_stream_is_a_failure() -> None:
    """Nothing is reported as delivered that could not be written."""
    stream = io.StringIO()
    stream.close()

    receipt = ConsoleNotifier(stream).send(Notification("lost"))

    assert receipt.status == "failed"
    assert receipt.detail == "ValueError"


def test_process_without_console_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has no standard error, such as a service, gets a receipt that says so."""
    monkeypatch.setattr(sys, "stderr", None)

    receipt = ConsoleNotifier().send(Notification("lost"))

    assert (receipt.status, receipt.attempts) == ("failed", 0)
