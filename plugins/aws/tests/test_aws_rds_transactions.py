"""Transactions and many sets on Aurora, of which moto knows nothing, against a Stubber."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import Scope, TaskCancelled, TaskTimeout, sleep
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsError,
    RdsBatchResult,
    rds_execute,
    rds_execute_many,
    rds_transaction,
)
from brickwork_aws.batches import chunked
from brickwork_aws.rds_data import database
from brickwork_aws.rds_data.parameters import sent_parameters
from brickwork_aws.testing.aurora import AuroraAnswers

WHERE: dict[str, Any] = {
    "cluster_arn": "arn:aws:rds:eu-west-1:123456789012:cluster:totals",
    "secret_arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:totals",
}


@pytest.fixture
def answers(s3_credentials: AwsCredentials) -> Iterator[AuroraAnswers]:
    """Answers that moto never gives; all must be asked for."""
    with AuroraAnswers(s3_credentials) as made:
        yield made
        made.all_given()


def test_a_transaction_is_committed_at_its_end(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """All that runs in it carries its id, also a task."""
    answers.add("begin_transaction", {"transactionId": "t-1"}, database="reports")
    shared = {"database": "reports", "transactionId": "t-1"}
    for _ in range(2):
        answers.add(
            "execute_statement",
            {},
            sql="DELETE FROM totals WHERE day = :day",
            parameters=[
                {"name": "day", "value": {"stringValue": "2026-11-23"}, "typeHint": "DATE"}
            ],
            includeResultMetadata=True,
            **shared,
        )
    answers.add(
        "batch_execute_statement",
        {"updateResults": [{"generatedFields": [{"longValue": 1}]}, {}]},
        sql="INSERT INTO totals VALUES (:sum)",
        parameterSets=[
            [{"name": "sum", "value": {"longValue": 1}}],
            [{"name": "sum", "value": {"longValue": 2}}],
        ],
        **shared,
    )
    answers.add("commit_transaction", {"transactionStatus": "ok"}, transactionId="t-1")
    sql, day = "DELETE FROM totals WHERE day = :day", {"day": date(2026, 11, 23)}
    with rds_transaction(s3_credentials, database="reports", **WHERE) as transaction:
        transaction.execute(sql, day)
        rds_execute(
            s3_credentials,
            sql,
            database="reports",
            parameters=day,
            transaction_id=transaction.id,
            **WHERE,
        )
        found = transaction.execute_many(
            "INSERT INTO totals VALUES (:sum)", [{"sum": 1}, {"sum": 2}]
        )
    assert found == RdsBatchResult(2, [[1], []])


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt()])
def test_a_transaction_is_rolled_back_by_an_exception(
    s3_credentials: AwsCredentials, answers: AuroraAnswers, error: BaseException
) -> None:
    """Whichever; it is raised on, and nothing is committed."""
    answers.add("begin_transaction", {"transactionId": "t-1"})
    answers.add("rollback_transaction", {}, transactionId="t-1")
    with (
        pytest.raises(type(error)) as caught,
        rds_transaction(s3_credentials, **WHERE),
    ):
        raise error
    assert caught.value is error
    assert not hasattr(error, "__notes__")


def test_a_transaction_is_rolled_back_when_its_task_is_cancelled(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """Also where nobody looked until its end."""
    answers.add("begin_transaction", {"transactionId": "t-1"})
    answers.add("rollback_transaction", {}, transactionId="t-1")
    with (
        Scope("job") as scope,
        pytest.raises(TaskCancelled) as caught,
        rds_transaction(s3_credentials, **WHERE),
    ):
        scope.cancel()
    assert not hasattr(caught.value, "__notes__")  # of a commit there was none


def test_a_transaction_is_rolled_back_when_time_is_up(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """The rollback has time of its own."""
    answers.add("begin_transaction", {"transactionId": "t-1"})
    answers.add("rollback_transaction", {}, transactionId="t-1")
    with (
        no_waiting(),
        pytest.raises(TaskTimeout),
        Scope("job", seconds=600),
        rds_transaction(s3_credentials, **WHERE),
    ):
        sleep(601)


def test_a_commit_that_fails_is_rolled_back(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """And the error says so: nothing was changed."""
    answers.add("begin_transaction", {"transactionId": "t-1"})
    answers.fail("commit_transaction", "InternalServerErrorException", "broken", 500)
    answers.add("rollback_transaction", {}, transactionId="t-1")
    with (
        pytest.raises(AwsError, match="broken") as caught,
        rds_transaction(s3_credentials, **WHERE),
    ):
        pass
    assert caught.value.__notes__ == ["The transaction was rolled back."]


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("TransactionNotFoundException", "Nobody knows whether the transaction was committed"),
        ("ForbiddenException", "could not be rolled back; if it was not committed"),
    ],
)
def test_what_nobody_knows_is_told(
    s3_credentials: AwsCredentials, answers: AuroraAnswers, code: str, note: str
) -> None:
    """The answer to the commit did not come, and the transaction is gone; or may be there."""
    answers.add("begin_transaction", {"transactionId": "t-1"})
    answers.fail("commit_transaction", "InternalServerErrorException", "broken", 500)
    answers.fail("rollback_transaction", code)
    with pytest.raises(AwsError) as caught, rds_transaction(s3_credentials, **WHERE):
        pass
    assert note in caught.value.__notes__[0]


def test_a_transaction_that_is_gone_needs_no_rollback(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """As where Aurora has ended it: the error is that of the block alone."""
    answers.add("begin_transaction", {"transactionId": "t-1"})
    answers.fail("rollback_transaction", "TransactionNotFoundException")
    with (
        pytest.raises(ValueError, match="wrong") as caught,
        rds_transaction(s3_credentials, **WHERE),
    ):
        raise ValueError("wrong")
    assert not hasattr(caught.value, "__notes__")


def test_many_sets_go_by_several_requests(
    s3_credentials: AwsCredentials, answers: AuroraAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction: all of them, or none."""
    monkeypatch.setattr(database, "MOST_SETS", 2)
    sets = [[{"name": "a", "value": {"longValue": number}}] for number in range(5)]
    answers.add("begin_transaction", {"transactionId": "t-1"})
    for part in (sets[:2], sets[2:4], sets[4:]):
        answers.add(
            "batch_execute_statement",
            {"updateResults": [{"generatedFields": [{"longValue": 7}]}] * len(part)},
            sql="INSERT INTO t VALUES (:a)",
            parameterSets=part,
            transactionId="t-1",
        )
    answers.add("commit_transaction", {"transactionStatus": "ok"}, transactionId="t-1")
    found = rds_execute_many(
        s3_credentials, "INSERT INTO t VALUES (:a)", [{"a": number} for number in range(5)], **WHERE
    )
    assert found == RdsBatchResult(5, [[7]] * 5)


