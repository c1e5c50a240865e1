"""Tasks on users: who they are, and what they say of themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from brickwork import open_serializer
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    SlackDenied,
    SlackInvalid,
    SlackNotFound,
    Status,
    clear_status,
    end_do_not_disturb,
    end_snooze,
    get_do_not_disturb,
    get_presence,
    get_status,
    get_user,
    list_users,
    look_up_user,
    set_presence,
    set_status,
    snooze_notifications,
)
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import lost_answer


@pytest.fixture
def person(slack_server: SlackServer) -> SlackCredentials:
    """Credentials of ``ada``."""
    return slack_server.credentials(token=slack_server.token(kind="user"))


def test_a_user_is_looked_up_by_address(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Capitals do not matter; who is deactivated is not found."""
    slack_server.user("eve", deleted=True)
    assert look_up_user(slack_credentials, "Ada@Example.com").id == slack_server.ada.id
    for address in ("eve@example.com", "nobody@example.com"):
        with pytest.raises(SlackNotFound):
            look_up_user(slack_credentials, address)


def test_what_is_known_of_a_user(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """By id, name or address; the same, and it can be stored."""
    profile = {"title": "Countess", "status_text": "Away", "status_emoji": ":train:"}
    slack_server.ada.profile |= {**profile, "status_expiration": 1900000000}
    found = get_user(slack_credentials, slack_server.ada.id)
    for name in ("@ada", "@Ada Lovelace", "ada@example.com", f"<@{slack_server.ada.id}>"):
        assert get_user(slack_credentials, name) == found
    assert (found.name, found.real_name, found.title) == ("ada", "Ada Lovelace", "Countess")
    assert found.status == Status("Away", ":train:", datetime.fromtimestamp(1900000000, UTC))
    assert (found.email, found.timezone) == ("ada@example.com", "Europe/Amsterdam")
    assert (found.is_bot, found.is_active, found.is_admin, found.is_guest) == (
        False,
        True,
        False,
        False,
    )
    serializer = open_serializer("json")
    assert serializer.loads(serializer.dumps(found)) == found


def test_addresses_take_a_scope(slack_server: SlackServer) -> None:
    """Without it users have none."""
    bare = slack_server.credentials(token=slack_server.token(scopes=["users:read"]))
    assert get_user(bare, slack_server.ada.id).email is None
    with pytest.raises(SlackDenied) as caught:
        look_up_user(bare, "ada@example.com")
    assert caught.value.needed == ("users:read.email",)


def test_users_are_listed_to_the_last_page(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Without the deactivated; a limit counts those that are wanted, and ends the pages."""
    slack_server.page_size = 2
    for number in range(5):
        slack_server.user(f"user{number}", deleted=number in (0, 3))
    names = ["brick", "ada", "user1", "user2", "user4"]
    assert [user.name for user in list_users(slack_credentials)] == names
    assert [user.name for user in list_users(slack_credentials, bots=False)] == names[1:]
    everybody = list_users(slack_credentials, deactivated=True)
    assert [user.name for user in everybody if not user.is_active] == ["user0", "user3"]
    before = len(slack_server.requests)
    assert [user.name for user in list_users(slack_credentials, limit=3)] == names[:3]
    assert len(slack_server.requests) - before == 2
    assert [user.name for user in list_users(slack_credentials, bots=False, limit=3)] == names[1:4]


def test_presence_is_read_and_said(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Of somebody else, and of the token's owner, of whom Slack says more."""
    slack_server.ada.presence = "away"
    others = get_presence(slack_credentials, "@ada")
    assert (others.state, others.set_away) == ("away", None)
    own = get_presence(slack_credentials)
    assert (own.state, own.set_away) == ("active", False)
    set_presence(slack_credentials, "away")
    assert get_presence(slack_credentials).set_away is True


def test_a_status_comes_and_goes(slack_server: SlackServer, person: SlackCredentials) -> None:
    """The emoji with or without colons; the end to the second."""
    end = datetime.now(UTC) + timedelta(hours=2)
    said = set_status(person, "In the train", emoji="train", expires_at=end)
    assert (said.text, said.emoji) == ("In the train", ":train:")
    assert said.expires_at == end.replace(microsecond=0)
    assert get_status(slack_server.credentials(), "@ada") == said == get_status(person)
    assert set_status(person, "Back", emoji=":house:").expires_at is None
    for _ in range(2):
        clear_status(person)
        assert get_status(person) == Status("", "", None)


def test_a_status_without_a_zone_is_refused(
    slack_server: SlackServer, person: SlackCredentials
) -> None:
    """Before anything is sent."""
    with pytest.raises(SlackInvalid, match="no zone"):
        set_status(person, "x", expires_at=datetime(2026, 11, 24))
    assert slack_server.requests == []


def test_a_status_that_is_too_long_is_refused(
    slack_server: SlackServer, person: SlackCredentials
) -> None:
    """By Slack, in its words."""
    slack_server.expect_refusals()
    with pytest.raises(SlackInvalid, match="too_long"):
        set_status(person, "x" * 101)


def test_a_bot_has_no_status(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Slack lets only people have one, and the error says whose token to give."""
    slack_server.expect_refusals()
    with pytest.raises(SlackDenied, match="not_allowed_token_type") as caught:
        set_status(slack_credentials, "Beep")
    assert "token" in caught.value.fix


def test_notifications_are_snoozed(slack_server: SlackServer, person: SlackCredentials) -> None:
    """For some minutes; ending it twice is no error, nor where the answer is lost."""
    assert get_do_not_disturb(person).snoozed_until is None
    until = snooze_notifications(person, 30)
    assert timedelta(minutes=29) < until - datetime.now(UTC) <= timedelta(minutes=30)
    state = get_do_not_disturb(person)
    assert state.snoozed_until == until
    assert (state.scheduled, state.next_start_at, state.next_end_at) == (False, None, None)
    assert get_do_not_disturb(slack_server.credentials(), "@ada").snoozed_until is None
    slack_server.fail("dnd.endSnooze", lost_answer())
    with no_waiting():
        end_snooze(person)
    end_snooze(person)
    assert slack_server.ada.snoozed_until == 0
    end_do_not_disturb(person)


def test_hours_without_notifications_are_read(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """When they begin, and when they end."""
    hours = {"next_dnd_start_ts": 1900000000, "next_dnd_end_ts": 1900030000}
    slack_server.answer("dnd.info", {"dnd_enabled": True, **hours})
    found = get_do_not_disturb(slack_credentials, slack_server.ada.id)
    assert found.scheduled
    assert found.next_start_at == datetime.fromtimestamp(1900000000, UTC)
    assert found.next_end_at == datetime.fromtimestamp(1900030000, UTC)
