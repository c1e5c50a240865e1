"""slack_call: any method, checked before anything is sent, and read to its end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from brickwork import InvalidArguments, Secret
from brickwork_slack import SlackCredentials, SlackInvalid, SlackUncertain, slack_call
from brickwork_slack.testing import Fault, SlackServer
from brickwork_slack.testing.faults import reset_after, server_error

Call = Callable[..., dict[str, Any]]


@pytest.fixture(params=["call", "aio"])
def call(request: pytest.FixtureRequest) -> Call:
    """Call in the one way or in the other."""
    if request.param == "call":
        return slack_call
    return lambda *args, **kwargs: asyncio.run(slack_call.aio(*args, **kwargs))


def test_any_method_is_called(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call
) -> None:
    """The answer is what Slack says; a change is one."""
    assert call(slack_credentials, "team.info")["team"]["id"] == slack_server.workspace.id
    where = slack_server.general.id
    call(slack_credentials, "chat.meMessage", channel=where, text="waves")
    assert [each.text for each in slack_server.general.posted] == ["waves"]


@pytest.mark.parametrize(
    "method", ["", "postMessage", "chat/postMessage", "chat.", "../x.y", "a b"]
)
def test_what_is_no_method_is_refused(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call, method: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match="no method of Slack's"):
        call(slack_credentials, method)
    assert slack_server.requests == []


@pytest.mark.parametrize("given", [{}, {"user": None}], ids=["missing", "none"])
def test_what_a_method_needs_is_checked(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call, given: Any
) -> None:
    """The error names it and the page of the method, and nothing is sent."""
    with pytest.raises(InvalidArguments, match=r"users\.info: .*user") as caught:
        call(slack_credentials, "users.info", **given)
    assert "reference/methods/users.info" in caught.value.fix
    assert slack_server.requests == []


def test_a_method_that_the_sdk_does_not_know_is_slacks_to_judge(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call
) -> None:
    """It may be newer than the SDK."""
    slack_server.expect_refusals()
    with pytest.raises(SlackInvalid, match="unknown_method"):
        call(slack_credentials, "bricks.lay", row=1)
    assert len(slack_server.requests) == 1


def test_pages_are_read_to_their_end(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call
) -> None:
    """Into one answer, in the order that Slack has them."""
    slack_server.page_size = 2
    for number in range(5):
        slack_server.channel(f"room-{number}")
    answer = call(slack_credentials, "conversations.list")
    names = [each["name"] for each in answer["channels"]]
    assert names == ["general", "random", *(f"room-{number}" for number in range(5))]
    assert len(slack_server.requests) == 4


def test_one_page_can_be_had(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call
) -> None:
    """With the cursor of the next, which one gives oneself."""
    for number in range(5):
        slack_server.channel(f"room-{number}")
    given: dict[str, Any] = {"all_pages": False}
    first = call(slack_credentials, "conversations.list", limit=3, **given)
    assert len(first["channels"]) == 3
    cursor = first["response_metadata"]["next_cursor"]
    second = call(slack_credentials, "conversations.list", limit=3, cursor=cursor, **given)
    assert [each["name"] for each in second["channels"]] == ["room-1", "room-2", "room-3"]


def test_a_limit_ends_the_pages(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call
) -> None:
    """No more is asked for than is wanted."""
    slack_server.page_size = 2
    for number in range(5):
        slack_server.channel(f"room-{number}")
    answer = call(slack_credentials, "conversations.list", limit=3)
    assert len(answer["channels"]) == 3
    assert len(slack_server.requests) == 2


@pytest.mark.parametrize("limit", [0, 1, 3, 4])
def test_no_more_comes_than_the_limit(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call, limit: int
) -> None:
    """Though Slack gives pages as it likes, and replies begin with the message replied to."""
    messages = [{"ts": f"{number}.0"} for number in (1, 2, 3)]
    slack_server.fail("conversations.replies", Fault(200, {"ok": True, "messages": messages}))
    place = {"channel": slack_server.general.id, "ts": "1.0"}
    answer = call(slack_credentials, "conversations.replies", limit=limit, **place)
    assert answer["messages"] == messages[:limit]


def test_a_negative_limit_is_refused(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match="negative"):
        call(slack_credentials, "conversations.list", limit=-1)
    assert not slack_server.requests


def test_secrets_go_in_clear_and_are_shown_nowhere(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    call: Call,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in what slack_sdk logs."""
    caplog.set_level("DEBUG")
    text = Secret("a-secret-message-4711")
    call(slack_credentials, "chat.meMessage", channel=slack_server.general.id, text=text)
    assert slack_server.requests[0].arguments["text"] == "a-secret-message-4711"
    sent = [record.getMessage() for record in caplog.records if "Sending" in record.getMessage()]
    assert sent
    assert not any("4711" in each for each in sent)


def test_what_may_do_harm_is_not_repeated(
    slack_server: SlackServer, slack_credentials: SlackCredentials, call: Call
) -> None:
    """Neither as a request nor as a task; reads are."""
    slack_server.fail("chat.meMessage", reset_after())
    with pytest.raises(SlackUncertain):
        call(slack_credentials, "chat.meMessage", channel=slack_server.general.id, text="x")
    assert len(slack_server.requests) == 1
    slack_server.fail("team.info", server_error())
    assert call(slack_credentials, "team.info")["ok"]
