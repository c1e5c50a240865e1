"""Tasks on who is in a conversation: who comes, who goes, and what is no error."""

import pytest

from brickwork_slack import (
    SlackConflict,
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackNotFound,
    close_conversation,
    invite_to_conversation,
    join_conversation,
    kick_from_conversation,
    leave_conversation,
    list_conversation_members,
    mark_conversation,
    open_conversation,
)
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.testing import SlackServer


def test_members_are_listed_to_the_last_page(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """In order; a limit ends them sooner."""
    slack_server.page_size = 2
    people = [slack_server.user(f"user{number}") for number in range(5)]
    slack_server.channel("room", members=people)
    ids = [each.id for each in people]
    assert list_conversation_members(slack_credentials, "#room") == ids
    assert list_conversation_members(slack_credentials, "#room", limit=3) == ids[:3]


def test_users_are_invited(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """By id, name or address; who is there already is no error, and not told."""
    room = slack_server.channel("room", members=[slack_server.bot])
    bob, eve = slack_server.user("bob"), slack_server.user("eve")
    assert invite_to_conversation(slack_credentials, "#room", [bob.id]) == [bob.id]
    wanted = ["@bob", "eve@example.com", slack_server.ada.id, eve.id]
    assert invite_to_conversation(slack_credentials, room.id, wanted) == [
        eve.id,
        slack_server.ada.id,
    ]
    assert invite_to_conversation(slack_credentials, room.id, wanted) == []
    assert room.members == [slack_server.bot.id, bob.id, eve.id, slack_server.ada.id]


def test_who_invites_is_there_already(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """So a list with the bot itself in it is no error."""
    room = slack_server.channel("room", members=[slack_server.bot])
    wanted = [slack_server.bot.id, slack_server.ada.id]
    assert invite_to_conversation(slack_credentials, room.id, wanted) == [slack_server.ada.id]


def test_if_one_cannot_be_invited_nobody_is(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Whoever else is in the list."""
    room = slack_server.channel("room", members=[slack_server.bot])
    gone = slack_server.user("gone", deleted=True)
    with pytest.raises(SlackError):
        invite_to_conversation(
            slack_credentials, room.id, [slack_server.bot.id, slack_server.ada.id, gone.id]
        )
    with pytest.raises(SlackNotFound):
        invite_to_conversation(slack_credentials, room.id, ["@nobody", slack_server.ada.id])
    assert room.members == [slack_server.bot.id]


def test_who_is_not_in_a_channel_invites_nobody(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The error says how to become a member."""
    with pytest.raises(SlackDenied, match="not_in_channel"):
        invite_to_conversation(
            slack_credentials, slack_server.random.id, [slack_server.user("bob").id]
        )


def test_too_many_are_not_invited(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Nothing is sent of a list that Slack does not take; nor of an empty one."""
    many = [f"U{number:09}" for number in range(1001)]
    with pytest.raises(SlackInvalid, match="1,000"):
        invite_to_conversation(slack_credentials, slack_server.general.id, many)
    assert invite_to_conversation(slack_credentials, slack_server.general.id, []) == []
    assert slack_server.requests == []


def test_a_user_is_put_out(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """One who is not in it is no error."""
    room = slack_server.channel("room")
    for _ in range(2):
        kick_from_conversation(slack_credentials, "#room", "@ada")
        assert room.members == [slack_server.bot.id]


def test_who_is_not_in_a_channel_puts_nobody_out(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Slack says the same as of one who is not there, but they are: an error."""
    with pytest.raises(SlackDenied, match="not_in_channel"):
        kick_from_conversation(slack_credentials, slack_server.random.id, slack_server.ada.id)
    assert slack_server.ada.id in slack_server.random.members


def test_a_bot_comes_and_goes(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Twice is no error, either way."""
    for _ in range(2):
        assert join_conversation(slack_credentials, "#random").is_member
        assert slack_server.bot.id in slack_server.random.members
    for _ in range(2):
        leave_conversation(slack_credentials, "#random")
        assert slack_server.bot.id not in slack_server.random.members


def test_a_private_channel_is_not_joined(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """One has to be invited; and nobody is put into an archived one."""
    private = slack_server.channel("private", kind="private")
    with pytest.raises(SlackConflict, match="method_not_supported"):
        join_conversation(slack_credentials, private.id)
    closed = slack_server.channel("closed", archived=True, members=[])
    with pytest.raises(SlackConflict, match="is_archived"):
        join_conversation(slack_credentials, closed.id)


def test_a_direct_message_is_opened(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The same people have the same one; several have another."""
    first = open_conversation(slack_credentials, ["ada@example.com"])
    assert open_conversation(slack_credentials, ["@ada", slack_server.ada.id]) == first
    assert first.users == (slack_server.ada.id,)
    several = open_conversation(slack_credentials, ["@ada", slack_server.user("bob").id])
    channels = slack_server.workspace.channels
    assert (channels[first.id].kind, channels[several.id].kind) == ("im", "mpim")


@pytest.mark.parametrize("count", [0, 9])
def test_a_direct_message_has_one_to_eight_others(
    slack_server: SlackServer, slack_credentials: SlackCredentials, count: int
) -> None:
    """Nothing is sent of another number."""
    with pytest.raises(SlackInvalid, match="1 to 8"):
        open_conversation(slack_credentials, [f"U{number:09}" for number in range(count)])
    assert slack_server.requests == []


def test_a_direct_message_is_put_away(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Twice is no error; a channel cannot be."""
    opened = open_conversation(slack_credentials, ["@ada"])
    for _ in range(2):
        close_conversation(slack_credentials, opened.id)
    with pytest.raises(SlackConflict, match="method_not_supported"):
        close_conversation(slack_credentials, slack_server.general.id)


def test_what_was_read_is_marked(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Later messages are new."""
    message = slack_server.say(slack_server.general, "Hello")
    mark_conversation(slack_credentials, "#general", message.ts)
    assert slack_server.general.marked == {slack_server.bot.id: message.ts}
