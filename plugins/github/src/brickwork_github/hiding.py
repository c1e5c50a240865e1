"""Keeps secrets out of logs and tracebacks.

At the level DEBUG PyGithub logs the whole body of each request and answer: the secrets in answers
are made known to the masker before that. Its frames keep the headers of a request, which tracebacks
with local variables show: the token there has no representation.
"""

import json
from collections.abc import Iterator
from typing import Any

from brickwork import Secret

_NAMES = frozenset(
    {
        "client_secret",
        "encoded_jit_config",
        "pem",
        "private_key",
        "temp_clone_token",
        "token",
        "webhook_secret",
    }
)
_MARKS = tuple(f'"{name}"'.encode() for name in _NAMES)


class Unshown(str):
    """A text that is sent as it is, and shown as asterisks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


def hide_secrets(status: int, body: bytes) -> None:
    """Have the secrets in an answer hidden in logs."""
    if not 200 <= status < 300 or not any(mark in body for mark in _MARKS):
        return
    try:
        answer = json.loads(body)
    except ValueError:
        return
    for value in _texts(answer):
        hide(value)


def hide(value: str) -> None:
    """Have a text hidden, also with JSON's escapes, as it stands in a log."""
    Secret(value)
    Secret(json.dumps(value)[1:-1])


def _texts(answer: Any) -> Iterator[str]:
    if isinstance(answer, list):
        for each in answer:
            yield from _texts(each)
    elif isinstance(answer, dict):
        for name, value in answer.items():
            if name in _NAMES and isinstance(value, str) and value:
                yield value
            else:
                yield from _texts(value)
