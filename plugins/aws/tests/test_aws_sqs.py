"""SQS against moto: what is sent is received, what is done is deleted, what failed comes back."""

import datetime
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, Scope, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    AwsNotFound,
    AwsTimeout,
    SqsMessage,
    aws_call,
    sqs_consume,
    sqs_delete_messages,
    sqs_receive_messages,
    sqs_send_message,
    sqs_send_messages,
    sqs_wait_for_message,
)
from brickwork_aws.sqs.messages import Queue
from brickwork_aws.testing import AwsServer, Faults

STUBBED = "sqs"


@pytest.fixture
def queue(s3_credentials: AwsCredentials) -> str:
    """The URL of a fresh queue."""
    name = f"queue-{secrets.token_hex(8)}"
    return str(aws_call(s3_credentials, "sqs", "create_queue", QueueName=name)["QueueUrl"])


@pytest.fixture
def fifo(s3_credentials: AwsCredentials) -> str:
    """The URL of a fresh queue that keeps the order."""
    name = f"queue-{secrets.token_hex(8)}.fifo"
    attributes = {"FifoQueue": "true"}
    answer = aws_call(s3_credentials, "sqs", "create_queue", QueueName=name, Attributes=attributes)
    return str(answer["QueueUrl"])


def left(credentials: AwsCredentials, queue: str) -> dict[str, int]:
    """Return how many messages a queue has: to be seen, and hidden."""
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = aws_call(
        credentials, "sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=wanted
    )["Attributes"]
    return dict(zip(("seen", "hidden"), (int(found[name]) for name in wanted), strict=True))


def test_a_message_arrives_with_all_that_was_given(
    s3_credentials: AwsCredentials, queue: str
) -> None:
    """Body, attributes of each type, when it was sent, how often it came."""
    attributes: dict[str, str | int | float | bytes] = {
        "kind": "report",
        "rows": 42,
        "below": -3,
        "share": 0.25,
        "hash": b"\x00\xff",
    }
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=5)
    sent = sqs_send_message(s3_credentials, queue, '{"day": "monday"}', attributes=attributes)
    (message,) = sqs_receive_messages(s3_credentials, queue, wait_seconds=10)
    assert message.id == sent
    assert message.json() == {"day": "monday"}
    assert message.attributes == attributes
    assert {name: type(value) for name, value in message.attributes.items()} == {
        name: type(value) for name, value in attributes.items()
    }
    assert message.sent_at is not None
    assert message.sent_at > before
    assert message.receive_count == 1
    assert message.group_id is None


def test_a_queue_goes_by_its_name(s3_credentials: AwsCredentials, queue: str) -> None:
    """One that is not there is said, by the operation that looked for it."""
    name = queue.rpartition("/")[2]
    sqs_send_message(s3_credentials, name, "hello")
    assert [each.body for each in sqs_receive_messages(s3_credentials, name)] == ["hello"]
    with pytest.raises(AwsNotFound, match="sqs:GetQueueUrl"):
        sqs_send_message(s3_credentials, "no-such-queue", "hello")


def test_many_messages_go_and_come(s3_credentials: AwsCredentials, queue: str) -> None:
    """More than one request takes; none is lost, none comes twice, and all can be deleted."""
    bodies = [f"message {number}" for number in range(25)]
    ids = sqs_send_messages(s3_credentials, queue, bodies)
    assert len(set(ids)) == 25
    some = sqs_receive_messages(s3_credentials, queue, limit=12)
    rest = sqs_receive_messages(s3_credentials, queue, limit=100, wait_seconds=60)
    assert len(some) == 12
    assert sorted(each.body for each in some + rest) == sorted(bodies)
    sqs_delete_messages(s3_credentials, queue, some + rest)
    assert left(s3_credentials, queue) == {"seen": 0, "hidden": 0}
    assert sqs_send_messages(s3_credentials, queue, []) == []


def test_order_and_doubles_in_a_fifo_queue(s3_credentials: AwsCredentials, fifo: str) -> None:
    """A group keeps its order; a message with the id of another is none."""
    ids = [f"id-{number}" for number in range(12)]
    sqs_send_messages(
        s3_credentials, fifo, [f"{n}" for n in range(12)], group_id="g", deduplication_ids=ids
    )
    sqs_send_message(s3_credentials, fifo, "again", group_id="g", deduplication_id="id-3")
    with sqs_consume(s3_credentials, fifo) as messages:
        found = [(each.body, each.group_id) for each in messages]
    assert found == [(f"{number}", "g") for number in range(12)]


