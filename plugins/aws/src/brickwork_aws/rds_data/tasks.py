"""Prebuilt tasks on Aurora, through the Data API of RDS."""

from collections.abc import Mapping, Sequence
from typing import Any

from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.rds_data.database import (
    MAX_RESUME_SECONDS,
    Database,
    RdsBatchResult,
    RdsResult,
)
from brickwork_aws.rds_data.parameters import sent_sets
from brickwork_aws.rds_data.transactions import rds_transaction
from brickwork_aws.tasks import once_sent_task

_NOT_RUN = frozenset({"ThrottlingException", "TooManyRequestsException"})
_SECRET = "secretsmanager:GetSecretValue"  # noqa: S105  # a permission


@once_sent_task("rds-data:ExecuteStatement", _SECRET, not_run=_NOT_RUN)
def rds_execute(
    credentials: AwsCredentials,
    sql: str,
    *,
    cluster_arn: str,
    secret_arn: str,
    database: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    transaction_id: str | None = None,
    continue_after_timeout: bool = False,
    max_resume_seconds: float | None = MAX_RESUME_SECONDS,
) -> RdsResult:
    """Run a statement on Aurora, and return its rows.

    A database that was paused is waited for. A request is sent once, and the task is retried only
    where the statement surely did not run. A statement has 45 seconds, and cannot be stopped: a
    task that is cancelled ends with it. An answer has at most 1 MiB, and no pages. See
    https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html.

    Args:
        credentials: Whose.
        sql: The statement, with ``:name`` for parameters.
        cluster_arn: The ARN of the cluster, whose Data API must be enabled.
        secret_arn: The ARN of a secret in Secrets Manager with user and password.
        database: The database.
        parameters: What stands for each ``:name``; they never become part of the statement. Texts,
            numbers, bools, None, bytes, dates, times, UUIDs; lists and dicts are JSON. Times go
            with three digits behind the second, those with a zone in UTC; for more, give a text
            and cast it in the statement.
        transaction_id: The transaction in which it runs; by default one of its own. See
            `rds_transaction`.
        continue_after_timeout: Whether it runs on after 45 seconds, of which nobody hears any more;
            for what defines tables.
        max_resume_seconds: How long to wait for a database that was paused to wake, and never
            longer than the task may run.

    Returns:
        Its rows, with Python's types; how many rows it changed; what was generated.

    Raises:
        InvalidArguments: The Data API takes no parameters of that type; nothing was sent.
        AwsConflict: It breaks a constraint of a table, or another transaction was in its way.
        AwsNotFound: There is no such cluster, database or transaction.
        AwsTimeout: It took longer than 45 seconds, or the database did not wake in time.
        AwsError: It is no SQL, its answer is too large, or nobody knows whether it ran.

    Examples:
        >>> found = rds_execute(
        ...     credentials,
        ...     "SELECT day, sum FROM totals WHERE sum > :sum",
        ...     cluster_arn=cluster_arn,
        ...     secret_arn=secret_arn,
        ...     parameters={"sum": 12},
        ... )
        >>> found.rows
        [{'day': datetime.date(2026, 11, 22), 'sum': Decimal('21.50')}]
    """
    found = Database(credentials, cluster_arn, secret_arn, database, max_resume_seconds)
    return found.execute(
        sql,
        parameters,
        transaction_id=transaction_id,
        continue_after_timeout=continue_after_timeout,
    )


@once_sent_task(
    "rds-data:BatchExecuteStatement",
    "rds-data:BeginTransaction",
    "rds-data:CommitTransaction",
    "rds-data:RollbackTransaction",
    _SECRET,
    not_run=_NOT_RUN,
)
def rds_execute_many(
    credentials: AwsCredentials,
    sql: str,
    parameter_sets: Sequence[Mapping[str, Any]],
    *,
    cluster_arn: str,
    secret_arn: str,
    database: str | None = None,
    transaction_id: str | None = None,
    max_resume_seconds: float | None = MAX_RESUME_SECONDS,
) -> RdsBatchResult:
    """Run a statement on Aurora once with each set of parameters: all of them, or none.

    Any number of sets, by as few requests as can be, in one transaction. A request is sent once,
    and the task is retried only where nothing was done. See
    https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_BatchExecuteStatement.html.

    Args:
        credentials: Whose.
        sql: The statement, with ``:name`` for parameters.
        parameter_sets: For each time it runs, what stands for each ``:name``; as in `rds_execute`.
        cluster_arn: The ARN of the cluster, whose Data API must be enabled.
        secret_arn: The ARN of a secret in Secrets Manager with user and password.
        database: The database.
        transaction_id: The transaction in which it runs; by default one of its own.
        max_resume_seconds: How long to wait for a database that was paused to wake, and never
            longer than the task may run.

    Returns:
        How often it ran, and what was generated each time.

    Raises:
        InvalidArguments: The Data API takes no parameters of that type; nothing was sent.
        AwsConflict: It breaks a constraint of a table, or another transaction was in its way.
        AwsNotFound: There is no such cluster, database or transaction.
        AwsTimeout: A part took longer than 45 seconds, or the database did not wake in time.
        AwsError: It is no SQL, or could not be committed; a note says if nobody knows whether it
            was.

    Examples:
        >>> made = rds_execute_many(
        ...     credentials,
        ...     "INSERT INTO totals (sum) VALUES (:sum)",
        ...     [{"sum": 1}, {"sum": 2}],
        ...     cluster_arn=cluster_arn,
        ...     secret_arn=secret_arn,
        ... )
        >>> made.sets
        2
    """
    sets = sent_sets(parameter_sets)
    found = Database(credentials, cluster_arn, secret_arn, database, max_resume_seconds)
    if transaction_id is not None:
        return found.execute_many(sql, sets, transaction_id=transaction_id)
    if not sets:
        return RdsBatchResult()
    with rds_transaction(
        credentials,
        cluster_arn=cluster_arn,
        secret_arn=secret_arn,
        database=database,
        max_resume_seconds=max_resume_seconds,
    ) as transaction:
        return found.execute_many(sql, sets, transaction_id=transaction.id)
