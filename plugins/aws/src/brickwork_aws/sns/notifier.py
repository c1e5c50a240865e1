"""``SnsTopic``: notifications of Brickwork to all who subscribed to a topic.

What SNS takes is described at https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
"""

import json
import random
import re
from typing import Any, ClassVar
from uuid import uuid4

from pydantic import Field

from brickwork import (
    Block,
    BrickworkError,
    CheckReport,
    DeliveryStatus,
    Finding,
    Limits,
    Notification,
    Notifier,
    Receipt,
    TaskError,
    Unit,
    remaining,
    sleep,
)
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsDenied, AwsError
from brickwork_aws.faults import code_of, is_transient, status_of
from brickwork_aws.sns.publishing import (
    MAX_BYTES,
    MAX_SUBJECT,
    Value,
    attributes_with_lists,
    there,
)

_PAUSES_SECONDS = (0.5, 1.0, 2.0)
_CHECK_SECONDS = 5.0
_GROUP = "brickwork"

# Beside texts: what stands between fields and links, the tags, the severity.
_OVERHEAD_BYTES = 16 * 1024
_MAX_FIELDS = 1000
_MAX_LINKS = 50
_MAX_TAGS = 2048

_SUBJECT = Limits(unit=Unit.UTF16)
_TAGS = Limits(unit=Unit.BYTES)
_THROTTLED = 429
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
        for attempts, pause in enumerate((*_PAUSES_SECONDS, None), 1):
            try:
                answer = self._ask("publish", message)
            except AwsError as error:
                if pause is None or not self._again(error) or not _waited(pause):
                    return self._not_taken(error, attempts)
            else:
                return Receipt(
                    self.describe(), DeliveryStatus.DELIVERED, attempts, str(answer["MessageId"])
                )
        raise AssertionError  # the last attempt returns

    def check(self) -> CheckReport:
        """Ask SNS for the topic and its subscriptions; publish nothing. Never raises."""
        try:
            found = self._ask("get_topic_attributes", {}, _CHECK_SECONDS)["Attributes"]
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
        """Send one request, once: how often, and when again, is decided here."""
        from brickwork_aws.operations import Operation

        seconds = min(seconds or self.timeout_seconds, self.timeout_seconds)
        once = {"max_attempts": 1, "connect_timeout": seconds, "read_timeout": seconds}
        options = self.credentials.client_options.model_copy(update=once)
        whose = there(self.credentials, self.topic_arn).model_copy(
            update={"client_options": options}
        )
        return Operation(whose, "sns", operation).call({"TopicArn": self.topic_arn, **parameters})

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

    def _again(self, error: AwsError) -> bool:
        """Tell whether it may be published again: it was not taken, or would be recognised."""
        from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

        cause = error.__cause__
        if cause is None or not is_transient(cause):
            return False
        refused = status_of(cause) == _THROTTLED or code_of(cause).startswith("Throttl")
        never_left = isinstance(cause, ConnectTimeoutError | EndpointConnectionError)
        return refused or never_left or self.is_fifo

    def _not_taken(self, error: AwsError, attempts: int) -> Receipt:
        cause = error.__cause__
        status = status_of(cause) if cause is not None else 0
        said_no = status != 0 and cause is not None and not is_transient(cause)
        return Receipt(
            self.describe(),
            DeliveryStatus.REFUSED if said_no else DeliveryStatus.FAILED,
            attempts,
            http_status=status or None,
            detail=f"{error.what} {error.fix}",
        )


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


def _waited(seconds: float) -> bool:
    """Wait; return False, at once, where the task around ends before."""
    left = remaining()
    if left is not None and left <= seconds:
        return False
    try:
        sleep(random.uniform(seconds / 2, seconds))  # noqa: S311  # spreads senders, no secret
    except TaskError:
        return False
    return True
