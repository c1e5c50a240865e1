"""SNS against moto: what is published comes to a queue that subscribed, whole and in order."""

import json
import re
import secrets
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import given, settings, strategies as st

from brickwork import (
    DeliveryStatus,
    InvalidArguments,
    Notification,
    Scope,
    Secret,
    TaskCancelled,
    open_notifier,
)
from brickwork.testing.notifier import Behaviour
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsDenied,
    AwsError,
    AwsNotFound,
    SnsTopic,
    aws_call,
    sns_publish,
    sns_publish_many,
    sqs_consume,
)
from brickwork_aws.batches import in_batches
from brickwork_aws.testing.contracts.sns import ARN, SNS
from brickwork_aws.testing.counterpart import AwsCounterpart

STUBBED = "sns"


class Topic:
    """A topic, and a queue that subscribed to it."""

    def __init__(self, credentials: AwsCredentials, *, fifo: bool = False) -> None:
        self.credentials = credentials
        self.name = f"topic-{secrets.token_hex(8)}" + (".fifo" if fifo else "")
        self.queue = self.call("sqs", "create_queue", QueueName=self.name, **_fifo("Queue", fifo))[
            "QueueUrl"
        ]
        self.arn = self.call("sns", "create_topic", Name=self.name, **_fifo("Topic", fifo))[
            "TopicArn"
        ]
        at = self.call("sqs", "get_queue_attributes", QueueUrl=self.queue, AttributeNames=["All"])
        self.call(
            "sns",
            "subscribe",
            TopicArn=self.arn,
            Protocol="sqs",
            Endpoint=at["Attributes"]["QueueArn"],
        )

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call an operation."""
        return aws_call(self.credentials, service, operation, **parameters)

    def arrived(self) -> list[Any]:
        """Return what came to the queue, as SNS wraps it."""
        with sqs_consume(self.credentials, self.queue) as messages:
            return [{**each.json(), "group": each.group_id} for each in messages]


def _fifo(what: str, fifo: bool) -> dict[str, Any]:
    return {"Attributes": {f"Fifo{what}": "true"}} if fifo else {}


@pytest.fixture
def topic(s3_credentials: AwsCredentials) -> Topic:
    """A fresh topic."""
    return Topic(s3_credentials)


@pytest.fixture
def fifo(s3_credentials: AwsCredentials) -> Topic:
    """A fresh topic that keeps the order."""
    return Topic(s3_credentials, fifo=True)


@pytest.fixture
def service(no_aws_settings: None) -> Iterator[AwsCounterpart]:
    """An SNS that behaves as it is told."""
    with AwsCounterpart(SNS) as counterpart:
        yield counterpart


@pytest.fixture
def stub_arn(s3_credentials: AwsCredentials) -> str:
    """An ARN in the region of the stubbed client."""
    return ARN.replace("eu-west-1", str(s3_credentials.region))


# Tasks


def test_a_message_arrives_with_all_that_was_given(
    s3_credentials: AwsCredentials, topic: Topic
) -> None:
    """Text, subject, attributes of each type."""
    sent = sns_publish(
        s3_credentials,
        topic.arn,
        "grüße 日本",
        subject="hello",
        attributes={"kind": "report", "rows": 42, "hash": b"\x00\xff", "tags": ["a", 'b"c']},
    )
    (message,) = topic.arrived()
    assert message["MessageId"] == sent
    assert message["Message"] == "grüße 日本"
    assert message["Subject"] == "hello"
    assert {name: each["Value"] for name, each in message["MessageAttributes"].items()} == {
        "kind": "report",
        "rows": "42",
        "hash": "AP8=",
        "tags": json.dumps(["a", 'b"c']),
    }
    assert message["MessageAttributes"]["tags"]["Type"] == "String.Array"


def test_a_topic_goes_by_its_name(s3_credentials: AwsCredentials, topic: Topic) -> None:
    """In the account that STS names; one that is not there is said."""
    sns_publish(s3_credentials, topic.name, "hello")
    sns_publish_many(s3_credentials, topic.name, ["there"])
    assert sorted(each["Message"] for each in topic.arrived()) == ["hello", "there"]
    with pytest.raises(AwsNotFound, match="sns:Publish"):
        sns_publish(s3_credentials, "no-such-topic", "hello")


def test_the_region_of_an_arn_counts(topic: Topic) -> None:
    """A topic is only known there; credentials of another region publish to it all the same."""
    elsewhere = topic.credentials.model_copy(update={"region": "ap-south-1"})
    sns_publish(elsewhere, topic.arn, "one")
    sns_publish_many(elsewhere, topic.arn, ["two"])
    assert sorted(each["Message"] for each in topic.arrived()) == ["one", "two"]


def test_texts_differ_by_protocol(s3_credentials: AwsCredentials, topic: Topic) -> None:
    """The queue gets its own; one without gets the message."""
    sns_publish(s3_credentials, topic.arn, "long", by_protocol={"sqs": "for queues"})
    sns_publish(s3_credentials, topic.arn, "long", by_protocol={"sms": "short"})
    assert sorted(each["Message"] for each in topic.arrived()) == ["for queues", "long"]


@pytest.mark.parametrize(
    ("to", "parameter"),
    [
        ("+4915112345678", "PhoneNumber"),
        ("arn:aws:sns:REGION:123456789012:endpoint/GCM/app/5e3e9847", "TargetArn"),
        ("arn:aws:sns:REGION:123456789012:alerts", "TopicArn"),
    ],
)
def test_a_place_is_known_by_its_form(
    s3_credentials: AwsCredentials, stubbed: Stubber, to: str, parameter: str
) -> None:
    """A phone, a device, a topic; nothing but what was given is sent."""
    to = to.replace("REGION", str(s3_credentials.region))
    stubbed.add_response("publish", {"MessageId": "m0"}, {parameter: to, "Message": "hello"})
    assert sns_publish(s3_credentials, to, "hello") == "m0"


@pytest.mark.parametrize("to", ["", "a b", "+49 151", "+49x", "arn:aws:sns", "a" * 257])
def test_what_is_no_place_is_refused(s3_credentials: AwsCredentials, to: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match="is no topic"):
        sns_publish(s3_credentials, to, "hello")


def test_order_and_doubles_in_a_fifo_topic(s3_credentials: AwsCredentials, fifo: Topic) -> None:
    """A group keeps its order, over more requests than one; a message with a known id is none."""
    ids = [f"id-{number}" for number in range(12)]
    texts = [str(number) for number in range(12)]
    sns_publish_many(s3_credentials, fifo.arn, texts, group_id="g", deduplication_ids=ids)
    sns_publish(s3_credentials, fifo.arn, "again", group_id="g", deduplication_id="id-3")
    assert [(each["Message"], each["group"]) for each in fifo.arrived()] == [
        (text, "g") for text in texts
    ]


def test_many_messages_arrive(s3_credentials: AwsCredentials, topic: Topic) -> None:
    """More than one request takes, each once; none makes no request."""
    texts = [f"message {number}" for number in range(25)]
    ids = sns_publish_many(s3_credentials, topic.arn, texts, subject="all", attributes={"n": 1})
    arrived = topic.arrived()
    assert {each["MessageId"]: each["Message"] for each in arrived} == dict(
        zip(ids, texts, strict=True)
    )
    assert {each["Subject"] for each in arrived} == {"all"}
    assert sns_publish_many(s3_credentials, topic.arn, []) == []


def test_ids_for_others_than_the_messages_are_refused(
    s3_credentials: AwsCredentials, fifo: Topic
) -> None:
    """Before anything is published."""
    with pytest.raises(InvalidArguments, match="2 messages and 1 deduplication ids"):
        sns_publish_many(s3_credentials, fifo.arn, ["a", "b"], deduplication_ids=["one"])
    assert fifo.arrived() == []


def test_only_those_that_failed_are_published_again(
    s3_credentials: AwsCredentials, stubbed: Stubber, stub_arn: str
) -> None:
    """A part of a batch may fail; what stands is not published twice."""
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    both = [{"Id": "0", "Message": "a"}, {"Id": "1", "Message": "b"}]
    stubbed.add_response(
        "publish_batch",
        {"Successful": [{"Id": "0", "MessageId": "m0"}], "Failed": [failed]},
        {"TopicArn": stub_arn, "PublishBatchRequestEntries": both},
    )
    stubbed.add_response(
        "publish_batch",
        {"Successful": [{"Id": "1", "MessageId": "m1"}], "Failed": []},
        {"TopicArn": stub_arn, "PublishBatchRequestEntries": both[1:]},
    )
    with no_waiting() as waits:
        assert sns_publish_many(s3_credentials, stub_arn, ["a", "b"]) == ["m0", "m1"]
    assert waits == [0.2]


def test_what_was_refused_is_named(
    s3_credentials: AwsCredentials, stubbed: Stubber, stub_arn: str
) -> None:
    """Their numbers, and why; what is the sender's fault is not published again."""
    failed = {"Id": "1", "SenderFault": True, "Code": "InvalidParameter", "Message": "bad"}
    answer = {"Successful": [{"Id": "0", "MessageId": "m0"}], "Failed": [failed]}
    stubbed.add_response("publish_batch", answer)
    with pytest.raises(AwsError, match=r"sns:PublishBatch: 1 of 2 failed .*bad") as caught:
        sns_publish_many(s3_credentials, stub_arn, ["a", "b"])
    assert caught.value.code == "InvalidParameter"


