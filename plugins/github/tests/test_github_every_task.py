"""What holds for every task, also for those that are still to come."""

import inspect
import types
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import brickwork_github
from brickwork.registry.current import get_registry
from brickwork.testing import TaskContract
from brickwork_github import GitHubCredentials, GitHubRepository
from brickwork_github.plugin import brickwork_tasks
from brickwork_github.testing import contracts

NAMES = sorted(brickwork_tasks())
GENERIC = {"github.github_call", "github.github_graphql"}
NEED_NOTHING = GENERIC | {
    "github.get_gist",
    "github.get_rate_limit",
    "github.list_gists",
    "github.search_users",
}
"""Those that any token may do, and those of which nobody knows what they do."""

PLAIN = (str, int, bool, bytes, datetime, Path, type(None))


def test_every_task_has_a_contract_that_runs_it() -> None:
    """Its example, its coroutine and its pickling are tried, each with a call to the loopback."""
    # What is read from a class is made anew each time, where it is a fixture.
    no_call = inspect.getattr_static(TaskContract, "call")
    runnable = {
        each.name
        for each in vars(contracts).values()
        if isinstance(each, type)
        and issubclass(each, TaskContract)
        and inspect.getattr_static(each, "call") is not no_call
    }
    assert set(NAMES) - runnable == set()


@pytest.mark.parametrize("name", [each for each in NAMES if each not in GENERIC])
def test_every_task_returns_what_is_typed(name: str) -> None:
    """Dataclasses, or plain values, or several of them; never what GitHub's JSON happens to be."""
    result = typing.get_type_hints(get_registry().task(name))["return"]
    for each in parts(result):
        assert each in PLAIN or is_dataclass(each), f"{name} returns {each}"


def test_every_task_declares_what_it_needs() -> None:
    """But for those that need nothing, or of which nobody knows it."""
    bare = {each for each in NAMES if not get_registry().task(each).permissions}
    assert bare == NEED_NOTHING & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_task_begins_with_whose_and_where(name: str) -> None:
    """Credentials come first, or a block that has them; then the repository, if there is one."""
    signature = inspect.signature(get_registry().task(name), eval_str=True)
    first, *others = signature.parameters.values()
    assert first.annotation in (GitHubCredentials, GitHubRepository)
    names = [each.name for each in others]
    if "repository" in names and names[0] not in ("organization", "route"):
        assert names[0] == "repository"


def test_every_task_is_exported() -> None:
    """One import gives it: ``from brickwork_github import create_issue``."""
    bare = {each.partition(".")[2] for each in NAMES}
    assert bare - set(dir(brickwork_github)) == set()


def parts(annotation: Any) -> Iterator[Any]:
    """Give the types that an annotation is made of, containers aside."""
    found = typing.get_args(annotation)
    if isinstance(annotation, types.UnionType) or found:
        for each in found:
            if each is not Ellipsis:
                yield from parts(each)
    else:
        yield annotation
