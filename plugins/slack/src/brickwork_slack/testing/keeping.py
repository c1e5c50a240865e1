"""How a loopback Slack makes what it keeps: ids, times, users, channels, tokens."""

import secrets
import threading
import time
from collections.abc import Iterable

from brickwork import Secret
from brickwork_slack.testing.state import Channel, Kind, Message, User, Workspace
from brickwork_slack.testing.tokens import PREFIX, Identity, TokenKind

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Keeping:
    """Ids, times, and what has them.

    Attributes:
        app_id: ``A...`` of the app that the tokens are of.
        identities: By token.
        workspaces: By id.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.app_id = "A00BRICKAPP"
        self.workspaces: dict[str, Workspace] = {}
        self.identities: dict[str, Identity] = {}
        self._count = 0
        self._ahead = 0.0
        self._last_ts = 0

    def now(self) -> float:
        """Return what the server takes for the time, in seconds since 1970."""
        return time.time() + self._ahead

    def new_id(self, prefix: str) -> str:
        """Return an id that nothing has yet."""
        with self.lock:
            self._count += 1
            count, text = self._count, ""
            while count:
                count, digit = divmod(count, 36)
                text = _DIGITS[digit] + text
        return f"{prefix}0{text:0>9}"

    def short_id(self) -> str:
        """Return an id of a block."""
        return secrets.token_urlsafe(4)[:5]

    def new_ts(self) -> str:
        """Return the time as Slack knows messages by it: none is given twice, and each is later."""
        with self.lock:
            self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
            seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06d}"

    def new_workspace(self, domain: str, team: str) -> Workspace:
        """Make a workspace with a bot's user, and a channel ``general``."""
        made = Workspace(team, domain, domain.capitalize())
        self.workspaces[team] = made
        bot = User(self.new_id("U"), "brick", real_name="Brick", bot_id=self.new_id("B"))
        made.users[bot.id] = bot
        self.new_channel(made, "general", "public", bot.id, [bot.id])
        return made

    def new_channel(
        self, workspace: Workspace, name: str, kind: Kind, creator: str, members: Iterable[str]
    ) -> Channel:
        """Make a conversation."""
        key = self.new_id({"im": "D", "mpim": "G"}.get(kind, "C"))
        made = Channel(key, name, kind, creator, int(self.now()), list(members))
        with self.lock:
            workspace.channels[key] = made
        return made

    def direct(self, workspace: Workspace, members: Iterable[str]) -> Channel:
        """Return the direct message of some users; it is made where there is none."""
        wanted = list(dict.fromkeys(members))
        for channel in workspace.channels.values():
            if channel.kind in ("im", "mpim") and set(channel.members) == set(wanted):
                return channel
        if len(wanted) <= 2:
            return self.new_channel(workspace, "", "im", wanted[0], wanted)
        names = "--".join(workspace.users[user].name for user in wanted)
        return self.new_channel(workspace, f"mpdm-{names}-1", "mpim", wanted[0], wanted)

    def new_token(
        self, kind: TokenKind, workspace: Workspace, user: str, scopes: Iterable[str]
    ) -> Secret[str]:
        """Return a token."""
        number = 1000000000 + len(self.identities)
        if kind == "app":
            text = f"xapp-1-{self.app_id}-{number}-{secrets.token_hex(32)}"
        else:
            text = f"{PREFIX[kind]}-{number}-{number + 1}-{secrets.token_hex(12)}"
        self.identities[text] = Identity(kind, workspace, user, tuple(scopes))
        return Secret(text)

    def post_due(self) -> None:
        """Post the scheduled messages whose time has come."""
        for workspace in self.workspaces.values():
            for kept in sorted(workspace.scheduled.values(), key=lambda each: each.post_at):
                if kept.post_at > self.now():
                    continue
                del workspace.scheduled[kept.id]
                channel, user = workspace.channels[kept.channel], workspace.users[kept.user]
                message = Message(
                    self.new_ts(),
                    channel.id,
                    user.id,
                    kept.arguments["text"],
                    dict(kept.arguments["content"]),
                    kept.arguments["thread_ts"],
                    broadcast=kept.arguments["broadcast"],
                    subtype="thread_broadcast" if kept.arguments["broadcast"] else "",
                    bot_id=user.bot_id,
                    app_id=self.app_id,
                )
                channel.messages[message.ts] = message