@pytest.mark.parametrize(
    ("attributes", "batches"),
    [({}, [["0", "1"], ["2"]]), ({"hash": b"y" * 9000}, [["0"], ["1"], ["2"]])],
)
def test_large_messages_go_in_smaller_batches(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    stub_arn: str,
    attributes: dict[str, Any],
    batches: list[list[str]],
) -> None:
    """SNS takes 256 KiB in one request, attributes included."""
    for batch in batches:
        successful = [{"Id": each, "MessageId": f"m{each}"} for each in batch]
        stubbed.add_response("publish_batch", {"Successful": successful, "Failed": []})
    texts = ["x" * 120 * 1024] * 3
    published = sns_publish_many(s3_credentials, stub_arn, texts, attributes=attributes)
    assert published == ["m0", "m1", "m2"]


def test_who_may_not_publish_is_told_so(
    s3_credentials: AwsCredentials, stubbed: Stubber, stub_arn: str
) -> None:
    """By the permission that lacks."""
    stubbed.add_client_error("publish", "AuthorizationError", "no", 403)
    with pytest.raises(AwsDenied) as caught:
        sns_publish(s3_credentials, stub_arn, "hello")
    assert "sns:Publish" in caught.value.fix


def test_a_cancelled_task_publishes_no_more(s3_credentials: AwsCredentials, topic: Topic) -> None:
    """Not even the next batch."""
    with Scope("job") as scope:
        scope.cancel()
        with pytest.raises(TaskCancelled):
            sns_publish_many(s3_credentials, topic.arn, ["a"])
    assert topic.arrived() == []


