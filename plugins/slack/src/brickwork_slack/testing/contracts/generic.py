"""Conformance of the task for any method."""

from brickwork_slack.testing.contracts.tasks import SlackTaskContract


class TestSlackCall(SlackTaskContract):
    """slack_call."""

    name = "slack.slack_call"
    arguments = {"method": "team.info"}