def test_ids_for_others_than_the_messages_are_refused(
    s3_credentials: AwsCredentials, fifo: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match="2 messages and 1 deduplication ids"):
        sqs_send_messages(s3_credentials, fifo, ["a", "b"], group_id="g", deduplication_ids=["one"])
    assert left(s3_credentials, fifo)["seen"] == 0


def test_only_those_that_failed_are_sent_again(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """A part of a batch may fail; what stands is not sent twice."""
    ok = {"MD5OfMessageBody": "x"}
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    stubbed.add_response(
        "send_message_batch",
        {"Successful": [{"Id": "0", "MessageId": "m0", **ok}], "Failed": [failed]},
        {
            "QueueUrl": "https://q/1/q",
            "Entries": [{"Id": "0", "MessageBody": "a"}, {"Id": "1", "MessageBody": "b"}],
        },
    )
    stubbed.add_response(
        "send_message_batch",
        {"Successful": [{"Id": "1", "MessageId": "m1", **ok}], "Failed": []},
        {"QueueUrl": "https://q/1/q", "Entries": [{"Id": "1", "MessageBody": "b"}]},
    )
    with no_waiting() as waits:
        assert sqs_send_messages(s3_credentials, "https://q/1/q", ["a", "b"]) == ["m0", "m1"]
    assert waits == [0.2]


def test_the_order_of_a_fifo_queue_waits_for_what_failed(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Nothing of the next request overtakes it; what is never taken stops all that follow."""
    url, bodies = "https://q/1/q.fifo", [str(number) for number in range(12)]
    failed = {"Id": "9", "SenderFault": False, "Code": "InternalError"}

    def asked(numbers: range) -> dict[str, Any]:
        entries = [{"Id": str(n), "MessageBody": str(n), "MessageGroupId": "g"} for n in numbers]
        return {"QueueUrl": url, "Entries": entries}

    def taken(numbers: range) -> list[dict[str, Any]]:
        return [{"Id": str(n), "MessageId": f"m{n}", "MD5OfMessageBody": "x"} for n in numbers]

    partly = {"Successful": taken(range(9)), "Failed": [failed]}
    stubbed.add_response("send_message_batch", partly, asked(range(10)))
    for numbers in (range(9, 10), range(10, 12)):
        answer = {"Successful": taken(numbers), "Failed": []}
        stubbed.add_response("send_message_batch", answer, asked(numbers))
    with no_waiting():
        sent = sqs_send_messages(s3_credentials, url, bodies, group_id="g")
    assert sent == [f"m{number}" for number in range(12)]

    stubbed.add_response("send_message_batch", partly)
    for _ in range(4):
        stubbed.add_response("send_message_batch", {"Successful": [], "Failed": [failed]})
    with no_waiting(), pytest.raises(AwsError, match=r"1 of 12 failed \(numbers 9") as caught:
        sqs_send_messages(s3_credentials, url, bodies, group_id="g")
    assert "The last 2 were not asked for" in caught.value.what


def test_large_messages_go_in_smaller_batches(s3_credentials: AwsCredentials, queue: str) -> None:
    """Ten of them would be more than SQS takes by one request."""
    bodies = [f"{number}" + "ü" * 100_000 for number in range(10)]
    assert len(set(sqs_send_messages(s3_credentials, queue, bodies))) == 10
    assert left(s3_credentials, queue)["seen"] == 10


def test_what_was_refused_is_named(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Their numbers, and why; what is the sender's fault is not sent again."""
    failed = {"Id": "1", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "bad"}
    answer = {
        "Successful": [{"Id": "0", "MessageId": "m0", "MD5OfMessageBody": "x"}],
        "Failed": [failed],
    }
    stubbed.add_response("send_message_batch", answer)
    with pytest.raises(AwsError, match=r"1 of 2 failed \(numbers 1, from 0\).*bad") as caught:
        sqs_send_messages(s3_credentials, "https://q/1/q", ["a", "b"])
    assert caught.value.code == "InvalidMessageContents"


def test_a_message_goes_through_throttling(
    s3_credentials: AwsCredentials,
    queue: str,
    faulty_server: tuple[AwsServer, Faults],
) -> None:
    """Once, by botocore's adaptive retries: those of the task are not needed."""
    through, faults = faulty_server
    faults.throttle("POST", json=True)
    with no_waiting() as waits:
        sqs_send_message(through.credentials(), queue, "x")
    assert waits == []
    assert faults.left == 0
    assert len(faults.requests) == 2
    assert left(s3_credentials, queue) == {"seen": 1, "hidden": 0}


def test_a_message_is_waited_for(s3_credentials: AwsCredentials, queue: str) -> None:
    """It comes when it is sent, and is deleted."""
    timer = threading.Timer(
        0.3,
        aws_call,
        (s3_credentials, "sqs", "send_message"),
        {"QueueUrl": queue, "MessageBody": "x"},
    )
    timer.start()
    message = sqs_wait_for_message(s3_credentials, queue, max_wait_seconds=60)
    timer.join()
    assert message.body == "x"
    assert left(s3_credentials, queue) == {"seen": 0, "hidden": 0}


def test_no_message_in_time_is_said(s3_credentials: AwsCredentials, queue: str) -> None:
    """With how long it was waited for."""
    with pytest.raises(AwsTimeout, match="within 0 s"):
        sqs_wait_for_message(s3_credentials, queue, max_wait_seconds=0)


def test_waiting_is_cancelled(s3_credentials: AwsCredentials, queue: str) -> None:
    """Between two polls."""
    with Scope("job") as scope:
        timer = threading.Timer(0.2, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            sqs_wait_for_message(s3_credentials, queue)
        timer.join()


# Consuming


def test_what_is_done_is_deleted_one_by_one(s3_credentials: AwsCredentials, queue: str) -> None:
    """When the next one is asked for."""
    sqs_send_messages(s3_credentials, queue, ["a", "b", "c"])
    counts = []
    with sqs_consume(s3_credentials, queue) as messages:
        for _ in messages:
            counts.append(sum(left(s3_credentials, queue).values()))
    assert counts == [3, 2, 1]
    assert left(s3_credentials, queue) == {"seen": 0, "hidden": 0}


def failing_at(messages: Iterator[SqsMessage], body: str) -> list[str]:
    """Take messages until one fails."""
    done = []
    for message in messages:
        if message.body == body:
            raise ValueError(body)
        done.append(message.body)
    return done


def test_what_failed_comes_back_at_once(s3_credentials: AwsCredentials, queue: str) -> None:
    """With those that were received with it, which nobody worked at; what was done does not."""
    sqs_send_messages(s3_credentials, queue, ["a", "b", "c"])
    with (
        pytest.raises(ValueError, match="b"),
        sqs_consume(s3_credentials, queue, visibility_seconds=3600) as messages,
    ):
        failing_at(iter(messages), "b")
    back = sqs_receive_messages(s3_credentials, queue)
    assert sorted(each.body for each in back) == ["b", "c"]
    assert {each.receive_count for each in back} == {2}


def test_a_loop_that_is_left_keeps_what_it_did(s3_credentials: AwsCredentials, queue: str) -> None:
    """The message at which it was left is done; the others come back."""
    sqs_send_messages(s3_credentials, queue, ["a", "b", "c"])
    with sqs_consume(s3_credentials, queue, visibility_seconds=3600) as messages:
        first = next(iter(messages)).body
    back = sqs_receive_messages(s3_credentials, queue)
    assert sorted([first, *(each.body for each in back)]) == ["a", "b", "c"]


def test_a_cancelled_task_gives_back_what_it_holds(
    s3_credentials: AwsCredentials, queue: str
) -> None:
    """Though its own time is over."""
    sqs_send_messages(s3_credentials, queue, ["a", "b", "c"])
    with Scope("job") as scope, sqs_consume(s3_credentials, queue) as messages:
        found = iter(messages)
        next(found)
        scope.cancel()
        with pytest.raises(TaskCancelled):
            next(found)
    assert left(s3_credentials, queue) == {"seen": 2, "hidden": 0}


def test_a_message_stays_hidden_while_it_is_worked_at(
    s3_credentials: AwsCredentials, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than the queue would hide it."""
    renewed = threading.Event()
    show_again = Queue.show_again

    def seen(self: Queue, handles: Any, seconds: int) -> None:
        show_again(self, handles, seconds)
        renewed.set()

    monkeypatch.setattr(Queue, "show_again", seen)
    sqs_send_message(s3_credentials, queue, "slow")
    with sqs_consume(s3_credentials, queue, visibility_seconds=2) as messages:
        for message in messages:
            for _ in range(3):
                renewed.clear()
                assert renewed.wait(60)
            assert left(s3_credentials, queue) == {"seen": 0, "hidden": 1}
            assert message.body == "slow"
    assert left(s3_credentials, queue) == {"seen": 0, "hidden": 0}
