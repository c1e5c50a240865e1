"""The builders of blocks: what they give is what Slack takes, for Slack's own models too."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st
from slack_sdk.models.blocks import Block as SdkBlock

from brickwork.testing.base import lacking
from brickwork_slack import SlackInvalid, blockkit
from brickwork_slack.blockkit import (
    Block,
    Mrkdwn,
    actions,
    button,
    checked,
    code,
    confirmation,
    context,
    date,
    divider,
    fallback,
    fields,
    from_markdown,
    header,
    image,
    link,
    markdown,
    mention,
    message,
    messages,
    mrkdwn,
    problems,
    progress,
    progress_bar,
    section,
    sections,
    table,
)
from brickwork_slack.blockkit.limits import size
from brickwork_slack.testing.blocks import block_faults
from brickwork_slack.testing.types import Types, TypesMissing, types_of_slack

NASTY = st.one_of(
    st.text(max_size=50),
    st.text(st.sampled_from("a <>&*_~`\n\u200b:\U0001f600"), max_size=4000),
    st.integers(0, 5000).map(lambda count: "<!channel> " * count),
)
TEXTS = st.one_of(NASTY, NASTY.map(Mrkdwn))


def built() -> list[Block]:
    """One of each block, with all that it can have."""
    ask = confirmation("Really?", title="Deploy", confirm="Do it", deny="Stop", style="danger")
    picture = image("https://example.com/chart.png", "A chart")
    return [
        header("Nightly load :tada:"),
        section(mrkdwn("*{}* is done", "a<b"), accessory=button("Open", url="https://example.com")),
        section("as it is", accessory=picture, expand=True),
        *fields({"Files": 12, "Who": mention("U024BE7LH"), "None": None}),
        code("x = 1 < 2\n\nprint(x)"),
        context("5 minutes ago", mrkdwn("by {}", mention("U024BE7LH")), picture),
        actions(
            button("Deploy", value="42", action_id="deploy", style="primary", confirm=ask),
            button("Log", url="https://example.com/log", action_id="log"),
            block_id="deploys",
        ),
        progress(3, 7, "Files"),
        divider(),
        image("https://example.com/chart.png", "A chart", title="Load"),
        table([["a", 1, None], ["b", 2.5]], head=["Name", "Size", "Note"], align=["left"]),
    ]


@pytest.mark.parametrize("block", built(), ids=lambda block: str(block["type"]))
def test_slack_sdk_knows_the_block(block: Block) -> None:
    """Each block is one for Slack's own models, which find nothing wrong with it."""
    read = SdkBlock.parse(dict(block))
    assert read is not None
    read.validate_json()
    assert read.to_dict() == json.loads(json.dumps(block))
    assert not list(problems([block]))


@pytest.fixture(scope="module")
def types() -> Types:
    """Slack's own types, of npm."""
    try:
        return types_of_slack()
    except TypesMissing as error:
        lacking(str(error))


@pytest.mark.parametrize("block", built(), ids=lambda block: str(block["type"]))
def test_slacks_types_allow_the_block(types: Types, block: Block) -> None:
    """Each block is one for Slack's TypeScript, too; one that is changed a little is not."""
    arguments = {"channel": "C024BE7LH", "text": "x", "blocks": [block]}
    assert types.argument_faults("chat.postMessage", arguments) == []
    wrong = {**arguments, "blocks": [{**block, "colour": "red"}]}
    assert types.argument_faults("chat.postMessage", wrong)


@given(text=NASTY)
def test_slack_takes_the_messages_of_any_markdown(types: Types, text: str) -> None:
    """Slack's types and published limits, as the loopback Slack knows them, are kept."""
    for each in messages(*markdown(text), divider()):
        assert (
            types.argument_faults("chat.postMessage", {"channel": "C0", **each.arguments()}) == []
        )
        assert block_faults(each.arguments()["blocks"]) == []


