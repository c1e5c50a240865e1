"""Tasks that read messages: which, in which order, and what is known of them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from brickwork import open_serializer
from brickwork_slack import (
    SlackDenied,
    SlackInvalid,
    SlackNotFound,
    read_history,
    read_replies,
)
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.reading import moment, ts_of
from brickwork_slack.testing import SlackServer


def texts_of(server: SlackServer, count: int) -> list[str]:
    """Let there be so many messages; return their texts, the newest first."""
    texts = [f"message {number}" for number in range(count)]
    for text in texts:
        server.say(server.general, text)
    return texts[::-1]


def test_messages_are_read_to_the_last_page(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The newest first; a limit takes the newest."""
    slack_server.page_size = 2
    texts = texts_of(slack_server, 5)
    assert [each.text for each in read_history(slack_credentials, "#general")] == texts
    found = read_history(slack_credentials, "#general", limit=3)
    assert [each.text for each in found] == texts[:3]


def test_a_direct_message_is_read_by_name(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """A user stands for the conversation with them."""
    people = [slack_server.bot.id, slack_server.ada.id]
    slack_server.say(slack_server.direct(slack_server.workspace, people), "Just you")
    assert [each.text for each in read_history(slack_credentials, "@ada")] == ["Just you"]


def test_times_and_messages_are_bounds(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Those at the bounds are told only to who says so."""
    first, second, third = (slack_server.say(slack_server.general, text) for text in "abc")
    between = read_history(slack_credentials, "#general", oldest=first.ts, latest=third.ts)
    assert [each.ts for each in between] == [second.ts]
    when = moment(second.ts)
    assert when is not None
    later = read_history(slack_credentials, "#general", oldest=when)
    assert [each.ts for each in later] == [third.ts]
    zoned = when.astimezone(timezone(timedelta(hours=5)))
    since = read_history(slack_credentials, "#general", oldest=zoned, inclusive=True)
    assert [each.ts for each in since] == [third.ts, second.ts]


def test_a_time_without_a_zone_is_refused(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Nobody knows which moment it is, and nothing is sent."""
    with pytest.raises(SlackInvalid, match="no zone") as caught:
        read_history(slack_credentials, slack_server.general.id, oldest=datetime(2026, 11, 23))
    assert "zone" in caught.value.fix
    assert slack_server.requests == []


@given(
    st.datetimes(
        min_value=datetime(2001, 9, 10),
        max_value=datetime(2200, 1, 1),
        timezones=st.just(UTC) | st.timezones(),
        allow_imaginary=False,
    )
)
def test_a_time_comes_back_from_its_ts(when: datetime) -> None:
    """To the microsecond, whatever its zone; and later times have greater texts."""
    text = ts_of(when)
    assert text is not None
    back = moment(text)
    assert back is not None
    assert abs(back - when) < timedelta(microseconds=2)
    assert str(ts_of(when.astimezone(UTC) + timedelta(microseconds=1))) > text


def test_what_is_known_of_a_message(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Who, when, what was changed, and what others did with it."""
    client = slack_credentials.client()
    metadata = {"event_type": "deployed", "event_payload": {"id": "42"}}
    blocks = [{"type": "divider", "block_id": "d"}]
    ts = client.chat_postMessage(
        channel=slack_server.general.id, text="Done", blocks=blocks, metadata=metadata
    )["ts"]
    client.chat_update(channel=slack_server.general.id, ts=ts, text="Done!", blocks=blocks)
    posted = slack_server.general.messages[ts]
    slack_server.react(posted, "tada")
    slack_server.say(slack_server.general, "Thanks", thread_ts=ts)
    (found,) = read_history(slack_credentials, "#general", metadata=True)
    assert (found.text, found.user, found.bot_id) == (
        "Done!",
        slack_server.bot.id,
        slack_server.bot.bot_id,
    )
    assert found.blocks == tuple(blocks)
    assert found.metadata == metadata
    assert [(each.name, each.count) for each in found.reactions] == [("tada", 1)]
    assert found.reactions[0].users == (slack_server.ada.id,)
    assert (found.reply_count, found.thread_ts, found.is_reply) == (1, ts, False)
    assert found.sent_at is not None
    assert found.edited_at is not None
    assert found.edited_at > found.sent_at
    assert read_history(slack_credentials, "#general")[0].metadata is None
    serializer = open_serializer("json")
    assert serializer.loads(serializer.dumps(found)) == found


def test_replies_are_not_in_the_history(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """They are read with the message that began the thread, by it or by a reply."""
    slack_server.page_size = 2
    begun = slack_server.say(slack_server.general, "Deploying")
    replies = [
        slack_server.say(slack_server.general, f"{number} %", thread_ts=begun.ts)
        for number in range(4)
    ]
    assert [each.text for each in read_history(slack_credentials, "#general")] == ["Deploying"]
    thread = read_replies(slack_credentials, "#general", begun.ts)
    assert [each.ts for each in thread] == [begun.ts, *(each.ts for each in replies)]
    assert [each.is_reply for each in thread] == [False, True, True, True, True]
    assert read_replies(slack_credentials, "#general", replies[2].ts) == thread
    assert read_replies(slack_credentials, "#general", begun.ts, limit=3) == thread[:3]
    later = read_replies(slack_credentials, "#general", begun.ts, oldest=replies[2].ts)
    assert [each.text for each in later] == ["Deploying", "3 %"]


def test_a_thread_that_is_not_there(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Slack's words, and what to give instead."""
    with pytest.raises(SlackNotFound, match="thread_not_found") as caught:
        read_replies(slack_credentials, slack_server.general.id, "1700000000.000100")
    assert "ts" in caught.value.fix


def test_only_members_read(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """The error says how to become one; without the scope, which one lacks."""
    with pytest.raises(SlackDenied, match="not_in_channel") as caught:
        read_history(slack_credentials, "#random")
    assert "join_conversation" in caught.value.fix
    bare = slack_server.credentials(token=slack_server.token(scopes=["channels:read"]))
    with pytest.raises(SlackDenied) as lacking:
        read_history(bare, slack_server.general.id)
    assert "channels:history" in lacking.value.needed
