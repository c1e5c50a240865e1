"""Names of channels, people and groups become ids: asked for once, and never guessed."""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork_slack import (
    SlackCredentials,
    SlackDenied,
    SlackInvalid,
    SlackNotFound,
    create_conversation,
    post_message,
    resolving,
)
from brickwork_slack.resolving import channel_id, forget, group_id, user_id, user_ids
from brickwork_slack.tasks import driven
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.state import UserGroup

Run = Callable[[Coroutine[Any, Any, Any]], Any]
IDS = st.from_regex(r"[A-Z0-9]{7,10}", fullmatch=True)


@pytest.fixture(params=[driven, asyncio.run], ids=["call", "aio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine in the one way or in the other."""
    found: Run = request.param
    return found


def group(server: SlackServer, handle: str, name: str) -> UserGroup:
    """Let there be a user group."""
    made = UserGroup(server.new_id("S"), name, handle, "", 1700000000, server.ada.id)
    server.workspace.groups[made.id] = made
    return made


NOBODY = SlackCredentials(token="xoxb-nobody", base_url="http://127.0.0.1:9/api/")


@given(IDS, st.sampled_from("CGD"), st.sampled_from("UW"))
def test_ids_are_never_asked_for(rest: str, channel: str, user: str) -> None:
    """Whatever they are, also in the form that messages have; nobody is even there to ask."""
    assert driven(channel_id(NOBODY, channel + rest)) == channel + rest
    assert driven(channel_id(NOBODY, f"<#{channel}{rest}|general>")) == channel + rest
    assert driven(channel_id(NOBODY, user + rest)) == user + rest
    assert driven(user_id(NOBODY, f" {user}{rest} ")) == user + rest
    assert driven(user_id(NOBODY, f"<@{user}{rest}>")) == user + rest
    assert driven(group_id(NOBODY, f"S{rest}")) == f"S{rest}"
    assert driven(group_id(NOBODY, f"<!subteam^S{rest}|@ops>")) == f"S{rest}"


def test_a_channels_name_is_looked_up_once(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """With or without #, however large, on whatever page; and for all names at once."""
    slack_server.page_size = 2
    wanted = [slack_server.channel(f"room-{number}") for number in range(5)]
    for _ in range(2):
        assert run(channel_id(slack_credentials, "#room-4")) == wanted[4].id
        assert run(channel_id(slack_credentials, "room-1")) == wanted[1].id
        assert run(channel_id(slack_credentials, "#Room-3")) == wanted[3].id
    assert len(slack_server.requests) == 4


def test_private_channels_have_names(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """For members; without groups:read the public ones still do."""
    hidden = slack_server.channel("hidden", kind="private")
    assert run(channel_id(slack_credentials, "#hidden")) == hidden.id
    less = slack_server.credentials(token=slack_server.token(scopes=["channels:read"]))
    assert run(channel_id(less, "#general")) == slack_server.general.id
    with pytest.raises(SlackNotFound, match="no channel '#hidden'"):
        run(channel_id(less, "#hidden"))


def test_without_any_scope_the_lack_is_told(slack_server: SlackServer, run: Run) -> None:
    """And not that there is no such channel."""
    bare = slack_server.credentials(token=slack_server.token(scopes=["chat:write"]))
    with pytest.raises(SlackDenied, match="channels:read"):
        run(channel_id(bare, "#general"))


def test_what_is_not_there_is_told_and_soon_asked_for_again(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    """Not at once, lest a loop asks a thousand times; but a channel may be made meanwhile."""
    for _ in range(3):
        with pytest.raises(SlackNotFound, match="no channel '#soon'") as caught:
            run(channel_id(slack_credentials, "#soon"))
    assert caught.value.error == "channel_not_found"
    assert "invite the app" in caught.value.fix
    assert len(slack_server.requests) == 1
    made = slack_server.channel("soon")
    now = monotonic()
    monkeypatch.setattr(resolving, "monotonic", lambda: now + 11)
    assert run(channel_id(slack_credentials, "#soon")) == made.id


def test_names_are_asked_for_again_after_an_hour(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    """Channels are renamed, and names are given to others."""
    run(channel_id(slack_credentials, "general"))
    slack_server.general.name, slack_server.random.name = "old", "general"
    assert run(channel_id(slack_credentials, "general")) == slack_server.general.id
    now = monotonic()
    monkeypatch.setattr(resolving, "monotonic", lambda: now + 3601)
    assert run(channel_id(slack_credentials, "general")) == slack_server.random.id


def test_what_was_made_here_is_known_at_once(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Who makes a channel can post to it by its name, also if it was looked for before."""
    with pytest.raises(SlackNotFound):
        driven(channel_id(slack_credentials, "#new"))
    made = create_conversation(slack_credentials, "new")
    assert post_message(slack_credentials, "#new", "Hello").channel == made.id


def test_to_forget_is_to_ask_anew(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """For what changes names."""
    run(channel_id(slack_credentials, "general"))
    forget(slack_credentials, "channel")
    run(channel_id(slack_credentials, "general"))
    assert len(slack_server.requests) == 2


def test_workspaces_do_not_share_names(slack_server: SlackServer, run: Run) -> None:
    """Each token has its own."""
    other = slack_server.new_workspace("other", "T00000OTHER")
    there = slack_server.credentials(token=slack_server.token(workspace=other))
    here = slack_server.credentials()
    assert run(channel_id(here, "general")) != run(channel_id(there, "general"))


def test_people_are_found_by_address(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """In any case of letters, without a list of all, and each once."""
    for address in ("ada@example.com", "Ada@Example.com", "ada@example.com"):
        assert run(user_id(slack_credentials, address)) == slack_server.ada.id
    assert [asked.method for asked in slack_server.requests] == ["users.lookupByEmail"]
    with pytest.raises(SlackNotFound, match=r"no user 'eve@example\.com'") as caught:
        run(user_id(slack_credentials, "eve@example.com"))
    assert caught.value.error == "user_not_found"


def test_a_found_address_does_not_hide_others(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """Addresses are asked for one by one, and somebody may come soon."""
    with pytest.raises(SlackNotFound):
        run(user_id(slack_credentials, "grace@example.com"))
    grace = slack_server.user("grace")
    assert run(user_id(slack_credentials, "grace@example.com")) == grace.id
    assert run(user_id(slack_credentials, "ada@example.com")) == slack_server.ada.id


def test_people_are_found_by_name(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """The account's, or the one that others see; those who are gone are not."""
    slack_server.user("gone", deleted=True)
    for name in ("@ada", "ada", "@Ada Lovelace"):
        assert run(user_id(slack_credentials, name)) == slack_server.ada.id
    with pytest.raises(SlackNotFound, match="no user '@gone'"):
        run(user_id(slack_credentials, "@gone"))
    assert [asked.method for asked in slack_server.requests] == ["users.list"]


def test_a_name_of_several_people_is_refused(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """With their ids; nobody is guessed."""
    same = [slack_server.user(name, real_name="Grace Hopper").id for name in ("grace", "gh")]
    with pytest.raises(SlackInvalid, match=f"are 2: {', '.join(sorted(same))}") as caught:
        run(user_id(slack_credentials, "@Grace Hopper"))
    assert caught.value.fix == "Give the id."


def test_an_accounts_name_comes_before_what_others_call_themselves(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """So nobody gets another's messages by a display name."""
    slack_server.user("eve", real_name="ada")
    assert run(user_id(slack_credentials, "@ada")) == slack_server.ada.id


def test_several_people_are_each_named_once(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """One text is one person; the order stays."""
    grace = slack_server.user("grace")
    assert run(user_ids(slack_credentials, "@ada")) == [slack_server.ada.id]
    given = ["@grace", "ada@example.com", grace.id, "@ada"]
    assert run(user_ids(slack_credentials, given)) == [grace.id, slack_server.ada.id]


def test_a_person_has_a_conversation(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """By name and by address; by id Slack knows it itself."""
    first = run(channel_id(slack_credentials, "@ada"))
    assert first.startswith("D")
    assert run(channel_id(slack_credentials, "ada@example.com")) == first


def test_groups_are_found_by_handle_and_name(
    slack_server: SlackServer, slack_credentials: SlackCredentials, run: Run
) -> None:
    """Once for all; a name that two have is refused."""
    ops = group(slack_server, "ops", "Operations")
    group(slack_server, "data", "Team")
    group(slack_server, "load", "Team")
    for name in ("@ops", "ops", "Operations"):
        assert run(group_id(slack_credentials, name)) == ops.id
    with pytest.raises(SlackInvalid, match="'Team' are 2"):
        run(group_id(slack_credentials, "Team"))
    with pytest.raises(SlackNotFound, match="no user group '@nobody'") as caught:
        run(group_id(slack_credentials, "@nobody"))
    assert caught.value.error == "subteam_not_found"
    assert len(slack_server.requests) == 1


@pytest.mark.parametrize(
    ("resolve", "text"),
    [
        *((channel_id, ""), (channel_id, "  "), (channel_id, "#"), (channel_id, "@")),
        *((user_id, ""), (user_id, "@"), (group_id, " "), (group_id, "@")),
    ],
)
def test_what_is_no_name_is_refused(
    resolve: Callable[[SlackCredentials, str], Coroutine[Any, Any, str]], text: str, run: Run
) -> None:
    """Before anything is sent."""
    with pytest.raises(SlackInvalid, match="is no name and no id"):
        run(resolve(NOBODY, text))
