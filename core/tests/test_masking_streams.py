"""A masked stream finds secrets however they are cut into writes, and keeps back little."""

import io
import random
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from brickwork.masking import MASK, Masker
from brickwork.masking.streams import MaskedStream

SECRET = "Tr0ub4dor&3-and-more"
TEXT = f"before {SECRET} between {SECRET}\nafter"


def masked_stream(*secrets: str) -> tuple[MaskedStream, io.BytesIO]:
    """Return a masked stream, and the bytes that arrive below it."""
    masker = Masker()
    for secret in secrets or [SECRET]:
        masker.add(secret)
    below = io.BytesIO()
    return MaskedStream(io.TextIOWrapper(below, "utf-8", write_through=True), masker), below


def through_writes(stream: MaskedStream, pieces: list[str]) -> None:
    """Write pieces one by one."""
    for piece in pieces:
        assert stream.write(piece) == len(piece)


def through_flushed_writes(stream: MaskedStream, pieces: list[str]) -> None:
    """Write pieces one by one, each flushed."""
    for piece in pieces:
        print(piece, end="", file=stream, flush=True)


def through_writelines(stream: MaskedStream, pieces: list[str]) -> None:
    """Write pieces in one call."""
    stream.writelines(pieces)


def through_buffer(stream: MaskedStream, pieces: list[str]) -> None:
    """Write bytes below."""
    for piece in pieces:
        stream.buffer.write(piece.encode())


def through_raw(stream: MaskedStream, pieces: list[str]) -> None:
    """Write bytes at the lowest stream."""
    for piece in pieces:
        stream.buffer.raw.write(memoryview(piece.encode()))


def through_buffer_lines(stream: MaskedStream, pieces: list[str]) -> None:
    """Write bytes below in one call."""
    stream.buffer.writelines(piece.encode() for piece in pieces)


WAYS = [
    through_writes,
    through_flushed_writes,
    through_writelines,
    through_buffer,
    through_raw,
    through_buffer_lines,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_found_at_every_cut(
    way: Callable[[MaskedStream, list[str]], None],
) -> None:
    """Whatever two points cut the text, by whatever method it is written, no secret arrives."""
    cuts = 0
    masker = masked_stream()[0]._masker
    for first in range(len(TEXT) + 1):
        for second in range(first, len(TEXT) + 1):
            below = io.BytesIO()
            stream = MaskedStream(io.TextIOWrapper(below, "utf-8", write_through=True), masker)
            way(stream, [TEXT[:first], TEXT[first:second], TEXT[second:]])
            stream.finish()
            assert below.getvalue().decode() == TEXT.replace(SECRET, MASK)
            cuts += 1
    assert cuts == (len(TEXT) + 1) * (len(TEXT) + 2) // 2


SECRETS = st.lists(st.text("ab\n", min_size=6, max_size=12), min_size=1, max_size=4)


@settings(deadline=None)  # the machine may be busy
@given(SECRETS, st.lists(st.text("ab\nc", max_size=20)), st.booleans())
def test_overlapping_secrets_in_pieces_leave_nothing(
    secrets: list[str], pieces: list[str], as_bytes: bool
) -> None:
    """Pieces of a text full of overlapping secrets arrive as the whole text would, masked."""
    stream, below = masked_stream(*secrets)
    way = through_buffer if as_bytes else through_writes
    way(stream, [*pieces, *secrets])
    stream.finish()
    shown = below.getvalue().decode()
    for secret in secrets:
        if not Masker.too_short(secret):
            assert secret not in shown
    # Apart from the masks, what arrives is what the whole text shows.
    masker = stream._masker
    assert shown.replace(MASK, "") == masker.mask("".join([*pieces, *secrets])).replace(MASK, "")


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_clean_text_arrives_whole(pieces: list[str]) -> None:
    """Texts without a secret arrive unchanged."""
    stream, below = masked_stream()
    through_writes(stream, pieces)
    stream.finish()
    assert below.getvalue().decode() == "".join(pieces)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.binary()))
