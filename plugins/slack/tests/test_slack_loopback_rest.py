"""The methods of the loopback Slack that are seldom used: each answers in Slack's shape."""

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.methods import METHODS


@pytest.fixture
def client(slack_server: SlackServer) -> WebClient:
    """Slack's own client, with a bot's token."""
    return WebClient(slack_server.token().reveal(), base_url=f"{slack_server.url}/api/")


@pytest.fixture
def person(slack_server: SlackServer) -> WebClient:
    """Slack's own client, with the token of ``ada``."""
    return WebClient(slack_server.token(kind="user").reveal(), base_url=f"{slack_server.url}/api/")


def test_the_workspace_and_its_bot_are_described(
    client: WebClient, slack_server: SlackServer
) -> None:
    """team.info, bots.info and emoji.list say what there is."""
    slack_server.workspace.emoji["brick"] = "https://example.com/brick.png"
    assert client.team_info()["team"]["domain"] == "brick"
    assert client.bots_info(bot=slack_server.bot.bot_id)["bot"]["user_id"] == slack_server.bot.id
    assert "brick" in client.emoji_list()["emoji"]


def test_a_revoked_token_is_gone(client: WebClient) -> None:
    """auth.revoke ends the token it came with."""
    assert client.auth_revoke(test=True)["revoked"] is False
    assert client.auth_revoke()["revoked"] is True
    with pytest.raises(SlackApiError, match="token_revoked"):
        client.auth_test()


def test_api_test_answers_what_it_is_sent(client: WebClient) -> None:
    """And with the error that is asked for."""
    assert client.api_test(foo="bar")["args"]["foo"] == "bar"
    with pytest.raises(SlackApiError, match="my_error"):
        client.api_test(error="my_error")


def test_a_channel_is_renamed_marked_and_listed(
    client: WebClient, slack_server: SlackServer
) -> None:
    """The old name is remembered; users.conversations lists what the bot is in."""
    room = slack_server.channel("room")
    ts = client.chat_postMessage(channel=room.id, text="x")["ts"]
    client.conversations_rename(channel=room.id, name="hall")
    client.conversations_mark(channel=room.id, ts=ts)
    info = client.conversations_info(channel=room.id)["channel"]
    assert (info["name"], info["previous_names"]) == ("hall", ["room"])
    assert info["last_read"] == ts
    names = [each["name"] for each in client.users_conversations()["channels"]]
    assert names == ["general", "hall"]


def test_a_direct_message_is_closed(client: WebClient, slack_server: SlackServer) -> None:
    """A channel is not: it is left."""
    direct = client.conversations_open(users=[slack_server.ada.id])["channel"]["id"]
    client.conversations_close(channel=direct)
    with pytest.raises(SlackApiError, match="method_not_supported_for_channel_type"):
        client.conversations_close(channel=slack_server.general.id)


def test_direct_messages_are_listed_with_their_user(
    client: WebClient, slack_server: SlackServer
) -> None:
    """Both of one person and of several."""
    bob = slack_server.user("bob")
    client.conversations_open(users=[slack_server.ada.id])
    client.conversations_open(users=[slack_server.ada.id, bob.id])
    one, several = client.conversations_list(types="im,mpim")["channels"]
    assert one["user"] == slack_server.ada.id
    assert several["is_mpim"] is True
    assert client.conversations_info(channel=one["id"])["channel"]["is_im"] is True


def test_me_messages_and_unfurls_are_kept(client: WebClient, slack_server: SlackServer) -> None:
    """An unfurl is an attachment of the message with the link."""
    general = slack_server.general
    ts = client.chat_meMessage(channel=general.id, text="builds")["ts"]
    assert general.messages[ts].subtype == "me_message"
    said = slack_server.say(general, "https://example.com/1")
    unfurls = {"https://example.com/1": {"text": "One"}}
    client.chat_unfurl(channel=general.id, ts=said.ts, unfurls=unfurls)
    assert said.attachments[0]["text"] == "One"
    assert client.conversations_history(channel=general.id)["messages"][0]["attachments"]


def test_files_are_searched_and_shared(
    client: WebClient, person: WebClient, slack_server: SlackServer
) -> None:
    """By the words of their names."""
    client.files_upload_v2(channel=slack_server.general.id, content="x", filename="wall plan.txt")
    found = person.search_files(query="plan")["files"]
    assert [each["name"] for each in found["matches"]] == ["wall plan.txt"]
    assert person.search_all(query="plan")["files"]["total"] == 1
    shared = person.files_sharedPublicURL(file=found["matches"][0]["id"])
    assert shared["file"]["public_url_shared"] is True


def test_three_modals_are_stacked_at_most(client: WebClient, slack_server: SlackServer) -> None:
    """The fourth is push_limit_reached."""
    view: dict[str, Any] = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Release"},
        "blocks": [{"type": "divider"}],
    }
    opened = client.views_open(trigger_id=slack_server.trigger(), view=view)["view"]
    for _ in range(2):
        pushed = client.views_push(trigger_id=slack_server.trigger(), view=view)["view"]
        assert pushed["root_view_id"] == opened["id"]
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        client.views_push(trigger_id=slack_server.trigger(), view=view)


def test_a_submitted_modal_is_told_to_the_app(client: WebClient, slack_server: SlackServer) -> None:
    """With what was filled in; without an app that listens, nobody hears of it."""
    field = {
        "type": "input",
        "block_id": "version",
        "label": {"type": "plain_text", "text": "Version"},
        "element": {"type": "plain_text_input", "action_id": "text"},
    }
    view: dict[str, Any] = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Release"},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": [field],
    }
    opened = client.views_open(trigger_id=slack_server.trigger(), view=view)["view"]
    filled = {"version": {"text": {"type": "plain_text_input", "value": "1.0"}}}
    told = slack_server.submit_view(slack_server.workspace.views[opened["id"]], filled)
    assert told.status == 0
    assert told.payload["view"]["state"]["values"] == filled


@pytest.mark.parametrize("name", sorted(METHODS))
def test_each_method_tells_the_scopes_it_accepts(slack_server: SlackServer, name: str) -> None:
    """A token without scopes is refused by methods that need one; the header says which."""
    method = METHODS[name]
    token = slack_server.token(scopes=[], kind=method.kinds[0])
    client = WebClient(token.reveal(), base_url=f"{slack_server.url}/api/")
    slack_server.expect_refusals()
    if not method.scopes:
        return
    with pytest.raises(SlackApiError) as caught:
        client.api_call(name, data={})
    answer = caught.value.response
    assert answer["error"] == "missing_scope"
    assert answer["needed"] == answer.headers["X-Accepted-OAuth-Scopes"]