def test_all_blocks_fit_in_one_message() -> None:
    """Slack's limits of a message hold for one of each block."""
    made = message(*built())
    assert len(made.blocks) == len(built())
    assert set(made.arguments()) == {"text", "blocks"}


@given(TEXTS, NASTY)
def test_no_text_makes_a_block_that_slack_refuses(text: str | Mrkdwn, plain: str) -> None:
    """Whatever is said, of any length, the blocks keep every limit."""
    made: list[Block] = [
        header(plain),
        section(text),
        *sections(text),
        *fields({plain: text}),
        *fields([text] * 12),
        code(plain),
        context(*[text] * 12),
        actions(button(plain, confirm=confirmation(text, title=plain, confirm=plain))),
        progress(1, 3, text),
        image("https://example.com/a.png", plain, title=plain),
        table([[plain, 1], [plain, plain]], head=[plain]),
    ]
    for each in messages(*made):
        assert not list(problems(each.blocks))
        assert size(each.text) <= 4000


@given(NASTY, NASTY)
def test_no_foreign_text_alerts_anybody(text: str, other: str) -> None:
    """No markup of ours has a bracket of a text's in it, and Slack is told to find no more."""
    made = [
        *sections(mrkdwn("{} *{x}*", text, x=other)),
        *fields({text: other}),
        context(text, mrkdwn("{}", other)),
        section(text),
        progress(1, 2, text),
    ]
    seen = 0
    for said in _texts(made):
        seen += 1
        if said["type"] == "mrkdwn":
            assert said["verbatim"] is True
            assert not re.search("[<>]", said["text"])
    assert seen >= 5
    assert not re.search("[<>]", message(*made).text)


def test_what_is_meant_to_alert_does() -> None:
    """Mentions of users, groups, channels and all are markup; anything else is refused."""
    assert [str(mention(whom)) for whom in ("U024BE7LH", "S024BE7LH", "C024BE7LH", "here")] == [
        "<@U024BE7LH>",
        "<!subteam^S024BE7LH>",
        "<#C024BE7LH>",
        "<!here>",
    ]
    with pytest.raises(SlackInvalid, match="no id"):
        mention("@somebody")
    assert section("<!here>")["text"]["type"] == "plain_text"
    assert section(mention("here"))["text"]["text"] == "<!here>"


@pytest.mark.parametrize(
    ("url", "text", "made"),
    [
        ("https://x.test/a?b=1&c=2", "a & b", "<https://x.test/a?b=1&amp;c=2|a &amp; b>"),
        ("https://x.test/a|b", "", "<https://x.test/a%7Cb>"),
        ("mailto:me@x.test", "mail", "<mailto:me@x.test|mail>"),
        ("!channel", "click", "click (!channel)"),
        ("@U024BE7LH", "", "@U024BE7LH"),
        ("javascript:alert(1)", "x", "x (javascript:alert(1))"),
        ("https://x.test/><!here>", "x", "<https://x.test/%3E%3C!here%3E|x>"),
        ("https://x.test", "two\nlines", "<https://x.test|two lines>"),
    ],
)
def test_links_lead_to_web_addresses_only(url: str, text: str, made: str) -> None:
    """What is no web address is shown, not linked."""
    assert link(url, text).text == made


def test_dates_are_shown_in_each_readers_time() -> None:
    """A date has a fallback for where Slack cannot show it, and needs a time zone."""
    moment = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    assert date(moment).text == (
        "<!date^1795464000^{date_short_pretty} {time}|2026-11-23 20:00 UTC>"
    )
    with pytest.raises(SlackInvalid, match="time zone"):
        date(datetime(2026, 11, 23, 20, 0))


