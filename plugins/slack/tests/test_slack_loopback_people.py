"""The loopback Slack's conversations, users and groups."""

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


@pytest.fixture
def person(slack_server: SlackServer) -> WebClient:
    """Slack's own client, with the token of ``ada``."""
    return WebClient(slack_server.token(kind="user").reveal(), base_url=f"{slack_server.url}/api/")


def error_of(call: Callable[..., object], **arguments: Any) -> str:
    """Return Slack's code for a call that it refuses."""
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def test_a_channel_is_made_once(client: WebClient, slack_server: SlackServer) -> None:
    """A name is taken by one channel, and has no capitals or blanks."""
    made = client.conversations_create(name="releases")["channel"]
    assert slack_server.workspace.channels[made["id"]].members == [slack_server.bot.id]
    assert error_of(client.conversations_create, name="releases") == "name_taken"
    slack_server.expect_refusals()
    assert error_of(client.conversations_create, name="Big News") == "invalid_name_specials"
    assert error_of(client.conversations_create, name="x" * 81) == "invalid_name_maxlength"


def test_private_channels_are_not_seen_from_without(
    client: WebClient, slack_server: SlackServer
) -> None:
    """A bot that is not in a private channel cannot find it."""
    hidden = slack_server.channel("hidden", kind="private", members=[slack_server.ada])
    seen = slack_server.channel("seen", kind="private")
    listed = client.conversations_list(types="public_channel,private_channel")["channels"]
    names = {each["name"] for each in listed}
    assert seen.name in names
    assert hidden.name not in names
    assert error_of(client.conversations_info, channel=hidden.id) == "channel_not_found"


def test_people_come_and_go(client: WebClient, slack_server: SlackServer) -> None:
    """Invitations, kicks, joining and leaving change who is in."""
    room, bob = slack_server.channel("room", members=[slack_server.bot]), slack_server.user("bob")
    client.conversations_invite(channel=room.id, users=[bob.id, slack_server.ada.id])
    assert room.members == [slack_server.bot.id, bob.id, slack_server.ada.id]
    refused = error_of(client.conversations_invite, channel=room.id, users=[bob.id])
    assert refused == "already_in_channel"
    client.conversations_kick(channel=room.id, user=bob.id)
    assert client.conversations_members(channel=room.id)["members"] == room.members
    assert bob.id not in room.members
    client.conversations_leave(channel=room.id)
    assert client.conversations_leave(channel=room.id)["not_in_channel"] is True
    client.conversations_join(channel=room.id)
    assert client.conversations_join(channel=room.id)["warning"] == "already_in_channel"


def test_an_archived_channel_stays_as_it_is(client: WebClient, slack_server: SlackServer) -> None:
    """Nothing is posted or changed in it until it is opened again."""
    room = slack_server.channel("room")
    client.conversations_archive(channel=room.id)
    assert error_of(client.conversations_archive, channel=room.id) == "already_archived"
    refused = error_of(client.conversations_setTopic, channel=room.id, topic="x")
    assert refused == "is_archived"
    client.conversations_unarchive(channel=room.id)
    client.conversations_setTopic(channel=room.id, topic="x")
    client.conversations_setPurpose(channel=room.id, purpose="y")
    info = client.conversations_info(channel=room.id, include_num_members=True)["channel"]
    assert (info["topic"]["value"], info["purpose"]["value"]) == ("x", "y")
    assert info["num_members"] == 2


def test_a_direct_message_is_opened_once(client: WebClient, slack_server: SlackServer) -> None:
    """The same people have the same conversation."""
    first = client.conversations_open(users=[slack_server.ada.id])
    again = client.conversations_open(users=[slack_server.ada.id], return_im=True)
    assert first["channel"]["id"] == again["channel"]["id"]
    assert again["already_open"] is True
    group = client.conversations_open(users=[slack_server.ada.id, slack_server.user("bob").id])
    assert slack_server.workspace.channels[group["channel"]["id"]].kind == "mpim"


def test_users_are_found_by_address(client: WebClient, slack_server: SlackServer) -> None:
    """Whatever the case of the address; not the deactivated."""
    slack_server.user("eve", deleted=True)
    found = client.users_lookupByEmail(email="Ada@Example.com")
    assert found["user"]["id"] == slack_server.ada.id
    assert error_of(client.users_lookupByEmail, email="eve@example.com") == "users_not_found"
    assert error_of(client.users_info, user="U404") == "user_not_found"


def test_addresses_need_a_scope(slack_server: SlackServer) -> None:
    """Without users:read.email, profiles have no address."""
    token = slack_server.token(scopes=["users:read"])
    client = WebClient(token.reveal(), base_url=f"{slack_server.url}/api/")
    assert "email" not in client.users_info(user=slack_server.ada.id)["user"]["profile"]


def test_users_are_listed_in_pages(client: WebClient, slack_server: SlackServer) -> None:
    """All of them, also deactivated ones."""
    for number in range(5):
        slack_server.user(f"user{number}", deleted=number == 3)
    names = [user["name"] for page in client.users_list(limit=2) for user in page["members"]]
    assert names == ["brick", "ada", *(f"user{number}" for number in range(5))]


