"""Prebuilt tasks on pins: https://docs.slack.dev/reference/methods?family=pins."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_slack.calls import ask
from brickwork_slack.conversations.models import ChannelMessage
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.reading import moment, unless
from brickwork_slack.resolving import channel_id
from brickwork_slack.tasks import slack_task


@register_type("slack.pin")
@dataclass(frozen=True)
class Pin:
    """Something that is pinned to a channel.

    Attributes:
        message: The message; None where a file is pinned.
        file: The id of the file; None where a message is pinned.
        permalink: Where people find it; empty where Slack does not say it.
        pinned_by: The id of who pinned it; empty where Slack does not say it.
        pinned_at: When.
    """

    message: ChannelMessage | None
    file: str | None
    permalink: str
    pinned_by: str
    pinned_at: datetime | None

    @classmethod
    def of(cls, channel: str, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer about a channel."""
        message, file = found.get("message"), found.get("file")
        return cls(
            message=ChannelMessage.of(found.get("channel") or channel, message)
            if message
            else None,
            file=file["id"] if file else None,
            permalink=(message or file or {}).get("permalink") or "",
            pinned_by=found.get("created_by") or "",
            pinned_at=moment(found.get("created")),
        )


@slack_task("pins:write")
async def add_pin(credentials: SlackCredentials, channel: str, ts: str) -> None:
    """Pin a message to its channel; no error if it is pinned.

    See https://docs.slack.dev/reference/methods/pins.add.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        ts: The message.

    Raises:
        SlackNotFound: There is no such channel, or no such message.
        SlackConflict: The channel has as many pins as there may be.
        SlackError: It was not pinned.

    Examples:
        >>> add_pin(credentials, "#general", ts)
    """
    key = await channel_id(credentials, channel)
    with unless("already_pinned"):
        await ask(credentials, "pins.add", channel=key, timestamp=ts)


@slack_task("pins:write")
async def remove_pin(credentials: SlackCredentials, channel: str, ts: str) -> None:
    """Pin a message no longer; no error if it is not pinned.

    See https://docs.slack.dev/reference/methods/pins.remove.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        ts: The message.

    Raises:
        SlackNotFound: There is no such channel, or no such message.
        SlackError: It is still pinned.

    Examples:
        >>> remove_pin(credentials, "#general", ts)
    """
    key = await channel_id(credentials, channel)
    with unless("no_pin", "not_pinned"):
        await ask(credentials, "pins.remove", channel=key, timestamp=ts)


@slack_task("pins:read")
async def list_pins(credentials: SlackCredentials, channel: str) -> list[Pin]:
    """List what is pinned to a channel, the newest pin first.

    See https://docs.slack.dev/reference/methods/pins.list.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.

    Returns:
        The pins.

    Raises:
        SlackNotFound: There is no such channel.
        SlackError: They cannot be read.

    Examples:
        >>> for pin in list_pins(credentials, "#general"):
        ...     print(pin.message.text)
        Deploying
    """
    key = await channel_id(credentials, channel)
    answer = await ask(credentials, "pins.list", channel=key)
    return [Pin.of(key, each) for each in answer.get("items") or ()]
