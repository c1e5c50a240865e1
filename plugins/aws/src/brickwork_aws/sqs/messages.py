"""Messages, and what the tasks and `sqs_consume` ask of a queue."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from brickwork import register_type
from brickwork_aws.errors import AwsError
from brickwork_aws.operations import Operation

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

BATCH = 10
"""Messages that one request may send, receive or delete."""

POLL_SECONDS = 4
"""How long one request waits for messages; SQS allows 20, but a task is cancelled between two."""

_ATTEMPTS = 5


@register_type("aws.sqs-message")
@dataclass(frozen=True)
class SqsMessage:
    """A message that was received.

    Attributes:
        id: SQS's id of it.
        body: The text.
        receipt_handle: By which it is deleted; another one each time that it is received.
        attributes: What the sender gave beside the body: texts, numbers and bytes.
        sent_at: When SQS got it.
        receive_count: How often it was received, this time included.
        group_id: Its group, in a FIFO queue.
    """

    id: str
    body: str
    receipt_handle: str
    attributes: Mapping[str, str | int | float | bytes] = field(default_factory=dict)
    sent_at: datetime | None = None
    receive_count: int = 1
    group_id: str | None = None

    def json(self) -> Any:
        """Return the body read as JSON.

        Raises:
            ValueError: It is none.
        """
        import json

        return json.loads(self.body)


class Queue:
    """A queue, by its URL or its name.

    Args:
        credentials: Whose.
        queue: The URL, or the name, for which one more request is made.
    """

    def __init__(self, credentials: "AwsCredentials", queue: str) -> None:
        self.credentials = credentials
        self.url = queue
        if "://" not in queue:
            answer = self.call("get_queue_url", QueueName=queue)
            self.url = str(answer["QueueUrl"])

    @property
    def is_fifo(self) -> bool:
        """Whether it keeps the order."""
        return self.url.endswith(".fifo")

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation of SQS."""
        return Operation(self.credentials, "sqs", operation).call(parameters)

    def receive(
        self, most: int, *, wait_seconds: float | None = 0, visibility_seconds: int | None = None
    ) -> list[SqsMessage]:
        """Receive up to ten messages, as soon as some are there; none if none come in time."""
        from brickwork_aws.polling import turns

        poll = POLL_SECONDS if wait_seconds is None else min(POLL_SECONDS, wait_seconds)
        for _ in turns(0, wait_seconds):
            found = self._receive(most, int(poll), visibility_seconds)
            if found:
                return found
        return []

    def _receive(self, most: int, poll: int, visibility_seconds: int | None) -> list[SqsMessage]:
        answer = self.call(
            "receive_message",
            QueueUrl=self.url,
            MaxNumberOfMessages=min(most, BATCH),
            WaitTimeSeconds=poll,
            VisibilityTimeout=visibility_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return [_message(each) for each in answer.get("Messages", ())]

    def delete(self, handles: Sequence[str]) -> None:
        """Delete messages by their receipts.

        Raises:
            AwsError: Some were not deleted.
        """
        entries = ({"ReceiptHandle": handle} for handle in handles)
        self.batch("delete_message_batch", list(entries))

    def show_again(self, handles: Sequence[str], seconds: int) -> None:
        """Keep messages from other receivers for so long from now; 0 gives them back.

        Raises:
            AwsError: Some are not ours any more.
        """
        entries = [{"ReceiptHandle": each, "VisibilityTimeout": seconds} for each in handles]
        self.batch("change_message_visibility_batch", entries)

    def batch(self, operation: str, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Ask for many, ten by each request; what SQS could not do it is asked again.

        Returns:
            What SQS says of each, in order.

        Raises:
            AwsError: Some failed, by their own fault or each time; what was done stays.
        """
        from brickwork import check_cancelled, sleep

        done: dict[int, dict[str, Any]] = {}
        left = list(enumerate(entries))
        for attempt in range(_ATTEMPTS):
            failed: dict[int, Mapping[str, Any]] = {}
            for chunk in _chunks(left):
                check_cancelled()
                asked = [{"Id": str(number), **entry} for number, entry in chunk]
                answer = self.call(operation, QueueUrl=self.url, Entries=asked)
                done.update({int(each["Id"]): each for each in answer.get("Successful", ())})
                failed.update({int(each["Id"]): each for each in answer.get("Failed", ())})
            left = [(number, entry) for number, entry in left if number in failed]
            wrong = [each for each in failed.values() if each.get("SenderFault")]
            if not left:
                return [done[number] for number in sorted(done)]
            if wrong or attempt == _ATTEMPTS - 1:
                raise self._refused(operation, failed, wrong, len(done))
            sleep(0.2 * 2**attempt)
        raise AssertionError  # the last attempt returns or raises

    def _refused(
        self,
        operation: str,
        failed: Mapping[int, Mapping[str, Any]],
        wrong: Sequence[Mapping[str, Any]],
        done: int,
    ) -> AwsError:
        first = min(failed)
        why = failed[first]
        numbers = ", ".join(str(number) for number in sorted(failed)[:BATCH])
        error = AwsError(
            f"sqs:{operation}: {len(failed)} of {len(failed) + done} failed (numbers {numbers}, "
            f"from 0); the first: {why.get('Code')}: {why.get('Message', '')}".rstrip(": ")
            + ".",
            fix="Mend those; the others are done." if wrong else "Try those again later.",
        )
        error.code = str(why.get("Code", ""))
        return error


def attributes_of(given: Mapping[str, str | int | float | bytes]) -> dict[str, dict[str, Any]]:
    """Return attributes as SQS and SNS want them."""
    made: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        if isinstance(value, bytes):
            made[name] = {"DataType": "Binary", "BinaryValue": value}
        elif isinstance(value, str):
            made[name] = {"DataType": "String", "StringValue": value}
        else:
            made[name] = {"DataType": "Number", "StringValue": str(value)}
    return made


def _message(found: Mapping[str, Any]) -> SqsMessage:
    from datetime import UTC

    system = found.get("Attributes", {})
    sent = system.get("SentTimestamp")
    return SqsMessage(
        found["MessageId"],
        found["Body"],
        found["ReceiptHandle"],
        {name: _attribute(each) for name, each in found.get("MessageAttributes", {}).items()},
        None if sent is None else datetime.fromtimestamp(int(sent) / 1000, UTC),
        int(system.get("ApproximateReceiveCount", 1)),
        system.get("MessageGroupId"),
    )


def _attribute(found: Mapping[str, Any]) -> str | int | float | bytes:
    kind = found["DataType"].partition(".")[0]
    if kind == "Binary":
        return bytes(found["BinaryValue"])
    text = str(found["StringValue"])
    if kind != "Number":
        return text
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _chunks(
    entries: Sequence[tuple[int, Mapping[str, Any]]],
) -> Iterator[Sequence[tuple[int, Mapping[str, Any]]]]:
    for start in range(0, len(entries), BATCH):
        yield entries[start : start + BATCH]
