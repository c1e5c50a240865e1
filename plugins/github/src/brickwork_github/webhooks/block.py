"""``GitHubWebhook``: the secret of a webhook, and an app that receives it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from brickwork import Block, CheckReport, Finding, Secret, ledger_of

if TYPE_CHECKING:
    from brickwork_github.webhooks.event import GitHubEvent
    from brickwork_github.webhooks.handling import Handler
    from brickwork_github.webhooks.receiver import WebhookApp
    from brickwork_github.webhooks.replay import ReplayGuard

_SHORT = 16


class GitHubWebhook(Block):
    """The secret of a webhook on GitHub: what is delivered is verified with it.

    See https://docs.github.com/en/webhooks. To replace the secret without losing a delivery, save
    the new one with the old one under ``previous_secrets``, restart the program, change it on
    GitHub, and take the old one out.

    Examples:
        >>> from brickwork_github.testing.webhooks import deliver
        >>> webhook = GitHubWebhook(secret="a-long-secret-of-your-own")
        >>> app = webhook.app({"star.created": lambda event: print(event.sender, event.stars)})
        >>> deliver(app, "star", star, webhook.secret).status
        octocat 80
        200
    """

    slug: ClassVar[str] = "github-webhook"

    secret: Secret[str] = Field(description="The secret in the webhook's settings on GitHub.")
    previous_secrets: tuple[Secret[str], ...] = Field(
        (), description="Secrets that are taken as well, while the secret is replaced."
    )

    @field_validator("secret", "previous_secrets")
    @classmethod
    def _pasted_whole(
        cls, value: Secret[str] | tuple[Secret[str], ...]
    ) -> Secret[str] | tuple[Secret[str], ...]:
        for secret in value if isinstance(value, tuple) else (value,):
            text = secret.reveal()
            # With an empty one everybody could sign.
            if not text or text != text.strip():
                raise ValueError("is empty, or begins or ends with white space")
        return value

    @property
    def secrets(self) -> tuple[Secret[str], ...]:
        """All secrets that are taken, the newest first."""
        return (self.secret, *self.previous_secrets)

    def verify(self, body: bytes, signature: str | bytes | None) -> None:
        """Verify that GitHub signed a body, in constant time.

        Args:
            body: The bytes as they were received, before any decoding.
            signature: The header ``X-Hub-Signature-256``; None where there is none.

        Raises:
            GitHubWebhookRefused: It did not, or the header is missing or malformed.
        """
        from brickwork_github.webhooks.signature import verify

        verify(body, signature, self.secrets)

    def event(self, headers: Mapping[str, str], body: bytes) -> "GitHubEvent":
        """Verify a delivery that another web framework received, and return its event.

        It does not notice a delivery that comes twice: remember the event's ``delivery``, with
        `ReplayGuard` or otherwise.

        Args:
            headers: The request's headers; the case of their names does not matter.
            body: The bytes as they were received, before any decoding.

        Raises:
            GitHubWebhookRefused: It is not from GitHub, or not what GitHub sends; ``status`` is
                the HTTP status to answer with.
        """
        from brickwork_github.webhooks.delivery import event_of, headers_of

        return event_of(headers_of(headers.items()), body, self.secrets)

    def app(
        self,
        handlers: "Mapping[str, Handler]",
        *,
        path: str = "/",
        wait_seconds: float = 5.0,
        max_body_bytes: int = 25 * 1024 * 1024,
        max_deliveries: int = 1000,
        threads: int = 10,
        shutdown_seconds: float = 30.0,
        guard: "ReplayGuard | None" = None,
    ) -> "WebhookApp":
        """Return an ASGI app that verifies deliveries and hands their events to functions.

        A delivery is handled once, however often it comes. Where this block is saved, all processes
        remember together, in the vault; else each remembers for itself. One whose handler raised is
        handled anew when it is delivered again.

        Args:
            handlers: By the event, ``push``, or the event and its action, ``issues.opened``, which
                goes first; ``*`` for all others. Each takes the event; what has ``async`` runs on
                the server's loop, anything else in a thread. An event without handler is answered
                200.
            path: Where deliveries come to, below where the app is mounted.
            wait_seconds: How long the answer waits for the handler: 200 when it has ended, 500 when
                it raised, 202 when it goes on after this time. GitHub itself waits for 10 s. With
                0, everything is answered 202 at once, and GitHub never shows that one failed.
            max_body_bytes: The largest body that is read; by default GitHub's largest.
            max_deliveries: How many may be handled, or wait for it, at once; more are answered 503.
            threads: How many handlers without ``async`` run at once.
            shutdown_seconds: How long a server that shuts down waits for handlers.
            guard: Remembers deliveries elsewhere, or for another time.

        Raises:
            InvalidArguments: A handler cannot be called.
        """
        from brickwork_github.webhooks.receiver import WebhookApp
        from brickwork_github.webhooks.replay import ReplayGuard

        return WebhookApp(
            self,
            handlers,
            guard or ReplayGuard(ledger_of(self)),
            path=path,
            wait_seconds=wait_seconds,
            max_body_bytes=max_body_bytes,
            max_deliveries=max_deliveries,
            threads=threads,
            shutdown_seconds=shutdown_seconds,
        )

    def check(self) -> CheckReport:
        """Look at the secrets; whether GitHub has the same, only a delivery can tell."""
        short = sum(len(secret.reveal()) < _SHORT for secret in self.secrets)
        if short:
            finding = Finding(
                "warning",
                f"{short} of {len(self.secrets)} secrets have under {_SHORT} characters",
                fix="Use a long random one, as `openssl rand -hex 32` prints it: a signature lets"
                " short ones be guessed.",
            )
        else:
            finding = Finding("ok", "the secrets are long enough")
        known = Finding("skipped", "whether GitHub has the same secret, only a delivery can tell")
        return CheckReport((finding, known))


def webhook_app(
    secret: Secret[str] | str | Sequence[Secret[str] | str],
    handlers: "Mapping[str, Handler]",
    *,
    path: str = "/",
    wait_seconds: float = 5.0,
    guard: "ReplayGuard | None" = None,
) -> "WebhookApp":
    """Return an ASGI app for a webhook whose secret is in no block; see `GitHubWebhook.app`.

    Args:
        secret: The secret; while it is replaced, several.
        handlers: See there.
        path: See there.
        wait_seconds: See there.
        guard: See there.

    Raises:
        InvalidBlock: A secret is empty, or begins or ends with white space; or there is none.
        InvalidArguments: A handler cannot be called.
    """
    given = [secret] if isinstance(secret, Secret | str) else list(secret)
    made = [each if isinstance(each, Secret) else Secret(each) for each in given]
    webhook = GitHubWebhook(
        secret=made[0] if made else Secret(""), previous_secrets=tuple(made[1:])
    )
    return webhook.app(handlers, path=path, wait_seconds=wait_seconds, guard=guard)
