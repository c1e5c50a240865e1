"""Tasks on reactions, pins and bookmarks: as often as one likes, and done once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from brickwork.testing.task import no_waiting
from brickwork_slack import (
    SlackConflict,
    SlackCredentials,
    SlackDenied,
    SlackInvalid,
    SlackNotFound,
    SlackUncertain,
    add_bookmark,
    add_pin,
    add_reaction,
    edit_bookmark,
    get_reactions,
    list_bookmarks,
    list_pins,
    list_reactions,
    post_message,
    remove_bookmark,
    remove_pin,
    remove_reaction,
)
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import (
    Fault,
    reset_after,
    reset_before,
    says,
    server_error,
    slow,
)
from brickwork_slack.testing.state import Message

LINK = "https://example.com/runbook"


@pytest.fixture
def message(slack_server: SlackServer) -> Message:
    """A message of a person's."""
    return slack_server.say(slack_server.general, "Deploying")


def test_a_reaction_is_given_and_taken_back(
    slack_server: SlackServer, slack_credentials: SlackCredentials, message: Message
) -> None:
    """By name of the channel, with colons or without, and as often as one likes."""
    for name in ("eyes", ":eyes:", " eyes "):
        add_reaction(slack_credentials, "#general", message.ts, name)
    slack_server.react(message, "eyes")
    (found,) = get_reactions(slack_credentials, "general", message.ts)
    assert (found.name, found.count) == ("eyes", 2)
    assert found.users == (slack_server.bot.id, slack_server.ada.id)
    for _ in range(2):
        remove_reaction(slack_credentials, message.channel, message.ts, ":eyes:")
    assert message.reactions == {"eyes": [slack_server.ada.id]}


def test_a_tone_of_skin_is_kept(slack_credentials: SlackCredentials, message: Message) -> None:
    """Colons within the name belong to it."""
    add_reaction(slack_credentials, message.channel, message.ts, ":thumbsup::skin-tone-3:")
    assert list(message.reactions) == ["thumbsup::skin-tone-3"]


@pytest.mark.parametrize("fault", [reset_before(), reset_after(), server_error(503, served=True)])
def test_a_reaction_whose_answer_was_lost_is_sent_again(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    message: Message,
    fault: Fault,
) -> None:
    """It means the same when it comes twice."""
    slack_server.fail("reactions.add", fault)
    slack_server.fail("reactions.remove", fault)
    with no_waiting():
        add_reaction(slack_credentials, message.channel, message.ts, "eyes")
        assert message.reactions == {"eyes": [slack_server.bot.id]}
        remove_reaction(slack_credentials, message.channel, message.ts, "eyes")
    assert message.reactions == {}
    assert len(slack_server.asked("reactions.add")) == 2


def test_a_message_that_is_not_there_has_no_reactions(
    slack_server: SlackServer, slack_credentials: SlackCredentials, message: Message
) -> None:
    """Each says what is missing, and an emoji that Slack does not know is refused."""
    calls: list[Callable[..., Any]] = [add_reaction, remove_reaction]
    for call in calls:
        with pytest.raises(SlackNotFound, match="message_not_found"):
            call(slack_credentials, message.channel, "1.000001", "eyes")
    with pytest.raises(SlackNotFound, match="message_not_found"):
        get_reactions(slack_credentials, message.channel, "1.000001")
    with pytest.raises(SlackNotFound, match="#nowhere"):
        get_reactions(slack_credentials, "#nowhere", message.ts)
    slack_server.fail("reactions.add", says("too_many_reactions"))
    with pytest.raises(SlackConflict, match="too_many_reactions"):
        add_reaction(slack_credentials, message.channel, message.ts, "eyes")


