"""Write the catalog: ``blocks-catalog/``, and the compact copy of it that the core ships.

It is made from the packages of the workspace, as they are installed, and from the files in
``blocks-catalog/third-party/``. Levels are those of ``blocks-catalog/levels.json``, which
``--levels`` measures anew by running the contracts. With ``--check`` nothing is written: the exit
code is 1 when a file is not what it would be, and the difference is printed.
"""

import argparse
import difflib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from brickwork.catalog.files import content_of, read, text_of
from brickwork.catalog.generate import entry_of, index_of
from brickwork.catalog.model import CatalogFile, format_schema
from brickwork.config import Config, normalise
from brickwork.errors import BrickworkError
from brickwork.registry import Registry

ROOT = Path(__file__).parents[1]
CATALOG = ROOT / "blocks-catalog"
THIRD_PARTY = CATALOG / "third-party"
LEVELS = CATALOG / "levels.json"
SHIPPED = ROOT / "core" / "src" / "brickwork" / "catalog" / "data"
_LINES = 40
_LEVELS = ("bronze", "silver", "gold", "platinum")


def main() -> int:
    """Write what is out of date, or compare."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing, show differences")
    arguments.add_argument("--levels", action="store_true", help="measure the levels first")
    arguments.add_argument(
        "only", nargs="*", metavar="DISTRIBUTION", help="make only these anew, keep the others"
    )
    given = arguments.parse_args()
    try:
        files = [*workspace([normalise(each) for each in given.only]), *third_party()]
        if given.levels:
            names = [each.distribution.name for each in files if each.distribution.plugins]
            LEVELS.write_text(text_of(measured(given.only or names)), encoding="utf-8")
        wanted = texts(files)
    except BrickworkError as error:
        print(error)
        return 1
    stale = {path for path, text in wanted.items() if not path.exists() or text != _read(path)}
    gone = {path for path in _there() if path not in wanted}
    if given.check:
        for path in sorted(stale | gone):
            print_difference(path, wanted.get(path, ""))
        if stale or gone:
            print(
                "The catalog is out of date: run `hatch run generate`, and commit what it writes."
            )
        return 1 if stale or gone else 0
    for path in sorted(stale):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8", newline="\n")
        print(f"wrote {shown(path)}")
    for path in sorted(gone):
        path.unlink()
        print(f"removed {shown(path)}")
    return 0


def workspace(only: list[str]) -> Iterator[CatalogFile]:
    """Give the entries of the packages of this repository; other installed plugins stay out.

    Args:
        only: Where it is not empty, others are read from their files.
    """
    projects = [
        tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        for path in [ROOT / "core/pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
    ]
    names = frozenset(normalise(project["name"]) for project in projects)
    registry = Registry(config=Config("", "", plugins_allow=names))
    for project in projects:
        if only and project["name"] not in only:
            yield read(CATALOG / f"{project['name']}.json")
            continue
        refuse_old_metadata(project)
        yield entry_of(registry, project["name"])


def refuse_old_metadata(project: dict[str, Any]) -> None:
    """Refuse a package whose metadata were written before its pyproject.toml was changed."""
    name = project["name"]
    there: dict[str, dict[str, str]] = {}
    for each in metadata.distribution(name).entry_points:
        there.setdefault(each.group, {})[each.name] = each.value
    groups = {group: there.get(group, {}) for group in {*there, *project.get("entry-points", {})}}
    groups.pop("console_scripts", None)
    read = metadata.metadata(name)
    same = (
        groups == project.get("entry-points", {})
        and read["Summary"] == project["description"]
        and read["Version"] == project.get("version", read["Version"])
        and {*(read.get_all("Provides-Extra") or [])} == {*project.get("optional-dependencies", {})}
    )
    if not same:
        raise BrickworkError(
            f"The installed metadata of {name} are older than its pyproject.toml.",
            fix=f"Install it anew: pip install --no-deps -e {name.removeprefix('brickwork-')}.",
        )


def third_party() -> Iterator[CatalogFile]:
    """Give the entries that others have added, each checked."""
    for path in sorted(THIRD_PARTY.glob("*.json")):
        file = read(path)
        if path.stem != file.distribution.name:
            raise BrickworkError(
                f"{path.name} is about {file.distribution.name}.",
                fix=f"Name it {file.distribution.name}.json.",
            )
        yield file


def texts(files: list[CatalogFile]) -> dict[Path, str]:
    """Return the files of the catalog and of its shipped copy, with what they say."""
    levels = json.loads(_read(LEVELS)) if LEVELS.exists() else {}
    index = index_of(files, levels)
    found = {
        CATALOG / "catalog.schema.json": text_of(format_schema()),
        CATALOG / "index.json": text_of(index),
        SHIPPED / "index.json": text_of(index, compact=True),
    }
    for file in files:
        name = f"{file.distribution.name}.json"
        if not (THIRD_PARTY / name).exists():
            found[CATALOG / name] = text_of(content_of(file))
        found[SHIPPED / name] = text_of(content_of(file, compact=True), compact=True)
    return found


def measured(names: list[str]) -> dict[str, str]:
    """Return the levels, those of some distributions measured now by running their contracts."""
    levels: dict[str, str] = json.loads(_read(LEVELS)) if LEVELS.exists() else {}
    for name in names:
        command = [sys.executable, "-m", "brickwork", "plugin", "check", name, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            level = json.loads(done.stdout).get("level")
        except ValueError:
            print(f"{name}: no level: {done.stderr.strip()[-300:]}")
            continue
        print(f"{name}: {level}", flush=True)
        levels[name] = level
    return {name: level for name, level in sorted(levels.items()) if level in _LEVELS}


def print_difference(path: Path, wanted: str) -> None:
    """Print how a file differs from what it should be; of compact ones only that it does."""
    print(f"{shown(path)} is out of date")
    if path.parent == SHIPPED:
        return
    there = _read(path).splitlines() if path.exists() else []
    lines = list(difflib.unified_diff(there, wanted.splitlines(), "is", "should be", lineterm=""))
    print("\n".join(line[:200] for line in lines[:_LINES]))
    if len(lines) > _LINES:
        print(f"... and {len(lines) - _LINES} more lines")


def shown(path: Path) -> str:
    """Return a path as it stands in the repository."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name)


def _there() -> list[Path]:
    found = [path for path in CATALOG.glob("*.json") if path != LEVELS]
    return found + list(SHIPPED.glob("*.json"))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
