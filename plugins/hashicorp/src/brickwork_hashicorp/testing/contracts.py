"""Conformance of what this package brings, for ``brickwork plugin check`` and its own tests.

The contracts of the resolver start an OpenBao on 127.0.0.1.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from brickwork import Block, Resolver, Secret, Vault
from brickwork.testing import BlockContract, CheckContract, PackageContract, ResolverContract
from brickwork_hashicorp.auth import AppRoleAuth, JwtAuth, TokenAuth, UserpassAuth
from brickwork_hashicorp.block import HashicorpVault
from brickwork_hashicorp.resolver import VaultResolver
from brickwork_hashicorp.testing.fixtures import bao_server, kv1, kv2, no_vault_settings
from brickwork_hashicorp.testing.server import BaoServer

# The fixtures too: pytest finds them where the classes are.
__all__ = [
    "TestCheckOfVault",
    "TestPackage",
    "TestVaultByAppRole",
    "TestVaultByJwt",
    "TestVaultByPassword",
    "TestVaultByToken",
    "TestVaultResolverOnKv1",
    "TestVaultResolverOnKv2",
    "bao_server",
    "kv1",
    "kv2",
    "no_vault_settings",
]

Reference = tuple[str, str | None]


class TestPackage(PackageContract):
    """The package."""

    @pytest.fixture
    def distribution(self) -> str:
        """Return its name."""
        return "brickwork-hashicorp"

    @pytest.fixture
    def forbidden_at_discovery(self) -> Sequence[str]:
        """Return what is slow to import."""
        return ["hvac", "requests", "urllib3", "pydantic"]


class _VaultContract(BlockContract):
    golden_folder = Path(__file__).parent / "golden"
    """What releases of this package have saved, with each way to log in."""
    unset = frozenset({"verify"})
    """It is on wherever ca_bundle is given."""

    auth: TokenAuth | AppRoleAuth | UserpassAuth | JwtAuth

    @pytest.fixture
    def block(self, no_vault_settings: None) -> Block:  # noqa: ARG002  # for what it hides
        """Return a block for a port where nobody listens."""
        return HashicorpVault(
            url="http://127.0.0.1:1",
            auth=self.auth,
            namespace="team-a",
            mount="kv",
            kv_version=2,
            ca_bundle="/etc/ssl/certs/authority.pem",
            timeout=2,
            retries=1,
        )


class TestCheckOfVault(CheckContract):
    """What the check of a block tells."""

    @pytest.fixture
    def working(self, bao_server: BaoServer, kv1: str, kv2: str) -> Block:
        """Return one that may read secrets."""
        rule = 'path "%s/*" { capabilities = ["read"] }\n'
        return bao_server.block(bao_server.app_role(bao_server.policy(rule % kv1 + rule % kv2)))

    @pytest.fixture
    def wrong(self, bao_server: BaoServer) -> Block:
        """Return one with a token that nobody made."""
        return bao_server.block(TokenAuth(token=Secret("hvs.contract-wrong-token")))

    @pytest.fixture
    def unreachable(self) -> Block:
        """Return one for a port where nobody listens."""
        return _at(1)

    @pytest.fixture
    def silent(self, silent_port: int) -> Block:
        """Return one for a port where nobody answers."""
        return _at(silent_port)

    @pytest.fixture
    def denied(self, bao_server: BaoServer) -> Block:
        """Return one that may read nothing."""
        return bao_server.block(bao_server.app_role("default"))


def _at(port: int) -> HashicorpVault:
    return HashicorpVault(
        url=f"http://127.0.0.1:{port}",
        auth=TokenAuth(token=Secret("hvs.contract-token-1")),
        timeout=3,
    )


class TestVaultByToken(_VaultContract):
    """HashicorpVault with a token."""

    auth = TokenAuth(token=Secret("hvs.contract-token-1"))


class TestVaultByAppRole(_VaultContract):
    """HashicorpVault with an AppRole."""

    auth = AppRoleAuth(role_id="role-1", secret_id=Secret("contract-secret-id"), mount="ci/approle")


class TestVaultByPassword(_VaultContract):
    """HashicorpVault with a password."""

    auth = UserpassAuth(username="ann", password=Secret("contract-password"), mount="ldap")


class TestVaultByJwt(_VaultContract):
    """HashicorpVault with a JWT."""

    auth = JwtAuth(role="job", jwt=Secret("contract.jwt.signature"), mount="kubernetes")


class _VaultResolverContract(ResolverContract):
    has_fields = True
    version = 2

    @pytest.fixture
    def mount(self, bao_server: BaoServer) -> str:
        """Return a mount with two secrets."""
        mount = bao_server.enable_kv(self.version)
        both = {"password": "contract-password-1", "limits": {"rows": [1, 2, 3]}}
        bao_server.write(mount, "team/app", both, version=self.version)
        bao_server.write(mount, "one", {"only": "contract-only-field"}, version=self.version)
        return mount

    @pytest.fixture
    def resolver(
        self,
        no_vault_settings: None,  # noqa: ARG002  # for what it hides
        bao_server: BaoServer,
        memory_vault: Vault,  # noqa: ARG002  # for being in use
    ) -> Resolver:
        """Return a resolver that finds the server in the vault in use."""
        bao_server.block().save("default")
        return VaultResolver()

    @pytest.fixture
    def known(self, mount: str) -> dict[Reference, str]:
        """Return references to a text, to a JSON value, and to a secret with one field."""
        return {
            (f"{mount}/team/app", "password"): "contract-password-1",
            (f"{mount}/team/app", "limits"): '{"rows": [1, 2, 3]}',
            (f"{mount}/one", None): "contract-only-field",
        }

    @pytest.fixture
    def unknown(self, mount: str) -> list[Reference]:
        """Return references to no secret, no field, no mount, a folder, and to no one field."""
        return [
            (f"{mount}/nothing", "password"),
            (f"{mount}/one", "password"),
            ("no-such-mount/app", "password"),
            (f"{mount}/team", None),
            (f"{mount}/team/app", None),
        ]


class TestVaultResolverOnKv1(_VaultResolverContract):
    """VaultResolver on a KV engine of version 1."""

    version = 1


class TestVaultResolverOnKv2(_VaultResolverContract):
    """VaultResolver on a KV engine of version 2."""
