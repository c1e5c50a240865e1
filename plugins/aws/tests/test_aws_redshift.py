"""Redshift: moto keeps the statements, which never end; how they end, a Stubber says."""

import threading
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from botocore.stub import ANY, Stubber

from brickwork import (
    InvalidArguments,
    Progress,
    Scope,
    Secret,
    TaskCancelled,
    on_progress,
    open_serializer,
)
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    RedshiftStatement,
    aws_call,
    redshift_cancel_statement,
    redshift_read_rows,
    redshift_run_statement,
    redshift_start_statement,
    redshift_wait_statement,
)

STUBBED = "redshift-data"
ID = "6f2cc74c-5c4b-4a5d-9bb9-0f1b6f5b1f0e"
STATEMENT = RedshiftStatement(ID)
WHERE: dict[str, Any] = {"database": "dev", "cluster": "warehouse"}


@pytest.fixture
def statement(s3_credentials: AwsCredentials) -> RedshiftStatement:
    """A statement that moto has started, and never ends."""
    return redshift_start_statement(s3_credentials, "SELECT 1", **WHERE)


def described(state: str, **more: Any) -> dict[str, Any]:
    """Return what Redshift answers about a statement."""
    return {"Id": ID, "Status": state, **more}


def state_of(credentials: AwsCredentials, statement: RedshiftStatement) -> str:
    """Return the state that moto has."""
    seen = aws_call(credentials, "redshift-data", "describe_statement", Id=statement.id)
    return str(seen["Status"])


