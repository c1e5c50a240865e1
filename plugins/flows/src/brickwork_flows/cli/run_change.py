"""``brickwork run result|rm``: what a run returned, and its removal."""

import os
import sys
import time
from pathlib import Path

import click

from brickwork.commands import json_option, jsonable, note, print_json
from brickwork_flows.cli.ages import seconds
from brickwork_flows.cli.found import found
from brickwork_flows.errors import NotResumable
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import FINAL, StateType


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
    from urllib.parse import quote

    from brickwork import open_storage

    if str(path) == "-":
        sys.stdout.buffer.write(data)
        return
    path = path.resolve()  # a link is followed, as by every tool that writes where it is told to
    if path.exists() and not path.is_file():  # a device, or a pipe
        path.write_bytes(data)
        return
    open_storage(f"file://{quote(os.fsencode(path.parent))}").write(path.name, data)


@click.command("rm")
@click.argument("run_ids", nargs=-1, metavar="ID...")
@click.option(
    "--older-than", callback=seconds, metavar="AGE", help="All that ended so long ago: 30d."
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([each.value for each in StateType if each.final]),
    help="With --older-than: only those in this state; repeatable.",
)
def rm(run_ids: tuple[str, ...], older_than: float | None, states: tuple[str, ...]) -> None:
    """Remove runs, with what they recorded, their stored results, and their artifacts.

    An artifact that is the newest version of its key stays.
    """
    if bool(run_ids) == (older_than is not None):
        raise click.UsageError("Give ids, or --older-than.")
    if states and older_than is None:
        raise click.UsageError("--state goes with --older-than.")
    runtime = current_runtime()
    if older_than is None:
        records = [found(runtime, each) for each in run_ids]
    else:
        wanted = frozenset(map(StateType, states)) or FINAL
        records = _older(runtime, time.time() - older_than, wanted)
    for record in records:
        _check_removable(record)
    for record in records:
        _remove(runtime, record)
    note(f"{len(records)} run(s) removed.")


def _older(runtime: Runtime, end: float, states: frozenset[StateType]) -> list[RunRecord]:
    runtime.flush()
    records: list[RunRecord] = []
    page = runtime.history.runs(states=states, limit=500)
    while page:
        records += [each for each in page if each.state.timestamp < end]
        page = runtime.history.runs(states=states, before=page[-1].id, limit=500)
    return records


def _check_removable(record: RunRecord) -> None:
    if record.id != record.flow_run:
        raise NotResumable(
            f"The run {record.id} is part of another one.", fix=f"Remove that: {record.flow_run}."
        )
    if not record.state.final:
        raise NotResumable(
            f"The run {record.id} has not ended: it is {record.state.type.value}.",
            fix=f"End it first: brickwork run cancel {record.id}.",
        )


def _remove(runtime: Runtime, record: RunRecord) -> None:
    from brickwork import BrickworkError, KeyNotFound, open_storage
    from brickwork_flows.artifacts.keeping import forget_run
    from brickwork_flows.staging import Staging

    forget_run(runtime, record.id)
    Staging(runtime.place, record.id).clear()
    for kept in runtime.history.remove(record.id):
        try:
            open_storage(kept.url or "").delete(kept.storage_key or "")
        except KeyNotFound:
            continue
        except BrickworkError as error:
            note(f"The result of {kept.run} stays where it is: {error.what}")
