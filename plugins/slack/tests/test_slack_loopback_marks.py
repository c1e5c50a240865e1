"""The loopback Slack's reactions, pins and bookmarks."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from brickwork_slack.testing import SlackServer


@pytest.fixture
def client(slack_server: SlackServer) -> WebClient:
    """Slack's own client, with a bot's token."""
    return WebClient(slack_server.token().reveal(), base_url=f"{slack_server.url}/api/")


def error_of(call: Callable[..., object], **arguments: Any) -> str:
    """Return Slack's code for a call that it refuses."""
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def test_a_reaction_is_given_once(client: WebClient, slack_server: SlackServer) -> None:
    """Twice is already_reacted; what is not there cannot be taken back."""
    message = slack_server.say(slack_server.general, "hi")
    slack_server.react(message, "eyes")
    where: dict[str, Any] = {"channel": message.channel, "timestamp": message.ts}
    client.reactions_add(**where, name="eyes")
    assert error_of(client.reactions_add, **where, name="eyes") == "already_reacted"
    (shown,) = client.reactions_get(**where)["message"]["reactions"]
    assert shown == {
        "name": "eyes",
        "count": 2,
        "users": [slack_server.ada.id, slack_server.bot.id],
    }
    client.reactions_remove(**where, name="eyes")
    assert error_of(client.reactions_remove, **where, name="eyes") == "no_reaction"
    (item,) = client.reactions_list(user=slack_server.ada.id)["items"]
    assert item["message"]["ts"] == message.ts


def test_a_pin_is_put_once(client: WebClient, slack_server: SlackServer) -> None:
    """Pins are listed newest first, and taken away once."""
    first, second = (slack_server.say(slack_server.general, text) for text in "ab")
    general = slack_server.general.id
    for message in (first, second):
        client.pins_add(channel=general, timestamp=message.ts)
    refused = error_of(client.pins_add, channel=general, timestamp=first.ts)
    assert refused == "already_pinned"
    listed = client.pins_list(channel=general)["items"]
    assert [each["message"]["text"] for each in listed] == ["b", "a"]
    client.pins_remove(channel=general, timestamp=first.ts)
    assert error_of(client.pins_remove, channel=general, timestamp=first.ts) == "no_pin"


def test_bookmarks_are_kept_in_their_channel(client: WebClient, slack_server: SlackServer) -> None:
    """They are added, changed, listed and removed."""
    general = slack_server.general.id
    made = client.bookmarks_add(
        channel_id=general, title="Docs", type="link", link="https://example.com"
    )["bookmark"]
    client.bookmarks_edit(bookmark_id=made["id"], channel_id=general, title="Manual")
    (listed,) = client.bookmarks_list(channel_id=general)["bookmarks"]
    assert (listed["title"], listed["link"]) == ("Manual", "https://example.com")
    client.bookmarks_remove(bookmark_id=made["id"], channel_id=general)
    again = error_of(client.bookmarks_remove, bookmark_id=made["id"], channel_id=general)
    assert again == "not_found"
    slack_server.expect_refusals()
    arguments = {"channel_id": general, "title": "x", "type": "link", "link": "ftp://x"}
    assert error_of(client.bookmarks_add, **arguments) == "invalid_link"
