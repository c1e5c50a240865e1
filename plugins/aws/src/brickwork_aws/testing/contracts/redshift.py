"""Conformance of the tasks on Redshift, against moto, where a statement runs until cancelled."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.jobs import redshift
from brickwork_aws.jobs.redshift_statement import RedshiftStatement

_ENDED = "9b0c9d0e-3f0e-4c59-a6b4-2f4f3a9d6c11"


class _RedshiftTaskContract(TaskContract):
    @pytest.fixture
    def arguments(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments to start a statement with."""
        return {
            "credentials": s3_credentials,
            "sql": "SELECT :day",
            "database": "dev",
            "cluster": "warehouse",
            "parameters": {"day": "2026-11-23"},
        }

    @pytest.fixture
    def on_a_statement(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a statement that runs."""
        statement = redshift.redshift_start_statement(**arguments)
        return {"credentials": arguments["credentials"], "statement": statement}

    @pytest.fixture
    def ending(self, s3_credentials: AwsCredentials) -> Iterator[None]:
        """Let statements end well, which they never do in moto."""
        from botocore.stub import Stubber

        with Stubber(s3_credentials.client("redshift-data")) as stubber:
            for _ in range(2):
                if self.name.endswith("run_statement"):
                    stubber.add_response("execute_statement", {"Id": _ENDED})
                stubber.add_response("describe_statement", {"Id": _ENDED, "Status": "FINISHED"})
            yield

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every statement has anew."""
        if not isinstance(one, RedshiftStatement):
            return bool(one == two)
        return bool(replace(one, id="") == replace(two, id=""))


class TestRedshiftStartStatement(_RedshiftTaskContract):
    """redshift_start_statement."""

    name = "aws.redshift_start_statement"

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments."""
        return arguments


class TestRedshiftRunStatement(_RedshiftTaskContract):
    """redshift_run_statement."""

    name = "aws.redshift_run_statement"

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any], ending: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments of a statement that ends."""
        return arguments

    @pytest.fixture
    def slow_call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments of a statement that does not end."""
        return arguments


class TestRedshiftWaitStatement(_RedshiftTaskContract):
    """redshift_wait_statement."""

    name = "aws.redshift_wait_statement"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, ending: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments for a statement that ends."""
        return {"credentials": s3_credentials, "statement": RedshiftStatement(_ENDED)}

    @pytest.fixture
    def slow_call(self, on_a_statement: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a statement that does not end."""
        return on_a_statement


class _OnAStatement(_RedshiftTaskContract):
    @pytest.fixture
    def call(self, on_a_statement: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a statement that runs."""
        return on_a_statement


class TestRedshiftCancelStatement(_OnAStatement):
    """redshift_cancel_statement."""

    name = "aws.redshift_cancel_statement"


class TestRedshiftReadRows(_OnAStatement):
    """redshift_read_rows."""

    name = "aws.redshift_read_rows"


class TestRedshiftReadTable(_OnAStatement):
    """redshift_read_table."""

    name = "aws.redshift_read_table"
