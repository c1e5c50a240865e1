"""Athena: moto runs the queries and gives back rows that it was told; a Stubber fails them."""

import datetime
import sys
import threading
from decimal import Decimal
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import PluginMissing, Scope, TaskCancelled
from brickwork_aws import (
    AthenaQuery,
    AwsCredentials,
    AwsError,
    AwsJobFailed,
    AwsTimeout,
    athena_cancel_query,
    athena_read_rows,
    athena_read_table,
    athena_run_query,
    athena_start_query,
    athena_wait_query,
)
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.moto import next_query_gives

STUBBED = "athena"
QUERY = "6f2cc74c-5c4b-4a5d-9bb9-0f1b6f5b1f0e"

AT = datetime.datetime(2026, 11, 22, 10, 0, 0, 250000)

COLUMNS = {
    "day": ("date", "2026-11-22", datetime.date(2026, 11, 22)),
    "at": (
        "timestamp",
        "2026-11-22 10:00:00.250",
        AT,
    ),
    "rows": ("bigint", "9007199254740993", 9007199254740993),
    "share": ("double", "0.25", 0.25),
    "price": ("decimal", "12345678901234.10", Decimal("12345678901234.10")),
    "ok": ("boolean", "true", True),
    "name": ("varchar", "", ""),
    "tags": ("array", "[a, b]", "[a, b]"),
    "none": ("integer", None, None),
}


@pytest.fixture
def rows_to_come(s3_server: AwsServer) -> None:
    """Tell moto what the next query gives: the names of the columns, and one row of each type."""
    types = {name: kind for name, (kind, _, _) in COLUMNS.items()}
    next_query_gives(s3_server, types, [[text for _, text, _ in COLUMNS.values()]])


def execution(state: str, **status: Any) -> dict[str, Any]:
    """Return what Athena answers about a query."""
    return {"QueryExecution": {"QueryExecutionId": QUERY, "Status": {"State": state, **status}}}


@pytest.mark.usefixtures("rows_to_come")
def test_a_query_is_run_and_its_rows_are_read(s3_credentials: AwsCredentials) -> None:
    """To its end, in Python's types; the row with the names of the columns is none."""
    query = athena_run_query(
        s3_credentials,
        "SELECT * FROM days WHERE day = ?",
        database="reports",
        output_location="s3://results/here/",
        parameters=["'2026-11-22'"],
        poll_seconds=0.01,
    )
    assert query.state == "SUCCEEDED"
    assert query.output_location.startswith("s3://results/here/")
    rows = athena_read_rows(s3_credentials, query)
    assert rows == [{name: value for name, (_, _, value) in COLUMNS.items()}]
    assert athena_read_rows(s3_credentials, query, limit=0) == []

    table = athena_read_table(s3_credentials, query)
    assert table.to_pylist() == rows


def test_a_table_without_rows_has_the_types_of_its_columns(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """As Athena describes them."""
    pa = pytest.importorskip("pyarrow")
    info: list[dict[str, Any]] = [
        {"Name": "id", "Type": "bigint"},
        {"Name": "price", "Type": "decimal", "Precision": 20, "Scale": 2},
        {"Name": "tags", "Type": "array"},
    ]
    head = {"Data": [{"VarCharValue": each["Name"]} for each in info]}
    stubbed.add_response(
        "get_query_results",
        {"ResultSet": {"Rows": [head], "ResultSetMetadata": {"ColumnInfo": info}}},
    )
    table = athena_read_table(s3_credentials, AthenaQuery(QUERY))
    assert table.num_rows == 0
    assert table.schema.types == [pa.int64(), pa.decimal128(20, 2), pa.string()]


def test_without_pyarrow_it_is_said_what_to_install(
    s3_credentials: AwsCredentials, stubbed: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows need none."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    info = [{"Name": "id", "Type": "bigint"}]
    rows: list[dict[str, Any]] = [{"Data": [{"VarCharValue": text}]} for text in ("id", "7")]
    answer = {"ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": info}}}
    for _ in range(2):
        stubbed.add_response("get_query_results", answer)
    with pytest.raises(PluginMissing) as caught:
        athena_read_table(s3_credentials, AthenaQuery(QUERY))
    assert "pip install" in caught.value.fix
    assert athena_read_rows(s3_credentials, AthenaQuery(QUERY)) == [{"id": 7}]


