"""Conformance of the tasks on user groups."""

from collections.abc import Mapping
from typing import Any

import pytest

from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer
from brickwork_slack.testing.state import UserGroup


def make_group(server: SlackServer) -> UserGroup:
    """Let there be a user group with one member."""
    made = UserGroup(server.new_id("S"), "Operations", "ops", "", 1700000000, server.ada.id)
    made.users.append(server.ada.id)
    server.workspace.groups[made.id] = made
    return made


class GroupTaskContract(SlackTaskContract):
    """A task on a user group."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the group."""
        return {"group": make_group(server).id}


class TestListUserGroups(SlackTaskContract):
    """list_user_groups."""

    name = "slack.list_user_groups"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let there be a group."""
        make_group(server)
        return {}


class TestCreateUserGroup(SlackTaskContract):
    """create_user_group."""

    name = "slack.create_user_group"

    arguments = {"name": "On call"}

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let Slack answer the second call as the first one; it would refuse the name."""
        group = {"id": server.new_id("S"), "name": "On call", "handle": "on-call"}
        server.answer("usergroups.create", {"usergroup": group})
        return {}


class TestUpdateUserGroup(GroupTaskContract):
    """update_user_group."""

    name = "slack.update_user_group"
    arguments = {"name": "The operators"}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether all but the time is the same."""
        return bool((one.id, one.name) == (two.id, two.name))


class TestListUserGroupMembers(GroupTaskContract):
    """list_user_group_members."""

    name = "slack.list_user_group_members"

    @pytest.fixture
    def example_names(
        self, call: Mapping[str, Any], slack_server: SlackServer
    ) -> Mapping[str, Any]:
        """Return the names of the example."""
        return {**call, "user": slack_server.ada.id}


class TestSetUserGroupMembers(GroupTaskContract):
    """set_user_group_members."""

    name = "slack.set_user_group_members"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a member."""
        return {**super().prepare(server), "users": [server.ada.id]}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the names of the example."""
        return {**call, "user": call["users"][0]}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether the members are the same, whatever the time."""
        return bool(one.users == two.users)


class TestEnableUserGroup(GroupTaskContract):
    """enable_user_group."""

    name = "slack.enable_user_group"


class TestDisableUserGroup(GroupTaskContract):
    """disable_user_group."""

    name = "slack.disable_user_group"
