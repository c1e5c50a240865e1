"""``GitHubStatusNotifier`` and ``GitHubCheckNotifier``: commits that say how something went.

See https://docs.github.com/en/rest/commits/statuses and https://docs.github.com/en/rest/checks/runs.
"""

import os
import re
from typing import ClassVar

from pydantic import Field

from brickwork import Finding, Limits, Notification, NotifierError, Receipt, Severity
from brickwork_github.checks.models import CheckConclusion, CommitState
from brickwork_github.checks.statuses import MOST_DESCRIPTION
from brickwork_github.markdown import is_link, on_one_line, sound
from brickwork_github.notifying.block import GitHubNotifier
from brickwork_github.notifying.handing import Sent, one_at_a_time
from brickwork_github.notifying.message import body_of, digest_of, title_of

_REPO = "/repos/{owner}/{repo}"
_CHECKS = f"{_REPO}/check-runs"

_MAX_TITLE, _MAX_BODY = 60, 60
_OF_PEOPLE = ("ghp_", "github_pat_", "gho_")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_STATES: dict[Severity, CommitState] = {
    Severity.INFO: "success",
    Severity.SUCCESS: "success",
    Severity.WARNING: "success",
    Severity.ERROR: "failure",
    Severity.CRITICAL: "error",
}
_CONCLUSIONS: dict[Severity, CheckConclusion] = {
    Severity.INFO: "neutral",
    Severity.SUCCESS: "success",
    Severity.WARNING: "neutral",
    Severity.ERROR: "failure",
    Severity.CRITICAL: "failure",
}


class CommitNotifier(GitHubNotifier):
    """Base of notifiers that tell of a commit."""

    ref: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="The commit, or a branch or a tag, whose commit of that time it is; without"
        " it, the one of GITHUB_SHA, as Actions sets it.",
    )

    def _sha(self) -> str:
        ref = self.ref or os.environ.get("GITHUB_SHA", "")
        if not ref:
            raise NotifierError(
                f"{self.describe()} knows no commit.",
                fix="Give ref, or set GITHUB_SHA, as GitHub Actions does.",
            )
        if _SHA.fullmatch(ref):
            return ref
        return str(self._ask(f"GET {_REPO}/commits/{{ref}}", ref=ref).send().data["sha"])

    def _looked(self) -> tuple[Finding, ...]:
        return (Finding("ok", "commit", self._sha()),)


class GitHubStatusNotifier(CommitNotifier):
    """Says by a status of a commit how something went.

    An error is the state ``failure``, what is critical ``error``, all else ``success``. Of each
    context only the last status counts, so it is sent again without harm. A status has 140
    characters and a link: the rest is left out, and that is said.

    Examples:
        >>> from brickwork import notify
        >>> from brickwork_github import GitHubStatusNotifier
        >>> GitHubStatusNotifier(
        ...     repository="acme/reports", ref="main", context="nightly/load"
        ... ).save("nightly")
        Document('github-status-notifier/nightly@1')
        >>> (receipt,) = notify("github-status-notifier/nightly", title="Loaded", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "github-status-notifier"

    context: str = Field(
        default="brickwork", min_length=1, max_length=255, description="Who says it."
    )

    def limits(self) -> Limits:
        """Take what fits in a description, and one link."""
        return Limits(
            title=_MAX_TITLE,
            body=_MAX_BODY,
            fields=0,
            measure=lambda text: len(text) + text.count("\n"),
            links=0,
            link=lambda _, url: is_link(url),
        )

    def deliver(self, notification: Notification) -> Receipt:
        """Say it of the commit; see the class."""
        body = {
            "state": _STATES[notification.severity],
            "context": self.context,
            "description": _description(notification),
            "target_url": notification.url,
        }

        def send(_again: bool) -> Sent:
            route = f"POST {_REPO}/statuses/{{sha}}"
            made = self._ask(route, safe=True, sha=self._sha()).send(body=body).data
            return Sent(str(made["id"]))

        return self._handed_over(send)


class GitHubCheckNotifier(CommitNotifier):
    """Says by a check of a commit how something went, at length.

    An error, and what is critical, is a ``failure``, a success ``success``, all else ``neutral``.
    Notifications with the same dedupe key, else thread key, else title, are one check, which is
    changed. Only a GitHub App may check, which the token of a workflow is one of. Texts are shown
    as they are, not as Markdown, and mention nobody. Attachments are named, not sent.

    Examples:
        >>> from brickwork import notify
        >>> from brickwork_github import GitHubCheckNotifier
        >>> GitHubCheckNotifier(repository="acme/reports", ref="main").save("nightly")
        Document('github-check-notifier/nightly@1')
        >>> (receipt,) = notify("github-check-notifier/nightly", title="Loaded", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "github-check-notifier"

    name: str = Field(
        default="brickwork", min_length=1, max_length=255, description="What is checked."
    )

    def deliver(self, notification: Notification) -> Receipt:
        """Check the commit, or change the check that there is; see the class."""
        digest = digest_of(notification)
        with one_at_a_time(f"{self.repository} {self.name} {digest}"):
            return self._handed_over(
                lambda _again: Sent(self._send(notification, f"brickwork:{digest}"))
            )

    def _looked(self) -> tuple[Finding, ...]:
        found = super()._looked()
        if not self.credentials.access_token().reveal().startswith(_OF_PEOPLE):
            return found
        fix = "Give the credentials of an App; in a workflow, its GITHUB_TOKEN."
        return (*found, Finding("warning", "App", "a person's token may not check", fix))

    def _send(self, notification: Notification, external_id: str) -> str:
        sha = self._sha()
        output = {"title": title_of(notification), "summary": body_of(notification)}
        body = {
            "name": self.name,
            "external_id": external_id,
            "status": "completed",
            "conclusion": _CONCLUSIONS[notification.severity],
            "details_url": notification.url,
            "output": output,
        }
        listed = self._ask(f"GET {_REPO}/commits/{{ref}}/check-runs", ref=sha)
        query = {"check_name": self.name, "filter": "all"}
        there = (each for page in listed.pages(query=query) for each in page)
        found = next((each for each in there if each["external_id"] == external_id), None)
        if found is None:
            asked = self._ask(f"POST {_CHECKS}")
            body["head_sha"] = sha
        else:
            asked = self._ask(f"PATCH {_CHECKS}/{{check_run_id}}", check_run_id=found["id"])
        return str(asked.send(body=body).data["html_url"])


def _description(notification: Notification) -> str:
    parts = [title_of(notification), *filter(None, sound(notification.body).split("\n"))]
    text = f"[{notification.severity.upper()}] {'; '.join(map(on_one_line, parts))}"
    tags = on_one_line(", ".join(sorted(notification.tags)))
    if tags and len(text) + len(tags) + 3 <= MOST_DESCRIPTION:
        text += f" ({tags})"
    return text[:MOST_DESCRIPTION]