@pytest.mark.parametrize(
    ("done", "total", "bar"),
    [
        (0, 10, "\u2591" * 10 + " 0 %"),
        (5, 10, "\u2588" * 5 + "\u2591" * 5 + " 50 %"),
        (999, 1000, "\u2588" * 9 + "\u2591 99 %"),
        (10, 10, "\u2588" * 10 + " 100 %"),
        (12, 10, "\u2588" * 10 + " 100 %"),
        (-1, 10, "\u2591" * 10 + " 0 %"),
        (0, 0, "\u2588" * 10 + " 100 %"),
    ],
)
def test_a_bar_is_full_only_when_all_is_done(done: int, total: int, bar: str) -> None:
    """Nothing is rounded up, and what is out of bounds is at the bound."""
    assert progress_bar(done, total, width=10) == bar


def test_tables_keep_their_limits_and_say_what_is_left_out() -> None:
    """Of 500 rows and 30 columns, 100 and 20 are shown, with how many there are more."""
    rows = [[f"{row}.{column}" for column in range(30)] for row in range(500)]
    made = table(rows, head=[f"c{column}" for column in range(30)])

    assert len(made["rows"]) == 100
    assert {len(row) for row in made["rows"]} == {20}
    assert made["rows"][-1][0] == {"type": "raw_text", "text": "\u2026 402 more rows"}
    assert "\u2026 11 more" in str(made["rows"][0][-1])
    assert not list(problems([made]))


def test_long_cells_keep_the_limit_of_a_table() -> None:
    """10,000 characters are all that the cells of a table have."""
    made = table([["x" * 900] for _ in range(50)])
    assert "more rows" in str(made["rows"][-1])
    assert 8000 < sum(size(str(row[0].get("text"))) for row in made["rows"]) <= 10_000


def test_columns_of_numbers_stand_to_the_right() -> None:
    """Without a word of the caller; what is no number stands to the left, as do flags."""
    made = table([["a", 1, True], ["b", None, False]])
    assert [column["align"] for column in made["column_settings"]] == ["left", "right", "left"]


def test_a_second_table_of_a_message_becomes_code() -> None:
    """Slack takes one table in a message."""
    one = table([["a", 1]], head=["x", "y"])
    made = message(one, one)

    assert [block["type"] for block in made.blocks] == ["table", "rich_text"]
    assert "x  y\na  1" in str(made.blocks[1]["elements"][0]["elements"][0]["text"])


def test_a_message_says_how_many_blocks_do_not_fit() -> None:
    """The 50th block counts those that are left out; several messages leave none out."""
    blocks = [section(f"block {number}") for number in range(120)]
    one, several = message(*blocks), messages(*blocks)

    assert len(one.blocks) == 50
    assert one.blocks[-1]["elements"][0]["text"] == "\u2026 71 more blocks left out"
    assert [len(each.blocks) for each in several] == [50, 50, 20]


def test_a_message_keeps_the_limit_of_its_size() -> None:
    """Slack refuses messages above 13,000 characters or so, whatever their blocks."""
    blocks = [section("x" * 3000) for _ in range(10)]
    assert len(message(*blocks).blocks) == 4  # and one that counts
    assert [len(each.blocks) for each in messages(*blocks)] == [3, 3, 3, 1]


def test_a_line_begins_no_message() -> None:
    """A divider that would stand first in the next message is left out."""
    made = messages(*[section("a")] * 50, divider(), section("b"))
    assert [block["type"] for block in made[1].blocks] == ["section"]


def test_texts_become_sections() -> None:
    """A text among the blocks is shown as it is, markup as markup."""
    made = message("*as it is*", Mrkdwn("*bold*"), [divider()])
    assert [block["type"] for block in made.blocks] == ["section", "section", "divider"]
    assert made.text == "*\u200bas it is*\n*bold*"


def test_the_text_of_a_message_says_what_the_blocks_say() -> None:
    """Who hears a message, or sees a notification of it, misses nothing but buttons."""
    said = message(*built()).text
    for words in ("Nightly load :tada:", "*a&lt;b*", "*Files*\n12", "x = 1 &lt; 2", "Name", "2.5"):
        assert words in said
    assert message(header("a"), text="b <!here>").text == "b &lt;!here&gt;"
    assert fallback([]) == ""


