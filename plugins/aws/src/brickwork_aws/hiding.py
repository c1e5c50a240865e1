"""Makes the secrets in answers known to the masker before botocore logs the answers.

At the level DEBUG botocore logs the whole body of each answer, before anybody has read it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from brickwork import Secret

if TYPE_CHECKING:
    from botocore.session import Session

SERVICES = ("kms", "secrets-manager", "ssm", "sso", "sts")
"""Services whose answers hold secrets, by the names that botocore's events have for them."""

_NAMES = {
    "plaintext",
    "secretaccesskey",
    "secretbinary",
    "secretstring",
    "sessiontoken",
    "accesstoken",
    "refreshtoken",
}
_IN_BASE64 = {"plaintext", "secretbinary"}
_XML = re.compile(rb"<(SecretAccessKey|SessionToken)>\s*([^<\s]+)")


def hide_secrets(session: "Session") -> None:
    """Have the secrets in answers to clients of a session hidden in logs."""
    for service in SERVICES:
        session.register(f"before-parse.{service}", _hide, unique_id=f"brickwork-hide-{service}")


def _hide(response_dict: Mapping[str, Any], **_: Any) -> None:
    body = response_dict.get("body")
    if not isinstance(body, bytes):
        return
    for _name, found in _XML.findall(body):
        Secret(found.decode("utf-8", "replace"))
    try:
        answer = json.loads(body)
    except ValueError:
        return
    for name, value in _texts(answer):
        Secret(value)
        # As it stands in the log: with JSON's escapes.
        Secret(json.dumps(value)[1:-1])
        if name in _IN_BASE64:
            _hide_bytes(value)


def _hide_bytes(value: str) -> None:
    from base64 import b64decode

    try:
        Secret(b64decode(value, validate=True))
    except ValueError:
        return


def _texts(answer: Any) -> Iterator[tuple[str, str]]:
    """Give the texts in an answer that are secrets, by the names of their fields."""
    if isinstance(answer, list):
        for each in answer:
            yield from _texts(each)
    elif isinstance(answer, dict):
        if answer.get("Type") == "SecureString" and isinstance(answer.get("Value"), str):
            yield "value", answer["Value"]
        for name, value in answer.items():
            if name.lower() in _NAMES and isinstance(value, str):
                yield name.lower(), value
            else:
                yield from _texts(value)
