"""The loopback Slack's messages: what is kept, threaded, changed, and refused as by Slack."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from brickwork_slack.testing import SlackServer

BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}


@pytest.fixture
def client(slack_server: SlackServer) -> WebClient:
    """Slack's own client, with a bot's token."""
    return WebClient(slack_server.token().reveal(), base_url=f"{slack_server.url}/api/")


def error_of(call: Callable[..., object], **arguments: Any) -> str:
    """Return Slack's code for a call that it refuses."""
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def section(text: str) -> dict[str, Any]:
    """Return a section."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_a_message_is_kept_with_all_it_came_with(
    client: WebClient, slack_server: SlackServer
) -> None:
    """Text, blocks, metadata and author are those that were posted."""
    metadata = {"event_type": "brickwork", "event_payload": {"key": "1"}}
    answer = client.chat_postMessage(
        channel=slack_server.general.id, text="Bricks", blocks=[section("*x*")], metadata=metadata
    )
    message = slack_server.general.messages[answer["ts"]]
    assert (message.text, message.user) == ("Bricks", slack_server.bot.id)
    assert message.blocks[0]["text"]["text"] == "*x*"
    assert message.metadata == metadata
    assert answer["message"]["bot_id"] == slack_server.bot.bot_id


def test_metadata_is_shown_to_those_who_ask(client: WebClient, slack_server: SlackServer) -> None:
    """History holds metadata back unless include_all_metadata is given."""
    general = slack_server.general.id
    metadata = {"event_type": "brickwork", "event_payload": {"key": "1"}}
    client.chat_postMessage(channel=general, text="x", metadata=metadata)
    assert "metadata" not in client.conversations_history(channel=general)["messages"][0]
    shown = client.conversations_history(channel=general, include_all_metadata=True)
    assert shown["messages"][0]["metadata"] == metadata


def test_a_reply_is_in_its_thread_only(client: WebClient, slack_server: SlackServer) -> None:
    """A reply is not in the channel's history, unless it is broadcast."""
    general = slack_server.general.id
    parent = client.chat_postMessage(channel=general, text="parent")["ts"]
    client.chat_postMessage(channel=general, text="quiet", thread_ts=parent)
    client.chat_postMessage(channel=general, text="loud", thread_ts=parent, reply_broadcast=True)
    history = client.conversations_history(channel=general)["messages"]
    assert [each["text"] for each in history] == ["loud", "parent"]
    assert history[1]["reply_count"] == 2
    replies = client.conversations_replies(channel=general, ts=parent)["messages"]
    assert [each["text"] for each in replies] == ["parent", "quiet", "loud"]


def test_times_are_never_the_same(client: WebClient, slack_server: SlackServer) -> None:
    """Each message has a later ts than the one before."""
    posted = [
        client.chat_postMessage(channel=slack_server.general.id, text=str(number))["ts"]
        for number in range(5)
    ]
    assert posted == sorted(set(posted))


def test_a_message_goes_to_a_name_or_a_person(client: WebClient, slack_server: SlackServer) -> None:
    """chat.postMessage takes a channel's name, and opens a direct message with a user."""
    assert client.chat_postMessage(channel="#general", text="x")["channel"] == (
        slack_server.general.id
    )
    direct = client.chat_postMessage(channel=slack_server.ada.id, text="x")["channel"]
    assert slack_server.workspace.channels[direct].kind == "im"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C404", "text": "x"}, "channel_not_found"),
        ({"channel": "private", "text": "x"}, "channel_not_found"),
        ({"channel": "old", "text": "x"}, "is_archived"),
        ({"channel": "general", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "general", "text": ""}, "no_text"),
        ({"channel": "general", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "general", "text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"channel": "general", "text": "x", "metadata": {}}, "invalid_arguments"),
        ({"channel": "general", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"channel": "general", "blocks": [section("x" * 2999)] * 5}, "msg_blocks_too_long"),
    ],
)
def test_what_slack_does_not_post(
    client: WebClient, slack_server: SlackServer, arguments: dict[str, Any], error: str
) -> None:
    """Each message that Slack refuses has Slack's code, and nothing is posted."""
    slack_server.channel("old", archived=True)
    slack_server.channel("private", kind="private", members=[slack_server.ada])
    slack_server.expect_refusals()
    if arguments.get("metadata") == {}:
        arguments = {**arguments, "metadata": {"event_type": 1, "event_payload": {}}}
        error = "invalid_metadata_schema"
    assert error_of(lambda: client.api_call("chat.postMessage", json=arguments)) == error
    assert not slack_server.general.messages


