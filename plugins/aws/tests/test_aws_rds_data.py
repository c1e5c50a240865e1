"""Aurora: moto gives back rows that it was told; transactions and errors are a Stubber's."""

import math
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from hypothesis import given, strategies as st

from brickwork import InvalidArguments, Scope, Secret, TaskCancelled, open_serializer
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsDenied,
    AwsError,
    AwsNotFound,
    AwsTimeout,
    RdsResult,
    rds_execute,
    rds_execute_many,
)
from brickwork_aws.operations import once_client
from brickwork_aws.rds_data.parameters import sent_parameters
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.aurora import AuroraAnswers
from brickwork_aws.testing.moto import tell

CLUSTER = "arn:aws:rds:eu-west-1:123456789012:cluster:totals"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:totals"
WHERE: dict[str, Any] = {"cluster_arn": CLUSTER, "secret_arn": SECRET}
AT = datetime(2026, 11, 23, 10, 0, 0, 318690)

COLUMNS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "id": ("int8", {"longValue": 9007199254740993}, 9007199254740993),
    "many": ("BIGINT UNSIGNED", {"stringValue": "18446744073709551615"}, 2**64 - 1),
    "share": ("float8", {"doubleValue": 0.25}, 0.25),
    "price": ("numeric", {"stringValue": "12345678901234.10"}, Decimal("12345678901234.10")),
    "ok": ("bool", {"booleanValue": False}, False),
    "name": ("text", {"stringValue": "2026"}, "2026"),
    "day": ("date", {"stringValue": "2026-11-23"}, date(2026, 11, 23)),
    "clock": ("TIME", {"stringValue": "10:35:00"}, time(10, 35)),
    "longer": ("TIME", {"stringValue": "838:59:59"}, "838:59:59"),
    "at": ("DATETIME", {"stringValue": "2026-11-23 10:00:00.31869"}, AT),
    "seen": ("timestamptz", {"stringValue": "2026-11-23 10:00:00.31869"}, AT.replace(tzinfo=UTC)),
    "never": ("date", {"stringValue": "infinity"}, "infinity"),
    "key": ("uuid", {"stringValue": str(UUID(int=7))}, UUID(int=7)),
    "tags": ("jsonb", {"stringValue": '{"team": ["a"]}'}, {"team": ["a"]}),
    "raw": ("bytea", {"blobValue": b"\x00\xff"}, b"\x00\xff"),
    "none": ("int4", {"isNull": True}, None),
    "sizes": ("_int4", {"arrayValue": {"longValues": [1, 2]}}, [1, 2]),
    "days": ("_date", {"arrayValue": {"stringValues": ["2026-11-23"]}}, [date(2026, 11, 23)]),
    "grid": (
        "_int4",
        {"arrayValue": {"arrayValues": [{"longValues": [1]}, {"longValues": [2]}]}},
        [[1], [2]],
    ),
}


@pytest.fixture
def answers(s3_credentials: AwsCredentials) -> Iterator[AuroraAnswers]:
    """Answers that moto never gives; all must be asked for."""
    with AuroraAnswers(s3_credentials) as made:
        yield made
        made.all_given()


def give_rows(server: AwsServer) -> None:
    """Tell moto what the next statement gives."""
    metadata = [{"name": "x", "label": name, "typeName": COLUMNS[name][0]} for name in COLUMNS]
    # As in the JSON that Aurora sends.
    record = [field for _, field, _ in COLUMNS.values()]
    record[list(COLUMNS).index("raw")] = {"blobValue": "AP8="}
    body = {
        "region": server.region,
        "results": [{"records": [record, record], "columnMetadata": metadata}],
    }
    tell(server, body, "static/rds-data/statement-results")


def test_rows_have_the_types_of_their_columns(
    s3_server: AwsServer, s3_credentials: AwsCredentials
) -> None:
    """Over the wire; what a type of Python's cannot hold is the text that Aurora gives."""
    give_rows(s3_server)
    found = rds_execute(s3_credentials, "SELECT * FROM totals", **WHERE)
    row = {name: value for name, (_, _, value) in COLUMNS.items()}
    assert found.rows == [row, row]
    assert [type(value) for value in found.rows[0].values()] == [
        type(each) for each in row.values()
    ]


def test_what_was_found_can_be_kept(s3_server: AwsServer, s3_credentials: AwsCredentials) -> None:
    """As results of flows are, with all its types."""
    give_rows(s3_server)
    found = rds_execute(s3_credentials, "SELECT day FROM totals", **WHERE)
    serializer = open_serializer("json")
    assert found.rows
    assert serializer.loads(serializer.dumps(found)) == found


