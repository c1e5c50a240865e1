"""Conformance of the tasks on Athena, against moto."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork import Task
from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.jobs import athena

SQL = "SELECT 1"
OUTPUT = "s3://results/"


class _AthenaTaskContract(TaskContract):
    @pytest.fixture
    def query(self, s3_credentials: AwsCredentials) -> athena.AthenaQuery:
        """Return a query that was started."""
        return athena.athena_start_query(s3_credentials, SQL, output_location=OUTPUT)

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

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return athena.athena_start_query

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of a small query."""
        return {"credentials": s3_credentials, "sql": SQL, "output_location": OUTPUT}


class TestAthenaRunQuery(_AthenaTaskContract):
    """athena_run_query."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return athena.athena_run_query

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of a small query."""
        return {
            "credentials": s3_credentials,
            "sql": SQL,
            "output_location": OUTPUT,
            "poll_seconds": 0.01,
        }


class _OnAQuery(_AthenaTaskContract):
    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, query: athena.AthenaQuery) -> Mapping[str, Any]:
        """Return arguments for a query that has ended well."""
        athena.athena_wait_query(s3_credentials, query, poll_seconds=0.01)
        return {"credentials": s3_credentials, "query": query}


class TestAthenaWaitQuery(_OnAQuery):
    """athena_wait_query."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return athena.athena_wait_query


class TestAthenaCancelQuery(_OnAQuery):
    """athena_cancel_query."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return athena.athena_cancel_query


class TestAthenaReadRows(_OnAQuery):
    """athena_read_rows."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return athena.athena_read_rows


class TestAthenaReadTable(_OnAQuery):
    """athena_read_table."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return athena.athena_read_table
