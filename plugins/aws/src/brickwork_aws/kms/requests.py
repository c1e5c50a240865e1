"""Requests to KMS."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brickwork_aws.operations import Operation

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

Context = Mapping[str, str]


def call(credentials: "AwsCredentials", operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of KMS."""
    return Operation(credentials, "kms", operation).call(parameters)
