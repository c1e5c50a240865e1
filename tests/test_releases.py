"""Releases are made from commits, say what changed, and hold what older plugins were promised."""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from scripts import compatibility, packages, release
from scripts.packages import Package

ROOT = Path(__file__).resolve().parents[1]
DOOR = "brickwork-hashicorp"
"""A small package, which is released here in a clone."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of what is committed, with somebody to commit more."""
    folder = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--no-tags", str(ROOT), str(folder)],
        check=True,
        capture_output=True,
    )
    for name, value in {"user.name": "Ann", "user.email": "ann@example.org"}.items():
        packages.git("config", name, value, root=folder)
    return folder


def test_a_release_is_a_commit_with_a_changelog_and_a_tag(clone: Path) -> None:
    """What was unreleased stands under the version, and in the tag; then there is nothing left."""
    notes = of(clone).unreleased()
    release.bump(clone, {DOOR: "0.1.1"})
    assert of(clone).version == "0.1.1"
    assert of(clone).unreleased() == ""
    assert packages.git("log", "-1", "--format=%s", root=clone) == f"Release {DOOR} 0.1.1\n"
    changed = packages.git("show", "--format=", "--name-only", "HEAD", root=clone).split()
    assert changed == ["plugins/hashicorp/CHANGELOG.md", "plugins/hashicorp/pyproject.toml"]
    release.tag(clone)
    release.tag(clone)  # a second time changes nothing
    assert packages.git("tag", root=clone).split() == [f"{DOOR}-0.1.1"]
    told = packages.git("tag", "-l", "--format=%(contents)", f"{DOOR}-0.1.1", root=clone)
    assert told.strip() == notes
    with pytest.raises(SystemExit, match="says nothing of the next release"):
        release.bump(clone, {DOOR: "0.2.0"})


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"brickwork-nothing": "1.0.0"}, "there is no package 'brickwork-nothing'"),
        ({DOOR: "0.0.9"}, "does not come after it"),
        ({DOOR: "1.0"}, "no version of three numbers"),
        ({DOOR: "1.0.0rc1"}, "no version of three numbers"),
        ({DOOR: "01.0.0"}, "no version of three numbers"),
        ({DOOR: "\uff11.0.0"}, "no version of three numbers"),
        ({"brickwork": "0.2.0"}, "wants brickwork>=0.1,<0.2: raise that"),
    ],
)
def test_what_cannot_be_released_is_refused(clone: Path, wanted: dict[str, str], told: str) -> None:
    """With nothing changed."""
    with pytest.raises(SystemExit, match=told):
        release.bump(clone, wanted)
    assert packages.git("status", "--porcelain", root=clone) == ""


def test_a_build_takes_no_folder_of_others(clone: Path, tmp_path: Path) -> None:
    """What is there and no build has made stays."""
    out = tmp_path / "out"
    out.mkdir()
    mine = out / "mine.txt"
    mine.write_text("mine")
    with pytest.raises(SystemExit, match=r"mine\.txt, which no build has made"):
        release.build_all(clone, out)
    assert mine.read_text() == "mine"


def test_a_build_that_fails_says_why(clone: Path, tmp_path: Path) -> None:
    """In the words of what builds."""
    pyproject = clone / "plugins/hashicorp/pyproject.toml"
    pyproject.write_text(
        pyproject.read_text().replace('requires-python = "', 'requires-python = "?')
    )
    packages.git("commit", "-q", "-a", "-m", "Break it", root=clone)
    with pytest.raises(SystemExit, match=r"(?s)no wheel of brickwork-hashicorp.*requires-python"):
        packages.build(of(clone), "HEAD", tmp_path / "out", ("wheel",))


def test_only_what_was_built_is_tried(clone: Path, tmp_path: Path) -> None:
    """Nothing, something that lacks, and something that was changed are told."""
    with pytest.raises(SystemExit, match="hatch run release build"):
        release.try_all(clone, tmp_path)
    (tmp_path / release.SUMS).write_text(f"{'0' * 64}  brickwork-0.1.0-py3-none-any.whl\n")
    for _ in range(2):
        with pytest.raises(SystemExit, match="is not what was built"):
            release.try_all(clone, tmp_path)
        (tmp_path / "brickwork-0.1.0-py3-none-any.whl").write_text("something else")


