"""The guide for authors, tried as a new user would: its commands, in an empty environment."""

import os
import re
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pytest

from brickwork.testing.base import lacking

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "author-guide.md"
MOST_COMMANDS = 12


def commands() -> list[str]:
    """Return the commands of the guide, from nothing to a checked plugin."""
    found = re.search(r"^```shell\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert found, "the guide has no block of commands"
    return [line for line in found[1].splitlines() if line]


def test_the_guide_is_short() -> None:
    """From `pip install brickwork` to a plugin that is gold takes at most twelve commands."""
    assert "pip install brickwork" in commands()
    assert commands()[-1] == "brickwork plugin check brickwork-acme --require gold"
    count = sum(len(line.split(" && ")) for line in commands())
    assert count == 11, "the page says eleven"
    assert count <= MOST_COMMANDS
    assert "in eleven commands" in GUIDE.read_text()


def fill(environment: Path) -> None:
    """Let a virtual environment have what this one has, as if pip had put it there."""
    (site,) = environment.glob("lib/python*/site-packages")
    here = sysconfig.get_path("purelib")
    (site / "this.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    for name in ("brickwork", "mypy"):
        program = environment / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "$(dirname "$0")/python" -m {name} "$@"\n')
        program.chmod(0o755)


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.xdist_group("third-party")
def test_the_commands_of_the_guide_lead_to_a_checked_plugin(tmp_path: Path) -> None:
    """Each ends well, in one shell; pip finds here what it would find on an index."""
    for needed in ("editables", "hatchling", "mypy", "ruff"):
        if find_spec(needed) is None:
            lacking(f"needs {needed}, which the plugin's extra `dev` names")
    first, *rest = commands()
    assert first == "python -m venv .venv"
    subprocess.run([sys.executable, *first.split()[1:]], cwd=tmp_path, check=True)
    fill(tmp_path / ".venv")
    script = ["set -eux", *rest]
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "user"),
        "BRICKWORK_HOME": str(tmp_path / "home"),
        "PIP_NO_INDEX": "1",
        # Means that there is none: https://github.com/pypa/pip/issues/5735
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout
    assert "Successfully installed brickwork-acme" in done.stdout
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout
    assert "brickwork-acme 0.1.0: platinum" in done.stdout
