"""The same steps with Prefect: its own environment, its own server on loopback."""

import statistics
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.environments import (
    PREFECT,
    WORKLOADS,
    Context,
    figures,
    free_port,
    need_aws,
    plain_env,
    server,
)
from benchmarks.measure import Process, Row, Skip, interleave
from benchmarks.vault import BLOCKS, populated, step, without_key

IMPORTS = (
    ("import the package", "import brickwork", "import prefect"),
    (
        "import the credentials' class",
        "from brickwork_aws import AwsCredentials",
        "from prefect_aws import AwsCredentials",
    ),
)
LOAD = "from {0}_aws import AwsCredentials; AwsCredentials.load('prod')"


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    need_aws(context)
    try:
        peer = context.peer
    except RuntimeError as error:
        raise Skip(f"Prefect cannot be installed here: {str(error).splitlines()[-1]}") from None
    for what, mine, theirs in IMPORTS:
        yield _processes(context, what, (mine, plain_env()), (theirs, plain_env()))
    ours = populated(context)
    with prefect_server(context, peer) as env:
        distinct = context.some(200)
        found = _prefect_steps(context, peer, env, distinct)
        what = "process that loads one credential"
        yield _processes(
            context, what, (LOAD.format("brickwork"), ours), (LOAD.format("prefect"), env)
        )
    yield from _warm(context, ours, found, distinct)


def _processes(
    context: Context,
    what: str,
    mine: tuple[str, dict[str, str]],
    theirs: tuple[str, dict[str, str]],
) -> Row:
    processes = [
        Process([python, "-c", code], env)
        for python, (code, env) in ((context.python, mine), (context.peer, theirs))
    ]
    timed = interleave(processes, context.some(20))
    return Row(
        what,
        ours=timed.median(0),
        other=timed.median(1),
        other_name=f"Prefect: {theirs[0]}",
        ratio=timed.ratio(0, 1),
    )


@contextmanager
def prefect_server(context: Context, peer: Path) -> Iterator[dict[str, str]]:
    """Run Prefect's server with a home of its own; give the variables of its clients."""
    home, port = context.scratch("prefect"), free_port()
    url = f"http://127.0.0.1:{port}/api"
    env = plain_env(
        PREFECT_HOME=str(home),
        PREFECT_API_URL=url,
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_LOGGING_LEVEL="WARNING",
        DO_NOT_TRACK="1",
    )

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    command: list[str | Path] = [peer.parent / "prefect", "server", "start", "--no-ui"]
    context.say(f"starting Prefect's server on port {port}")
    with server([*command, "--host", "127.0.0.1", "--port", str(port)], env, home / "log", ready):
        yield env


def _prefect_steps(
    context: Context, peer: Path, env: dict[str, str], distinct: int
) -> dict[str, Any]:
    context.say(f"saving {BLOCKS} blocks in Prefect's server (a minute or two)")
    counts = {
        "--count": BLOCKS,
        "--loads": context.some(100),
        "--saves": context.some(30),
        "--distinct": distinct,
    }
    arguments = [str(part) for pair in counts.items() for part in pair]
    return figures([peer, WORKLOADS / "prefect_blocks.py", *arguments], env)


def _warm(
    context: Context, env: dict[str, str], theirs: dict[str, Any], distinct: int
) -> Iterator[Row]:
    median = statistics.median
    loads = median(step(context, "load", context.some(2000), env)["load"])
    saves = median(step(context, "save", context.some(200), env)["save"])
    listed = median(step(context, "list", context.some(30), without_key(env))["list"])
    loaded = sum(step(context, "distinct", BLOCKS, env)["distinct"])
    held = "Prefect, one client held open (aload, asave: the quickest it has)"
    yield Row("load, warm (p50)", ours=loads, other=median(theirs["load"]), other_name="Prefect")
    yield Row("load, warm (p50)", ours=loads, other=median(theirs["load_held"]), other_name=held)
    yield Row("save (p50)", ours=saves, other=median(theirs["save"]), other_name="Prefect")
    yield Row("save (p50)", ours=saves, other=median(theirs["save_held"]), other_name=held)
    yield Row(
        f"list {BLOCKS} blocks (p50)",
        ours=listed,
        other=median(theirs["list"]) * BLOCKS / theirs["listed"],
        other_name="Prefect, pages of 200, without secrets, one client held open",
    )
    yield Row(
        f"load {BLOCKS} distinct blocks",
        ours=loaded,
        other=sum(theirs["distinct"]) * BLOCKS / distinct,
        other_name=f"Prefect, from {distinct} distinct blocks times {BLOCKS / distinct:g}",
        note=f"{', '.join(PREFECT)}",
    )
