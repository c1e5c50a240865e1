"""SlackChannel: notifications that a bot posts, in threads, with files."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from brickwork import Attachment, DeliveryStatus, Notification, Severity, notify
from brickwork.testing.task import no_waiting
from brickwork_slack.bot import SlackChannel
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.notifying import COLOURS
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import lost_answer, rate_limited, says


@pytest.fixture
def channel(slack_server: SlackServer, slack_credentials: SlackCredentials) -> SlackChannel:
    """A channel that the bot is in."""
    return SlackChannel(channel=slack_server.general.id, credentials=slack_credentials)


def test_a_notification_is_posted(slack_server: SlackServer, channel: SlackChannel) -> None:
    """With a header, the colour of its severity, and buttons; the receipt names it."""
    receipt = channel.send(
        Notification(
            "Load failed",
            "3 of 40 <!channel>",
            severity=Severity.ERROR,
            fields={"run": "1742"},
            url="https://example.com/runs/1742",
        )
    )
    (message,) = slack_server.general.posted
    assert receipt.message_id == f"{slack_server.general.id}/{message.ts}"
    assert message.blocks[0]["text"]["text"] == "\U0001f534 Load failed"
    assert message.text == "\U0001f534 Load failed"
    (attachment,) = message.attachments
    assert attachment["color"] == COLOURS[Severity.ERROR]
    assert "3 of 40 <!channel>" in str(attachment["blocks"])
    assert "https://example.com/runs/1742" in str(attachment["blocks"])


def test_notifications_with_one_key_are_a_thread(
    slack_server: SlackServer, channel: SlackChannel
) -> None:
    """The first begins it; others, and those of other keys, do not come into it."""
    for title, key in [("one", "a"), ("two", "a"), ("other", "b"), ("none", None), ("three", "a")]:
        assert channel.send(Notification(title, thread_key=key)).delivered

    assert _titles(slack_server.general.posted) == ["one", "other", "none"]
    assert _titles(slack_server.general.replies(slack_server.general.posted[0].ts)) == [
        "two",
        "three",
    ]


def test_a_thread_is_found_by_other_processes(
    slack_server: SlackServer, channel: SlackChannel
) -> None:
    """What a saved block remembers is in the vault; a block of another channel has its own."""
    channel.save("data")
    notify("slack-channel/data", title="one", thread_key="load")
    again = SlackChannel.load("data")
    again.send(Notification("two", thread_key="load"))
    other = slack_server.channel("other")
    again.model_copy(update={"channel": other.id}).save("data", overwrite=True)
    notify("slack-channel/data", title="three", thread_key="load")

    (parent,) = slack_server.general.posted
    assert _titles(slack_server.general.replies(parent.ts)) == ["two"]
    assert _titles(other.posted) == ["three"]


def test_a_thread_that_was_deleted_begins_anew(
    slack_server: SlackServer, channel: SlackChannel
) -> None:
    """And the next ones come into the new one."""
    channel.send(Notification("one", thread_key="a"))
    slack_server.general.messages.clear()
    for title in ("two", "three"):
        assert channel.send(Notification(title, thread_key="a")).delivered
    (parent,) = slack_server.general.posted
    assert _titles(slack_server.general.replies(parent.ts)) == ["three"]


def test_many_at_once_begin_one_thread(slack_server: SlackServer, channel: SlackChannel) -> None:
    """Threads of a process wait for who begins it."""
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(lambda n: channel.send(Notification(f"{n}", thread_key="a")), range(8))
        assert all(receipt.delivered for receipt in sent)
    assert len(slack_server.general.posted) == 1


def test_threads_can_be_left_alone(slack_server: SlackServer, channel: SlackChannel) -> None:
    """Without threads each stands in the channel; with broadcast replies do so, too."""
    flat = channel.model_copy(update={"threads": False})
    for _ in range(2):
        flat.send(Notification("flat", thread_key="a"))
    assert len(slack_server.general.posted) == 2

    loud = channel.model_copy(update={"broadcast": True})
    for _ in range(2):
        loud.send(Notification("loud", thread_key="b"))
    (reply,) = slack_server.general.replies(slack_server.general.posted[2].ts)
    assert reply.broadcast


def test_files_are_uploaded_into_the_thread(
    slack_server: SlackServer, channel: SlackChannel
) -> None:
    """Of a message that begins a thread, and of a reply; empty ones are named."""
    files = (Attachment("log.txt", b"line 1\n"), Attachment("empty.txt", b""))
    channel.send(Notification("one", thread_key="a"))
    receipt = channel.send(Notification("two", thread_key="a", attachments=files))

    assert receipt.delivered
    assert "empty.txt" in receipt.detail
    (file,) = slack_server.workspace.files.values()
    assert (file.name, file.read()) == ("log.txt", b"line 1\n")
    (parent,) = slack_server.general.posted
    reply, shown = slack_server.general.replies(parent.ts)
    assert shown.files == [file.id]
    assert reply.ts != shown.ts


def test_files_are_shown_once_though_the_answer_is_lost(
    slack_server: SlackServer, channel: SlackChannel
) -> None:
    """Slack is asked whether it shows them."""
    slack_server.fail("files.completeUploadExternal", lost_answer())
    with no_waiting():
        receipt = channel.send(Notification("one", attachments=(Attachment("a.txt", b"a"),)))

    assert receipt.delivered
    (message,) = slack_server.general.posted
    assert len(slack_server.general.replies(message.ts)) == 1


def test_a_message_without_its_files_is_not_delivered(slack_server: SlackServer) -> None:
    """A token that may not upload posts the message, and the receipt says what lacks."""
    token = slack_server.token(scopes=["chat:write"])
    channel = SlackChannel(
        channel=slack_server.general.id, credentials=slack_server.credentials(token=token)
    )
    receipt = channel.send(Notification("one", attachments=(Attachment("a.txt", b"a"),)))

    assert receipt.status is DeliveryStatus.FAILED
    assert "lacks the scope files:write. Add files:write" in receipt.detail
    assert receipt.message_id
    assert len(slack_server.general.posted) == 1


@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "files.completeUploadExternal"])
def test_a_rate_limit_of_files_is_waited_out(
    slack_server: SlackServer, channel: SlackChannel, step: str
) -> None:
    """The message is posted once, and its file arrives after the pause that Slack asks for."""
    slack_server.fail(step, rate_limited(1))
    with no_waiting() as waits:
        receipt = channel.send(Notification("one", attachments=(Attachment("a.txt", b"a"),)))

    assert receipt.delivered
    assert sum(waits) == pytest.approx(1, abs=0.1)
    (file,) = slack_server.workspace.files.values()
    assert file.read() == b"a"
    assert len(slack_server.asked("chat.postMessage")) == 1


def test_files_that_slack_does_not_take_say_so(
    slack_server: SlackServer, channel: SlackChannel
) -> None:
    """The message stands; the receipt has Slack's code, and what to do."""
    slack_server.fail("files.completeUploadExternal", says("file_uploads_disabled"))
    receipt = channel.send(Notification("one", attachments=(Attachment("a.txt", b"a"),)))

    assert receipt.status is DeliveryStatus.FAILED
    assert "file_uploads_disabled" in receipt.detail
    assert "ask them" in receipt.detail


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "token_revoked"])
def test_what_slack_refuses_is_refused(
    slack_server: SlackServer, channel: SlackChannel, error: str
) -> None:
    """The receipt has Slack's code, and what to do."""
    slack_server.fail("chat.postMessage", says(error))
    receipt = channel.send(Notification("one"))

    assert receipt.status is DeliveryStatus.REFUSED
    assert receipt.attempts == 1
    assert error in receipt.detail


