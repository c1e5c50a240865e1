"""Conformance of the key provider and the tasks on KMS, against moto."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from brickwork import KeyProvider, Secret
from brickwork.testing import KeyProviderContract, TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.kms import tasks
from brickwork_aws.kms.provider import KmsKey


def make_key(credentials: AwsCredentials, **parameters: Any) -> str:
    """Return the ARN of a new key."""
    made = aws_call(credentials, "kms", "create_key", all_pages=False, **parameters)
    return str(made["KeyMetadata"]["Arn"])


class TestKmsKey(KeyProviderContract):
    """KmsKey, with credentials that boto3 finds in the environment."""

    slow_unwrap = True

    @pytest.fixture
    def opened(
        self, s3_credentials: AwsCredentials, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[str], KeyProvider]:
        """Return what makes a provider of a key."""
        secret = s3_credentials.secret_access_key or Secret("")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_credentials.access_key_id or "")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret.reveal())
        where = f"region={s3_credentials.region}&endpoint_url={s3_credentials.endpoint_url}"
        return lambda key: KmsKey.open(f"{key}?{where}")

    @pytest.fixture
    def provider(
        self, s3_credentials: AwsCredentials, opened: Callable[[str], KeyProvider]
    ) -> KeyProvider:
        """Return one of a new key."""
        return opened(make_key(s3_credentials))

    @pytest.fixture
    def stranger(
        self, s3_credentials: AwsCredentials, opened: Callable[[str], KeyProvider]
    ) -> KeyProvider:
        """Return one of another key."""
        return opened(make_key(s3_credentials))

    @pytest.fixture
    def keyless(self, opened: Callable[[str], KeyProvider]) -> KeyProvider:
        """Return one of a key that there is not."""
        return opened("alias/no-such-key")


class _KmsTaskContract(TaskContract):
    @pytest.fixture
    def key(self, s3_credentials: AwsCredentials) -> str:
        """Return the ARN of a key."""
        return make_key(s3_credentials)

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, key: str) -> Mapping[str, Any]:
        """Return arguments for a key."""
        return {"credentials": s3_credentials, **self.arguments(s3_credentials, key)}

    def arguments(self, credentials: AwsCredentials, key: str) -> Mapping[str, Any]:
        """Return the arguments after the credentials."""
        raise NotImplementedError

    def same(self, one: Any, two: Any) -> bool:
        """Compare by type what is random."""
        return type(one) is type(two)


class TestKmsEncrypt(_KmsTaskContract):
    """kms_encrypt."""

    name = "aws.kms_encrypt"

    def arguments(self, credentials: AwsCredentials, key: str) -> Mapping[str, Any]:  # noqa: ARG002  # as the class says
        """A text."""
        return {"key_id": key, "plaintext": Secret("contract-plaintext")}


class TestKmsDecrypt(_KmsTaskContract):
    """kms_decrypt."""

    name = "aws.kms_decrypt"

    def arguments(self, credentials: AwsCredentials, key: str) -> Mapping[str, Any]:
        """What was encrypted."""
        text, context = Secret("DE89370400"), {"customer": "c1"}
        sealed = tasks.kms_encrypt(credentials, key, text, context=context)
        return {"ciphertext": sealed, "context": context, "key_id": key}

    def same(self, one: Any, two: Any) -> bool:
        """Compare what was decrypted."""
        return bool(one == two == Secret(b"DE89370400"))


class TestKmsGenerateDataKey(_KmsTaskContract):
    """kms_generate_data_key."""

    name = "aws.kms_generate_data_key"

    def arguments(self, credentials: AwsCredentials, key: str) -> Mapping[str, Any]:  # noqa: ARG002  # as the class says
        """As it is."""
        return {"key_id": key}


class _SigningContract(_KmsTaskContract):
    @pytest.fixture
    def key(self, s3_credentials: AwsCredentials) -> str:
        """Return the ARN of a key that signs."""
        return make_key(s3_credentials, KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")


class TestKmsSign(_SigningContract):
    """kms_sign."""

    name = "aws.kms_sign"

    def arguments(self, credentials: AwsCredentials, key: str) -> Mapping[str, Any]:  # noqa: ARG002  # as the class says
        """A message."""
        return {"key_id": key, "message": b"invoice 1742", "algorithm": "ECDSA_SHA_256"}


class TestKmsVerify(_SigningContract):
    """kms_verify."""

    name = "aws.kms_verify"

    def arguments(self, credentials: AwsCredentials, key: str) -> Mapping[str, Any]:
        """What was signed."""
        signature = tasks.kms_sign(credentials, key, b"invoice 1742", "ECDSA_SHA_256")
        signed = {"key_id": key, "message": b"invoice 1742", "algorithm": "ECDSA_SHA_256"}
        return {**signed, "signature": signature}

    def same(self, one: Any, two: Any) -> bool:
        """Both say that it is right."""
        return one is two is True
