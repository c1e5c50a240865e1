"""A Slack on 127.0.0.1, which keeps what it is told, and refuses what Slack refuses."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from brickwork import BrickworkError, Secret
from brickwork_slack.testing.acting import Acting
from brickwork_slack.testing.call import Call
from brickwork_slack.testing.delivering import Delivering
from brickwork_slack.testing.faults import Fault
from brickwork_slack.testing.places import Places
from brickwork_slack.testing.sockets import Sockets
from brickwork_slack.testing.state import Channel, Kind, User, Workspace
from brickwork_slack.testing.tokens import DEFAULT_SCOPES, TokenKind
from brickwork_slack.testing.traffic import Asked, Refusal

if TYPE_CHECKING:
    from brickwork_slack.credentials import SlackCredentials
    from brickwork_slack.testing.types import Types

Planned = Mapping[str, Any] | Callable[[Call], Mapping[str, Any]]
"""An answer that a test wants, without ``ok``; or what makes it."""

PLACES = ("download", "response_url", "upload", "webhook")
"""What can fail beside the methods of the Web API."""


class SlackServer(Acting):
    """A running server; made by `slack_server`.

    It begins with one workspace, in which are the bot ``brick`` and the person ``ada``
    (ada@example.com), and the channels ``general`` and ``random``; the bot is not in the latter.

    Attributes:
        url: Where it answers.
        workspace: The workspace; there may be others.
        bot: The app's bot in it.
        ada: A person in it.
        general: A channel that both are in.
        random: A channel that only the person is in.
        requests: The calls, in order; also those that were refused, and what was asked for beside
            methods, as ``upload`` or ``webhook``.
        refusals: Those that Slack refuses whatever the state of the workspace is.
        page_size: Answer lists in pages of no more, as Slack may; None for as many as asked for.
        signing_secret: What the app's requests are signed with.
    """

    def __init__(self, types: "Types | None" = None) -> None:
        super().__init__()
        self.types = types
        self.url = ""
        self.page_size: int | None = None
        self.signing_secret = Secret("8f742231b10e8888abcd99yyyzzz85a5")
        self.requests: list[Asked] = []
        self.refusals: list[Refusal] = []
        self.lies: list[Exception] = []
        self.refusals_expected = False
        self.closing = threading.Event()
        self.sockets = Sockets(self.app_id)
        self.events = Delivering(self)
        self.places = Places(self)
        self._faults: list[tuple[str | None, Fault]] = []
        self._planned: dict[str, Planned] = {}
        self.workspace = self.new_workspace("brick", "T00000BRICK")
        self.bot = next(iter(self.workspace.users.values()))
        self.general = next(iter(self.workspace.channels.values()))
        self.ada = self.user("ada", real_name="Ada Lovelace")
        self.general.members.append(self.ada.id)
        self.random = self.channel("random", members=[self.ada])

    def user(
        self,
        name: str,
        *,
        email: str | None = None,
        real_name: str = "",
        admin: bool = False,
        deleted: bool = False,
        workspace: Workspace | None = None,
    ) -> User:
        """Make a person.

        Args:
            name: The handle.
            email: The address; by default ``name@example.com``.
            real_name: As people see it; by default the handle.
            admin: Administers the workspace.
            deleted: Deactivated.
            workspace: Where; by default the first one.
        """
        key = self.new_id("U")
        address = f"{name}@example.com" if email is None else email
        made = User(key, name, address, real_name or name, admin=admin, deleted=deleted)
        (workspace or self.workspace).users[key] = made
        return made

    def channel(
        self,
        name: str,
        *,
        members: Iterable[User] | None = None,
        kind: Kind = "public",
        archived: bool = False,
        workspace: Workspace | None = None,
    ) -> Channel:
        """Make a channel.

        Args:
            name: Its name, without ``#``.
            members: Who is in it; by default the bot and ``ada``.
            kind: ``public`` or ``private``.
            archived: Nothing may be changed in it.
            workspace: Where; by default the first one.
        """
        within = [self.bot, self.ada] if members is None else list(members)
        ids = [user.id for user in within]
        creator = ids[0] if ids else self.bot.id
        made = self.new_channel(workspace or self.workspace, name, kind, creator, ids)
        made.archived = archived
        return made

    def token(
        self,
        *,
        scopes: Iterable[str] | None = None,
        kind: TokenKind = "bot",
        user: User | None = None,
        workspace: Workspace | None = None,
        expires_in: float | None = None,
    ) -> Secret[str]:
        """Return another token that the server takes.

        Args:
            scopes: What it may do; by default nearly everything.
            kind: ``bot``, ``user`` or ``app``.
            user: Whose; by default the bot, or ``ada`` for a user's.
            workspace: Where it is good; by default the first one.
            expires_in: In how many seconds it ends; None means never.
        """
        where = workspace or self.workspace
        if user is None:
            user = self.ada if kind == "user" else next(iter(where.users.values()))
        given = DEFAULT_SCOPES[kind] if scopes is None else scopes
        token = self.new_token(kind, where, user.id, given)
        if expires_in is not None:
            self.identities[token.reveal()].expires_at = self.now() + expires_in
        return token

    def revoke(self, token: Secret[str], error: str = "token_revoked") -> None:
        """Take a token no longer.

        Args:
            token: Which.
            error: What is said: ``token_revoked``, ``account_inactive``, ``token_expired``.
        """
        self.identities[token.reveal()].gone = error

    def credentials(self, **options: Any) -> "SlackCredentials":
        """Return credentials for this server; with options, ones that differ."""
        from brickwork_slack.credentials import SlackCredentials

        given = {"base_url": f"{self.url}/api/", "signing_secret": self.signing_secret, **options}
        if "token" not in given:
            given["token"] = self.token()
        return SlackCredentials(**given)

    def webhook(self, channel: Channel | None = None) -> Secret[str]:
        """Return the URL of an incoming webhook, which posts to a channel.

        Args:
            channel: Where; by default ``general``.
        """
        where = channel or self.general
        workspace = self.workspace_of(where)
        path = f"/services/{workspace.id}/{self.new_id('B')}/{self.short_id()}{self.short_id()}"
        self.hooks[path] = (workspace, where, None, 1)
        return Secret(self.url + path)

    def fail(self, method: str | None, fault: Fault, *, times: int = 1) -> None:
        """Let something go wrong with the next requests.

        Args:
            method: For example ``chat.postMessage``; ``upload``, ``download``, ``webhook`` or
                ``response_url`` for what is no method; None means any.
            fault: What; see `brickwork_slack.testing.faults`.
            times: With how many requests.

        Raises:
            BrickworkError: Slack has no such method.
        """
        if method is not None and method not in PLACES:
            self.check_method(method)
        with self.lock:
            self._faults += [(method, fault)] * times

    def answer(self, method: str, answer: Planned) -> None:
        """Say what a method answers from now on, instead of what the server keeps.

        Args:
            method: For example ``admin.users.list``, which is not kept here.
            answer: Without ``ok``; or a function that makes it of the call. It must be an answer
                that Slack's types allow.

        Raises:
            BrickworkError: Slack has no such method.
            WrongAnswer: Slack would never give this answer.
        """
        self.check_method(method)
        if not callable(answer) and self.types is not None:
            self.types.check_answer(method, {"ok": True, **answer})
        self._planned[method] = answer

    def expect_refusals(self) -> None:
        """Do not fail the test for calls that Slack refuses: it means them."""
        self.refusals_expected = True

    def asked(self, method: str) -> list[Asked]:
        """Return the calls of one method, or of a place such as ``webhook``, in order."""
        if method not in PLACES:
            self.check_method(method)
        return [asked for asked in self.requests if asked.method == method]

    def advance(self, seconds: float) -> None:
        """Move the server's clock on: tokens end, and scheduled messages are posted."""
        self._ahead += seconds
        with self.lock:
            self.post_due()

    # What the serving part asks for

    def check_method(self, method: str) -> None:
        """Raise BrickworkError unless Slack has a method."""
        from brickwork_slack.testing.methods import METHODS

        known = set(METHODS) | (self.types.methods if self.types is not None else set())
        if method not in known:
            from difflib import get_close_matches

            near = get_close_matches(method, known, 1)
            raise BrickworkError(
                f"Slack has no method {method!r}",
                fix=f"Did you mean {near[0]!r}?" if near else "Write it as 'chat.postMessage'.",
            )

    def next_fault(self, method: str) -> Fault | None:
        """Return what goes wrong with a request, and forget it."""
        with self.lock:
            for index, (wanted, fault) in enumerate(self._faults):
                if wanted in (None, method):
                    del self._faults[index]
                    return fault
        return None

    def planned(self, method: str) -> Planned | None:
        """Return what a test wants to be answered."""
        return self._planned.get(method)


@contextmanager
def slack_server(*, typed: bool = True) -> Iterator[SlackServer]:
    """Run a Slack on 127.0.0.1 until the block ends.

    Args:
        typed: Check calls and answers against Slack's own TypeScript types; without that, only
            what is written down here is checked.

    Raises:
        TypesMissing: Slack's types are not installed, and could not be fetched.
        AssertionError: At the end: a call was refused, which Slack would have refused, too.
        WrongAnswer: At the end: something was answered that Slack never answers.
    """
    from brickwork.testing.listening import listening
    from brickwork_slack.testing.serving import Serving

    types = None
    if typed:
        from brickwork_slack.testing.types import types_of_slack

        types = types_of_slack()
    server = SlackServer(types)
    with listening(Serving(server).serve, server.closing) as server.url:
        server.sockets.base_url = server.url
        try:
            yield server
        finally:
            server.closing.set()
            server.events.close()
            server.sockets.close()
            server.places.close()
    if server.lies:
        raise server.lies[0]
    if server.refusals and not server.refusals_expected:
        told = "\n".join(
            f"{refusal.asked.method}: {refusal.error}: {' '.join(refusal.reasons)}"
            for refusal in server.refusals
        )
        raise AssertionError(f"Slack would refuse:\n{told}")