def test_a_rate_limit_is_waited_out(slack_server: SlackServer, channel: SlackChannel) -> None:
    """Within the time for retries; the receipt counts the attempts."""
    slack_server.fail("chat.postMessage", rate_limited(1))
    receipt = channel.send(Notification("one"))

    assert receipt.delivered
    assert receipt.attempts == 2
    assert receipt.seconds >= 1


def test_a_lost_answer_posts_nothing_twice(
    slack_server: SlackServer, channel: SlackChannel
) -> None:
    """Whatever becomes of the receipt, one message stands in the channel."""
    slack_server.fail("chat.postMessage", lost_answer())
    channel.send(Notification("one"))
    assert len(slack_server.general.posted) == 1


def test_a_check_looks_at_the_channel(slack_server: SlackServer, channel: SlackChannel) -> None:
    """Whether it is there, archived, and the bot in it; nothing is posted."""

    def found(name: str) -> tuple[str, str]:
        report = channel.model_copy(update={"channel": name}).check()
        (finding,) = [each for each in report.findings if each.what == "channel"]
        return finding.status, finding.detail

    archived = slack_server.channel("old", archived=True)
    assert found(slack_server.general.id) == ("ok", "#general")
    assert found(slack_server.random.id) == ("warning", "the bot is not in #random")
    assert found(archived.id) == ("failed", "#old is archived")
    assert found("#general")[0] == "skipped"
    assert slack_server.asked("chat.postMessage") == []


def test_a_check_of_what_is_not_there_fails(
    slack_server: SlackServer, channel: SlackChannel
) -> None:
    """A channel that nobody knows, and a token that is none."""
    assert not channel.model_copy(update={"channel": "C0NOWHERE00"}).check().ok
    slack_server.revoke(channel.credentials.token)
    assert not channel.check().ok


def test_who_may_not_look_may_post(slack_server: SlackServer) -> None:
    """A token without channels:read is a warning, not a failure."""
    token = slack_server.token(scopes=["chat:write"])
    channel = SlackChannel(
        channel=slack_server.general.id, credentials=slack_server.credentials(token=token)
    )
    report = channel.check()
    assert report.ok
    assert [each.status for each in report.findings] == ["ok", "warning", "skipped"]


def _titles(messages: list[Any]) -> list[str]:
    return [message.text.split(" ", 1)[1] for message in messages]