# Batches


@given(sizes=st.lists(st.integers(0, 150), max_size=60), broken=st.sets(st.integers(0, 59)))
def test_batches_are_small_and_lose_nothing(sizes: list[int], broken: set[int]) -> None:
    """Ten by each request, and 100 bytes; what fails once is asked again, and order is kept."""
    seen: list[list[int]] = []

    def ask(entries: list[dict[str, Any]]) -> dict[str, Any]:
        numbers = [int(each["Id"]) for each in entries]
        seen.append(numbers)
        failed = broken.intersection(numbers)
        broken.difference_update(failed)
        return {
            "Successful": [{"Id": str(n), "is": n} for n in numbers if n not in failed],
            "Failed": [{"Id": str(n)} for n in failed],
        }

    again = len(broken & set(range(len(sizes))))
    with no_waiting():
        done = in_batches(
            "x:Y", [{"s": n} for n in sizes], ask, size=lambda e: int(e["s"]), most_bytes=100
        )
    assert [each["is"] for each in done] == list(range(len(sizes)))
    assert sum(map(len, seen)) == len(sizes) + again
    for numbers in seen:
        assert 1 <= len(numbers) <= 10
        assert len(numbers) == 1 or sum(sizes[n] for n in numbers) <= 100


# The notifier


def test_a_notification_arrives_whole(topic: Topic) -> None:
    """With what subscriptions filter by, and the id in the receipt."""
    block = SnsTopic(topic_arn=topic.arn, credentials=topic.credentials)
    receipt = block.send(
        Notification(
            "Load failed",
            "3 of 40 files\n",
            severity="error",  # type: ignore[arg-type]  # taken, too
            fields={"run": "1742"},
            url="https://example.com/run",
            links={"Book": "https://example.com/book"},
            tags=frozenset({"db", "nightly"}),
        )
    )
    (message,) = topic.arrived()
    assert receipt.delivered
    assert receipt.message_id == message["MessageId"]
    assert receipt.target == topic.arn
    assert message["Subject"] == "[ERROR] Load failed"
    assert message["Message"] == (
        "[ERROR] Load failed\n\n3 of 40 files\n\nrun: 1742\n\n"
        "https://example.com/run\nBook: https://example.com/book\n\nTags: db, nightly"
    )
    assert message["MessageAttributes"] == {
        "severity": {"Type": "String", "Value": "error"},
        "tags": {"Type": "String.Array", "Value": '["db", "nightly"]'},
    }


