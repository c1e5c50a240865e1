"""A proxy before a test server, which counts requests and breaks what it is told to break."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from brickwork.testing import faulty as proxy
from brickwork_hashicorp.testing.server import BaoServer


class Faults(proxy.Faults):
    """What is to go wrong, and what was asked for."""

    def refuse(
        self, path: str, status: int, *, error: str = "as planned", times: int = 1, **headers: str
    ) -> None:
        """Answer the next requests to a path with an error; the server does not see them.

        Args:
            path: How the path begins, after ``/v1/``.
            status: The HTTP status, for example 503.
            error: What the answer says.
            times: How many requests.
            headers: More headers, with ``_`` for ``-``.
        """
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        body = json.dumps({"errors": [error]}).encode()
        said = {"Content-Type": "application/json", **more}
        self.plan(proxy.Fault(_below(path), status, said, body), times)

    def cut(self, path: str, *, times: int = 1) -> None:
        """Close the connection instead of an answer; the server has done the work."""
        self.plan(proxy.Fault(_below(path), cut_after=0), times)

    def drip(self, path: str, *, times: int = 1) -> None:
        """Answer byte by byte, without an end."""
        self.plan(proxy.Fault(_below(path), drip=True), times)

    def count(self, path: str) -> int:
        """Return how many requests there were to paths that begin so, after ``/v1/``."""
        return sum(_below(path)(*request) for request in list(self.requests))


def _below(path: str) -> Callable[[str, str], bool]:
    return lambda _, asked: asked.startswith(f"/v1/{path}")


@contextmanager
def faulty(server: BaoServer) -> Iterator[tuple[BaoServer, Faults]]:
    """Run a proxy before a server without TLS until the block ends.

    ::

        with faulty(server) as (through, faults):
            faults.refuse("kv/", 429)
            through.block().client()

    Yields:
        The server by way of the proxy, and what to break.
    """
    faults = Faults()
    with proxy.proxied(server.url, faults) as url:
        yield replace(server, url=url), faults
