"""Crawlers: moto runs and stops them; a Stubber lets them fail, and tells what they did."""

import logging
import secrets
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import Scope, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    GlueCrawl,
    aws_call,
    glue_cancel_crawler,
    glue_run_crawler,
    glue_start_crawler,
    glue_wait_crawler,
)
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.contracts.crawlers import crawlers_measured, new_crawler
from brickwork_aws.testing.logs import write_log
from brickwork_aws.testing.moto import crawlers_end

STUBBED = "glue"
AT = datetime(2026, 11, 23, tzinfo=UTC)
CRAWL = GlueCrawl("reports", after="5e1b")
NAMED = {"Name": "reports"}


def seen(state: str, crawl: str = "", status: str = "SUCCEEDED", **more: Any) -> dict[str, Any]:
    """Return what Glue answers about the crawler, and the last crawl that has ended."""
    about = {"Status": status, "StartTime": AT, "MessagePrefix": crawl, **more}
    last = {"LastCrawl": about} if crawl else {}
    return {"Crawler": {"Name": "reports", "State": state, **last}}


def add_metrics(stubbed: Stubber, **metrics: float) -> None:
    """Let Glue tell what the crawl did."""
    stubbed.add_response(
        "get_crawler_metrics",
        {"CrawlerMetricsList": [{"CrawlerName": "reports", **metrics}]},
        {"CrawlerNameList": ["reports"]},
    )


def runs_already(stubbed: Stubber, sent: Stubber, code: str = "CrawlerRunningException") -> None:
    """Let Glue refuse to start it."""
    stubbed.add_response("get_crawler", seen("RUNNING", "5e1b"), NAMED)
    sent.add_client_error("start_crawler", code, "Crawler reports has already started", 400)


def test_a_crawler_is_run_to_its_end(s3_server: AwsServer, s3_credentials: AwsCredentials) -> None:
    """And what it did to the tables is told; stopping it then changes nothing."""
    crawler = new_crawler(s3_credentials)
    did = {"TablesCreated": 2, "TablesUpdated": 1, "LastRuntimeSeconds": 61.5}
    with crawlers_end(s3_server), crawlers_measured(s3_credentials, **did):
        first = glue_run_crawler(s3_credentials, crawler)
        assert (first.crawler, first.joined, first.after) == (crawler, False, "")
        assert (first.tables_created, first.tables_updated, first.tables_deleted) == (2, 1, 0)
        assert first.seconds == 61.5
        second = glue_run_crawler(s3_credentials, crawler)
        assert second.after == first.id != second.id
    glue_cancel_crawler(s3_credentials, second)


def test_a_crawler_that_is_not_there_is_said(s3_credentials: AwsCredentials) -> None:
    """By each task."""
    with pytest.raises(AwsNotFound, match="no-such-crawler"):
        glue_start_crawler(s3_credentials, "no-such-crawler")
    gone = GlueCrawl("no-such-crawler")
    with pytest.raises(AwsNotFound, match="glue:GetCrawler"):
        glue_wait_crawler(s3_credentials, gone)
    with pytest.raises(AwsNotFound, match="glue:StopCrawler"):
        glue_cancel_crawler(s3_credentials, gone)


def test_a_crawler_that_runs_already_is_a_conflict(s3_credentials: AwsCredentials) -> None:
    """It names the crawler, and what can be done."""
    crawler = new_crawler(s3_credentials)
    glue_start_crawler(s3_credentials, crawler)
    with pytest.raises(AwsConflict, match=f"crawler {crawler} runs already") as caught:
        glue_run_crawler(s3_credentials, crawler)
    assert (caught.value.code, caught.value.exit_code) == ("CrawlerRunningException", 5)
    assert "if_running" in str(caught.value.fix)


