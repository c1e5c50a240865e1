"""``GitHubCommentNotifier``: comments on an issue or a pull request.

See https://docs.github.com/en/rest/issues/comments.
"""

from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple
from uuid import uuid4

from pydantic import Field

from brickwork import Finding, Notification, Receipt
from brickwork_github.clients import api_url
from brickwork_github.notifying.block import GitHubNotifier
from brickwork_github.notifying.handing import Sent, one_at_a_time
from brickwork_github.notifying.message import Marker, body_of, digest_of
from brickwork_github.requests import Request

_ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
_COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"


class Comment(NamedTuple):
    """A comment that a notifier wrote.

    Attributes:
        id: Its id.
        url: Its page.
        marker: What it says in hiding.
    """

    id: int
    url: str
    marker: Marker


class GitHubCommentNotifier(GitHubNotifier):
    """Comments on an issue or a pull request; what comes again changes its comment.

    Notifications are about the same if they have the same dedupe key, else thread key, else title;
    their comment has a hidden marker. A notification whose answer was lost is looked for before it
    is sent again. Texts are shown as they are, not as Markdown, and mention nobody. Attachments are
    named, not sent.

    Examples:
        >>> from brickwork import notify
        >>> from brickwork_github import GitHubCommentNotifier
        >>> GitHubCommentNotifier(repository="acme/reports", number=12).save("migration")
        Document('github-comment-notifier/migration@1')
        >>> (receipt,) = notify(
        ...     "github-comment-notifier/migration", title="Half of it is done", dry_run=True
        ... )
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "github-comment-notifier"

    number: int = Field(ge=1, description="Number of the issue or the pull request.")
    repeat: Literal["comment", "update"] = Field(
        default="update",
        description="What is done with what is about the same: update its comment, with a count,"
        " which tells nobody; or comment again.",
    )

    def deliver(self, notification: Notification) -> Receipt:
        """Comment, or change the comment that there is; see the class."""
        marker = Marker(digest_of(notification), uuid4().hex)
        where = f"{api_url(self.credentials)} {self.repository}#{self.number} {marker.digest}"
        with one_at_a_time(where):
            return self._handed_over(lambda again: Sent(self._send(notification, marker, again)))

    def _send(self, notification: Notification, marker: Marker, again: bool) -> str:
        found = None
        if self.repeat == "update":
            found = find_comment(self._ask, self.number, digest=marker.digest)
        elif again:
            found = find_comment(self._ask, self.number, delivery=marker.delivery)
        if found is None:
            return new_comment(self._ask, notification, marker, self.number)
        if found.marker.delivery != marker.delivery:
            marker = marker._replace(seen=found.marker.seen + 1)
            body = {"body": body_of(notification, marker, titled=True)}
            self._ask(f"PATCH {_COMMENT}", comment_id=found.id).send(body=body)
        return found.url

    def _looked(self) -> tuple[Finding, ...]:
        issue = self._ask(f"GET {_ISSUE}", issue_number=self.number).send().data
        if issue["locked"]:
            fix = "Unlock it, unless these credentials may write to the repository."
            return (Finding("warning", "issue", f"{issue['title']}: it is locked", fix),)
        return (Finding("ok", "issue", str(issue["title"])),)


def new_comment(
    ask: Callable[..., Request], notification: Notification, marker: Marker, number: int
) -> str:
    """Comment on an issue, and return the page of the comment."""
    body = {"body": body_of(notification, marker, titled=True)}
    made = ask(f"POST {_ISSUE}/comments", issue_number=number).send(body=body).data
    return str(made["html_url"])


def find_comment(
    ask: Callable[..., Request], number: int, *, digest: str = "", delivery: str = ""
) -> Comment | None:
    """Return the first comment of an issue with this digest, or of this delivery."""
    for page in ask(f"GET {_ISSUE}/comments", issue_number=number).pages():
        for each in page:
            marker = Marker.of(each)
            if marker is not None and (marker.digest == digest or marker.delivery == delivery):
                return Comment(each["id"], each["html_url"], marker)
    return None
