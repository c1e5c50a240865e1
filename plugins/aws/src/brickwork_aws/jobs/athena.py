"""Athena: queries, and their rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from brickwork import register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.jobs.following import Job, Look, follow
from brickwork_aws.sql_values import Column, columns_of, rows_of, table_of, value_of
from brickwork_aws.tasks import retried_task, task_once

_START = (
    "athena:StartQueryExecution",
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:GetPartitions",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
)
_WAIT = ("athena:GetQueryExecution",)
_CANCEL = ("athena:StopQueryExecution",)
_ROWS = ("athena:GetQueryExecution", "athena:GetQueryResults", "s3:GetObject")


@register_type("aws.athena-query")
@dataclass(frozen=True)
class AthenaQuery:
    """A query that was given to Athena.

    Attributes:
        id: Athena's id of it.
        state: ``QUEUED``, ``RUNNING``, ``SUCCEEDED``, ``FAILED`` or ``CANCELLED``, when it was
            last looked at.
        output_location: Where in S3 its result is.
        scanned_bytes: How much it has read, which is what it costs.
        seconds: How long it ran.
        reused: Whether the result is one of before.
    """

    id: str
    state: str = "QUEUED"
    output_location: str = ""
    scanned_bytes: int = 0
    seconds: float = 0.0
    reused: bool = False


@task_once(*_START)
def athena_start_query(
    credentials: AwsCredentials,
    sql: str,
    *,
    database: str | None = None,
    catalog: str | None = None,
    workgroup: str | None = None,
    output_location: str | None = None,
    parameters: list[str] | None = None,
    reuse_minutes: int | None = None,
) -> AthenaQuery:
    """Start a query on Athena.

    Not retried as a task: a second query would cost again; botocore's own retries carry a token
    by which Athena knows them. See
    https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html.

    Args:
        credentials: Whose.
        sql: The query, with ``?`` for parameters.
        database: Where tables without a database are.
        catalog: Where the database is; by default Glue's catalog of the account.
        workgroup: The workgroup; by default ``primary``.
        output_location: Where in S3 the result goes, ``s3://bucket/prefix/``; by default as the
            workgroup has it.
        parameters: What stands for each ``?``, written as in SQL: texts in single quotes.
        reuse_minutes: Take a result of the same query that is not older than that.

    Returns:
        The query.

    Examples:
        >>> query = athena_start_query(
        ...     credentials,
        ...     "SELECT * FROM orders WHERE day = ?",
        ...     database="shop",
        ...     output_location="s3://results/",
        ...     parameters=["'2026-11-23'"],
        ... )
        >>> query.state
        'QUEUED'
    """
    context = {"Database": database, "Catalog": catalog}
    reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": reuse_minutes}}
    answer = _call(
        credentials,
        "start_query_execution",
        QueryString=sql,
        QueryExecutionContext={k: v for k, v in context.items() if v is not None} or None,
        WorkGroup=workgroup,
        ResultConfiguration=output_location and {"OutputLocation": output_location},
        ExecutionParameters=parameters or None,
        ResultReuseConfiguration=reuse if reuse_minutes is not None else None,
    )
    return AthenaQuery(answer["QueryExecutionId"], output_location=output_location or "")


@retried_task(*_WAIT, *_CANCEL)
def athena_wait_query(
    credentials: AwsCredentials,
    query: AthenaQuery,
    *,
    poll_seconds: float = 0.5,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> AthenaQuery:
    """Wait for the end of a query.

    Reports its state as progress. See
    https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryExecution.html.

    Args:
        credentials: Whose.
        query: The query.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether the query is stopped when the task is cancelled or its time is up.

    Returns:
        The query as it has ended.

    Raises:
        AwsJobFailed: It failed or was cancelled; says why.
        AwsTimeout: It did not end in time.

    Examples:
        >>> query = athena_wait_query(credentials, query, max_wait_seconds=600)
        >>> query.state, query.reused
        ('SUCCEEDED', False)
    """
    return follow(
        _Query(credentials, query.id),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def athena_cancel_query(credentials: AwsCredentials, query: AthenaQuery) -> None:
    """Cancel a query; one that has ended stays as it is.

    See https://docs.aws.amazon.com/athena/latest/APIReference/API_StopQueryExecution.html.

    Args:
        credentials: Whose.
        query: The query.

    Examples:
        >>> from brickwork_aws import aws_call
        >>> athena_cancel_query(credentials, query)
        >>> found = aws_call(
        ...     credentials, "athena", "get_query_execution", QueryExecutionId=query.id
        ... )
        >>> found["QueryExecution"]["Status"]["State"]
        'CANCELLED'
    """
    _Query(credentials, query.id).stop()


@task_once(*_START, *_WAIT, *_CANCEL)
def athena_run_query(
    credentials: AwsCredentials,
    sql: str,
    *,
    database: str | None = None,
    catalog: str | None = None,
    workgroup: str | None = None,
    output_location: str | None = None,
    parameters: list[str] | None = None,
    reuse_minutes: int | None = None,
    poll_seconds: float = 0.5,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> AthenaQuery:
    """Start a query on Athena, and wait for its end.

    Not retried as a task: a second query would cost again.

    Args:
        credentials: Whose.
        sql: The query, with ``?`` for parameters.
        database: Where tables without a database are.
        catalog: Where the database is; by default Glue's catalog of the account.
        workgroup: The workgroup; by default ``primary``.
        output_location: Where in S3 the result goes; by default as the workgroup has it.
        parameters: What stands for each ``?``, written as in SQL: texts in single quotes.
        reuse_minutes: Take a result of the same query that is not older than that.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether the query is stopped when the task is cancelled or its time is up.

    Returns:
        The query as it has ended; `athena_read_rows` and `athena_read_table` read its result.

    Raises:
        AwsJobFailed: It failed or was cancelled; says why.
        AwsTimeout: It did not end in time.

    Examples:
        >>> query = athena_run_query(
        ...     credentials,
        ...     "SELECT country, sum(total) AS total FROM orders GROUP BY country",
        ...     database="shop",
        ...     output_location="s3://results/",
        ...     reuse_minutes=60,
        ... )
        >>> query.state
        'SUCCEEDED'
    """
    query = athena_start_query.fn(
        credentials,
        sql,
        database=database,
        catalog=catalog,
        workgroup=workgroup,
        output_location=output_location,
        parameters=parameters,
        reuse_minutes=reuse_minutes,
    )
    return athena_wait_query.fn(
        credentials,
        query,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_ROWS)
def athena_read_rows(
    credentials: AwsCredentials, query: AthenaQuery, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """Read the rows of a query that has succeeded, page by page to the end.

    Numbers, booleans, decimals, dates, times, timestamps and JSON become Python's; NULL becomes
    None; what else there is, such as arrays, is the text that Athena gives. See
    https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html.

    Args:
        credentials: Whose.
        query: The query.
        limit: At most so many rows; by default all, in memory.

    Returns:
        The rows, by the names of the columns; a name that comes again has a number: ``id_2``.

    Examples:
        >>> for row in athena_read_rows(credentials, query):
        ...     print(row)
        {'country': 'DE', 'day': datetime.date(2026, 11, 23), 'total': Decimal('89.90')}
        {'country': 'FR', 'day': datetime.date(2026, 11, 23), 'total': None}
    """
    return rows_of(*_result(credentials, query.id), limit)


@retried_task(*_ROWS)
def athena_read_table(credentials: AwsCredentials, query: AthenaQuery) -> Any:
    """Read the result of a query that has succeeded as an Arrow table; pyarrow must be installed.

    Args:
        credentials: Whose.
        query: The query.

    Returns:
        A ``pyarrow.Table`` with the types of the columns. What `athena_read_rows` leaves as texts,
        and JSON, are texts here.

    Raises:
        PluginMissing: pyarrow is not installed.
        AwsNotFound: There is no such query.

    Examples:
        >>> table = athena_read_table(credentials, query)
        >>> table.column_names, table.num_rows
        (['country', 'day', 'total'], 2)
    """
    return table_of(*_result(credentials, query.id))


@dataclass
class _Query(Job[AthenaQuery]):
    credentials: AwsCredentials
    id: str
    _seen: dict[str, Any] = field(default_factory=dict)

    @property
    def what(self) -> str:
        return f"Athena query {self.id}"

    def look(self) -> Look:
        answer = _call(self.credentials, "get_query_execution", QueryExecutionId=self.id)
        self._seen = answer["QueryExecution"]
        status = self._seen["Status"]
        state = status["State"]
        failure = ""
        if state in {"FAILED", "CANCELLED"}:
            failure = status.get("StateChangeReason") or "Athena does not say why"
        scanned = self._seen.get("Statistics", {}).get("DataScannedInBytes", 0)
        return Look(state, state == "SUCCEEDED" or bool(failure), failure, scanned)

    def stop(self) -> None:
        _call(self.credentials, "stop_query_execution", QueryExecutionId=self.id)

    def result(self) -> AthenaQuery:
        statistics = self._seen.get("Statistics", {})
        return AthenaQuery(
            self.id,
            self._seen["Status"]["State"],
            self._seen.get("ResultConfiguration", {}).get("OutputLocation", ""),
            statistics.get("DataScannedInBytes", 0),
            statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
            statistics.get("ResultReuseInformation", {}).get("ReusedPreviousResult", False),
        )


def _call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    from brickwork_aws.operations import Operation

    return Operation(credentials, "athena", operation).call(parameters)


def _result(credentials: AwsCredentials, query: str) -> tuple[list[Column], Iterator[list[Any]]]:
    from brickwork_aws.operations import Operation

    operation = Operation(credentials, "athena", "get_query_results")
    pages = operation.pages({"QueryExecutionId": query})
    first = next(pages)
    described = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    columns = columns_of(
        described, name="Name", label="Label", type="Type", precision="Precision", scale="Scale"
    )
    # The first row of a SELECT is the names of its columns; SHOW and DESCRIBE have none.
    rows = first["ResultSet"]["Rows"]
    if rows and _texts(rows[0]) == [each["Name"] for each in described]:
        del rows[0]

    def records() -> Iterator[list[Any]]:
        for page in chain([first], pages):
            for row in page["ResultSet"]["Rows"]:
                values = zip(columns, _texts(row), strict=True)
                yield [value_of(text, column.type) for column, text in values]

    return columns, records()


def _texts(row: Mapping[str, Any]) -> list[str | None]:
    return [cell.get("VarCharValue") for cell in row["Data"]]
