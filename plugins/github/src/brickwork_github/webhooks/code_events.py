"""Events about commits, branches and tags, releases, deployments, and repositories themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar

from brickwork import register_type
from brickwork_github.webhooks.event import ActionEvent, RepositoryEvent
from brickwork_github.webhooks.reading import At


@register_type("github.pushed-commit")
@dataclass(frozen=True, kw_only=True)
class PushedCommit:
    """A commit of a push.

    Attributes:
        sha: Its SHA.
        message: The whole message.
        author: The author's name.
        author_login: The author's login, where GitHub knows whose address it is.
        timestamp: When it was committed.
        url: Its page.
        added: Files that are new in it.
        modified: Files that it changed.
        removed: Files that are gone with it.
    """

    sha: Annotated[str, At("id")]
    message: Annotated[str, At("message")]
    author: Annotated[str, At("author.name")]
    author_login: Annotated[str | None, At("author.username")] = None
    timestamp: Annotated[datetime, At("timestamp")]
    url: Annotated[str, At("url")]
    added: Annotated[tuple[str, ...], At("added")] = ()
    modified: Annotated[tuple[str, ...], At("modified")] = ()
    removed: Annotated[tuple[str, ...], At("removed")] = ()


@register_type("github.push-event")
@dataclass(frozen=True, kw_only=True)
class PushEvent(RepositoryEvent):
    """A branch or a tag was pushed, made or deleted.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#push

    Attributes:
        ref: ``refs/heads/main``.
        before: The SHA before it; zeros for a ref that is new.
        after: The SHA after it; zeros for a ref that is deleted.
        created: Whether the ref is new.
        deleted: Whether it is deleted.
        forced: Whether commits were left behind.
        url: The page that compares before and after.
        pusher: Who pushed.
        commits: The commits, oldest first; GitHub gives 2048 at most.
        head_commit: The last one; None where the ref is deleted.
    """

    tells_apart: ClassVar[bool] = True

    ref: Annotated[str, At("ref")]
    before: Annotated[str, At("before")]
    after: Annotated[str, At("after")]
    created: Annotated[bool, At("created")]
    deleted: Annotated[bool, At("deleted")]
    forced: Annotated[bool, At("forced")]
    url: Annotated[str, At("compare")]
    pusher: Annotated[str, At("pusher.name")]
    commits: Annotated[tuple[PushedCommit, ...], At("commits")]
    head_commit: Annotated[PushedCommit | None, At("head_commit")]

    @property
    def branch(self) -> str | None:
        """The branch's name; None for a tag."""
        return _name_below("refs/heads/", self.ref)

    @property
    def tag(self) -> str | None:
        """The tag's name; None for a branch."""
        return _name_below("refs/tags/", self.ref)


def _name_below(folder: str, ref: str) -> str | None:
    return ref.removeprefix(folder) if ref.startswith(folder) else None


@dataclass(frozen=True, kw_only=True)
class _RefEvent(RepositoryEvent):
    ref: Annotated[str, At("ref")]
    ref_type: Annotated[str, At("ref_type")]


@register_type("github.create-event")
@dataclass(frozen=True, kw_only=True)
class CreateEvent(_RefEvent):
    """A branch or a tag was made.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#create

    Attributes:
        ref: Its name, without ``refs/``.
        ref_type: ``branch`` or ``tag``.
    """


@register_type("github.delete-event")
@dataclass(frozen=True, kw_only=True)
class DeleteEvent(_RefEvent):
    """A branch or a tag was deleted.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#delete

    Attributes:
        ref: Its name, without ``refs/``.
        ref_type: ``branch`` or ``tag``.
    """


@register_type("github.commit-comment-event")
@dataclass(frozen=True, kw_only=True)
class CommitCommentEvent(ActionEvent):
    """Somebody wrote a comment on a commit.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#commit_comment

    Attributes:
        comment_id: The comment's id.
        sha: The commit.
        body: What it says.
        author: The login of who wrote it.
        path: The file, where it is about one.
        line: The line, where it is about one.
        url: Its page.
    """

    tells_apart: ClassVar[bool] = True

    comment_id: Annotated[int, At("comment.id")]
    sha: Annotated[str, At("comment.commit_id")]
    body: Annotated[str, At("comment.body")]
    author: Annotated[str | None, At("comment.user.login")] = None
    path: Annotated[str | None, At("comment.path")] = None
    line: Annotated[int | None, At("comment.line")] = None
    url: Annotated[str, At("comment.html_url")]


@register_type("github.status-event")
@dataclass(frozen=True, kw_only=True)
class StatusEvent(RepositoryEvent):
    """The status of a commit changed.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#status

    Attributes:
        sha: The commit.
        context: What the status is about: ``ci/build``.
        state: ``pending``, ``success``, ``failure`` or ``error``.
        description: What it says.
        target_url: Where more is said.
        branches: Those that have the commit; GitHub gives 10 at most.
    """

    tells_apart: ClassVar[bool] = True

    sha: Annotated[str, At("sha")]
    context: Annotated[str, At("context")]
    state: Annotated[str, At("state")]
    description: Annotated[str | None, At("description")] = None
    target_url: Annotated[str | None, At("target_url")] = None
    branches: Annotated[tuple[str, ...], At("branches[].name")] = ()


