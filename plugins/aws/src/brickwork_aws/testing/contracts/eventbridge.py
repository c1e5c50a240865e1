"""Conformance of the tasks on EventBridge, against moto."""

from collections.abc import Mapping
from typing import Any

import pytest

from brickwork import Task
from brickwork.testing import TaskContract
from brickwork_aws import eventbridge
from brickwork_aws.credentials import AwsCredentials

PATTERN = {"source": ["com.example.contract"]}


class TestEventbridgePutEvents(TaskContract):
    """eventbridge_put_events."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return eventbridge.eventbridge_put_events

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of an event."""
        event = eventbridge.EventBridgeEvent("com.example.contract", "Tried", {"n": 1})
        return {"credentials": s3_credentials, "events": [event]}

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every event has anew."""
        return type(one) is type(two) and len(one) == len(two)


class TestEventbridgePutRule(TaskContract):
    """eventbridge_put_rule."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return eventbridge.eventbridge_put_rule

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of a rule."""
        return {"credentials": s3_credentials, "name": "contract", "pattern": PATTERN}


class _OnARule(TaskContract):
    name = ""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task of the class's name."""
        found: Task[..., Any] = getattr(eventbridge, self.name)
        return found

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments for a rule."""
        eventbridge.eventbridge_put_rule(s3_credentials, "contract", pattern=PATTERN)
        return {"credentials": s3_credentials, "name": "contract"}


class TestEventbridgeEnableRule(_OnARule):
    """eventbridge_enable_rule."""

    name = "eventbridge_enable_rule"


class TestEventbridgeDisableRule(_OnARule):
    """eventbridge_disable_rule."""

    name = "eventbridge_disable_rule"


class TestEventbridgeDeleteRule(_OnARule):
    """eventbridge_delete_rule."""

    name = "eventbridge_delete_rule"
