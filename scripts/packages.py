"""The packages of the workspace: where they are, what they are called, and what was released."""

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)
_UNRELEASED = "## [Unreleased]\n"


@dataclass(frozen=True)
class Package:
    """One package of the workspace.

    Attributes:
        name: Its name for pip.
        folder: Its folder, from the root: ``plugins/aws``.
        version: Its version.
        root: The root of the workspace.
    """

    name: str
    folder: str
    version: str
    root: Path = ROOT

    @property
    def tag(self) -> str:
        """The tag of this version."""
        return f"{self.name}-{self.version}"

    @property
    def pyproject(self) -> Path:
        """Its settings."""
        return self.root / self.folder / "pyproject.toml"

    @property
    def changelog(self) -> Path:
        """Its changes."""
        return self.root / self.folder / "CHANGELOG.md"

    def unreleased(self) -> str:
        """Return what its changelog says of the next release."""
        _, _, rest = self.changelog.read_text(encoding="utf-8").partition(_UNRELEASED)
        return rest.partition("\n## [")[0].strip()

    def released(self) -> list[str]:
        """Return its tags, the newest first."""
        found = git("tag", "--list", f"{self.name}-[0-9]*", root=self.root).split()
        return sorted(
            found, key=lambda tag: key_of(tag.removeprefix(f"{self.name}-")), reverse=True
        )

    def write_version(self, version: str, date: str) -> None:
        """Set the version, and give what is unreleased its place in the changelog."""
        text = self.pyproject.read_text(encoding="utf-8")
        self.pyproject.write_text(
            _VERSION.sub(f'version = "{version}"', text, count=1), encoding="utf-8"
        )
        text = self.changelog.read_text(encoding="utf-8")
        heading = f"{_UNRELEASED}\n## [{version}] - {date}\n"
        self.changelog.write_text(text.replace(_UNRELEASED, heading, 1), encoding="utf-8")


def packages(root: Path = ROOT) -> list[Package]:
    """Return all packages, the core first."""
    files = [root / "core" / "pyproject.toml", *sorted(root.glob("plugins/*/pyproject.toml"))]
    return [_read(file, root) for file in files]


def _read(file: Path, root: Path) -> Package:
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    return Package(project["name"], str(file.parent.relative_to(root)), project["version"], root)


def key_of(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by; only final ones are released."""
    if not re.fullmatch(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}", version):
        raise SystemExit(f"{version!r} is no version of three numbers, such as 1.4.0")
    return tuple(map(int, version.split(".")))


def git(*arguments: str, root: Path = ROOT) -> str:
    """Run git and return what it prints."""
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build(package: Package, commit: str, out: Path, kinds: tuple[str, ...]) -> list[Path]:
    """Build a package as it is in a commit: from an archive, so that nothing else gets into it.

    The same commit gives the same bytes: https://reproducible-builds.org/docs/source-date-epoch/.

    Args:
        package: Which.
        commit: A commit or a tag.
        out: The folder for what is built, and for the source beside it; empty.
        kinds: ``wheel``, ``sdist``.

    Returns:
        The files.
    """
    source = out / "source"
    source.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "-C", str(package.root), "archive", commit, package.folder],
        check=True,
        capture_output=True,
    )
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive.stdout, check=True)
    epoch = git("log", "-1", "--format=%ct", commit, root=package.root).strip()
    for kind in kinds:
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out.absolute())],
            cwd=source / package.folder,
            env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"no {kind} of {package.name} at {commit}:\n{done.stderr}")
    return sorted(each for each in out.iterdir() if each.is_file())
