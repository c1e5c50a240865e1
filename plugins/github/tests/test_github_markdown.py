"""Foreign text in Markdown: nothing of it has an effect, and it is never longer than was said."""

import re

import pytest
from hypothesis import given, strategies as st

from brickwork import Notification
from brickwork.notifier import fitted
from brickwork_github.markdown import escaped, fenced, is_link, on_one_line
from brickwork_github.notifying.message import MOST_BODY, Marker, body_of, limits, title_of

SIGNS = st.text(st.sampled_from("aZ1 \t\n@#-+=.()[]<>&*_~`|\\$!:/GgHh\u00e9\x00"), max_size=60)
TEXTS = st.one_of(SIGNS, st.text(max_size=60), st.just("https://x.test/a_b"))


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain words, and 12.5 %", "plain words, and 12.5 %"),
        ("@octocat", "@\u200boctocat"),
        ("mail a@b.test", "mail a@\u200bb.test"),
        ("#12 GH-12 a#b", "#\u200b12 GH-\u200b12 a\\#b"),
        ("*a* _b_ `c` ~d~ [e](f) a|b", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\[e\\](f) a\\|b"),
        ("<b>&amp;", "&lt;b\\>&amp;amp;"),
        ("# a\n- b\n1. c\n=== \n    d", "\\# a\n\\- b\n1\\. c\n\\=== \n\u00a0\u00a0\u00a0\u00a0d"),
        ("see https://x.test/a_b?c=1&d#e.", "see https://x.test/a_b?c=1&d#e."),
        ("https://@octocat https://x.test/@octocat",) * 1
        + ("https://@\u200boctocat https://x.test/@\u200boctocat",),
        ("a\r\nb\rc\x00", "a\nb\nc\ufffd"),
    ],
)
def test_text_is_shown_as_it_is(text: str, markdown: str) -> None:
    """What GitHub would read is escaped; web addresses stay links."""
    assert escaped(text) == markdown


@given(TEXTS, TEXTS)
def test_escaping_is_measured_as_it_must_be(one: str, other: str) -> None:
    """A text is no shorter than its start, and two lines no longer than each and the newline."""
    size = limits().size
    assert size(one) >= len(one.replace("\r\n", "\n"))
    assert size(one + other) >= size(one)
    assert size(f"{one}\n{other}") <= size(one) + size("\n") + size(other)


@given(TEXTS)
def test_no_text_has_an_effect(text: str) -> None:
    """Outside of web addresses no sign is left that GitHub reads, and nobody is mentioned."""
    left = re.sub(r"https?://[A-Za-z0-9.-]+\.[A-Za-z0-9-]+\S*", "", escaped(text))
    assert not re.search(r"@[A-Za-z0-9]|#[0-9]|<|&(?!lt;|amp;)", left)
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`~|\[\]]", left)
    assert not re.search(r"^ {4}|^\t|^[-+=#>]", left, re.MULTILINE)


@given(TEXTS)
def test_code_cannot_be_left(text: str) -> None:
    """The fence is longer than any run of backticks within it."""
    first, *_, last = fenced(text, 1000).split("\n")
    assert first == f"{last}text"
    assert last not in fenced(text, 1000)[len(first) : -len(last)]


@given(
    st.text(min_size=1).filter(lambda text: bool(text.strip())),
    TEXTS,
    st.dictionaries(TEXTS, TEXTS, max_size=5),
    st.frozensets(TEXTS, max_size=30),
    st.integers(1, 3000),
)
def test_what_fits_is_taken(
    title: str, body: str, fields: dict[str, str], tags: frozenset[str], times: int
) -> None:
    """Whatever the texts are, what is made of a notification within the limits is not too long."""
    given = Notification(title * times, body * times, fields=fields, tags=tags)
    (message,) = fitted(given, limits())
    marker = Marker("0" * 32, "1" * 32, 999_999_999)
    assert len(body_of(message, marker, titled=True)) <= MOST_BODY
    assert 0 < len(title_of(message)) <= 256


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://x.test/a?b=(c)#d", True),
        ("http://prefect:4200/runs/1", True),
        ("https://x.test/a>b", False),
        ("https://x.test/a b", False),
        ("javascript:alert(1)", False),
        ("https://x.test/\n", False),
    ],
)
def test_only_web_addresses_are_links(url: str, link: bool) -> None:
    """What might end a link, or is none, is shown as text."""
    assert is_link(url) == link


def test_a_title_is_one_line() -> None:
    """Whatever separates its words."""
    assert on_one_line(" a\r\n\tb\x00 c ") == "a b\ufffd c"
