"""Folders that only their owner enters, and writes that reach the disk."""

import os
import sys
from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that lack, for their owner alone.

    Raises:
        OSError: It cannot be made.
    """
    if folder.is_dir():
        return
    make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def sync(file: int) -> None:
    """Wait until what was written to a file is on the disk."""
    if sys.platform == "darwin":  # its fsync stops at the disk's own memory
        import fcntl

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(file)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