def test_clean_bytes_arrive_whole(pieces: list[bytes]) -> None:
    """Bytes without a secret arrive unchanged, text or not."""
    stream, below = masked_stream()
    for piece in pieces:
        stream.buffer.write(piece)
    stream.finish()
    assert below.getvalue() == b"".join(pieces)


def test_lines_and_prompts_are_not_kept_back() -> None:
    """A line with its newline, or a prompt that ends in a space, is shown at once."""
    stream, below = masked_stream()
    print("a line", file=stream)
    assert below.getvalue() == b"a line\n"
    print("Name? ", end="", file=stream, flush=True)
    assert below.getvalue() == b"a line\nName? "


def test_no_more_than_the_longest_form_is_kept_back() -> None:
    """A secret that repeats itself endlessly does not fill the memory."""
    stream, below = masked_stream("aaaaaaaa")
    for _ in range(1000):
        stream.write("a" * 100)
        assert len(stream._hold._held) <= stream._masker.needles._longest
    stream.finish()
    assert b"a" not in below.getvalue()


def test_half_a_secret_is_shown_when_nothing_follows() -> None:
    """What was kept back is not lost: `finish` and `close` write it."""
    stream, below = masked_stream()
    stream.write("the end: Tr0ub")
    stream.flush()
    assert below.getvalue() == b"the end: "
    stream.close()
    assert below.getvalue() == b"the end: Tr0ub"
    assert stream.closed
    with pytest.raises(ValueError, match="closed"):
        stream.write("more")
    assert not below.closed


def test_a_whole_secret_is_not_kept_back() -> None:
    """A secret that no longer one begins with is shown, as a mask, without waiting."""
    stream, below = masked_stream("abcdefgh")
    stream.write("it is abcdefgh")
    assert below.getvalue() == b"it is ***"


def test_a_secret_inside_the_beginning_of_another_is_masked_alone() -> None:
    """What was kept back for a longer secret, and is none, is shown around the shorter one."""
    stream, below = masked_stream("xabcdefghi", "abcdef")
    stream.write("1 xabcdef")
    stream.write("! 2 xabcdefghi")
    stream.finish()
    assert below.getvalue() == b"1 x***! 2 ***"


def test_text_and_bytes_keep_their_order() -> None:
    """What is written by turns as text and as bytes arrives in that order."""
    stream, below = masked_stream()
    stream.write("one T")
    stream.buffer.write(b"two T")
    stream.write("three")
    stream.finish()
    assert below.getvalue() == b"one Ttwo Tthree"


def test_the_stream_below_is_still_described() -> None:
    """Programs that ask for the encoding, the terminal or the settings get true answers."""
    stream, _ = masked_stream()
    assert stream.encoding == "utf-8"
    assert stream.errors == "strict"
    assert not stream.isatty()
    assert stream.writable()
    assert not stream.line_buffering
    with pytest.raises(io.UnsupportedOperation):
        stream.detach()
    with pytest.raises(io.UnsupportedOperation):
        stream.fileno()
    with pytest.raises(TypeError):
        stream.write(b"bytes")  # type: ignore[arg-type]  # on purpose


def test_a_forgotten_stream_does_not_close_what_is_below() -> None:
    """Collecting the wrapper leaves the stream that it wraps open."""
    below = io.StringIO()
    MaskedStream(below, Masker()).write("x")
    assert not below.closed


def test_many_secrets_in_random_pieces() -> None:
    """Hundreds of secrets, in texts cut anywhere, in writes of any size: none arrives."""
    pick = random.Random(12)
    letters = string.ascii_letters + string.digits + "+/= \n"
    secrets = ["".join(pick.choices(letters, k=pick.randrange(8, 60))).strip() for _ in range(300)]
    secrets = [secret for secret in secrets if len(secret) >= 6]
    stream, below = masked_stream(*secrets)
    text = "".join(
        secret + "".join(pick.choices(letters, k=pick.randrange(30))) for secret in secrets
    )
    at = 0
    while at < len(text):
        size = pick.randrange(1, 40)
        stream.write(text[at : at + size])
        at += size
    stream.finish()
    shown = below.getvalue().decode()
    assert shown.count(MASK) > 250
    for secret in secrets:
        assert secret not in shown