def test_a_message_that_says_nothing_is_refused() -> None:
    """Slack answers no_text; so do we, before anything is sent."""
    nothing: list[list[blockkit.Part]] = [[], [""], [" \n", []]]
    for parts in nothing:
        with pytest.raises(SlackInvalid, match="says nothing") as caught:
            message(*parts)
        assert caught.value.error == "no_text"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: button("a", url="javascript:alert(1)"), "URL"),
        (lambda: button("a", url="https://x.test/" + "a" * 3000), "URL"),
        (lambda: button("a", value="x" * 2001), "2001"),
        (lambda: button("a", action_id=""), "action_id"),
        (lambda: image("ftp://x.test/a.png", "a"), "URL"),
        (lambda: image("mailto:a@x.test", "a"), "URL"),
        (lambda: actions(), "0 buttons"),
        (lambda: actions(*[button("a")] * 26), "26 buttons"),
        (lambda: actions(button("a", action_id="x"), button("b", action_id="x")), "action_id"),
        (lambda: context(), "no element"),
        (lambda: table([]), "no cell"),
        (lambda: table([[]]), "no cell"),
    ],
)
def test_what_cannot_be_cut_is_refused(make: Callable[[], Any], says: str) -> None:
    """A URL or an id that is cut would be another one."""
    with pytest.raises(SlackInvalid, match=says) as caught:
        make()
    assert caught.value.fix


@pytest.mark.parametrize(
    ("blocks", "says"),
    [
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "less than 151"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "must be plain_text"),
        ([{"type": "section"}], "missing required field: text"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "more than 0"),
        ([{"type": "section", "text": "x"}], "text object"),
        ([{"text": "x"}], "missing required field: type"),
        ([{"type": "divider", "block_id": "a"}] * 2, "unique"),
        ([{"type": "divider"}] * 51, "no more than 50"),
        ([{"type": "actions", "elements": []}], "no fewer than 1"),
        ([{"type": "image", "alt_text": "x"}], "image_url"),
        ([{"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]}], "more than 0"),
        ([table([["a"]]), table([["b"]])], "one table"),
        ([{"type": "markdown", "text": "x" * 7000}] * 2, "less than 12001"),
        ([{"type": "context", "elements": [{"type": "image"}]}], "alt_text"),
    ],
)
def test_blocks_of_others_are_checked_in_slacks_words(blocks: list[Block], says: str) -> None:
    """Who writes blocks by hand is told what Slack would say, and where, before it is sent."""
    with pytest.raises(SlackInvalid, match=says) as caught:
        checked(blocks)
    assert caught.value.error == "invalid_blocks"
    assert any("json-pointer:/blocks" in each for each in caught.value.messages)


def test_unknown_blocks_are_left_to_slack() -> None:
    """Slack has blocks that are newer than this package."""
    new: Block = {"type": "hologram", "depth": 3}
    assert checked([new]) == [new]


def test_markup_is_what_it_says() -> None:
    """Values put into markup are escaped, after their format; markup is put in as it is."""
    made = mrkdwn("{:>6} *{who}* {}", "<b>", 1.5, who=from_markdown("_x_"))
    assert made.text == "   &lt;b&gt; *_x_* 1.5"


def test_every_name_is_there() -> None:
    """What the package says it has, it has."""
    assert blockkit.__all__ == sorted(blockkit.__all__)
    for name in blockkit.__all__:
        assert getattr(blockkit, name) is not None
    assert markdown("") == []


def _texts(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, dict):
        own = [part] if part.get("type") in ("mrkdwn", "plain_text") else []
        return own + [each for value in part.values() for each in _texts(value)]
    if isinstance(part, list | tuple):
        return [each for value in part for each in _texts(value)]
    return []
