"""Run the contracts of released packages against the core of today: the promise of old plugins.

``hatch run compatibility`` does it for the newest release of each package; the tests do it too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from scripts.packages import Package, build, packages


def check_released(package: Package, tag: str, folder: Path) -> dict[str, Any]:
    """Return what ``brickwork plugin check`` says of a released package, with the core of today.

    Args:
        package: Which.
        tag: Its release.
        folder: For what is built and unpacked; empty.
    """
    (wheel,) = build(package, tag, folder / "built", ("wheel",))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    command = [sys.executable, "-m", "brickwork", "plugin", "check", package.name, "--json"]
    done = subprocess.run(
        [*command, "--no-types"],
        env={**os.environ, "PYTHONPATH": str(folder / "installed")},  # before what is installed
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def broken(found: dict[str, Any]) -> list[str]:
    """Return what of it does not hold any more: what it never had is no fault of the core.

    In CI (``CI`` is set) that is also what could not be tried: nobody would look at it again.
    """
    return _lacking(found, "runs", "kept", *(("reachable",) if os.environ.get("CI") else ()))


def untried(found: dict[str, Any]) -> list[str]:
    """Return what of it could not be tried here, because what it needs is missing."""
    return _lacking(found, "reachable")


def _lacking(found: dict[str, Any], *rules: str) -> list[str]:
    return [f"{each['what']} {each['fix']}" for each in found["lacks"] if each["rule"] in rules]


def report(tag: str, found: dict[str, Any]) -> bool:
    """Print how it went with a release; return whether it holds."""
    faults = broken(found)
    left = [each for each in untried(found) if each not in faults]
    print(f"{tag}: {'BROKEN' if faults else 'not all tried' if left else 'ok'}")
    for each in faults:
        print(f"  {each}")
    for each in left:
        print(f"  not tried: {each}")
    return not faults


def main() -> int:
    """Check the newest release of each plugin; return 1 if one does not hold."""
    plugins = {each.name: each for each in packages()[1:]}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these packages")
    names = parser.parse_args().names or [*plugins]
    failed = 0
    for name in names:
        if name not in plugins:
            parser.error(f"there is no plugin {name!r}; there are {', '.join(plugins)}")
        package = plugins[name]
        if not package.released():
            print(f"{name}: never released")
        for tag in package.released()[:1]:
            with tempfile.TemporaryDirectory() as folder:
                failed += not report(tag, check_released(package, tag, Path(folder)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
