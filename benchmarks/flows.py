"""The engine: what a recorded task costs, alone and beside Prefect."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.environments import WORKLOADS, Context, figures, vault_env
from benchmarks.measure import Bar, Process, Row, Skip, interleave
from benchmarks.peer_prefect import prefect_server

SEQUENCE = 1000
MANY = 10_000

_EMPTY = "from brickwork_flows import flow\n@flow\ndef empty():\n    pass\nempty()\n"


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    env = vault_env(context.scratch("home"))
    core = Process([context.python, "-c", "import brickwork.tasks"], env)
    ours = Process([context.python, "-c", "import brickwork_flows.definition"], env)
    empty = Process([context.python, "-c", _EMPTY], env)
    timed = interleave([core, ours, empty], context.some(20))
    yield Row(
        "import of the engine, above the core's tasks",
        ours=timed.median(1) - timed.median(0),
        bar=Bar("ours", at_most=0.1),
    )
    yield Row(
        "process with one empty flow, recorded", ours=timed.median(2), bar=Bar("ours", at_most=0.25)
    )
    counts = [str(context.some(each)) for each in (SEQUENCE, MANY, 9)]
    found = figures([context.python, WORKLOADS / "flows_ours.py", *counts], env)
    each = statistics.median(found["sequence"]) / int(counts[0])
    mapped = statistics.median(found["mapped"]) / int(counts[1])
    yield Row("a no-op task in sequence, recorded", ours=each, bar=Bar("ours", at_most=60e-6))
    hit = statistics.median(found["cached"]) / int(counts[0])
    yield Row("a task's result from the cache, recorded", ours=hit, bar=Bar("ours", at_most=150e-6))
    yield Row("a no-op task of a map on threads, recorded", ours=mapped)
    yield Row(
        "memory kept for a finished task",
        "MB",
        ours=found["memory"] / 1e6,
        bar=Bar("ours", at_most=0.004),
    )
    yield from _beside_prefect(context, each, mapped)


def _beside_prefect(context: Context, each: float, mapped: float) -> Iterator[Row]:
    try:
        peer = context.peer
    except RuntimeError as error:
        raise Skip(f"Prefect cannot be installed here: {str(error).splitlines()[-1]}") from None
    theirs: dict[str, Any]
    sequence, many = context.some(300), context.some(600)
    with prefect_server(context, peer) as env:
        command: list[str | Path] = [peer, WORKLOADS / "flows_prefect.py", str(sequence), str(many)]
        theirs = figures(command, env)
    name = "Prefect, inside the flow's body"
    for what, mine, other, least in (
        ("in sequence", each, theirs["sequence"] / sequence, 40),
        ("of a map on threads", mapped, theirs["mapped"] / many, 30),
    ):
        yield Row(
            f"a no-op task {what}, beside Prefect",
            ours=mine,
            other=other,
            other_name=name,
            bar=Bar("ratio", at_most=1 / least),
            note=f"{other / mine:.0f} times Prefect's rate",
        )
