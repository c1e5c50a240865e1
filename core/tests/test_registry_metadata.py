"""Discovery reads the metadata of installed distributions as importlib.metadata does."""

import os
import subprocess
import sys
import zipfile
from importlib.metadata import DistributionFinder, EntryPoints, PathDistribution, distributions
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from brickwork.registry.metadata import installed, parse
from brickwork.testing.distributions import entry_points_text, write_distribution

OURS = {"brickwork": {"acme": "acme.plugin"}, "brickwork.schemes": {"acme": "acme"}}

words = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
groups = st.dictionaries(
    st.sampled_from(["brickwork", "brickwork.schemes", "brickworkish", "console_scripts"]),
    st.dictionaries(words, words, min_size=1, max_size=4),
    max_size=4,
)


@given(groups)
def test_parsing_agrees_with_importlib(wanted: dict[str, dict[str, str]]) -> None:
    """The parser finds the same entry points as importlib.metadata, of our groups only."""
    text = entry_points_text(wanted)

    reference: dict[str, dict[str, str]] = {}
    for point in EntryPoints._from_text_for(text, None):  # type: ignore[attr-defined]  # private
        if point.group.split(".")[0] == "brickwork":
            reference.setdefault(point.group, {})[point.name] = point.value
    assert parse(text) == reference


def test_comments_extras_and_spaces_are_read() -> None:
    """Comments, extras, odd spaces and lines without a value do no harm."""
    text = "# a\n[ brickwork ]\n; b\n  aws=a.plugin [extra]\nnonsense\n\n[other]\nx = y\n"

    assert parse(text) == {"brickwork": {"aws": "a.plugin"}}


def test_a_dist_info_folder_is_found(tmp_path: Path) -> None:
    """An installed distribution is found with its normalised name, version and folder."""
    write_distribution(tmp_path, "Acme.Tools", version="2.1", entry_points=OURS)

    [found] = installed([str(tmp_path)])

    assert str(found) == "acme-tools 2.1"
    assert found.path == str(tmp_path)
    assert found.groups == OURS


@pytest.mark.parametrize("folder", ["acme_tools.egg-info", "acme_tools-2.1-py3.11.egg-info"])
def test_an_egg_info_folder_is_found(tmp_path: Path, folder: str) -> None:
    """Old-style metadata is found too, whether its folder has the version in its name or not."""
    metadata = tmp_path / folder
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text(entry_points_text(OURS))
    (metadata / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: acme-tools\nVersion: 2.1\n")

    assert [str(found) for found in installed([str(tmp_path)])] == ["acme-tools 2.1"]


def test_a_zip_file_is_found(tmp_path: Path) -> None:
    """A distribution inside a zip file on the path is found."""
    archive = tmp_path / "acme.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("acme-1.5.dist-info/METADATA", "Name: acme\nVersion: 1.5\n")
        file.writestr("acme-1.5.dist-info/entry_points.txt", entry_points_text(OURS))

    assert [str(found) for found in installed([str(archive)])] == ["acme 1.5"]


def test_the_package_importlib_metadata_changes_nothing(tmp_path: Path) -> None:
    """It takes the place of Python's own finder for the whole process; keyring imports it."""
    pytest.importorskip("importlib_metadata", reason="it comes with keyring before Python 3.12")
    archive = tmp_path / "acme.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("acme-1.5.dist-info/METADATA", "Name: acme\nVersion: 1.5\n")
        file.writestr("acme-1.5.dist-info/entry_points.txt", entry_points_text(OURS))
    write_distribution(tmp_path / "site", "other", entry_points=OURS)
    code = (
        "import sys; from brickwork.registry.metadata import installed; before = installed();"
        "import importlib_metadata; assert installed() == before;"
        "print(*installed(sys.argv[1:]), sep=', ')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(archive), str(tmp_path / "site")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "acme 1.5, other 1.0\n"


def test_other_finders_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that only a finder of its own knows is found."""
    metadata = write_distribution(tmp_path, "hidden-away", entry_points=OURS)

    class Finder(DistributionFinder):
        def find_spec(self, *args: object) -> None:
            return None

        def find_distributions(
            self, context: DistributionFinder.Context | None = None
        ) -> list[PathDistribution]:
            return [PathDistribution(metadata)]

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])

    assert "hidden-away 1.0" in map(str, installed())


def test_the_first_of_two_with_one_name_wins(tmp_path: Path) -> None:
    """Of two copies of a distribution the first on the path counts, as for Python's import."""
    for folder, version in (("one", "1.0"), ("two", "2.0")):
        write_distribution(tmp_path / folder, "acme", version=version, entry_points=OURS)
    path = [str(tmp_path / "two"), str(tmp_path / "one"), str(tmp_path / "two")]

    assert [str(found) for found in installed(path)] == ["acme 2.0"]


def test_a_copy_without_entry_points_hides_a_later_one(tmp_path: Path) -> None:
    """A first copy without our entry points hides a later one with them, as Python sees it."""
    write_distribution(tmp_path / "one", "acme", entry_points={"other": {"a": "b"}})
    write_distribution(tmp_path / "two", "acme", entry_points=OURS)

    assert installed([str(tmp_path / "one"), str(tmp_path / "two")]) == []


def test_leftovers_and_folders_that_are_not_there_are_passed_over(tmp_path: Path) -> None:
    """What pip leaves of a failed removal, missing and unreadable folders are no error."""
    write_distribution(tmp_path, "~acme", entry_points=OURS)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o000)

    assert installed([str(tmp_path), str(tmp_path / "missing"), str(locked)]) == []


def test_an_empty_path_entry_is_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The empty entry of sys.path means the working directory."""
    write_distribution(tmp_path, "acme", entry_points=OURS)
    monkeypatch.chdir(tmp_path)

    assert [str(found) for found in installed([""])] == ["acme 1.0"]


def test_entry_points_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    """A damaged entry_points.txt hinders nothing else."""
    write_distribution(tmp_path, "acme", entry_points=OURS)
    damaged = tmp_path / "broken-1.0.dist-info"
    damaged.mkdir()
    (damaged / "entry_points.txt").write_bytes(b"\xff\xfe[brickwork]\x00\n= \n" + os.urandom(64))

    assert "acme 1.0" in map(str, installed([str(tmp_path)]))


def test_discovery_agrees_with_importlib_here() -> None:
    """In this very environment both ways find the same distributions."""
    reference = {
        point.dist.name.lower().replace("_", "-")
        for dist in distributions()
        for point in dist.entry_points
        if point.group.split(".")[0] == "brickwork" and point.dist is not None
    }

    assert {found.name for found in installed()} == reference
