"""The tokens of a loopback Slack: whose they are, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from brickwork_slack.testing.state import Workspace

TokenKind = Literal["bot", "user", "app"]

BOT_SCOPES = (
    *("app_mentions:read", "bookmarks:read", "bookmarks:write", "channels:history"),
    *("channels:join", "channels:manage", "channels:read", "chat:write", "chat:write.customize"),
    *("chat:write.public", "commands", "dnd:read", "emoji:read", "files:read", "files:write"),
    *("groups:history", "groups:read", "groups:write", "im:history", "im:read", "im:write"),
    *("incoming-webhook", "links:write", "metadata.message:read", "mpim:history", "mpim:read"),
    *("mpim:write", "pins:read", "pins:write", "reactions:read", "reactions:write"),
    *("team:read", "usergroups:read", "usergroups:write", "users.profile:read", "users:read"),
    *("users:read.email", "users:write"),
)
"""What a bot token may do, unless the test says otherwise."""

USER_SCOPES = (
    *("bookmarks:read", "bookmarks:write", "channels:history", "channels:read", "channels:write"),
    *("chat:write", "dnd:read", "dnd:write", "emoji:read", "files:read", "files:write"),
    *("groups:history", "groups:read", "groups:write", "im:history", "im:read", "im:write"),
    *("mpim:history", "mpim:read", "mpim:write", "pins:read", "pins:write", "reactions:read"),
    *("reactions:write", "reminders:read", "reminders:write", "search:read", "team:read"),
    *("usergroups:read", "usergroups:write", "users.profile:read", "users.profile:write"),
    *("users:read", "users:read.email", "users:write"),
)
"""What a user token may do, unless the test says otherwise."""

APP_SCOPES = ("connections:write", "authorizations:read")
"""What an app-level token may do, unless the test says otherwise."""

DEFAULT_SCOPES: Mapping[TokenKind, tuple[str, ...]] = {
    "bot": BOT_SCOPES,
    "user": USER_SCOPES,
    "app": APP_SCOPES,
}
PREFIX: Mapping[TokenKind, str] = {"bot": "xoxb", "user": "xoxp", "app": "xapp"}


@dataclass
class Identity:
    """Whom a token stands for.

    Attributes:
        kind: ``bot``, ``user`` or ``app``.
        workspace: Where it is good.
        user: The id of the bot's user, or the person's.
        scopes: What it may do.
        gone: Slack's code for a token that is no longer taken, as ``token_revoked``; empty while
            it is.
        expires_at: When it ends, in seconds since 1970; None for never.
    """

    kind: TokenKind
    workspace: "Workspace"
    user: str
    scopes: tuple[str, ...]
    gone: str = ""
    expires_at: float | None = None
