"""Messages: posted once, changed, deleted, scheduled; by call and by aio."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from inspect import signature
from typing import Any

import pytest

from brickwork import Task, open_serializer
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    PostedMessage,
    ScheduledMessage,
    SlackConflict,
    SlackDenied,
    SlackInvalid,
    SlackNotFound,
    SlackRateLimited,
    SlackUnavailable,
    SlackUncertain,
    delete_message,
    delete_scheduled_message,
    get_permalink,
    list_scheduled_messages,
    post_ephemeral,
    post_message,
    schedule_message,
    update_message,
)
from brickwork_slack.blockkit import header, message, section
from brickwork_slack.messages import posting
from brickwork_slack.testing import Fault, SlackServer
from brickwork_slack.testing.faults import (
    garbled,
    lost_answer,
    rate_limited,
    reset_after,
    reset_before,
    says,
    server_error,
    slow,
)

Call = Callable[..., Any]
FAULTS: dict[str, Fault] = {
    "rate limited": rate_limited(3),
    "503": server_error(503),
    "503 though done": server_error(503, served=True),
    "504 though done": server_error(504, served=True),
    "reset before": reset_before(),
    "reset after": reset_after(),
    "lost at once": lost_answer(),
    "lost in the midst": lost_answer(40),
    "garbled": garbled(),
    "internal_error": says("internal_error"),
    "request_timeout": says("request_timeout"),
}
MAYBE_DONE = {name: fault for name, fault in FAULTS.items() if fault.status != 429}
del MAYBE_DONE["request_timeout"]
DONE = {name: each for name, each in FAULTS.items() if each.served or each.cut_after is not None}
SEEN = ("chat:write", "channels:history", "metadata.message:read")


@pytest.fixture(params=["call", "aio"])
def run(request: pytest.FixtureRequest) -> Iterator[Call]:
    """Run a task in the one way or in the other, without waits."""

    def blocking(task: Task[..., Any], *args: Any, **kwargs: Any) -> Any:
        return task(*args, **kwargs)

    def waiting(task: Task[..., Any], *args: Any, **kwargs: Any) -> Any:
        return asyncio.run(task.aio(*args, **kwargs))

    with no_waiting():
        yield blocking if request.param == "call" else waiting


def texts(server: SlackServer) -> list[str]:
    """Return what the bot posted in the general channel, threads included."""
    return [each.text for each in server.general.messages.values() if each.user == server.bot.id]


# Posting once


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_post_is_there_once(slack_server: SlackServer, run: Call, fault: Fault) -> None:
    """Whatever went wrong with the first request, and the result is that message."""
    slack_server.fail("chat.postMessage", fault)
    posted = run(post_message, slack_server.credentials(), slack_server.general.id, "Deployed")
    assert texts(slack_server) == ["Deployed"]
    (message_there,) = slack_server.general.messages.values()
    assert (posted.ts, posted.channel) == (message_there.ts, slack_server.general.id)
    assert posted.text == "Deployed"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_reply_is_there_once(slack_server: SlackServer, run: Call, fault: Fault) -> None:
    """In a thread, that is read instead of the channel."""
    parent = slack_server.say(slack_server.general, "Deploy?")
    slack_server.fail("chat.postMessage", fault)
    posted = run(
        post_message, slack_server.credentials(), parent.channel, "Yes", thread_ts=parent.ts
    )
    assert texts(slack_server) == ["Yes"]
    assert posted.thread_ts == parent.ts
    assert posted.permalink.endswith(f"?thread_ts={parent.ts}&cid={parent.channel}")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_direct_message_is_there_once(slack_server: SlackServer, run: Call, fault: Fault) -> None:
    """A person's id is no conversation that can be read; it is opened for that."""
    slack_server.fail("chat.postMessage", fault)
    posted = run(post_message, slack_server.credentials(), slack_server.ada.id, "Hello")
    (direct,) = [each for each in slack_server.workspace.channels.values() if each.kind == "im"]
    assert [each.text for each in direct.posted] == ["Hello"]
    assert (posted.channel, posted.ts) == (direct.id, direct.posted[0].ts)


