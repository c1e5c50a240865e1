"""Conformance of the tasks on Athena, against moto."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.jobs import athena
from brickwork_aws.testing.answering import answered
from brickwork_aws.testing.moto import next_query_gives
from brickwork_aws.testing.servers import AwsServer

SQL = "SELECT 1"
OUTPUT = "s3://results/"


class _AthenaTaskContract(TaskContract):
    @pytest.fixture
    def query(self, s3_credentials: AwsCredentials) -> athena.AthenaQuery:
        """Return a query that was started."""
        return athena.athena_start_query(s3_credentials, SQL, output_location=OUTPUT)

    @pytest.fixture
    def running(self, s3_credentials: AwsCredentials) -> Iterator[None]:
        """Let no query end."""
        runs = {"QueryExecution": {"Status": {"State": "RUNNING"}}}
        with answered(s3_credentials, "athena", "GetQueryExecution", lambda _: runs):
            yield

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every query has anew."""
        queries = (
            replace(each, id="", output_location="")
            for each in (one, two)
            if isinstance(each, athena.AthenaQuery)
        )
        first = next(queries, one)
        return bool(first == next(queries, two))


class TestAthenaStartQuery(_AthenaTaskContract):
    """athena_start_query."""

    name = "aws.athena_start_query"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of a small query."""
        return {"credentials": s3_credentials, "sql": SQL, "output_location": OUTPUT}


class TestAthenaRunQuery(_AthenaTaskContract):
    """athena_run_query."""

    name = "aws.athena_run_query"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of a small query."""
        return {
            "credentials": s3_credentials,
            "sql": SQL,
            "output_location": OUTPUT,
            "poll_seconds": 0.01,
        }

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any], running: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments of a query that does not end."""
        return call


class _OnAQuery(_AthenaTaskContract):
    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, query: athena.AthenaQuery) -> Mapping[str, Any]:
        """Return arguments for a query that has ended well."""
        athena.athena_wait_query(s3_credentials, query, poll_seconds=0.01)
        return {"credentials": s3_credentials, "query": query}


class TestAthenaWaitQuery(_OnAQuery):
    """athena_wait_query."""

    name = "aws.athena_wait_query"

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any], running: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments for a query that does not end."""
        return call


class TestAthenaCancelQuery(_OnAQuery):
    """athena_cancel_query."""

    name = "aws.athena_cancel_query"

    @pytest.fixture
    def example_names(
        self, s3_credentials: AwsCredentials, query: athena.AthenaQuery
    ) -> Mapping[str, Any]:
        """Return arguments for a query that has not ended."""
        return {"credentials": s3_credentials, "query": query}


class _OnRows(_OnAQuery):
    @pytest.fixture
    def example_names(
        self, s3_server: AwsServer, s3_credentials: AwsCredentials
    ) -> Mapping[str, Any]:
        """Return arguments for a query with two rows."""
        next_query_gives(
            s3_server,
            {"country": "varchar", "day": "date", "total": "decimal"},
            [["DE", "2026-11-23", "89.90"], ["FR", "2026-11-23", None]],
        )
        query = athena.athena_run_query(s3_credentials, SQL, output_location=OUTPUT)
        return {"credentials": s3_credentials, "query": query}


class TestAthenaReadRows(_OnRows):
    """athena_read_rows."""

    name = "aws.athena_read_rows"


class TestAthenaReadTable(_OnRows):
    """athena_read_table."""

    name = "aws.athena_read_table"