def test_what_somebody_reacted_to_is_listed_over_all_pages(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The newest first; of the token's owner, or of whom one names."""
    slack_server.page_size = 2
    said = [slack_server.say(slack_server.general, str(number)) for number in range(5)]
    for each in said:
        slack_server.react(each, "eyes")
    found = list_reactions(slack_credentials, user="ada@example.com")
    assert [each.text for each in found] == ["4", "3", "2", "1", "0"]
    assert found[0].reactions[0].users == (slack_server.ada.id,)
    assert len(list_reactions(slack_credentials, user="@ada", limit=3)) == 3
    assert list_reactions(slack_credentials) == []


def test_a_pin_is_put_once_and_taken_away_once(
    slack_server: SlackServer, slack_credentials: SlackCredentials, message: Message
) -> None:
    """As often as one likes; the list says who pinned it, and when."""
    for _ in range(2):
        add_pin(slack_credentials, "#general", message.ts)
    (pin,) = list_pins(slack_credentials, "#general")
    assert pin.message is not None
    assert (pin.message.text, pin.message.ts, pin.file) == ("Deploying", message.ts, None)
    assert pin.pinned_by == slack_server.bot.id
    assert pin.pinned_at is not None
    assert pin.permalink.endswith(message.ts.replace(".", ""))
    for _ in range(2):
        remove_pin(slack_credentials, "#general", message.ts)
    assert list_pins(slack_credentials, "#general") == []
    with pytest.raises(SlackNotFound, match="message_not_found"):
        add_pin(slack_credentials, "#general", "1.000001")


@pytest.mark.usefixtures("slack_server")
def test_a_post_is_pinned(slack_credentials: SlackCredentials) -> None:
    """One of the task's own, whose key for itself the list does not show."""
    posted = post_message(slack_credentials, "#general", "Deployed")
    add_pin(slack_credentials, posted.channel, posted.ts)
    (pin,) = list_pins(slack_credentials, posted.channel)
    assert pin.message is not None
    assert (pin.message.ts, pin.permalink) == (posted.ts, posted.permalink)


def test_pinned_files_are_listed(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Slack still shows those of old."""
    file = {"id": "F024BERPE", "permalink": "https://brick.slack.com/files/x"}
    slack_server.answer("pins.list", {"items": [{"type": "file", "created": 1, "file": file}]})
    (pin,) = list_pins(slack_credentials, "#general")
    assert (pin.message, pin.file, pin.permalink) == (None, "F024BERPE", file["permalink"])


def test_bookmarks_are_made_changed_and_removed(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """What is not given stays; removing one twice is no error."""
    made = add_bookmark(slack_credentials, "#general", "Runbook", LINK, emoji="books")
    assert (made.title, made.link, made.emoji) == ("Runbook", LINK, ":books:")
    assert (made.channel, made.updated_at) == (slack_server.general.id, None)
    changed = edit_bookmark(slack_credentials, "#general", made.id, title="Manual")
    assert (changed.title, changed.link, changed.emoji) == ("Manual", LINK, ":books:")
    assert changed.updated_at is not None
    assert list_bookmarks(slack_credentials, "#general") == [changed]
    for _ in range(2):
        remove_bookmark(slack_credentials, "#general", made.id)
    assert list_bookmarks(slack_credentials, "#general") == []
    with pytest.raises(SlackNotFound, match="not_found"):
        edit_bookmark(slack_credentials, "#general", made.id, title="Manual")


def test_a_change_of_nothing_is_not_sent(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """It is refused here."""
    with pytest.raises(SlackInvalid, match="Nothing"):
        edit_bookmark(slack_credentials, "#general", "Bk0001")
    assert not slack_server.requests


@pytest.mark.parametrize("fault", [reset_before(), reset_after(), server_error(500, served=True)])
def test_a_bookmark_whose_answer_was_lost_is_there_once(
    slack_server: SlackServer, slack_credentials: SlackCredentials, fault: Fault
) -> None:
    """The bookmarks are looked at, and it is added again only if it is not there."""
    slack_server.fail("bookmarks.add", fault)
    with no_waiting():
        made = asyncio.run(add_bookmark.aio(slack_credentials, "#general", "Runbook", LINK))
    assert [each["id"] for each in slack_server.general.bookmarks] == [made.id]


def test_who_may_not_look_learns_that_nobody_knows(slack_server: SlackServer) -> None:
    """Without bookmarks:read it is not added again."""
    bare = slack_server.credentials(token=slack_server.token(scopes=["bookmarks:write"]))
    slack_server.fail("bookmarks.add", reset_after())
    with pytest.raises(SlackUncertain, match=r"bookmarks\.add"):
        add_bookmark(bare, slack_server.general.id, "Runbook", LINK)
    assert len(slack_server.general.bookmarks) == 1


def test_a_bookmark_is_not_added_again_while_slack_may_be_at_it(slack_server: SlackServer) -> None:
    """No answer came in time, and it is not there yet."""
    hasty = slack_server.credentials(client_options={"timeout": 0.3})
    slack_server.fail("bookmarks.add", slow(30))
    with pytest.raises(SlackUncertain):
        add_bookmark(hasty, slack_server.general.id, "Runbook", LINK)
    assert len(slack_server.asked("bookmarks.add")) == 1


def test_what_slack_knows_no_emoji_for_is_told(
    slack_server: SlackServer, slack_credentials: SlackCredentials, message: Message
) -> None:
    """Not as a name that does not fit a channel."""
    slack_server.fail("reactions.add", says("invalid_name"))
    with pytest.raises(SlackInvalid, match="invalid_name") as caught:
        add_reaction(slack_credentials, message.channel, message.ts, "nonsense")
    assert "emoji" in caught.value.fix


def test_the_scope_that_lacks_is_named(slack_server: SlackServer, message: Message) -> None:
    """For each task, the one that it declares."""
    bare = slack_server.credentials(token=slack_server.token(scopes=["chat:write"]))
    where = {"credentials": bare, "channel": message.channel}
    calls: list[tuple[Any, dict[str, Any]]] = [
        (add_reaction, {"ts": message.ts, "name": "eyes"}),
        (remove_reaction, {"ts": message.ts, "name": "eyes"}),
        (get_reactions, {"ts": message.ts}),
        (add_pin, {"ts": message.ts}),
        (remove_pin, {"ts": message.ts}),
        (list_pins, {}),
        (add_bookmark, {"title": "x", "link": LINK}),
        (edit_bookmark, {"bookmark": "Bk1", "title": "x"}),
        (remove_bookmark, {"bookmark": "Bk1"}),
        (list_bookmarks, {}),
    ]
    for task, more in calls:
        with pytest.raises(SlackDenied) as caught:
            task(**where, **more)
        assert caught.value.needed == task.permissions[:1]
