"""A proxy before a test server, which breaks what it is told to break."""

import json as json_format
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from xml.sax.saxutils import escape

from brickwork.testing import faulty as proxy
from brickwork_aws.testing.servers import AwsServer


class Faults(proxy.Faults):
    """What is to go wrong, and what was asked for.

    Each fault happens to the next requests that have the method, ``None`` means any, and is gone
    then: ``faults.left`` says how many have not happened yet.
    """

    def cut(
        self, method: str | None, *, after: int = 0, times: int = 1, reset: bool = False
    ) -> None:
        """Serve the next such requests, but close the connection in the midst of the answer.

        Args:
            method: For example ``GET``.
            after: How many bytes of the body get through; with 0 not even the headers do: the
                server has done the work, and the client never learns of it.
            times: How many requests.
            reset: Whether the connection is reset, and not closed: the client sees an error where
                it else sees an end.
        """
        self.plan(proxy.Fault(_of(method), cut_after=after, reset=reset), times)

    def refuse(
        self,
        method: str | None,
        status: int,
        code: str,
        *,
        message: str = "as planned",
        json: bool = False,
        times: int = 1,
    ) -> None:
        """Answer the next such requests with an error; the server does not see them.

        Args:
            method: For example ``PUT``.
            status: The HTTP status, for example 503.
            code: The service's code of the error, for example ``SlowDown``.
            message: What the service says beside it.
            json: Whether the service speaks JSON, as SQS, Secrets Manager and most others do; S3,
                STS, SNS and IAM speak XML.
            times: How many requests.
        """
        if json:
            kind = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}
            text = json_format.dumps({"__type": code, "message": message})
        else:
            kind = {"Content-Type": "application/xml", "x-amz-request-id": "PLANNED"}
            inner = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            text = f"<ErrorResponse>{inner}</ErrorResponse>"
        self.plan(proxy.Fault(_of(method), status, kind, text.encode()), times)

    def throttle(
        self, method: str | None = None, *, code: str = "", json: bool = False, times: int = 1
    ) -> None:
        """Answer the next such requests as a service does of which too much is asked.

        Args:
            method: For example ``PUT``.
            code: The service's; by default ``SlowDown``, with ``json`` ``ThrottlingException``.
            json: As for `refuse`.
            times: How many requests.
        """
        status, usual = (400, "ThrottlingException") if json else (503, "SlowDown")
        self.refuse(method, status, code or usual, json=json, times=times)

    def expire(self, method: str | None = None, *, json: bool = False, times: int = 1) -> None:
        """Answer the next such requests as if the session token had expired.

        Args:
            method: For example ``GET``.
            json: As for `refuse`.
            times: How many requests.
        """
        code = "ExpiredTokenException" if json else "ExpiredToken"
        self.refuse(method, 400, code, json=json, times=times)

    def slow(self, method: str | None, seconds: float, *, times: int = 1) -> None:
        """Let the next such requests wait before the server sees them.

        Args:
            method: For example ``GET``.
            seconds: How long; beyond the client's ``read_timeout`` it gives up.
            times: How many requests.
        """
        self.plan(proxy.Fault(_of(method), delay_seconds=seconds), times)

    def damage(self, method: str | None, *, times: int = 1) -> None:
        """Change the last byte of the answers to the next such requests.

        Args:
            method: For example ``GET``.
            times: How many requests.
        """
        self.plan(proxy.Fault(_of(method), damage=True), times)


def _of(method: str | None) -> Callable[[str, str], bool]:
    return lambda asked, _path: method is None or asked == method


@contextmanager
def faulty(server: AwsServer) -> Iterator[tuple[AwsServer, Faults]]:
    """Run a proxy before a server until the block ends.

    ::

        with faulty(server) as (through, faults):
            faults.cut("GET", after=1000)
            S3Bucket(bucket=name, credentials=through.credentials()).read("key")

    Yields:
        The server by way of the proxy, and what to break.
    """
    faults = Faults()
    with proxy.proxied(server.endpoint_url, faults) as url:
        yield replace(server, endpoint_url=url), faults
