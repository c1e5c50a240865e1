"""``GitHubIssueNotifier``: an issue for each problem, which is told of each time it comes back.

See https://docs.github.com/en/rest/issues/issues.
"""

from itertools import chain, islice
from typing import Annotated, ClassVar, Literal, NamedTuple
from uuid import uuid4

from pydantic import Field

from brickwork import DeliveryStatus, Notification, Receipt, Severity
from brickwork_github.clients import api_url
from brickwork_github.errors import GitHubError
from brickwork_github.notifying.block import GitHubNotifier
from brickwork_github.notifying.comment import find_comment, new_comment
from brickwork_github.notifying.handing import Sent, one_at_a_time
from brickwork_github.notifying.message import Marker, body_of, digest_of, title_of

MOST_CLOSED = 300
"""Among how many closed issues, those that were changed last, one is looked for."""

_ISSUES = "/repos/{owner}/{repo}/issues"
_ISSUE = f"{_ISSUES}/{{issue_number}}"

Label = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^,\n]+$")]


class _Found(NamedTuple):
    number: int
    url: str
    is_open: bool
    marker: Marker


class GitHubIssueNotifier(GitHubNotifier):
    """Opens an issue for a problem, and tells of it there when the problem comes back.

    Notifications are about the same if they have the same dedupe key, else thread key, else title.
    Their issue has a hidden marker, and is looked for among those with ``label``. Labels need push
    access: GitHub leaves them out in silence for others, and the receipt says so. A notification
    whose answer was lost is looked for before it is sent again. Texts are shown as they are, not as
    Markdown, and mention nobody. Attachments are named, not sent. Of two
    processes that tell of something new at once, the later one closes its issue as a duplicate.

    Examples:
        >>> from brickwork import notify
        >>> from brickwork_github import GitHubIssueNotifier
        >>> GitHubIssueNotifier(
        ...     repository="acme/reports", label="incident", close_on_success=True
        ... ).save("incidents")
        Document('github-issue-notifier/incidents@1')
        >>> (receipt,) = notify(
        ...     "github-issue-notifier/incidents", title="Load failed", dry_run=True
        ... )
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "github-issue-notifier"
    needs_issues: ClassVar[bool] = True

    label: Label = Field(
        default="brickwork", description="Label of all issues of this notifier, to find them by."
    )
    labels: tuple[Label, ...] = Field(
        default=(), max_length=50, description="More labels of new issues."
    )
    assignees: tuple[str, ...] = Field(
        default=(), max_length=10, description="To whom new issues are assigned."
    )
    repeat: Literal["comment", "update"] = Field(
        default="comment",
        description="What is done when a problem comes back: comment on its issue; or update the"
        " issue's text, with a count, which tells nobody.",
    )
    reopen: bool = Field(
        default=True,
        description="An issue that was closed is opened again; else there is a new one.",
    )
    close_on_success: bool = Field(
        default=False,
        description="A notification with severity success closes the issue of its problem; where"
        " none is open, nothing is sent.",
    )

    def deliver(self, notification: Notification) -> Receipt:
        """Open an issue, or tell of it on the one that there is; see the class."""
        digest, delivery = digest_of(notification), uuid4().hex
        with one_at_a_time(f"{api_url(self.credentials)} {self.repository} {digest}"):
            return self._handed_over(
                lambda again: self._send(notification, Marker(digest, delivery), again)
            )

    def _send(self, notification: Notification, marker: Marker, again: bool) -> Sent:
        closing = self.close_on_success and notification.severity is Severity.SUCCESS
        reopening = self.reopen and not closing
        found = self._find(marker.digest, "open")
        if found is None and (reopening or again):
            found = self._find(marker.digest, "closed")
        told = self._told(found, marker.delivery) if again and found else None
        if found is None or not (found.is_open or reopening or told):
            if closing:
                return Sent(None, "no issue is open that it would close", DeliveryStatus.SKIPPED)
            return self._open(notification, marker)
        change = {} if found.is_open != closing else _state(not closing)
        if self.repeat == "update":
            if told is None:
                marker = marker._replace(seen=found.marker.seen + 1)
                change["body"] = body_of(notification, marker, titled=True)
        elif told is None:
            told = new_comment(self._ask, notification, marker, found.number)
        if change:
            route = f"PATCH {_ISSUE}"
            self._ask(route, issue_number=found.number).send(body=change)
        return Sent(told or found.url)

    def _told(self, found: _Found, delivery: str) -> str | None:
        """Return the page of what was sent before, if it was taken."""
        if found.marker.delivery == delivery:
            return found.url
        comment = find_comment(self._ask, found.number, delivery=delivery)
        return None if comment is None else comment.url

    def _open(self, notification: Notification, marker: Marker) -> Sent:
        made = (
            self._ask(f"POST {_ISSUES}")
            .send(
                body={
                    "title": title_of(notification),
                    "body": body_of(notification, marker),
                    "labels": list(dict.fromkeys((self.label, *self.labels))),
                    "assignees": list(self.assignees) or None,
                }
            )
            .data
        )
        try:
            first = self._find(marker.digest, "open")
        except GitHubError:
            first = None  # it is open, which is what matters
        if first is not None and first.number < made["number"]:
            return self._yielded(notification, marker, made["number"])
        labels = {each["name"].lower() for each in made["labels"]}
        lost = self.label.lower() not in labels
        detail = f"it has no label {self.label}, which needs push access: it is not found again"
        return Sent(str(made["html_url"]), detail if lost else "")

    def _yielded(self, notification: Notification, marker: Marker, number: int) -> Sent:
        """Close an issue for one that another process opened a moment before, and tell it there."""
        double = {"state": "closed", "state_reason": "duplicate"}
        self._ask(f"PATCH {_ISSUE}", issue_number=number).send(body=double)
        detail = f"#{number} was closed: another process had opened one just before"
        return self._send(notification, marker, again=False)._replace(detail=detail)

    def _find(self, digest: str, state: Literal["open", "closed"]) -> _Found | None:
        """Return the issue of what is told of: the oldest, so that all find the same one."""
        newest = state == "closed"
        query = {
            "state": state,
            "labels": self.label,
            "sort": "updated" if newest else "created",
            "direction": "desc" if newest else "asc",
        }
        pages = self._ask(f"GET {_ISSUES}").pages(query=query)
        for each in islice(chain.from_iterable(pages), MOST_CLOSED if newest else None):
            marker = Marker.of(each)
            if marker is not None and marker.digest == digest and "pull_request" not in each:
                return _Found(each["number"], each["html_url"], each["state"] == "open", marker)
        return None


def _state(is_open: bool) -> dict[str, str]:
    if is_open:
        return {"state": "open", "state_reason": "reopened"}
    return {"state": "closed", "state_reason": "completed"}