def test_a_saved_topic_is_a_target(topic: Topic) -> None:
    """By its address, which its receipts name."""
    SnsTopic(topic_arn=topic.arn, credentials=topic.credentials).save("ops")
    receipt = open_notifier("aws-sns-topic/ops").send(Notification("hello"))
    assert (receipt.delivered, receipt.target) == (True, "aws-sns-topic/ops")
    assert [each["Message"] for each in topic.arrived()] == ["[INFO] hello"]


def test_a_thread_is_a_group(fifo: Topic) -> None:
    """What SNS does not take as such is hashed; the same notification twice arrives twice."""
    block = SnsTopic(topic_arn=fifo.arn, credentials=fifo.credentials)
    for key in ("run-7", "run-7", None, "läuft"):
        assert block.send(Notification("hello", thread_key=key, dedupe_key="one")).delivered
    groups = [each["group"] for each in fifo.arrived()]
    assert groups[:3] == ["run-7", "run-7", "brickwork"]
    assert len(groups[3]) == 64


def test_a_long_title_is_cut_in_the_subject_only(topic: Topic) -> None:
    """SNS takes less than 100 characters there, and no line breaks."""
    block = SnsTopic(topic_arn=topic.arn, credentials=topic.credentials)
    assert block.send(Notification("long\ntitle \U0001f44d" * 50)).delivered
    (message,) = topic.arrived()
    assert message["Subject"].startswith("[INFO] long title \U0001f44d")
    assert message["Subject"].endswith("…")
    assert len(message["Subject"].encode("utf-16-le")) // 2 <= 99
    assert message["Message"].count("title \U0001f44d") == 50


@settings(max_examples=25)
@given(
    title=st.text(min_size=1).filter(str.strip),
    body=st.text() | st.just("é" * 300_000),
    fields=st.dictionaries(st.text(), st.text() | st.just("\x00" * 50_000), max_size=5),
    tags=st.frozensets(st.text() | st.just("t" * 1500)),
)
def test_no_message_is_too_large(
    title: str, body: str, fields: dict[str, str], tags: frozenset[str]
) -> None:
    """Of any texts: SNS refuses what is above 256 KiB, attributes included."""
    sent: list[dict[str, Any]] = []

    class Kept(SnsTopic):
        def _ask(self, operation: str, parameters: Any, seconds: Any = None) -> Any:
            assert (operation, seconds) == ("publish", self.timeout_seconds)
            sent.append(parameters)
            return {"MessageId": "m"}

    assert Kept(topic_arn=ARN).send(Notification(title, body, fields=fields, tags=tags)).delivered
    attributes = sum(
        len(name.encode()) + len(each["DataType"]) + len(each["StringValue"].encode())
        for name, each in sent[0]["MessageAttributes"].items()
    )
    assert len(sent[0]["Message"].encode()) + attributes <= 256 * 1024
    assert 0 < len(sent[0]["Subject"]) < 100


def test_only_what_was_surely_not_taken_is_sent_again(service: AwsCounterpart) -> None:
    """An error of the service, or no answer, may come after it was published: not by half."""
    for behaviour, again in {
        Behaviour.BROKEN: False,
        Behaviour.SILENT: False,
        Behaviour.RATE_LIMITING: True,
        Behaviour.UNREACHABLE: True,
    }.items():
        with no_waiting():
            receipt = service.notifier(behaviour).send(Notification("hello"))
        assert (receipt.attempts > 1) is again, (behaviour, receipt)


