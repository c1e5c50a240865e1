"""Prebuilt tasks on SNS."""

from collections.abc import Mapping

from brickwork_aws.batches import in_batches, one_each
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.operations import Operation
from brickwork_aws.sns.publishing import (
    MAX_BYTES,
    arn_of,
    attributes_with_lists,
    destination,
    size_of,
    structured,
    there,
)
from brickwork_aws.tasks import task_once


@task_once("sns:Publish")
def sns_publish(
    credentials: AwsCredentials,
    to: str,
    message: str,
    *,
    subject: str | None = None,
    by_protocol: Mapping[str, str] | None = None,
    attributes: Mapping[str, str | int | float | bytes | list[str]] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
) -> str:
    """Publish a message to a topic, or send it to one phone or device.

    Not retried as a task: it might be published twice. botocore sends a request again whose answer
    did not come, so a standard topic may get a message twice all the same; in a FIFO topic the
    same ``deduplication_id`` counts once in five minutes. See
    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.

    Args:
        credentials: Whose.
        to: The topic's ARN, or its name, for which STS is asked whose account this is; or a phone
            number, ``+49...``; or the ARN of a device.
        message: The text, up to 256 KiB with the attributes.
        subject: Of e-mails; less than 100 characters.
        by_protocol: Other texts for some protocols, such as ``sms`` or ``email``; the others get
            the message.
        attributes: Values beside the text, by which subscriptions filter; a list is one of texts.
        group_id: In a FIFO topic: messages of one group keep their order.
        deduplication_id: In a FIFO topic: by default the hash of the text, where the topic allows
            that.

    Returns:
        SNS's id of the message.

    Raises:
        InvalidArguments: There is no such place to send to, by its form; nothing was sent.
        AwsNotFound: There is no such topic.
        AwsError: It was not published.

    Examples:
        >>> sns_publish(
        ...     credentials,
        ...     "night-shift",
        ...     "Backup of db1 is 3 hours late; see https://example.com/runs/1742.",
        ...     subject="Backup is late",
        ...     by_protocol={"sms": "Backup of db1 is late"},
        ... )
        '...'
    """
    whose, target = destination(credentials, to)
    answer = Operation(whose, "sns", "publish").call(
        {
            **target,
            **structured(message, by_protocol),
            "Subject": subject,
            "MessageAttributes": attributes_with_lists(attributes),
            "MessageGroupId": group_id,
            "MessageDeduplicationId": deduplication_id,
        }
    )
    return str(answer["MessageId"])


@task_once("sns:Publish")
def sns_publish_many(
    credentials: AwsCredentials,
    topic: str,
    messages: list[str],
    *,
    subject: str | None = None,
    attributes: Mapping[str, str | int | float | bytes | list[str]] | None = None,
    group_id: str | None = None,
    deduplication_ids: list[str] | None = None,
) -> list[str]:
    """Publish any number of messages to a topic, ten by each request, or 256 KiB.

    Those that SNS could not take are published again, and only those; in a FIFO topic before any of
    the next request, so that they come late by nine others at most. Not retried as a task: what was
    published would be published twice. See
    https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html.

    Args:
        credentials: Whose.
        topic: The topic's ARN, or its name.
        messages: The texts.
        subject: Of e-mails; of all of them.
        attributes: Values beside the texts, for all of them.
        group_id: In a FIFO topic: the group of all of them.
        deduplication_ids: In a FIFO topic: one for each.

    Returns:
        SNS's ids of the messages, in order.

    Raises:
        InvalidArguments: There are not as many ids as messages; nothing was published.
        AwsNotFound: There is no such topic.
        AwsError: Some were not published; says which.

    Examples:
        >>> texts = [f"Invoice {number} is ready" for number in range(1, 13)]
        >>> ids = sns_publish_many(credentials, topic, texts, attributes={"team": ["sales", "tax"]})
        >>> len(ids)
        12
    """
    same = {
        "Subject": subject,
        "MessageAttributes": attributes_with_lists(attributes),
        "MessageGroupId": group_id,
    }
    entries = [
        {"Message": text, "MessageDeduplicationId": each, **same}
        for text, each in zip(messages, one_each(deduplication_ids, len(messages)), strict=True)
    ]
    given = [{k: v for k, v in entry.items() if v is not None} for entry in entries]
    arn = arn_of(credentials, topic)
    publish = Operation(there(credentials, arn), "sns", "publish_batch")
    published = in_batches(
        publish.name,
        given,
        lambda asked: publish.call({"TopicArn": arn, "PublishBatchRequestEntries": asked}),
        size=size_of,
        most_bytes=MAX_BYTES,
        in_order=group_id is not None,
    )
    return [str(each["MessageId"]) for each in published]
