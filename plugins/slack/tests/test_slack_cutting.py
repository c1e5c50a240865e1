"""Cutting and splitting texts: at words, and nothing torn."""

import re

import pytest
from hypothesis import example, given, strategies as st

from brickwork_slack.blockkit.cutting import cut, split
from brickwork_slack.blockkit.limits import size

WORDS = st.sampled_from(
    [
        "word",
        "*bold words*",
        "_it_",
        "~no~",
        "`code here`",
        "&amp;",
        "&lt;b&gt;",
        "<https://example.com/a?b=1&amp;c|the page>",
        "<@U024BE7LH>",
        ":tada:",
        ":+1::skin-tone-3:",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "e\u0301",
        "\n",
        "\n\n",
        "```\nsome code &amp; more\n```",
        "x" * 30,
        "*",
        "`",
    ]
)
MARKUP = st.lists(WORDS, max_size=60).map(" ".join)
ANY = st.text(st.sampled_from("ab \n*_~`<>|&;:@!#\u200b\u200d\U0001f600\u0301"), max_size=400)


@pytest.mark.parametrize(
    ("text", "limit", "made"),
    [
        ("short", 16, "short"),
        ("one two three four five", 20, "one two three\u2026"),
        ("x" * 30, 20, "x" * 15 + "\u2026"),
        ("It works :tada: and goes on", 18, "It works\u2026"),
        ("a family \U0001f468\u200d\U0001f469\u200d\U0001f467 of three", 18, "a family\u2026"),
    ],
)
def test_plain_text_is_cut_at_a_word(text: str, limit: int, made: str) -> None:
    """A text ends with a whole word, a whole code of an emoji, and an ellipsis."""
    assert cut(text, limit) == made


@pytest.mark.parametrize(
    ("text", "limit", "made"),
    [
        ("fish &amp; chips &amp; peas", 22, "fish &amp; chips\u2026"),
        ("*bold words that go on* and on", 24, "*bold words that go*\u2026"),
        ("see <https://example.com/page|the page> now", 42, "see\u2026"),
        ("```\nline one\nline two\nline three\n```", 28, "```\nline one\nline two\n```\u2026"),
        ("_*both of them are open here*_", 24, "_*both of them are*_\u2026"),
        ("2 * 3 * 4 is not bold, is it?", 20, "2 * 3 * 4 is\u2026"),
    ],
)
def test_markup_is_cut_so_that_it_stays_whole(text: str, limit: int, made: str) -> None:
    """Entities and links are not torn, and what is open is closed."""
    assert cut(text, limit, markup=True) == made


def test_a_long_text_says_how_much_is_left_out() -> None:
    """The count is that of the characters which are not there."""
    text = "word " * 1000
    shown = cut(text, 1000)

    kept, left = re.fullmatch(
        r"(.*?)\u2026 \(([0-9,]+) characters more\)", shown, re.DOTALL
    ).groups()  # type: ignore[union-attr]  # it must match
    assert len(text) - int(left.replace(",", "")) - len(kept) in (0, 1)  # the space at its end
    assert size(shown) > 950


@given(st.one_of(MARKUP, ANY), st.integers(16, 500))
@example("<" + "x" * 300 + ">", 64)
@example("a" * 100 + "&amp;" * 50, 40)
def test_cut_text_keeps_the_limit(text: str, limit: int) -> None:
    """Whatever the text, it is not longer than it may be, and short ones are left alone."""
    for markup in (False, True):
        shown = cut(text, limit, markup=markup)
        assert size(shown) <= limit
        assert shown == text or size(text) > limit


@given(MARKUP, st.integers(80, 500))
def test_markup_stays_sound(text: str, limit: int) -> None:
    """No entity, link or code is torn, in what is cut and in each part of what is split."""
    for shown in [cut(text, limit, markup=True), *split(text, limit, markup=True)]:
        without = re.sub(r"&(?:amp|lt|gt);|<[^<>]*>", "", shown)
        assert not re.search("[&<>]", without)
        assert shown.count("```") % 2 == 0
        assert size(shown) <= limit


@given(st.one_of(MARKUP, ANY), st.integers(32, 300))
def test_split_text_loses_no_word(text: str, limit: int) -> None:
    """All letters are there, in order; only spaces, and marks, are put in or left out."""
    for markup in (False, True):
        parts = split(text, limit, markup=markup)
        assert all(size(part) <= limit for part in parts)
        assert all(part.strip() for part in parts)
        assert _letters("".join(parts)) == _letters(text) or size(text) <= limit


def test_parts_of_code_are_each_code() -> None:
    """A fence that is split is closed and opened again, and no empty one is left."""
    text = "```\n" + "\n".join(f"line {number}" for number in range(40)) + "\n```\nafter *it*"
    parts = split(text, 100, markup=True)

    assert len(parts) > 3
    assert all(part.startswith("```\nline") for part in parts)
    assert "```\n```" not in "".join(parts)
    assert parts[-1].endswith("after *it*")


def test_parts_keep_the_indent_of_code() -> None:
    """The spaces at the begin of a line of code stand there in the next part, too."""
    text = "```\n" + "    indented line\n" * 10 + "```"
    parts = split(text, 64, markup=True)

    assert len(parts) > 1
    assert all(part.startswith("```\n    indented") for part in parts)


def test_blank_text_has_no_part() -> None:
    """Of nothing there is no part, since Slack refuses empty texts."""
    assert split("", 100) == split(" \n ", 100) == split("\n" * 500, 100) == []


def test_a_paragraph_is_kept_together() -> None:
    """Where there is the choice, a text is split between paragraphs."""
    one, other = "first " * 12, "second " * 12
    assert split(f"{one}\n\n{other}", 100) == [one.strip(), other.strip()]


def _letters(text: str) -> str:
    return re.sub(r"[\s*_~`<>]", "", text)
