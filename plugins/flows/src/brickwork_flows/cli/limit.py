"""``brickwork limit``: how many runs at once, how often a second, and who holds the slots."""

from datetime import UTC, datetime
from typing import Any

import click

from brickwork.commands import json_option, note, print_json, print_table
from brickwork_flows.errors import LimitNotFound
from brickwork_flows.limits import (
    Holder,
    Limit,
    list_limits,
    release_limit,
    remove_limit,
    set_limit,
)


@click.group("limit")
def group() -> None:
    """Set limits, and see who holds their slots.

    tag:T limits the runs of tasks and flows that have the tag T, flow:F those of the flow F; any
    other name is for concurrency() and rate_limit() in code.
    """


@group.command("ls")
@json_option
def ls(as_json: bool) -> None:
    """List limits."""
    limits = list_limits()
    if as_json:
        print_json("limit.list/1", {"limits": [_as_dict(each) for each in limits]})
    elif limits:
        print_table(
            ("limit", "slots", "per second", "held", "waiting"),
            [
                (each.name, str(each.slots), _rate(each), str(each.used), str(len(each.waiting)))
                for each in limits
            ],
        )
    else:
        note("There is no limit. Make one: brickwork limit set tag:database 4")


@group.command("set")
@click.argument("name")
@click.argument("slots", type=click.IntRange(min=0))
@click.option(
    "--per-second",
    type=click.FloatRange(min=0, min_open=True),
    metavar="RATE",
    help="Make it a rate: so many slots come back each second, and SLOTS is the most at once.",
)
@json_option
def set_(name: str, slots: int, per_second: float | None, as_json: bool) -> None:
    """Make a limit, or change one. With 0 slots it refuses everything."""
    limit = set_limit(name, slots, per_second=per_second)
    if as_json:
        print_json("limit.show/1", _as_dict(limit))
    else:
        note(f"{limit.name} has {limit.slots} slot(s){_rate(limit, ', {} a second')}.")


@group.command("rm")
@click.argument("name")
def rm(name: str) -> None:
    """Remove a limit; who waits for it goes on."""
    remove_limit(name)
    note(f"{name} is removed.")


@group.command("show")
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show a limit, who holds its slots, and who waits for them."""
    limit = next((each for each in list_limits() if each.name == name), None)
    if limit is None:
        raise LimitNotFound(f"There is no limit {name!r}.", fix="Look: brickwork limit ls.")
    if as_json:
        print_json("limit.show/1", _as_dict(limit))
        return
    note(f"{limit.used} of {limit.slots} slot(s) held{_rate(limit, ', {} a second')}.")
    rows = [("holds", each) for each in limit.holders] + [("waits", each) for each in limit.waiting]
    if rows:
        print_table(
            ("", "run", "slots", "process", "host", "since", "ticket"),
            [
                (what, each.run, str(each.slots), str(each.pid), each.host, _at(each), each.ticket)
                for what, each in rows
            ],
        )


@group.command("release")
@click.argument("name")
@click.option("--run", metavar="ID", help="Only what this run holds.")
@click.option("--ticket", help="Only this one, as `show` tells it.")
@json_option
def release(name: str, run: str | None, ticket: str | None, as_json: bool) -> None:
    """Take the slots from those who hold them; these are not stopped.

    For slots that are stuck. Those of a process that was killed are free soon without it.
    """
    released = release_limit(name, run=run, ticket=ticket)
    if as_json:
        holders = [_holder(each) for each in released]
        print_json("limit.release/1", {"name": name, "released": holders})
    else:
        note(f"{sum(each.slots for each in released)} slot(s) of {name} released.")


def _as_dict(limit: Limit) -> dict[str, Any]:
    return {
        "name": limit.name,
        "slots": limit.slots,
        "per_second": limit.per_second,
        "held": limit.used,
        "holders": [_holder(each) for each in limit.holders],
        "waiting": [_holder(each) for each in limit.waiting],
    }


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "run": holder.run or None,
        "slots": holder.slots,
        "since": _at(holder),
        "host": holder.host,
        "pid": holder.pid,
        "ticket": holder.ticket,
    }


def _rate(limit: Limit, text: str = "{}") -> str:
    return "" if limit.per_second is None else text.format(f"{limit.per_second:g}")


def _at(holder: Holder) -> str:
    return datetime.fromtimestamp(holder.since, UTC).isoformat(timespec="seconds")