def test_what_athena_is_told(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Only what was given; a token, so that botocore's own retry does not start a second one."""
    from botocore.stub import ANY

    stubbed.add_response(
        "start_query_execution",
        {"QueryExecutionId": QUERY},
        {"QueryString": "SELECT 1", "ClientRequestToken": ANY},
    )
    reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 0}}
    stubbed.add_response(
        "start_query_execution",
        {"QueryExecutionId": QUERY},
        {
            "QueryString": "SELECT 1",
            "QueryExecutionContext": {"Catalog": "lake"},
            "WorkGroup": "team",
            "ResultReuseConfiguration": reuse,
            "ClientRequestToken": ANY,
        },
    )
    assert athena_start_query(s3_credentials, "SELECT 1") == AthenaQuery(QUERY)
    athena_start_query(
        s3_credentials, "SELECT 1", catalog="lake", workgroup="team", reuse_minutes=0
    )


def test_a_query_that_failed_says_why(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """In Athena's words."""
    why = "SYNTAX_ERROR: line 1:8: Column 'dya' cannot be resolved"
    stubbed.add_response("get_query_execution", execution("RUNNING"))
    stubbed.add_response("get_query_execution", execution("FAILED", StateChangeReason=why))
    with pytest.raises(AwsJobFailed, match="Column 'dya' cannot be resolved") as caught:
        athena_wait_query(s3_credentials, AthenaQuery(QUERY), poll_seconds=0.01)
    assert caught.value.state == "FAILED"


def test_a_query_that_somebody_cancelled_is_no_result(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Also where Athena gives no reason."""
    stubbed.add_response("get_query_execution", execution("CANCELLED"))
    with pytest.raises(AwsJobFailed, match="ended as CANCELLED"):
        athena_wait_query(s3_credentials, AthenaQuery(QUERY))


@pytest.mark.parametrize("cancel", [True, False])
def test_a_query_is_stopped_with_its_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, cancel: bool
) -> None:
    """At Athena, with a request of its own; or it goes on."""
    stubbed.add_response("get_query_execution", execution("RUNNING"))
    if cancel:
        stubbed.add_response("stop_query_execution", {}, {"QueryExecutionId": QUERY})
    with Scope("job") as scope:
        timer = threading.Timer(0.2, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            athena_wait_query(
                s3_credentials, AthenaQuery(QUERY), poll_seconds=600, cancel_on_stop=cancel
            )
        timer.join()


def test_time_that_is_up_stops_the_query(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """The error says that it was told to stop."""
    stubbed.add_response("get_query_execution", execution("QUEUED"))
    stubbed.add_response("stop_query_execution", {}, {"QueryExecutionId": QUERY})
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        athena_wait_query(s3_credentials, AthenaQuery(QUERY), max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)


def test_a_query_that_cannot_be_stopped_is_told(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Beside the error that stopped the task."""
    stubbed.add_response("get_query_execution", execution("QUEUED"))
    stubbed.add_client_error("stop_query_execution", "AccessDeniedException", "no", 403)
    with pytest.raises(AwsTimeout) as caught:
        athena_wait_query(s3_credentials, AthenaQuery(QUERY), max_wait_seconds=0)
    (note,) = caught.value.__notes__
    assert f"Athena query {QUERY} may still run" in note


def test_a_look_that_fails_leaves_the_query_alone(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """It goes on, and may be waited for again; nothing is stopped."""
    stubbed.add_client_error("get_query_execution", "InvalidRequestException", "no such", 400)
    with pytest.raises(AwsError, match="athena:GetQueryExecution"):
        athena_wait_query(s3_credentials, AthenaQuery(QUERY))


@pytest.mark.usefixtures("rows_to_come")
def test_a_query_is_cancelled(s3_credentials: AwsCredentials) -> None:
    """And ends as that."""
    query = athena_start_query(s3_credentials, "SELECT 1", output_location="s3://results/")
    athena_cancel_query(s3_credentials, query)
    with pytest.raises(AwsJobFailed, match="CANCELLED"):
        athena_wait_query(s3_credentials, query)
