"""The loopback Slack's webhooks, response URLs and faults."""

import json
import time
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import (
    Fault,
    garbled,
    lost_answer,
    rate_limited,
    reset_after,
    reset_before,
    says,
    server_error,
    slow,
)


@pytest.fixture
def client(slack_server: SlackServer) -> WebClient:
    """Slack's own client, with a bot's token, which repeats nothing."""
    return WebClient(
        slack_server.token().reveal(), base_url=f"{slack_server.url}/api/", retry_handlers=[]
    )


def test_a_webhook_posts_to_its_channel(slack_server: SlackServer) -> None:
    """It answers ok, and the message is in the channel that the webhook is of."""
    webhook = WebhookClient(slack_server.webhook(slack_server.random).reveal())
    answer = webhook.send(text="Bricks", blocks=[{"type": "divider"}])
    assert (answer.status_code, answer.body) == (200, "ok")
    assert [message.text for message in slack_server.random.posted] == ["Bricks"]
    (asked,) = slack_server.asked("webhook")
    assert asked.arguments["text"] == "Bricks"


@pytest.mark.parametrize(
    ("payload", "status", "error"),
    [
        ({}, 400, "no_text"),
        ({"text": "x", "blocks": [{"type": "sektion"}]}, 400, "invalid_payload"),
        ({"blocks": [{"type": "section"}]}, 400, "invalid_blocks"),
        ([], 400, "invalid_payload"),
    ],
)
def test_a_webhook_refuses_what_slack_refuses(
    slack_server: SlackServer, payload: Any, status: int, error: str
) -> None:
    """The answer is a code as plain text, with a status of its own."""
    slack_server.expect_refusals()
    webhook = WebhookClient(slack_server.webhook().reveal())
    answer = webhook._perform_http_request(
        body=payload, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.body) == (status, error)


def test_a_webhook_that_is_not_there_says_so(slack_server: SlackServer) -> None:
    """An unknown URL is no_service; an archived channel takes nothing more."""
    unknown = WebhookClient(f"{slack_server.url}/services/T1/B1/x").send(text="x")
    assert (unknown.status_code, unknown.body) == (404, "no_service")
    archived = slack_server.channel("old", archived=True)
    told = WebhookClient(slack_server.webhook(archived).reveal()).send(text="x")
    assert (told.status_code, told.body) == (410, "channel_is_archived")


def test_a_response_url_replaces_and_deletes(slack_server: SlackServer) -> None:
    """What was pressed can be replaced, or taken away."""
    message = slack_server.say(slack_server.general, "Approve?")
    webhook = WebhookClient(slack_server.response_url(message=message))
    assert webhook.send(text="Approved", replace_original=True).status_code == 200
    assert message.text == "Approved"
    webhook.send(delete_original=True)
    assert message.ts not in slack_server.general.messages


def test_a_response_url_answers_one_person_or_all(slack_server: SlackServer) -> None:
    """Without in_channel the answer is ephemeral."""
    webhook = WebhookClient(slack_server.response_url())
    webhook.send(text="quiet")
    assert not slack_server.general.posted
    assert slack_server.workspace.ephemeral[0].text == "quiet"
    webhook.send(text="loud", response_type="in_channel")
    assert slack_server.general.posted[0].text == "loud"


def test_a_response_url_is_good_five_times_in_half_an_hour(slack_server: SlackServer) -> None:
    """The sixth answer is refused, and so is one that comes too late."""
    webhook = WebhookClient(slack_server.response_url())
    for number in range(5):
        assert webhook.send(text=str(number)).status_code == 200
    assert json.loads(webhook.send(text="x").body)["error"] == "used_url"
    late = WebhookClient(slack_server.response_url())
    slack_server.advance(1801)
    assert json.loads(late.send(text="x").body)["error"] == "expired_url"


def test_a_rate_limit_says_how_long_to_wait(client: WebClient, slack_server: SlackServer) -> None:
    """429 with Retry-After, and nothing is posted."""
    slack_server.fail("chat.postMessage", rate_limited(retry_after=2))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=slack_server.general.id, text="x")
    answer = caught.value.response
    assert (answer.status_code, answer["error"]) == (429, "ratelimited")
    assert answer.headers["Retry-After"] == "2"
    assert not slack_server.general.messages


def test_slack_sdk_waits_for_a_rate_limit(slack_server: SlackServer) -> None:
    """Slack's own handler understands the answer, and asks again."""
    slack_server.fail("auth.test", rate_limited(retry_after=0))
    client = WebClient(
        slack_server.token().reveal(),
        base_url=f"{slack_server.url}/api/",
        retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1)],
    )
    assert client.auth_test()["ok"]
    assert len(slack_server.asked("auth.test")) == 2


@pytest.mark.parametrize(
    ("fault", "posted"),
    [
        (server_error(503), 0),
        (server_error(502, served=True), 1),
        (says("internal_error"), 0),
        (garbled(), 1),
        (reset_before(), 0),
        (reset_after(), 1),
        (lost_answer(), 1),
    ],
    ids=["503", "502 served", "says", "garbled", "reset before", "reset after", "lost answer"],
)
def test_a_fault_tells_whether_the_message_was_posted(
    slack_server: SlackServer, fault: Fault, posted: int
) -> None:
    """No answer is good in any case; the message is there or not, as the fault says."""
    slack_server.fail("chat.postMessage", fault)
    assert not posts(slack_server, {"channel": slack_server.general.id, "text": "x"})
    assert len(slack_server.general.messages) == posted
    assert posts(slack_server, {"channel": slack_server.general.id, "text": "again"})


def posts(slack: SlackServer, message: dict[str, str]) -> bool:
    """Post a message, and tell whether Slack said that it is there.

    Not with slack_sdk, which leaves sockets open when a connection breaks.
    """
    connection = HTTPConnection("127.0.0.1", urlsplit(slack.url).port, timeout=5)
    headers = {
        "Authorization": f"Bearer {slack.token().reveal()}",
        "Content-Type": "application/json",
    }
    try:
        connection.request("POST", "/api/chat.postMessage", json.dumps(message), headers)
        with connection.getresponse() as answer:
            return bool(json.loads(answer.read())["ok"])
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()


def test_a_slow_answer_comes_all_the_same(client: WebClient, slack_server: SlackServer) -> None:
    """The request is served, but not before the time that was said."""
    slack_server.fail("chat.postMessage", slow(0.2))
    started = time.monotonic()
    client.chat_postMessage(channel=slack_server.general.id, text="x")
    assert time.monotonic() - started >= 0.2


def test_faults_happen_to_the_method_they_are_for(
    client: WebClient, slack_server: SlackServer
) -> None:
    """Others go on; a fault for any method happens to the next one."""
    slack_server.fail("chat.update", server_error())
    client.auth_test()
    slack_server.fail(None, says("fatal_error"), times=2)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            client.auth_test()
    client.auth_test()
