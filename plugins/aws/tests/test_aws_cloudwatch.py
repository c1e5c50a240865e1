"""CloudWatch and its logs against moto; a Stubber gives the pages that moto never gives."""

import datetime
import logging
import secrets
import time
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, Scope, TaskCancelled
from brickwork_aws import (
    AwsCredentials,
    AwsDenied,
    AwsNotFound,
    LogEvent,
    aws_call,
    cloudwatch_put_metric,
    logs_filter_events,
    logs_tail,
)
from brickwork_aws.cloudwatch_logs import LogTail

STUBBED = "logs"
NOW = time.time_ns() // 1_000_000


@pytest.fixture
def group(s3_credentials: AwsCredentials) -> str:
    """The name of a fresh log group."""
    name = f"group-{secrets.token_hex(8)}"
    aws_call(s3_credentials, "logs", "create_log_group", logGroupName=name)
    return name


def write(credentials: AwsCredentials, group: str, stream: str, lines: dict[int, str]) -> None:
    """Log lines by how many seconds ago they were."""
    where: dict[str, Any] = {"logGroupName": group, "logStreamName": stream}
    known = aws_call(credentials, "logs", "describe_log_streams", logGroupName=group)["logStreams"]
    if stream not in [each["logStreamName"] for each in known]:
        aws_call(credentials, "logs", "create_log_stream", **where)
    events = [{"timestamp": NOW - 1000 * ago, "message": line} for ago, line in lines.items()]
    aws_call(credentials, "logs", "put_log_events", **where, logEvents=events)


def moment(ago: int) -> datetime.datetime:
    """Return the time so many seconds ago."""
    return datetime.datetime.fromtimestamp((NOW - 1000 * ago) / 1000, datetime.UTC)


def events(*messages: str) -> list[dict[str, Any]]:
    """Return events as CloudWatch gives them."""
    return [{"timestamp": NOW, "message": each, "ingestionTime": NOW} for each in messages]


def page(*messages: str, forward: str = "f/1", backward: str = "b/1") -> dict[str, Any]:
    """Return a page of a stream."""
    return {
        "events": events(*messages),
        "nextForwardToken": forward,
        "nextBackwardToken": backward,
    }


def test_what_was_logged_is_found(s3_credentials: AwsCredentials, group: str) -> None:
    """By pattern, by time and by stream; in the order in which it happened."""
    write(s3_credentials, group, "a", {30: "ERROR one\n", 20: "fine"})
    write(s3_credentials, group, "b", {25: "ERROR two", 10: "ERROR three"})
    found = logs_filter_events(s3_credentials, group, "ERROR")
    assert found == [
        LogEvent(moment(30), "ERROR one", "a"),
        LogEvent(moment(25), "ERROR two", "b"),
        LogEvent(moment(10), "ERROR three", "b"),
    ]
    some = logs_filter_events(s3_credentials, group, since=moment(25), until=moment(20))
    assert [each.message for each in some] == ["ERROR two", "fine"]
    only_a = logs_filter_events(s3_credentials, group, streams=["a"])
    assert [each.message for each in only_a] == ["ERROR one", "fine"]