def test_a_release_has_the_levels_that_the_catalog_promises(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each package is tried at its own; one that does not reach it stops, as the command does."""
    promised = levels(clone)
    lines = []
    for package in packages.packages(clone):
        wheel = tmp_path / f"{package.name.replace('-', '_')}-{package.version}-py3-none-any.whl"
        wheel.write_bytes(b"")
        lines.append(f"{hashlib.sha256(b'').hexdigest()}  {wheel.name}\n")
    (tmp_path / release.SUMS).write_text("".join(lines))
    required: dict[str, str] = {}

    def run(command: Sequence[str]) -> str:
        if "check" in command:
            name, option, level = command[-3:]
            assert option == "--require"
            required[name] = level
            if level == "platinum" and name == "brickwork-aws":
                raise SystemExit("is gold")
        return '{"plugins": []}'

    monkeypatch.setattr(release, "_run", run)
    monkeypatch.setattr("venv.create", lambda *_, **__: None)
    release.try_all(clone, tmp_path)
    assert required == promised
    assert promised.keys() == {each.name for each in packages.packages(clone)[1:]}
    write_levels(clone, promised | {"brickwork-aws": "platinum"})
    with pytest.raises(SystemExit, match="is gold"):
        release.try_all(clone, tmp_path)


@pytest.mark.parametrize("said", [{}, {DOOR: "wood"}])
def test_a_package_without_a_level_is_not_released(clone: Path, said: dict[str, str]) -> None:
    """Neither one that the catalog leaves out nor one of a level that there is not."""
    others = {name: level for name, level in levels(clone).items() if name != DOOR}
    write_levels(clone, others | said)
    with pytest.raises(SystemExit, match=f"no level of {DOOR}: hatch run generate --levels"):
        release.try_all(clone, clone)


def levels(root: Path) -> dict[str, str]:
    """Return the levels of the catalog."""
    found: dict[str, str] = json.loads((root / "blocks-catalog/levels.json").read_text())
    return found


def write_levels(root: Path, said: dict[str, str]) -> None:
    """Let the catalog say others."""
    (root / "blocks-catalog/levels.json").write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("script", "arguments", "told"),
    [
        ("release", ("bump", f"{DOOR}=1.0.0", f"{DOOR}=2.0.0"), "named twice"),
        ("release", ("try", "--require", "gold"), "unrecognized arguments: --require"),
        ("compatibility", ("brickwork-nothing",), "there is no plugin 'brickwork-nothing'"),
    ],
)
def test_commands_refuse_what_they_do_not_know(
    script: str, arguments: tuple[str, ...], told: str
) -> None:
    """Before anything is done."""
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.{script}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr


def test_changes_that_are_not_committed_are_not_released(clone: Path) -> None:
    """Neither by a bump nor by a build."""
    (clone / "plugins/hashicorp/README.md").write_text("mine")
    with pytest.raises(SystemExit, match="not committed"):
        release.bump(clone, {DOOR: "0.1.1"})
    (wheel,) = packages.build(of(clone), "HEAD", clone / "out", ("wheel",))
    with zipfile.ZipFile(wheel) as archive:
        assert b"\n\nmine" not in archive.read(
            f"brickwork_hashicorp-{of(clone).version}.dist-info/METADATA"
        )


def test_a_build_is_the_same_from_the_same_commit(clone: Path, tmp_path: Path) -> None:
    """Byte for byte, and its wheel has the types and the contracts."""
    kinds = ("wheel", "sdist")
    builds = [packages.build(of(clone), "HEAD", tmp_path / name, kinds) for name in "ab"]
    sums = [[hashlib.sha256(file.read_bytes()).digest() for file in each] for each in builds]
    assert sums[0] == sums[1]
    assert len(sums[0]) == 2
    wheel = next(file for file in builds[0] if file.suffix == ".whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "brickwork_hashicorp/py.typed" in names
    assert "brickwork_hashicorp/testing/contracts.py" in names
    assert not [name for name in names if "/tests/" in name]


@pytest.mark.server
def test_a_released_package_works_with_the_core_of_today(clone: Path, tmp_path: Path) -> None:
    """Its contracts, as they were released, still hold; one that does not is told."""
    release.bump(clone, {DOOR: "0.1.1"})
    release.tag(clone)
    found = compatibility.check_released(of(clone), f"{DOOR}-0.1.1", tmp_path / "released")
    assert (found["distribution"], found["version"]) == (DOOR, "0.1.1")
    assert compatibility.broken(found) == []
    assert found["assertions"]["passed"] > 50
    plugin = clone / "plugins/hashicorp/src/brickwork_hashicorp/plugin.py"
    plugin.write_text("from brickwork import what_went_away\n")
    packages.git("commit", "-q", "-a", "-m", "Need what was taken away", root=clone)
    gone = compatibility.check_released(of(clone), "HEAD", tmp_path / "gone")
    assert "what_went_away" in json.dumps(compatibility.broken(gone))


@pytest.mark.parametrize(
    ("ci", "rule", "holds", "told"),
    [
        ("", "reachable", True, "x-1.0.0: not all tried\n  not tried: No bao. Start it.\n"),
        ("true", "reachable", False, "x-1.0.0: BROKEN\n  No bao. Start it.\n"),
        ("", "kept", False, "x-1.0.0: BROKEN\n  No bao. Start it.\n"),
        ("true", "typed", True, "x-1.0.0: ok\n"),
    ],
)
def test_a_release_that_could_not_be_tried_is_not_ok(
    ci: str,
    rule: str,
    holds: bool,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In CI what lacks a counterpart is broken; elsewhere it is told."""
    monkeypatch.setenv("CI", ci)
    found = {"lacks": [{"rule": rule, "what": "No bao.", "fix": "Start it."}]}
    assert compatibility.report("x-1.0.0", found) is holds
    assert capsys.readouterr().out == told


def of(root: Path) -> Package:
    """Return the package that is released here."""
    return next(each for each in packages.packages(root) if each.name == DOOR)


RELEASED = [(each, tag) for each in packages.packages()[1:] for tag in each.released()[:1]]


@pytest.mark.server
@pytest.mark.parametrize(("package", "tag"), RELEASED, ids=[tag for _, tag in RELEASED])
def test_the_newest_releases_work_with_the_core_of_today(
    package: Package, tag: str, tmp_path: Path
) -> None:
    """All of them, from the first one on."""
    assert compatibility.broken(compatibility.check_released(package, tag, tmp_path / "x")) == []
