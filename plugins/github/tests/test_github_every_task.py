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
from brickwork.testing.task import no_waiting
from brickwork_github import GitHubCredentials, GitHubRepository
from brickwork_github.plugin import brickwork_tasks
from brickwork_github.testing import GitHubServer, contracts
from brickwork_github.testing.contracts.tasks import GitHubTaskContract

NAMES = sorted(brickwork_tasks())


def task_contracts() -> list[type[GitHubTaskContract]]:
    """Return the contracts of this package's tasks."""
    return [
        each
        for each in vars(contracts).values()
        if isinstance(each, type) and issubclass(each, GitHubTaskContract) and each.name
    ]


def is_plain(contract: type[GitHubTaskContract]) -> bool:
    """Return whether a contract calls its task with its `arguments`, and nothing else."""
    # What is read from a class is made anew each time, where it is a fixture.
    plain = inspect.getattr_static(GitHubTaskContract, "call")
    return inspect.getattr_static(contract, "call") is plain


GENERIC = {"github.github_call", "github.github_graphql"}
NEED_NOTHING = GENERIC | {
    "github.get_gist",
    "github.get_rate_limit",
    "github.list_gists",
    "github.search_users",
}
"""Those that any token may do, and those of which nobody knows what they do."""

ONLY_READ = {
    "github.clone_repository",
    "github.download_archive",
    "github.download_artifact",
    "github.download_job_log",
    "github.download_release_asset",
    "github.download_workflow_run_logs",
}
"""Those whose contracts make the arguments themselves, of a folder; they change nothing there."""

MAY_CHANGE_UNDECLARED = {
    "github.github_graphql": "every query is a POST, and nobody knows what it does",
}
"""Those that send what may change something, declare nothing that allows it, and why."""

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


def test_only_downloads_make_their_own_arguments() -> None:
    """All others are called by the next test, with the arguments of their contracts."""
    assert {each.name for each in task_contracts()} == set(NAMES)
    assert {each.name for each in task_contracts() if not is_plain(each)} == ONLY_READ


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(each, id=each.name)
        for each in sorted(task_contracts(), key=lambda each: each.name)
        if is_plain(each)
    ],
)
def test_a_task_that_changes_something_declares_it(
    contract: type[GitHubTaskContract],
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
) -> None:
    """One that sends POST, PUT, PATCH or DELETE needs a permission to write, or says why not."""
    contract().prepare(github_server)
    where = {} if contract.repository is None else {"repository": contract.repository}
    task = get_registry().task(contract.name)
    with no_waiting():
        task(credentials=github_credentials, **where, **contract.arguments)
    sent = {asked.route.partition(" ")[0] for asked in github_server.requests}
    assert sent, "it asked GitHub nothing"
    if sent - {"GET", "HEAD"}:
        levels = {each.rpartition(":")[2] for each in task.permissions}
        declared = not levels.isdisjoint({"write", "admin"})
        assert declared is (contract.name not in MAY_CHANGE_UNDECLARED), task.permissions


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
