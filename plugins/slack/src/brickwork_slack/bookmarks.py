"""Prebuilt tasks on bookmarks: https://docs.slack.dev/reference/methods?family=bookmarks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_slack.calls import ask
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackDenied, SlackInvalid, SlackUncertain
from brickwork_slack.reading import moment, unless
from brickwork_slack.resolving import channel_id
from brickwork_slack.tasks import slack_task


@register_type("slack.bookmark")
@dataclass(frozen=True)
class Bookmark:
    """A link at the top of a channel.

    See https://docs.slack.dev/reference/objects/bookmark-object.

    Attributes:
        id: ``Bk...``.
        channel: The id of the channel.
        title: What people see.
        link: Where it leads; empty of one that leads to a message or a file.
        emoji: With colons; empty where there is none.
        created_at: When it was made.
        updated_at: When it was changed last; None if never.
        updated_by: The id of who made or changed it last; empty where Slack does not say it.
    """

    id: str
    channel: str
    title: str
    link: str
    emoji: str
    created_at: datetime | None
    updated_at: datetime | None
    updated_by: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        return cls(
            id=found["id"],
            channel=found.get("channel_id") or "",
            title=found.get("title") or "",
            link=found.get("link") or "",
            emoji=found.get("emoji") or "",
            created_at=moment(found.get("date_created")),
            updated_at=moment(found.get("date_updated")),
            updated_by=found.get("last_updated_by_user_id") or "",
        )


@slack_task("bookmarks:write", "bookmarks:read")
async def add_bookmark(
    credentials: SlackCredentials,
    channel: str,
    title: str,
    link: str,
    *,
    emoji: str | None = None,
) -> Bookmark:
    """Put a link at the top of a channel.

    If the answer is lost, the bookmarks are looked at: one with this title and link is taken for
    the new one, else it is added again, unless Slack may still be at it. That takes
    ``bookmarks:read``. See
    https://docs.slack.dev/reference/methods/bookmarks.add.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        title: What people see.
        link: Where it leads: ``https://...``.
        emoji: Shown before the title, as ``books``; colons around it do not matter.

    Returns:
        The bookmark.

    Raises:
        SlackNotFound: There is no such channel.
        SlackInvalid: Slack does not take the link.
        SlackConflict: The channel has as many bookmarks as there may be.
        SlackUncertain: Nobody knows whether it was added.
        SlackError: It was not added.

    Examples:
        >>> add_bookmark(credentials, "#general", "Runbook", "https://example.com/runbook").title
        'Runbook'
    """
    key = await channel_id(credentials, channel)
    given = {"title": title, "type": "link", "link": link, "emoji": _emoji(emoji)}
    try:
        answer = await ask(credentials, "bookmarks.add", channel_id=key, **given)
    except SlackUncertain as lost:
        found = await _added(credentials, key, title, link, lost)
        if found is not None:
            return found
        if lost.still_at_it:
            raise
        answer = await ask(credentials, "bookmarks.add", channel_id=key, **given)
    return Bookmark.of(answer["bookmark"])


@slack_task("bookmarks:write")
async def edit_bookmark(
    credentials: SlackCredentials,
    channel: str,
    bookmark: str,
    *,
    title: str | None = None,
    link: str | None = None,
    emoji: str | None = None,
) -> Bookmark:
    """Change a bookmark; what is not given stays.

    See https://docs.slack.dev/reference/methods/bookmarks.edit.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        bookmark: The bookmark's id.
        title: What people see.
        link: Where it leads.
        emoji: Shown before the title; colons around it do not matter.

    Returns:
        The bookmark as it is now.

    Raises:
        SlackNotFound: There is no such channel, or no such bookmark.
        SlackInvalid: Slack does not take the link, or nothing is to be changed.
        SlackError: It was not changed.

    Examples:
        >>> edit_bookmark(credentials, "#general", bookmark, title="Manual").title
        'Manual'
    """
    given = {"title": title, "link": link, "emoji": _emoji(emoji)}
    if all(each is None for each in given.values()):
        raise SlackInvalid(
            f"Nothing is to be changed at the bookmark {bookmark}.",
            fix="Give a title, a link or an emoji.",
        )
    key = await channel_id(credentials, channel)
    answer = await ask(credentials, "bookmarks.edit", channel_id=key, bookmark_id=bookmark, **given)
    return Bookmark.of(answer["bookmark"])


@slack_task("bookmarks:write")
async def remove_bookmark(credentials: SlackCredentials, channel: str, bookmark: str) -> None:
    """Take a bookmark from a channel; no error if it has no such bookmark.

    See https://docs.slack.dev/reference/methods/bookmarks.remove.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        bookmark: The bookmark's id.

    Raises:
        SlackNotFound: There is no such channel.
        SlackError: It is still there.

    Examples:
        >>> remove_bookmark(credentials, "#general", bookmark)
    """
    key = await channel_id(credentials, channel)
    with unless("not_found", "bookmark_not_found"):
        await ask(credentials, "bookmarks.remove", channel_id=key, bookmark_id=bookmark)


@slack_task("bookmarks:read")
async def list_bookmarks(credentials: SlackCredentials, channel: str) -> list[Bookmark]:
    """List the bookmarks of a channel.

    See https://docs.slack.dev/reference/methods/bookmarks.list.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.

    Returns:
        The bookmarks, in their order.

    Raises:
        SlackNotFound: There is no such channel.
        SlackError: They cannot be read.

    Examples:
        >>> for bookmark in list_bookmarks(credentials, "#general"):
        ...     print(bookmark.title, bookmark.link)
        Runbook https://example.com/runbook
    """
    return await _all(credentials, await channel_id(credentials, channel))


async def _all(credentials: SlackCredentials, key: str) -> list[Bookmark]:
    answer = await ask(credentials, "bookmarks.list", channel_id=key)
    return [Bookmark.of(each) for each in answer.get("bookmarks") or ()]


async def _added(
    credentials: SlackCredentials, key: str, title: str, link: str, lost: SlackUncertain
) -> Bookmark | None:
    """Return the bookmark that a lost answer was about; None where it was not added.

    Raises:
        SlackUncertain: The token may not look.
    """
    try:
        there = await _all(credentials, key)
    except SlackDenied:
        raise lost from None
    same = [each for each in there if (each.title, each.link) == (title, link)]
    return same[-1] if same else None


def _emoji(name: str | None) -> str | None:
    """Return an emoji as bookmarks have it: with colons."""
    return name and f":{name.strip().strip(':')}:"
