"""What all events have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from brickwork import register_type
from brickwork_github.webhooks.reading import At


@register_type("github.event")
@dataclass(frozen=True, kw_only=True)
class GitHubEvent:
    """Something that happened on GitHub; an event without a class of its own is one of these.

    Attributes:
        name: GitHub's name of the event: ``push``.
        action: What was done, for the events that have it: ``opened``.
        delivery: GitHub's id of the delivery; the same when it is delivered again.
        repository: ``owner/name``, where it happened in one.
        sender: The login of who did it.
        organization: The login of the organization, where it happened in one.
        installation_id: That of the GitHub App, where a GitHub App receives it.
        payload: All that GitHub sent.
    """

    tells_apart: ClassVar[bool] = False
    """Whether no two occurrences have the same payload: it has an id, and a time or a state."""

    name: str
    delivery: str = ""
    action: Annotated[str | None, At("action")] = None
    repository: Annotated[str | None, At("repository.full_name")] = None
    sender: Annotated[str | None, At("sender.login")] = None
    organization: Annotated[str | None, At("organization.login")] = None
    installation_id: Annotated[int | None, At("installation.id")] = None
    payload: Mapping[str, Any] = field(repr=False, hash=False)


@dataclass(frozen=True, kw_only=True)
class RepositoryEvent(GitHubEvent):
    """Something that happened in a repository, and has a class of its own."""

    # field(): without it, a dataclass takes over the default None of the class above.
    repository: Annotated[str, At("repository.full_name")] = field()


@dataclass(frozen=True, kw_only=True)
class ActionEvent(RepositoryEvent):
    """Something that happened in a repository in several ways: ``action`` says which."""

    action: Annotated[str, At("action")] = field()
