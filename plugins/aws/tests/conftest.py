"""Fixtures of this package's tests."""

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.stub import Stubber

from brickwork import Task
from brickwork_aws import AwsCredentials, roles
from brickwork_aws.faults import code_of, status_of
from brickwork_aws.jobs.starting import SECONDS
from brickwork_aws.operations import once_client
from brickwork_aws.permissions import action_of
from brickwork_aws.testing.fixtures import (
    aws_faults,
    faulty_credentials,
    faulty_s3_bucket,
    faulty_server,
    no_aws_settings,
    s3_bucket,
    s3_credentials,
    s3_server,
    strict_s3_bucket,
    strict_s3_server,
)
from brickwork_aws.testing.moto import NotMoto
from brickwork_aws.testing.sts import Sts, sts_server

__all__ = [
    "aws_faults",
    "faulty_credentials",
    "faulty_s3_bucket",
    "faulty_server",
    "no_aws_settings",
    "s3_bucket",
    "s3_credentials",
    "s3_server",
    "strict_s3_bucket",
    "strict_s3_server",
]

GIVEN = "BRICKWORK_TEST_AWS_ENDPOINT" in os.environ
"""Whether the tests run against another server than moto."""

LACKING = {
    "InvalidAction", "NotImplemented", "NotImplementedException", "UnknownOperation",
    "UnknownOperationException", "UnsupportedOperation", "501",
}  # fmt: skip
"""The codes by which a server says that it lacks an operation."""


WORDS = (
    "disabled on this server",
    "not implemented",
    "not supported by this server",
    "also when asked again: service unavailable",  # a service that was not set up
    "keys must come sorted by code point",  # what the contract of storages says
)
"""What else is said of what a server lacks."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """Skip what the given server says it lacks, with what it said."""
    return (yield from _skipping_what_lacks())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """As for the setup."""
    return (yield from _skipping_what_lacks())


def _skipping_what_lacks() -> Generator[None, object, object]:
    try:
        return (yield)
    except Exception as error:
        cause: BaseException | None = error
        while GIVEN and cause is not None:
            if _says_that_it_lacks(cause):
                pytest.skip(f"the given server lacks this: {_quoted(str(cause))}")
            cause = cause.__cause__
        raise


def _quoted(text: str) -> str:
    """Return the part of a text that says it, on one line."""
    line = " ".join(text.split())
    at = max(line.lower().find(words) for words in WORDS)
    return line[max(0, at - 250) :][:400]


def _says_that_it_lacks(error: BaseException) -> bool:
    if isinstance(error, NotMoto):
        return True
    code, answer = code_of(error), getattr(error, "response", {})
    said = str(error).lower()
    # Where the error is not at its place, it is in another service's language.
    if (answer and "Error" not in answer) or any(words in said for words in WORDS):
        return True
    # A number stands where the server did not answer in the service's own language, but for HEAD.
    strange = code.isdigit() and not getattr(error, "operation_name", "Head").startswith("Head")
    return strange or code in LACKING or status_of(error) in (405, 501)


@pytest.fixture
def lacks() -> Callable[[bool, str], None]:
    """Return what skips a test if an answer shows what a given server lacks, with the answer."""

    def skip(shown: bool, what: str) -> None:  # as in an assertion
        if GIVEN and shown:
            pytest.skip(f"the given server lacks this: {_quoted(what)}")

    return skip


@pytest.fixture(autouse=True)
def isolated(no_aws_settings: None, fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the user's AWS settings, vault, keys or Brickwork settings."""
    for name in list(os.environ):
        if name.startswith("BRICKWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(fresh_home))
    return fresh_home


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """Many a server of a test needs clients of its own: half the time would go by reading JSON."""
    from botocore.loaders import JSONFileLoader

    plain = JSONFileLoader()
    with pytest.MonkeyPatch.context() as patch:
        read = cache(JSONFileLoader.load_file.__get__(plain))
        patch.setattr(JSONFileLoader, "load_file", lambda self, path: read(path))
        yield


ANY = {"aws_call", "aws_wait"}
"""The tasks whose operations their arguments name."""

NOBODYS = {"sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:GetCallerIdentity"}
"""What AWS allows everybody, and what credentials need to be fetched, whatever the task."""

VERSIONED = {"DeleteObject", "GetObject", "GetObjectTagging", "HeadObject"}
"""The operations of S3 that need another permission for a version."""

running: ContextVar[Task[..., Any] | None] = ContextVar("running", default=None)


@pytest.fixture(autouse=True)
def only_declared_permissions_are_used(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a task of this package sends in a test needs no permission that it does not declare.

    Its threads count too, and tasks that it calls; what a test does beside it does not.
    """
    lacking: set[str] = set()
    attempt, send = Task.attempt, BaseClient._make_api_call

    def attempted(self: Task[..., Any], *args: Any, **kwargs: Any) -> Any:
        own = running.get() is None and self.__module__.startswith("brickwork_aws.")
        token = running.set(self) if own else None
        try:
            return attempt(self, *args, **kwargs)
        finally:
            if token is not None:
                running.reset(token)

    def sent(self: Any, operation: str, given: Mapping[str, Any]) -> Any:
        task = running.get()
        if task is not None and task.__name__ not in ANY:
            needed = _needed(self.meta.service_model.signing_name, operation, given)
            lacking.update(f"{task.__name__}: {each}" for each in needed - {*task.permissions})
        return send(self, operation, given)

    monkeypatch.setattr(Task, "attempt", attempted)
    monkeypatch.setattr(BaseClient, "_make_api_call", sent)
    yield
    assert not lacking, f"tasks need permissions that they do not declare: {sorted(lacking)}"


def _needed(service: str, operation: str, given: Mapping[str, Any]) -> set[str]:
    action = action_of(f"{service}:{operation}")
    if service != "s3":
        return {action} - NOBODYS
    found = {f"{action}Version" if operation in VERSIONED and "VersionId" in given else action}
    if operation == "GetObjectTagging" and "VersionId" in given:
        found = {"s3:GetObjectVersionTagging"}
    if given.get("Tagging"):
        found.add("s3:PutObjectTagging")
    if source := given.get("CopySource"):
        found.add("s3:GetObjectVersion" if "VersionId" in source else "s3:GetObject")
    entries = given.get("Delete", {}).get("Objects", ())
    if any("VersionId" in each for each in entries):
        found.add("s3:DeleteObjectVersion")
    if entries and all("VersionId" in each for each in entries):
        found.remove("s3:DeleteObject")
    return found


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    """An STS on loopback, whose clock is this package's."""
    with sts_server() as server:
        monkeypatch.setattr(roles, "now", server.now)
        yield server


@pytest.fixture
def stubbed(request: pytest.FixtureRequest, s3_credentials: AwsCredentials) -> Iterator[Stubber]:
    """Answers that moto never gives, checked against botocore's description.

    They are those of the service that the tests' module names as ``STUBBED``.
    """
    with Stubber(s3_credentials.client(request.module.STUBBED)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def sent(request: pytest.FixtureRequest, s3_credentials: AwsCredentials) -> Iterator[Stubber]:
    """As `stubbed`, for requests that are sent once."""
    with Stubber(once_client(s3_credentials, request.module.STUBBED, SECONDS)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
