"""The repository as a whole: every package is complete, nothing of a machine is in a file."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = [
    path.parent
    for path in [ROOT / "core" / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
]
PLUGINS = [package for package in PACKAGES if package.name != "core"]
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".cfg", ".ini", ".sh", ".txt", ""}


def name_of(package: Path) -> str:
    """Return a package's folder, for the names of tests."""
    return str(package.relative_to(ROOT))


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files of the repository, those not committed yet too; none that are ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("this is no checkout: there is no list of its files")
    return tuple(path for line in done.stdout.splitlines() if (path := ROOT / line).is_file())


@cache
def python_files() -> tuple[Path, ...]:
    """Return those that are Python."""
    return tuple(path for path in tracked() if path.suffix == ".py")


def text_files() -> list[tuple[Path, str]]:
    """Return those that are text, but this one, with their contents."""
    files = [path for path in tracked() if path.suffix in TEXT and path != Path(__file__)]
    return [(path, path.read_text(encoding="utf-8")) for path in files]


def metadata(package: Path) -> dict[str, Any]:
    """Return what a package's pyproject.toml says."""
    return tomllib.loads((package / "pyproject.toml").read_text())


def import_package(package: Path) -> Path:
    """Return the one folder below ``src``."""
    (found,) = [path for path in (package / "src").iterdir() if (path / "__init__.py").exists()]
    return found


def version_of(package: Path) -> str:
    """Return a package's version, from its metadata or from where those say it is."""
    told = metadata(package)
    if "version" in told["project"]:
        return str(told["project"]["version"])
    source = (package / told["tool"]["hatch"]["version"]["path"]).read_text()
    (found,) = re.findall(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    return str(found)


def run(code: str, *flags: str) -> str:
    """Run Python in a process of its own, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Packages


def test_the_packages_were_found() -> None:
    """There is the core, and at least one plugin."""
    assert ROOT / "core" in PACKAGES
    assert len(PLUGINS) >= 1
    folders = [path for path in (ROOT / "plugins").iterdir() if any(path.glob("*"))]
    assert sorted(folders) == sorted(PLUGINS), "a folder of plugins without a pyproject.toml"


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_is_whole(package: Path) -> None:
    """Every package has what it needs to be released alone."""
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "src", "tests"):
        assert (package / name).exists(), f"{package.name} has no {name}"
    assert (import_package(package) / "py.typed").exists()
    assert list((package / "tests").glob("test_*.py"))
    project = metadata(package)["project"]
    assert project["readme"] == "README.md"
    assert project["requires-python"] == ">=3.11"
    assert len(project["description"]) > 20
    assert len((package / "README.md").read_text().splitlines()) > 10
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    # What the backend puts into wheel and sdist.
    assert ProjectMetadata(str(package), PluginManager()).core.license_files == ["LICENSE"]


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_the_changelog_has_the_version(package: Path) -> None:
    """A package's version is a valid one, and its changelog tells of it."""
    version = Version(version_of(package))
    changelog = (package / "CHANGELOG.md").read_text()
    assert str(version) in changelog or "Unreleased" in changelog


@pytest.mark.parametrize("package", PLUGINS, ids=name_of)
def test_a_plugin_takes_the_core_beside_it(package: Path) -> None:
    """The range of versions that a plugin asks for admits the core in this repository."""
    wanted = [Requirement(text) for text in metadata(package)["project"]["dependencies"]]
    (core,) = [each for each in wanted if each.name == "brickwork"]
    assert core.specifier, f"{package.name} takes any core, also ones that it cannot work with"
    assert core.specifier.contains(version_of(ROOT / "core"), prereleases=True)


@pytest.mark.parametrize("package", PLUGINS, ids=name_of)
def test_a_plugin_is_named_after_its_folder(package: Path) -> None:
    """Distribution, import package and entry point have the folder's name, and it exists."""
    project = metadata(package)["project"]
    assert project["name"] == f"brickwork-{package.name}"
    assert import_package(package).name == f"brickwork_{package.name}"
    (value,) = project["entry-points"]["brickwork"].values()
    assert list(project["entry-points"]["brickwork"]) == [package.name]
    module = package / "src" / Path(*value.split("."))
    assert module.with_suffix(".py").exists() or module.is_dir()


# Files


MACHINE = {
    "a path of a machine": re.compile(r"(?<![\w.~-])/(?:root|work|Users)/[\w.]"),
    "a home folder": re.compile(r"(?<![\w.~-])/home/(?!me\b|you\b|app\b|user\b)\w"),
    "a folder for temporary files of a machine": re.compile(r"/tmp/(?:venv|pytest-of)"),
    "a package registry's address": re.compile(
        r"https?://[\w.-]*(?:pypi|artifactory|nexus|jfrog|devpi|registry)[\w.-]*(?::\d+)?/"
    ),
    "an option that names a package registry": re.compile(r"--(?:extra-)?index-url|--trusted-host"),
}
PUBLIC = re.compile(r"https://(?:test\.)?pypi\.org/")


@pytest.mark.parametrize("kind", MACHINE)
def test_no_file_names_a_machine(kind: str) -> None:
    """No file has a path of somebody's machine or the address of a package registry in it."""
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in text_files()
        for match in MACHINE[kind].finditer(text)
        if not PUBLIC.match(match[0])
    ]
    assert found == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("a path of a machine", "see /root/.cache"),
        ("a path of a machine", '"/Users/anna"'),
        ("a home folder", "/home/anna/x"),
        ("a folder for temporary files of a machine", "/tmp/venv/bin"),
        ("a package registry's address", "http://pypi.corp.example:8080/simple"),
        ("an option that names a package registry", "pip install --index-url x"),
    ],
)
def test_the_patterns_find_what_they_should(kind: str, text: str) -> None:
    """Each pattern finds an example of what it is for."""
    assert MACHINE[kind].search(text)


