"""Conformance of the tasks on users, and on what they say of themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer


class UserTaskContract(SlackTaskContract):
    """A task on a person."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the person."""
        return {"user": server.ada.id}


class PersonTaskContract(SlackTaskContract):
    """A task that only people may do."""

    whose = "user"


class TestLookUpUser(SlackTaskContract):
    """look_up_user."""

    name = "slack.look_up_user"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the person's address."""
        return {"email": server.ada.email}


class TestGetUser(UserTaskContract):
    """get_user."""

    name = "slack.get_user"


class TestListUsers(SlackTaskContract):
    """list_users."""

    name = "slack.list_users"


class TestGetPresence(UserTaskContract):
    """get_presence."""

    name = "slack.get_presence"


class TestSetPresence(SlackTaskContract):
    """set_presence."""

    name = "slack.set_presence"
    arguments = {"state": "away"}


class TestGetStatus(UserTaskContract):
    """get_status."""

    name = "slack.get_status"


class TestSetStatus(PersonTaskContract):
    """set_status."""

    name = "slack.set_status"
    arguments = {"text": "On call", "emoji": "pager"}


class TestClearStatus(PersonTaskContract):
    """clear_status."""

    name = "slack.clear_status"


class TestGetDoNotDisturb(UserTaskContract):
    """get_do_not_disturb."""

    name = "slack.get_do_not_disturb"


class TestSnoozeNotifications(PersonTaskContract):
    """snooze_notifications."""

    name = "slack.snooze_notifications"
    arguments = {"minutes": 30}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the names of the example."""
        return {**call, "UTC": UTC, "datetime": datetime}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether both ended after as long, but for the time between them."""
        return bool(timedelta() <= two - one < timedelta(minutes=1))


class TestEndSnooze(PersonTaskContract):
    """end_snooze."""

    name = "slack.end_snooze"


class TestEndDoNotDisturb(PersonTaskContract):
    """end_do_not_disturb."""

    name = "slack.end_do_not_disturb"
