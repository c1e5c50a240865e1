"""Scopes that tasks declare: with them each does its work, and without any one of them none."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from brickwork import Task
from brickwork.registry.current import get_registry
from brickwork_slack import (
    SlackDenied,
    get_user,
    list_user_group_members,
    post_message,
    upload_file,
)
from brickwork_slack.manifest import scopes_for
from brickwork_slack.plugin import brickwork_tasks
from brickwork_slack.testing import SlackServer, contracts
from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.state import UserGroup

CONTRACTS: dict[str, type[SlackTaskContract]] = {
    each.name: each
    for each in vars(contracts).values()
    if isinstance(each, type) and issubclass(each, SlackTaskContract) and each.name
}
WITHOUT_TOKEN = {"slack.delete_original", "slack.respond", "slack.send_webhook"}
"""Tasks whose address is all that they need."""

ANY_METHOD = "slack.slack_call"
"""What it needs depends on the method."""

ONLY_SOMETIMES = {
    ("slack.add_bookmark", "bookmarks:read"): "looked for only after a lost answer",
    ("slack.ask_approval", "usergroups:read"): "only for approvers that are a group",
    ("slack.ask_approval", "users:read"): "only for approvers by name",
    ("slack.create_conversation", "channels:read"): "only where the channel is there already",
    ("slack.invite_to_conversation", "channels:read"): "only where somebody is in it already",
    ("slack.kick_from_conversation", "channels:read"): "only to look whether it was done",
    (
        "slack.look_up_user",
        "users:read",
    ): "https://docs.slack.dev/reference/scopes/users.read.email",
    ("slack.open_conversation", "mpim:write"): "only with several people",
    ("slack.close_conversation", "im:write"): "one of the two, as the conversation is",
    ("slack.close_conversation", "mpim:write"): "one of the two, as the conversation is",
    ("slack.rename_conversation", "channels:read"): "only where it has the name already",
}
"""Scopes that the call of the contract does not need, and when somebody does."""

NAMES = sorted(CONTRACTS.keys() - {ANY_METHOD})
PAIRS = [
    (name, scope)
    for name in NAMES
    for scope in get_registry().task(name).permissions
    if (name, scope) not in ONLY_SOMETIMES
]


def test_all_tasks_are_tried() -> None:
    """Each task that takes a token has a contract, and so is called here."""
    assert set(brickwork_tasks()) - set(CONTRACTS) == WITHOUT_TOKEN


@pytest.mark.parametrize("name", NAMES)
def test_the_declared_scopes_are_enough(name: str, slack_server: SlackServer) -> None:
    """A task works in a public channel with a token that has just the scopes it declares."""
    task = get_registry().task(name)
    with arguments(name, slack_server, task.permissions) as given:
        task(**given)


@pytest.mark.parametrize(("name", "scope"), PAIRS)
def test_no_scope_is_asked_for_in_vain(name: str, scope: str, slack_server: SlackServer) -> None:
    """Without one of the scopes the task does not work, and the error names what lacks."""
    task = get_registry().task(name)
    rest = set(task.permissions) - {scope}
    with arguments(name, slack_server, rest) as given, pytest.raises(SlackDenied) as caught:
        task(**given)
    assert caught.value.error == "missing_scope"
    assert scope in f"{caught.value} {caught.value.needed}"


@pytest.mark.parametrize(("name", "scope"), [each for each in ONLY_SOMETIMES if each[0] in NAMES])
def test_exceptions_are_declared_scopes(name: str, scope: str) -> None:
    """Each scope that is only needed sometimes is one that the task declares."""
    assert scope in get_registry().task(name).permissions


@pytest.mark.parametrize("name", NAMES)
def test_the_manifest_gives_scopes_to_who_may_use_them(name: str) -> None:
    """The manifest asks a person for what only people may do, and the bot for all else."""
    found = scopes_for([get_registry().task(name)])
    assert set(found) <= {CONTRACTS[name].whose}


BY_NAME: list[tuple[Task[..., Any], dict[str, str], set[str]]] = [
    (upload_file, {"channel": "#general", "name": "a.txt"}, {"channels:read"}),
    (upload_file, {"channel": "@ada", "name": "a.txt"}, {"users:read", "im:write"}),
    (post_message, {"channel": "@ada"}, {"users:read", "im:write"}),
    (post_message, {"channel": "ada@example.com"}, {"users:read.email", "im:write"}),
    (get_user, {"user": "ada@example.com"}, {"users:read.email"}),
    (list_user_group_members, {"group": "@ops"}, set()),
]
CONTENT: dict[Task[..., Any], dict[str, Any]] = {
    upload_file: {"content": b"x"},
    post_message: {"text": "x"},
}


@pytest.mark.parametrize(("task", "given", "more"), BY_NAME)
def test_names_take_the_scopes_that_the_page_says(
    slack_server: SlackServer, task: Task[..., Any], given: dict[str, str], more: set[str]
) -> None:
    """With them a name is found, and without any one of them it is not."""
    group = UserGroup("S00000001", "Operations", "ops", "", 1700000000, slack_server.ada.id)
    slack_server.workspace.groups[group.id] = group

    def call(scopes: set[str]) -> object:
        credentials = slack_server.credentials(token=slack_server.token(scopes=scopes))
        return task(credentials, **CONTENT.get(task, {}), **given)

    whole = {*task.permissions, *more}
    call(whole)
    for lacking in more:
        with pytest.raises(SlackDenied, match=lacking.partition(":")[0]):
            call(whole - {lacking})


@contextmanager
def arguments(name: str, server: SlackServer, scopes: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Give the arguments of a task's contract, with a token that has these scopes alone."""
    contract = CONTRACTS[name]()
    token = server.token(kind=contract.whose, scopes=scopes)
    given = {**contract.arguments, **contract.prepare(server)}
    if given.get("channel") == "#general":  # a name has to be looked up, which takes channels:read
        given["channel"] = server.general.id
    with _approved(server) if name == "slack.ask_approval" else _nobody():
        yield {"credentials": server.credentials(token=token), **given}


@contextmanager
def _nobody() -> Iterator[None]:
    yield


@contextmanager
def _approved(server: SlackServer) -> Iterator[None]:
    """Let Ada approve whatever is asked."""
    over = threading.Event()

    def approve() -> None:
        while not over.wait(0.01):
            for message in list(server.general.messages.values()):
                server.react(message, "white_check_mark")

    ada = threading.Thread(target=approve)
    ada.start()
    try:
        yield
    finally:
        over.set()
        ada.join()
