"""What Slack answers about user groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_slack.reading import moment, texts


@register_type("slack.user-group")
@dataclass(frozen=True)
class UserGroup:
    """People who are mentioned together, by one handle.

    See https://docs.slack.dev/reference/objects/usergroup-object.

    Attributes:
        id: ``S...``.
        handle: What it is mentioned by, without ``@``.
        name: The name.
        description: What it is for.
        channels: The ids of the channels to which its members are added.
        users: The ids of its members; None where they were not asked for.
        is_enabled: Whether it can be mentioned.
        created_at: When it was made.
        updated_at: When it was changed for the last time.
    """

    id: str
    handle: str
    name: str
    description: str
    channels: tuple[str, ...]
    users: tuple[str, ...] | None
    is_enabled: bool
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        preferred = found.get("prefs") or {}
        users = found.get("users")
        return cls(
            id=found["id"],
            handle=found.get("handle") or "",
            name=found.get("name") or "",
            description=found.get("description") or "",
            channels=texts([*preferred.get("channels", ()), *preferred.get("groups", ())]),
            users=None if users is None else texts(users),
            is_enabled=not found.get("date_delete"),
            created_at=moment(found.get("date_create")),
            updated_at=moment(found.get("date_update")),
        )
