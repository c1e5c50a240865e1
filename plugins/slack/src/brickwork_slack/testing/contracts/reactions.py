"""Conformance of the tasks on reactions."""

from collections.abc import Mapping
from typing import Any

from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer


class ReactionTaskContract(SlackTaskContract):
    """A task on a message that somebody reacted to."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let ``ada`` react to a message."""
        message = server.say(server.general, "Deploying")
        server.react(message, "eyes")
        return {"channel": message.channel, "ts": message.ts}


class TestAddReaction(ReactionTaskContract):
    """add_reaction."""

    name = "slack.add_reaction"
    arguments = {"name": "eyes"}


class TestRemoveReaction(ReactionTaskContract):
    """remove_reaction."""

    name = "slack.remove_reaction"
    arguments = {"name": "eyes"}


class TestGetReactions(ReactionTaskContract):
    """get_reactions."""

    name = "slack.get_reactions"


class TestListReactions(SlackTaskContract):
    """list_reactions."""

    name = "slack.list_reactions"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let ``ada`` react to a message."""
        server.react(server.say(server.general, "Deploying"), "eyes")
        return {"user": server.ada.id}
