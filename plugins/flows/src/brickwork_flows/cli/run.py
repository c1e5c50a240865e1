"""``brickwork run``: what has run, and what became of it."""

from importlib import import_module
from typing import Any

import click

from brickwork.commands import json_option, note, print_json, print_table, print_text
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import StateType

_MODULES = {
    "cancel": "run_control",
    "graph": "run_graph",
    "logs": "run_logs",
    "pause": "run_control",
    "prune": "run_change",
    "result": "run_change",
    "resume": "run_control",
    "rm": "run_change",
    "send": "run_control",
    "watch": "run_watch",
}


class _Commands(click.Group):
    """Imports what is in other modules when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return sorted({*super().list_commands(ctx), *_MODULES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command."""
        if cmd_name not in _MODULES:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"brickwork_flows.cli.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group("run", cls=_Commands)
def group() -> None:
    """Look at the runs of flows, resume, cancel and remove them.

    An ID may be cut short where that is still unique, at its beginning or its end; the name of a
    run will do too.
    """


@group.command("ls")
@click.option("--flow", "name", metavar="NAME", help="Only runs of this flow.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([each.value for each in StateType]),
    help="Only runs in this state; repeatable.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="How many. Default: 50.")
@json_option
def ls(name: str | None, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List runs, the newest first."""
    runtime = current_runtime()
    runtime.flush()
    runs = runtime.history.runs(name=name, states=map(StateType, states), limit=limit)
    if as_json:
        print_json("run.list/1", {"runs": [as_dict(record) for record in runs]})
    elif runs:
        print_table(
            ("id", "flow", "name", "state", "began", "seconds"),
            [(r.id, r.name, r.run_name, str(r.state), _shown(began(r)), _seconds(r)) for r in runs],
        )
    elif name or states:
        note("No run is like that.")
    else:
        where = "" if runtime.place.url else f" with the history in {runtime.place.folder}"
        note(f"No flow has run yet{where}.")


@group.command("show")
@click.argument("run_id", metavar="ID")
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show a run: its states, the tasks in it, and the artifacts that they made."""
    from brickwork_flows.artifacts.keeping import made_by
    from brickwork_flows.cli.artifact import print_artifacts
    from brickwork_flows.parameters import shown
    from brickwork_flows.runs import found

    runtime = current_runtime()
    record = found(runtime, run_id)
    within = runtime.history.children(record.flow_run)
    inside = [r for r in within if record.id == r.flow_run or r.id.startswith(f"{record.id}/")]
    artifacts = made_by(runtime, record.id)
    if as_json:
        content = {**as_dict(record), "tasks": [as_dict(each) for each in inside]}
        content["artifacts"] = [each.facts() for each in artifacts]
        if record.state.type is StateType.PAUSED:
            content["pauses"] = pauses_of(runtime, record)
        print_json("run.show/1", content)
        return
    print_text(f"{record.run_name} ({record.name}), {record.id}\n")
    print_table(
        ("when", "state", "message"),
        [(_shown(s.timestamp), s.name, s.message) for s in record.states],
    )
    if record.state.type is StateType.PAUSED:
        print_text("\n")
        print_table(
            ("waits at", "since", "until", "for"),
            [
                (each["key"], each["since"], each["until"] or "", each["takes"])
                for each in pauses_of(runtime, record)
            ],
        )
    parameters = record.details.get("parameters")
    if parameters:
        print_text("\n")
        print_table(
            ("parameter", "value"),
            [(name, _value(parameters[name], text)) for name, text in shown(parameters).items()],
        )
    if inside:
        print_text("\n")
        print_table(
            ("task", "state", "attempts", "seconds"),
            [(r.key, str(r.state), str(r.attempts), _seconds(r)) for r in inside],
        )
    if artifacts:
        print_text("\n")
        print_artifacts(artifacts)


def _value(kept: dict[str, Any], text: object) -> str:
    return f"(not recorded: {kept['again']})" if "again" in kept else str(text)


def pauses_of(runtime: Runtime, record: RunRecord) -> list[dict[str, Any]]:
    """Return what a paused run waits for, as what JSON can hold."""
    from brickwork_flows.pausing.awaited import open_pauses

    return [
        {
            "key": each.key,
            "kind": each.kind,
            "since": _shown(each.since),
            "until": None if each.until is None else _shown(each.until),
            "takes": each.takes,
            "schema": each.schema,
        }
        for each in open_pauses(runtime.history, record.flow_run)
    ]


def as_dict(record: RunRecord) -> dict[str, Any]:
    """Return a run as what JSON can hold."""
    from brickwork_flows.parameters import shown

    return {
        "id": record.id,
        "kind": record.kind,
        "name": record.name,
        "run_name": record.run_name,
        "parent": record.parent,
        "key": record.key,
        "tags": list(record.tags),
        "attempts": record.attempts,
        **record.details,
        "parameters": shown(record.details.get("parameters", {})),
        "state": record.state.type.value if record.states else None,
        "states": [
            {"type": s.type.value, "name": s.name, "message": s.message, "at": _iso(s.timestamp)}
            for s in record.states
        ],
    }


def began(record: RunRecord) -> float:
    """Return when a run was first recorded, in seconds since 1970."""
    return record.states[0].timestamp if record.states else 0.0


def _seconds(record: RunRecord) -> str:
    if not record.states or not record.state.final:
        return ""
    return f"{record.state.timestamp - began(record):.3f}"


def _shown(seconds: float) -> str:
    return _iso(seconds)[:19].replace("T", " ") + "Z"


def _iso(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
