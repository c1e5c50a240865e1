"""Fixtures of this package's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork_flows import use_history
from brickwork_flows.runtime import Runtime


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the user's vault, keys, settings or history."""
    import os

    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("BRICKWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def only_own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The masker knows no secrets of tests that ran before, which may be words of this one's."""
    from brickwork.masking import Masker, masker

    fresh = vars(Masker())
    for name in ("_known", "_pending", "_needles"):
        monkeypatch.setattr(masker, name, fresh[name])


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A history of this test's own, in use."""
    with use_history(tmp_path / "runs") as runtime:
        yield runtime
        runtime.close()
