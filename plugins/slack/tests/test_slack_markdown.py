"""Markdown in Slack's markup: what it says stays, and nothing alerts anybody."""

import re

import pytest
from hypothesis import given, strategies as st

from brickwork_slack.blockkit import divider, escape, from_markdown, markdown, messages, problems
from brickwork_slack.blockkit.markup import NO_WIDTH

SIGNS = st.text(
    st.sampled_from("aZ1 \t\n#-+=.()[]<>&*_~`|\\!:/@\u00e9\u200b\U0001f600"), max_size=120
)
PIECES = st.sampled_from(
    [
        "<!channel>",
        "<!here|x>",
        "<@U024BE7LH>",
        "<#C024BE7LH>",
        "<!subteam^S024BE7LH>",
        "[a](!channel)",
        "[b](<!here>)",
        "[c](@U024BE7LH)",
        "![d](!everyone)",
        "[e](https://x.test/|<!channel>)",
        '[f](https://x.test/ "t")',
        "<https://x.test/|!channel>",
        "&lt;!channel&gt;",
        "&#60;!channel&#62;",
        "`<!channel>`",
        "```\n<!channel>\n```\n",
        "\n    <!channel>\n",
        "\n| <!channel> | b |\n|---|---|\n| <!here> | c |\n",
        "\n# <!channel>\n",
        "\n> <!channel>\n",
        "\n- <!channel>\n    - deep\n",
        "**<!channel>**",
        "\n\n",
        "a*b_c~d",
        "\\<!channel>",
        "[g]: !channel\n\n[g]",
        "\n---\n",
    ]
)
MARKDOWN = st.one_of(SIGNS, st.text(max_size=80), st.lists(PIECES, max_size=12).map("".join))
LINK = re.compile(r"<(?:https?://|mailto:)[^<>|]+(?:\|[^<>]*)?>", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("plain words", "plain words"),
        ("**bold** *it* _it_ ~~no~~ `code`", "*bold* _it_ _it_ ~no~ `code`"),
        ("***both***", "_*both*_"),
        ("in**side**words", f"in{NO_WIDTH}*side*{NO_WIDTH}words"),
        ("**two\nlines**", "*two*\n*lines*"),
        ("snake_case, 2 * 3 * 4", "snake_case, 2 * 3 * 4"),
        (r"\*literal\*", f"*{NO_WIDTH}literal*"),
        ("# Title with **bold**", "*Title with bold*"),
        ("[words](https://x.test/?a=1&b=2)", "<https://x.test/?a=1&amp;b=2|words>"),
        ("[**bold** words](https://x.test)", "<https://x.test|bold words>"),
        ("**[words](https://x.test)**", "*<https://x.test|words>*"),
        ("<https://x.test/a>", "<https://x.test/a>"),
        ("see https://x.test/a_b.", "see <https://x.test/a_b>."),
        ("<me@x.test>", "<mailto:me@x.test|me@x.test>"),
        ("[here](docs/page.md)", "here (docs/page.md)"),
        ("![a chart](https://x.test/c.png)", "<https://x.test/c.png|a chart>"),
        ("- a\n- b\n  - c\n    - d", "\u2022 a\n\u2022 b\n    \u25e6 c\n        \u25aa d"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("- [ ] to do\n- [x] done", "\u2022 \u2610 to do\n\u2022 \u2611 done"),
        ("- a\n\n  more of a\n- b", "\u2022 a\n    more of a\n\u2022 b"),
        ("> said\n> so", "> said\n> so"),
        ("> one\n>> two", "> one\n> \n> two"),
        ("```python\nx < 1\n```", "```\nx &lt; 1\n```"),
        ("- run\n  ```\n  make\n  ```", "\u2022 run\n```\nmake\n```"),
        ("a\n\n---\n\nb", "a\n\n" + "\u2500" * 20 + "\n\nb"),
        ("<b>bold</b> & more", "&lt;b&gt;bold&lt;/b&gt; &amp; more"),
        ("``a`b``", "`a\u02cbb`"),
        ("one  \ntwo", "one\ntwo"),
    ],
)
def test_markdown_becomes_markup(text: str, markup: str) -> None:
    """Each thing that Markdown knows is what Slack shows best."""
    assert from_markdown(text).text == markup


