"""The loopback Slack: who may call, what is refused, and what the server says of itself."""

import asyncio
import json
from collections.abc import Callable

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from brickwork import BrickworkError, Secret
from brickwork_slack.testing import SlackServer, WrongAnswer, slack_server as run_slack_server
from brickwork_slack.testing.faults import says


def client_of(server: SlackServer, token: Secret[str] | None = None) -> WebClient:
    """Return Slack's own client for a server."""
    return WebClient((token or server.token()).reveal(), base_url=f"{server.url}/api/")


def refusal(call: Callable[[], object]) -> dict[str, object]:
    """Return what Slack says to a call that it refuses."""
    with pytest.raises(SlackApiError) as caught:
        call()
    data = caught.value.response.data
    assert isinstance(data, dict)
    return data


def test_a_token_says_whose_it_is_and_what_it_may_do(slack_server: SlackServer) -> None:
    """auth.test names the bot and its team, and the headers name the scopes."""
    answer = client_of(slack_server, slack_server.token(scopes=["chat:write"])).auth_test()
    assert answer["user_id"] == slack_server.bot.id
    assert answer["bot_id"] == slack_server.bot.bot_id
    assert answer["team_id"] == slack_server.workspace.id
    assert answer.headers["X-OAuth-Scopes"] == "chat:write"


def test_a_call_without_a_token_is_refused(slack_server: SlackServer) -> None:
    """Without a token Slack says not_authed, which is the caller's fault."""
    slack_server.expect_refusals()
    anonymous = WebClient(base_url=f"{slack_server.url}/api/")
    assert refusal(anonymous.auth_test)["error"] == "not_authed"
    assert [each.error for each in slack_server.refusals] == ["not_authed"]


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive"])
def test_a_token_that_ended_is_refused(slack_server: SlackServer, error: str) -> None:
    """Slack's code says why the token is taken no longer; the call itself is no refusal."""
    token = slack_server.token()
    slack_server.revoke(token, error)
    assert refusal(client_of(slack_server, token).auth_test)["error"] == error


def test_an_unknown_token_is_refused(slack_server: SlackServer) -> None:
    """A token that nobody was given is invalid_auth."""
    stranger = client_of(slack_server, Secret("xoxb-1-2-stranger"))
    assert refusal(stranger.auth_test)["error"] == "invalid_auth"


def test_a_token_ends_at_its_time(slack_server: SlackServer) -> None:
    """A token that expires is taken until then, and not after it."""
    client = client_of(slack_server, slack_server.token(expires_in=60))
    client.auth_test()
    slack_server.advance(61)
    assert refusal(client.auth_test)["error"] == "token_expired"


def test_a_scope_that_lacks_is_named(slack_server: SlackServer) -> None:
    """missing_scope says what is needed, and what the token has."""
    client = client_of(slack_server, slack_server.token(scopes=["users:read", "team:read"]))
    told = refusal(lambda: client.chat_postMessage(channel=slack_server.general.id, text="x"))
    assert told["error"] == "missing_scope"
    assert (told["needed"], told["provided"]) == ("chat:write", "users:read,team:read")


def test_a_private_channel_needs_its_own_scope(slack_server: SlackServer) -> None:
    """The scope for public channels does not open private ones."""
    private = slack_server.channel("secret", kind="private")
    client = client_of(slack_server, slack_server.token(scopes=["channels:history"]))
    told = refusal(lambda: client.conversations_history(channel=private.id))
    assert (told["error"], told["needed"]) == ("missing_scope", "groups:history")


def test_an_app_token_opens_sockets_only(slack_server: SlackServer) -> None:
    """Slack takes an app-level token for nothing that a bot does."""
    client = client_of(slack_server, slack_server.token(kind="app"))
    told = refusal(lambda: client.chat_postMessage(channel=slack_server.general.id, text="x"))
    assert told["error"] == "not_allowed_token_type"


def test_an_unknown_method_is_refused(slack_server: SlackServer) -> None:
    """A method that Slack has not is unknown_method."""
    slack_server.expect_refusals()
    told = refusal(lambda: client_of(slack_server).api_call("chat.postMesage", json={}))
    assert told["error"] == "unknown_method"


def test_an_argument_that_slack_has_not_is_refused(slack_server: SlackServer) -> None:
    """Slack's types name all arguments of a method; another one is a slip."""
    slack_server.expect_refusals()
    arguments = {"channel": slack_server.general.id, "text": "x", "threadts": "1"}
    told = refusal(lambda: client_of(slack_server).api_call("chat.postMessage", json=arguments))
    assert told["error"] == "invalid_arguments"
    assert "threadts" in json.dumps(told["response_metadata"])
    assert not slack_server.general.messages


def test_a_method_that_reads_takes_no_json(slack_server: SlackServer) -> None:
    """Slack does not look at JSON that is sent to a method that only reads."""
    slack_server.expect_refusals()
    arguments = {"channel": slack_server.general.id}
    told = refusal(
        lambda: client_of(slack_server).api_call("conversations.history", json=arguments)
    )
    assert told["error"] == "invalid_arguments"


def ask_for_nothing() -> None:
    """Post no text to a server of its own."""
    with run_slack_server(typed=False) as server:
        arguments = {"channel": server.general.id, "text": ""}
        refusal(lambda: client_of(server).api_call("chat.postMessage", json=arguments))


def test_a_refusal_fails_the_test_that_did_not_expect_it() -> None:
    """A call that Slack always refuses ends the server with an error that names it."""
    with pytest.raises(AssertionError, match=r"chat\.postMessage: no_text"):
        ask_for_nothing()


def test_a_planned_answer_may_not_lie(slack_server: SlackServer) -> None:
    """An answer that Slack's types do not allow is refused at once."""
    with pytest.raises(WrongAnswer, match="users"):
        slack_server.answer("admin.users.list", {"users": "everybody"})


def test_a_planned_answer_is_given(slack_server: SlackServer) -> None:
    """What the server does not keep, a test may answer."""
    slack_server.answer("admin.users.list", {"users": [{"id": "U1", "email": "a@example.com"}]})
    assert client_of(slack_server).admin_users_list(team_id="T1")["users"][0]["id"] == "U1"


def test_requests_are_kept(slack_server: SlackServer) -> None:
    """A test sees each call with its arguments, and whose token it came with."""
    client_of(slack_server).chat_postMessage(channel=slack_server.general.id, text="Bricks")
    (asked,) = slack_server.asked("chat.postMessage")
    assert asked.arguments == {"channel": slack_server.general.id, "text": "Bricks"}
    assert asked.user == slack_server.bot.id


async def post_many(server: SlackServer, count: int) -> None:
    """Post messages at once."""
    client = AsyncWebClient(server.token().reveal(), base_url=f"{server.url}/api/")
    posts = (client.chat_postMessage(channel="#general", text=str(each)) for each in range(count))
    await asyncio.gather(*posts)


def test_many_calls_at_once_are_all_served(slack_server: SlackServer) -> None:
    """slack_sdk's async client posts 50 messages at once, and each is kept once."""
    asyncio.run(post_many(slack_server, 50))
    assert sorted(int(each.text) for each in slack_server.general.posted) == list(range(50))


def test_a_slip_in_the_name_of_a_method_is_told(slack_server: SlackServer) -> None:
    """A fault for a method that Slack has not would never happen."""
    with pytest.raises(BrickworkError, match=r"'chat\.postMesage'") as caught:
        slack_server.fail("chat.postMesage", says("x"))
    assert "chat.postMessage" in str(caught.value.fix)
