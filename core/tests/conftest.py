"""Fixtures of the core's own tests."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def isolated_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """No test sees the user's vault, keys or settings."""
    home = tmp_path_factory.mktemp("home")
    names = ["VAULT", "KEY", "KEY_FILE", "PASSPHRASE", "PLUGINS_ALLOW", "PLUGINS_BLOCK"]
    for name in [*names, "ACTOR", "AUDIT_LOADS", "KEEP_VERSIONS"]:
        monkeypatch.delenv(f"BRICKWORK_{name}", raising=False)
    monkeypatch.setenv("BRICKWORK_HOME", str(home))
    return home


@pytest.fixture
def only_own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The masker knows no secrets of tests that ran before, which may be words of this one's."""
    from brickwork.masking import Masker, masker

    fresh = vars(Masker())
    for name in ("_known", "_pending", "_needles"):
        monkeypatch.setattr(masker, name, fresh[name])