def test_a_table_is_text_of_one_width() -> None:
    """In running text a table has columns that stand below each other; numbers to the right."""
    text = "| name | files |\n|:-----|------:|\n| load | 12 |\n| \u6771\u4eac | 3 |"
    assert from_markdown(text).text == ("```\nname  files\nload     12\n\u6771\u4eac      3\n```")


def test_markdown_becomes_blocks() -> None:
    """Headers, sections, code, tables and lines are blocks of their own, in order."""
    said = "# Report\n\nAll *well*.\n\n- a\n\n```\ncode\n```"
    blocks = markdown(f"{said}\n\n| a |\n|---|\n| 1 |\n\n---\n\n### Small\nend")

    assert [block["type"] for block in blocks] == [
        "header",
        "section",
        "rich_text",
        "table",
        "divider",
        "section",
    ]
    assert blocks[0]["text"]["text"] == "Report"
    assert blocks[1]["text"]["text"] == "All _well_.\n\n\u2022 a"
    assert blocks[5]["text"]["text"] == "*Small*\n\nend"


def test_long_markdown_becomes_several_blocks() -> None:
    """No word is lost of a paragraph, or of code, that is longer than a block."""
    text = "word " * 2000 + "\n\n```\n" + "line of code\n" * 1500 + "```\n"
    blocks = markdown(text)

    said = str(blocks)
    assert said.count("word") == 2000
    assert said.count("line of code") == 1500
    assert not list(problems(blocks[:8]))


@given(MARKDOWN)
def test_no_markdown_alerts_anybody(text: str) -> None:
    """What stands in angle brackets is a web address, whatever the text; all else is escaped."""
    for said in [from_markdown(text).text, *_markup_of(text)]:
        left = LINK.sub("", said)
        assert not re.search("<", left)
        assert not re.search(r"&(?!amp;|lt;|gt;)", left)
        assert not re.search(r"^[^\n]+>", re.sub("^> ", "", left, flags=re.MULTILINE))


@given(MARKDOWN)
def test_no_markdown_makes_blocks_that_slack_refuses(text: str) -> None:
    """Any text becomes messages within all limits."""
    for each in messages(*markdown(text), divider()):
        assert not list(problems(each.blocks))


@given(st.one_of(SIGNS, st.lists(PIECES, max_size=8).map("".join)))
def test_escaped_text_alerts_nobody_and_says_the_same(text: str) -> None:
    """Without the spaces of no width, and the entities, it is the text again."""
    shown = escape(text)
    assert not re.search("[<>]", shown)
    plain = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert plain.replace(NO_WIDTH, "") == text.replace(NO_WIDTH, "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _it_ ~no~", "*\u200bbold* _\u200bit_ ~\u200bno~"),
        ("`code`", "`\u200bcode`\u200b"),
        ("> quote", "\u200b&gt; quote"),
        ("a > b", "a &gt; b"),
        ("snake_case_name", "snake_case_name"),
        ("a\r\nb\x00", "a\nb\ufffd"),
    ],
)
def test_foreign_text_is_shown_as_it_is(text: str, shown: str) -> None:
    """Marks that Slack would read are followed by a space of no width."""
    assert escape(text) == shown


@pytest.mark.parametrize("depth", [30, 500])
def test_deep_markdown_is_read(depth: int) -> None:
    """Text that is nested without measure ends neither in an error nor in silence."""
    assert from_markdown("> " * depth + "deep").text is not None
    assert "top" in from_markdown("top\n\n" + "- " * depth + "deep").text
    assert "x" in from_markdown("*" * depth + "x" + "*" * depth).text
    assert from_markdown("[" * depth + "x" + "](y)" * depth).text


def _markup_of(text: str) -> list[str]:
    found = []
    for block in markdown(text):
        if block["type"] == "section":
            assert block["text"]["verbatim"]
            found.append(block["text"]["text"])
    return found