def test_names_of_test_files_are_unique() -> None:
    """No two test files have one name: a report then tells which it was."""
    names = Counter(path.name for path in python_files() if path.name.startswith("test_"))
    assert [name for name, count in names.items() if count > 1] == []
    assert len(names) > 40


EXPLAINED = re.compile(
    r"#\s*(?:"
    r"type: ignore\[[a-z-]+(?:,\s*[a-z-]+)*\]|pyright: ignore\[\w+\]|"
    r"noqa: [A-Z]+\d+(?:,\s*[A-Z]+\d+)*|pragma: no cover"
    r")(?P<reason>.*)"
)
COMMENT = re.compile(r"#\s*(?:type: ignore|noqa|pyright: ignore|pragma: no cover)")


def unexplained(text: str) -> list[str]:
    """Return the comments that silence a tool without a code, or without a reason."""
    found = []
    for line in text.splitlines():
        for start in [match.start() for match in COMMENT.finditer(line)]:
            match = EXPLAINED.match(line, start)
            if match is None or not re.match(r"\s*(?:#|-)\s*\S+", match["reason"]):
                found.append(line.strip())
    return found


def test_every_ignore_has_a_code_and_a_reason() -> None:
    """A comment that silences ruff or mypy says which rule, and why."""
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in python_files()
        if path != Path(__file__)
        for line in unexplained(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_an_ignore_without_reason_is_found() -> None:
    """The rule above finds bare ignores, and takes explained ones."""
    assert unexplained("x = 1  # type: ignore")
    assert unexplained("x = 1  # noqa")
    assert unexplained("x = 1  # noqa: S101")
    assert unexplained("x = 1  # type: ignore[misc]")
    assert not unexplained("x = 1  # noqa: S101  # tests assert")
    assert not unexplained("x = 1  # type: ignore[misc, call-arg]  # wrong on purpose")
    assert unexplained("x = 1  # type: ignore[misc]  # noqa: S101")


def test_every_test_has_a_sentence() -> None:
    """Each test says in a docstring what it claims."""
    bare = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in python_files()
        if path.name.startswith("test_")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
        and not any(
            isinstance(part, ast.Attribute) and part.attr == node.name for part in ast.walk(node)
        )  # an excused assertion of a contract
    ]
    assert bare == []


# Imports


def modules(package: Path) -> list[str]:
    """Return every module of a package; not those that a command or a test framework runs."""
    source = package / "src"
    names = [
        ".".join(path.relative_to(source).with_suffix("").parts)
        for path in sorted(import_package(package).rglob("*.py"))
    ]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


VENDORS = {
    "boto3",
    "botocore",
    "github",
    "slack_sdk",
    "aiohttp",
    "psycopg",
    "pandas",
    "polars",
    "pyarrow",
    "fsspec",
    "apprise",
    "cloudpickle",
    "zstandard",
    "moto",
    "hvac",
    "dask",
}


def test_the_core_imports_no_vendor() -> None:
    """Importing any module of the core imports no SDK and no package of an extra."""
    names = [name for name in modules(ROOT / "core") if ".testing" not in name]
    assert len(names) > 80
    code = f"""
import importlib, json, sys
for name in {names!r}:
    importlib.import_module(name)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    assert VENDORS.isdisjoint(json.loads(run(code)))


@pytest.mark.parametrize("package", PLUGINS, ids=name_of)
def test_a_plugin_imports_no_vendor(package: Path) -> None:
    """Neither does any module of a plugin, but those for tests."""
    names = [name for name in modules(package) if ".testing" not in name]
    code = f"""
import importlib, json, sys
for name in {names!r}:
    importlib.import_module(name)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    assert VENDORS.isdisjoint(json.loads(run(code)))


@pytest.mark.parametrize("name", modules(ROOT / "core"))
def test_a_module_can_be_imported_alone(name: str) -> None:
    """Every module of the core can be the first that is imported: no circles."""
    if ".testing" in name:
        pytest.importorskip("pytest")
    run(f"import {name}")


def test_importing_brickwork_imports_nothing_else() -> None:
    """``import brickwork`` adds one module to a bare interpreter's."""
    code = """
import sys
before = set(sys.modules)
import brickwork
print(sorted(set(sys.modules) - before))
"""
    assert run(code).strip() == "['brickwork']"


def test_every_public_name_can_be_imported() -> None:
    """All names that ``brickwork`` promises exist, and are those that type checkers see."""
    code = """
import brickwork
for name in brickwork.__all__:
    getattr(brickwork, name)
print(len(brickwork.__all__))
"""
    assert int(run(code)) > 80
    tree = ast.parse((ROOT / "core/src/brickwork/__init__.py").read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    import brickwork

    assert sorted(name for name in seen if name) == brickwork.__all__
