"""What the vault costs: load, save, list, rewrap."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.environments import (
    WORKLOADS,
    Context,
    figures,
    need_aws,
    vault_env,
)
from benchmarks.measure import Bar, Row, quietest, run, show, summary

BLOCKS = 1000
DOCUMENTS = 100_000
MEMORY_DISK = Path("/dev/shm")


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    need_aws(context)
    yield from _saves(context)
    yield from _reads(context)
    yield from _manifests(context)
    yield _rewrap(context)


def step(context: Context, name: str, count: int, env: dict[str, str]) -> dict[str, Any]:
    """Run one step of the workload in a process of its own."""
    return figures([context.python, WORKLOADS / "ours.py", name, "--count", str(count)], env)


def populated(context: Context) -> dict[str, str]:
    """Make a vault with a thousand blocks; return the variables that lead there."""
    env = vault_env(context.scratch("thousand"))
    context.say(f"saving {BLOCKS} blocks")
    step(context, "populate", BLOCKS, env)
    return env


def without_key(env: dict[str, str]) -> dict[str, str]:
    """Return the variables without the key: what works with them decrypts nothing."""
    return {name: value for name, value in env.items() if name != "BRICKWORK_KEY"}


def _reads(context: Context) -> Iterator[Row]:
    env = populated(context)
    loads = step(context, "load", context.some(10_000), env)["load"]
    load, whole = quietest(loads), summary(loads)
    yield Row(
        "load one block, warm (p50)",
        ours=load.median,
        bar=Bar("ours", at_most=50e-6),
        note=f"the quietest {load.times} of {whole.times} loads, p90 {show(load.p90, 's')};"
        f" all: p50 {show(whole.median, 's')}, p90 {show(whole.p90, 's')}",
    )
    listed = step(context, "list", context.some(50), without_key(env))
    assert listed["listed"] == BLOCKS + 1, listed["listed"]
    yield Row(
        f"list {BLOCKS} blocks (p50)",
        ours=summary(listed["list"]).median,
        bar=Bar("ours", at_most=8e-3),
        note="in a process without the key: nothing is decrypted",
    )
    totals = [sum(step(context, "distinct", BLOCKS, env)["distinct"]) for _ in range(5)]
    yield Row(
        f"load {BLOCKS} distinct blocks, once each",
        ours=summary(totals).median,
        bar=Bar("ours", at_most=0.1),
        note="median of 5 fresh processes; each unlocked the vault by one load before",
    )


def _manifests(context: Context) -> Iterator[Row]:
    context.say(f"planning and applying manifests of {BLOCKS} blocks")
    runs = [
        step(context, "manifest", BLOCKS, vault_env(context.scratch(f"manifest-{number}")))
        for number in range(context.some(5))
    ]
    assert runs[0]["steps new"] == {"create": BLOCKS}, runs[0]["steps new"]
    assert runs[0]["steps same"] == {"same": BLOCKS}, runs[0]["steps same"]
    assert runs[0]["steps changed"] == {"change": BLOCKS}, runs[0]["steps changed"]
    for word, what, bar in (
        ("plan new", f"plan a manifest of {BLOCKS} new blocks", 1.0),
        ("apply new", f"apply it: {BLOCKS} new blocks", 2.0),
        ("plan same", f"plan it again: {BLOCKS} blocks are the same", 1.0),
        ("plan changed", f"plan it where {BLOCKS} blocks change", 1.0),
        ("apply changed", f"apply that: {BLOCKS} changed blocks", 2.0),
    ):
        once = ", its fsyncs included: one transaction" if word.startswith("apply") else ""
        yield Row(
            what,
            ours=summary([run[word] for run in runs]).median,
            bar=Bar("ours", at_most=bar),
            note=f"median of {len(runs)} processes{once}",
        )


def _saves(context: Context) -> Iterator[Row]:
    count = context.some(300)
    taken = step(context, "save", count, vault_env(context.scratch("saves")))
    save, sync = summary(taken["save"]), summary(taken["fsync"])
    yield Row(
        "save a new block, durable (p50)",
        ours=save.median,
        other=sync.median,
        other_name="one fsync of 4 KB appended in the same folder; the bar is 1.5 of it plus 1 ms",
        bar=Bar("ours", at_most=1.5 * sync.median + 1e-3),
        note=f"p90 {show(save.p90, 's')}, {save.times} saves; of the fsync {show(sync.p90, 's')}",
    )
    yield _fsyncs(context)
    yield _save_without_disk(context, count)


def _save_without_disk(context: Context, count: int) -> Row:
    what = "save, without the disk's share (p50)"
    if not os.access(MEMORY_DISK, os.W_OK):
        return Row(what, note=f"not measured: {MEMORY_DISK} is not there")
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK, prefix="brickwork-bench-") as folder:
        taken = step(context, "save", count, vault_env(Path(folder)))["save"]
    return Row(
        what,
        ours=summary(taken).median,
        bar=Bar("ours", at_most=1e-3),
        note=f"p90 {show(summary(taken).p90, 's')}; the vault in {MEMORY_DISK}, where an fsync"
        " costs nothing",
    )


def _rewrap(context: Context) -> Row:
    count = context.some(DOCUMENTS)
    env = vault_env(context.scratch("rewrap"))
    context.say(f"making {count} documents")
    size = step(context, "fill", count, env)["size"]
    seconds = [step(context, "rotate", count, env)["rotate"] for _ in range(5)]
    return Row(
        f"rewrap {count:,} documents to a new root key",
        ours=min(seconds),
        bar=Bar("ours", at_most=5 * count / DOCUMENTS),
        note=f"the quietest of {len(seconds)} rotations; median"
        f" {show(summary(seconds).median, 's')}, slowest {show(max(seconds), 's')}; the database"
        f" has {size / 1e6:.0f} MB; every 500 documents are one durable transaction",
    )


def _fsyncs(context: Context) -> Row:
    what, saves = "fsyncs of one save", 100
    if shutil.which("strace") is None:
        return Row(what, "count", note="not measured: strace is not installed")
    try:
        once, many = (_traced(context, count) for count in (1, 1 + saves))
    except RuntimeError as error:
        return Row(what, "count", note=f"not measured: {str(error).splitlines()[-1]}")
    return Row(
        what,
        "count",
        ours=(many - once) / saves,
        bar=Bar("ours", at_most=1.5),
        note=f"counted by strace: a process with {1 + saves} saves less one with 1 save",
    )


def _traced(context: Context, count: int) -> int:
    """Return how many times a process that saves ``count`` blocks asks for an fsync."""
    folder = context.scratch(f"traced-{count}")
    log = folder / "trace"
    trace = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(log)]
    workload = [str(context.python), str(WORKLOADS / "ours.py"), "save-only"]
    run([*trace, *workload, "--count", str(count)], vault_env(folder))
    # A call that another thread interrupts in the log has a second line, "resumed".
    return sum("sync(" in line for line in log.read_text().splitlines())
