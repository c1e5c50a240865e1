"""LiveMessage: one message, changed in place, whose last state is always sent."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from brickwork import TaskTimeout, progress, task
from brickwork.testing.task import no_waiting
from brickwork_slack import SlackError, SlackInvalid, SlackNotFound
from brickwork_slack.blockkit import fields
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.live_message import LiveMessage
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import lost_answer, rate_limited, reset_before

NEVER = 3600.0
SECONDS = 20.0


def said(server: SlackServer) -> str:
    """Return what the one message of the channel says now."""
    (message,) = server.general.posted
    return str(message.blocks)


def changes(server: SlackServer) -> int:
    """Return how often it was changed."""
    return len(server.asked("chat.update"))


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + SECONDS
    gone = threading.Event()
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        gone.wait(0.005)


def test_a_message_says_how_the_work_goes_on(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """It is posted at the begin, changed in place, and says at the end that all is done."""
    with LiveMessage(slack_credentials, "#general", "Load", interval_seconds=0) as live:
        assert "\U0001f535 Load" in said(slack_server)
        assert "at work since" in said(slack_server)
        live.update("Reading a.csv", fields({"Region": "eu"}), done=1, total=4)
        until(lambda: "25 %" in said(slack_server))
        assert "Reading a.csv" in said(slack_server)
        live.update(done=2)
        until(lambda: "50 %" in said(slack_server))
        assert "eu" in said(slack_server)

    assert "\U0001f7e2 Load" in said(slack_server)
    assert "done in 0 s" in said(slack_server)
    assert (live.channel, live.problem) == (slack_server.general.id, None)
    assert live.ts == slack_server.general.posted[0].ts


def test_news_are_collected(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """A thousand pieces of news within the interval are one change, with the last of them."""
    with LiveMessage(slack_credentials, "#general", "Load", interval_seconds=NEVER) as live:
        for number in range(1000):
            live.update(f"file {number}", done=number, total=1000)
    assert changes(slack_server) == 1
    assert "file 999" in said(slack_server)
    assert "99 %" in said(slack_server)


def test_no_news_is_no_change(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Saying the same again asks nothing of Slack."""
    with LiveMessage(slack_credentials, "#general", "Load", interval_seconds=0) as live:
        live.update("same", done=1, total=2)
        until(lambda: "same" in said(slack_server))
        for _ in range(20):
            live.update("same", done=1, total=2)
    assert changes(slack_server) == 2


