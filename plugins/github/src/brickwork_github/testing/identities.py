"""Who may ask a `GitHubServer`: people by tokens, and a GitHub App by what it signs."""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from brickwork import Secret

if TYPE_CHECKING:
    from brickwork_github.app_tokens import GitHubApp

SCOPES = ("gist", "read:org", "repo", "workflow")
"""The scopes of a classic token, unless the test says otherwise."""

_LONGEST_JWT = 600
_CLOCK_SKEW = 5


@dataclass(frozen=True)
class Identity:
    """What a token stands for.

    Attributes:
        kind: ``classic``, ``fine-grained`` or ``installation``.
        scopes: Of a classic token.
        expires_at: In seconds since 1970; None if it does not end.
    """

    kind: str
    scopes: tuple[str, ...] = ()
    expires_at: float | None = None

    def headers(self) -> dict[str, str]:
        """Return what GitHub says of the token in each answer."""
        told = {}
        if self.kind == "classic":
            told["X-OAuth-Scopes"] = ", ".join(self.scopes)
        if self.expires_at is not None and self.kind != "installation":
            end = datetime.fromtimestamp(self.expires_at, UTC)
            told["GitHub-Authentication-Token-Expiration"] = f"{end:%Y-%m-%d %H:%M:%S} UTC"
        return told


class Identities:
    """The tokens that a server takes.

    Args:
        now: Tells the time.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, Identity] = {}

    def add(self, identity: Identity, token: str | None = None) -> Secret[str]:
        """Return a new token, of the form of its kind, or let one be known that is given."""
        prefix = {"classic": "ghp", "fine-grained": "github_pat", "installation": "ghs"}
        token = token or f"{prefix[identity.kind]}_{secrets.token_hex(18)}"
        with self._lock:
            self._known[token] = identity
        return Secret(token)

    def remove(self, token: str) -> None:
        """Take a token no longer."""
        with self._lock:
            self._known.pop(token, None)

    def of(self, token: str) -> Identity | None:
        """Return what a token stands for; None if it is unknown, or has ended."""
        with self._lock:
            found = self._known.get(token)
        ended = found and found.expires_at is not None and found.expires_at <= self._now()
        return None if ended else found


@dataclass
class App:
    """The GitHub App that a server knows, installed once.

    Attributes:
        app_id: Its id.
        client_id: Its other name, which it may sign with as well.
        installation_id: Its one installation.
        permissions: What the installation may do.
        token_seconds: How long the tokens of the installation last.
        installed_on: The repositories it is installed on, ``owner/name``; None means all.
    """

    app_id: int = 12345
    client_id: str = "Iv23liAbCdEfGhIjKlMn"
    installation_id: int = 987654
    permissions: Mapping[str, str] = field(
        default_factory=lambda: {
            "actions": "write",
            "contents": "write",
            "issues": "write",
            "metadata": "read",
            "pull_requests": "write",
        }
    )
    token_seconds: float = 3600
    installed_on: Sequence[str] | None = None

    @property
    def private_key(self) -> Secret[str]:
        """The key that it signs with, in PEM; the same for all servers of a process."""
        return Secret(_key_pair()[0])

    def settings(self, *, installation: int | str | None = None) -> "GitHubApp":
        """Return what goes into the ``app`` of credentials.

        Args:
            installation: The installation's id, its owner or ``owner/repo``; by default its id.
        """
        from brickwork_github.app_tokens import GitHubApp

        return GitHubApp(
            app_id=self.app_id,
            private_key=self.private_key,
            installation=self.installation_id if installation is None else installation,
        )

    def fault(self, token: str, now: float) -> str | None:
        """Tell what is wrong with what the App signed; None if nothing is.

        See https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app.
        """
        import jwt

        try:
            # The times are compared here, with the server's clock.
            claims: dict[str, Any] = jwt.decode(
                token,
                _key_pair()[1],
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_iss": False},
            )
        except jwt.InvalidTokenError:
            return "A JSON web token could not be decoded"
        issued, expires = claims.get("iat"), claims.get("exp")
        if str(claims.get("iss")) not in (str(self.app_id), self.client_id):
            return "Integration not found"
        if not isinstance(issued, int) or not isinstance(expires, int):
            return "'Issued at' claim ('iat') and 'Expiration time' claim ('exp') must be integers"
        if issued > now + _CLOCK_SKEW:
            return "'Issued at' claim ('iat') must be an Integer representing a time in the past"
        if expires <= now:
            return "'Expiration time' claim ('exp') must be a numeric value in the future"
        if expires > now + _LONGEST_JWT + _CLOCK_SKEW:
            return "'Expiration time' claim ('exp') is too far in the future"
        return None

    def is_installed_on(self, repository: str) -> bool:
        """Tell whether it is installed on a repository."""
        wanted = repository.lower()
        return self.installed_on is None or wanted in map(str.lower, self.installed_on)


@cache
def _key_pair() -> tuple[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()
