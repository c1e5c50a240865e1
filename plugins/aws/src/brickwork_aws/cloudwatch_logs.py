"""CloudWatch Logs: what is found, what came last, and what is new since the last time."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from brickwork import InvalidArguments, check_cancelled, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError, AwsNotFound
from brickwork_aws.tasks import retried_task

PAGE = 10_000
"""Events that one request gives at most."""

_FIRST_WINDOW = timedelta(seconds=10)
_WINDOW_GROWTH = 4
_OF_A_GROUP = timedelta(days=1)

_logger = logging.getLogger("brickwork.aws.logs")


@register_type("aws.log-event")
@dataclass(frozen=True)
class LogEvent:
    """What was logged at once: mostly a line.

    Attributes:
        at: When it happened, as who logged it says.
        message: The text, without the newline at its end.
        stream: In which stream of the group it is.
    """

    at: datetime
    message: str
    stream: str


@retried_task("logs:FilterLogEvents")
def logs_filter_events(
    credentials: AwsCredentials,
    group: str,
    pattern: str | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    streams: list[str] | None = None,
    limit: int | None = None,
) -> list[LogEvent]:
    """Find what was logged in a group, page by page to the end.

    See
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html;
    for patterns
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html.

    Args:
        credentials: Whose.
        group: The name of the log group.
        pattern: What to look for: ``ERROR``, ``{ $.level = "error" }``; by default everything.
        since: Only what happened then or later; a time without a zone is local.
        until: Only what happened then or before.
        streams: Only in these streams, at most 100; by default in all of the group.
        limit: At most so many, the first ones; by default all, in memory.

    Returns:
        The events, the oldest first.

    Raises:
        AwsNotFound: There is no such group or stream.
        AwsError: CloudWatch refuses, such as a pattern that it cannot read.

    Examples:
        >>> from datetime import datetime, timedelta
        >>> lately = datetime.now() - timedelta(hours=1)
        >>> events = logs_filter_events(credentials, group, "ERROR", since=lately, limit=10)
        >>> [event.message for event in events]
        ['ERROR no file of 2026-11-23']
    """
    found = _filtered(credentials, group, pattern, since, until, streams)
    return sorted(islice(found, limit), key=lambda event: event.at)


@retried_task("logs:GetLogEvents", "logs:FilterLogEvents")
def logs_tail(
    credentials: AwsCredentials,
    group: str,
    stream: str | None = None,
    *,
    lines: int = 100,
    since: datetime | None = None,
) -> list[LogEvent]:
    """Read what was logged last, in a stream or in all streams of a group.

    Of a group, the last seconds are looked at, then the minute before, and so on until there are
    enough. See
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html.

    Args:
        credentials: Whose.
        group: The name of the log group.
        stream: The name of the stream; by default all of the group.
        lines: At most so many.
        since: Only what happened then or later; by default all of a stream, and of a group what is
            not older than a day. A time without a zone is local.

    Returns:
        The events, the oldest first.

    Raises:
        InvalidArguments: ``lines`` is negative.
        AwsNotFound: There is no such group or stream.

    Examples:
        >>> logs_tail(credentials, group, lines=1)
        [LogEvent(at=datetime.datetime(...), message='INFO 1742 rows', stream='nightly')]
    """
    if lines < 0:
        raise InvalidArguments(
            f"{lines} lines cannot be read.", fix="Give a number of 0 or more as lines."
        )
    if stream is not None:
        return _last_of_stream(credentials, group, stream, lines, since)
    return _last_of_group(credentials, group, lines, since)


class LogTail:
    """What a stream has logged since the last time that it was asked.

    Args:
        credentials: Whose; their region is where the group is.
        group: The name of the log group.
        stream: The name of the stream, which may come to be later.

    Attributes:
        group: The name of the log group.
        stream: The name of the stream.
    """

    def __init__(self, credentials: AwsCredentials, group: str, stream: str) -> None:
        self.group = group
        self.stream = stream
        self._credentials = credentials
        self._token: str | None = None
        self._warned = False

    def new_lines(self) -> Iterator[str]:
        """Give the lines that are new, at first all.

        None while there is no such stream. Where the log cannot be read a warning says so, once:
        the job that writes it goes on.

        Raises:
            TaskCancelled: The task was cancelled meanwhile.
        """
        try:
            for found in self._pages():
                yield from (_text(each) for each in found)
        except AwsNotFound:  # it comes with its first line
            return
        except AwsError as error:
            if not self._warned:
                _logger.warning("The log %s of %s: %s", self.stream, self.group, error)
            self._warned = True

    def _pages(self) -> Iterator[list[Mapping[str, Any]]]:
        while True:
            answer = _get(
                self._credentials,
                self.group,
                self.stream,
                nextToken=self._token,
                startFromHead=True,
            )
            # At its end a stream gives back the token that it was given; a page before that may
            # be empty.
            before, self._token = self._token, answer["nextForwardToken"]
            yield answer["events"]
            if self._token == before:
                return
            check_cancelled()


def tail_of(credentials: AwsCredentials, options: Mapping[str, str], stream: str) -> LogTail:
    """Return the tail of a stream of a container's log.

    See https://docs.docker.com/engine/logging/drivers/awslogs/.

    Args:
        credentials: Whose.
        options: Those of the driver ``awslogs``.
        stream: The name of the stream.
    """
    region = options.get("awslogs-region")
    if region and region != credentials.region:
        credentials = credentials.model_copy(update={"region": region})
    return LogTail(credentials, options["awslogs-group"], stream)


def _last_of_stream(
    credentials: AwsCredentials, group: str, stream: str, lines: int, since: datetime | None
) -> list[LogEvent]:
    found: list[LogEvent] = []
    token: str | None = None
    while len(found) < lines:
        answer = _get(
            credentials,
            group,
            stream,
            startTime=_milliseconds(since),
            nextToken=token,
            limit=min(lines - len(found), PAGE),
            startFromHead=False,
        )
        found = [*(_event(each, stream) for each in answer["events"]), *found]
        if token == answer["nextBackwardToken"]:
            break
        token = answer["nextBackwardToken"]
        check_cancelled()
    return found


def _last_of_group(
    credentials: AwsCredentials, group: str, lines: int, since: datetime | None
) -> list[LogEvent]:
    now = datetime.now(UTC)
    oldest = now - _OF_A_GROUP if since is None else since.astimezone(UTC)
    found: list[LogEvent] = []
    begin, until, width = now, None, _FIRST_WINDOW
    while len(found) < lines and begin > oldest:
        begin = max(begin - width, oldest)
        seen = _filtered(credentials, group, None, begin, until, None)
        newest = sorted(seen, key=lambda event: event.at)[len(found) - lines :]
        found = [*newest, *found]
        until, width = begin - timedelta(milliseconds=1), width * _WINDOW_GROWTH
    return found


def _filtered(
    credentials: AwsCredentials,
    group: str,
    pattern: str | None,
    since: datetime | None,
    until: datetime | None,
    streams: list[str] | None,
) -> Iterator[LogEvent]:
    from brickwork_aws.operations import Operation

    parameters = {
        "logGroupName": group,
        "filterPattern": pattern,
        "startTime": _milliseconds(since),
        "endTime": _milliseconds(until),
        "logStreamNames": streams,
    }
    for page in Operation(credentials, "logs", "filter_log_events").pages(parameters):
        yield from (_event(each, each["logStreamName"]) for each in page["events"])


def _get(credentials: AwsCredentials, group: str, stream: str, **parameters: Any) -> dict[str, Any]:
    from brickwork_aws.operations import Operation

    named = {"logGroupName": group, "logStreamName": stream, **parameters}
    return Operation(credentials, "logs", "get_log_events").call(named)


def _event(found: Mapping[str, Any], stream: str) -> LogEvent:
    at = datetime.fromtimestamp(found["timestamp"] / 1000, UTC)
    return LogEvent(at, _text(found), stream)


def _text(found: Mapping[str, Any]) -> str:
    return str(found["message"]).rstrip("\r\n")


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