def test_many_sets_are_undone_where_a_part_fails(
    s3_credentials: AwsCredentials, answers: AuroraAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second part; nothing is committed."""
    monkeypatch.setattr(database, "MOST_SETS", 1)
    answers.add("begin_transaction", {"transactionId": "t-1"})
    answers.add(
        "batch_execute_statement",
        {},
        sql="INSERT INTO t VALUES (:a)",
        parameterSets=[[{"name": "a", "value": {"longValue": 1}}]],
        transactionId="t-1",
    )
    answers.fail("batch_execute_statement", "DatabaseErrorException", "no; SQLState: 23505")
    answers.add("rollback_transaction", {}, transactionId="t-1")
    with pytest.raises(AwsConflict):
        rds_execute_many(s3_credentials, "INSERT INTO t VALUES (:a)", [{"a": 1}] * 2, **WHERE)


def test_sets_within_a_transaction_leave_its_end_to_it(
    s3_credentials: AwsCredentials, answers: AuroraAnswers
) -> None:
    """Neither begun nor committed; no sets are no request."""
    answers.add(
        "batch_execute_statement",
        {},
        sql="INSERT INTO t DEFAULT VALUES",
        parameterSets=[[]],
        transactionId="t-9",
    )
    sql = "INSERT INTO t DEFAULT VALUES"
    found = rds_execute_many(s3_credentials, sql, [{}], transaction_id="t-9", **WHERE)
    assert found == RdsBatchResult(1)
    assert rds_execute_many(s3_credentials, sql, [], **WHERE) == RdsBatchResult()
    empty = rds_execute_many(s3_credentials, sql, [], transaction_id="t-9", **WHERE)
    assert empty == RdsBatchResult()


@given(st.lists(st.binary(max_size=9)), st.integers(1, 20), st.integers(1, 4))
def test_parts_are_small_enough_and_lose_nothing(
    items: list[bytes], most_bytes: int, most: int
) -> None:
    """In order; only what is too large by itself goes beyond, alone; no part could take more."""
    parts = list(chunked(items, len, most_bytes, most))
    assert [each for part in parts for each in part] == items
    for part in parts:
        assert len(part) == 1 or (len(part) <= most and sum(map(len, part)) <= most_bytes)
    for one, two in pairwise(parts):
        assert len(one) == most or sum(map(len, one)) + len(two[0]) > most_bytes


def test_bytes_count_as_they_are_sent() -> None:
    """In Base64, of which 4 MiB are the most."""
    one = sent_parameters({"a": b"x" * 3000})
    assert 4000 < database.sent_bytes(one) < 4100
    statement = 65536 * 6  # the longest, where each character is escaped
    assert database.MOST_BYTES + statement < 4 * 1024 * 1024
