"""HashicorpVault: what it takes, what it refuses, what it costs."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import Block, BlockError, InvalidBlock, Secret, SecretExposed, Vault
from brickwork_hashicorp import (
    AppRoleAuth,
    HashicorpVault,
    JwtAuth,
    TokenAuth,
    UserpassAuth,
    connection,
)

TOKEN = {"token": "sentinel-token-1"}
GOOD: dict[str, Any] = {"url": "https://vault.example:8200", "auth": TOKEN}


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (TOKEN, TokenAuth(token=Secret("sentinel-token-1"))),
        (
            {"role_id": "r", "secret_id": "sentinel-1"},
            AppRoleAuth(role_id="r", secret_id=Secret("sentinel-1")),
        ),
        (
            {"username": "ann", "password": "sentinel-1", "mount": "ldap"},
            UserpassAuth(username="ann", password=Secret("sentinel-1"), mount="ldap"),
        ),
        ({"role": "job", "jwt_file": "/run/jwt"}, JwtAuth(role="job", jwt_file="/run/jwt")),
    ],
)
def test_the_way_to_log_in_is_told_by_its_fields(auth: dict[str, Any], expected: object) -> None:
    """A mapping of fields becomes the method that has them, as in a manifest."""
    assert HashicorpVault(**{**GOOD, "auth": auth}).auth == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "vault.example:8200"}, "https://host:port"),
        ({"url": "https://u:sentinel@vault.example"}, "without user"),
        ({"url": "https://vault.example?x=1"}, "without user and query"),
        ({"url": "https://vault.example:99999"}, "https://host:port"),
        ({"url": "https://vault.example/ v1"}, "https://host:port"),
        ({"auth": {}}, "role_id and secret_id"),
        ({"auth": {"tokn": "sentinel-token-1"}}, "role_id and secret_id"),
        ({"auth": "sentinel-token-1"}, "role_id and secret_id"),
        ({"auth": {"token": "sentinel token"}}, "auth.token"),
        ({"auth": {"token": ""}}, "auth.token"),
        ({"auth": {"token": ["sentinel-token-1"]}}, "auth.token"),
        ({"auth": {**TOKEN, "secret_id": "sentinel-1"}}, "secret_id"),
        ({"auth": {"role_id": "", "secret_id": "sentinel-1"}}, "role_id"),
        ({"auth": {"role_id": "r", "mount": "a b"}}, "mount"),
        ({"auth": {"username": "ann"}}, "password"),
        ({"auth": {"username": "a/../b", "password": "sentinel-1"}}, "username"),
        ({"auth": {"role": "job"}}, "one of jwt and jwt_file"),
        ({"auth": {"role": "job", "jwt": "sentinel-1", "jwt_file": "x"}}, "one of jwt"),
        ({"mount": "/kv"}, "mount"),
        ({"mount": "kv/"}, "mount"),
        ({"namespace": "téam"}, "namespace"),
        ({"kv_version": 3}, "kv_version"),
        ({"timeout": 0}, "timeout"),
        ({"retries": -1}, "retries"),
        ({"verify": False, "ca_bundle": "/ca.pem"}, "leave out one"),
        ({"verfy": False}, "verfy"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, Any], said: str) -> None:
    """Each refusal says what is wrong, and quotes no secret."""
    with pytest.raises(InvalidBlock) as caught:
        HashicorpVault(**{**GOOD, **fields})
    assert said in str(caught.value)
    assert "sentinel" not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_taken_or_refused_without_quoting_a_secret(text: str) -> None:
    """Odd text in any field gives a block or an InvalidBlock, never another error."""
    for fields in (
        {"url": f"https://{text}"},
        {"mount": text},
        {"namespace": text},
        {"auth": {"token": text}},
        {"auth": {"role_id": text, "secret_id": "sentinel-1", "mount": text}},
    ):
        said = ""
        try:
            HashicorpVault(**{**GOOD, **fields})
        except InvalidBlock as error:
            said = str(error)
        assert "sentinel" not in said


def test_secrets_do_not_show() -> None:
    """Neither repr nor JSON nor a pickle has the token."""
    block = HashicorpVault(**GOOD)
    assert "sentinel" not in repr(block)
    with pytest.raises(SecretExposed):
        block.model_dump_json()
    with pytest.raises(SecretExposed):
        pickle.dumps(block)


def test_every_method_comes_back_from_a_vault(memory_vault: Vault) -> None:
    """What is saved is loaded as the same method, with the same secrets."""
    for number, auth in enumerate(
        (
            TokenAuth(token=Secret("sentinel-token-1")),
            AppRoleAuth(role_id="r"),
            AppRoleAuth(role_id="r", secret_id=Secret("sentinel-1")),
            UserpassAuth(username="ann", password=Secret("sentinel-1")),
            JwtAuth(role="job", jwt=Secret("sentinel-1")),
        )
    ):
        block = HashicorpVault(url="https://vault.example", auth=auth)
        block.save(f"b{number}")
        assert Block.load(f"hashicorp-vault/b{number}") == block


def test_threads_share_one_connection() -> None:
    """Many threads that ask at once for the connection of an equal block get the same one."""
    blocks = [HashicorpVault(**GOOD) for _ in range(64)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(connection.connection_for, blocks))
    assert len(found) == 64
    assert len(set(map(id, found))) == 1
    other = blocks[0].model_copy(update={"auth": {"token": "sentinel-token-2"}})
    assert connection.connection_for(other) is not found[0]


def test_the_connections_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different blocks are used, only so many connections are kept."""
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 3)
    for number in range(5):
        connection.connection_for(HashicorpVault(**{**GOOD, "timeout": number + 1}))
    assert len(connection._kept) == 3