def test_a_status_is_set_by_a_person(
    client: WebClient, person: WebClient, slack_server: SlackServer
) -> None:
    """A bot's token is not taken for it; a status has an emoji and at most 100 characters."""
    status = {"status_text": "Building", "status_emoji": ":bricks:"}
    refused = error_of(client.users_profile_set, profile=status)
    assert refused == "not_allowed_token_type"
    person.users_profile_set(profile=status)
    shown = client.users_profile_get(user=slack_server.ada.id)["profile"]
    assert (shown["status_text"], shown["status_emoji"]) == ("Building", ":bricks:")
    slack_server.expect_refusals()
    assert error_of(person.users_profile_set, profile={"status_text": "x" * 101}) == "too_long"


def test_presence_is_seen_by_others(client: WebClient, person: WebClient) -> None:
    """Who sets away is away."""
    ada = person.auth_test()["user_id"]
    person.users_setPresence(presence="away")
    assert client.users_getPresence(user=ada)["presence"] == "away"


def test_a_snooze_ends(person: WebClient, slack_server: SlackServer) -> None:
    """Do not disturb lasts as long as was said."""
    person.dnd_setSnooze(num_minutes=10)
    assert person.dnd_info()["snooze_enabled"] is True
    slack_server.advance(601)
    assert person.dnd_info()["snooze_enabled"] is False
    assert error_of(person.dnd_endSnooze) == "snooze_not_active"


def test_a_user_group_has_users_and_a_handle(client: WebClient, slack_server: SlackServer) -> None:
    """Groups are made, filled, disabled and enabled; a handle is taken once."""
    made = client.usergroups_create(name="On call", handle="oncall")["usergroup"]
    assert error_of(client.usergroups_create, name="Other", handle="oncall") == (
        "handle_already_exists"
    )
    client.usergroups_users_update(usergroup=made["id"], users=[slack_server.ada.id])
    users = client.usergroups_users_list(usergroup=made["id"])["users"]
    assert users == [slack_server.ada.id]
    client.usergroups_disable(usergroup=made["id"])
    assert client.usergroups_list()["usergroups"] == []
    (shown,) = client.usergroups_list(include_disabled=True, include_users=True)["usergroups"]
    assert shown["users"] == users
    client.usergroups_enable(usergroup=made["id"])
    renamed = client.usergroups_update(usergroup=made["id"], name="Pager")["usergroup"]
    assert renamed["name"] == "Pager"
    assert error_of(client.usergroups_users_list, usergroup="S404") == "no_such_subteam"


def test_two_workspaces_know_nothing_of_each_other(slack_server: SlackServer) -> None:
    """A token of one workspace does not see the other's channels."""
    other = slack_server.new_workspace("stone", "T0000STONE1")
    token = slack_server.token(workspace=other)
    client = WebClient(token.reveal(), base_url=f"{slack_server.url}/api/")
    assert client.auth_test()["team_id"] == other.id
    refused = error_of(client.conversations_info, channel=slack_server.general.id)
    assert refused == "channel_not_found"


def test_search_finds_words_authors_and_places(
    person: WebClient, slack_server: SlackServer
) -> None:
    """A query of words and modifiers finds what fits all."""
    slack_server.say(slack_server.general, "red bricks")
    slack_server.say(slack_server.random, "blue bricks")
    found = person.search_messages(query="bricks in:#random from:@ada")["messages"]
    assert [each["text"] for each in found["matches"]] == ["blue bricks"]
    assert person.search_messages(query='"red bricks"')["messages"]["total"] == 1


def test_a_view_is_opened_by_a_fresh_trigger_once(
    client: WebClient, slack_server: SlackServer
) -> None:
    """A trigger opens one modal, within three seconds."""
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Release"},
        "blocks": [{"type": "divider"}],
    }
    trigger = slack_server.trigger()
    opened = client.views_open(trigger_id=trigger, view=view)["view"]
    assert slack_server.workspace.views[opened["id"]].user == slack_server.ada.id
    again = error_of(client.views_open, trigger_id=trigger, view=view)
    assert again == "exchanged_trigger_id"
    late = slack_server.trigger()
    slack_server.advance(4)
    assert error_of(client.views_open, trigger_id=late, view=view) == "expired_trigger_id"
    client.views_update(
        view_id=opened["id"], hash=opened["hash"], view={**view, "callback_id": "c"}
    )
    stale = error_of(client.views_update, view_id=opened["id"], hash=opened["hash"], view=view)
    assert stale == "hash_conflict"
    slack_server.expect_refusals()
    long = {**view, "title": {"type": "plain_text", "text": "x" * 25}}
    with pytest.raises(SlackApiError, match="less than 25 characters"):
        client.views_open(trigger_id=slack_server.trigger(), view=long)


def test_a_home_tab_is_published(client: WebClient, slack_server: SlackServer) -> None:
    """A home tab belongs to a user, and is filled anew."""
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    first = client.views_publish(user_id=slack_server.ada.id, view=home)["view"]
    again = client.views_publish(user_id=slack_server.ada.id, view=home)["view"]
    assert first["id"] == again["id"]
