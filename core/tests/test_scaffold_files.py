"""What is written: every combination of parts is clean and whole; no word of the template stays."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from brickwork.scaffold import Plan, write
from brickwork.scaffold.rendering import rendered
from brickwork.scaffold.writing import files_of
from brickwork.testing.base import lacking

CHOICES = [
    frozenset(some)
    for count in range(5)
    for some in combinations(("task", "notifier", "storage", "resolver"), count)
]
NAMES = {
    # The shortest and the longest: what fits on a line differs.
    "x9": {"title": "X", "url": "https://x.io"},
    "acme": {},
    "abcdefghijklmnop": {
        "title": "Abcdefghijklmnop Cloud Service",
        "url": f"https://{'a' * 60}:65535/abcdefghijklmnopqrs",
        "author": "Ännchen Example-Beispiel <aennchen@example.com>",
    },
}


def plans() -> Iterator[tuple[str, Plan]]:
    """Yield every combination of parts for each name."""
    for name, options in NAMES.items():
        for parts in CHOICES:
            plan = Plan.of(name, parts=parts, **options)
            yield f"{name}-{'-'.join(sorted(parts)) or 'alone'}", plan


PLANS = dict(plans())


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all of them."""
    folder = tmp_path_factory.mktemp("packages")
    for each, plan in PLANS.items():
        into = folder / each
        into.mkdir()
        write(plan, into)
    return folder


def run(*command: str, cwd: Path) -> str:
    """Run a tool of this environment, and return what it says if it finds fault."""
    if not Path(sys.executable).with_name(command[0]).exists():
        lacking(f"needs {command[0]}")
    program = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(
        [program, *command[1:]], cwd=cwd, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("each", PLANS)
def test_nothing_of_the_template_stays(each: str) -> None:
    """No mark, no word to be filled in, and no name of the example."""
    plan = PLANS[each]
    for path, text in files_of(plan).items():
        left = re.findall(r"«|»|#: |\.template", path + text)
        assert not left, f"{path}: {left}"
        assert text.endswith("\n") or not text
        if plan.name != "acme":
            assert not re.search("acme", path + text, re.IGNORECASE), path


@pytest.mark.parametrize("each", PLANS)
def test_every_file_is_what_its_name_says(each: str) -> None:
    """Python compiles, and TOML, YAML, JSON and SVG can be read."""
    files = files_of(PLANS[each])
    readers: dict[str, Callable[[str], object]] = {
        ".py": lambda text: compile(text, "<scaffold>", "exec"),
        ".toml": tomllib.loads,
        ".yml": yaml.safe_load,
        ".json": json.loads,
        ".svg": ElementTree.fromstring,
    }
    read = [
        readers[suffix](text)
        for path, text in files.items()
        if (suffix := Path(path).suffix) in readers
    ]
    assert len(read) >= 18
    assert all(path in files for path in ("README.md", "LICENSE", "CHANGELOG.md", ".gitignore"))
    name = PLANS[each].name
    assert f"src/brickwork_{name}/py.typed" in files
    assert files[f"docs/{name}.md"].startswith(f"# {PLANS[each].title}\n")
    steps = yaml.safe_load(files[".github/workflows/ci.yml"])["jobs"]["check"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert {"ruff check", "mypy", "python -m pytest -q"} <= set(commands)
    assert commands[-1] == f"brickwork plugin check brickwork-{name} --require gold"


@pytest.mark.parametrize("part", ["task", "notifier", "storage", "resolver"])
def test_a_part_brings_what_it_needs_and_nothing_else(part: str) -> None:
    """Its module, its tests and its golden document come and go with it."""
    having, lacks = (
        set(files_of(Plan.of("acme", parts=frozenset(parts)))) for parts in ({part}, set[str]())
    )
    module = {"task": "tasks"}.get(part, part)
    assert {f"src/brickwork_acme/{module}.py", f"tests/test_acme_{module}.py"} <= having - lacks
    assert len(having - lacks) <= 4
    assert not lacks - having


def test_everything_is_formatted_and_lints(packages: Path) -> None:
    """By the settings that each package has itself: ruff finds nothing, and changes nothing."""
    assert run("ruff", "check", "--quiet", ".", cwd=packages) == ""
    assert run("ruff", "format", "--check", "--quiet", ".", cwd=packages) == ""


@pytest.mark.slow
def test_types_hold(packages: Path, tmp_path: Path) -> None:
    """`mypy --strict` finds nothing in the packages, nor in their tests."""
    ini = "[mypy]\nstrict = True\nplugins = pydantic.mypy\nwarn_unreachable = True\n"
    (tmp_path / "mypy.ini").write_text(ini)
    for parts in ("alone", "notifier-resolver-storage-task"):
        each = f"abcdefghijklmnop-{parts}"
        folder = packages / each / "brickwork-abcdefghijklmnop"
        sources = [str(folder / "src"), *map(str, folder.glob("tests/test_*.py"))]
        options = (
            "--config-file",
            str(tmp_path / "mypy.ini"),
            "--cache-dir",
            str(tmp_path / "cache"),
        )
        assert run("mypy", *options, *sources, cwd=folder / "src") == ""


def test_a_file_that_is_empty_in_the_template_is_written() -> None:
    """And one whose lines are all for another part is not."""
    files = dict(rendered("acme", "Acme", {"credentials"}, dict.fromkeys(WORDS, "x")))
    assert files["src/brickwork_acme/py.typed"] == ""
    assert "src/brickwork_acme/tasks.py" not in files


WORDS = Plan.of("acme").words("0.1.0", 2026)
