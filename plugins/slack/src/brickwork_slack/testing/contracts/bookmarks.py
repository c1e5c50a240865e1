"""Conformance of the tasks on bookmarks."""

from collections.abc import Mapping
from typing import Any

from slack_sdk import WebClient

from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer


class BookmarkTaskContract(SlackTaskContract):
    """A task on a channel with a bookmark."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Make a bookmark."""
        client = WebClient(server.token().reveal(), base_url=f"{server.url}/api/")
        made = client.bookmarks_add(
            channel_id=server.general.id,
            title="Runbook",
            type="link",
            link="https://example.com/runbook",
        )
        return {"channel": server.general.id, "bookmark": made["bookmark"]["id"]}


class TestAddBookmark(SlackTaskContract):
    """add_bookmark."""

    name = "slack.add_bookmark"
    arguments = {"title": "Runbook", "link": "https://example.com/runbook"}

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the channel."""
        return {"channel": server.general.id}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether they lead to the same page: each call makes one."""
        return bool((one.title, one.link) == (two.title, two.link))


class TestEditBookmark(BookmarkTaskContract):
    """edit_bookmark."""

    name = "slack.edit_bookmark"
    arguments = {"title": "Manual"}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether it says the same; each call is a change."""
        return bool((one.id, one.title) == (two.id, two.title))


class TestRemoveBookmark(BookmarkTaskContract):
    """remove_bookmark."""

    name = "slack.remove_bookmark"


class TestListBookmarks(BookmarkTaskContract):
    """list_bookmarks."""

    name = "slack.list_bookmarks"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Make a bookmark."""
        return {"channel": super().prepare(server)["channel"]}
