"""A proxy before a test server, which breaks what it is told to break."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from brickwork.testing import faulty as proxy
from brickwork_aws.testing.servers import AwsServer


class Faults(proxy.Faults):
    """What is to go wrong, and what was asked for."""

    def cut(self, method: str, *, after: int = 0, times: int = 1) -> None:
        """Serve the next such requests, but close the connection in the midst of the answer.

        Args:
            method: For example ``GET``.
            after: How many bytes of the body get through; with 0 not even the headers do: the
                server has done the work, and the client never learns of it.
            times: How many requests.
        """
        self.plan(proxy.Fault(lambda asked, _: asked == method, cut_after=after), times)

    def refuse(self, method: str, status: int, code: str, *, times: int = 1) -> None:
        """Answer the next such requests with an error; the server does not see them.

        Args:
            method: For example ``PUT``.
            status: The HTTP status, for example 503.
            code: The error code of S3, for example ``SlowDown``.
            times: How many requests.
        """
        text = f"<Error><Code>{code}</Code><Message>as planned</Message></Error>"
        xml = {"Content-Type": "application/xml"}
        fault = proxy.Fault(lambda asked, _: asked == method, status, xml, text.encode())
        self.plan(fault, times)


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
