"""Glue: crawlers, which look at data and write its tables into the catalog."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from brickwork import Scope, register_type
from brickwork_aws.cloudwatch_logs import logs_filter_events
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError, AwsJobFailed, AwsNotFound
from brickwork_aws.jobs.following import Job, Look, follow
from brickwork_aws.jobs.glue import call, conflict
from brickwork_aws.jobs.starting import started_once
from brickwork_aws.tasks import retried_task, task_once

_START = ("glue:StartCrawler", "glue:GetCrawler")
_WAIT = ("glue:GetCrawler", "glue:GetCrawlerMetrics", "logs:FilterLogEvents")
_CANCEL = ("glue:StopCrawler",)

_RUNS = {"CrawlerRunningException", "CrawlerStoppingException"}
_RUNS_NOT = {"CrawlerNotRunningException", "CrawlerStoppingException"}
_WELL = {"SUCCEEDED", "COMPLETED"}  # the second is what the history of crawls calls it
_UNSEEN = 10  # looks at a crawl that is not known yet; about two minutes

_logger = logging.getLogger("brickwork.aws.jobs")


@register_type("aws.glue-crawl")
@dataclass(frozen=True)
class GlueCrawl:
    """What a crawler does once.

    Attributes:
        crawler: The crawler's name.
        state: ``RUNNING``, ``STOPPING``, ``SUCCEEDED``, ``FAILED`` or ``CANCELLED``, when it was
            last looked at.
        id: Glue's id of it, which its log lines begin with; empty before it has ended.
        after: The id of the crawl before, which is not taken for this one; empty if there was
            none, or if this one was joined.
        joined: Whether somebody else had started it.
        started_at: When it began; None before it has ended.
        seconds: How long it took.
        tables_created: How many tables it wrote into the catalog that were not there.
        tables_updated: How many it changed.
        tables_deleted: How many it took away.
    """

    crawler: str
    state: str = "RUNNING"
    id: str = ""
    after: str = ""
    joined: bool = False
    started_at: datetime | None = None
    seconds: float = 0.0
    tables_created: int = 0
    tables_updated: int = 0
    tables_deleted: int = 0


@task_once(*_START)
def glue_start_crawler(
    credentials: AwsCredentials,
    crawler: str,
    *,
    if_running: Literal["fail", "join"] = "fail",
) -> GlueCrawl:
    """Start a crawler.

    Not retried as a task: the second try would find the crawler running by the first, and take it
    for somebody else's. See https://docs.aws.amazon.com/glue/latest/webapi/API_StartCrawler.html.

    Args:
        credentials: Whose.
        crawler: Its name.
        if_running: What to do if it runs already: ``fail``, or ``join`` that crawl, which may have
            begun before the newest data was there.

    Returns:
        The crawl.

    Raises:
        AwsConflict: It runs already, or is being stopped.
        AwsNotFound: There is no such crawler.

    Examples:
        >>> crawl = glue_start_crawler(credentials, crawler, if_running="join")
        >>> crawl.state, crawl.joined
        ('RUNNING', False)
    """
    before = _id(_described(credentials, crawler).get("LastCrawl", {}))
    try:
        started_once(credentials, "glue", "start_crawler", Name=crawler)
    except AwsError as error:
        if error.code not in _RUNS:
            raise
        if if_running == "fail":
            raise conflict(
                error,
                f"The Glue crawler {crawler} runs already, or is being stopped.",
                fix="Wait for its end, or give if_running.",
            ) from error
        return GlueCrawl(crawler, joined=True)
    return GlueCrawl(crawler, after=before)


@retried_task(*_WAIT, *_CANCEL)
def glue_wait_crawler(
    credentials: AwsCredentials,
    crawl: GlueCrawl,
    *,
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> GlueCrawl:
    """Wait for the end of a crawl, and log what it has logged, at its end.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_GetCrawler.html and
    https://docs.aws.amazon.com/glue/latest/webapi/API_GetCrawlerMetrics.html.

    Args:
        credentials: Whose.
        crawl: The crawl.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether the crawler is stopped when the task is cancelled or its time is
            up; never one that somebody else had started.

    Returns:
        The crawl as it has ended, with what it did to the tables.

    Raises:
        AwsJobFailed: It failed or was stopped. Says why, with the last lines of its log.
        AwsNotFound: There is no such crawler, or it does not show the crawl.
        AwsTimeout: It did not end in time.

    Examples:
        >>> crawl = glue_wait_crawler(credentials, crawl, max_wait_seconds=1800)
        >>> crawl.tables_created, crawl.tables_updated
        (1, 0)
    """
    return follow(
        _Crawl(credentials, crawl),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop and not crawl.joined,
    )


@retried_task(*_CANCEL)
def glue_cancel_crawler(credentials: AwsCredentials, crawl: GlueCrawl) -> None:
    """Stop a crawler; one that does not run stays as it is.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_StopCrawler.html.

    Args:
        credentials: Whose.
        crawl: The crawl, also one that somebody else had started.

    Raises:
        AwsNotFound: There is no such crawler.

    Examples:
        >>> from brickwork_aws import aws_call
        >>> glue_cancel_crawler(credentials, crawl)
        >>> aws_call(credentials, "glue", "get_crawler", Name=crawl.crawler)["Crawler"]["State"]
        'STOPPING'
    """
    _Crawl(credentials, crawl).stop()


@task_once(*_START, *_WAIT, *_CANCEL)
def glue_run_crawler(
    credentials: AwsCredentials,
    crawler: str,
    *,
    if_running: Literal["fail", "join", "again"] = "fail",
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> GlueCrawl:
    """Start a crawler, and wait for the end of its crawl.

    Not retried as a task, as `glue_start_crawler`.

    Args:
        credentials: Whose.
        crawler: Its name.
        if_running: What to do if it runs already: ``fail``; ``join`` that crawl, which may have
            begun before the newest data was there; or wait for its end, however that is, and let
            it crawl ``again``.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether the crawler is stopped when the task is cancelled or its time is
            up; never where somebody else had started it.

    Returns:
        The crawl as it has ended, with what it did to the tables.

    Raises:
        AwsConflict: It runs already, or is being stopped.
        AwsNotFound: There is no such crawler.
        AwsJobFailed: The crawl failed or was stopped; says why, with the last lines of its log.
        AwsTimeout: It did not end in time.

    Examples:
        >>> crawl = glue_run_crawler(credentials, crawler, if_running="again")
        >>> crawl.tables_created, crawl.tables_updated
        (1, 0)
    """
    time = Scope(seconds=max_wait_seconds)

    def ended(crawl: GlueCrawl) -> GlueCrawl:
        return glue_wait_crawler.fn(
            credentials,
            crawl,
            poll_seconds=poll_seconds,
            max_wait_seconds=None if max_wait_seconds is None else time.remaining(),
            cancel_on_stop=cancel_on_stop,
        )

    otherwise: Literal["fail", "join"] = "fail" if if_running == "fail" else "join"
    crawl = glue_start_crawler.fn(credentials, crawler, if_running=otherwise)
    while if_running == "again" and crawl.joined:
        with suppress(AwsJobFailed):
            ended(crawl)
        crawl = glue_start_crawler.fn(credentials, crawler, if_running=otherwise)
    return ended(crawl)


@dataclass
class _Crawl(Job[GlueCrawl]):
    credentials: AwsCredentials
    crawl: GlueCrawl
    _last: Mapping[str, Any] = field(default_factory=dict)
    _misses: int = 0

    @property
    def what(self) -> str:
        return f"Glue crawler {self.crawl.crawler}"

    def look(self) -> Look:
        found = _described(self.credentials, self.crawl.crawler)
        if found["State"] != "READY":
            return Look(found["State"])
        last = found.get("LastCrawl", {})
        if _id(last) == self.crawl.after:
            return self._missing()
        self._last = last
        state = last["Status"]
        failure = ""
        if state not in _WELL:
            failure = last.get("ErrorMessage") or "Glue does not say why"
        return Look(state, ended=True, failure=failure)

    def stop(self) -> None:
        try:
            call(self.credentials, "stop_crawler", Name=self.crawl.crawler)
        except AwsError as error:
            if error.code not in _RUNS_NOT:
                raise

    def result(self) -> GlueCrawl:
        answer = call(self.credentials, "get_crawler_metrics", CrawlerNameList=[self.crawl.crawler])
        metrics: Mapping[str, Any] = next(iter(answer.get("CrawlerMetricsList", ())), {})
        return GlueCrawl(
            self.crawl.crawler,
            self._last["Status"],
            _id(self._last),
            self.crawl.after,
            self.crawl.joined,
            self._last.get("StartTime"),
            metrics.get("LastRuntimeSeconds", 0.0),
            metrics.get("TablesCreated", 0),
            metrics.get("TablesUpdated", 0),
            metrics.get("TablesDeleted", 0),
        )

    def new_lines(self) -> Iterator[str]:
        """Give what the crawl has logged, once it has ended: all crawls share a stream."""
        if "LogGroup" not in self._last or "MessagePrefix" not in self._last:
            return
        try:
            found = logs_filter_events.fn(
                self.credentials,
                self._last["LogGroup"],
                f'"{self._last["MessagePrefix"]}"',
                streams=[self._last.get("LogStream") or self.crawl.crawler],
            )
        except AwsNotFound:  # it has logged nothing
            return
        except AwsError as error:
            _logger.warning("The log of %s: %s", self.what, error)
            return
        yield from (event.message for event in found)

    def _missing(self) -> Look:
        """What StartCrawler has just begun may not be seen yet."""
        self._misses += 1
        if self._misses > _UNSEEN:
            raise AwsNotFound(
                f"{self.what} does not run, and shows no crawl that was started.",
                fix="Start it, and wait for what that returns.",
            )
        return Look(self.crawl.state)


def _described(credentials: AwsCredentials, crawler: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = call(credentials, "get_crawler", Name=crawler)["Crawler"]
    return found


def _id(last: Mapping[str, Any]) -> str:
    """Return what a crawl is known by; one that never came to log anything, by its begin."""
    return str(last.get("MessagePrefix") or last.get("StartTime") or "")
