"""Conformance of references to Secrets Manager and Parameter Store, and of the tasks, on moto."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from brickwork import Resolver, Secret, Task
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
        }

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
    name = ""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task of the class's name."""
        module: Any = ssm if self.name.startswith("ssm") else secretsmanager
        found: Task[..., Any] = getattr(module, self.name)
        return found

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments, after a secret and a parameter were written."""
        secretsmanager.secretsmanager_write_secret(s3_credentials, "contract/a", Secret(JSON))
        ssm.ssm_write_parameter(s3_credentials, "/contract/tasks/a", TEXT)
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

    name = "secretsmanager_read_secret"

    def arguments(self) -> Mapping[str, Any]:
        """A field."""
        return {"name": "contract/a", "field": "user"}


class TestSecretsmanagerReadBinary(_SecretTaskContract):
    """secretsmanager_read_binary."""

    name = "secretsmanager_read_binary"

    def arguments(self) -> Mapping[str, Any]:
        """A text, which is given as bytes."""
        return {"name": "contract/a"}


class TestSecretsmanagerWriteSecret(_SecretTaskContract):
    """secretsmanager_write_secret."""

    name = "secretsmanager_write_secret"

    def arguments(self) -> Mapping[str, Any]:
        """A new one."""
        return {"name": "contract/b", "value": Secret("contract-new-value")}


class TestSecretsmanagerDeleteSecret(_SecretTaskContract):
    """secretsmanager_delete_secret."""

    name = "secretsmanager_delete_secret"

    def arguments(self) -> Mapping[str, Any]:
        """One that is there, and then is not."""
        return {"name": "contract/a", "recovery_days": 0}


class TestSecretsmanagerListSecrets(_SecretTaskContract):
    """secretsmanager_list_secrets."""

    name = "secretsmanager_list_secrets"

    def arguments(self) -> Mapping[str, Any]:
        """Those of this contract."""
        return {"prefix": "contract/"}


class TestSsmReadParameter(_SecretTaskContract):
    """ssm_read_parameter."""

    name = "ssm_read_parameter"

    def arguments(self) -> Mapping[str, Any]:
        """One."""
        return {"name": "/contract/tasks/a"}


class TestSsmReadParameters(_SecretTaskContract):
    """ssm_read_parameters."""

    name = "ssm_read_parameters"

    def arguments(self) -> Mapping[str, Any]:
        """Those of this contract."""
        return {"path": "/contract/tasks"}


class TestSsmWriteParameter(_SecretTaskContract):
    """ssm_write_parameter."""

    name = "ssm_write_parameter"

    def arguments(self) -> Mapping[str, Any]:
        """A list."""
        return {"name": "/contract/tasks/b", "value": ["a", "b"]}


class TestSsmDeleteParameters(_SecretTaskContract):
    """ssm_delete_parameters."""

    name = "ssm_delete_parameters"

    def arguments(self) -> Mapping[str, Any]:
        """One that is there, and then is not."""
        return {"names": ["/contract/tasks/a"]}
