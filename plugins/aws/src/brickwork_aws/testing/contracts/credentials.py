"""Conformance of credentials."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork import Block, Secret
from brickwork.testing import BlockContract, CheckContract
from brickwork_aws.credentials import AwsCredentials, ClientOptions
from brickwork_aws.roles import AssumeRole, WebIdentity
from brickwork_aws.testing.servers import AwsServer, moto_server

GOLDEN = Path(__file__).parents[1] / "golden"
"""What releases of this package have saved."""


def closed_port() -> AwsCredentials:
    """Return credentials for a port where nobody listens."""
    return AwsCredentials(
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=Secret("contract-secret-access-key"),
        session_token=Secret("contract-session-token"),
        region="eu-west-1",
        endpoint_url="http://127.0.0.1:1",
        endpoint_urls={"sts": "http://127.0.0.1:1"},
        api_versions={"cloudfront": "2020-05-31"},
        client_options=ClientOptions(
            read_timeout=20, proxy=Secret("http://user:contract-proxy-word@127.0.0.1:1")
        ),
    )


class TestAwsCredentials(BlockContract):
    """AwsCredentials as a block."""

    golden_folder = GOLDEN
    unset = frozenset({"anonymous", "assume_role", "profile", "web_identity"})
    """A profile, a token and no keys at all exclude keys; for roles see the next class."""

    @pytest.fixture
    def block(self, no_aws_settings: None) -> Block:  # noqa: ARG002  # for what it hides
        """Return credentials for a port where nobody listens."""
        return closed_port()


class TestAwsCredentialsOfRoles(BlockContract):
    """AwsCredentials of a role that a token may assume, and of another one that this assumes."""

    golden_folder = GOLDEN
    unset = frozenset(
        {"access_key_id", "anonymous", "profile", "secret_access_key", "session_token"}
    )
    """A token excludes keys, a profile, and no keys at all."""

    @pytest.fixture
    def block(self, no_aws_settings: None, tmp_path: Path) -> Block:  # noqa: ARG002  # for what it hides
        """Return credentials for a port where nobody listens."""
        token = tmp_path / "token"
        token.write_text("contract-web-identity-token", encoding="ascii")
        role = AssumeRole(
            role_arn="arn:aws:iam::210987654321:role/reports",
            external_id="contract-external-id",
            tags={"team": "data"},
            mfa_serial="arn:aws:iam::123456789012:mfa/robot",
            mfa_secret=Secret("MNXW45DSMFRXILLTMVSWI==="),
        )
        return AwsCredentials(
            web_identity=WebIdentity(
                role_arn="arn:aws:iam::123456789012:role/first", token_file=str(token)
            ),
            assume_role=(role,),
            region="eu-west-1",
            endpoint_url="http://127.0.0.1:1",
            endpoint_urls={"sts": "http://127.0.0.1:1"},
            api_versions={"cloudfront": "2020-05-31"},
            client_options=ClientOptions(
                read_timeout=20, proxy=Secret("http://user:contract-proxy-word@127.0.0.1:1")
            ),
        )


class TestCheckOfAwsCredentials(CheckContract):
    """What the check of keys tells; who they are, AWS tells everybody, whatever they may do."""

    @pytest.fixture(scope="class")
    @classmethod
    def checking_server(cls) -> Iterator[AwsServer]:
        """A moto that checks keys."""
        with moto_server(authenticate=True) as server:
            yield server

    @pytest.fixture
    def working(self, checking_server: AwsServer, no_aws_settings: None) -> Block:  # noqa: ARG002  # for what it hides
        """Return the server's own keys."""
        return checking_server.credentials()

    @pytest.fixture
    def wrong(self, checking_server: AwsServer, no_aws_settings: None) -> Block:  # noqa: ARG002  # as above
        """Return keys whose secret is another one."""
        return checking_server.credentials(secret_access_key="contract-wrong-secret-key")  # noqa: S106  # on purpose

    @pytest.fixture
    def unreachable(self, no_aws_settings: None) -> Block:  # noqa: ARG002  # as above
        """Return keys for a port where nobody listens."""
        return _at(1)

    @pytest.fixture
    def silent(self, silent_port: int, no_aws_settings: None) -> Block:  # noqa: ARG002  # as above
        """Return keys for a port where nobody answers."""
        return _at(silent_port)


def _at(port: int) -> AwsCredentials:
    return AwsCredentials(
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=Secret("contract-secret-access-key"),
        region="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{port}",
    )
