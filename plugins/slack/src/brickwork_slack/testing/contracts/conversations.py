"""Conformance of the tasks on conversations."""

from collections.abc import Mapping
from typing import Any

import pytest

from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer


class TestListConversations(SlackTaskContract):
    """list_conversations."""

    name = "slack.list_conversations"


class TestGetConversation(SlackTaskContract):
    """get_conversation."""

    name = "slack.get_conversation"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the general channel."""
        return {"channel": server.general.id}


class TestCreateConversation(SlackTaskContract):
    """create_conversation."""

    name = "slack.create_conversation"
    arguments = {"name": "releases", "if_exists": "use"}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether it is the same channel; only reading it counts its members."""
        return bool(one.id == two.id)


class ChannelTaskContract(SlackTaskContract):
    """A task on a channel of the bot's, in which it and ``ada`` are."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the channel."""
        return {"channel": server.channel("releases").id}


class TestRenameConversation(ChannelTaskContract):
    """rename_conversation."""

    name = "slack.rename_conversation"
    arguments = {"name": "announcements"}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether it has the same name; only reading it counts its members."""
        return bool((one.id, one.name) == (two.id, two.name))


class TestArchiveConversation(ChannelTaskContract):
    """archive_conversation."""

    name = "slack.archive_conversation"


class TestUnarchiveConversation(SlackTaskContract):
    """unarchive_conversation."""

    name = "slack.unarchive_conversation"
    whose = "user"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return an archived channel."""
        return {"channel": server.channel("releases", archived=True).id}


class TestSetConversationTopic(ChannelTaskContract):
    """set_conversation_topic."""

    name = "slack.set_conversation_topic"
    arguments = {"topic": "Release 4.2 on Thursday"}


class TestSetConversationPurpose(ChannelTaskContract):
    """set_conversation_purpose."""

    name = "slack.set_conversation_purpose"
    arguments = {"purpose": "All about releases"}


class TestListConversationMembers(SlackTaskContract):
    """list_conversation_members."""

    name = "slack.list_conversation_members"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the general channel."""
        return {"channel": server.general.id}

    @pytest.fixture
    def example_names(
        self, call: Mapping[str, Any], slack_server: SlackServer
    ) -> Mapping[str, Any]:
        """Return the names of the example."""
        return {**call, "user": slack_server.ada.id}


class TestInviteToConversation(SlackTaskContract):
    """invite_to_conversation."""

    name = "slack.invite_to_conversation"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a channel, and somebody who is not in it."""
        return {"channel": server.channel("releases").id, "users": [server.user("grace").id]}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the names of the example."""
        return {**call, "user": call["users"][0]}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether the second call found nobody who was not there."""
        return len(one) == 1 and not two


class TestKickFromConversation(SlackTaskContract):
    """kick_from_conversation."""

    name = "slack.kick_from_conversation"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a channel, and who is in it."""
        return {"channel": server.channel("releases").id, "user": server.ada.id}


class TestJoinConversation(SlackTaskContract):
    """join_conversation."""

    name = "slack.join_conversation"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a channel that the bot is not in."""
        return {"channel": server.random.id}


class TestLeaveConversation(ChannelTaskContract):
    """leave_conversation."""

    name = "slack.leave_conversation"


class TestOpenConversation(SlackTaskContract):
    """open_conversation."""

    name = "slack.open_conversation"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a person."""
        return {"users": [server.ada.id]}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the names of the example."""
        return {**call, "user": call["users"][0]}


class TestCloseConversation(SlackTaskContract):
    """close_conversation."""

    name = "slack.close_conversation"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a direct message."""
        return {"channel": server.direct(server.workspace, [server.bot.id, server.ada.id]).id}


class ThreadTaskContract(SlackTaskContract):
    """A task on a channel in which is a thread."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the channel, and the message that began the thread."""
        begun = server.say(server.general, "Deploying")
        server.say(server.general, "Half way", thread_ts=begun.ts)
        server.say(server.general, "Done")
        return {"channel": server.general.id, "ts": begun.ts}


class TestMarkConversation(ThreadTaskContract):
    """mark_conversation."""

    name = "slack.mark_conversation"


class TestReadHistory(ThreadTaskContract):
    """read_history."""

    name = "slack.read_history"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the channel."""
        return {"channel": super().prepare(server)["channel"]}


class TestReadReplies(ThreadTaskContract):
    """read_replies."""

    name = "slack.read_replies"
