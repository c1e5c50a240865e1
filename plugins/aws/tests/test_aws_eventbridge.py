"""EventBridge against moto: events come to a queue by way of a rule."""

import datetime
import json
import secrets
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import given, strategies as st

from brickwork import InvalidArguments, Scope, Secret, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    AwsNotFound,
    EventBridgeEvent,
    aws_call,
    eventbridge_delete_rule,
    eventbridge_disable_rule,
    eventbridge_enable_rule,
    eventbridge_put_events,
    eventbridge_put_rule,
    sqs_receive_messages,
)
from brickwork_aws.eventbridge import MAX_BYTES

STUBBED = "events"


class Listener:
    """A bus with a rule, and a queue that is its target."""

    def __init__(self, credentials: AwsCredentials) -> None:
        self.credentials = credentials
        self.bus = self.rule = f"bus-{secrets.token_hex(8)}"
        self.source = f"com.example.{self.bus}"
        aws_call(credentials, "events", "create_event_bus", Name=self.bus)
        self.queue = aws_call(credentials, "sqs", "create_queue", QueueName=self.bus)["QueueUrl"]
        eventbridge_put_rule(
            credentials, self.rule, pattern={"source": [self.source]}, bus=self.bus
        )
        self.add_targets(1)

    def add_targets(self, count: int) -> None:
        """Let the queue be a target so many times."""
        at = aws_call(
            self.credentials,
            "sqs",
            "get_queue_attributes",
            QueueUrl=self.queue,
            AttributeNames=["QueueArn"],
        )
        arn = at["Attributes"]["QueueArn"]
        for number in range(count):
            target = {"Id": f"t{number}", "Arn": arn}
            aws_call(
                self.credentials,
                "events",
                "put_targets",
                Rule=self.rule,
                EventBusName=self.bus,
                Targets=[target],
            )

    def arrived(self) -> list[Any]:
        """Return the events that came."""
        found = sqs_receive_messages(self.credentials, self.queue, limit=100)
        return [each.json() for each in found]

    def described(self) -> dict[str, Any]:
        """Return what EventBridge says of the rule."""
        return aws_call(
            self.credentials, "events", "describe_rule", Name=self.rule, EventBusName=self.bus
        )


@pytest.fixture
def listener(s3_credentials: AwsCredentials) -> Listener:
    """A fresh bus."""
    return Listener(s3_credentials)


# Events


def test_an_event_arrives_with_all_that_was_given(
    s3_credentials: AwsCredentials, listener: Listener
) -> None:
    """Source, type, detail, resources, time; one of another source does not."""
    time = datetime.datetime(2026, 11, 20, 10, tzinfo=datetime.UTC)
    event = EventBridgeEvent(
        listener.source, "Load ended", {"rows": 42, "of": ["ä"]}, ("arn:aws:s3:::reports",), time
    )
    other = EventBridgeEvent("com.example.other", "Load ended")
    ids = eventbridge_put_events(s3_credentials, [event, other], bus=listener.bus)
    (found,) = listener.arrived()
    assert found["id"] == ids[0]
    assert found["source"] == listener.source
    assert found["detail-type"] == "Load ended"
    assert found["detail"] == {"rows": 42, "of": ["ä"]}
    assert found["resources"] == ["arn:aws:s3:::reports"]
    assert found["time"].startswith("2026-11-20T10:00:00")


def test_many_events_arrive(s3_credentials: AwsCredentials, listener: Listener) -> None:
    """More than one request takes, each once; none makes no request."""
    events = [EventBridgeEvent(listener.source, "Counted", {"n": n}) for n in range(25)]
    ids = eventbridge_put_events(s3_credentials, events, bus=listener.bus)
    assert {each["id"]: each["detail"]["n"] for each in listener.arrived()} == dict(
        zip(ids, range(25), strict=True)
    )
    assert eventbridge_put_events(s3_credentials, []) == []