def test_a_bot_is_in_a_channel_or_may_post_to_public_ones(slack_server: SlackServer) -> None:
    """Without chat:write.public a bot posts only where it is."""
    token = slack_server.token(scopes=["chat:write"])
    client = WebClient(token.reveal(), base_url=f"{slack_server.url}/api/")
    random = slack_server.random.id
    assert error_of(client.chat_postMessage, channel=random, text="x") == "not_in_channel"
    public = slack_server.token(scopes=["chat:write", "chat:write.public"])
    WebClient(public.reveal(), base_url=f"{slack_server.url}/api/").chat_postMessage(
        channel=random, text="x"
    )
    assert [message.text for message in slack_server.random.posted] == ["x"]


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
        (
            [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
            "must be plain_text [json-pointer:/blocks/0/text/type]",
        ),
        (
            [{"type": "actions", "elements": [{**BUTTON, "action_id": str(n)} for n in range(26)]}],
            "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
        ),
        ([{"type": "actions", "elements": [BUTTON, BUTTON]}], "`action_id`: 'go' is used 2 times"),
        (
            [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
            "`block_id`: 'a' is used 2 times",
        ),
        (
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        ([{"type": "sektion"}], "is of no known type [json-pointer:/blocks/0/type]"),
        ([{**section("x"), "colour": "red"}], "unknown field: colour"),
    ],
)
def test_malformed_blocks_are_refused_with_slacks_words(
    client: WebClient, slack_server: SlackServer, blocks: list[dict[str, Any]], told: str
) -> None:
    """invalid_blocks says what is wrong, and where."""
    slack_server.expect_refusals()
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=slack_server.general.id, text="x", blocks=blocks)
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    assert any(told in message for message in answer["response_metadata"]["messages"])
    assert any(told in message for message in answer["errors"])


def test_only_its_author_changes_a_message(client: WebClient, slack_server: SlackServer) -> None:
    """A bot may neither change nor delete what a person wrote."""
    theirs, general = slack_server.say(slack_server.general, "mine"), slack_server.general.id
    arguments: dict[str, Any] = {"channel": general, "ts": theirs.ts}
    assert error_of(client.chat_update, **arguments, text="x") == "cant_update_message"
    assert error_of(client.chat_delete, **arguments) == "cant_delete_message"
    gone: dict[str, Any] = {"channel": general, "ts": "1.000001"}
    assert error_of(client.chat_update, **gone, text="x") == "message_not_found"
    assert error_of(client.chat_delete, **gone) == "message_not_found"


def test_a_message_is_changed_and_deleted(client: WebClient, slack_server: SlackServer) -> None:
    """An update is kept and marked; a deleted message is gone."""
    general = slack_server.general
    ts = client.chat_postMessage(channel=general.id, text="old")["ts"]
    client.chat_update(channel=general.id, ts=ts, text="new")
    assert general.messages[ts].text == "new"
    assert general.messages[ts].edited
    client.chat_delete(channel=general.id, ts=ts)
    assert ts not in general.messages


def test_a_deleted_parent_leaves_a_tombstone(client: WebClient, slack_server: SlackServer) -> None:
    """A message with replies stays as a place for them."""
    general = slack_server.general
    ts = client.chat_postMessage(channel=general.id, text="old")["ts"]
    client.chat_postMessage(channel=general.id, text="reply", thread_ts=ts)
    client.chat_delete(channel=general.id, ts=ts)
    assert general.messages[ts].subtype == "tombstone"