def test_what_aurora_is_told(s3_credentials: AwsCredentials, answers: AuroraAnswers) -> None:
    """Only what was given; how many rows were changed, and what was generated, come back."""
    answers.add(
        "execute_statement",
        {"numberOfRecordsUpdated": 2, "generatedFields": [{"longValue": 17}]},
        resourceArn=CLUSTER,
        secretArn=SECRET,
        sql="INSERT INTO totals VALUES (:day)",
        includeResultMetadata=True,
    )
    found = rds_execute(s3_credentials, "INSERT INTO totals VALUES (:day)", **WHERE)
    assert found == RdsResult([], 2, [17])

    answers.add(
        "execute_statement",
        {},
        sql="CREATE TABLE totals (day date)",
        database="reports",
        parameters=[{"name": "a", "value": {"longValue": 1}}],
        transactionId="t-1",
        includeResultMetadata=True,
        continueAfterTimeout=True,
    )
    rds_execute(
        s3_credentials,
        "CREATE TABLE totals (day date)",
        database="reports",
        parameters={"a": 1},
        transaction_id="t-1",
        continue_after_timeout=True,
        **WHERE,
    )


class Size(str, Enum):  # noqa: UP042  # whose str() is not its value
    """A text with a name."""

    LARGE = "large"


SENT: list[tuple[Any, dict[str, Any], str | None]] = [
    (None, {"isNull": True}, None),
    (True, {"booleanValue": True}, None),
    (-(2**63), {"longValue": -(2**63)}, None),
    (2**63, {"stringValue": "9223372036854775808"}, "DECIMAL"),
    (0.1, {"doubleValue": 0.1}, None),
    (Decimal("1E+3"), {"stringValue": "1000"}, "DECIMAL"),
    ("", {"stringValue": ""}, None),
    (Size.LARGE, {"stringValue": "large"}, None),
    (Secret("aurora-6f1e8c"), {"stringValue": "aurora-6f1e8c"}, None),
    (b"\x00", {"blobValue": b"\x00"}, None),
    (bytearray(b"\x01"), {"blobValue": b"\x01"}, None),
    (date(2026, 11, 23), {"stringValue": "2026-11-23"}, "DATE"),
    (time(10, 35), {"stringValue": "10:35:00"}, "TIME"),
    (time(10, 35, 0, 250999), {"stringValue": "10:35:00.250"}, "TIME"),
    (datetime(2026, 11, 23, 10), {"stringValue": "2026-11-23 10:00:00"}, "TIMESTAMP"),
    (AT, {"stringValue": "2026-11-23 10:00:00.318"}, "TIMESTAMP"),
    (
        datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=2))),
        {"stringValue": "2026-11-23 08:00:00"},
        "TIMESTAMP",
    ),
    (UUID(int=7), {"stringValue": str(UUID(int=7))}, "UUID"),
    ({"a": [1, None]}, {"stringValue": '{"a": [1, null]}'}, "JSON"),
    ((1, 2), {"stringValue": "[1, 2]"}, "JSON"),
]


@pytest.mark.parametrize(("value", "sent", "hint"), SENT)
def test_parameters_are_bound_with_their_type(
    s3_credentials: AwsCredentials,
    answers: AuroraAnswers,
    value: Any,
    sent: dict[str, Any],
    hint: str | None,
) -> None:
    """Beside the statement, never in it; with a hint where the database would take it for text."""
    parameter = {"name": "a", "value": sent, **({} if hint is None else {"typeHint": hint})}
    answers.add(
        "execute_statement",
        {},
        sql="SELECT :a",
        parameters=[parameter],
        includeResultMetadata=True,
    )
    rds_execute(s3_credentials, "SELECT :a", parameters={"a": value}, **WHERE)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "is a number that is none"),
        (Decimal("Infinity"), "is a number that is none"),
        (time(10, tzinfo=UTC), "is a time"),
        (timedelta(1), "is a timedelta"),
        ({1, 2}, "is a set"),
        ([object()], "cannot be written as JSON"),
    ],
)
def test_what_the_data_api_cannot_take_is_refused(
    s3_credentials: AwsCredentials, answers: AuroraAnswers, value: Any, said: str
) -> None:
    """Before anything is sent, also where it is in the last of many sets."""
    with pytest.raises(InvalidArguments, match=f"The parameter a {said}"):
        rds_execute(s3_credentials, "SELECT :a", parameters={"a": value}, **WHERE)
    with pytest.raises(InvalidArguments, match=f"The parameter a {said}"):
        rds_execute_many(s3_credentials, "SELECT :a", [{"a": 1}, {"a": value}], **WHERE)
    answers.all_given()


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False))
def test_no_digit_of_a_number_is_lost(number: int | Decimal) -> None:
    """However long it is."""
    ((_, sent),) = sent_parameters({"a": number})[0]["value"].items()
    assert Decimal(sent) == number