def test_only_those_that_failed_are_put_again(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """EventBridge tells by their order which those are."""
    a, b, c = ({"Source": "s", "DetailType": kind, "Detail": "{}"} for kind in "abc")
    throttled = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
    stubbed.add_response(
        "put_events",
        {"FailedEntryCount": 2, "Entries": [throttled, {"EventId": "e-b"}, throttled]},
        {"Entries": [a, b, c]},
    )
    stubbed.add_response(
        "put_events",
        {"FailedEntryCount": 0, "Entries": [{"EventId": "e-a"}, {"EventId": "e-c"}]},
        {"Entries": [a, c]},
    )
    with no_waiting() as waits:
        events = [EventBridgeEvent("s", kind) for kind in "abc"]
        assert eventbridge_put_events(s3_credentials, events) == ["e-a", "e-b", "e-c"]
    assert waits == [0.2]


def test_what_was_refused_is_named(s3_credentials: AwsCredentials, listener: Listener) -> None:
    """Its number, and why; what is the sender's fault is not put again."""
    events = [EventBridgeEvent("s", "a"), EventBridgeEvent("", "b")]
    with pytest.raises(AwsError, match=r"events:PutEvents: 1 of 2 failed \(numbers 1") as caught:
        eventbridge_put_events(s3_credentials, events, bus=listener.bus)
    assert caught.value.code == "InvalidArgument"


def test_what_fails_each_time_is_given_up(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """After five times."""
    failed = {"ErrorCode": "InternalFailure"}
    for _ in range(5):
        stubbed.add_response("put_events", {"FailedEntryCount": 1, "Entries": [failed]})
    with no_waiting() as waits, pytest.raises(AwsError, match="InternalFailure"):
        eventbridge_put_events(s3_credentials, [EventBridgeEvent("s", "a")])
    assert len(waits) == 4


def test_large_events_go_in_smaller_batches(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """EventBridge takes less than 1 MB in one request."""
    for batch in (["e0", "e1"], ["e2"]):
        entries = [{"EventId": each} for each in batch]
        stubbed.add_response("put_events", {"FailedEntryCount": 0, "Entries": entries})
    events = [EventBridgeEvent("s", "a", {"text": "x" * 400_000})] * 3
    assert eventbridge_put_events(s3_credentials, events) == ["e0", "e1", "e2"]


@given(extra=st.integers(0, 2), time=st.booleans(), letter=st.sampled_from("xé日"))
def test_an_event_that_is_too_large_is_refused(extra: int, time: bool, letter: str) -> None:
    """Before anything is put, and with its number; sizes are those of UTF-8."""
    fixed = len("s") + len("t") + len('{"d": ""}') + (14 if time else 0)
    room = MAX_BYTES - fixed + extra
    text = letter * (room // len(letter.encode()))
    text += "x" * (room - len(text.encode()))
    when = datetime.datetime.now(datetime.UTC) if time else None
    credentials = AwsCredentials(
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=Secret("x-no-secret"),
        region="eu-west-1",
        endpoint_url="http://127.0.0.1:1",
    )
    events = [EventBridgeEvent("s", "t"), EventBridgeEvent("s", "t", {"d": text}, (), when)]
    with pytest.raises(InvalidArguments, match=f"Event 1 .* {MAX_BYTES + extra:,} bytes"):
        eventbridge_put_events(credentials, events)


@pytest.mark.parametrize("detail", [{"when": datetime.date(2026, 1, 1)}, {"share": float("nan")}])
def test_a_detail_that_is_no_json_is_refused(
    s3_credentials: AwsCredentials, listener: Listener, detail: dict[str, Any]
) -> None:
    """Before anything is put."""
    events = [
        EventBridgeEvent(listener.source, "fine"),
        EventBridgeEvent(listener.source, "bad", detail),
    ]
    with pytest.raises(InvalidArguments, match="no JSON"):
        eventbridge_put_events(s3_credentials, events, bus=listener.bus)
    assert listener.arrived() == []


def test_a_cancelled_task_puts_no_more(s3_credentials: AwsCredentials, listener: Listener) -> None:
    """Not even the next batch."""
    with Scope("job") as scope:
        scope.cancel()
        with pytest.raises(TaskCancelled):
            eventbridge_put_events(
                s3_credentials, [EventBridgeEvent(listener.source, "late")], bus=listener.bus
            )
    assert listener.arrived() == []


# Rules


def test_a_rule_is_made_and_replaced(s3_credentials: AwsCredentials, listener: Listener) -> None:
    """What is left out is not kept; its targets are."""
    arn = eventbridge_put_rule(
        s3_credentials,
        listener.rule,
        pattern={"source": ["other"]},
        description="Waits for loads.",
        enabled=False,
        bus=listener.bus,
    )
    found = listener.described()
    assert found["Arn"] == arn
    assert json.loads(found["EventPattern"]) == {"source": ["other"]}
    assert (found["State"], found["Description"]) == ("DISABLED", "Waits for loads.")
    eventbridge_put_rule(
        s3_credentials, listener.rule, pattern={"source": [listener.source]}, bus=listener.bus
    )
    assert listener.described()["State"] == "ENABLED"
    eventbridge_put_events(
        s3_credentials, [EventBridgeEvent(listener.source, "seen")], bus=listener.bus
    )
    assert [each["detail-type"] for each in listener.arrived()] == ["seen"]


def test_a_rule_goes_by_the_clock(s3_credentials: AwsCredentials) -> None:
    """On the bus of the account."""
    name = f"nightly-{secrets.token_hex(8)}"
    eventbridge_put_rule(s3_credentials, name, schedule="rate(5 minutes)")
    found = aws_call(s3_credentials, "events", "describe_rule", Name=name)
    assert found["ScheduleExpression"] == "rate(5 minutes)"


def test_a_rule_for_nothing_is_refused(s3_credentials: AwsCredentials) -> None:
    """Before anything is asked."""
    with pytest.raises(InvalidArguments, match="neither a pattern nor a schedule"):
        eventbridge_put_rule(s3_credentials, "empty")


def test_a_rule_is_switched_off_and_on(s3_credentials: AwsCredentials, listener: Listener) -> None:
    """Twice is once; one that is not there is said."""
    for _ in range(2):
        eventbridge_disable_rule(s3_credentials, listener.rule, bus=listener.bus)
        assert listener.described()["State"] == "DISABLED"
    for _ in range(2):
        eventbridge_enable_rule(s3_credentials, listener.rule, bus=listener.bus)
        assert listener.described()["State"] == "ENABLED"
    for switch in (eventbridge_enable_rule, eventbridge_disable_rule):
        with pytest.raises(AwsNotFound):
            switch(s3_credentials, "no-such-rule", bus=listener.bus)


def test_a_rule_is_deleted_with_its_targets(
    s3_credentials: AwsCredentials, listener: Listener
) -> None:
    """Also more of them than one request removes; deleting it again does nothing."""
    listener.add_targets(12)
    for _ in range(2):
        eventbridge_delete_rule(s3_credentials, listener.rule, bus=listener.bus)
        with pytest.raises(AwsNotFound):
            listener.described()
    eventbridge_delete_rule(s3_credentials, listener.rule, bus="no-such-bus")


def test_targets_of_all_pages_are_removed_again_if_need_be(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The rule is deleted when they are gone."""
    rule = {"Rule": "r"}
    first = {"Targets": [{"Id": "a", "Arn": "arn:aws:sqs:x:1:q"}], "NextToken": "more"}
    stubbed.add_response("list_targets_by_rule", first, rule)
    last = {"Targets": [{"Id": "b", "Arn": "arn:aws:sqs:x:1:q"}]}
    stubbed.add_response("list_targets_by_rule", last, {**rule, "NextToken": "more"})
    failed = {"TargetId": "a", "ErrorCode": "ConcurrentModificationException"}
    stubbed.add_response(
        "remove_targets",
        {"FailedEntryCount": 1, "FailedEntries": [failed]},
        {**rule, "Ids": ["a", "b"]},
    )
    removed: dict[str, Any] = {"FailedEntryCount": 0, "FailedEntries": []}
    stubbed.add_response("remove_targets", removed, {**rule, "Ids": ["a"]})
    stubbed.add_response("delete_rule", {}, {"Name": "r"})
    with no_waiting() as waits:
        eventbridge_delete_rule(s3_credentials, "r")
    assert waits == [0.2]


def test_a_target_that_stays_keeps_its_rule(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """And it is said why it stays."""
    targets = {"Targets": [{"Id": "a", "Arn": "arn:aws:sqs:x:1:q"}]}
    stubbed.add_response("list_targets_by_rule", targets)
    failed = {"TargetId": "a", "ErrorCode": "ManagedRuleException", "ErrorMessage": "not yours"}
    stubbed.add_response("remove_targets", {"FailedEntryCount": 1, "FailedEntries": [failed]})
    with pytest.raises(AwsError, match=r"events:RemoveTargets: 1 of 1 failed .*not yours"):
        eventbridge_delete_rule(s3_credentials, "r")
