"""``brickwork plugin check``: contracts of an installed distribution, and its level."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brickwork.cli.output import json_option, note, print_json, print_text

if TYPE_CHECKING:
    from brickwork.levels.evidence import Evidence
    from brickwork.levels.rules import Lack, Level

_SHOWN = 5
_LEVELS = ("none", "bronze", "silver", "gold", "platinum")
_COLORS = dict(zip(_LEVELS, ("lightgrey", "cd7f32", "c0c0c0", "ffd700", "5fb4c9"), strict=True))


@click.command("check")
@click.argument("distribution", required=False)
@click.option(
    "--require",
    type=click.Choice(_LEVELS),
    default="bronze",
    show_default=True,
    help="End with 1 below this level.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    help="How many processes run the contracts, where pytest-xdist is installed. Default: all.",
)
@click.option("--types/--no-types", default=True, help="Whether to ask mypy, where installed.")
@click.option(
    "--badge", type=click.Path(dir_okay=False, path_type=Path), help="Write JSON for shields.io."
)
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    distribution: str | None,
    require: str,
    jobs: int,
    types: bool,
    badge: Path | None,
    as_json: bool,
) -> None:
    """Run the contracts of an installed DISTRIBUTION, and say how good it is.

    The level is computed from what was seen: bronze, silver, gold or platinum, and what lacks for
    the next one. Without DISTRIBUTION: the one whose pyproject.toml is in this folder.
    """
    from brickwork.cli.progress import counted
    from brickwork.levels.rules import Level, lacks, level_of
    from brickwork.levels.running import gather

    with counted("assertions") as report:
        evidence = gather(distribution or _here(), jobs=jobs, types=types, report=report)
    found = lacks(evidence)
    level = level_of(found)
    if badge is not None:
        badge.write_text(json.dumps(_badge(level)) + "\n", encoding="utf-8")
    if as_json:
        print_json("plugin.check/1", _whole(evidence, found, level))
    else:
        _print(evidence, found, level)
    if level < Level[require.upper()]:
        ctx.exit(1)


def _here() -> str:
    import tomllib

    try:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
        return str(project["name"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        raise click.UsageError(
            "Name a distribution, or go into the folder of one with a pyproject.toml."
        ) from None


def _print(evidence: "Evidence", found: "list[Lack]", level: "Level") -> None:
    from itertools import groupby

    counts = _counts(evidence)
    print_text(f"{evidence.distribution} {evidence.version}: {level}")
    print_text(
        f"{len(evidence.things)} thing(s) offered; assertions: "
        + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    )
    for wanted, group in groupby(found, key=lambda lack: lack.level):
        note(f"\nlacks for {wanted}:")
        for lack in group:
            note(f"  {lack.what}{_listed(lack)}\n    fix: {lack.fix}")


def _listed(lack: "Lack") -> str:
    if not lack.about or lack.about[0] in lack.what:
        return ""
    more = len(lack.about) - _SHOWN
    return f": {', '.join(lack.about[:_SHOWN])}" + (f" and {more} more" if more > 0 else "")


def _counts(evidence: "Evidence") -> dict[str, int]:
    from collections import Counter

    counts = Counter(
        "lacking" if each.lacking else each.outcome.value for each in evidence.assertions
    )
    return {name: counts[name] for name in ("passed", "failed", "excused", "skipped", "lacking")}


def _whole(evidence: "Evidence", found: "list[Lack]", level: "Level") -> dict[str, object]:
    return {
        "distribution": evidence.distribution,
        "version": evidence.version,
        "level": str(level),
        "lacks": [{**asdict(lack), "level": str(lack.level)} for lack in found],
        "assertions": _counts(evidence),
        "things": [{"kind": each.kind, "name": each.name} for each in evidence.things],
        "types": None if evidence.types is None else len(evidence.types),
    }


def _badge(level: "Level") -> dict[str, object]:
    """Return what https://shields.io/badges/endpoint-badge takes."""
    name = str(level)
    return {"schemaVersion": 1, "label": "brickwork", "message": name, "color": _COLORS[name]}
