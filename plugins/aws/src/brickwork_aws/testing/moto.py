"""Settings of a running moto.

What was made under other settings is not there: make state machines and functions within the block.
See https://docs.getmoto.org/en/latest/docs/configuration/index.html.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from brickwork import BrickworkError
from brickwork_aws.testing.servers import AwsServer


class NotMoto(BrickworkError):
    """A server is another one than moto, and takes no settings of moto."""


@contextmanager
def state_machines_run(server: AwsServer) -> Iterator[None]:
    """Let moto run state machines until the block ends; else executions run until stopped."""
    tell(server, {"stepfunctions": {"execute_state_machine": True}})
    try:
        yield
    finally:
        tell(server, {"stepfunctions": {"execute_state_machine": False}})


@contextmanager
def functions_echo(server: AwsServer) -> Iterator[None]:
    """Let functions of Lambda answer what they are given until the block ends, without Docker."""
    tell(server, {"lambda": {"use_docker": False}})
    try:
        yield
    finally:
        tell(server, {"lambda": {"use_docker": True}})


@contextmanager
def jobs_succeed(server: AwsServer) -> Iterator[None]:
    """Let jobs of Batch end well at once until the block ends, without Docker."""
    tell(server, {"batch": {"use_docker": False}})
    try:
        yield
    finally:
        tell(server, {"batch": {"use_docker": True}})


@contextmanager
def glue_jobs_run_on(server: AwsServer) -> Iterator[None]:
    """Let jobs of Glue run on until the block ends; else they end well at once."""
    never = {"progression": "manual", "times": 1_000_000}
    with _moving(server, "glue::job_run", never):
        yield


@contextmanager
def crawlers_end(server: AwsServer) -> Iterator[None]:
    """Let crawlers end well at once until the block ends; else they run on."""
    with _moving(server, "glue::crawl", {"progression": "immediate"}):
        yield


@contextmanager
def _moving(server: AwsServer, model: str, transition: Mapping[str, Any]) -> Iterator[None]:
    """Let things of moto go from state to state in another way than its own."""
    named = {"model_name": model}
    tell(server, {**named, "transition": transition}, "state-manager/set-transition")
    try:
        yield
    finally:
        tell(server, named, "state-manager/unset-transition")


def next_query_gives(
    server: AwsServer, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]
) -> None:
    """Let the next query that is given to Athena have these rows; else queries have none.

    Args:
        server: The server.
        columns: The columns' types, by their names.
        rows: The rows, in Athena's texts; None for NULL.
    """
    described = [
        {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": name,
            "Label": name,
            "Type": kind,
            "Precision": 0,
            "Scale": 0,
            "Nullable": "UNKNOWN",
            "CaseSensitive": True,
        }
        for name, kind in columns.items()
    ]
    # As Athena does, the names of the columns come first.
    cells = [
        {"Data": [{} if text is None else {"VarCharValue": text} for text in row]}
        for row in (list(columns), *rows)
    ]
    result = {"rows": cells, "column_info": described}
    tell(server, {"region": server.region, "results": [result]}, "static/athena/query-results")


def tell(server: AwsServer, settings: Mapping[str, Any], where: str = "config") -> None:
    """Send settings to a moto.

    Args:
        server: The server.
        settings: As moto's page has them.
        where: Below ``/moto-api``.

    Raises:
        NotMoto: It takes none.
    """
    import json
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    request = Request(  # noqa: S310  # a server on loopback
        f"{server.endpoint_url}/moto-api/{where}",
        json.dumps(settings).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urlopen(request, timeout=30):  # noqa: S310  # as above
            return
    except HTTPError as error:
        said = " ".join(error.read(300).decode("utf-8", "replace").split())
        raise NotMoto(
            f"{server.endpoint_url} takes no settings of moto: POST /moto-api/{where} was answered "
            f"{error.code} {error.reason}: {said}",
            fix="Use moto for this, or leave it out.",
        ) from None
