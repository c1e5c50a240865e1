"""Conformance of the tasks on Aurora, of whose rows and transactions moto knows nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.testing.aurora import AuroraAnswers

_WHERE = {
    "cluster_arn": "arn:aws:rds:eu-west-1:123456789012:cluster:totals",
    "secret_arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:totals",
}


class TestRdsExecute(TaskContract):
    """rds_execute."""

    name = "aws.rds_execute"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return arguments of a statement."""
        columns = [{"name": "day", "typeName": "date"}, {"name": "sum", "typeName": "numeric"}]
        record = [{"stringValue": "2026-11-22"}, {"stringValue": "21.50"}]
        with AuroraAnswers(s3_credentials) as answers:
            for _ in range(2):
                answers.add("execute_statement", {"records": [record], "columnMetadata": columns})
            yield {
                "credentials": s3_credentials,
                "sql": "SELECT day, sum FROM totals WHERE sum > :sum",
                "parameters": {"sum": 12},
                **_WHERE,
            }


class TestRdsExecuteMany(TaskContract):
    """rds_execute_many."""

    name = "aws.rds_execute_many"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return arguments of a statement with two sets."""
        with AuroraAnswers(s3_credentials) as answers:
            for _ in range(2):
                answers.add("begin_transaction", {"transactionId": "t-1"})
                answers.add("batch_execute_statement", {"updateResults": [{}, {}]})
                answers.add("commit_transaction", {"transactionStatus": "committed"})
            yield {
                "credentials": s3_credentials,
                "sql": "INSERT INTO totals (sum) VALUES (:sum)",
                "parameter_sets": [{"sum": 1}, {"sum": 2}],
                **_WHERE,
            }