def test_a_crawl_that_runs_already_can_be_joined(
    s3_server: AwsServer, s3_credentials: AwsCredentials
) -> None:
    """And is waited for, as if this program had started it."""
    crawler = new_crawler(s3_credentials)
    glue_start_crawler(s3_credentials, crawler)
    joined = glue_start_crawler(s3_credentials, crawler, if_running="join")
    assert joined.joined
    with crawlers_end(s3_server), crawlers_measured(s3_credentials, TablesDeleted=1):
        ended = glue_wait_crawler(s3_credentials, joined)
    assert (ended.joined, ended.tables_deleted) == (True, 1)
    crawls = aws_call(s3_credentials, "glue", "list_crawls", CrawlerName=crawler)
    assert len(crawls["Crawls"]) == 1


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_crawler_can_crawl_again_after_the_crawl_that_runs(
    s3_credentials: AwsCredentials, stubbed: Stubber, sent: Stubber, status: str
) -> None:
    """However that one ends: it may have begun before the newest data was there."""
    runs_already(stubbed, sent)
    stubbed.add_response("get_crawler", seen("RUNNING", "5e1b"), NAMED)
    stubbed.add_response("get_crawler", seen("READY", "6f2c", status), NAMED)
    if status == "SUCCEEDED":
        add_metrics(stubbed)
    stubbed.add_response("get_crawler", seen("READY", "6f2c", status), NAMED)
    sent.add_response("start_crawler", {}, NAMED)
    stubbed.add_response("get_crawler", seen("READY", "7a3d"), NAMED)
    add_metrics(stubbed, TablesUpdated=1)
    ended = glue_run_crawler(
        s3_credentials, "reports", if_running="again", poll_seconds=0.01, max_wait_seconds=60
    )
    assert (ended.id, ended.after, ended.joined) == ("7a3d", "6f2c", False)


def test_a_crawler_that_is_being_stopped_runs_too(
    s3_credentials: AwsCredentials, stubbed: Stubber, sent: Stubber
) -> None:
    """It cannot be started; what else is wrong is told as it is."""
    runs_already(stubbed, sent, "CrawlerStoppingException")
    with pytest.raises(AwsConflict, match="or is being stopped"):
        glue_start_crawler(s3_credentials, "reports")
    runs_already(stubbed, sent, "OperationTimeoutException")
    with pytest.raises(AwsError, match="OperationTimeoutException"):
        glue_start_crawler(s3_credentials, "reports", if_running="join")


