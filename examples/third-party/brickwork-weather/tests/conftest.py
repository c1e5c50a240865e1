"""Fixtures of this package's tests."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["brickwork_weather.testing.fixtures"]


@pytest.fixture(autouse=True)
def nothing_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's vault, keys or settings."""
    for name in list(os.environ):
        if name.startswith("BRICKWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(tmp_path / "home"))
