"""Messages, and what the tasks and `sqs_consume` ask of a queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from brickwork import register_type
from brickwork_aws.batches import BATCH, in_batches
from brickwork_aws.operations import Operation

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

MAX_BYTES = 256 * 1024
"""The messages of one request are this large together: what every server takes. AWS takes four
times as much, and sends no more of it for the same price."""

POLL_SECONDS = 4
"""How long one request waits for messages; SQS allows 20, but a task is cancelled between two."""


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

    def batch(
        self, operation: str, entries: Sequence[Mapping[str, Any]], *, in_order: bool = False
    ) -> list[dict[str, Any]]:
        """Ask for many, ten by each request, or 256 KiB; what SQS could not do it is asked again.

        Returns:
            What SQS says of each, in order.

        Raises:
            AwsError: Some failed, by their own fault or each time; what was done stays.
        """
        return in_batches(
            f"sqs:{operation}",
            entries,
            lambda asked: self.call(operation, QueueUrl=self.url, Entries=asked),
            size=lambda entry: len(entry.get("MessageBody", "").encode()),
            most_bytes=MAX_BYTES,
            in_order=in_order,
        )


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
