"""Requests and answers, as a test sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A call of a method, as it was understood.

    Attributes:
        method: For example ``chat.postMessage``.
        arguments: What it was called with; of a form, texts.
        user: The id of the user that the token is of; empty where the token is not taken.
        headers: As they came; names without regard to case.
    """

    method: str
    arguments: Mapping[str, Any]
    user: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def token(self) -> str | None:
        """The token that it came with."""
        kind, _, rest = (self.headers.get("Authorization") or "").partition(" ")
        if kind.lower() == "bearer":
            return rest.strip()
        given = self.arguments.get("token")
        return given if isinstance(given, str) else None


@dataclass(frozen=True)
class Refusal:
    """A call that Slack refuses whatever the state of the workspace is.

    Attributes:
        asked: The call.
        error: Slack's code.
        reasons: What is wrong with it.
    """

    asked: Asked
    error: str
    reasons: tuple[str, ...]


class Refused(Exception):
    """Ends a method with one of Slack's codes.

    Args:
        error: Slack's code.
        reasons: What is wrong, as Slack says it in ``response_metadata.messages``.
        malformed: The call is wrong whatever the state of the workspace is; a test that did not
            expect that fails at its end.
        more: Other fields of the answer.
    """

    def __init__(self, error: str, *reasons: str, malformed: bool = False, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.reasons = reasons
        self.malformed = malformed
        self.more = more


def malformed(error: str, *reasons: str, **more: Any) -> Refused:
    """Return the end of a call that is wrong in itself."""
    return Refused(error, *reasons, malformed=True, **more)
