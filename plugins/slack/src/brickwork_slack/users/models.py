"""What Slack answers about users."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from brickwork import register_type
from brickwork_slack.reading import moment


@register_type("slack.status")
@dataclass(frozen=True)
class Status:
    """What users say beside their names.

    Attributes:
        text: The text; empty where there is none.
        emoji: With colons, as ``:train:``; empty where there is none.
        expires_at: When it goes away; None if it stays.
    """

    text: str
    emoji: str
    expires_at: datetime | None

    @classmethod
    def of(cls, profile: Mapping[str, Any]) -> Self:
        """Read it from a profile."""
        return cls(
            text=profile.get("status_text") or "",
            emoji=profile.get("status_emoji") or "",
            expires_at=moment(profile.get("status_expiration")),
        )


@register_type("slack.user")
@dataclass(frozen=True)
class User:
    """A person or a bot.

    See https://docs.slack.dev/reference/objects/user-object.

    Attributes:
        id: ``U...`` or ``W...``.
        team_id: Of the workspace.
        name: The handle that Slack gave once; people do not see it.
        display_name: What people see beside messages; empty where the real name is shown.
        real_name: The full name.
        email: The address; None where the token lacks ``users:read.email``, and of bots.
        title: What they do.
        status: What they say beside their name.
        timezone: As ``Europe/Amsterdam``; None where Slack does not say it.
        is_bot: Whether it is a bot.
        is_active: Whether it may log in: not deactivated.
        is_admin: Whether they administer the workspace.
        is_guest: Whether they are a guest, who sees some channels alone.
        image_url: The picture, if there is one.
        updated_at: When something of it was changed for the last time.
    """

    id: str
    team_id: str
    name: str
    display_name: str
    real_name: str
    email: str | None
    title: str
    status: Status
    timezone: str | None
    is_bot: bool
    is_active: bool
    is_admin: bool
    is_guest: bool
    image_url: str | None
    updated_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        profile: Mapping[str, Any] = found.get("profile") or {}
        return cls(
            id=found["id"],
            team_id=found.get("team_id") or "",
            name=found.get("name") or "",
            display_name=profile.get("display_name") or "",
            real_name=found.get("real_name") or profile.get("real_name") or "",
            email=profile.get("email") or None,
            title=profile.get("title") or "",
            status=Status.of(profile),
            timezone=found.get("tz"),
            # Slack's own helper has no flag that says so.
            is_bot=bool(found.get("is_bot")) or found["id"] == "USLACKBOT",
            is_active=not found.get("deleted"),
            is_admin=bool(found.get("is_admin")),
            is_guest=bool(found.get("is_restricted")),
            image_url=profile.get("image_original") or profile.get("image_512"),
            updated_at=moment(found.get("updated")),
        )


@register_type("slack.presence")
@dataclass(frozen=True)
class Presence:
    """Whether a user is there.

    See https://docs.slack.dev/apis/web-api/user-presence-and-status.

    Attributes:
        state: ``active`` or ``away``.
        set_away: Whether they said themselves that they are away; None of others than the token's
            owner.
        last_active_at: When they did something last; None where Slack does not say it.
    """

    state: Literal["active", "away"]
    set_away: bool | None
    last_active_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        return cls(
            state=found["presence"],
            set_away=found.get("manual_away"),
            last_active_at=moment(found.get("last_activity")),
        )


@register_type("slack.do-not-disturb")
@dataclass(frozen=True)
class DoNotDisturb:
    """When a user gets no notifications.

    Attributes:
        scheduled: Whether there are hours without notifications.
        next_start_at: When those begin; None where there are none.
        next_end_at: When those end; None where there are none.
        snoozed_until: Until when the token's owner wants none, beside those hours; None if they
            do not, and of others.
    """

    scheduled: bool
    next_start_at: datetime | None
    next_end_at: datetime | None
    snoozed_until: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        scheduled = bool(found.get("dnd_enabled"))
        return cls(
            scheduled=scheduled,
            # Slack says 1 where there are none.
            next_start_at=moment(found.get("next_dnd_start_ts")) if scheduled else None,
            next_end_at=moment(found.get("next_dnd_end_ts")) if scheduled else None,
            snoozed_until=(
                moment(found.get("snooze_endtime")) if found.get("snooze_enabled") else None
            ),
        )
