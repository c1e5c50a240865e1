"""The workspace of credentials: named to the methods that take one, and to no other."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient

from brickwork import Task
from brickwork_slack import (
    SlackCredentials,
    list_conversations,
    list_users,
    look_up_user,
    post_message,
    publish_home,
    read_history,
    slack_call,
    upload_file,
)
from brickwork_slack.blockkit import section
from brickwork_slack.calls import _takes_team
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.types import types_of_slack

Run = Callable[..., Any]


@pytest.fixture(params=["call", "aio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a task in the one way or in the other."""

    def waiting(task: Task[..., Any], *args: Any, **kwargs: Any) -> Any:
        return asyncio.run(task.aio(*args, **kwargs))

    if request.param == "aio":
        return waiting
    return lambda task, *args, **kwargs: task(*args, **kwargs)


@pytest.fixture
def credentials(slack_server: SlackServer) -> SlackCredentials:
    """Credentials that name their workspace."""
    return slack_server.credentials(team_id=slack_server.workspace.id)


def told(server: SlackServer) -> dict[str, Any]:
    """Return which workspace each method was told."""
    return {each.method: each.arguments.get("team_id") for each in server.requests}


def test_tasks_name_the_workspace_where_a_method_takes_it(
    slack_server: SlackServer, credentials: SlackCredentials, run: Run
) -> None:
    """Nothing is refused, of posts, uploads, lists and all else."""
    run(post_message, credentials, "#general", "Deployed")
    run(upload_file, credentials, b"day,sum", "#general", name="report.csv")
    run(list_conversations, credentials)
    run(read_history, credentials, slack_server.general.id)
    run(look_up_user, credentials, "ada@example.com")
    run(list_users, credentials)
    run(publish_home, credentials, slack_server.ada.id, [section("Hi")])
    assert run(slack_call, credentials, "auth.test")["ok"]
    assert slack_server.refusals == []
    named = {method for method, team in told(slack_server).items() if team is not None}
    assert named == {"conversations.list", "users.list"}
    assert slack_server.asked("users.list")[0].arguments["team_id"] == slack_server.workspace.id


def test_a_workspace_that_is_given_counts(
    slack_server: SlackServer, credentials: SlackCredentials, run: Run
) -> None:
    """And not that of the credentials."""
    run(slack_call, credentials, "conversations.list", team_id="T0OTHER")
    assert told(slack_server) == {"conversations.list": "T0OTHER"}


def test_without_a_workspace_none_is_named(slack_server: SlackServer, run: Run) -> None:
    """Slack takes that of the token."""
    run(slack_call, slack_server.credentials(), "conversations.list")
    assert told(slack_server) == {"conversations.list": None}


@pytest.mark.usefixtures("slack_server")  # which tells where the types lack
def test_slack_takes_a_workspace_where_it_is_named() -> None:
    """slack_sdk knows of no method more than Slack's own types."""
    types = types_of_slack()
    taking = [method for method in types.methods if _takes_team(method)]
    assert len(taking) > 20
    for method in taking:
        faults = types.argument_faults(method, {"team_id": "T024BE7LD"})
        assert not [fault for fault in faults if "unknown" in fault], method


@pytest.mark.parametrize("kind", ["client", "async_client"])
def test_users_clients_name_the_workspace_always(
    slack_server: SlackServer, credentials: SlackCredentials, kind: str
) -> None:
    """As slack_sdk's own clients do, whatever the method."""
    slack_server.expect_refusals()
    theirs = WebClient("xoxb-1", team_id=slack_server.workspace.id).default_params
    assert theirs == {"team_id": slack_server.workspace.id}
    client: Any = getattr(credentials, kind)()
    assert client.default_params == theirs
    answer = client.conversations_list()
    assert (answer if kind == "client" else asyncio.run(answer))["ok"]
    assert told(slack_server) == {"conversations.list": slack_server.workspace.id}
