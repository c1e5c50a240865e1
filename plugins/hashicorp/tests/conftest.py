"""Fixtures of this package's tests."""

from pathlib import Path

import pytest

from brickwork_hashicorp.testing.fixtures import (
    bao_server,
    faulty_server,
    kv1,
    kv2,
    no_vault_settings,
)

__all__ = ["bao_server", "faulty_server", "kv1", "kv2", "no_vault_settings"]


@pytest.fixture(autouse=True)
def isolated(
    no_vault_settings: None,
    fresh_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """No test sees the user's settings of Vault, vault, keys or Brickwork settings."""
    import os

    for name in list(os.environ):
        if name.startswith("BRICKWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(fresh_home))
    return fresh_home