@register_type("github.release-event")
@dataclass(frozen=True, kw_only=True)
class ReleaseEvent(ActionEvent):
    """A release was made, published, changed or deleted.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#release

    Attributes:
        release_id: Its id.
        tag: Its tag.
        title: Its title.
        body: Its notes.
        draft: Whether it is a draft.
        prerelease: Whether it is marked as one.
        author: The login of who made it.
        published_at: Since when it is public.
        url: Its page.
    """

    tells_apart: ClassVar[bool] = True

    release_id: Annotated[int, At("release.id")]
    tag: Annotated[str, At("release.tag_name")]
    title: Annotated[str | None, At("release.name")] = None
    body: Annotated[str | None, At("release.body")] = None
    draft: Annotated[bool, At("release.draft")]
    prerelease: Annotated[bool, At("release.prerelease")]
    author: Annotated[str | None, At("release.author.login")] = None
    published_at: Annotated[datetime | None, At("release.published_at")] = None
    url: Annotated[str, At("release.html_url")]


@register_type("github.deployment-event")
@dataclass(frozen=True, kw_only=True)
class DeploymentEvent(ActionEvent):
    """A deployment was asked for.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment

    Attributes:
        deployment_id: Its id.
        environment: Where to.
        ref: What is to be deployed.
        sha: The commit that ``ref`` was.
        task: ``deploy``, or what the asker calls it.
        description: What the asker says of it.
        creator: The login of who asked.
        parameters: What the asker gave along: an object, or a text.
    """

    tells_apart: ClassVar[bool] = True

    deployment_id: Annotated[int, At("deployment.id")]
    environment: Annotated[str, At("deployment.environment")]
    ref: Annotated[str, At("deployment.ref")]
    sha: Annotated[str, At("deployment.sha")]
    task: Annotated[str, At("deployment.task")]
    description: Annotated[str | None, At("deployment.description")] = None
    creator: Annotated[str | None, At("deployment.creator.login")] = None
    parameters: Annotated[Any, At("deployment.payload")] = field(default=None, hash=False)


@register_type("github.deployment-status-event")
@dataclass(frozen=True, kw_only=True)
class DeploymentStatusEvent(DeploymentEvent):
    """A deployment has a new status.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status

    Attributes:
        state: ``pending``, ``in_progress``, ``success``, ``failure``, ``error`` ...
        status_description: What the status says.
        target_url: Where its log is.
        environment_url: Where what was deployed is.
    """

    state: Annotated[str, At("deployment_status.state")]
    status_description: Annotated[str, At("deployment_status.description")] = ""
    target_url: Annotated[str | None, At("deployment_status.target_url")] = None
    environment_url: Annotated[str | None, At("deployment_status.environment_url")] = None


@register_type("github.repository-dispatch-event")
@dataclass(frozen=True, kw_only=True)
class RepositoryDispatchEvent(ActionEvent):
    """A program asked for something through GitHub's API; ``action`` says what.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#repository_dispatch

    Attributes:
        branch: The default branch.
        client_payload: What the program gave along.
    """

    branch: Annotated[str, At("branch")]
    client_payload: Annotated[Mapping[str, Any] | None, At("client_payload")] = field(hash=False)


@register_type("github.repository-event")
@dataclass(frozen=True, kw_only=True)
class RepositoryChangedEvent(ActionEvent):
    """A repository was made, deleted, archived, renamed, moved, or made public or private.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#repository

    Attributes:
        private: Whether it is private.
        archived: Whether it is archived.
        default_branch: Its default branch.
        old_name: The name that it had, without the owner, where it was renamed.
        url: Its page.
    """

    private: Annotated[bool, At("repository.private")]
    archived: Annotated[bool, At("repository.archived")]
    default_branch: Annotated[str, At("repository.default_branch")]
    old_name: Annotated[str | None, At("changes.repository.name.from")] = None
    url: Annotated[str, At("repository.html_url")]


@register_type("github.fork-event")
@dataclass(frozen=True, kw_only=True)
class ForkEvent(RepositoryEvent):
    """A repository was forked.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#fork

    Attributes:
        fork: The new one: ``owner/name``.
        url: Its page.
    """

    tells_apart: ClassVar[bool] = True

    fork: Annotated[str, At("forkee.full_name")]
    url: Annotated[str, At("forkee.html_url")]


@register_type("github.star-event")
@dataclass(frozen=True, kw_only=True)
class StarEvent(ActionEvent):
    """Somebody starred a repository, or took the star back.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#star

    Attributes:
        starred_at: When; None where the star was taken back.
        stars: How many it has now.
    """

    starred_at: Annotated[datetime | None, At("starred_at")]
    stars: Annotated[int, At("repository.stargazers_count")]
