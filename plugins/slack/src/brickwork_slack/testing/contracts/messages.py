"""Conformance of the tasks on messages."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brickwork_slack.messages.scheduling import delete_scheduled_message
from brickwork_slack.messages.tasks import post_message
from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer


class PostingTaskContract(SlackTaskContract):
    """A task that posts to a channel."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the channel."""
        return {"channel": server.general.id}


class OwnMessageTaskContract(SlackTaskContract):
    """A task on a message of the bot's own."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Post one."""
        message = server.say(server.general, "Deploying", user=server.bot)
        return {"channel": server.general.id, "ts": message.ts}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the names of the examples, which post a message first."""
        return {**call, "post_message": post_message}


class TestPostMessage(PostingTaskContract):
    """post_message."""

    name = "slack.post_message"
    arguments = {"text": "Deployed"}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether both say the same; each is one of its own."""
        return bool((one.channel, one.text) == (two.channel, two.text))


class TestUpdateMessage(OwnMessageTaskContract):
    """update_message."""

    name = "slack.update_message"
    arguments = {"text": "Deployed"}


class TestDeleteMessage(OwnMessageTaskContract):
    """delete_message."""

    name = "slack.delete_message"


class TestPostEphemeral(PostingTaskContract):
    """post_ephemeral."""

    name = "slack.post_ephemeral"
    arguments = {"text": "Only you see this"}

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return to whom it is shown."""
        return {**super().prepare(server), "user": server.ada.id}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether both were shown; each at its time."""
        return bool(one and two)


class TestGetPermalink(OwnMessageTaskContract):
    """get_permalink."""

    name = "slack.get_permalink"


class TestScheduleMessage(PostingTaskContract):
    """schedule_message."""

    name = "slack.schedule_message"
    arguments = {"text": "Good morning"}

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a time to come."""
        return {**super().prepare(server), "post_at": datetime.now(UTC) + timedelta(days=1)}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether both say the same; each is one of its own."""
        return bool((one.post_at, one.text) == (two.post_at, two.text))

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the names of the example, which takes the message back."""
        return {**call, "delete_scheduled_message": delete_scheduled_message}


class TestListScheduledMessages(SlackTaskContract):
    """list_scheduled_messages."""

    name = "slack.list_scheduled_messages"


class TestDeleteScheduledMessage(PostingTaskContract):
    """delete_scheduled_message."""

    name = "slack.delete_scheduled_message"
    arguments = {"scheduled_id": "Q1298393284"}
