"""Conformance of incoming webhooks: as a block, and as a notifier."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from brickwork import Block, Overflow, Secret
from brickwork.testing import BlockContract, CheckContract, NotifierContract, TaskContract
from brickwork.testing.notifier import Behaviour
from brickwork_slack.testing.webhooks import WebhookCounterpart
from brickwork_slack.webhook import SlackWebhook

GOLDEN = Path(__file__).parents[1] / "golden"
"""What releases of this package have saved."""


class TestSlackWebhook(BlockContract):
    """SlackWebhook as a block."""

    golden_folder = GOLDEN

    @pytest.fixture
    def block(self) -> Block:
        """Return one at a port where nobody listens."""
        return SlackWebhook(
            url=Secret("http://127.0.0.1:1/services/T0/B0/contract-webhook-path"),
            mentions=("here", "U024BE7LH"),
            overflow=Overflow.SPLIT,
            timeout_seconds=5,
            retry_seconds=0,
            ca_bundle="/etc/ssl/company.pem",
        )


class TestCheckOfSlackWebhook(CheckContract):
    """What the check of a webhook tells."""

    @pytest.fixture
    def service(self) -> Iterator[WebhookCounterpart]:
        """Give a Slack that behaves as it is told."""
        with WebhookCounterpart(lambda url: SlackWebhook(url=Secret(url))) as service:
            yield service

    @pytest.fixture
    def working(self, service: WebhookCounterpart) -> Block:
        """Return one that Slack knows."""
        return _webhook(service, Behaviour.OK)

    @pytest.fixture
    def wrong(self, service: WebhookCounterpart) -> Block:
        """Return one that Slack does not know, or no longer."""
        return _webhook(service, Behaviour.REFUSING)

    @pytest.fixture
    def unreachable(self, service: WebhookCounterpart) -> Block:
        """Return one for a port where nobody listens."""
        return _webhook(service, Behaviour.UNREACHABLE)

    @pytest.fixture
    def silent(self, silent_port: int) -> Block:
        """Return one for a port where nobody answers."""
        return SlackWebhook(
            url=Secret(f"http://127.0.0.1:{silent_port}/services/T0/B0/contract-webhook-path")
        )


class TestSlackWebhookAsNotifier(NotifierContract):
    """SlackWebhook as a notifier."""

    @pytest.fixture
    def counterpart(self) -> Iterator[WebhookCounterpart]:
        """Give a Slack that behaves as it is told."""
        with WebhookCounterpart(
            lambda url: SlackWebhook(url=Secret(url), timeout_seconds=1, retry_seconds=1)
        ) as service:
            yield service


class HookTaskContract(TaskContract):
    """A task that posts to a URL which is a secret."""

    def arguments(self, webhook: SlackWebhook) -> Mapping[str, Any]:
        """Return the arguments for a server where a webhook is."""
        return {"response_url": webhook.url}

    @pytest.fixture
    def service(self) -> Iterator[WebhookCounterpart]:
        """Give a Slack that behaves as it is told."""
        with WebhookCounterpart(lambda url: SlackWebhook(url=Secret(url))) as service:
            yield service

    @pytest.fixture
    def call(self, service: WebhookCounterpart) -> Mapping[str, Any]:
        """Return the arguments where all is taken."""
        return self.arguments(_webhook(service, Behaviour.OK))

    @pytest.fixture
    def slow_call(self, service: WebhookCounterpart) -> Mapping[str, Any]:
        """Return the arguments where Slack asks to wait an hour."""
        return self.arguments(_webhook(service, Behaviour.BUSY))


class TestSendWebhook(HookTaskContract):
    """send_webhook."""

    name = "slack.send_webhook"

    def arguments(self, webhook: SlackWebhook) -> Mapping[str, Any]:
        """Return the arguments."""
        return {"webhook": webhook, "text": "hello"}


class TestRespond(HookTaskContract):
    """respond."""

    name = "slack.respond"

    def arguments(self, webhook: SlackWebhook) -> Mapping[str, Any]:
        """Return the arguments."""
        return {"response_url": webhook.url, "text": "hello"}


class TestDeleteOriginal(HookTaskContract):
    """delete_original."""

    name = "slack.delete_original"


def _webhook(service: WebhookCounterpart, behaviour: Behaviour) -> SlackWebhook:
    made = service.notifier(behaviour)
    assert isinstance(made, SlackWebhook)
    return made
