"""Conformance of references to Secrets Manager and Parameter Store, and of the tasks, on moto."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from brickwork import Resolver, Secret
from brickwork.testing import ResolverContract, TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.secrets import secretsmanager, ssm
from brickwork_aws.secrets.resolvers import ParameterStoreResolver, SecretsManagerResolver

Reference = tuple[str, str | None]

JSON = '{"user": "contract-user", "password": "contract-password"}'
TEXT = "contract-plain-text"


class _AwsResolverContract(ResolverContract):
    has_fields: ClassVar[bool] = True

    @pytest.fixture
    def known(self) -> dict[Reference, str]:
        """A text, a JSON object, and a field of it."""
        return {
            ("/contract/text", None): TEXT,
            ("/contract/json", None): JSON,
            ("/contract/json", "password"): "contract-password",
            ("/contract/json", "user"): "contract-user",
        }

    @pytest.fixture
    def writable(self) -> Reference:
        """One field of a JSON object."""
        return ("/contract/json", "user")

    @pytest.fixture
    def unknown(self) -> list[Reference]:
        """One that is nowhere."""
        return [("/contract/nothing", None), ("/contract/nothing", "password")]


class TestSecretsManagerResolver(_AwsResolverContract):
    """SecretsManagerResolver, with the credentials saved as the default."""

    @pytest.fixture
    def resolver(self, s3_credentials: AwsCredentials) -> Resolver:
        """Return it, with two secrets on the server."""
        s3_credentials.save("default", overwrite=True)
        for name, value in (("/contract/text", TEXT), ("/contract/json", JSON)):
            secretsmanager.secretsmanager_write_secret(s3_credentials, name, Secret(value))
        return SecretsManagerResolver()


class TestParameterStoreResolver(_AwsResolverContract):
    """ParameterStoreResolver, with the credentials saved as the default."""

    @pytest.fixture
    def resolver(self, s3_credentials: AwsCredentials) -> Resolver:
        """Return it, with two parameters on the server."""
        s3_credentials.save("default", overwrite=True)
        ssm.ssm_write_parameter(s3_credentials, "/contract/text", TEXT)
        ssm.ssm_write_parameter(s3_credentials, "/contract/json", Secret(JSON))
        return ParameterStoreResolver()


class _SecretTaskContract(TaskContract):
    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments, after two secrets and two parameters were written."""
        write, tags = secretsmanager.secretsmanager_write_secret, {"team": "sales"}
        write(s3_credentials, "billing/db", Secret(JSON), tags=tags)
        write(s3_credentials, "billing/keystore", Secret(bytes(range(16))), tags=tags)
        ssm.ssm_write_parameter(s3_credentials, "/billing/url", "https://billing.example.com")
        ssm.ssm_write_parameter(s3_credentials, "/billing/password", Secret(TEXT))
        return {"credentials": s3_credentials, **self.arguments()}

    def arguments(self) -> Mapping[str, Any]:
        """Return the arguments after the credentials."""
        raise NotImplementedError

    def same(self, one: Any, two: Any) -> bool:
        """Compare secrets by what they hide; versions, which are new each time, by their kind."""
        if isinstance(one, Secret) and isinstance(two, Secret):
            return bool(one.reveal() == two.reveal())
        return bool(one == two) or "write" in self.name or "delete" in self.name


class TestSecretsmanagerReadSecret(_SecretTaskContract):
    """secretsmanager_read_secret."""

    name = "aws.secretsmanager_read_secret"

    def arguments(self) -> Mapping[str, Any]:
        """A field."""
        return {"name": "billing/db", "field": "user"}


class TestSecretsmanagerReadBinary(_SecretTaskContract):
    """secretsmanager_read_binary."""

    name = "aws.secretsmanager_read_binary"

    def arguments(self) -> Mapping[str, Any]:
        """A text, which is given as bytes."""
        return {"name": "billing/db"}


class TestSecretsmanagerWriteSecret(_SecretTaskContract):
    """secretsmanager_write_secret."""

    name = "aws.secretsmanager_write_secret"

    def arguments(self) -> Mapping[str, Any]:
        """A new one."""
        return {"name": "crm/token", "value": Secret("contract-new-value")}


class TestSecretsmanagerDeleteSecret(_SecretTaskContract):
    """secretsmanager_delete_secret."""

    name = "aws.secretsmanager_delete_secret"

    def arguments(self) -> Mapping[str, Any]:
        """One that is there, and then is not."""
        return {"name": "billing/db", "recovery_days": 0}

    @pytest.fixture
    def example_names(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return the name of a secret that no other test needs: it stays for a week."""
        name = f"billing-{uuid4()}"
        secretsmanager.secretsmanager_write_secret(s3_credentials, name, Secret(TEXT))
        return {"credentials": s3_credentials, "name": name}


class TestSecretsmanagerListSecrets(_SecretTaskContract):
    """secretsmanager_list_secrets."""

    name = "aws.secretsmanager_list_secrets"

    def arguments(self) -> Mapping[str, Any]:
        """Those of this contract."""
        return {"prefix": "billing/"}


class TestSsmReadParameter(_SecretTaskContract):
    """ssm_read_parameter."""

    name = "aws.ssm_read_parameter"

    def arguments(self) -> Mapping[str, Any]:
        """One."""
        return {"name": "/billing/url"}


class TestSsmReadParameters(_SecretTaskContract):
    """ssm_read_parameters."""

    name = "aws.ssm_read_parameters"

    def arguments(self) -> Mapping[str, Any]:
        """Those of this contract."""
        return {"path": "/billing"}


class TestSsmWriteParameter(_SecretTaskContract):
    """ssm_write_parameter."""

    name = "aws.ssm_write_parameter"

    def arguments(self) -> Mapping[str, Any]:
        """A list."""
        return {"name": "/crm/hosts", "value": ["a", "b"]}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have the example write the first version."""
        ssm.ssm_delete_parameters(call["credentials"], ["/crm/hosts"])
        return call


class TestSsmDeleteParameters(_SecretTaskContract):
    """ssm_delete_parameters."""

    name = "aws.ssm_delete_parameters"

    def arguments(self) -> Mapping[str, Any]:
        """One that is there, and then is not."""
        return {"names": ["/billing/url"]}
