"""Blocks whose fields are references to a real server: what loading them gives, and costs."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from brickwork import BasicAuth, Block, ResolveError, SecretBlock, Vault, use_vault
from brickwork_hashicorp.testing import BaoServer, Faults

pytestmark = pytest.mark.server

Proxy = tuple[BaoServer, Faults]


def _written(server: BaoServer, token: str = "") -> dict[str, Any]:
    return {"url": server.url, "auth": {"token": token or server.root_token.reveal()}}


def test_a_block_is_loaded_with_the_value(
    bao_server: BaoServer, kv2: str, memory_vault: Vault
) -> None:
    """A reference, whole or inside text, gives the value; a rotated one arrives after the TTL."""
    bao_server.write(kv2, "app", {"user": "ann", "password": "sentinel-password-1"})
    memory_vault.define("hashicorp-vault/default", _written(bao_server))
    memory_vault.define(
        "basic-auth/app",
        {
            "username": f"${{vault:{kv2}/app#user}}@example",
            "password": f"${{vault:{kv2}/app#password}}",
        },
    )
    block = Block.load("basic-auth/app")
    assert isinstance(block, BasicAuth)
    assert block.username == "ann@example"
    assert block.password.reveal() == "sentinel-password-1"
    assert "sentinel" not in repr(memory_vault.document("basic-auth/app"))


def test_a_hundred_blocks_make_one_request(
    faulty_server: Proxy, kv2: str, memory_vault: Vault
) -> None:
    """Distinct blocks with references to one path read it once, also when threads load them."""
    server, faults = faulty_server
    server.write(kv2, "app", {"user": "ann", "password": "sentinel-password-1"})
    memory_vault.define("hashicorp-vault/default", _written(server))
    for number in range(100):
        memory_vault.define(
            f"basic-auth/app-{number}",
            {"username": f"user-{number}", "password": f"${{vault:{kv2}/app#password}}"},
        )
    faults.requests.clear()
    # Opened anew, as by another process: defining the blocks has fetched the value already.
    with Vault.open() as vault, use_vault(vault), ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(copy_context().run, BasicAuth.load, f"app-{number}")
            for number in range(100)
        ]
        loaded = [job.result() for job in jobs]
    assert [block.username for block in loaded] == [f"user-{number}" for number in range(100)]
    assert {block.password.reveal() for block in loaded} == {"sentinel-password-1"}
    assert faults.count(f"{kv2}/data/app") == 1


def test_the_server_s_own_block_may_have_references(
    bao_server: BaoServer, kv2: str, memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token may come from the environment, so that the vault holds none."""
    bao_server.write(kv2, "app", {"password": "sentinel-password-1"})
    monkeypatch.setenv("APP_BAO_TOKEN", bao_server.root_token.reveal())
    memory_vault.define("hashicorp-vault/default", _written(bao_server, "${env:APP_BAO_TOKEN}"))
    memory_vault.define("secret/app", {"value": f"${{vault:{kv2}/app}}"})
    assert SecretBlock.load("app").reveal() == "sentinel-password-1"


def test_a_block_that_needs_itself_is_an_error(
    bao_server: BaoServer, kv2: str, memory_vault: Vault
) -> None:
    """A token that can only be read with that token ends in an error, not in a circle."""
    memory_vault.define(
        "hashicorp-vault/default", _written(bao_server, f"${{vault:{kv2}/app#token}}")
    )
    memory_vault.define("secret/app", {"value": f"${{vault:{kv2}/app#password}}"})
    with pytest.raises(ResolveError) as caught:
        SecretBlock.load("app")
    assert f"${{vault:{kv2}/app#password}}" in str(caught.value)
    assert caught.value.fix


def test_what_fails_is_named_by_field_and_reference(
    bao_server: BaoServer, kv2: str, memory_vault: Vault
) -> None:
    """The error of a block says which of its references gives nothing, and no value."""
    bao_server.write(kv2, "app", {"password": "sentinel-password-1"})
    memory_vault.define("hashicorp-vault/default", _written(bao_server))
    memory_vault.define(
        "basic-auth/app",
        {"username": f"${{vault:{kv2}/nothing#x}}", "password": f"${{vault:{kv2}/app#password}}"},
    )
    with pytest.raises(ResolveError) as caught:
        Block.load("basic-auth/app")
    assert "username" in str(caught.value)
    assert f"{kv2}/nothing#x" in str(caught.value)
    assert "sentinel" not in str(caught.value)
