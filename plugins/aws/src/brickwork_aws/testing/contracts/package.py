"""Conformance of the package."""

from collections.abc import Sequence

import pytest

from brickwork.testing import PackageContract


class TestPackage(PackageContract):
    """The package."""

    @pytest.fixture
    def distribution(self) -> str:
        """Return its name."""
        return "brickwork-aws"

    @pytest.fixture
    def forbidden_at_discovery(self) -> Sequence[str]:
        """Return what is slow to import."""
        return ["boto3", "botocore", "jmespath", "pydantic", "s3transfer", "urllib3"]
