"""``SnsTopic``: notifications of Brickwork to all who subscribed to a topic.

What SNS takes is described at https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
"""

import json
import re
from typing import Any, ClassVar
from uuid import uuid4

from pydantic import Field

from brickwork import (
    Block,
    BrickworkError,
    CheckReport,
    Finding,
    Limits,
    Notification,
    Notifier,
    Receipt,
    Unit,
)
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsDenied
from brickwork_aws.notifying import CHECK_SECONDS, ask_once, handed_over
from brickwork_aws.sns.publishing import (
    MAX_BYTES,
    MAX_SUBJECT,
    Value,
    attributes_with_lists,
    there,
)

_GROUP = "brickwork"

# Beside texts: what stands between fields and links, the tags, the severity.
_OVERHEAD_BYTES = 16 * 1024
_MAX_FIELDS = 1000
_MAX_LINKS = 50
_MAX_TAGS = 2048

_SUBJECT = Limits(unit=Unit.UTF16)
_TAGS = Limits(unit=Unit.BYTES)
_GROUP_ID = re.compile(r"[!-~]{1,128}")
# What SQS and XML do not take: https://www.w3.org/TR/xml/#charsets, and control characters.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class SnsTopic(Block, Notifier):
    """Publishes notifications to a topic of SNS, as plain text with a subject.

    Delivered means that SNS took the message; who gets it, and when, SNS does not say.
    Subscriptions can filter by the attributes ``severity`` and ``tags``. In a FIFO topic the thread
    key is the message group. A notification is published again when it surely was not taken (no
    connection, throttling); to a FIFO topic, which knows a double, also when that is uncertain.
    Attachments are named, not sent.

    Examples:
        >>> from brickwork import notify
        >>> from brickwork_aws import AwsCredentials, SnsTopic
        >>> prod = AwsCredentials(profile="prod")
        >>> arn = "arn:aws:sns:eu-central-1:123456789012:data-team"
        >>> SnsTopic(topic_arn=arn, credentials=prod).save("data-team")
        Document('aws-sns-topic/data-team@1')
        >>> (receipt,) = notify("aws-sns-topic/data-team", title="Backup is late", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "aws-sns-topic"

    topic_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$",
        description="The topic's ARN; its region counts, whatever the credentials say.",
    )
    credentials: AwsCredentials = Field(
        default_factory=AwsCredentials,
        description="Who to be; without it, boto3 looks in its usual places.",
    )
    timeout_seconds: float = Field(
        10.0, gt=0, le=3600, description="Seconds to connect, and to wait for an answer."
    )

    @property
    def is_fifo(self) -> bool:
        """Whether it keeps the order, and knows doubles."""
        return self.topic_arn.endswith(".fifo")

    def describe(self) -> str:
        """Return the address; for one that is not saved, the ARN."""
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return self.topic_arn

    def limits(self) -> Limits:
        """Take 256 KiB altogether, and no attachments."""
        return Limits(
            fields=_MAX_FIELDS,
            links=_MAX_LINKS,
            total=MAX_BYTES - _OVERHEAD_BYTES,
            measure=lambda text: len(_clean(text).encode()),
        )

    def deliver(self, notification: Notification) -> Receipt:
        """Publish it, again if need be; see the class for when."""
        message = self._message(notification)
        return handed_over(
            self.describe(),
            self.timeout_seconds,
            lambda seconds: str(self._ask("publish", message, seconds)["MessageId"]),
            knows_doubles=self.is_fifo,
        )

    def check(self) -> CheckReport:
        """Ask SNS for the topic and its subscriptions; publish nothing. Never raises."""
        try:
            found = self._ask("get_topic_attributes", {}, CHECK_SECONDS)["Attributes"]
        except AwsDenied as error:
            # Who may publish need not be allowed to look.
            return CheckReport((Finding("warning", "topic", error.what, error.fix), _NOT_SENT))
        except BrickworkError as error:
            return CheckReport((Finding("failed", "topic", error.what, error.fix), _NOT_SENT))
        except Exception as error:  # noqa: BLE001  # a check never raises
            fix = "Look at the credentials and at the topic's ARN."
            return CheckReport((Finding("failed", "topic", type(error).__name__, fix), _NOT_SENT))
        return CheckReport((Finding("ok", "topic", self.topic_arn), _listeners(found), _NOT_SENT))

    def _ask(
        self, operation: str, parameters: dict[str, Any], seconds: float | None = None
    ) -> dict[str, Any]:
        seconds = min(seconds or self.timeout_seconds, self.timeout_seconds)
        return ask_once(
            there(self.credentials, self.topic_arn),
            seconds,
            "sns",
            operation,
            {"TopicArn": self.topic_arn, **parameters},
        )

    def _message(self, notification: Notification) -> dict[str, Any]:
        head = f"[{notification.severity.upper()}] {_clean(notification.title)}"
        tags = sorted(map(_clean, notification.tags))
        attributes: dict[str, Value] = {"severity": notification.severity.value}
        if 0 < sum(len(json.dumps(each)) + 2 for each in tags) <= _MAX_TAGS:
            attributes["tags"] = tags
        message: dict[str, Any] = {
            "Subject": _SUBJECT.cut(head, MAX_SUBJECT),
            "Message": _text(head, notification, tags),
            "MessageAttributes": attributes_with_lists(attributes),
        }
        if self.is_fifo:
            message["MessageGroupId"] = _group_id(notification.thread_key)
            # The same on each attempt, and never that of another notification.
            message["MessageDeduplicationId"] = uuid4().hex
        return message


_NOT_SENT = Finding(
    "skipped", "may publish", "not tried, since it would reach people; it needs sns:Publish"
)


def _listeners(found: dict[str, str]) -> Finding:
    count = int(found.get("SubscriptionsConfirmed") or 0)
    if count:
        return Finding("ok", "subscriptions", f"{count} confirmed")
    waiting = int(found.get("SubscriptionsPending") or 0)
    return Finding(
        "warning",
        "subscriptions",
        f"none is confirmed, {waiting} pending: nobody gets what is published",
        "Subscribe somebody to the topic, and let them confirm.",
    )


def _text(head: str, notification: Notification, tags: list[str]) -> str:
    fields = [f"{name}: {value}" for name, value in notification.fields.items()]
    links = [notification.url or ""]
    links += [f"{words}: {url}" for words, url in notification.links.items()]
    paragraphs = [
        head,
        notification.body.strip("\n"),
        "\n".join(fields),
        "\n".join(filter(None, links)),
        _TAGS.cut(f"Tags: {', '.join(tags)}", _MAX_TAGS) if tags else "",
    ]
    return "\n\n".join(filter(None, map(_clean, paragraphs)))


def _clean(text: str) -> str:
    """Replace what no receiver can be given."""
    return _UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _group_id(thread_key: str | None) -> str:
    """Return the key as SNS takes it, or what stands for it."""
    import hashlib

    if not thread_key:
        return _GROUP
    if _GROUP_ID.fullmatch(thread_key):
        return thread_key
    return hashlib.sha256(thread_key.encode("utf-8", "surrogatepass")).hexdigest()
