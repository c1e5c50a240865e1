"""A Vault or OpenBao server: where it is, and how to log in."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from brickwork import Block, CheckReport
from brickwork_hashicorp.auth import Auth

if TYPE_CHECKING:
    import hvac


class HashicorpVault(Block):
    """A server of HashiCorp Vault or OpenBao, and how to log in there.

    References such as ``${vault:kv/app#password}`` are fetched with the block that is saved as
    ``hashicorp-vault/default``, or with the one that they name; see `VaultResolver`.

    Examples:
        >>> from brickwork_hashicorp import AppRoleAuth, HashicorpVault
        >>> login = AppRoleAuth(role_id="nightly", secret_id="b7c1f0e2-4a55-9d3e")
        >>> HashicorpVault(url="https://vault.example.com:8200", auth=login).save("default")
        Document('hashicorp-vault/default@1')
        >>> HashicorpVault.load("default").auth
        AppRoleAuth(role_id='nightly', secret_id=Secret('********'), mount='approle')
    """

    slug: ClassVar[str] = "hashicorp-vault"

    url: str = Field(description="Where the server is: https://host:port.")
    auth: Auth = Field(
        description="How to log in: by token; role_id and secret_id (AppRole); username and "
        "password; role and jwt."
    )
    namespace: str | None = Field(
        None, pattern=r"^[!-~]+$", description="The namespace, on servers that have them."
    )
    mount: str | None = Field(
        None,
        pattern=r"^[^\s/?#%]+(/[^\s/?#%]+)*$",
        description="The KV mount that paths are in; without it, paths begin with their mount.",
    )
    kv_version: Literal[1, 2, "auto"] = Field(
        "auto", description="The version of the KV mounts; auto asks the server."
    )
    ca_bundle: str | None = Field(
        None, min_length=1, description="File with the certificates to trust, in PEM."
    )
    verify: bool = Field(True, description="Verify the server's certificate; leave it on.")
    timeout: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="Seconds that a call may take in all: login and retries included.",
    )
    retries: int = Field(
        3,
        ge=0,
        le=20,
        description="How often a call is sent again after 429, 5xx and broken connections.",
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # no such port
            valid = False
        if (
            not valid
            or "@" in parts.netloc
            or parts.query
            or parts.fragment
            or value.split() != [value]
        ):
            raise ValueError("is not https://host:port or http://host:port, without user and query")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _verify_means_it(self) -> Self:
        if self.ca_bundle is not None and not self.verify:
            raise ValueError("ca_bundle is given, and verify is off: leave out one of them")
        return self

    def client(self) -> "hvac.Client":
        """Return an hvac client that is logged in; it is shared, and may be used by many threads.

        It renews its token before that expires, logs in anew when the server has forgotten it, and
        sends again what failed for a reason that passes; so do not log in or out on it. In a task
        with a time-out, a call takes no longer than what is left. Its errors are those of hvac,
        see https://hvac.readthedocs.io/.

        Raises:
            BlockError: The login failed, or the server cannot be reached.
        """
        from brickwork_hashicorp.connection import connection_for

        connection = connection_for(self)
        connection.log_in()
        client: Any = connection.client
        return client

    def check(self) -> CheckReport:
        """Ask the server who we are and what we may; takes some seconds at most, never raises."""
        from brickwork_hashicorp.checking import check_vault

        return check_vault(self)
