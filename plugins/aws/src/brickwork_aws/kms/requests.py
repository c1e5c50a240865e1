"""Requests to KMS, whose answers' secrets are known to the masker before anybody logs them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brickwork import Secret
from brickwork_aws.operations import Operation

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

Context = Mapping[str, str]


def call(credentials: "AwsCredentials", operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of KMS."""
    called = Operation(credentials, "kms", operation)
    # botocore logs whole answers at the level DEBUG, before they are read.
    called.client.meta.events.register("before-parse.kms", _hide, unique_id="brickwork-kms-hide")
    return called.call(parameters)


def _hide(response_dict: Mapping[str, Any], **_: Any) -> None:
    import json
    from base64 import b64decode

    try:
        found = json.loads(response_dict["body"])["Plaintext"]
        Secret(found)
        Secret(b64decode(found))
    except (KeyError, TypeError, ValueError):
        return  # there is none in this answer