def test_an_ephemeral_message_is_for_one(client: WebClient, slack_server: SlackServer) -> None:
    """It is in no history, and only for somebody who is in the channel."""
    general, ada = slack_server.general.id, slack_server.ada
    client.chat_postEphemeral(channel=general, user=ada.id, text="psst")
    assert [(each.to, each.text) for each in slack_server.workspace.ephemeral] == [(ada.id, "psst")]
    assert not slack_server.general.messages
    outsider = slack_server.user("bob")
    refused = error_of(client.chat_postEphemeral, channel=general, user=outsider.id, text="x")
    assert refused == "user_not_in_channel"


def test_a_scheduled_message_comes_at_its_time(
    client: WebClient, slack_server: SlackServer
) -> None:
    """It is listed until then, and posted then."""
    general = slack_server.general
    later = int(time.time()) + 600
    client.chat_scheduleMessage(channel=general.id, text="later", post_at=later)
    (listed,) = client.chat_scheduledMessages_list()["scheduled_messages"]
    assert (listed["text"], listed["post_at"]) == ("later", later)
    slack_server.advance(601)
    assert [message.text for message in general.posted] == ["later"]
    assert not client.chat_scheduledMessages_list()["scheduled_messages"]


def test_a_message_is_scheduled_ahead_only(client: WebClient, slack_server: SlackServer) -> None:
    """Neither in the past, nor more than 120 days ahead."""
    general = slack_server.general.id
    schedule, now = client.chat_scheduleMessage, int(time.time())
    assert error_of(schedule, channel=general, text="x", post_at=now - 5) == "time_in_past"
    far = now + 121 * 86400
    assert error_of(schedule, channel=general, text="x", post_at=far) == "time_too_far"


def test_a_scheduled_message_is_taken_back(client: WebClient, slack_server: SlackServer) -> None:
    """Until a minute before its time, once."""
    general = slack_server.general.id
    made = client.chat_scheduleMessage(channel=general, text="x", post_at=int(time.time()) + 600)
    arguments = {"channel": general, "scheduled_message_id": made["scheduled_message_id"]}
    client.chat_deleteScheduledMessage(**arguments)
    assert error_of(client.chat_deleteScheduledMessage, **arguments) == (
        "invalid_scheduled_message_id"
    )


def test_a_permalink_leads_to_a_message(client: WebClient, slack_server: SlackServer) -> None:
    """A reply's names its thread."""
    general = slack_server.general.id
    ts = client.chat_postMessage(channel=general, text="x")["ts"]
    reply = client.chat_postMessage(channel=general, text="y", thread_ts=ts)["ts"]
    link = client.chat_getPermalink(channel=general, message_ts=reply)["permalink"]
    assert link.endswith(f"/p{reply.replace('.', '')}?thread_ts={ts}&cid={general}")


def test_history_is_paged_and_bounded(client: WebClient, slack_server: SlackServer) -> None:
    """Cursors lead through all; oldest and latest leave out others; a cursor is checked."""
    general = slack_server.general
    stamps = [slack_server.say(general, str(number)).ts for number in range(7)]
    pages = client.conversations_history(channel=general.id, limit=3)
    texts = [[each["text"] for each in page["messages"]] for page in pages]
    assert texts == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    bounded = client.conversations_history(channel=general.id, oldest=stamps[2], latest=stamps[4])
    assert [each["text"] for each in bounded["messages"]] == ["3"]
    slack_server.expect_refusals()
    refused = error_of(client.conversations_history, channel=general.id, cursor="nonsense")
    assert refused == "invalid_cursor"


def test_slack_may_answer_fewer_than_asked_for(
    client: WebClient, slack_server: SlackServer
) -> None:
    """With page_size, lists come in smaller pages, as Slack's do now and then."""
    for number in range(5):
        slack_server.say(slack_server.general, str(number))
    slack_server.page_size = 2
    pages = client.conversations_history(channel=slack_server.general.id, limit=100)
    assert [len(page["messages"]) for page in pages] == [2, 2, 1]
