"""What all requests of Slack have in common, and how they are read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasChoices, AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from brickwork import Secret, register_type

_CAPABILITIES = frozenset({"token", "bot_access_token", "response_url", "response_urls"})


def at(*paths: str, default: Any = None) -> Any:
    """Return a field that stands at the first of these paths: names with dots between.

    Args:
        *paths: Where it may stand in what Slack sent.
        default: What it is where it stands at none; ``...`` where it has to be there.
    """
    choices = AliasChoices(*(AliasPath(*path.split(".")) for path in paths))
    return Field(default, validation_alias=choices)


def _text(value: object) -> object:
    return value if isinstance(value, str) else None


def _secret(value: object) -> object:
    return Secret(value) if isinstance(value, str) and value else None


def _moment(value: object) -> object:
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
    except (ValueError, OverflowError, OSError):  # a year that there is not
        return None


Text = Annotated[str | None, BeforeValidator(_text)]
"""A text; None where Slack sends something else in its place."""

Hidden = Annotated[Secret[str] | None, BeforeValidator(_secret)]
"""A text that gives whoever reads it a right."""

Moment = Annotated[datetime | None, BeforeValidator(_moment)]
"""Seconds since 1970, as a moment in UTC."""


class Part(BaseModel):
    """Something in a request."""

    # Slack adds fields at any time, and no error may show what it sent.
    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, arbitrary_types_allowed=True
    )


@register_type("slack.request")
class SlackRequest(Part):
    """What Slack sends to an app.

    Attributes:
        type: Slack's name of it: ``reaction_added``, ``block_actions``, ``/deploy``.
        team: The workspace's id; None where something was installed for a whole organization.
        app_id: The app's id.
        user: The id of who did it.
        channel: The id of the channel that it happened in.
        payload: All that Slack sent, without tokens and URLs to reply to.
    """

    type: str
    team: Text = at("team_id", "team.id", "user.team_id")
    app_id: Text = at("api_app_id")
    user: Text = at("user.id", "user_id", "user")
    channel: Text = at("channel.id", "channel_id", "container.channel_id", "channel")
    payload: Mapping[str, Any] = Field(repr=False)

    @property
    def handled_by(self) -> tuple[str, ...]:
        """The names of the handlers that are for it, the nearest first."""
        return (self.type,)

    @property
    def event_id(self) -> str:
        """What tells that it is sent again; empty where Slack never sends it again."""
        return ""


def without_capabilities(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be shown and kept of what Slack sent."""
    shown = {name: value for name, value in payload.items() if name not in _CAPABILITIES}
    if isinstance(event := shown.get("event"), Mapping):
        shown["event"] = {k: v for k, v in event.items() if k not in _CAPABILITIES}
    return shown