def test_the_crawl_before_is_not_taken_for_this_one(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Though Glue may show it for a while; a crawl that never shows is an error."""
    stubbed.add_response("get_crawler", seen("READY", "5e1b", "FAILED"), NAMED)
    stubbed.add_response("get_crawler", seen("RUNNING", "5e1b", "FAILED"), NAMED)
    stubbed.add_response("get_crawler", seen("READY", "6f2c"), NAMED)
    add_metrics(stubbed)
    with no_waiting():
        ended = glue_wait_crawler(s3_credentials, CRAWL)
    assert (ended.state, ended.id, ended.started_at) == ("SUCCEEDED", "6f2c", AT)

    for _ in range(11):
        stubbed.add_response("get_crawler", seen("READY", "5e1b"), NAMED)
    with no_waiting(), pytest.raises(AwsNotFound, match="shows no crawl that was started"):
        glue_wait_crawler(s3_credentials, CRAWL)


@pytest.mark.parametrize(
    ("status", "more", "said"),
    [
        ("FAILED", {"ErrorMessage": "Internal Service Exception"}, "Internal Service Exception"),
        ("CANCELLED", {}, "ended as CANCELLED: Glue does not say why"),
    ],
)
def test_a_crawl_that_has_not_ended_well_is_a_failure(
    s3_credentials: AwsCredentials, stubbed: Stubber, status: str, more: dict[str, Any], said: str
) -> None:
    """In Glue's words."""
    stubbed.add_response("get_crawler", seen("READY", "6f2c", status, **more), NAMED)
    with pytest.raises(AwsJobFailed, match=said) as caught:
        glue_wait_crawler(s3_credentials, CRAWL)
    assert caught.value.state == status


def test_a_crawl_that_never_came_to_log_anything_is_known_by_its_begin(
    s3_credentials: AwsCredentials, stubbed: Stubber, sent: Stubber
) -> None:
    """Such as one whose role cannot be assumed; the one before it is another."""
    for at, status in ((AT, "SUCCEEDED"), (AT, "SUCCEEDED"), (AT + timedelta(1), "FAILED")):
        last = {"Status": status, "StartTime": at, "ErrorMessage": "cannot assume the role"}
        crawler = {"Name": "reports", "State": "READY", "LastCrawl": last}
        stubbed.add_response("get_crawler", {"Crawler": crawler}, NAMED)
    sent.add_response("start_crawler", {}, NAMED)
    with no_waiting(), pytest.raises(AwsJobFailed, match="cannot assume the role") as caught:
        glue_run_crawler(s3_credentials, "reports")
    assert caught.value.log == ()


def test_an_error_has_the_last_lines_of_this_crawl(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """All crawls of a crawler share a stream; Glue tells by which prefix to know the lines."""
    group = f"/aws-glue/crawlers-{secrets.token_hex(8)}"
    lines = ("[6f2c] BENCHMARK : Running", "[7a3d] of another", "[6f2c] ERROR : Access Denied")
    write_log(s3_credentials, group, "reports", *lines)
    where = {"LogGroup": group, "LogStream": "reports"}
    stubbed.add_response("get_crawler", seen("READY", "6f2c", "FAILED", **where), NAMED)
    with (
        caplog.at_level(logging.INFO, "brickwork.aws.jobs"),
        pytest.raises(AwsJobFailed) as caught,
    ):
        glue_wait_crawler(s3_credentials, CRAWL)
    assert caught.value.log == (lines[0], lines[2])


@pytest.mark.parametrize("denied", [True, False])
def test_a_log_that_cannot_be_read_is_no_failure(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    caplog: pytest.LogCaptureFixture,
    *,
    denied: bool,
) -> None:
    """The crawl has ended well; a warning tells who may not read it, silence that there is none."""
    where = {"LogGroup": "/no/such", "LogStream": "reports"}
    stubbed.add_response("get_crawler", seen("READY", "6f2c", **where), NAMED)
    add_metrics(stubbed)
    with Stubber(s3_credentials.client("logs")) as logs:
        code = "AccessDeniedException" if denied else "ResourceNotFoundException"
        logs.add_client_error("filter_log_events", code, "no", 400)
        assert glue_wait_crawler(s3_credentials, CRAWL).state == "SUCCEEDED"
    assert ("The log of Glue crawler reports" in caplog.text) == denied


@pytest.mark.parametrize("cancel", [True, False])
def test_a_crawler_is_stopped_with_its_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, *, cancel: bool
) -> None:
    """At Glue; or it goes on."""
    crawler = new_crawler(s3_credentials)
    with Scope("job") as scope:
        timer = threading.Timer(0.3, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            glue_run_crawler(s3_credentials, crawler, poll_seconds=600, cancel_on_stop=cancel)
        timer.join()
    found = aws_call(s3_credentials, "glue", "get_crawler", Name=crawler)
    assert found["Crawler"]["State"] == ("STOPPING" if cancel else "RUNNING")


def test_a_crawl_of_somebody_else_goes_on(
    s3_credentials: AwsCredentials, stubbed: Stubber, sent: Stubber
) -> None:
    """When the time of who joined it is up; the error says so."""
    runs_already(stubbed, sent)
    stubbed.add_response("get_crawler", seen("RUNNING"), NAMED)
    with pytest.raises(AwsTimeout) as caught:
        glue_run_crawler(s3_credentials, "reports", if_running="join", max_wait_seconds=0)
    assert "not stopped" in str(caught.value.fix)


def test_time_that_is_up_stops_the_crawler(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The error says that it was told to stop."""
    stubbed.add_response("get_crawler", seen("RUNNING"), NAMED)
    stubbed.add_response("stop_crawler", {}, NAMED)
    with pytest.raises(AwsTimeout, match="Glue crawler reports did not end") as caught:
        glue_wait_crawler(s3_credentials, CRAWL, max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)


def test_a_crawler_that_is_stopped_already_need_not_be(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """What else goes wrong is an error."""
    for code in ("CrawlerNotRunningException", "CrawlerStoppingException"):
        stubbed.add_client_error("stop_crawler", code, "no", 400)
        glue_cancel_crawler(s3_credentials, CRAWL)
    stubbed.add_client_error("stop_crawler", "OperationTimeoutException", "no", 400)
    with pytest.raises(AwsError, match="OperationTimeoutException"):
        glue_cancel_crawler(s3_credentials, CRAWL)
