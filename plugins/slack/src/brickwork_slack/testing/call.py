"""One call of a method, as the methods of a loopback Slack see it."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from brickwork_slack.testing.state import Channel, User, Workspace
from brickwork_slack.testing.tokens import Identity
from brickwork_slack.testing.traffic import Refused, malformed

if TYPE_CHECKING:
    from brickwork_slack.testing.server import SlackServer

T = TypeVar("T")

_PREFIX = {"public": "channels", "private": "groups", "im": "im", "mpim": "mpim"}
_TRUE, _FALSE = ("1", "true"), ("0", "false", "")


class Call:
    """A call whose token is taken and has one of the scopes.

    Args:
        server: Which took it.
        method: For example ``chat.postMessage``.
        identity: Whom the token stands for.
        arguments: As they came: of a form, texts.
    """

    def __init__(
        self,
        server: "SlackServer",
        method: str,
        identity: Identity,
        arguments: Mapping[str, Any],
    ) -> None:
        self.server = server
        self.method = method
        self.identity = identity
        self.arguments = arguments

    @property
    def workspace(self) -> Workspace:
        """Where the token is good."""
        return self.identity.workspace

    @property
    def user(self) -> User:
        """Who calls."""
        return self.workspace.users[self.identity.user]

    @property
    def now(self) -> int:
        """The server's time, in whole seconds since 1970."""
        return int(self.server.now())

    def text(self, name: str, default: str = "") -> str:
        """Return an argument that is a text."""
        value = self.arguments.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else json.dumps(value)

    def required(self, name: str, error: str = "invalid_arguments") -> str:
        """Return an argument that may not lack."""
        value = self.text(name)
        if not value:
            raise malformed(error, f"[ERROR] missing required field: {name}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return an argument that is true or false."""
        value = self.arguments.get(name, default)
        if isinstance(value, bool):
            return value
        if str(value).lower() in (*_TRUE, *_FALSE):
            return str(value).lower() in _TRUE
        raise malformed("invalid_arguments", f"[ERROR] must be a boolean [json-pointer:/{name}]")

    def number(self, name: str, default: float, error: str = "invalid_arguments") -> float:
        """Return an argument that is a number."""
        value = self.arguments.get(name, default)
        try:
            return float(value)
        except (TypeError, ValueError):
            why = f"[ERROR] must be a number [json-pointer:/{name}]"
            raise malformed(error, why) from None

    def items(self, name: str) -> list[str]:
        """Return an argument that is several texts, with commas or as JSON."""
        value = self.arguments.get(name)
        if isinstance(value, str) and value.startswith("["):
            value = self.json(name)
        if isinstance(value, list):
            return [str(each) for each in value]
        return [each.strip() for each in str(value or "").split(",") if each.strip()]

    def json(self, name: str, error: str = "invalid_arguments") -> Any:
        """Return an argument that is JSON; in a form, a text of it."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise malformed(error, f"[ERROR] no valid JSON [json-pointer:/{name}]") from None

    def need(self, *scopes: str) -> None:
        """Refuse unless the token has one of the scopes."""
        if not set(scopes) & set(self.identity.scopes):
            raise Refused(
                "missing_scope",
                needed=",".join(scopes),
                provided=",".join(self.identity.scopes),
            )

    def may(self, scope: str) -> bool:
        """Tell whether the token has a scope."""
        return scope in self.identity.scopes

    def sees(self, channel: Channel) -> bool:
        """Tell whether the caller knows that a conversation is there."""
        return channel.kind == "public" or self.identity.user in channel.members

    def channel(
        self,
        action: str = "",
        *,
        name: str = "channel",
        member: bool = False,
        live: bool = False,
        error: str = "channel_not_found",
    ) -> Channel:
        """Return the conversation that an argument names by its id.

        Args:
            action: What the token's scope must say of its kind: ``read``, ``history``, ``manage``.
            name: The argument.
            member: Refuse where the caller is not in it.
            live: Refuse where it is archived.
            error: What is said where it is not there.
        """
        given = self.required(name)
        channel = self.workspace.channels.get(given)
        if channel is None or not self.sees(channel):
            raise Refused(error)
        if action:
            self.need(*channel_scopes(channel.kind, action))
        if member and self.identity.user not in channel.members:
            raise Refused("not_in_channel")
        if live and channel.archived:
            raise Refused("is_archived")
        return channel

    def person(self, name: str = "user", error: str = "user_not_found") -> User:
        """Return the user that an argument names by id."""
        user = self.workspace.users.get(self.required(name))
        if user is None:
            raise Refused(error)
        return user

    def page(self, items: Sequence[T], *, default: int, most: int = 1000) -> tuple[list[T], str]:
        """Return the items that the cursor and the limit mean, and the next cursor.

        See https://docs.slack.dev/apis/web-api/pagination.

        Args:
            items: All.
            default: How many, if the call does not say.
            most: How many at most.
        """
        limit = int(self.number("limit", default, "invalid_limit"))
        if not 0 <= limit <= most:
            raise malformed("invalid_limit", f"[ERROR] must be 1 to {most} [json-pointer:/limit]")
        size = min(limit or default, self.server.page_size or most)
        start = self._offset(len(items))
        end = start + size
        return list(items[start:end]), self._cursor(end) if end < len(items) else ""

    def _cursor(self, offset: int) -> str:
        return base64.b64encode(f"{self.method}:{offset}".encode()).decode()

    def _offset(self, length: int) -> int:
        cursor = self.text("cursor")
        if not cursor:
            return 0
        try:
            method, _, offset = base64.b64decode(cursor, validate=True).decode().rpartition(":")
            if method == self.method and 0 < int(offset) <= max(length, 1):
                return int(offset)
        except (binascii.Error, ValueError):
            pass
        raise malformed("invalid_cursor", "[ERROR] not a cursor of this method's answers")


def channel_scopes(kind: str, action: str) -> tuple[str, ...]:
    """Return the scopes of which one lets a token do something with a kind of conversation."""
    prefix = _PREFIX[kind]
    if action in ("read", "history"):
        return (f"{prefix}:{action}",)
    if prefix == "channels":
        return {
            "manage": ("channels:manage", "channels:write"),
            "invite": ("channels:manage", "channels:write", "channels:write.invites"),
            "topic": ("channels:manage", "channels:write", "channels:write.topic"),
        }[action]
    return {
        "manage": (f"{prefix}:write",),
        "invite": (f"{prefix}:write", f"{prefix}:write.invites"),
        "topic": (f"{prefix}:write", f"{prefix}:write.topic"),
    }[action]


def every(action: str) -> tuple[str, ...]:
    """Return the scopes of which one at least is needed where the kind is not known yet."""
    kinds = ("public", "private", "mpim", "im")
    return tuple(scope for kind in kinds for scope in channel_scopes(kind, action))
