"""Prebuilt tasks on SQS."""

from collections.abc import Mapping

from brickwork_aws.batches import BATCH, one_each
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsTimeout
from brickwork_aws.sqs.messages import Queue, SqsMessage, attributes_of
from brickwork_aws.tasks import retried_task, task_once

_URL = "sqs:GetQueueUrl"


@task_once("sqs:SendMessage", _URL)
def sqs_send_message(
    credentials: AwsCredentials,
    queue: str,
    body: str,
    *,
    attributes: Mapping[str, str | int | float | bytes] | None = None,
    delay_seconds: int | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
) -> str:
    """Send a message to a queue.

    Not retried as a task: it might be sent twice. botocore sends a request again whose answer did
    not come, so a standard queue may get a message twice all the same; in a FIFO queue the same
    ``deduplication_id`` counts once in five minutes. See
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html.

    Args:
        credentials: Whose.
        queue: The queue's URL, or its name.
        body: The text, up to 1 MiB with the attributes.
        attributes: Up to ten values beside the body.
        delay_seconds: How long receivers do not see it, up to 900; by default as the queue has it.
        group_id: In a FIFO queue: messages of one group keep their order.
        deduplication_id: In a FIFO queue: by default the hash of the body, where the queue
            allows that.

    Returns:
        SQS's id of the message.

    Raises:
        AwsNotFound: There is no such queue.
        AwsError: It was not sent.

    Examples:
        >>> order = '{"order": 1742, "total": "89.90"}'
        >>> sqs_send_message(credentials, queue, order, attributes={"country": "DE"})
        '...'
    """
    at = Queue(credentials, queue)
    answer = at.call(
        "send_message",
        QueueUrl=at.url,
        MessageBody=body,
        MessageAttributes=attributes_of(attributes or {}) or None,
        DelaySeconds=delay_seconds,
        MessageGroupId=group_id,
        MessageDeduplicationId=deduplication_id,
    )
    return str(answer["MessageId"])


@task_once("sqs:SendMessage", _URL)
def sqs_send_messages(
    credentials: AwsCredentials,
    queue: str,
    bodies: list[str],
    *,
    delay_seconds: int | None = None,
    group_id: str | None = None,
    deduplication_ids: list[str] | None = None,
) -> list[str]:
    """Send any number of messages, ten by each request, or 256 KiB.

    Those that SQS could not take are sent again, and only those; in a FIFO queue before any of the
    next request, so that they come late by nine others at most. Not retried as a task: what was
    sent would be sent twice. See
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html.

    Args:
        credentials: Whose.
        queue: The queue's URL, or its name.
        bodies: The texts.
        delay_seconds: How long receivers do not see them; by default as the queue has it.
        group_id: In a FIFO queue: the group of all of them.
        deduplication_ids: In a FIFO queue: one for each.

    Returns:
        SQS's ids of the messages, in order.

    Raises:
        InvalidArguments: There are not as many ids as messages; nothing was sent.
        AwsError: Some were not sent; says which.

    Examples:
        >>> pages = [f"https://example.com/catalog?page={number}" for number in range(1, 26)]
        >>> len(sqs_send_messages(credentials, queue, pages))
        25
    """
    ids = one_each(deduplication_ids or None, len(bodies))
    entries = [
        {
            "MessageBody": body,
            "DelaySeconds": delay_seconds,
            "MessageGroupId": group_id,
            "MessageDeduplicationId": each or None,
        }
        for body, each in zip(bodies, ids, strict=True)
    ]
    given = [{k: v for k, v in entry.items() if v is not None} for entry in entries]
    sent = Queue(credentials, queue).batch(
        "send_message_batch", given, in_order=group_id is not None
    )
    return [str(each["MessageId"]) for each in sent]


@retried_task("sqs:ReceiveMessage", _URL)
def sqs_receive_messages(
    credentials: AwsCredentials,
    queue: str,
    *,
    limit: int = BATCH,
    wait_seconds: float = 0,
    visibility_seconds: int | None = None,
) -> list[SqsMessage]:
    """Receive messages, and hide them from other receivers for a while.

    They come back to the queue unless `sqs_delete_messages` deletes them in time;
    `brickwork_aws.sqs_consume` sees to that by itself. See
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html.

    Args:
        credentials: Whose.
        queue: The queue's URL, or its name.
        limit: At most so many; more than ten by several requests.
        wait_seconds: How long to wait for the first message.
        visibility_seconds: How long they are hidden; by default as the queue has it.

    Returns:
        The messages; none if none came.

    Examples:
        >>> messages = sqs_receive_messages(
        ...     credentials, queue, wait_seconds=20, visibility_seconds=300
        ... )
        >>> [message.json()["order"] for message in messages]
        [1742, 1743]
    """
    at = Queue(credentials, queue)
    found = at.receive(limit, wait_seconds=wait_seconds, visibility_seconds=visibility_seconds)
    while 0 < len(found) < limit:
        more = at.receive(limit - len(found), visibility_seconds=visibility_seconds)
        if not more:
            break
        found += more
    return found


@task_once("sqs:ReceiveMessage", "sqs:DeleteMessage", _URL)
def sqs_wait_for_message(
    credentials: AwsCredentials, queue: str, *, max_wait_seconds: float | None = None
) -> SqsMessage:
    """Wait until a message comes, delete it from the queue, and return it.

    Not retried as a task: a message that was deleted would be lost, and another one taken.

    Args:
        credentials: Whose.
        queue: The queue's URL, or its name.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.

    Returns:
        The message.

    Raises:
        AwsTimeout: None came in time.

    Examples:
        >>> message = sqs_wait_for_message(credentials, queue, max_wait_seconds=600)
        >>> message.json()["day"], message.receive_count
        ('2026-11-23', 1)
    """
    at = Queue(credentials, queue)
    for message in at.receive(1, wait_seconds=max_wait_seconds):
        at.delete([message.receipt_handle])
        return message
    raise AwsTimeout(
        f"No message came to {queue} within {max_wait_seconds:g} s.",
        fix="Wait longer by max_wait_seconds, or see who sends.",
    )


@retried_task("sqs:DeleteMessage", _URL)
def sqs_delete_messages(
    credentials: AwsCredentials, queue: str, messages: list[SqsMessage]
) -> None:
    """Delete messages that were received; ten by each request.

    See
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html.

    Args:
        credentials: Whose.
        queue: The queue's URL, or its name.
        messages: As they were received.

    Raises:
        AwsError: Some were not deleted; says which.

    Examples:
        >>> from brickwork_aws import sqs_receive_messages
        >>> messages = sqs_receive_messages(credentials, queue)
        >>> [message.body for message in messages]
        ['{"order": 1742}']
        >>> sqs_delete_messages(credentials, queue, messages)
    """
    Queue(credentials, queue).delete([each.receipt_handle for each in messages])
