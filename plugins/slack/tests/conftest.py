"""Fixtures of this package's tests."""

import os
from pathlib import Path

import pytest

from brickwork_slack.testing.fixtures import slack_credentials, slack_server

__all__ = ["slack_credentials", "slack_server"]


@pytest.fixture(autouse=True)
def isolated(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the user's tokens, proxies, vault, keys or Brickwork settings."""
    for name in list(os.environ):
        if name.startswith(("BRICKWORK_", "SLACK_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(fresh_home))
    return fresh_home
