"""Conformance of the tasks on STS, against moto."""

from collections.abc import Mapping
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials


class TestStsGetIdentity(TaskContract):
    """sts_get_identity."""

    name = "aws.sts_get_identity"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return the only argument."""
        return {"credentials": s3_credentials}


class TestStsAssumeRole(TaskContract):
    """sts_assume_role."""

    name = "aws.sts_assume_role"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments for a role; moto gives the keys of any."""
        role = "arn:aws:iam::123456789012:role/contract"
        return {"credentials": s3_credentials, "role_arn": role}

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the keys, which are new each time."""
        kept = {"region", "endpoint_url", "client_options"}
        return bool(one.model_dump(include=kept) == two.model_dump(include=kept))
