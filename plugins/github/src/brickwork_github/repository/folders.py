"""The folder that a clone or an archive is put into."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brickwork import InvalidArguments


@contextmanager
def new_folder(path: str | Path) -> Iterator[str]:
    """Make sure of an empty folder; what is put there goes if an exception leaves the block.

    Raises:
        InvalidArguments: It is not empty, no folder, or cannot be made.
    """
    folder = Path(os.path.abspath(path))  # noqa: PTH100  # links in the way to it are fine
    existed = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise InvalidArguments(
            f"{folder} cannot be used as a folder: {error.strerror or error}.",
            fix="Give a folder, or a path where one can be made.",
        ) from None
    if taken:
        raise InvalidArguments(
            f"{folder} is not empty.", fix="Give an empty folder, or a new path."
        )
    try:
        yield str(folder)
    except BaseException:
        with suppress(OSError):
            for entry in folder.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()
            if not existed:
                folder.rmdir()
        raise
