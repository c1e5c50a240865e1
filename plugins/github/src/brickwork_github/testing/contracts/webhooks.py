"""Conformance of webhooks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from brickwork import Block, Secret
from brickwork.testing import BlockContract, CheckContract
from brickwork_github.webhooks.block import GitHubWebhook

GOLDEN = Path(__file__).parents[1] / "golden"
"""What releases of this package have saved."""


class TestGitHubWebhook(BlockContract):
    """GitHubWebhook as a block."""

    golden_folder = GOLDEN

    @pytest.fixture
    def block(self) -> Block:
        """Return a webhook whose secret is being replaced."""
        return GitHubWebhook(
            secret=Secret("contract-webhook-secret"),
            previous_secrets=(Secret("contract-webhook-secret-of-before"),),
        )

    @pytest.fixture
    def example_names(self) -> Mapping[str, Any]:
        """Return a payload of an event."""
        star = {
            "action": "created",
            "starred_at": "2026-11-23T16:00:00Z",
            "repository": {"full_name": "octocat/Hello-World", "stargazers_count": 80},
            "sender": {"login": "octocat"},
        }
        return {"star": star}


class TestCheckOfGitHubWebhook(CheckContract):
    """What the check of a webhook's secrets tells: GitHub has nobody to ask about them."""

    asks_service = False

    @pytest.fixture
    def working(self) -> Block:
        """Return one with a long secret."""
        return GitHubWebhook(secret=Secret("contract-webhook-secret"))

    @pytest.fixture
    def wrong(self) -> Block:
        """Return one whose former secret a signature lets guess."""
        return GitHubWebhook(
            secret=Secret("contract-webhook-secret"), previous_secrets=(Secret("guessable"),)
        )
