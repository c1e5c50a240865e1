"""The methods of a loopback Slack, by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.tokens import TokenKind

Serve = Callable[[Call], dict[str, Any] | None]
"""Does what a method does, and returns its answer but for ``ok``."""


@dataclass(frozen=True)
class Method:
    """A method of the Web API.

    Attributes:
        name: For example ``chat.postMessage``.
        serve: Does it.
        scopes: Of which the token must have one; none for no matter.
        kinds: The kinds of tokens that it takes.
        json: Whether a body may be JSON; all take forms.
        check: Refuses arguments for which Slack has a code of its own, and changes nothing.
    """

    name: str
    serve: Serve
    scopes: tuple[str, ...]
    kinds: tuple[TokenKind, ...]
    json: bool
    check: Callable[[Call], object] | None = None


METHODS: dict[str, Method] = {}
"""Those that are kept here."""

BOTH: tuple[TokenKind, ...] = ("bot", "user")

_FORM_ONLY = {
    *("all", "conversations", "files", "getPermalink", "getPresence", "getUploadURLExternal"),
    *("history", "info", "list", "lookupByEmail", "members", "messages", "replies"),
}


def method(
    name: str,
    *scopes: str,
    kinds: Sequence[TokenKind] = BOTH,
    check: Callable[[Call], object] | None = None,
) -> Callable[[Serve], Serve]:
    """Register what serves a method.

    Those that only read take no JSON, as their pages say under "Content types"; see
    https://docs.slack.dev/apis/web-api/#post_bodies.
    """
    last = name.rpartition(".")[2]
    takes_json = last not in _FORM_ONLY or name == "chat.scheduledMessages.list"

    def register(serve: Serve) -> Serve:
        METHODS[name] = Method(name, serve, scopes, tuple(kinds), takes_json, check)
        return serve

    return register
