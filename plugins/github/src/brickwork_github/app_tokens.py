"""Tokens of a GitHub App's installation: found, fetched, and fetched anew before they end."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from time import time
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from brickwork import BlockError, Secret, check_cancelled
from brickwork_github.errors import GitHubError, GitHubNotFound
from brickwork_github.paths import filled, is_name

if TYPE_CHECKING:
    from brickwork_github.sending import Sender

EARLY_SECONDS, LATE_SECONDS = 300.0, 30.0
"""How long before its end a token is replaced, of the hour that it lasts; and how long before its
end it is still used while somebody else replaces it."""

JWT_SECONDS, CLOCK_SECONDS = 540, 60
"""How long the App's own token lasts, and how far our clock may be ahead; GitHub allows 600 s.

See https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app.
"""

_LOOK_SECONDS = 0.5
_BEGIN, _END = "-----BEGIN ", "PRIVATE KEY-----"


class GitHubApp(BaseModel):
    """A GitHub App, and which of its installations to be.

    See https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    app_id: str = Field(
        pattern=r"^[A-Za-z0-9._-]+$",
        coerce_numbers_to_str=True,
        description="The App's id, or its client id, from its settings page.",
    )
    private_key: Secret[str] = Field(description="The App's private key, in PEM.")
    installation: int | str | None = Field(
        None,
        description="The installation: its id, the owner, or a repository as owner/name; without"
        " it, the only one that there is.",
    )
    repositories: tuple[str, ...] = Field(
        (), description="Names of repositories that its tokens are for; by default all of them."
    )
    permissions: tuple[Annotated[str, Field(pattern=r"^[a-z_]+:(read|write|admin)$")], ...] = Field(
        (),
        description="What its tokens may do, as in issues:write; by default all that the App may.",
    )

    @field_validator("private_key")
    @classmethod
    def _is_a_key(cls, value: Secret[str]) -> Secret[str]:
        text = value.reveal().strip()
        if "\n" not in text:  # as it is often put into an environment variable
            text = text.replace("\\n", "\n")
        if not text.startswith(_BEGIN) or _END not in text:
            raise ValueError(f"is no private key in PEM: that begins with {_BEGIN}... {_END}")
        return Secret(text + "\n")

    @field_validator("installation")
    @classmethod
    def _is_an_installation(cls, value: int | str | None) -> int | str | None:
        if isinstance(value, str) and not all(map(is_name, value.split("/", 1))):
            raise ValueError("is neither an id, an owner nor owner/name")
        return value


class InstallationTokens:
    """The token of an installation, for all threads.

    Args:
        app: The App.
        sender: Makes what asks GitHub as the App, of a token that the App has signed, and of what
            to call it in messages.

    Attributes:
        permissions: What the last token may do.
    """

    def __init__(self, app: GitHubApp, sender: Callable[[Secret[str], str], "Sender"]) -> None:
        self._app, self._sender = app, sender
        self._lock = threading.Lock()
        self._held = Secret("")
        self._ends = 0.0
        self._id: int | None = None
        self.permissions: Mapping[str, str] = {}

    def token(self) -> Secret[str]:
        """Return a token that is good for five minutes at least, if GitHub gives one.

        Raises:
            BlockError: The private key is none, or there is no such installation.
            GitHubError: GitHub refuses.
        """
        if not self._lasts(EARLY_SECONDS):
            if not self._lock.acquire(blocking=False):  # somebody fetches another one
                if self._lasts(LATE_SECONDS):
                    return self._held
                while not self._lock.acquire(timeout=_LOOK_SECONDS):
                    check_cancelled()
            try:
                if not self._lasts(EARLY_SECONDS):
                    self._renew()
            finally:
                self._lock.release()
        return self._held

    def forget(self) -> None:
        """Fetch another token when one is asked for: GitHub does not know this one (any more)."""
        self._ends = 0.0

    def _lasts(self, seconds: float) -> bool:
        return time() < self._ends - seconds

    def ask(self, route: str, path: Mapping[str, str | int] | None = None, **options: Any) -> Any:
        """Ask GitHub as the App itself.

        Args:
            route: The method and the path, as GitHub's documentation has them.
            path: What the path has.
            options: As of `brickwork_github.sending.Sender.send`.

        Raises:
            BlockError: The private key is none.
            GitHubError: GitHub refuses.
        """
        sender = self._sender(self._jwt(), f"the App {self._app.app_id}")
        return sender.send(filled(route, path or {}), **options).data

    def _renew(self) -> None:
        try:
            self._fetch()
        except GitHubError:
            if not self._lasts(0):
                raise  # else the one at hand is still good

    def _fetch(self) -> None:
        body = {
            "repositories": self._app.repositories or None,
            "permissions": dict(each.split(":") for each in self._app.permissions) or None,
        }
        answer = self.ask(
            "POST /app/installations/{installation_id}/access_tokens",
            path={"installation_id": self._installation()},
            body=body,
            safe=True,  # one token too many does no harm
        )
        self._held = Secret(answer["token"])
        self._ends = datetime.fromisoformat(answer["expires_at"]).timestamp()
        self.permissions = answer.get("permissions") or {}

    def _installation(self) -> int:
        wanted = self._app.installation
        if isinstance(wanted, int):
            return wanted
        if self._id is None:
            self._id = self._only() if wanted is None else self._found(wanted)
        return self._id

    def _found(self, wanted: str) -> int:
        owner, slash, name = wanted.partition("/")
        routes = ["GET /repos/{owner}/{repo}/installation"]
        if not slash:
            routes = ["GET /orgs/{org}/installation", "GET /users/{username}/installation"]
        path = {"owner": owner, "repo": name, "org": owner, "username": owner}
        for route in routes:
            try:
                return int(self.ask(route, path=path)["id"])
            except GitHubNotFound:
                continue
        raise BlockError(
            f"The GitHub App {self._app.app_id} is not installed on {wanted}.",
            fix="Install it there, or correct app.installation.",
        )

    def _only(self) -> int:
        found = self.ask("GET /app/installations", query={"per_page": 100})
        if len(found) == 1:
            return int(found[0]["id"])
        owners = sorted(str((each.get("account") or {}).get("login")) for each in found)
        raise BlockError(
            f"The GitHub App {self._app.app_id} has {len(found)} installations"
            f"{': ' if owners else ''}{', '.join(owners[:10])}.",
            fix="Say which by app.installation: the id, the owner, or owner/repository.",
        )

    def _jwt(self) -> Secret[str]:
        import jwt

        now, failed = int(time()), None
        claims = {"iat": now - CLOCK_SECONDS, "exp": now + JWT_SECONDS, "iss": self._app.app_id}
        try:
            return Secret(jwt.encode(claims, self._app.private_key.reveal(), "RS256"))
        except Exception as error:  # noqa: BLE001  # of two libraries; they may quote the key
            failed = type(error).__name__
        raise BlockError(
            f"The private key of the GitHub App {self._app.app_id} cannot be used ({failed}).",
            fix="Give the file that GitHub made, whole: RSA, in PEM, without a passphrase.",
        )
