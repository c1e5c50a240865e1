"""Fixtures of this package's tests."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from brickwork_aws.faults import code_of, status_of
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
                pytest.skip(f"the given server lacks this: {' '.join(str(cause).split()):.300}")
            cause = cause.__cause__
        raise


def _says_that_it_lacks(error: BaseException) -> bool:
    code = code_of(error)
    # A number stands where the server did not answer in the service's own language, but for HEAD.
    strange = code.isdigit() and not getattr(error, "operation_name", "Head").startswith("Head")
    return strange or code in LACKING or status_of(error) in (405, 501)


@pytest.fixture(autouse=True)
def isolated(
    no_aws_settings: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """No test sees the user's AWS settings, vault, keys or Brickwork settings."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("BRICKWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(home))
    return home
