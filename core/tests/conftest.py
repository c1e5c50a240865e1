"""Fixtures of the core's own tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from brickwork.block import defined_blocks
from brickwork.testing.loopback import LoopbackServer, Serve, reply


@pytest.fixture(autouse=True)
def isolated_home(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the user's vault, keys or settings."""
    names = ["VAULT", "KEY", "KEY_FILE", "PASSPHRASE", "PLUGINS_ALLOW", "PLUGINS_BLOCK"]
    for name in [*names, "ACTOR", "AUDIT_LOADS", "KEEP_VERSIONS"]:
        monkeypatch.delenv(f"BRICKWORK_{name}", raising=False)
    monkeypatch.setenv("BRICKWORK_HOME", str(fresh_home))
    return fresh_home


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plugin is installed, and what a test before imported of one is not known."""
    monkeypatch.setattr("brickwork.registry.installed.installed", list)
    for slug, cls in list(defined_blocks.items()):
        if cls.__module__.startswith("brickwork_"):
            monkeypatch.delitem(defined_blocks, slug)


@pytest.fixture
def hook() -> Iterator[Callable[..., LoopbackServer]]:
    """Start a receiver, and save ``webhook/NAME`` that posts to it; with a secret in a header."""
    from brickwork import Webhook

    def start(name: str = "ops", serve: Serve | None = None) -> LoopbackServer:
        server = stack.enter_context(LoopbackServer(serve or reply(204)))
        Webhook(
            url=f"http://127.0.0.1:{server.port}/hook",
            headers={"x-token": "Zq7!xK-not-to-be-seen"},
            allow_private=True,
            allow_http=True,
            retry_seconds=0,
            timeout_seconds=30,
        ).save(name)
        return server

    with ExitStack() as stack:
        yield start


@pytest.fixture
def ops(hook: Callable[..., LoopbackServer]) -> LoopbackServer:
    """The receiver of ``webhook/ops``."""
    return hook("ops")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long notifiers would wait before they send again, and do not."""
    from brickwork.builtin.notifiers import attempts

    noted: list[float] = []
    monkeypatch.setattr(attempts, "pause", lambda seconds, _over: noted.append(seconds))
    return noted
