"""Settings of a running moto.

What was made under other settings is not there: make state machines and functions within the block.
See https://docs.getmoto.org/en/latest/docs/configuration/index.html.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from brickwork_aws.testing.servers import AwsServer


@contextmanager
def state_machines_run(server: AwsServer) -> Iterator[None]:
    """Let moto run state machines until the block ends; else executions run until stopped."""
    _tell(server, {"stepfunctions": {"execute_state_machine": True}})
    try:
        yield
    finally:
        _tell(server, {"stepfunctions": {"execute_state_machine": False}})


@contextmanager
def functions_echo(server: AwsServer) -> Iterator[None]:
    """Let functions of Lambda answer what they are given until the block ends, without Docker."""
    _tell(server, {"lambda": {"use_docker": False}})
    try:
        yield
    finally:
        _tell(server, {"lambda": {"use_docker": True}})


@contextmanager
def jobs_succeed(server: AwsServer) -> Iterator[None]:
    """Let jobs of Batch end well at once until the block ends, without Docker."""
    _tell(server, {"batch": {"use_docker": False}})
    try:
        yield
    finally:
        _tell(server, {"batch": {"use_docker": True}})


def _tell(server: AwsServer, settings: Mapping[str, Any]) -> None:
    import json
    from urllib.request import Request, urlopen

    request = Request(  # noqa: S310  # a server on loopback
        f"{server.endpoint_url}/moto-api/config",
        json.dumps(settings).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30):  # noqa: S310  # as above
        pass
