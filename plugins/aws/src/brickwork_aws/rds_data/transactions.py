"""Transactions on Aurora, which end with their block."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any

from brickwork import check_cancelled
from brickwork_aws.errors import AwsNotFound
from brickwork_aws.rds_data.database import (
    MAX_RESUME_SECONDS,
    Database,
    RdsBatchResult,
    RdsResult,
)
from brickwork_aws.rds_data.parameters import sent_sets

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

_logger = logging.getLogger("brickwork.aws.rds")


class RdsTransaction:
    """A transaction that has begun; `rds_transaction` makes it.

    Attributes:
        id: Aurora's id of it; for ``transaction_id`` of `rds_execute`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.id = database.begin()

    def execute(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        continue_after_timeout: bool = False,
    ) -> RdsResult:
        """Run a statement in it. As `rds_execute`."""
        return self._database.execute(
            sql,
            parameters,
            transaction_id=self.id,
            continue_after_timeout=continue_after_timeout,
        )

    def execute_many(self, sql: str, parameter_sets: Sequence[Mapping[str, Any]]) -> RdsBatchResult:
        """Run a statement in it once with each set of parameters. As `rds_execute_many`."""
        return self._database.execute_many(sql, sent_sets(parameter_sets), transaction_id=self.id)


@contextmanager
def rds_transaction(
    credentials: "AwsCredentials",
    *,
    cluster_arn: str,
    secret_arn: str,
    database: str | None = None,
    max_resume_seconds: float | None = MAX_RESUME_SECONDS,
) -> Iterator[RdsTransaction]:
    """Begin a transaction on Aurora; commit it at the end of the block.

    ::

        with rds_transaction(credentials, cluster_arn=..., secret_arn=...) as transaction:
            transaction.execute("UPDATE totals SET sum = sum + 1 WHERE day = :day", {"day": day})

    It is rolled back if the block raises, the task is cancelled, its time is up or Ctrl-C is
    pressed. Aurora rolls back by itself what gets no request for three minutes. The permissions
    are those of ``aws.rds_execute`` and ``aws.rds_execute_many``. See
    https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_BeginTransaction.html.

    Args:
        credentials: Whose.
        cluster_arn: The ARN of the cluster, whose Data API must be enabled.
        secret_arn: The ARN of a secret in Secrets Manager with user and password.
        database: The database.
        max_resume_seconds: How long to wait for a database that was paused to wake, and never
            longer than the task may run.

    Raises:
        AwsTimeout: The database did not wake in time.
        AwsConflict: It was rolled back, since another transaction was in its way.
        AwsError: It could not begin, or be committed; a note says if nobody knows whether it was.
    """
    whole = Database(credentials, cluster_arn, secret_arn, database, max_resume_seconds)
    transaction = RdsTransaction(whole)
    committing = False
    try:
        yield transaction
        check_cancelled()
        committing = True
        whole.commit(transaction.id)
    except BaseException as error:
        _roll_back(whole, transaction.id, error, committing=committing)
        raise


def _roll_back(
    database: Database, transaction_id: str, error: BaseException, *, committing: bool
) -> None:
    try:
        # In a context of its own, since the task's time may be over.
        Context().run(database.roll_back, transaction_id)
    except AwsNotFound:
        if committing:
            error.add_note(
                "Nobody knows whether the transaction was committed: look before doing it again."
            )
    except Exception as failed:  # noqa: BLE001  # what went wrong first is what the caller wants
        note = (
            "The transaction could not be rolled back; if it was not committed, Aurora does that "
            f"in three minutes: {failed}"
        )
        error.add_note(note)
        _logger.warning("%s", note)
    else:
        if committing:
            error.add_note("The transaction was rolled back.")