def test_what_redshift_is_told(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Only what was given; a token, by which it knows a request that botocore sends again."""
    stubbed.add_response(
        "execute_statement",
        {"Id": ID},
        {
            "Sql": "SELECT 1",
            "Database": "dev",
            "ClusterIdentifier": "warehouse",
            "ClientToken": ANY,
        },
    )
    stubbed.add_response(
        "execute_statement",
        {"Id": ID, "SessionId": ID},
        {
            "Sql": "SELECT :a",
            "Database": "dev",
            "WorkgroupName": "team",
            "SecretArn": "arn:aws:secretsmanager:eu-west-1:1:secret:db",
            "Parameters": [{"name": "a", "value": "x"}],
            "StatementName": "nightly",
            "ClientToken": "nightly-1",
            "WithEvent": True,
            "SessionKeepAliveSeconds": 60,
        },
    )
    stubbed.add_response(
        "batch_execute_statement",
        {"Id": ID, "SessionId": ID},
        {"Sqls": ["SELECT 1", "SELECT 2"], "SessionId": ID, "ClientToken": ANY},
    )
    assert redshift_start_statement(s3_credentials, "SELECT 1", **WHERE) == STATEMENT
    kept = redshift_start_statement(
        s3_credentials,
        "SELECT :a",
        database="dev",
        workgroup="team",
        secret_arn="arn:aws:secretsmanager:eu-west-1:1:secret:db",
        parameters={"a": "x"},
        name="nightly",
        client_token="nightly-1",
        with_event=True,
        session_keep_alive_seconds=60,
    )
    redshift_start_statement(s3_credentials, ["SELECT 1", "SELECT 2"], session_id=kept.session_id)


class Size(str, Enum):  # noqa: UP042  # whose str() is not its value
    """A text with a name."""

    LARGE = "large"


def test_parameters_are_bound(s3_credentials: AwsCredentials) -> None:
    """Over the wire, beside the statement and never in it, each as a text that Redshift reads."""
    values: dict[str, tuple[Any, str]] = {
        "text": ("'; DROP TABLE days; --", "'; DROP TABLE days; --"),
        "secret": (Secret("redshift-2b9d4"), "redshift-2b9d4"),
        "size": (Size.LARGE, "large"),
        "ok": (True, "true"),
        "rows": (2**63, "9223372036854775808"),
        "share": (0.1, "0.1"),
        "price": (Decimal("1E+3"), "1000"),
        "day": (date(2026, 11, 23), "2026-11-23"),
        "clock": (time(10, 35), "10:35:00"),
        "at": (datetime(2026, 11, 23, 10, tzinfo=UTC), "2026-11-23 10:00:00+00:00"),
        "id": (UUID(ID), ID),
        "raw": (b"\x00\xff", "00ff"),
        "tags": ({"a": [1, None]}, '{"a": [1, null]}'),
    }
    sql = f"SELECT {', '.join(f':{name}' for name in values)}"
    given = {name: value for name, (value, _) in values.items()}
    made = redshift_start_statement(s3_credentials, sql, parameters=given, **WHERE)
    seen = aws_call(s3_credentials, "redshift-data", "describe_statement", Id=made.id)
    assert seen["QueryString"] == sql
    assert {each["name"]: each["value"] for each in seen["QueryParameters"]} == {
        name: text for name, (_, text) in values.items()
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"database": "dev"}, "needs one of cluster, workgroup and session_id"),
        ({**WHERE, "workgroup": "team"}, "needs one of cluster, workgroup and session_id"),
        ({"cluster": "warehouse"}, "needs a database"),
        ({**WHERE, "sql": []}, "0 statements; Redshift takes 1 to 40"),
        ({**WHERE, "sql": ["SELECT 1"] * 41}, "41 statements"),
        ({**WHERE, "parameters": {"a": None}}, "parameter a is NULL"),
        ({**WHERE, "parameters": {"a": ""}}, "parameter a is an empty text"),
        ({**WHERE, "parameters": {"a": {1, 2}}}, "parameter a is a set"),
        ({**WHERE, "parameters": {"a": [object()]}}, "parameter a cannot be written as JSON"),
        ({**WHERE, "client_token": ""}, "ClientToken is shorter than 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    s3_credentials: AwsCredentials, stubbed: Stubber, arguments: dict[str, Any], said: str
) -> None:
    """Before anything is sent: the Stubber has no answer."""
    with pytest.raises(InvalidArguments, match=said):
        redshift_run_statement(s3_credentials, **{"sql": "SELECT :a", **arguments})
    stubbed.assert_no_pending_responses()


def test_a_statement_is_run(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """To its end, with what Redshift says of it; its state is the progress."""
    stubbed.add_response("execute_statement", {"Id": ID})
    stubbed.add_response("describe_statement", described("PICKED", ResultRows=-1, Duration=-1))
    stubbed.add_response(
        "describe_statement",
        described(
            "FINISHED",
            ResultRows=3,
            HasResultSet=True,
            ResultSize=96,
            Duration=1_500_000_000,
            SessionId=ID,
        ),
        {"Id": ID},
    )
    reports: list[Progress] = []
    with on_progress(reports.append):
        found = redshift_run_statement(s3_credentials, "SELECT 1", poll_seconds=0.01, **WHERE)
    assert found == RedshiftStatement(ID, "FINISHED", 3, True, 96, 1.5, ID)
    assert [each.text for each in reports] == [
        f"Redshift statement {ID}: PICKED",
        f"Redshift statement {ID}: FINISHED",
    ]


def test_several_statements_each_have_their_result(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """How many have ended is the progress; the rows of one are read by it, of all by none."""
    parts = [
        {"Id": f"{ID}:1", "Status": "FINISHED", "ResultRows": 2},
        {"Id": f"{ID}:2", "Status": "FINISHED", "ResultRows": 1, "HasResultSet": True},
    ]
    going = [parts[0], {"Id": f"{ID}:2", "Status": "STARTED"}]
    stubbed.add_response("describe_statement", described("STARTED", SubStatements=going))
    stubbed.add_response("describe_statement", described("FINISHED", SubStatements=parts))
    reports: list[Progress] = []
    with on_progress(reports.append):
        found = redshift_wait_statement(s3_credentials, STATEMENT, poll_seconds=0.01)
    assert [(each.done, each.total) for each in reports] == [(1, 2), (2, 2)]
    assert [each.rows for each in found.statements] == [2, 1]
    serializer = open_serializer("json")  # as flows keep it
    assert serializer.loads(serializer.dumps(found)) == found

    with pytest.raises(InvalidArguments, match="is 2 statements"):
        redshift_read_rows(s3_credentials, found)
    assert redshift_read_rows(s3_credentials, found.statements[0]) == []  # nothing is asked
    stubbed.add_response(
        "get_statement_result",
        {"Records": [[{"longValue": 1}]], "ColumnMetadata": [{"name": "a", "typeName": "int4"}]},
        {"Id": f"{ID}:2"},
    )
    assert redshift_read_rows(s3_credentials, found.statements[1]) == [{"a": 1}]


def test_a_statement_that_failed_says_why(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """In Redshift's words."""
    why = 'ERROR: column "dya" does not exist'
    stubbed.add_response("describe_statement", described("FAILED", Error=why))
    with pytest.raises(AwsJobFailed, match='column "dya" does not exist') as caught:
        redshift_wait_statement(s3_credentials, STATEMENT)
    assert (caught.value.state, caught.value.reason) == ("FAILED", why)


def test_of_several_the_one_that_failed_is_named(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """By its number, with its own error."""
    parts = [
        {"Id": f"{ID}:1", "Status": "ABORTED"},
        {"Id": f"{ID}:2", "Status": "FAILED", "Error": "ERROR: division by zero"},
        {"Id": f"{ID}:3", "Status": "ABORTED"},
    ]
    failed = described("FAILED", Error="Query #2 failed", SubStatements=parts)
    stubbed.add_response("describe_statement", failed)
    with pytest.raises(AwsJobFailed, match="statement 2 of 3: ERROR: division by zero"):
        redshift_wait_statement(s3_credentials, STATEMENT)


def test_a_statement_that_somebody_cancelled_is_no_result(
    s3_credentials: AwsCredentials, statement: RedshiftStatement
) -> None:
    """Over the wire; Redshift gives no reason. Cancelling once more changes nothing."""
    redshift_cancel_statement(s3_credentials, statement)
    redshift_cancel_statement(s3_credentials, statement)
    with pytest.raises(AwsJobFailed, match="ended as ABORTED: Redshift does not say why"):
        redshift_wait_statement(s3_credentials, statement)


def test_a_statement_that_cannot_be_cancelled_is_told(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Whether Redshift refuses, or says that it did not."""
    stubbed.add_client_error("cancel_statement", "ValidationException", "not now", 400)
    stubbed.add_response("describe_statement", described("SUBMITTED"))
    with pytest.raises(AwsError, match="not now"):
        redshift_cancel_statement(s3_credentials, STATEMENT)
    stubbed.add_response("cancel_statement", {"Status": False})
    stubbed.add_response("describe_statement", described("STARTED"))
    with pytest.raises(AwsError, match=f"did not cancel statement {ID}"):
        redshift_cancel_statement(s3_credentials, STATEMENT)
    stubbed.add_client_error("cancel_statement", "AccessDeniedException", "no", 403)
    with pytest.raises(AwsError, match="redshift-data:CancelStatement"):
        redshift_cancel_statement(s3_credentials, STATEMENT)


@pytest.mark.parametrize("cancel", [True, False])
def test_a_statement_is_cancelled_with_its_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, statement: RedshiftStatement, *, cancel: bool
) -> None:
    """At Redshift, over the wire; or it goes on."""
    with Scope("job") as scope:
        timer = threading.Timer(0.2, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            redshift_wait_statement(
                s3_credentials, statement, poll_seconds=600, cancel_on_stop=cancel
            )
        timer.join()
    assert state_of(s3_credentials, statement) == ("ABORTED" if cancel else "STARTED")


def test_time_that_is_up_cancels_the_statement(
    s3_credentials: AwsCredentials, statement: RedshiftStatement
) -> None:
    """The error says that it was told to stop."""
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        redshift_wait_statement(s3_credentials, statement, max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)
    assert state_of(s3_credentials, statement) == "ABORTED"


def test_a_statement_that_is_not_there_is_said(s3_credentials: AwsCredentials) -> None:
    """By moto, of each operation."""
    for ask in (redshift_wait_statement, redshift_cancel_statement, redshift_read_rows):
        with pytest.raises(AwsNotFound, match="Query does not exist"):
            ask(s3_credentials, STATEMENT)
