"""``brickwork run result|rm|prune``: what runs returned, and their removal."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import click

from brickwork.commands import json_option, jsonable, note, print_json
from brickwork_flows.cli.ages import seconds
from brickwork_flows.runs import found
from brickwork_flows.runtime import current_runtime
from brickwork_flows.states import StateType

_LONGEST = 1e11  # seconds: thousands of years, and still a timedelta


@click.command("result")
@click.argument("run_id", metavar="ID")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write it to a file, or - for standard output, as its serializer did: a text, a Parquet "
    "file, JSON.",
)
@click.option("--allow-pickle", is_flag=True, help="Read also a pickle, which can run code.")
@json_option
def result(run_id: str, output: Path | None, allow_pickle: bool, as_json: bool) -> None:
    """Print what a run returned."""
    from brickwork_flows.cli.running import print_result
    from brickwork_flows.runs import get_run

    run = get_run(run_id)
    if output is not None:
        _write(output, run.payload())
        return
    value = run.result(allow_pickle=allow_pickle)
    if as_json:
        print_json("run.result/1", {"id": run.id, "result": jsonable(value)})
    elif value is not None:
        print_result(value)


def _write(path: Path, data: bytes) -> None:
    """Write a file whole, or leave what was there."""
    if str(path) == "-":
        sys.stdout.buffer.write(data)
        return
    path = path.resolve()  # a link is followed, as by every tool that writes where it is told to
    if path.exists() and not path.is_file():  # a device, or a pipe
        path.write_bytes(data)
        return
    part = path.with_name(f".{os.urandom(8).hex()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise click.FileError(str(path), os.strerror(error.errno or 0).lower()) from None
        raise


@click.command("rm")
@click.argument("run_ids", nargs=-1, required=True, metavar="ID...")
def rm(run_ids: tuple[str, ...]) -> None:
    """Remove runs, with what they recorded, their stored results, and their artifacts.

    An artifact that is the newest version of its key stays. For old runs there is `prune`.
    """
    from brickwork_flows.retention import check_removable, remove_run

    runtime = current_runtime()
    records = [found(runtime, each) for each in run_ids]
    records = list({each.id: each for each in records}.values())  # one may be named twice
    for record in records:
        check_removable(record)
    for record in records:
        _tell(remove_run(runtime, record.id))
    note(f"{len(records)} run(s) removed.")


@click.command("prune")
@click.option(
    "--older-than", callback=seconds, metavar="AGE", help="Runs that ended so long ago: 30d."
)
@click.option(
    "--keep",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="The newest N of each flow stay; without --older-than, all others go.",
)
@click.option("--flow", "flow", metavar="NAME", help="Only runs of this flow.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([each.value for each in StateType if each.final]),
    help="Only runs that ended in this state; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Remove nothing, and tell what would be.")
@json_option
def prune(
    older_than: float | None,
    keep: int,
    flow: str | None,
    states: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove old runs with their results, and what nothing points to any more.

    Without --older-than and --keep no run is removed: only results in the cache that have expired,
    and files that killed processes left behind a day ago.
    """
    from brickwork_flows.retention import prune_runs

    if (states or flow) and older_than is None and not keep:
        raise click.UsageError("--state and --flow go with --older-than or --keep.")
    age = None if older_than is None else timedelta(seconds=min(older_than, _LONGEST))
    done = prune_runs(older_than=age, keep=keep, states=states, flow=flow, dry_run=dry_run)
    _tell(done.problems)
    if as_json:
        print_json("run.prune/1", {**done._asdict(), "dry_run": dry_run})
        return
    word = "would be removed" if dry_run else "removed"
    runs, cached, files = len(done.runs), done.cached, done.orphans
    note(f"{runs} run(s), {cached} cached result(s) and {files} file(s) {word}.")


def _tell(problems: Iterable[str]) -> None:
    for problem in problems:
        note(problem)
