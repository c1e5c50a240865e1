"""The token is in no error, no log, no repr, and no traceback with local variables."""

import asyncio
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from brickwork import Secret, Task
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    SlackCredentials,
    SlackError,
    SlackNotFound,
    SlackUnavailable,
    SlackWebhook,
    list_users,
    post_message,
    respond,
    send_webhook,
    slack_call,
)
from brickwork_slack.clients import client_for
from brickwork_slack.testing import Fault, SlackServer
from brickwork_slack.testing.faults import (
    garbled,
    lost_answer,
    reset_after,
    reset_before,
    says,
    server_error,
)

Call = Callable[[SlackCredentials, str], object]
CALLS: dict[str, Call] = {
    "a task": lambda robot, where: post_message(robot, where, "x"),
    "its coroutine": lambda robot, where: asyncio.run(post_message.aio(robot, where, "x")),
    "a list": lambda robot, _: list_users(robot),
    "a list's coroutine": lambda robot, _: asyncio.run(list_users.aio(robot)),
    "any method": lambda robot, where: slack_call(robot, "chat.meMessage", channel=where, text="x"),
    "a new method": lambda robot, _: slack_call(robot, "bricks.lay", row=1),
}
CLIENTS: dict[str, Call] = {
    "client": lambda robot, _: robot.client().auth_test(),
    "async client": lambda robot, _: asyncio.run(robot.async_client().auth_test()),
}
FAULTS = {
    "error": says("fatal_error"),
    "503": server_error(),
    "before": reset_before(),
    "after": reset_after(),
    "amidst": lost_answer(),
    "garbled": garbled(),
    "echo": Fault(403, b"<html>forbidden</html>", {"Content-Type": "text/html"}),
}


@pytest.fixture(autouse=True)
def unhurried() -> Iterator[None]:
    """Retries of tasks take no time."""
    with no_waiting():
        yield


def shown(error: BaseException) -> str:
    """Return all that a reporter of errors may show."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return f"{''.join(told.format())} {error} {error!r} {error.args!r}"


def hides(hidden: SlackCredentials | Secret[str], *texts: str) -> bool:
    """Tell whether no text has the part of a token, or of a URL, that nobody may see.

    Here, since the frames of a test are shown, too, and would hold what they compare.
    """
    given = hidden if isinstance(hidden, Secret) else hidden.token
    secret = given.reveal().rpartition("/")[2].removeprefix("xoxb-")
    return not any(secret in text for text in texts)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_token_is_in_an_error_of_a_task(
    slack_server: SlackServer, call: Call, fault: Fault
) -> None:
    """Nor in its frames, whatever broke; nor when it goes to another process."""
    slack_server.expect_refusals()
    robot = slack_server.credentials(client_options={"retries": 0})
    slack_server.fail(None, fault, times=99)
    with pytest.raises(SlackError) as caught:
        call(robot, slack_server.general.id)
    assert hides(robot, shown(caught.value))
    again = pickle.loads(pickle.dumps(caught.value))
    assert hides(robot, shown(again))


@pytest.mark.parametrize("call", [*CALLS.values(), *CLIENTS.values()], ids=[*CALLS, *CLIENTS])
def test_no_token_is_in_a_traceback_where_nobody_listens(
    slack_server: SlackServer, call: Call
) -> None:
    """Frames of slack_sdk, urllib and aiohttp hold headers when no connection comes about."""
    nobody = slack_server.credentials(
        base_url="http://127.0.0.1:9/api/", client_options={"retries": 0}
    )
    with pytest.raises(Exception) as caught:  # noqa: PT011  # ours, urllib's or aiohttp's
        call(nobody, slack_server.general.id)
    assert hides(nobody, shown(caught.value))


@pytest.mark.parametrize("call", CLIENTS.values(), ids=CLIENTS)
def test_no_token_is_in_an_error_of_a_client(slack_server: SlackServer, call: Call) -> None:
    """Which is slack_sdk's, with the answer."""
    robot = slack_server.credentials()
    slack_server.revoke(robot.token)
    with pytest.raises(Exception, match="token_revoked") as caught:
        call(robot, "")
    assert hides(robot, shown(caught.value))


@pytest.mark.parametrize("way", ["call", "aio"])
@pytest.mark.parametrize("task", [send_webhook, respond], ids=["webhook", "response_url"])
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "nobody"])
def test_no_url_that_is_a_secret_is_in_a_traceback(
    slack_server: SlackServer, task: Task[..., Any], way: str, gone: bool
) -> None:
    """Of a webhook and of a response URL: whether Slack refuses it or nobody listens."""
    at = slack_server.url if gone else "http://127.0.0.1:9"
    place = "services" if task is send_webhook else "actions"
    url = Secret(f"{at}/{place}/T0BRICK/B0BRICK/{uuid4().hex}")
    to = SlackWebhook(url=url) if task is send_webhook else url
    with pytest.raises(SlackNotFound if gone else SlackUnavailable) as caught:
        task(to, "x") if way == "call" else asyncio.run(task.aio(to, "x"))
    assert hides(url, shown(caught.value))


@pytest.mark.parametrize("call", [*CALLS.values(), *CLIENTS.values()], ids=[*CALLS, *CLIENTS])
def test_no_token_is_logged(
    slack_server: SlackServer, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    """However much slack_sdk, urllib, aiohttp and asyncio have to say."""
    slack_server.expect_refusals()
    caplog.set_level(logging.DEBUG)
    for name in ("slack_sdk", "aiohttp", "asyncio", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    robot = slack_server.credentials()
    with suppress(SlackError):  # a new method is unknown
        call(robot, slack_server.general.id)
    said = "".join(f"{each.getMessage()} {each.__dict__!r}" for each in caplog.records)
    assert "Sending a request" in said
    assert hides(robot, said)


def test_no_token_is_in_a_repr(slack_server: SlackServer) -> None:
    """Of the credentials, of the clients, and of what is kept for them."""
    robot = slack_server.credentials()
    kept = client_for(robot)
    for each in (robot, kept, robot.client(), robot.async_client()):
        assert hides(robot, repr(each))
        assert hides(robot, f"{vars(each)!r}")
    assert hides(robot, str(robot.model_dump()))