def test_columns_of_one_name_are_kept_apart(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """As a join gives them; no value is lost."""
    answers.add(
        "execute_statement",
        {
            "records": [[{"longValue": 1}, {"longValue": 2}]],
            "columnMetadata": [{"name": "id", "typeName": "int4"}] * 2,
        },
        sql="SELECT * FROM a, b",
        includeResultMetadata=True,
    )
    found = rds_execute(s3_credentials, "SELECT * FROM a, b", **WHERE)
    assert found.rows == [{"id": 1, "id_2": 2}]


def test_a_database_that_sleeps_is_waited_for(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """Asked again less and less often, until it is awake."""
    for _ in range(3):
        answers.fail("execute_statement", "DatabaseResumingException", "resuming")
    answers.add("execute_statement", {}, sql="SELECT 1", includeResultMetadata=True)
    with no_waiting() as waits:
        rds_execute(s3_credentials, "SELECT 1", **WHERE)
    assert waits == [1.0, 1.5, 2.25]


def test_a_database_that_does_not_wake_is_told(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """When the time for that is up."""
    answers.fail("begin_transaction", "DatabaseResumingException", "resuming")
    with pytest.raises(AwsTimeout, match="did not wake within 0 s"):
        rds_execute_many(s3_credentials, "SELECT 1", [{}], max_resume_seconds=0, **WHERE)


def test_a_task_that_is_cancelled_waits_for_no_database(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """At once, within a pause."""
    answers.fail("execute_statement", "DatabaseResumingException", "resuming")
    with Scope("job") as scope:
        timer = threading.Timer(0.2, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            rds_execute(s3_credentials, "SELECT 1", max_resume_seconds=None, **WHERE)
        timer.join()


@pytest.mark.parametrize(
    ("code", "message", "error", "fix"),
    [
        (
            "DatabaseErrorException",
            "ERROR: duplicate key value violates unique constraint; SQLState: 23505",
            AwsConflict,
            "constraint",
        ),
        (
            "DatabaseErrorException",
            "ERROR: deadlock detected; SQLState: 40P01",
            AwsConflict,
            "whole transaction again",
        ),
        (
            "DatabaseErrorException",
            'ERROR: column "dya" does not exist; SQLState: 42703',
            AwsError,
            "Correct the statement",
        ),
        (
            "BadRequestException",
            "Database returned more than the allowed response size limit",
            AwsError,
            "1 MiB",
        ),
        ("StatementTimeoutException", "Request timed out", AwsTimeout, "smaller parts"),
        ("TransactionNotFoundException", "Transaction t-1 is not found", AwsNotFound, ""),
        ("AccessDeniedException", "User is not authorized", AwsDenied, ""),
    ],
)
def test_what_aurora_refuses_is_told(
    s3_credentials: AwsCredentials,
    answers: AuroraAnswers,
    code: str,
    message: str,
    error: type[AwsError],
    fix: str,
) -> None:
    """In its words, with what to do; by an error of its own where programs tell it apart."""
    answers.fail("execute_statement", code, message)
    with pytest.raises(error, match=message) as caught:
        rds_execute(s3_credentials, "SELECT 1", **WHERE)
    assert fix in caught.value.fix
    assert (caught.value.code, caught.value.operation) == (code, "rds-data:ExecuteStatement")


def test_a_request_that_fails_when_the_task_has_ended_is_no_error_of_its_own(
    s3_credentials: AwsCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time was cut with that of the task: which was cancelled, or its time is up."""
    with Scope("job") as scope:

        def cut(**_: Any) -> dict[str, Any]:
            scope.cancel()
            raise ReadTimeoutError(endpoint_url="https://rds-data")

        client = once_client(s3_credentials, "rds-data", 60)
        monkeypatch.setattr(client, "execute_statement", cut)
        with pytest.raises(TaskCancelled):
            rds_execute(s3_credentials, "SELECT 1", **WHERE)


def test_a_statement_runs_once(
    s3_credentials: AwsCredentials, answers: AuroraAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent again only where it surely did not run."""
    config = once_client(s3_credentials, "rds-data", 60).meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout == 60
    answers.fail("execute_statement", "ServiceUnavailableError", "later", 503)
    with pytest.raises(AwsError, match="ServiceUnavailableError"):
        rds_execute(s3_credentials, "SELECT 1", **WHERE)
    answers.fail("execute_statement", "ThrottlingException", "slower")
    answers.add("execute_statement", {}, sql="SELECT 1", includeResultMetadata=True)
    with no_waiting():
        rds_execute(s3_credentials, "SELECT 1", **WHERE)

    left = [EndpointConnectionError(endpoint_url="https://rds-data")]
    client = once_client(s3_credentials, "rds-data", 60)

    def nobody_there(**_: Any) -> dict[str, Any]:
        if left:
            raise left.pop()
        return {}

    monkeypatch.setattr(client, "execute_statement", nobody_there)
    with no_waiting():
        assert rds_execute(s3_credentials, "SELECT 1", **WHERE) == RdsResult()
