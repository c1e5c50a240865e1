"""Conformance of the tasks on EventBridge, against moto."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from brickwork.testing import TaskContract
from brickwork_aws import eventbridge
from brickwork_aws.credentials import AwsCredentials

PATTERN = {"source": ["com.example.contract"]}


class TestEventbridgePutEvents(TaskContract):
    """eventbridge_put_events."""

    name = "aws.eventbridge_put_events"

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

    name = "aws.eventbridge_put_rule"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of a rule."""
        return {"credentials": s3_credentials, "name": "contract", "pattern": PATTERN}


class _OnARule(TaskContract):
    enabled: ClassVar[bool] = True

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments for a rule."""
        name = "nightly-load"
        eventbridge.eventbridge_put_rule(
            s3_credentials, name, pattern=PATTERN, enabled=self.enabled
        )
        return {"credentials": s3_credentials, "name": name}


class TestEventbridgeEnableRule(_OnARule):
    """eventbridge_enable_rule."""

    name = "aws.eventbridge_enable_rule"
    enabled = False


class TestEventbridgeDisableRule(_OnARule):
    """eventbridge_disable_rule."""

    name = "aws.eventbridge_disable_rule"


class TestEventbridgeDeleteRule(_OnARule):
    """eventbridge_delete_rule."""

    name = "aws.eventbridge_delete_rule"
