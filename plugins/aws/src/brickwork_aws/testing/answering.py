"""Answers to single operations that a server does not know."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from brickwork_aws.credentials import AwsCredentials


@contextmanager
def answered(
    credentials: AwsCredentials,
    service: str,
    operation: str,
    answer: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> Iterator[None]:
    """Answer an operation in the server's place until the block ends; to these credentials.

    Other operations reach the server, as they do not with botocore's Stubber.

    Args:
        credentials: Whose.
        service: boto3's name of the service, one that speaks JSON.
        operation: AWS's name of the operation, ``GetCrawlerMetrics``.
        answer: Takes the parameters of a request, and returns its answer.
    """
    from botocore.awsrequest import AWSResponse

    def handle(params: Mapping[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        return AWSResponse("", 200, {}, None), answer(json.loads(params["body"] or "{}"))

    events, name = credentials.client(service).meta.events, f"before-call.{service}.{operation}"
    events.register(name, handle)
    try:
        yield
    finally:
        events.unregister(name, handle)
