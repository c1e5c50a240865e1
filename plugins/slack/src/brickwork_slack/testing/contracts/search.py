"""Conformance of the tasks that search."""

from collections.abc import Mapping
from typing import Any

from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer
from brickwork_slack.testing.state import File


class TestSearchMessages(SlackTaskContract):
    """search_messages."""

    name = "slack.search_messages"
    whose = "user"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let there be a message that is found, and one that is not."""
        server.say(server.general, "Deploying")
        server.say(server.general, "Done")
        return {"query": "deploy"}


class TestSearchFiles(SlackTaskContract):
    """search_files."""

    name = "slack.search_files"
    whose = "user"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let there be a file."""
        key = server.new_id("F")
        made = File(key, "report.csv", "Report", server.ada.id, 11, 1700000000, complete=True)
        server.workspace.files[key] = made
        return {"query": "report"}
