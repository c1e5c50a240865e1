"""Writes a plugin's package into a folder of its own: whole, or not at all."""

from collections.abc import Mapping
from pathlib import Path

from brickwork.errors import ConfigError
from brickwork.scaffold.plan import Plan
from brickwork.scaffold.rendering import rendered

_LICENSES = Path(__file__).parent / "licenses"


def write(plan: Plan, into: Path) -> Path:
    """Write the package, and return its folder.

    Args:
        plan: What it is to be.
        into: The folder in which the package's folder is made.

    Raises:
        ConfigError: The package's folder is there already, or cannot be made.
    """
    folder = into / plan.distribution
    try:
        if folder.exists() or folder.is_symlink():
            raise FileExistsError
        _write_whole(folder, files_of(plan))
    except FileExistsError:
        raise ConfigError(
            f"{folder} is there already, and stays as it is.",
            fix="Choose another name, or another folder with --into.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror or error}.",
            fix="Choose a folder that is there and may be written to, with --into.",
        ) from None
    return folder


def files_of(plan: Plan) -> dict[str, str]:
    """Return the package's files: path to text."""
    from datetime import UTC, datetime
    from importlib.metadata import version

    words = plan.words(version("brickwork"), datetime.now(UTC).year)
    files = dict(rendered(plan.name, plan.class_prefix, plan.parts, words))
    text = (_LICENSES / f"{plan.license}.txt").read_text(encoding="utf-8")
    for word in ("year", "holder"):
        text = text.replace(f"«{word}»", words[word])
    return {**files, "LICENSE": text}


def _write_whole(folder: Path, files: Mapping[str, str]) -> None:
    import shutil
    from tempfile import mkdtemp

    half = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        half.chmod(0o755 & ~_umask())
        for name, text in files.items():
            path = half / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        # Only an empty folder that is ours is replaced: mkdir refuses what somebody made meanwhile.
        folder.mkdir()
        half.rename(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise


def _umask() -> int:
    import os

    mask = os.umask(0o077)
    os.umask(mask)
    return mask
