"""What CI does: the workflows call what there is, and a tag publishes what it names."""

import fnmatch
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts.packages import Package, packages

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(name: str) -> dict[Any, Any]:
    """Return what a workflow says."""
    told: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    return told


def triggers(name: str) -> dict[str, Any]:
    """Return what starts a workflow: YAML 1.1 reads the word as a truth."""
    told: dict[str, Any] = workflow(name)[True]
    return told


def steps(name: str, job: str) -> list[dict[str, Any]]:
    """Return the steps of a job."""
    told: list[dict[str, Any]] = workflow(name)["jobs"][job]["steps"]
    return told


def commands(name: str, job: str) -> list[str]:
    """Return what a job runs in steps that have no name."""
    return [step["run"] for step in steps(name, job) if "run" in step and "name" not in step]


def used(name: str, job: str) -> list[str]:
    """Return the actions that a job uses, without their versions."""
    return [step["uses"].partition("@")[0] for step in steps(name, job) if "uses" in step]


def test_the_workflows_were_found() -> None:
    """There are two; the tests below know both."""
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_every_script_that_ci_runs_exists(path: Path) -> None:
    """What stands behind `hatch run` is a script of the workspace."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    scripts = settings["tool"]["hatch"]["envs"]["default"]["scripts"]
    called = re.findall(r"hatch\"? run ([\w:-]+)", path.read_text())
    assert called
    assert set(called) <= set(scripts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read(path: Path) -> None:
    """What more a job may do is said by that job; each action that it uses has a version."""
    assert workflow(path.name)["permissions"] == {"contents": "read"}
    for job in workflow(path.name)["jobs"].values():
        for step in job["steps"]:
            assert "run" in step or re.search(r"\w@\w", step["uses"]), step


def test_a_change_must_pass_what_can_be_run_here() -> None:
    """Each push to main and each pull request runs `.ci/run`, with all tags there."""
    assert triggers("ci.yml") == {"push": {"branches": ["main"]}, "pull_request": None}
    assert commands("ci.yml", "test") == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    (checkout, *_) = steps("ci.yml", "test")
    assert checkout["with"] == {"fetch-depth": 0}
    requires = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text())["project"]
    pythons = workflow("ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert f">={pythons[0]}" == requires["requires-python"]


def test_a_release_is_rehearsed_with_every_change() -> None:
    """CI builds and tries with the very commands, and the Python, with which a tag is released."""
    assert commands("ci.yml", "release") == commands("release.yml", "build")
    assert (
        steps("ci.yml", "release")
        == steps("release.yml", "build")[: len(steps("ci.yml", "release"))]
    )


def test_a_release_is_built_tried_and_published_in_this_order() -> None:
    """Only the job that publishes gets an identity, and only after all else went well."""
    jobs = workflow("release.yml")["jobs"]
    build, attempt = commands("release.yml", "build")[-2:]
    assert build == "hatch run release build --out dist"
    assert attempt == "hatch run release try --out dist"
    assert used("release.yml", "build")[-1] == "actions/upload-artifact"
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["permissions"]["id-token"] == "write"
    assert "permissions" not in jobs["build"]
    assert used("release.yml", "publish") == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    (kept, *_) = [step["with"] for step in steps("release.yml", "publish") if "with" in step]
    assert kept["name"] == steps("release.yml", "build")[-1]["with"]["name"]


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.name)
def test_a_tag_publishes_what_it_names(package: Package, tmp_path: Path) -> None:
    """The tag of each package starts a release, which keeps the wheel and the sdist of that one."""
    patterns = triggers("release.yml")["push"]["tags"]
    assert any(fnmatch.fnmatchcase(package.tag, pattern) for pattern in patterns)
    assert not any(fnmatch.fnmatchcase("v1.0.0", pattern) for pattern in patterns)
    (tmp_path / "dist").mkdir()
    for each in packages():
        for end in ("-py3-none-any.whl", ".tar.gz"):
            stem = f"{each.name.replace('-', '_')}-{each.version}"
            (tmp_path / "dist" / f"{stem}{end}").touch()
    (keep,) = [step["run"] for step in steps("release.yml", "build") if "name" in step]
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", keep],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_REF_NAME": package.tag},
        check=True,
    )
    stem = f"{package.name.replace('-', '_')}-{package.version}"
    assert {path.name for path in (tmp_path / "publish").iterdir()} == {
        f"{stem}-py3-none-any.whl",
        f"{stem}.tar.gz",
    }
