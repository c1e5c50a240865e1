"""Tasks on channels: what is made, found, named, closed; and what is no error."""

import asyncio

import pytest

from brickwork import open_serializer
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    Conversation,
    SlackConflict,
    SlackDenied,
    SlackInvalid,
    SlackNotFound,
    SlackUncertain,
    archive_conversation,
    create_conversation,
    get_conversation,
    list_conversations,
    rename_conversation,
    set_conversation_purpose,
    set_conversation_topic,
    unarchive_conversation,
)
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.manifest import scopes_for
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import lost_answer, rate_limited


@pytest.fixture
def person(slack_server: SlackServer) -> SlackCredentials:
    """Credentials of ``ada``."""
    return slack_server.credentials(token=slack_server.token(kind="user"))


def test_conversations_are_listed_to_the_last_page(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """However small Slack makes its pages; archived ones only for those who ask for them."""
    slack_server.page_size = 2
    for number in range(5):
        slack_server.channel(f"room-{number}", archived=number == 3)
    names = [each.name for each in list_conversations(slack_credentials)]
    assert names == ["general", "random", "room-0", "room-1", "room-2", "room-4"]
    assert len(slack_server.asked("conversations.list")) == 3
    closed = list_conversations(slack_credentials, archived=True)[5]
    assert (closed.name, closed.is_archived) == ("room-3", True)


def test_a_limit_ends_the_pages(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """No more is asked for than is wanted."""
    slack_server.page_size = 2
    for number in range(5):
        slack_server.channel(f"room-{number}")
    assert len(list_conversations(slack_credentials, limit=3)) == 3
    assert [each.arguments["limit"] for each in slack_server.requests] == ["3", "1"]
    assert list_conversations(slack_credentials, limit=0) == []


def test_conversations_are_of_four_kinds(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Each says of which; a direct message says with whom."""
    grace = slack_server.user("grace")
    slack_server.channel("hidden", kind="private")
    people = [slack_server.bot.id, slack_server.ada.id]
    slack_server.direct(slack_server.workspace, people)
    slack_server.direct(slack_server.workspace, [*people, grace.id])
    kinds = ["private_channel", "im", "mpim"]
    found = list_conversations(slack_credentials, kinds=kinds)  # type: ignore[arg-type]  # as a command line gives them
    assert [each.kind for each in found] == kinds
    private, single, several = found
    assert (private.name, private.is_member, private.member_count) == ("hidden", True, 2)
    assert (single.user, single.name, single.is_member) == (slack_server.ada.id, "", True)
    assert several.name.startswith("mpdm-")


def test_the_conversations_of_a_user_are_listed(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Those that they are in, as far as the token may see them; they may be named by address."""
    grace = slack_server.user("grace")
    slack_server.channel("with-grace", members=[grace])
    slack_server.channel("secret", members=[grace], kind="private")
    found = list_conversations(
        slack_credentials, user="grace@example.com", kinds=["public_channel", "private_channel"]
    )
    assert [each.name for each in found] == ["with-grace"]
    assert (found[0].is_member, found[0].member_count) == (None, None)


def test_each_kind_needs_its_scope(slack_server: SlackServer) -> None:
    """The error says which one lacks."""
    token = slack_server.token(scopes=["channels:read"])
    credentials = slack_server.credentials(token=token)
    assert list_conversations(credentials)
    with pytest.raises(SlackDenied, match="groups:read") as caught:
        list_conversations(credentials, kinds=["private_channel"])
    assert "groups:read" in caught.value.needed


def test_a_conversation_is_read(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """By id, by name, or as messages mention it."""
    room = slack_server.channel("room")
    room.topic, room.purpose = ("Now", "U1", 1), ("Ever", "U1", 1)
    found = get_conversation(slack_credentials, room.id)
    for name in ("#room", "room", f"<#{room.id}|room>"):
        assert get_conversation(slack_credentials, name) == found
    assert (found.topic, found.purpose, found.member_count) == ("Now", "Ever", 2)
    assert found.created_at is not None
    assert found.created_at.timestamp() == room.created
    assert found.creator == slack_server.bot.id
    serializer = open_serializer("json")
    assert serializer.loads(serializer.dumps(found)) == found


def test_a_private_channel_is_not_there_for_others(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Neither by name nor by id; the error says what to do."""
    hidden = slack_server.channel("hidden", kind="private", members=[slack_server.ada])
    for given in ("#hidden", hidden.id):
        with pytest.raises(SlackNotFound) as caught:
            get_conversation(slack_credentials, given)
        assert caught.value.error == "channel_not_found"
        assert "invite" in caught.value.fix


def test_a_channel_is_made(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """Public or private; who made it is in it, and finds it by name at once."""
    with pytest.raises(SlackNotFound):
        get_conversation(slack_credentials, "#incident-42")
    made = create_conversation(slack_credentials, "#incident-42")
    assert (made.name, made.kind, made.is_member) == ("incident-42", "public_channel", True)
    assert get_conversation(slack_credentials, "#incident-42").id == made.id
    private = create_conversation(slack_credentials, "incident-43", private=True)
    assert private.kind == "private_channel"
    assert slack_server.workspace.channels[private.id].kind == "private"


def test_a_name_is_taken_by_one_channel(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """That is an error, unless the one that is there will do."""
    with pytest.raises(SlackConflict) as caught:
        create_conversation(slack_credentials, "random")
    assert caught.value.error == "name_taken"
    assert "if_exists" in caught.value.fix
    found = create_conversation(slack_credentials, "random", if_exists="use")
    assert (found.id, found.is_member) == (slack_server.random.id, False)


def test_a_channel_that_is_not_seen_cannot_be_used(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """It takes the name all the same."""
    slack_server.channel("hidden", kind="private", members=[slack_server.ada])
    with pytest.raises(SlackConflict, match="name_taken") as caught:
        create_conversation(slack_credentials, "hidden", if_exists="use")
    assert "not seen" in caught.value.fix


def test_an_archived_channel_cannot_be_used(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Nothing could be posted to it; the error says which it is."""
    closed = slack_server.channel("closed", archived=True)
    with pytest.raises(SlackConflict) as caught:
        create_conversation(slack_credentials, "closed", if_exists="use")
    assert closed.id in caught.value.fix


def test_a_lost_answer_makes_no_second_channel(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Nobody knows whether it was made; who would use one that is there gets it."""
    slack_server.fail("conversations.create", lost_answer())
    with pytest.raises(SlackUncertain):
        create_conversation(slack_credentials, "one")
    slack_server.fail("conversations.create", lost_answer())
    made = create_conversation(slack_credentials, "two", if_exists="use")
    assert (made.name, made.is_member) == ("two", True)
    assert len(slack_server.asked("conversations.create")) == 2


def test_a_name_that_is_none_is_refused(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The error says what names are like."""
    slack_server.expect_refusals()
    with pytest.raises(SlackInvalid, match="invalid_name_specials") as caught:
        create_conversation(slack_credentials, "Big News", if_exists="use")
    assert "lower-case" in caught.value.fix


def test_a_channel_is_renamed(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """It is found by its new name at once, and by its old one no longer."""
    room = slack_server.channel("old")
    assert rename_conversation(slack_credentials, "#old", "#new").name == "new"
    assert room.name == "new"
    assert get_conversation(slack_credentials, "#new").previous_names == ("old",)
    with pytest.raises(SlackNotFound):
        get_conversation(slack_credentials, "#old")


def test_a_channel_may_have_its_name_already(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Then nothing is to be done; another channel's name is an error."""
    slack_server.channel("room")
    assert rename_conversation(slack_credentials, "#room", "room").name == "room"
    with pytest.raises(SlackConflict):
        rename_conversation(slack_credentials, "#room", "random")
    with pytest.raises(SlackDenied):
        rename_conversation(slack_credentials, slack_server.random.id, "other")


def test_a_channel_is_archived_and_opened_again(
    slack_server: SlackServer, slack_credentials: SlackCredentials, person: SlackCredentials
) -> None:
    """Twice is no error, and leads to the same end."""
    room = slack_server.channel("room")
    for _ in range(2):
        archive_conversation(slack_credentials, room.id)
        assert room.archived
    for _ in range(2):
        unarchive_conversation(person, "#room")
        assert not room.archived


def test_a_lost_answer_does_not_matter_to_an_archive(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """It is asked for again, and Slack says that it is so."""
    room = slack_server.channel("room")
    slack_server.fail("conversations.archive", lost_answer())
    with no_waiting():
        archive_conversation(slack_credentials, room.id)
    assert room.archived
    assert len(slack_server.asked("conversations.archive")) == 2


def test_the_general_channel_stays(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Slack's refusals that mean something are errors."""
    with pytest.raises(SlackConflict, match="cant_archive_general"):
        archive_conversation(slack_credentials, slack_server.general.id)


def test_topic_and_purpose_are_set(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """An empty text takes them away."""
    room = slack_server.channel("room")
    assert set_conversation_topic(slack_credentials, "#room", "Now").topic == "Now"
    found = set_conversation_purpose(slack_credentials, "#room", "Ever")
    assert (found.topic, found.purpose) == ("Now", "Ever")
    assert set_conversation_topic(slack_credentials, "#room", "").topic == ""
    assert room.topic[0] == ""


def test_only_members_set_a_topic(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The error says how to become one."""
    with pytest.raises(SlackDenied, match="not_in_channel") as caught:
        set_conversation_topic(slack_credentials, slack_server.random.id, "x")
    assert "join_conversation" in caught.value.fix


def test_a_rate_limit_is_waited_out_between_pages(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """In event loops, too."""
    slack_server.page_size = 1
    slack_server.fail("conversations.list", rate_limited(20))

    async def listed() -> list[Conversation]:
        return await list_conversations.aio(slack_credentials)

    with no_waiting() as waits:
        assert [each.name for each in asyncio.run(listed())] == ["general", "random"]
    assert len(waits) == 1
    assert waits[0] == pytest.approx(20, abs=1)


def test_a_manifest_asks_a_person_to_open_channels() -> None:
    """Bots cannot open an archived one again; they can archive it."""
    assert scopes_for([archive_conversation, unarchive_conversation]) == {
        "bot": ["channels:manage"],
        "user": ["channels:write"],
    }
