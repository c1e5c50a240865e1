"""A database of Aurora: requests to its Data API, which wake it where it sleeps."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from brickwork import check_cancelled, progress, register_type
from brickwork_aws.batches import chunked
from brickwork_aws.errors import AwsConflict, AwsError, AwsTimeout
from brickwork_aws.operations import Operation
from brickwork_aws.polling import turns
from brickwork_aws.rds_data.parameters import sent_parameters
from brickwork_aws.sql_values import data_columns, data_values, field_value, rows_of

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

SECONDS = 60.0
"""How long to wait for an answer: the 45 seconds that a statement may run, and a little."""

MAX_RESUME_SECONDS = 300.0
"""How long a database may take to wake; most take 15 seconds, after a day of sleep 30 and more."""

MOST_BYTES = 3 * 1024 * 1024
"""How many bytes of parameters go by one request, which may have 4 MiB."""

MOST_SETS = 1000
"""How many sets go by one request: what they generate must fit into an answer of 1 MiB."""

_RESUMING = "DatabaseResumingException"
_STATE = re.compile(r"SQLState: ?([0-9A-Z]{5})")


@register_type("aws.rds-result")
@dataclass(frozen=True)
class RdsResult:
    """What a statement gave.

    Attributes:
        rows: Its rows, by the names of the columns; a name that comes again has a number: ``id_2``.
        updated: How many rows it inserted, changed or deleted.
        generated: What Aurora MySQL generated, such as the number of a row; PostgreSQL has
            ``RETURNING`` for that.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    updated: int = 0
    generated: list[Any] = field(default_factory=list)


@register_type("aws.rds-batch-result")
@dataclass(frozen=True)
class RdsBatchResult:
    """What a statement gave that ran once with each set of parameters.

    Attributes:
        sets: How often it ran.
        generated: What Aurora MySQL generated for each set, as in `RdsResult`.
    """

    sets: int = 0
    generated: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Database:
    """A database, and who asks it.

    Attributes:
        credentials: Whose.
        cluster_arn: The ARN of its cluster.
        secret_arn: The ARN of the secret with user and password.
        name: Its name; None for the cluster's own, or that of the secret.
        max_resume_seconds: How long to wait for a database that wakes.
    """

    credentials: "AwsCredentials"
    cluster_arn: str
    secret_arn: str
    name: str | None = None
    max_resume_seconds: float | None = MAX_RESUME_SECONDS

    def execute(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None,
        *,
        transaction_id: str | None = None,
        continue_after_timeout: bool = False,
    ) -> RdsResult:
        """Run a statement. As `rds_execute`."""
        answer = self._ask(
            "execute_statement",
            once=True,
            database=self.name,
            sql=sql,
            parameters=sent_parameters(parameters or {}) or None,
            transactionId=transaction_id,
            includeResultMetadata=True,
            continueAfterTimeout=continue_after_timeout or None,
        )
        columns = data_columns(answer.get("columnMetadata") or [])
        records = (data_values(record, columns) for record in answer.get("records") or [])
        updated = answer.get("numberOfRecordsUpdated", 0)
        return RdsResult(rows_of(columns, records), updated, _generated(answer))

    def execute_many(
        self, sql: str, sets: Sequence[list[dict[str, Any]]], *, transaction_id: str
    ) -> RdsBatchResult:
        """Run a statement once with each set of parameters, as they are sent.

        As `rds_execute_many`.
        """
        generated: list[list[Any]] = []
        done = 0
        for chunk in chunked(sets, sent_bytes, MOST_BYTES, MOST_SETS):
            check_cancelled()
            answer = self._ask(
                "batch_execute_statement",
                once=True,
                database=self.name,
                sql=sql,
                parameterSets=chunk,
                transactionId=transaction_id,
            )
            generated += [_generated(each) for each in answer.get("updateResults", [])]
            done += len(chunk)
            progress(done, len(sets), "sets of parameters")
        return RdsBatchResult(done, generated)

    def begin(self) -> str:
        """Begin a transaction, and return its id."""
        answer = self._ask("begin_transaction", database=self.name)
        return str(answer["transactionId"])

    def commit(self, transaction_id: str) -> None:
        """Commit a transaction."""
        self._ask("commit_transaction", once=True, transactionId=transaction_id)

    def roll_back(self, transaction_id: str) -> None:
        """Roll back a transaction."""
        self._ask("rollback_transaction", transactionId=transaction_id)

    def _ask(self, name: str, *, once: bool = False, **parameters: Any) -> dict[str, Any]:
        seconds = SECONDS if once else None
        operation = Operation(self.credentials, "rds-data", name, once_seconds=seconds)
        sent = {"resourceArn": self.cluster_arn, "secretArn": self.secret_arn, **parameters}
        for _ in turns(1.0, self.max_resume_seconds, 5.0):
            try:
                return operation.call(sent)
            except AwsError as error:
                check_cancelled()  # the task's time may have been up, and with it the request's
                if error.code != _RESUMING:
                    raise told(error) from error.__cause__
            progress(0, None, f"{self.cluster_arn} wakes")
        raise AwsTimeout(
            f"{self.cluster_arn} did not wake within {self.max_resume_seconds:g} s.",
            fix="Give it longer by max_resume_seconds, or look at the cluster's state.",
        )


def told(error: AwsError) -> AwsError:
    """Return an error as what it means for a statement."""
    found = _STATE.search(error.what)
    state = found[1] if found else ""
    made = error
    if error.code == "StatementTimeoutException":
        made = AwsTimeout(
            error.what,
            fix="Do it in smaller parts; continue_after_timeout lets it run on, unseen.",
        )
    elif state.startswith("23"):
        made = AwsConflict(error.what, fix="Mend what breaks the table's constraint.")
    elif state.startswith("40"):
        made = AwsConflict(
            error.what, fix="Do the whole transaction again: another one was in its way."
        )
    elif "size limit" in error.what:
        made = AwsError(error.what, fix="Ask for less: an answer has at most 1 MiB.")
    elif error.code == "DatabaseErrorException":
        made = AwsError(error.what, fix="Correct the statement, or its parameters.")
    made.operation, made.code, made.request_id = error.operation, error.code, error.request_id
    return made


def _generated(answer: Mapping[str, Any]) -> list[Any]:
    return [field_value(each, "") for each in answer.get("generatedFields") or []]


def sent_bytes(parameters: Sequence[Mapping[str, Any]]) -> int:
    """Return how many bytes a set of parameters has as it is sent."""
    import json
    from base64 import b64encode

    return len(json.dumps(parameters, default=lambda raw: b64encode(raw).decode("ascii")))