def test_changes_keep_their_distance(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Two changes are never closer than the interval, but for the last."""
    with LiveMessage(slack_credentials, "#general", "Load", interval_seconds=0.1) as live:
        began = time.monotonic()
        while time.monotonic() - began < 0.35:
            live.update(f"{time.monotonic()}")
            threading.Event().wait(0.002)
    assert 2 <= changes(slack_server) <= 5


def test_an_error_is_shown(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """The message says that the work failed, and with which error; the error goes on its way."""
    live = LiveMessage(slack_credentials, "#general", "Load", interval_seconds=NEVER)
    live.update("Reading a.csv")
    with pytest.raises(ValueError, match="no column"), live:
        raise ValueError("no column <!channel>")
    assert "Reading a.csv" in said(slack_server)
    assert "\U0001f534 Load" in said(slack_server)
    assert "ValueError: no column <!channel>" in said(slack_server)
    assert "rich_text_preformatted" in said(slack_server)
    assert "failed after" in said(slack_server)


def test_no_secret_is_shown(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """Secrets that are known are masked in errors."""
    token = slack_credentials.token.reveal()
    with (
        pytest.raises(ValueError, match="with"),
        LiveMessage(slack_credentials, "#general", "Load"),
    ):
        raise ValueError(f"with {token}")
    assert "ValueError: with ***" in said(slack_server)
    assert token not in said(slack_server)


def test_a_failure_that_is_no_error_can_be_told(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """A work may fail and go on to its end."""
    with LiveMessage(slack_credentials, "#general", "Load") as live:
        live.fail("3 files were refused")
    assert "\U0001f534 Load" in said(slack_server)
    assert "3 files were refused" in said(slack_server)


def test_replies_are_its_thread(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """What is said besides stands in the thread of the message, also later."""
    with LiveMessage(slack_credentials, "#general", "Load") as live:
        live.say("a.csv has *no* header")
    ts = live.say("b.csv is late", fields({"Hours": 3}))

    first, second = slack_server.general.replies(live.ts)
    assert "*no*" in first.text.replace("\u200b", "")
    assert second.ts == ts


def test_it_may_be_a_reply_itself(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """In a thread, its own replies stand in the same one."""
    parent = slack_server.say(slack_server.general, "who loads?")
    with LiveMessage(slack_credentials, "#general", "Load", thread_ts=parent.ts) as live:
        live.say("soon")
    own, reply = slack_server.general.replies(parent.ts)
    assert own.ts == live.ts
    assert "soon" in reply.text
    assert "done in" in str(own.blocks)


@task
def load(count: int) -> None:
    """Load files, and report it."""
    for number in range(count):
        progress(number + 1, count, f"file {number}")


def test_nothing_is_posted_twice(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Where the answer to the post or to a reply is lost, Slack is asked for what it has."""
    for _ in range(2):
        slack_server.fail("chat.postMessage", lost_answer())
        with no_waiting(), LiveMessage(slack_credentials, slack_server.general.id, "Load") as live:
            slack_server.fail("chat.postMessage", lost_answer())
            ts = live.say("Half way")
            (reply,) = slack_server.general.replies(live.ts)
            assert reply.ts == ts
    assert len(slack_server.general.posted) == 2


def test_progress_of_tasks_is_shown(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Without a word of the caller; also that of tasks within tasks."""
    with LiveMessage(slack_credentials, "#general", "Load", interval_seconds=NEVER):
        load(4)
    assert "file 3" in said(slack_server)
    assert "100 %" in said(slack_server)

    with LiveMessage(slack_credentials, "#general", "Other", follow=False):
        load(4)
    assert "file" not in str(slack_server.general.posted[-1].blocks)


def test_the_first_post_raises(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """A channel that is not there, or that is archived, is an error at once."""
    archived = slack_server.channel("old", archived=True)
    for channel, error in (("C0NOWHERE00", "channel_not_found"), (archived.id, "is_archived")):
        with (
            pytest.raises(SlackError) as caught,
            LiveMessage(slack_credentials, channel, "Load"),
        ):
            pytest.fail("the work began")
        assert caught.value.error == error


def test_blocks_that_slack_refuses_raise_where_they_are_given(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Not in a thread that nobody looks at."""
    wrong = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    with LiveMessage(slack_credentials, "#general", "Load") as live:
        with pytest.raises(SlackInvalid, match="less than 151"):
            live.update(wrong)
        live.update(iter([*fields({"a": 1})]))  # read once, shown twice
    assert "*a*" in said(slack_server)


def test_the_work_goes_on_where_slack_does_not(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who deletes the message does not stop the work; what went wrong is kept and logged."""
    with (
        caplog.at_level(logging.WARNING, "brickwork_slack.live_message"),
        LiveMessage(slack_credentials, "#general", "Load", interval_seconds=0) as live,
    ):
        slack_server.general.messages.clear()
        live.update("on and on")
        until(lambda: live.problem is not None)
    assert isinstance(live.problem, SlackNotFound)
    assert changes(slack_server) == 1
    assert "not changed" in caplog.text


def test_the_last_state_is_sent_beyond_a_rate_limit(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """What waits for Slack is told to stop; the last state waits, and is sent."""
    with LiveMessage(slack_credentials, "#general", "Load", interval_seconds=0) as live:
        slack_server.fail("chat.update", rate_limited(1))
        live.update("middle")
        until(lambda: changes(slack_server) == 1)
        live.update("last")
    assert "last" in said(slack_server)
    assert "done in" in said(slack_server)
    assert live.problem is None


def test_the_end_does_not_wait_without_measure(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """A Slack that asks to wait an hour holds nobody up."""
    began = time.monotonic()
    with LiveMessage(slack_credentials, "#general", "Load", end_seconds=0.5) as live:
        slack_server.fail("chat.update", rate_limited(3600), times=50)
        live.update("last")
    assert time.monotonic() - began < 5
    until(lambda: live.problem is not None)


def test_a_slack_that_fails_for_a_moment_is_asked_again(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """To change a message twice is to change it once."""
    with LiveMessage(slack_credentials, "#general", "Load") as live:
        slack_server.fail("chat.update", reset_before())
    assert live.problem is None
    assert "done in" in said(slack_server)


def test_a_task_whose_time_is_up_says_so(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The last state is sent beyond the end of the task."""

    @task(timeout_seconds=0.3)
    def work() -> None:
        with LiveMessage(slack_credentials, "#general", "Load", interval_seconds=NEVER) as live:
            live.update("waiting")
            threading.Event().wait(SECONDS)

    with pytest.raises(TaskTimeout):
        work()
    assert "failed after" in said(slack_server)
    assert "waiting" in said(slack_server)


# async with


def test_async_message_says_how_the_work_goes_on(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same in an event loop, which is never blocked."""

    def blocks(*_: object) -> None:
        raise AssertionError("the client that blocks was used")

    monkeypatch.setattr("brickwork_slack.clients.Client.blocking", blocks)

    async def work() -> LiveMessage:
        ticks = asyncio.create_task(_tick())
        async with LiveMessage(slack_credentials, "#general", "Load", interval_seconds=0) as live:
            live.update("Reading", done=1, total=4)
            async with asyncio.timeout(SECONDS):
                while "25 %" not in said(slack_server):
                    await asyncio.sleep(0.005)
            await live.asay("a reply")
            await asyncio.to_thread(live.update, "from a thread")
            await load.aio(4)
        ticks.cancel()
        with pytest.raises(asyncio.CancelledError):  # or what it noticed before
            await ticks
        return live

    live = asyncio.run(work())
    assert "from a thread" in said(slack_server)
    assert "100 %" in said(slack_server)
    assert "done in" in said(slack_server)
    assert [each.text for each in slack_server.general.replies(live.ts)] == ["a reply"]


def test_async_message_that_is_cancelled_says_so(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The last state is sent, and the cancellation goes on its way."""

    async def work(began: asyncio.Event) -> None:
        async with LiveMessage(slack_credentials, "#general", "Load") as live:
            live.update("waiting")
            began.set()
            await asyncio.sleep(SECONDS)

    async def run() -> None:
        began = asyncio.Event()
        running = asyncio.create_task(work(began))
        await began.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())
    assert "\U0001f534 Load" in said(slack_server)
    assert "CancelledError" in said(slack_server)


def test_async_end_does_not_wait_without_measure(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """As above, and no task is left behind."""

    async def work() -> set[Any]:
        async with LiveMessage(slack_credentials, "#general", "Load", end_seconds=0.3) as live:
            slack_server.fail("chat.update", rate_limited(3600), times=50)
            live.update("last")
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(work()) == set()


async def _tick() -> None:
    """Notice an event loop that stands still."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(0.01)
        assert loop.time() - before < 1
