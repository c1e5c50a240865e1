"""The benchmarks run: their cheapest part, as a user starts it. No figure is judged here."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_part_prints_its_rows_and_writes_them_as_json(tmp_path: Path) -> None:
    """The part `micro` ends with 0 and gives the same rows as a table and as JSON."""
    target = tmp_path / "figures.json"

    done = _bench("--only", "micro", "--quick", "--json", str(target))

    assert done.returncode == 0, done.stderr
    rows = json.loads(target.read_text())["parts"]["micro"]
    assert rows
    for row in rows:
        assert row["what"] in done.stdout
        assert row["ours"] > 0
        assert (row["met"] is None) == (row["bar"] is None)


def test_an_unknown_part_is_refused_with_the_parts_that_there_are() -> None:
    """A mistyped part is an error that names the real ones, before anything is measured."""
    done = _bench("--only", "imprt")

    assert done.returncode == 2
    assert "imprt" in done.stderr
    assert "import, plugins, vault" in done.stderr
    assert done.stdout == ""
