"""What Slack sends becomes typed: events, interactions and slash commands."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import Secret
from brickwork_slack.errors import SlackRequestRefused
from brickwork_slack.receivers import events, interactions
from brickwork_slack.receivers.interactions import chosen
from brickwork_slack.receivers.reading import read_body, read_request
from brickwork_slack.receivers.request import SlackRequest
from brickwork_slack.testing.posts import (
    action_payload,
    command_post,
    event_payload,
    event_post,
    interaction_post,
)

ITEM = {"type": "message", "channel": "C1", "ts": "5.6"}


def event(**fields: Any) -> Any:
    """Read an event."""
    return read_request(event_payload(fields))


@pytest.mark.parametrize(
    ("fields", "cls", "expected"),
    [
        (
            {"type": "message", "channel": "C1", "user": "U1", "text": "hi", "ts": "1.2"},
            events.MessageEvent,
            {"channel": "C1", "user": "U1", "text": "hi", "ts": "1.2", "thread": "1.2"},
        ),
        (
            {
                "type": "message",
                "subtype": "message_changed",
                "channel": "C1",
                "ts": "9.9",
                "message": {"user": "U1", "text": "new", "ts": "1.2", "thread_ts": "1.0"},
            },
            events.MessageEvent,
            {"text": "new", "ts": "1.2", "thread": "1.0", "user": "U1", "from_bot": False},
        ),
        (
            {
                "type": "message",
                "subtype": "message_deleted",
                "channel": "C1",
                "ts": "9.9",
                "deleted_ts": "1.2",
                "previous_message": {"user": "U1", "text": "old", "ts": "1.2"},
            },
            events.MessageEvent,
            {"text": "", "ts": "1.2", "user": "U1", "subtype": "message_deleted"},
        ),
        (
            {"type": "message", "subtype": "bot_message", "bot_id": "B1", "text": "beep"},
            events.MessageEvent,
            {"from_bot": True, "user": None, "handled_by": ("message:bot_message", "message")},
        ),
        (
            {"type": "app_mention", "user": "U1", "text": "<@U0BOT> deploy it", "ts": "1.2"},
            events.AppMentionEvent,
            {"request": "deploy it", "text": "<@U0BOT> deploy it"},
        ),
        (
            {"type": "reaction_added", "user": "U1", "reaction": "eyes", "item": ITEM},
            events.ReactionEvent,
            {"reaction": "eyes", "channel": "C1", "ts": "5.6", "item_type": "message"},
        ),
        (
            {"type": "reaction_removed", "user": "U1", "reaction": "eyes", "item": ITEM},
            events.ReactionEvent,
            {"type": "reaction_removed"},
        ),
        (
            {"type": "member_joined_channel", "user": "U1", "channel": "C1", "inviter": "U2"},
            events.MemberEvent,
            {"user": "U1", "channel": "C1", "inviter": "U2"},
        ),
        (
            {"type": "channel_created", "channel": {"id": "C9", "name": "x", "creator": "U2"}},
            events.ChannelEvent,
            {"channel": "C9", "name": "x", "user": "U2"},
        ),
        (
            {"type": "channel_archive", "channel": "C9", "user": "U1"},
            events.ChannelEvent,
            {"channel": "C9", "name": None, "user": "U1"},
        ),
        (
            {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home"},
            events.AppHomeOpenedEvent,
            {"tab": "home", "view": None, "channel": "D1"},
        ),
        (
            {"type": "file_shared", "file_id": "F1", "user_id": "U1", "channel_id": "C1"},
            events.FileEvent,
            {"file_id": "F1", "user": "U1", "channel": "C1"},
        ),
        (
            {
                "type": "pin_added",
                "user": "U1",
                "item": {"type": "message", "channel": "C1", "message": {"ts": "3.4"}},
            },
            events.PinEvent,
            {"ts": "3.4", "channel": "C1"},
        ),
        (
            {
                "type": "link_shared",
                "channel": "C1",
                "message_ts": "1.2",
                "links": [{"url": "https://example.com/1", "domain": "example.com"}],
            },
            events.LinkSharedEvent,
            {
                "links": (events.SharedLink(url="https://example.com/1", domain="example.com"),),
                "ts": "1.2",
            },
        ),
        (
            {"type": "team_join", "user": {"id": "U3", "name": "n", "profile": {"email": "a@b"}}},
            events.UserEvent,
            {"user": "U3", "name": "n", "email": "a@b", "is_bot": False},
        ),
        (
            {
                "type": "function_executed",
                "function": {"callback_id": "load"},
                "function_execution_id": "Fx1",
                "inputs": {"day": "today"},
                "bot_access_token": "xwfp-of-the-step",
            },
            events.FunctionExecutedEvent,
            {
                "execution_id": "Fx1",
                "inputs": {"day": "today"},
                "token": Secret("xwfp-of-the-step"),
                "handled_by": ("function_executed:load", "function_executed"),
            },
        ),
        ({"type": "emoji_changed", "name": "x"}, events.SlackEvent, {"type": "emoji_changed"}),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else "",
)
def test_events_are_typed(
    fields: dict[str, Any], cls: type[events.SlackEvent], expected: dict[str, Any]
) -> None:
    """Each has its class, and its fields stand where people look for them."""
    read = event(**fields)
    assert type(read) is cls
    assert {name: getattr(read, name) for name in expected} == expected
    assert (read.team, read.app_id) == ("T0BRICK", "A0BRICK")
    assert read.occurred_at == datetime.fromtimestamp(1700000000, UTC)
    assert read.event_id.startswith("Ev")
    assert read.payload["event"]["type"] == fields["type"]


def test_every_event_of_the_table_can_be_read() -> None:
    """With the fields that its class asks for, and no others."""
    least = {"reaction": "eyes", "file_id": "F1", "function_execution_id": "Fx1"}
    for name, cls in events.EVENTS.items():
        assert type(event(type=name, **least)) is cls


def test_a_button_is_typed() -> None:
    """Who pressed what, in which message, and where to reply."""
    read = read_request(action_payload("go", "v1", user="U7", ts="1.2"))
    assert isinstance(read, interactions.BlockActions)
    assert (read.user, read.user_name, read.channel, read.ts) == ("U7", "ada", "C0GENERAL", "1.2")
    assert (read.action.action_id, read.action.value, read.action.kind) == ("go", "v1", "button")
    assert read.handled_by == ("block_actions:go", "block_actions")
    assert read.response_url is not None
    assert read.response_url.reveal().startswith("https://hooks.slack.com/")


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ({"type": "button", "value": "v"}, "v"),
        ({"type": "button"}, None),
        ({"type": "static_select", "selected_option": {"text": {}, "value": "v"}}, "v"),
        ({"type": "static_select", "selected_option": None}, None),
        ({"type": "checkboxes", "selected_options": [{"value": "a"}, {"value": "b"}]}, ("a", "b")),
        ({"type": "multi_users_select", "selected_users": ["U1", "U2"]}, ("U1", "U2")),
        ({"type": "checkboxes", "selected_options": []}, ()),
        ({"type": "datepicker", "selected_date": "2026-11-23"}, "2026-11-23"),
        ({"type": "datetimepicker", "selected_date_time": 1700000000}, 1700000000),
        ({"type": "plain_text_input", "value": "text"}, "text"),
        ({"type": "plain_text_input", "value": None}, None),
        ({"type": "overflow", "selected_option": {"value": "more"}}, "more"),
    ],
)
def test_what_was_chosen_is_read_from_any_element(element: dict[str, Any], value: Any) -> None:
    """Each kind of element says it in a field of its own name."""
    assert chosen({"action_id": "a", "block_id": "b", **element}) == value


def test_a_submitted_modal_is_typed() -> None:
    """Its values by block and action, however the elements say them."""
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": "feedback",
        "private_metadata": "m",
        "hash": "h",
        "state": {
            "values": {
                "b1": {"text": {"type": "plain_text_input", "value": "good"}},
                "b2": {"who": {"type": "users_select", "selected_user": "U1"}},
            }
        },
    }
    urls = [{"response_url": "https://hooks.slack.com/app/T/1/x", "channel_id": "C1"}]
    user = {"id": "U1", "team_id": "T0BRICK"}
    payload = {"type": "view_submission", "user": user, "view": view, "response_urls": urls}
    read = read_request(payload)
    assert isinstance(read, interactions.ViewSubmission)
    assert read.view.values == {"b1": {"text": "good"}, "b2": {"who": "U1"}}
    assert (read.view.view_id, read.view.callback_id, read.team) == ("V1", "feedback", "T0BRICK")
    assert read.handled_by[0] == "view_submission:feedback"
    assert read.response_urls == (Secret("https://hooks.slack.com/app/T/1/x"),)
    closed = read_request({**payload, "type": "view_closed", "is_cleared": True})
    assert isinstance(closed, interactions.ViewClosed)
    assert closed.is_cleared


def test_shortcuts_and_suggestions_are_typed() -> None:
    """Each by what the app calls it."""
    shortcut = read_request({"type": "shortcut", "callback_id": "new", "user": {"id": "U1"}})
    assert isinstance(shortcut, interactions.Shortcut)
    assert (shortcut.handled_by[0], shortcut.channel) == ("shortcut:new", None)
    message = {"ts": "1.2", "text": "look", "user": "U2"}
    action = read_request(
        {
            "type": "message_action",
            "callback_id": "note",
            "user": {"id": "U1"},
            "channel": {"id": "C1"},
            "message": message,
        }
    )
    assert isinstance(action, interactions.MessageAction)
    assert (action.handled_by[0], action.text, action.ts) == ("message_action:note", "look", "1.2")
    wanted = read_request({"type": "block_suggestion", "action_id": "city", "value": "Be"})
    assert isinstance(wanted, interactions.BlockSuggestion)
    assert (wanted.handled_by[0], wanted.value) == ("block_suggestion:city", "Be")


def test_a_slash_command_is_typed() -> None:
    """The command is the type; what is written behind it is as people wrote it."""
    post = command_post("/deploy", "api & web")
    read = read_request(read_body(post.body, post.content_type))
    assert isinstance(read, interactions.SlashCommand)
    assert (read.type, read.text, read.user) == ("/deploy", "api & web", "U0ADA")
    assert (read.channel, read.channel_name, read.user_name) == ("C0GENERAL", "general", "ada")
    assert read.handled_by == ("/deploy",)


def test_an_interaction_without_a_class_is_read_all_the_same() -> None:
    """Slack has others, and will have more."""
    read = read_request({"type": "workflow_step_edit", "user": {"id": "U1"}})
    assert type(read) is interactions.SlackInteraction
    assert (read.type, read.user) == ("workflow_step_edit", "U1")


def test_that_too_many_events_came_is_an_event() -> None:
    """Slack says once a minute that it left some out."""
    read = read_request({"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1})
    assert (type(read), read.type, read.team) == (events.SlackEvent, "app_rate_limited", "T1")


@pytest.mark.parametrize(
    "payload",
    [
        event_payload({"type": "function_executed", "function_execution_id": "F",
                       "bot_access_token": "xwfp-canary"}),
        {**action_payload("go"), "token": "xwfp-canary", "response_url": "https://x/xwfp-canary"},
        {**read_body(*command_post("/go")[:2]), "token": "xwfp-canary"},
    ],
)  # fmt: skip
def test_nothing_that_gives_a_right_is_shown(payload: dict[str, Any]) -> None:
    """Neither the token of a step, nor the old verification token, nor where to reply."""
    read = read_request(payload)
    shown = f"{read!r} {read.payload} {json.dumps(read.payload, default=str)}"
    assert "canary" not in shown
    assert "verification" not in shown
    assert "hooks.slack.com" not in shown


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": 7},
        {"type": "event_callback"},
        {"type": "event_callback", "event": []},
        {"type": "event_callback", "event": {"type": None}},
        event_payload({"type": "reaction_added"}),
        event_payload({"type": "message", "text": ["canary"]}),
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": "canary"},
        {"type": "view_submission"},
        {"type": "shortcut"},
        {"command": "no-slash-canary"},
    ],
)
def test_what_slack_does_not_send_is_refused(payload: dict[str, Any]) -> None:
    """By 400, and without a word of it in the error."""
    with pytest.raises(SlackRequestRefused) as caught:
        read_request(payload)
    assert caught.value.status == 400
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", None, 415),
        (b"{}", "text/plain", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json; charset=utf-8", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"payload=1&payload=2", "application/x-www-form-urlencoded", 400),
        (b"payload={", "application/x-www-form-urlencoded", 400),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % n for n in range(60)), "application/x-www-form-urlencoded", 400),
    ],
)
def test_bodies_that_slack_does_not_send_are_refused(
    body: bytes, kind: str | None, status: int
) -> None:
    """Another kind, no JSON, no object, no form, a field twice, too many fields."""
    with pytest.raises(SlackRequestRefused) as caught:
        read_body(body, kind)
    assert caught.value.status == status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["user", "channel", "item", "message", "view", "state", "actions", "team", "container", "text",
     "files", "ts", "event_time", "response_urls", "command", "callback_id", "action_id", "links"]
)  # fmt: skip


def test_a_time_that_there_is_not_is_none() -> None:
    """No number that stands for a time breaks the reading."""
    for moment in (10**30, -(10**18), float("inf"), float("nan"), "soon", None):
        read = read_request({**event_payload({"type": "message"}), "event_time": moment})
        assert isinstance(read, events.SlackEvent)
        assert read.occurred_at is None


@given(
    kind=st.sampled_from([*events.EVENTS, *interactions.INTERACTIONS, "else"]),
    fields=st.dictionaries(FIELDS, JSON),
    as_event=st.booleans(),
)
def test_whatever_is_sent_is_read_or_refused(
    kind: str, fields: dict[str, Any], as_event: bool
) -> None:
    """Fields of any type and in any place raise no other error."""
    inner = {**fields, "type": kind}
    payload = {**event_payload(inner), **fields, "type": "event_callback"} if as_event else inner
    with suppress(SlackRequestRefused):
        assert isinstance(read_request(payload), SlackRequest)


@given(fields=st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=8), max_size=5))
def test_posts_are_read_back(fields: dict[str, str]) -> None:
    """JSON and forms come back as they were sent, whatever is in them."""
    event_sent = event_post({"type": "message", "text": str(fields)})
    assert read_body(event_sent.body, event_sent.content_type)["event"]["text"] == str(fields)
    sent = interaction_post({"type": "shortcut", "fields": fields})
    assert read_body(sent.body, sent.content_type) == {"type": "shortcut", "fields": fields}