@pytest.mark.parametrize("times", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("fault", [server_error(503), reset_before()], ids=["503", "before"])
def test_a_post_that_fails_many_times_is_there_at_most_once(
    slack_server: SlackServer, run: Call, fault: Fault, times: int
) -> None:
    """As often as the credentials say it is sent again; then nobody knows, though it is not."""
    slack_server.fail("chat.postMessage", fault, times=times)
    robot = slack_server.credentials()
    if times <= robot.client_options.retries:
        run(post_message, robot, slack_server.general.id, "x")
        assert texts(slack_server) == ["x"]
    else:
        with pytest.raises(SlackUncertain, match="Nobody knows"):
            run(post_message, robot, slack_server.general.id, "x")
        assert texts(slack_server) == []
    assert len(slack_server.asked("chat.postMessage")) == min(times + 1, 4)


@pytest.mark.parametrize("fault", DONE.values(), ids=DONE)
def test_a_post_that_comes_late_is_found(
    slack_server: SlackServer, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """It is looked for a second time before another is posted."""
    pauses = late(slack_server, monkeypatch, appears_at=2)
    slack_server.fail("chat.postMessage", fault)
    posted = post_message(slack_server.credentials(), slack_server.general.id, "Deployed")
    assert len(pauses) == 2
    assert texts(slack_server) == ["Deployed"]
    assert posted.ts in slack_server.general.messages


def test_after_a_time_out_nothing_is_posted_again(
    slack_server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack may still be at it, for longer than anybody looks."""
    pauses = late(slack_server, monkeypatch, appears_at=5)
    slack_server.fail("chat.postMessage", server_error(504, served=True))
    with pytest.raises(SlackUncertain, match="Nobody knows") as caught:
        post_message(slack_server.credentials(), slack_server.general.id, "Deployed")
    assert caught.value.still_at_it
    assert sum(pauses) > 30
    assert len(slack_server.asked("chat.postMessage")) == 1


def test_a_post_that_takes_longer_than_the_time_out_is_found(
    slack_server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes while it is looked for; the channel has it once."""
    posted_late = threading.Event()

    async def pause(seconds: float) -> None:
        if seconds == 10:
            assert posted_late.wait(10)

    monkeypatch.setattr(posting, "pause", pause)
    robot = slack_server.credentials(client_options={"timeout": 0.2})
    slack_server.fail("chat.postMessage", slow(0.6))
    real = slack_server.happened_message

    def happened(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        posted_late.set()

    monkeypatch.setattr(slack_server, "happened_message", happened)
    assert post_message(robot, slack_server.general.id, "Deployed").text == "Deployed"
    assert texts(slack_server) == ["Deployed"]


@pytest.mark.parametrize(
    "scopes",
    [["chat:write"], ["chat:write", "channels:history"], ["chat:write", "metadata.message:read"]],
    ids=["neither", "no metadata", "no history"],
)
@pytest.mark.parametrize("fault", MAYBE_DONE.values(), ids=MAYBE_DONE)
def test_a_token_that_may_not_look_posts_at_most_once(
    slack_server: SlackServer, run: Call, fault: Fault, scopes: list[str]
) -> None:
    """Nobody knows, and the error says which scopes let this be found out."""
    slack_server.fail("chat.postMessage", fault)
    robot = slack_server.credentials(token=slack_server.token(scopes=scopes))
    with pytest.raises(SlackUncertain, match="Nobody knows") as caught:
        run(post_message, robot, slack_server.general.id, "Deployed")
    assert "channels:history and metadata.message:read" in caught.value.fix
    assert len(texts(slack_server)) <= 1
    assert len(slack_server.asked("chat.postMessage")) == 1


def test_three_scopes_suffice_to_post_once(slack_server: SlackServer, run: Call) -> None:
    """To post, to read, and to see metadata."""
    robot = slack_server.credentials(token=slack_server.token(scopes=SEEN))
    slack_server.fail("chat.postMessage", reset_after())
    run(post_message, robot, slack_server.general.id, "Deployed")
    assert texts(slack_server) == ["Deployed"]


@pytest.mark.parametrize("fault", MAYBE_DONE.values(), ids=MAYBE_DONE)
def test_metadata_of_ones_own_is_sent_as_it_is(
    slack_server: SlackServer, run: Call, fault: Fault
) -> None:
    """A post whose answer is lost is then not found, and not repeated."""
    mine = {"event_type": "deployed", "event_payload": {"version": "1.4"}}
    robot = slack_server.credentials()
    run(post_message, robot, slack_server.general.id, "one", metadata=mine)
    slack_server.fail("chat.postMessage", fault)
    with pytest.raises(SlackUncertain, match="Nobody knows") as caught:
        run(post_message, robot, slack_server.general.id, "two", metadata=mine)
    assert "metadata of your own" in caught.value.fix
    assert slack_server.general.posted[0].metadata == mine
    assert len(slack_server.asked("chat.postMessage")) == 2


def test_the_same_text_is_posted_as_often_as_it_is_asked_for(
    slack_server: SlackServer, run: Call
) -> None:
    """What is found is this message, and none that says the same."""
    robot = slack_server.credentials()
    for _ in range(2):
        slack_server.fail("chat.postMessage", reset_before())
        run(post_message, robot, slack_server.general.id, "tick")
    assert texts(slack_server) == ["tick", "tick"]


def test_what_fails_while_one_looks_leaves_it_uncertain(
    slack_server: SlackServer, run: Call
) -> None:
    """A post is not repeated blindly where the history is away."""
    slack_server.fail("chat.postMessage", reset_after())
    slack_server.fail("conversations.history", server_error(), times=99)
    with pytest.raises(SlackUncertain):
        run(post_message, slack_server.credentials(), slack_server.general.id, "x")
    assert texts(slack_server) == ["x"]


def test_a_slack_that_is_away_is_no_doubt(slack_server: SlackServer, run: Call) -> None:
    """Where no connection came about, the post was surely not made."""
    nobody = slack_server.credentials(base_url="http://127.0.0.1:9/api/")
    with pytest.raises(SlackUnavailable, match="nobody listens"):
        run(post_message, nobody, slack_server.general.id, "x")


def test_nothing_can_fail_once_it_is_posted(slack_server: SlackServer, run: Call) -> None:
    """The workspace's address is asked for before, and without it there is no permalink."""
    slack_server.fail("auth.test", says("fatal_error"), times=99)
    posted = run(post_message, slack_server.credentials(), slack_server.general.id, "x")
    assert posted.permalink == ""
    assert slack_server.requests[-1].method == "chat.postMessage"


# Names


def test_a_token_that_may_not_list_posts_by_name(slack_server: SlackServer, run: Call) -> None:
    """Slack knows names where one posts; the result has the id."""
    robot = slack_server.credentials(token=slack_server.token(scopes=["chat:write"]))
    for name in ("#general", "general", "#General"):
        posted = run(post_message, robot, name, "x")
        assert posted.channel == slack_server.general.id
    assert [asked.arguments["channel"] for asked in slack_server.asked("chat.postMessage")] == [
        "#general"
    ] * 3
    run(post_ephemeral, robot, "#general", slack_server.ada.id, "only you")
    run(schedule_message, robot, "#general", datetime.now(UTC) + timedelta(hours=1), "later")


def test_a_name_that_is_none_is_slacks_to_refuse(slack_server: SlackServer, run: Call) -> None:
    """As any channel that is not there."""
    robot = slack_server.credentials(token=slack_server.token(scopes=["chat:write"]))
    with pytest.raises(SlackNotFound) as caught:
        run(post_message, robot, "#nowhere", "x")
    assert caught.value.error == "channel_not_found"


def test_a_lost_post_by_name_cannot_be_looked_up(slack_server: SlackServer, run: Call) -> None:
    """History takes no names: give the id, or let the token list channels."""
    scopes = ["chat:write", "channels:history", "metadata.message:read"]
    robot = slack_server.credentials(token=slack_server.token(scopes=scopes))
    slack_server.fail("chat.postMessage", reset_after())
    with pytest.raises(SlackUncertain) as caught:
        run(post_message, robot, "#general", "x")
    assert "channel's id, or the token channels:read" in caught.value.fix
    assert texts(slack_server) == ["x"]


def test_people_are_not_posted_to_by_a_name_that_nobody_looked_up(
    slack_server: SlackServer, run: Call
) -> None:
    """It might be somebody else's by now."""
    robot = slack_server.credentials(token=slack_server.token(scopes=["chat:write"]))
    with pytest.raises(SlackDenied, match="users:read"):
        run(post_message, robot, "@ada", "x")
    assert slack_server.asked("chat.postMessage") == []


# Content


def test_all_that_a_post_can_say_is_sent(slack_server: SlackServer, run: Call) -> None:
    """Blocks, attachments, a name, an icon, whether links are shown."""
    robot = slack_server.credentials()
    run(
        post_message,
        robot,
        slack_server.general.id,
        "Deployed",
        blocks=[header("Deployed"), section("1.4")],
        attachments=[{"color": "#36a64f", "text": "green"}],
        unfurl_links=False,
        unfurl_media=True,
        username="Deployer",
        icon_emoji=":package:",
    )
    (asked,) = slack_server.asked("chat.postMessage")
    assert asked.arguments["unfurl_links"] is False
    assert asked.arguments["unfurl_media"] is True
    assert "thread_ts" not in asked.arguments
    (posted,) = slack_server.general.posted
    assert [block["type"] for block in posted.blocks] == ["header", "section"]
    assert posted.attachments[0]["color"] == "#36a64f"


def test_a_reply_is_shown_in_its_channel_too(slack_server: SlackServer, run: Call) -> None:
    """With ``broadcast``, and without it in the thread alone."""
    robot, parent = slack_server.credentials(), slack_server.say(slack_server.general, "Deploy?")
    run(post_message, robot, parent.channel, "Yes", thread_ts=parent.ts, broadcast=True)
    run(post_message, robot, parent.channel, "Now", thread_ts=parent.ts)
    shown, hidden = slack_server.general.replies(parent.ts)
    assert (shown.text, shown.broadcast) == ("Yes", True)
    assert (hidden.text, hidden.broadcast) == ("Now", False)
    assert "reply_broadcast" not in slack_server.asked("chat.postMessage")[1].arguments


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"icon_emoji": ":package:"}, {"icons": {"emoji": ":package:"}}),
        ({"icon_url": "https://a.b/c.png"}, {"icons": {"image_48": "https://a.b/c.png"}}),
        ({"username": "Deployer"}, {"username": "Deployer"}),
    ],
    ids=["emoji", "url", "name"],
)
def test_a_post_has_another_name_and_icon(
    slack_server: SlackServer, run: Call, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    """Where the token may do that."""
    run(post_message, slack_server.credentials(), slack_server.general.id, "Deployed", **given)
    (posted,) = slack_server.general.posted
    assert shown.items() <= posted.content.items()
    assert not {"username", "icons"} & (posted.content.keys() - shown.keys())


@pytest.mark.parametrize("task", [post_message, post_ephemeral, schedule_message, update_message])
def test_blocks_are_looked_at_before_they_are_sent(
    slack_server: SlackServer, run: Call, task: Task[..., Any]
) -> None:
    """What Slack would refuse is told in its words, and costs no request."""
    given = {
        "user": slack_server.ada.id,
        "post_at": datetime.now(UTC) + timedelta(hours=1),
        "ts": "1.2",
    }
    wanted = {name: each for name, each in given.items() if name in signature(task).parameters}
    with pytest.raises(SlackInvalid, match="no more than 50 items") as caught:
        run(
            task,
            slack_server.credentials(),
            slack_server.general.id,
            blocks=[section("x")] * 51,
            **wanted,
        )
    assert caught.value.error == "invalid_blocks"
    assert slack_server.requests == []


def test_a_message_of_blockkit_is_posted_whole(slack_server: SlackServer, run: Call) -> None:
    """It has its text and its blocks; to give others beside it is an error."""
    robot = slack_server.credentials()
    report = message(header("Load"), section("37 of 40"))
    run(post_message, robot, slack_server.general.id, report)
    (posted,) = slack_server.general.posted
    assert posted.text == report.text
    assert len(posted.blocks) == 2
    for more in ({"blocks": [section("x")]}, {"markdown": True}):
        with pytest.raises(SlackInvalid, match="has its blocks"):
            run(post_message, robot, slack_server.general.id, report, **more)


def test_markdown_is_posted_as_slacks_markup(slack_server: SlackServer, run: Call) -> None:
    """As of `brickwork_slack.blockkit`."""
    robot = slack_server.credentials()
    run(post_message, robot, slack_server.general.id, "**Bold** [page](https://a.b)", markdown=True)
    assert texts(slack_server) == ["*Bold* <https://a.b|page>"]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_message_that_says_nothing_is_refused(
    slack_server: SlackServer, run: Call, text: str
) -> None:
    """Before anything is posted."""
    with pytest.raises(SlackInvalid, match="says nothing"):
        run(post_message, slack_server.credentials(), slack_server.general.id, text)
    assert slack_server.asked("chat.postMessage") == []


@pytest.mark.parametrize(
    ("channel", "error", "kind"),
    [("C0NOWHERE99", "channel_not_found", SlackNotFound), ("old", "is_archived", SlackConflict)],
)
def test_where_nothing_can_be_posted_is_told(
    slack_server: SlackServer, run: Call, channel: str, error: str, kind: type[Exception]
) -> None:
    """With Slack's code, and what to do."""
    slack_server.channel("old", archived=True)
    if channel == "old":
        channel = next(
            each.id for each in slack_server.workspace.channels.values() if each.name == "old"
        )
    with pytest.raises(kind) as caught:
        run(post_message, slack_server.credentials(), channel, "x")
    assert (caught.value.error, bool(caught.value.fix)) == (error, True)  # type: ignore[attr-defined]  # all are SlackError


def test_a_channel_without_the_bot_is_told(slack_server: SlackServer, run: Call) -> None:
    """With the task by which it joins."""
    robot = slack_server.credentials(token=slack_server.token(scopes=["chat:write"]))
    with pytest.raises(SlackDenied, match="not_in_channel") as caught:
        run(post_message, robot, slack_server.random.id, "x")
    assert "slack.join_conversation" in caught.value.fix


# Changing, deleting, permalinks


def test_a_message_is_changed(slack_server: SlackServer, run: Call) -> None:
    """It then says what is given, and that alone; a lost answer is repeated."""
    robot = slack_server.credentials()
    posted = run(post_message, robot, "#general", "Deploying", blocks=[section("Deploying")])
    slack_server.fail("chat.update", lost_answer())
    changed = run(update_message, robot, posted.channel, posted.ts, "Deployed")
    (there,) = slack_server.general.posted
    assert (there.text, there.blocks) == ("Deployed", [])
    assert (changed.ts, changed.text, changed.permalink) == (
        posted.ts,
        "Deployed",
        posted.permalink,
    )


def test_a_reply_comes_to_be_shown_in_its_channel(slack_server: SlackServer, run: Call) -> None:
    """With metadata for apps, which stay where a change gives none."""
    robot, mine = slack_server.credentials(), {"event_type": "load", "event_payload": {"run": 17}}
    first = run(post_message, robot, "#general", "Load 17")
    reply = run(post_message, robot, "#general", "Half", thread_ts=first.ts)
    there = slack_server.general.messages[reply.ts]
    assert not there.broadcast
    run(update_message, robot, "#general", reply.ts, "Done", broadcast=True, metadata=mine)
    assert (there.text, there.broadcast, there.metadata) == ("Done", True, mine)
    run(update_message, robot, "#general", reply.ts, "All done")
    assert (there.text, there.broadcast, there.metadata) == ("All done", True, mine)


def test_somebody_elses_message_stays(slack_server: SlackServer, run: Call) -> None:
    """Neither changed nor deleted."""
    robot, theirs = slack_server.credentials(), slack_server.say(slack_server.general, "mine")
    with pytest.raises(SlackDenied, match="cant_update_message"):
        run(update_message, robot, theirs.channel, theirs.ts, "x")
    with pytest.raises(SlackDenied, match="cant_delete_message"):
        run(delete_message, robot, theirs.channel, theirs.ts)
    assert slack_server.general.posted == [theirs]


def test_a_message_is_deleted_once_and_for_all(slack_server: SlackServer, run: Call) -> None:
    """To delete it again is no error; nor is a lost answer."""
    robot = slack_server.credentials()
    posted = run(post_message, robot, "#general", "Oops")
    slack_server.fail("chat.delete", lost_answer())
    for _ in range(2):
        run(delete_message, robot, posted.channel, posted.ts)
    assert slack_server.general.posted == []
    with pytest.raises(SlackNotFound):
        run(update_message, robot, posted.channel, posted.ts, "x")


def test_the_permalink_of_a_post_is_slacks(slack_server: SlackServer, run: Call) -> None:
    """The one that is made here is the one that Slack gives, in channels and in threads."""
    robot = slack_server.credentials()
    first = run(post_message, robot, "#general", "one")
    reply = run(post_message, robot, "#general", "two", thread_ts=first.ts)
    for each in (first, reply):
        assert run(get_permalink, robot, each.channel, each.ts) == each.permalink
    assert len(slack_server.asked("auth.test")) == 1


def test_an_ephemeral_message_is_shown_to_one(slack_server: SlackServer, run: Call) -> None:
    """By name; it is no message of the channel."""
    run(post_ephemeral, slack_server.credentials(), "#general", "@ada", "Only you")
    (shown,) = slack_server.workspace.ephemeral
    assert (shown.text, shown.to) == ("Only you", slack_server.ada.id)
    assert slack_server.general.posted == []


def test_an_ephemeral_message_has_another_name_and_icon(
    slack_server: SlackServer, run: Call
) -> None:
    """Where the token may do that."""
    robot = slack_server.credentials()
    where, ada = slack_server.general.id, slack_server.ada.id
    run(post_ephemeral, robot, where, ada, "Hi", username="Porter", icon_emoji=":key:")
    (shown,) = slack_server.workspace.ephemeral
    assert shown.content == {"username": "Porter", "icons": {"emoji": ":key:"}}
    plain = slack_server.credentials(token=slack_server.token(scopes=["chat:write"]))
    with pytest.raises(SlackDenied, match=r"chat:write\.customize"):
        run(post_ephemeral, plain, where, ada, "Hi", icon_url="https://a.b/key.png")


def test_an_ephemeral_message_is_shown_in_a_thread(slack_server: SlackServer, run: Call) -> None:
    """Which is that of the message that is named."""
    parent = slack_server.say(slack_server.general, "Deploy?")
    run(post_ephemeral, slack_server.credentials(), "#general", "@ada", "Y?", thread_ts=parent.ts)
    (shown,) = slack_server.workspace.ephemeral
    assert (shown.text, shown.thread_ts) == ("Y?", parent.ts)


@pytest.mark.parametrize("fault", MAYBE_DONE.values(), ids=MAYBE_DONE)
def test_an_ephemeral_message_is_shown_at_most_once(
    slack_server: SlackServer, run: Call, fault: Fault
) -> None:
    """Nobody can look for it."""
    slack_server.fail("chat.postEphemeral", fault)
    with pytest.raises(SlackUncertain):
        run(post_ephemeral, slack_server.credentials(), "#general", "@ada", "Only you")
    assert len(slack_server.workspace.ephemeral) <= 1
    assert len(slack_server.asked("chat.postEphemeral")) == 1


# Scheduling


def test_a_message_is_scheduled_listed_and_taken_back(slack_server: SlackServer, run: Call) -> None:
    """At the second that was given, whatever the zone."""
    robot = slack_server.credentials()
    when = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    made = run(schedule_message, robot, "#general", when, "Good morning", blocks=[section("Hi")])
    assert (made.post_at, made.channel, made.text) == (
        when,
        slack_server.general.id,
        "Good morning",
    )
    (listed,) = run(list_scheduled_messages, robot, channel="#general")
    assert (listed.id, listed.post_at) == (made.id, when)
    assert run(list_scheduled_messages, robot, oldest=when + timedelta(hours=1)) == []
    assert run(list_scheduled_messages, robot, limit=0) == []
    for _ in range(2):  # to take it back again is no error
        run(delete_scheduled_message, robot, "#general", made.id)
    assert run(list_scheduled_messages, robot) == []


def test_all_that_a_scheduled_message_can_say_is_sent(slack_server: SlackServer, run: Call) -> None:
    """And is posted when its time comes."""
    robot, mine = slack_server.credentials(), {"event_type": "load", "event_payload": {"run": 17}}
    when = datetime.now(UTC) + timedelta(hours=1)
    more = {"unfurl_links": False, "unfurl_media": True, "metadata": mine}
    run(schedule_message, robot, "#general", when, "https://a.b", **more)
    (asked,) = slack_server.asked("chat.scheduleMessage")
    assert more.items() <= asked.arguments.items()
    slack_server.advance(3601)
    (posted,) = slack_server.general.posted
    assert (posted.text, posted.metadata) == ("https://a.b", mine)


def test_a_reply_is_scheduled(slack_server: SlackServer, run: Call) -> None:
    """For its thread; Slack is told whether it is shown in the channel, too."""
    robot, parent = slack_server.credentials(), slack_server.say(slack_server.general, "Deploy?")
    when = datetime.now(UTC) + timedelta(hours=1)
    run(schedule_message, robot, "#general", when, "Yes", thread_ts=parent.ts, broadcast=True)
    run(schedule_message, robot, "#general", when, "Now", thread_ts=parent.ts)
    shown, hidden = (each.arguments for each in slack_server.asked("chat.scheduleMessage"))
    assert (shown["reply_broadcast"], "reply_broadcast" in hidden) == (True, False)
    slack_server.advance(3601)
    replies = slack_server.general.replies(parent.ts)
    assert [(each.text, each.broadcast) for each in replies] == [("Yes", True), ("Now", False)]


@pytest.mark.parametrize("fault", MAYBE_DONE.values(), ids=MAYBE_DONE)
def test_a_message_is_scheduled_at_most_once(
    slack_server: SlackServer, run: Call, fault: Fault
) -> None:
    """Nobody knows, and it is not sent again."""
    slack_server.fail("chat.scheduleMessage", fault)
    when = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(SlackUncertain):
        run(schedule_message, slack_server.credentials(), "#general", when, "x")
    assert len(slack_server.asked("chat.scheduleMessage")) == 1


@pytest.mark.parametrize(
    ("away", "match"),
    [(timedelta(days=-1), "time_in_past"), (timedelta(days=121), "time_too_far")],
)
def test_a_time_that_cannot_be_is_refused(
    slack_server: SlackServer, run: Call, away: timedelta, match: str
) -> None:
    """By Slack, in its words."""
    with pytest.raises(SlackInvalid, match=match):
        run(schedule_message, slack_server.credentials(), "#general", datetime.now(UTC) + away, "x")


def test_a_time_without_a_zone_is_refused(slack_server: SlackServer, run: Call) -> None:
    """Nobody knows which moment it is."""
    with pytest.raises(SlackInvalid, match="no zone"):
        run(schedule_message, slack_server.credentials(), "#general", datetime(2027, 1, 1), "x")
    assert slack_server.asked("chat.scheduleMessage") == []


# Limits and results


def test_without_time_a_post_is_refused_at_once(slack_server: SlackServer, run: Call) -> None:
    """Nothing is posted, and the error says how long to wait."""
    robot = slack_server.credentials(client_options={"rate_limit_wait_seconds": 1})
    slack_server.fail("chat.postMessage", rate_limited(60))
    with pytest.raises(SlackRateLimited) as caught:
        run(post_message, robot, slack_server.general.id, "x")
    assert caught.value.retry_after_seconds == pytest.approx(60, abs=2)
    assert texts(slack_server) == []


@pytest.mark.parametrize(
    "result",
    [
        PostedMessage("C0000000001", "1700000000.000100", "https://a.b", None, "x"),
        ScheduledMessage("Q1", "C0000000001", datetime(2027, 1, 1, tzinfo=UTC), "x"),
    ],
)
def test_results_can_be_kept(result: object) -> None:
    """By every serializer that keeps types."""
    json = open_serializer("json")
    assert json.loads(json.dumps(result)) == result


def late(server: SlackServer, monkeypatch: pytest.MonkeyPatch, *, appears_at: int) -> list[float]:
    """Let what is posted come to be seen only when it is looked for so many times."""
    pauses: list[float] = []
    hidden: dict[str, Any] = {}

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            hidden.update(server.general.messages)
            server.general.messages.clear()
        if len(pauses) == appears_at:
            server.general.messages.update(hidden)

    monkeypatch.setattr(posting, "pause", pause)
    return pauses
