"""What the notifiers of this package have in common as blocks."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from pydantic import Field

from brickwork import Block, BrickworkError, CheckReport, Finding, Limits, Notifier, Receipt, Scope
from brickwork_github.clients import api_url, describe
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.notifying import message
from brickwork_github.notifying.handing import Sent, handed_over, once
from brickwork_github.requests import Request

CHECK_SECONDS = 5.0
"""How long a check waits for an answer, at most."""

Repository = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$",
        description="The repository: owner/name.",
    ),
]


class GitHubNotifier(Block, Notifier):
    """Base of the notifiers of this package."""

    needs_issues: ClassVar[bool] = False

    repository: Repository
    credentials: GitHubCredentials = Field(
        default_factory=GitHubCredentials,
        description="Who to be; without it, the token of the environment.",
    )
    timeout_seconds: float = Field(
        10.0, ge=1, le=3600, description="Seconds to wait for a connection, and for an answer."
    )
    retry_seconds: float = Field(
        30.0,
        ge=0,
        le=3600,
        description="No attempt is begun later than this many seconds after the first; 0 for one"
        " attempt only.",
    )

    def describe(self) -> str:
        """Return the address; for one that is not saved, the slug and the repository."""
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return f"{self.slug} of {self.repository}"

    def limits(self) -> Limits:
        """Take what fits in one text, as Markdown; no attachments."""
        return message.limits()

    def check(self) -> CheckReport:
        """Ask GitHub for the repository; write nothing. Never raises."""
        try:
            with Scope("check", seconds=CHECK_SECONDS):
                found = self._ask("GET /repos/{owner}/{repo}").send().data
                return CheckReport((self._judged(found), *self._looked(), _NOT_SENT))
        except BrickworkError as error:
            fix = error.fix or "Try again."
            return CheckReport((Finding("failed", "repository", error.what, fix), _NOT_SENT))
        except Exception as error:  # noqa: BLE001  # a check never raises
            what, fix = f"it failed with {type(error).__name__}", "Check the credentials."
            return CheckReport((Finding("failed", "repository", what, fix), _NOT_SENT))

    def _looked(self) -> tuple[Finding, ...]:
        """Look at what else the notifier needs. May raise errors of Brickwork."""
        return ()

    def _judged(self, found: dict[str, object]) -> Finding:
        name = str(found["full_name"])
        if found.get("archived"):
            fix = "Unarchive it, or choose another one."
            return Finding("failed", "repository", f"{name} is archived: it can only be read", fix)
        if self.needs_issues and not found.get("has_issues"):
            fix = "Turn issues on in its settings."
            return Finding("failed", "repository", f"{name} has no issues", fix)
        return Finding("ok", "repository", name)

    def _handed_over(self, send: Callable[[bool], Sent]) -> Receipt:
        place = f"{api_url(self.credentials)} {describe(self.credentials)}"
        return handed_over(self.describe(), place, self.retry_seconds, send)

    def _ask(self, route: str, *, safe: bool | None = None, **path: Any) -> Request:
        whose = once(self.credentials, self.timeout_seconds)
        return Request(whose, route, self.repository, safe=safe, **path)


_NOT_SENT = Finding("skipped", "may write", "not tried, since it would reach people")