def test_what_is_found_goes_on_over_the_pages(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Also over one that is empty; but no further than was asked for."""
    for answer, token in (
        ({"events": [{**events("a")[0], "logStreamName": "s"}], "nextToken": "1"}, None),
        ({"events": [], "nextToken": "2"}, "1"),
        ({"events": [{**events("b")[0], "logStreamName": "s"}]}, "2"),
    ):
        asked = {"logGroupName": "g", **({"nextToken": token} if token else {})}
        stubbed.add_response("filter_log_events", answer, asked)
    assert [each.message for each in logs_filter_events(s3_credentials, "g")] == ["a", "b"]

    stubbed.add_response(
        "filter_log_events",
        {"events": [{**events("a")[0], "logStreamName": "s"}], "nextToken": "1"},
        {"logGroupName": "g"},
    )
    assert len(logs_filter_events(s3_credentials, "g", limit=1)) == 1


def test_a_group_that_is_not_there_is_said(s3_credentials: AwsCredentials) -> None:
    """By the operation that looked for it."""
    with pytest.raises(AwsNotFound, match="logs:FilterLogEvents"):
        logs_filter_events(s3_credentials, "no-such-group")
    with pytest.raises(AwsNotFound, match="logs:GetLogEvents"):
        logs_tail(s3_credentials, "no-such-group", "no-such-stream")


def test_the_last_lines_of_a_stream(s3_credentials: AwsCredentials, group: str) -> None:
    """As many as were asked for, or as there are; none where none are wanted."""
    write(s3_credentials, group, "a", {9 - each: f"line {each}" for each in range(9)})
    assert [each.message for each in logs_tail(s3_credentials, group, "a", lines=2)] == [
        "line 7",
        "line 8",
    ]
    assert len(logs_tail(s3_credentials, group, "a")) == 9
    assert [e.message for e in logs_tail(s3_credentials, group, "a", since=moment(1))] == ["line 8"]
    assert logs_tail(s3_credentials, group, "a", lines=0) == []


def test_the_last_lines_go_back_over_the_pages(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Until there are enough, or the token stays the same."""
    asked = {"logGroupName": "g", "logStreamName": "s", "startFromHead": False}
    for answer, more in (
        (page("c", "d", backward="b/1"), {"limit": 5}),
        (page(backward="b/2"), {"limit": 3, "nextToken": "b/1"}),
        (page("a", "b", backward="b/3"), {"limit": 3, "nextToken": "b/2"}),
        (page(backward="b/3"), {"limit": 1, "nextToken": "b/3"}),
    ):
        stubbed.add_response("get_log_events", answer, {**asked, **more})
    found = logs_tail(s3_credentials, "g", "s", lines=5)
    assert [each.message for each in found] == ["a", "b", "c", "d"]


def test_the_last_lines_of_a_group(s3_credentials: AwsCredentials, group: str) -> None:
    """Of all its streams, however far apart; by default of a day."""
    write(s3_credentials, group, "a", {90_000: "yesterday", 3_000: "long ago", 2: "four"})
    write(s3_credentials, group, "b", {3_001: "longer ago", 200: "three", 1: "five"})

    def tail(lines: int, **given: Any) -> list[str]:
        found = logs_tail(s3_credentials, group, lines=lines, **given)
        return [each.message for each in found]

    assert tail(1) == ["five"]
    assert tail(4) == ["long ago", "three", "four", "five"]
    assert tail(100) == ["longer ago", "long ago", "three", "four", "five"]
    assert tail(100, since=moment(200)) == ["three", "four", "five"]
    assert tail(100, since=moment(100_000))[0] == "yesterday"
    assert tail(0) == []


def test_less_than_no_lines_are_refused(s3_credentials: AwsCredentials) -> None:
    """Before anything is asked."""
    with pytest.raises(InvalidArguments, match="-1 lines"):
        logs_tail(s3_credentials, "no-such-group", lines=-1)


def test_a_tail_gives_each_line_once(s3_credentials: AwsCredentials, group: str) -> None:
    """None before there is a stream, then what is new since the last time."""
    tail = LogTail(s3_credentials, group, "later")
    assert list(tail.new_lines()) == []
    write(s3_credentials, group, "later", {9: "one\n", 8: "two"})
    assert list(tail.new_lines()) == ["one", "two"]
    assert list(tail.new_lines()) == []
    write(s3_credentials, group, "later", {7: "three"})
    assert list(tail.new_lines()) == ["three"]


def test_a_tail_goes_on_over_empty_pages(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """A stream has ended where it gives back the token that it was given."""
    asked = {"logGroupName": "g", "logStreamName": "s", "startFromHead": True}
    for answer, more in (
        (page(forward="f/1"), {}),
        (page("a", forward="f/2"), {"nextToken": "f/1"}),
        (page(forward="f/2"), {"nextToken": "f/2"}),
    ):
        stubbed.add_response("get_log_events", answer, {**asked, **more})
    assert list(LogTail(s3_credentials, "g", "s").new_lines()) == ["a"]


def test_a_log_that_may_not_be_read_is_a_warning(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """One, however often it is asked; once it may be read, its lines come."""
    tail = LogTail(s3_credentials, "g", "s")
    for _ in range(2):
        stubbed.add_client_error("get_log_events", "AccessDeniedException", "no", 403)
    stubbed.add_response("get_log_events", page("a", forward="f/1"))
    stubbed.add_response("get_log_events", page(forward="f/1"))
    with caplog.at_level(logging.WARNING, "brickwork.aws.logs"):
        assert list(tail.new_lines()) == []
        assert list(tail.new_lines()) == []
        assert list(tail.new_lines()) == ["a"]
    (warning,) = caplog.records
    assert "logs:GetLogEvents" in warning.getMessage()


def test_a_tail_stops_with_its_task(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Between two pages, since a log may be written faster than it is read."""
    stubbed.add_response("get_log_events", page("a", forward="f/1"))
    with Scope("job") as scope:
        lines = LogTail(s3_credentials, "g", "s").new_lines()
        assert next(lines) == "a"
        scope.cancel()
        with pytest.raises(TaskCancelled):
            next(lines)


def test_values_of_a_metric_arrive(s3_credentials: AwsCredentials) -> None:
    """One or many, with unit, dimensions and time."""
    namespace = f"Test/{secrets.token_hex(8)}"
    at = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    cloudwatch_put_metric(
        s3_credentials, namespace, "Rows", 42, unit="Count", dimensions={"Flow": "nightly"}, at=at
    )
    cloudwatch_put_metric(s3_credentials, namespace, "Wait", [0.5] * 400, unit="Seconds", at=at)
    cloudwatch_put_metric(s3_credentials, namespace, "Nothing", [])

    def summed(metric: str, **given: Any) -> dict[str, Any]:
        minute = datetime.timedelta(minutes=1)
        (found,) = aws_call(
            s3_credentials,
            "cloudwatch",
            "get_metric_statistics",
            Namespace=namespace,
            MetricName=metric,
            StartTime=at - minute,
            EndTime=at + minute,
            Period=60,
            Statistics=["Sum", "SampleCount"],
            **given,
        )["Datapoints"]
        return dict(found)

    rows = summed("Rows", Dimensions=[{"Name": "Flow", "Value": "nightly"}])
    assert (rows["Sum"], rows["Unit"]) == (42, "Count")
    waits = summed("Wait")
    assert (waits["Sum"], waits["SampleCount"], waits["Unit"]) == (200, 400, "Seconds")


def test_what_cloudwatch_is_told_of_a_metric(s3_credentials: AwsCredentials) -> None:
    """Only what was given, 150 values by each request; what it refuses is said."""
    with Stubber(s3_credentials.client("cloudwatch")) as stubber:
        for some in (150, 1):
            datum = {"MetricName": "Rows", "Values": [1.0] * some, "StorageResolution": 1}
            asked = {"Namespace": "Test", "MetricData": [datum]}
            stubber.add_response("put_metric_data", {}, asked)
        cloudwatch_put_metric(s3_credentials, "Test", "Rows", [1.0] * 151, high_resolution=True)
        stubber.add_client_error("put_metric_data", "AccessDenied", "no", 403)
        with pytest.raises(AwsDenied):
            cloudwatch_put_metric(s3_credentials, "Test", "Rows", 1)
        stubber.assert_no_pending_responses()
