"""Logs of jobs that do not run."""

import time
from typing import Any

from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call


def write_log(credentials: AwsCredentials, group: str, stream: str, *lines: str) -> None:
    """Log lines in a new stream, as a job would; the group is made where there is none.

    Args:
        credentials: Whose.
        group: The name of the log group.
        stream: The name of the stream.
        lines: What is logged, a millisecond each.
    """
    where: dict[str, Any] = {"logGroupName": group, "logStreamName": stream}
    found = aws_call(credentials, "logs", "describe_log_groups", logGroupNamePrefix=group)
    if group not in {each["logGroupName"] for each in found["logGroups"]}:
        aws_call(credentials, "logs", "create_log_group", logGroupName=group)
    aws_call(credentials, "logs", "create_log_stream", **where)
    now = time.time_ns() // 1_000_000
    events = [{"timestamp": now + at, "message": line} for at, line in enumerate(lines)]
    aws_call(credentials, "logs", "put_log_events", **where, logEvents=events)
