"""Redshift, through its Data API: statements, and their rows."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from brickwork import InvalidArguments
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.jobs.following import follow
from brickwork_aws.jobs.redshift_statement import (
    FollowedStatement,
    RedshiftStatement,
    call,
    sent_parameters,
)
from brickwork_aws.operations import Operation
from brickwork_aws.sql_values import Column, data_columns, data_values, rows_of, table_of
from brickwork_aws.tasks import retried_task, task_once

_START = (
    "redshift-data:ExecuteStatement",
    "redshift-data:BatchExecuteStatement",
    "redshift:GetClusterCredentials",
    "redshift:GetClusterCredentialsWithIAM",
    "redshift-serverless:GetCredentials",
    "secretsmanager:GetSecretValue",
)
_WAIT = ("redshift-data:DescribeStatement",)
_CANCEL = ("redshift-data:CancelStatement", "redshift-data:DescribeStatement")
_ROWS = ("redshift-data:GetStatementResult",)

MOST_STATEMENTS = 40
"""How many statements run by one request."""


@task_once(*_START)
def redshift_start_statement(
    credentials: AwsCredentials,
    sql: str | list[str],
    *,
    database: str | None = None,
    cluster: str | None = None,
    workgroup: str | None = None,
    db_user: str | None = None,
    secret_arn: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    name: str | None = None,
    client_token: str | None = None,
    with_event: bool = False,
    session_id: str | None = None,
    session_keep_alive_seconds: int | None = None,
) -> RedshiftStatement:
    """Start a statement on Redshift, or several in one transaction.

    Not retried as a task: it would run twice, unless you give a ``client_token``; botocore's own
    retries carry one. See
    https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html and
    https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html.

    Args:
        credentials: Whose.
        sql: The statement, with ``:name`` for parameters; or up to 40, which run one after the
            other in one transaction: if one fails, nothing is changed.
        database: The database.
        cluster: The cluster; or give the workgroup.
        workgroup: The name or ARN of the workgroup of Redshift Serverless.
        db_user: The database's user; by default that of the IAM identity.
        secret_arn: The name or ARN of a secret in Secrets Manager with user and password.
        parameters: What stands for each ``:name``. They never become part of the statement; they
            go as texts, which Redshift converts: bytes as hexadecimal digits, lists and dicts as
            JSON, for ``FROM_HEX`` and ``JSON_PARSE``. Of several statements each takes its own of
            them, and each parameter must be used. NULL and empty texts are no parameters.
        name: A name to find it by.
        client_token: The same token is the same statement, for eight hours; a new one by default.
        with_event: Whether Redshift puts an event on EventBridge when it has ended.
        session_id: The session of a statement before, with its temporary tables; instead of
            cluster, workgroup, user and secret.
        session_keep_alive_seconds: How long the session is kept when it has ended, up to a day;
            by default it is not.

    Returns:
        The statement.

    Raises:
        InvalidArguments: The arguments do not fit together, or Redshift knows no parameters of that
            type; nothing was sent.
        AwsNotFound: There is no such cluster or workgroup.
        AwsError: Redshift refuses.

    Examples:
        >>> from datetime import date
        >>> statement = redshift_start_statement(
        ...     credentials,
        ...     "DELETE FROM totals WHERE day = :day",
        ...     database="dev",
        ...     cluster="warehouse",
        ...     parameters={"day": date(2026, 11, 23)},
        ... )
        >>> statement.state
        'SUBMITTED'
    """
    _check(sql, database, cluster, workgroup, session_id)
    statement = {"Sql": sql} if isinstance(sql, str) else {"Sqls": sql}
    answer = call(
        credentials,
        "execute_statement" if isinstance(sql, str) else "batch_execute_statement",
        **statement,
        Database=database,
        ClusterIdentifier=cluster,
        WorkgroupName=workgroup,
        DbUser=db_user,
        SecretArn=secret_arn,
        Parameters=sent_parameters(parameters),
        StatementName=name,
        ClientToken=client_token,
        WithEvent=with_event or None,
        SessionId=session_id,
        SessionKeepAliveSeconds=session_keep_alive_seconds,
    )
    return RedshiftStatement(answer["Id"], session_id=answer.get("SessionId", ""))


@retried_task(*_WAIT, *_CANCEL)
def redshift_wait_statement(
    credentials: AwsCredentials,
    statement: RedshiftStatement,
    *,
    poll_seconds: float = 0.5,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> RedshiftStatement:
    """Wait for the end of a statement.

    Reports its state as progress, of several statements also how many have ended. See
    https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html.

    Args:
        credentials: Whose.
        statement: The statement.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is cancelled when the task is cancelled or its time is up.

    Returns:
        The statement as it has ended.

    Raises:
        AwsJobFailed: It failed or was cancelled; says why, and of several which.
        AwsNotFound: There is no such statement, or not any more: they are forgotten after a day.
        AwsTimeout: It did not end in time.

    Examples:
        >>> redshift_wait_statement(credentials, statement).state
        'FINISHED'
    """
    return follow(
        FollowedStatement(credentials, statement.id),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def redshift_cancel_statement(credentials: AwsCredentials, statement: RedshiftStatement) -> None:
    """Cancel a statement; one that has ended stays as it is.

    See https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_CancelStatement.html.

    Args:
        credentials: Whose.
        statement: The statement; of several, all of them are rolled back.

    Raises:
        AwsError: Redshift did not cancel it.

    Examples:
        >>> redshift_cancel_statement(credentials, statement)
    """
    FollowedStatement(credentials, statement.id).stop()


@task_once(*_START, *_WAIT, *_CANCEL)
def redshift_run_statement(
    credentials: AwsCredentials,
    sql: str | list[str],
    *,
    database: str | None = None,
    cluster: str | None = None,
    workgroup: str | None = None,
    db_user: str | None = None,
    secret_arn: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    name: str | None = None,
    client_token: str | None = None,
    with_event: bool = False,
    session_id: str | None = None,
    session_keep_alive_seconds: int | None = None,
    poll_seconds: float = 0.5,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> RedshiftStatement:
    """Start a statement on Redshift, or several in one transaction, and wait for the end.

    Not retried as a task: it would run twice, unless you give a ``client_token``.

    Args:
        credentials: Whose.
        sql: The statement, with ``:name`` for parameters; or up to 40 in one transaction.
        database: The database.
        cluster: The cluster; or give the workgroup.
        workgroup: The name or ARN of the workgroup of Redshift Serverless.
        db_user: The database's user; by default that of the IAM identity.
        secret_arn: The name or ARN of a secret in Secrets Manager with user and password.
        parameters: What stands for each ``:name``; they never become part of the statement.
        name: A name to find it by.
        client_token: The same token is the same statement, for eight hours; a new one by default.
        with_event: Whether Redshift puts an event on EventBridge when it has ended.
        session_id: The session of a statement before; instead of cluster, workgroup, user, secret.
        session_keep_alive_seconds: How long the session is kept when it has ended.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is cancelled when the task is cancelled or its time is up.

    Returns:
        The statement as it has ended; `redshift_read_rows` and `redshift_read_table` read its
        result.

    Raises:
        InvalidArguments: The arguments do not fit together, or Redshift knows no parameters of that
            type; nothing was sent.
        AwsJobFailed: It failed or was cancelled; says why, and of several which.
        AwsTimeout: It did not end in time.

    Examples:
        >>> copy = "COPY totals FROM 's3://reports/totals/' IAM_ROLE default FORMAT PARQUET"
        >>> redshift_run_statement(credentials, copy, database="dev", workgroup="team").state
        'FINISHED'
    """
    statement = redshift_start_statement.fn(
        credentials,
        sql,
        database=database,
        cluster=cluster,
        workgroup=workgroup,
        db_user=db_user,
        secret_arn=secret_arn,
        parameters=parameters,
        name=name,
        client_token=client_token,
        with_event=with_event,
        session_id=session_id,
        session_keep_alive_seconds=session_keep_alive_seconds,
    )
    return redshift_wait_statement.fn(
        credentials,
        statement,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_ROWS)
def redshift_read_rows(
    credentials: AwsCredentials, statement: RedshiftStatement, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """Read the rows of a statement that has ended well, page by page to the end.

    Numbers, booleans, decimals, dates, times, timestamps and SUPER become Python's, those with a
    time zone in UTC; NULL becomes None; what else there is, such as GEOMETRY, is the text that
    Redshift gives. It keeps them for a day. See
    https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html.

    Args:
        credentials: Whose.
        statement: The statement; of several, one of its ``statements``.
        limit: At most so many rows; by default all, in memory.

    Returns:
        The rows, by the names of the columns; a name that comes again has a number: ``id_2``. None
        if the statement gives no rows.

    Raises:
        InvalidArguments: It is several statements; nothing was sent.
        AwsNotFound: There is no such statement, or it has no result yet.

    Examples:
        >>> redshift_read_rows(credentials, statement, limit=1)
        [{'Number': 10, 'Street': 'Alpha st', 'City': 'Vancouver'}]
    """
    return rows_of(*_result(credentials, statement), limit)


@retried_task(*_ROWS)
def redshift_read_table(credentials: AwsCredentials, statement: RedshiftStatement) -> Any:
    """Read the rows of a statement as an Arrow table; pyarrow must be installed.

    Args:
        credentials: Whose.
        statement: The statement; of several, one of its ``statements``.

    Returns:
        A ``pyarrow.Table`` with the types of the columns. What `redshift_read_rows` leaves as
        texts, and SUPER, are texts here.

    Raises:
        InvalidArguments: It is several statements; nothing was sent.
        AwsNotFound: There is no such statement, or it has no result yet.
        PluginMissing: pyarrow is not installed.

    Examples:
        >>> redshift_read_table(credentials, statement).column_names
        ['Number', 'Street', 'City']
    """
    return table_of(*_result(credentials, statement))


def _check(
    sql: str | list[str],
    database: str | None,
    cluster: str | None,
    workgroup: str | None,
    session_id: str | None,
) -> None:
    if sum(each is not None for each in (cluster, workgroup, session_id)) != 1:
        raise InvalidArguments(
            "A statement needs one of cluster, workgroup and session_id.", fix="Give just one."
        )
    if database is None and session_id is None:
        raise InvalidArguments("A statement needs a database.", fix="Give its name as database.")
    if not isinstance(sql, str) and not 1 <= len(sql) <= MOST_STATEMENTS:
        raise InvalidArguments(
            f"{len(sql)} statements; Redshift takes 1 to {MOST_STATEMENTS} at once.",
            fix="Run them in parts; in one session, a transaction can span them.",
        )


def _result(
    credentials: AwsCredentials, statement: RedshiftStatement
) -> tuple[list[Column], Iterator[list[Any]]]:
    if statement.statements:
        raise InvalidArguments(
            f"{statement.id} is {len(statement.statements)} statements, each with a result of its "
            "own.",
            fix="Read one of them, such as statement.statements[-1].",
        )
    if statement.state == "FINISHED" and not statement.has_rows:
        return [], iter(())
    pages = Operation(credentials, "redshift-data", "get_statement_result").pages(
        {"Id": statement.id}
    )
    first = next(pages)
    columns = data_columns(first.get("ColumnMetadata", []))

    def records() -> Iterator[list[Any]]:
        for page in chain([first], pages):
            for record in page["Records"]:
                yield data_values(record, columns)

    return columns, records()