def test_a_forked_child_makes_its_own_connections() -> None:
    """Connections of the parent are not used by a child of a pre-fork server."""
    found = connection.connection_for(HashicorpVault(**GOOD))
    child = os.fork()
    if child == 0:
        same = connection.connection_for(HashicorpVault(**GOOD)) is found
        os._exit(1 if same else 0)
    assert os.waitpid(child, 0)[1] == 0


def test_the_client_ignores_the_token_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where hvac would look for tokens does not matter: a block has its own."""
    monkeypatch.setenv("VAULT_TOKEN", "sentinel-of-the-environment")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".vault-token").write_text("sentinel-of-the-home-folder")
    client = connection.connection_for(HashicorpVault(**{**GOOD, "timeout": 7.5})).client
    assert not client.token


def test_one_cannot_log_in_on_the_shared_client() -> None:
    """Setting a token would log in everybody else who uses the block as somebody else."""
    client = connection.connection_for(HashicorpVault(**GOOD)).client
    with pytest.raises(BlockError) as caught:
        client.token = "sentinel-token-3"
    assert caught.value.fix


def test_discovery_blocks_and_references_import_no_hvac() -> None:
    """The plugin imports no model; making a block and a resolver imports no hvac."""
    program = (
        "import sys\n"
        "import brickwork_hashicorp.plugin as plugin\n"
        "names = {**plugin.brickwork_blocks(), **plugin.brickwork_resolvers()}\n"
        "assert len(names) == 2, names\n"
        "assert not {'pydantic', 'hvac', 'requests'} & set(sys.modules)\n"
        "from brickwork_hashicorp import HashicorpVault, VaultResolver\n"
        "HashicorpVault(url='https://vault.example', auth={'token': 'sentinel'})\n"
        "VaultResolver()\n"
        "assert not {'hvac', 'requests', 'urllib3'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_public_name_is_a_module_s() -> None:
    """Importing a submodule sets an attribute of the package, which would hide the public name."""
    import brickwork_hashicorp

    folder = Path(str(brickwork_hashicorp.__file__)).parent
    modules = {path.stem for path in folder.iterdir()}
    assert "resolver" in modules
    assert not modules & set(brickwork_hashicorp.__all__)
