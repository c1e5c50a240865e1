"""Conformance of the package."""

from collections.abc import Sequence

import pytest

from brickwork.testing import PackageContract


class TestPackage(PackageContract):
    """The package."""

    @pytest.fixture
    def distribution(self) -> str:
        """Return its name."""
        return "brickwork-slack"

    @pytest.fixture
    def forbidden_at_discovery(self) -> Sequence[str]:
        """Return what is slow to import."""
        return ["aiohttp", "asyncio", "markdown_it", "pydantic", "slack_sdk"]
