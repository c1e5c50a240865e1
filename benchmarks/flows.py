"""The engine: what a recorded task costs, alone and beside Prefect."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.environments import WORKLOADS, Context, figures, vault_env
from benchmarks.measure import Bar, Process, Row, Skip, interleave
from benchmarks.peer_prefect import prefect_server

SEQUENCE = 1000
MANY = 10_000

_INSIDE = "Prefect, inside the flow's body"
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
    yield from _large(context)
    yield from _beside_prefect(context, Ours(timed.median(2), each, mapped, hit))


class Ours(NamedTuple):
    """What is compared with Prefect, in seconds."""

    cold: float
    each: float
    mapped: float
    hit: float


def _large(context: Context) -> Iterator[Row]:
    if not Path("/proc/self/status").exists():
        raise Skip("the memory of a process is read from /proc")
    for kind in ("bytes", "text"):
        folder = context.scratch(f"large-{kind}")
        env = vault_env(folder / "home")
        for what in ("keep", "read"):
            command: list[str | Path] = [context.python, WORKLOADS / "flows_large.py"]
            found = figures([*command, what, kind, str(folder / "runs")], env)
            yield Row(
                f"copies of a result of 100 MB, {kind}, besides itself: {what}",
                "count",
                ours=max(0.0, found["copies"]),
                bar=Bar("ours", at_most=1.25),
                note="one copy, and buffers",
            )


def _beside_prefect(context: Context, mine: Ours) -> Iterator[Row]:
    try:
        peer = context.peer
    except RuntimeError as error:
        raise Skip(f"Prefect cannot be installed here: {str(error).splitlines()[-1]}") from None
    theirs: dict[str, Any]
    sequence, many, rounds = context.some(300), context.some(600), context.some(5)
    with prefect_server(context, peer) as env:
        command: list[str | Path] = [peer, WORKLOADS / "flows_prefect.py", str(sequence), str(many)]
        theirs = figures(command, env)
        cold = interleave(
            [Process([peer, "-c", _EMPTY.replace("brickwork_flows", "prefect")], env)], rounds
        )
    for what, ours, other, least, name in (
        (
            "process with one empty flow",
            mine.cold,
            cold.median(0),
            None,
            "Prefect, its server runs",
        ),
        ("no-op task in sequence", mine.each, theirs["sequence"] / sequence, 40, _INSIDE),
        ("no-op task of a map on threads", mine.mapped, theirs["mapped"] / many, 30, _INSIDE),
        ("result from the cache", mine.hit, theirs["cached"] / sequence, None, _INSIDE),
    ):
        yield Row(
            f"a {what}, beside Prefect",
            ours=ours,
            other=other,
            other_name=name,
            bar=None if least is None else Bar("ratio", at_most=1 / least),
            note=f"{other / ours:.0f} times Prefect's rate",
        )
