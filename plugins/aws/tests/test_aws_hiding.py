"""What botocore logs of answers at the level DEBUG: no secret, whatever the service."""

import logging
from collections.abc import Iterator

import pytest

from brickwork import Secret, mask
from brickwork_aws import (
    AssumeRole,
    AwsCredentials,
    secretsmanager_read_binary,
    secretsmanager_read_secret,
    secretsmanager_write_secret,
    ssm_read_parameter,
    ssm_read_parameters,
    ssm_write_parameter,
)

VALUE = 'Zq7!"quoted" \\ and a\nline-of-its-own'


class Kept(logging.Handler):
    """Keeps what is logged, masked at the moment when it is."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.text += mask(record.getMessage()) + "\n"


@pytest.fixture
def logged() -> Iterator[Kept]:
    """What botocore logs of answers."""
    logger, kept = logging.getLogger("botocore.parsers"), Kept()
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(level)


def forget() -> None:
    """Let the masker know nothing, as in a process that has not seen the secrets yet."""
    from brickwork.masking import Masker, masker

    fresh = vars(Masker())
    vars(masker).update({name: fresh[name] for name in ("_known", "_pending", "_needles")})


def test_secrets_and_parameters_are_hidden(s3_credentials: AwsCredentials, logged: Kept) -> None:
    """Texts with all that JSON escapes, bytes, and secure parameters alone or by path."""
    secretsmanager_write_secret(s3_credentials, "hidden/text", Secret(VALUE))
    secretsmanager_write_secret(s3_credentials, "hidden/bytes", Secret(b"\xff-bytes-to-be-hidden"))
    ssm_write_parameter(s3_credentials, "/hidden/secure", Secret(VALUE))
    ssm_write_parameter(s3_credentials, "/hidden/plain", "a-plain-value")
    forget()
    logged.text = ""
    assert secretsmanager_read_secret(s3_credentials, "hidden/text").reveal() == VALUE
    secretsmanager_read_binary(s3_credentials, "hidden/bytes")
    ssm_read_parameter(s3_credentials, "/hidden/secure")
    ssm_read_parameters(s3_credentials, "/hidden")
    assert "hidden/text" in logged.text  # so the answers were logged
    assert "a-plain-value" in logged.text
    for part in ("quoted", "line-of-its-own", "Zq7!", "/y1ieXRlcy10by1iZS1oaWRkZW4"):
        assert part not in logged.text


def test_keys_of_roles_are_hidden(s3_credentials: AwsCredentials, logged: Kept) -> None:
    """Also where they are fetched without anybody asking for them by name."""
    role = AssumeRole(role_arn="arn:aws:iam::123456789012:role/hidden")
    assumed = s3_credentials.model_copy(update={"assume_role": (role,)})
    client = assumed.client("sqs")
    client.list_queues()
    keys = client._request_signer._credentials.get_frozen_credentials()
    assert keys.access_key in logged.text  # so the answer was logged
    assert keys.secret_key not in logged.text
    assert keys.token not in logged.text
