"""What is told of a command: the end of its output, itself without secrets, its duration."""

import resource
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from brickwork.cli.command_report import duration, shown
from brickwork.cli.command_run import Ended
from brickwork.cli.command_tail import Tail, plain
from brickwork.masking import masker

# The tail


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


# The command


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
