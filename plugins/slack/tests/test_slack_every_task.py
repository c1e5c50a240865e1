"""What holds for every task, also for those that are still to come."""

import asyncio
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

import brickwork_slack
from brickwork import Secret
from brickwork.registry.current import get_registry
from brickwork.testing import TaskContract
from brickwork_slack import SlackCredentials, SlackWebhook
from brickwork_slack.clients import Client
from brickwork_slack.plugin import brickwork_tasks
from brickwork_slack.testing import SlackServer, contracts
from brickwork_slack.testing.contracts.tasks import SlackTaskContract

NAMES = sorted(brickwork_tasks())
GENERIC = {"slack.slack_call"}
NEED_NOTHING = GENERIC | {
    "slack.delete_original",
    "slack.get_permalink",
    "slack.list_scheduled_messages",
    "slack.respond",
    *("slack.open_view", "slack.publish_home", "slack.push_view", "slack.update_view"),
}
"""Those that any token may do, those that need none, and those of which nobody knows."""

PLAIN = (str, int, float, bool, bytes, datetime, Path, type(None))


def has_call_of(contract: type[TaskContract], base: type[TaskContract]) -> bool:
    """Tell whether a contract's arguments are those of a base."""
    # What is read from a class is made anew each time, where it is a fixture.
    return inspect.getattr_static(contract, "call") is inspect.getattr_static(base, "call")


def contracts_of_tasks() -> dict[str, type[TaskContract]]:
    """Return the contract of each task that can be run."""
    return {
        each.name: each
        for each in vars(contracts).values()
        if isinstance(each, type)
        and issubclass(each, TaskContract)
        and not has_call_of(each, TaskContract)
        and each.name
    }


RUN = {
    name: each
    for name, each in sorted(contracts_of_tasks().items())
    if issubclass(each, SlackTaskContract) and has_call_of(each, SlackTaskContract)
}


def test_every_task_has_a_contract_that_runs_it() -> None:
    """Its example, its coroutine and its pickling are tried, each with a call to the loopback."""
    assert set(NAMES) - set(contracts_of_tasks()) == set()


@pytest.mark.parametrize("name", [each for each in NAMES if each not in GENERIC])
def test_every_task_returns_what_is_typed(name: str) -> None:
    """Dataclasses, or plain values, or several of them; never what Slack's JSON happens to be."""
    result = typing.get_type_hints(get_registry().task(name))["return"]
    for each in parts(result):
        assert each in PLAIN or is_dataclass(each), f"{name} returns {each}"


def test_every_task_declares_its_scopes() -> None:
    """But for those that need none, or of which nobody knows it."""
    bare = {each for each in NAMES if not get_registry().task(each).permissions}
    assert bare == NEED_NOTHING & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_task_begins_with_whose(name: str) -> None:
    """Credentials come first, or what stands for them: a webhook, or a URL that is a secret."""
    signature = inspect.signature(get_registry().task(name), eval_str=True)
    first, *_ = signature.parameters.values()
    assert first.annotation in (SlackCredentials, SlackWebhook, Secret[str] | str)


def test_every_task_is_exported() -> None:
    """One import gives it: ``from brickwork_slack import post_message``."""
    bare = {each.partition(".")[2] for each in NAMES}
    assert bare - set(dir(brickwork_slack)) == set()
    for each in bare:
        assert getattr(brickwork_slack, each) is get_registry().task(f"slack.{each}")


@pytest.mark.parametrize("name", NAMES)
def test_every_task_names_the_page_of_slack(name: str) -> None:
    """What it does there is explained there."""
    assert "https://docs.slack.dev/" in (get_registry().task(name).__doc__ or "")


@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_a_coroutine_of_its_own(name: str) -> None:
    """Not one that runs the call in a thread."""
    assert inspect.iscoroutinefunction(get_registry().task(name).async_fn)


@pytest.mark.parametrize("name", NAMES)
def test_every_task_shows_an_example(name: str) -> None:
    """Which its contract runs."""
    assert ">>> " in (get_registry().task(name).__doc__ or "")


@pytest.mark.parametrize(("name", "contract"), RUN.items(), ids=RUN)
def test_every_coroutine_uses_the_async_client(
    slack_server: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    contract: type[SlackTaskContract],
) -> None:
    """And never the other one, which would stop the loop."""
    given: Mapping[str, Any] = contract()._given(slack_server)  # what the contract calls
    slack_server.requests.clear()
    made: list[AsyncWebClient] = []
    waiting = Client.waiting

    def async_client(*args: Any) -> AsyncWebClient:
        made.append(waiting(*args))
        return made[-1]

    monkeypatch.setattr(Client, "waiting", async_client)
    monkeypatch.setattr(Client, "blocking", None)
    asyncio.run(get_registry().task(name).aio(**given))
    assert slack_server.requests
    assert len(made) >= len([each for each in slack_server.requests if "." in each.method])
    assert all(isinstance(each, AsyncWebClient) for each in made)


def parts(annotation: Any) -> Iterator[Any]:
    """Give the types that an annotation is made of, containers aside."""
    found = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return
    if isinstance(annotation, types.UnionType) or found:
        for each in found:
            if each is not Ellipsis:
                yield from parts(each)
    else:
        yield annotation
