"""Fixtures of this package's tests."""

from pathlib import Path

import pytest

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


@pytest.fixture(autouse=True)
def isolated(
    no_aws_settings: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """No test sees the user's AWS settings, vault, keys or Brickwork settings."""
    import os

    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("BRICKWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(home))
    return home