def test_a_fifo_topic_knows_a_double(service: AwsCounterpart) -> None:
    """So there it is sent again, with the same id."""
    broken = service.notifier(Behaviour.BROKEN)
    assert isinstance(broken, SnsTopic)
    with no_waiting():
        receipt = broken.model_copy(update={"topic_arn": f"{ARN}.fifo"}).send(Notification("hello"))
    assert (receipt.status, receipt.http_status) == (DeliveryStatus.FAILED, 500)
    ids = re.findall(r"^[0-9a-f]{32}$", service.received(), re.MULTILINE)
    assert len(ids) == receipt.attempts > 1
    assert len(set(ids)) == 1


def test_the_wait_for_the_next_attempt_is_cancelled(service: AwsCounterpart) -> None:
    """At once; the receipt counts what was tried."""
    notifier = service.notifier(Behaviour.UNREACHABLE)
    with Scope("job") as scope:
        canceller = Thread(target=scope.cancel)
        canceller.start()
        receipt = notifier.send(Notification("hello"))
        canceller.join()
    assert (receipt.status, receipt.attempts) == (DeliveryStatus.FAILED, 1)


def test_wrong_keys_are_refused_with_what_to_do(topic: Topic, service: AwsCounterpart) -> None:
    """The receipt says it, and shows no key."""
    receipt = service.notifier(Behaviour.REFUSING).send(Notification("hello"))
    assert (receipt.status, receipt.http_status) == (DeliveryStatus.REFUSED, 404)
    assert "Check the name, the region and the account" in receipt.detail
    gone = f"{topic.arn}-gone"
    lost = SnsTopic(topic_arn=gone, credentials=topic.credentials).send(Notification("hello"))
    assert lost.status is DeliveryStatus.REFUSED


def test_check_looks_for_the_topic(topic: Topic) -> None:
    """One that is not there fails."""
    block = SnsTopic(topic_arn=topic.arn, credentials=topic.credentials)
    assert block.check().ok
    assert not block.model_copy(update={"topic_arn": f"{topic.arn}-gone"}).check().ok


@pytest.mark.parametrize(
    ("found", "statuses"),
    [
        ({"SubscriptionsConfirmed": "2"}, ["ok", "ok", "skipped"]),
        (
            {"SubscriptionsConfirmed": "0", "SubscriptionsPending": "1"},
            ["ok", "warning", "skipped"],
        ),
        (AwsDenied("may not", fix="Allow it."), ["warning", "skipped"]),
        (AwsError("broken", fix="Mend it."), ["failed", "skipped"]),
        (RuntimeError("a fault"), ["failed", "skipped"]),
    ],
)
def test_check_tells_what_it_found(found: Any, statuses: list[str]) -> None:
    """A topic without subscriptions takes everything, and nobody gets it; nothing is raised."""

    class Told(SnsTopic):
        def _ask(self, operation: str, parameters: Any, seconds: Any = None) -> Any:
            assert (operation, parameters, seconds) == ("get_topic_attributes", {}, 5)
            if isinstance(found, Exception):
                raise found
            return {"Attributes": found}

    report = Told(topic_arn=ARN).check()
    assert [each.status for each in report.findings] == statuses
    assert report.ok == ("failed" not in statuses)


@pytest.mark.parametrize(
    "arn", ["alerts", "arn:aws:sqs:eu-west-1:123456789012:q", f"{ARN}:sub-id", "arn:aws:sns:::x"]
)
def test_what_is_no_topic_is_no_block(arn: str) -> None:
    """The ARN of a queue, or of a subscription, is refused when the block is made."""
    with pytest.raises(ValueError, match="topic_arn"):
        SnsTopic(topic_arn=arn)


def test_a_key_in_a_notification_does_not_leave(topic: Topic) -> None:
    """Nor in the subject, nor in the group."""
    Secret("s3cr3t-in-a-notification")
    text = "key s3cr3t-in-a-notification"
    block = SnsTopic(topic_arn=topic.arn, credentials=topic.credentials)
    block.send(Notification(text, text, thread_key=text, tags=frozenset({text})))
    assert "s3cr3t" not in json.dumps(topic.arrived())
