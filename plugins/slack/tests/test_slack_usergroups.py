"""Tasks on user groups: who is mentioned together, and what is no error."""

import pytest

from brickwork import open_serializer
from brickwork_slack import (
    SlackConflict,
    SlackInvalid,
    SlackNotFound,
    create_user_group,
    disable_user_group,
    enable_user_group,
    list_user_group_members,
    list_user_groups,
    set_user_group_members,
    update_user_group,
)
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.testing import SlackServer


def test_a_group_is_made(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """With channels by name; it is found by its handle at once."""
    with pytest.raises(SlackNotFound):
        list_user_group_members(slack_credentials, "@on-call")
    made = create_user_group(
        slack_credentials, "On call", handle="@on-call", description="Ask", channels=["#general"]
    )
    assert (made.name, made.handle, made.description) == ("On call", "on-call", "Ask")
    assert made.channels == (slack_server.general.id,)
    assert (made.is_enabled, made.users) == (True, None)
    assert list_user_group_members(slack_credentials, "@on-call") == []
    serializer = open_serializer("json")
    assert serializer.loads(serializer.dumps(made)) == made


def test_names_and_handles_are_taken_once(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The error says which."""
    create_user_group(slack_credentials, "On call", handle="on-call")
    with pytest.raises(SlackConflict, match="name_already_exists"):
        create_user_group(slack_credentials, "On call", handle="other")
    with pytest.raises(SlackConflict, match="handle_already_exists"):
        create_user_group(slack_credentials, "Other", handle="on-call")
    assert len(slack_server.workspace.groups) == 1


def test_members_are_set_as_a_whole(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """By id, name or address; who is not named is in it no longer."""
    create_user_group(slack_credentials, "On call", handle="on-call")
    bob = slack_server.user("bob")
    group = set_user_group_members(slack_credentials, "@on-call", ["@ada", "bob@example.com"])
    assert group.users == (slack_server.ada.id, bob.id)
    set_user_group_members(slack_credentials, group.id, [bob.id, "@bob"])
    assert list_user_group_members(slack_credentials, "on-call") == [bob.id]
    (listed,) = list_user_groups(slack_credentials, users=True)
    assert listed.users == (bob.id,)


def test_a_group_without_members_is_refused(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Before anything is sent: Slack has none."""
    with pytest.raises(SlackInvalid, match="without members") as caught:
        set_user_group_members(slack_credentials, "S000000001", [])
    assert "disable" in caught.value.fix
    assert slack_server.requests == []


def test_what_is_said_of_a_group_is_changed(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """What is not given stays; the new handle is known at once, the old one no longer."""
    made = create_user_group(
        slack_credentials, "On call", handle="old", description="Ask", channels=["#general"]
    )
    found = update_user_group(slack_credentials, "@old", handle="new")
    assert (found.id, found.handle, found.description) == (made.id, "new", "Ask")
    assert found.channels == (slack_server.general.id,)
    assert list_user_group_members(slack_credentials, "@new") == []
    with pytest.raises(SlackNotFound):
        list_user_group_members(slack_credentials, "@old")
    assert update_user_group(slack_credentials, "@new", channels=[]).channels == ()


def test_a_group_is_disabled_and_enabled(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Twice is no error; it can be found by its handle all the same."""
    made = create_user_group(slack_credentials, "On call", handle="on-call")
    for _ in range(2):
        disable_user_group(slack_credentials, "@on-call")
        assert slack_server.workspace.groups[made.id].disabled
    assert list_user_groups(slack_credentials) == []
    (listed,) = list_user_groups(slack_credentials, disabled=True)
    assert not listed.is_enabled
    for _ in range(2):
        enable_user_group(slack_credentials, "@on-call")
        assert not slack_server.workspace.groups[made.id].disabled
