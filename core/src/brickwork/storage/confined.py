"""Files below a folder that nothing leads out of.

Each part of a path is opened on its own, relative to the folder before it and never through a
symbolic link. A path that is resolved first and opened then can be swapped in between.
"""

import errno
import io
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, BinaryIO, Self

from brickwork.errors import InvalidKey, KeyExists, KeyNotFound, StorageError
from brickwork.storage.keys import is_key

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TEMPORARY = ".brickwork-tmp-"
"""How the names of half-written files begin; they are never listed, read or overwritten."""

STALE_SECONDS = 24 * 3600
MAX_PART_BYTES = 255

_BUFFER = 256 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, or opening a FIFO would wait for its writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_FIXES = {
    errno.ENOSPC: "Free some space on the disk that holds {root}.",
    errno.EDQUOT: "Free some of this user's disk quota on {root}.",
    errno.EROFS: "The file system is read-only: use another folder, or mount it for writing.",
    errno.EACCES: "Give this user the right to do so, or use another folder.",
    errno.EPERM: "Give this user the right to do so, or use another folder.",
    errno.EMFILE: "Too many files are open: close some, or raise the limit (ulimit -n).",
    errno.ENOTDIR: "A part of the path is a file here, not a folder: use another key.",
    errno.EISDIR: "There is a folder of this name here: use another key.",
}


def open_file(root: str, key: str) -> BinaryIO:
    """Open a regular file for reading.

    Raises:
        KeyNotFound: There is none.
        InvalidKey: It is, or is reached through, a symbolic link.
        StorageError: It cannot be read.
    """
    with _folder_of(root, key) as (folder, name):
        fd = os.open(name, _READ, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise FileNotFoundError(errno.ENOENT, "not a regular file")
            return os.fdopen(fd, "rb", _BUFFER)
        except BaseException:
            os.close(fd)
            raise


def stat_file(root: str, key: str) -> os.stat_result:
    """Return what the file system knows about a regular file; raises as `open_file`."""
    with _folder_of(root, key) as (folder, name):
        return _stat(folder, name)


def make_folder(root: str, key: str) -> None:
    """Make a folder, and those above it, where they are missing.

    Raises:
        InvalidKey: It is, or is reached through, a symbolic link.
        StorageError: It cannot be made.
    """
    with _translated(root, key, "write"):
        os.close(_open_folder(root, key.split("/"), create=True))


def delete_file(root: str, key: str) -> None:
    """Delete a regular file, and the folders above it that are empty then; absent is fine.

    Raises:
        InvalidKey: It is, or is reached through, a symbolic link.
        StorageError: It cannot be deleted.
    """
    try:
        with _folder_of(root, key, "delete") as (folder, name):
            _stat(folder, name)  # a folder is no object, a link is refused
            os.unlink(name, dir_fd=folder)
    except KeyNotFound:
        return
    _prune(root, key.split("/")[:-1])


def list_files(root: str, prefix: str = "") -> Iterator[str]:
    """Yield the paths of the regular files that begin with a text, sorted, one folder at a time.

    Names that are no keys are left out. What killed writers left is removed when it is a day old.
    No file is open between two paths.
    """
    pending = [prefix[: prefix.rfind("/") + 1]]
    while pending:
        path = pending.pop()
        if path and not path.endswith("/"):
            yield path
            continue
        # A folder's name has its slash here, so plain sorting gives the order of whole paths.
        entries = sorted((path + name for name in _names(root, path)), reverse=True)
        pending += [entry for entry in entries if entry.startswith(prefix)]


class KeptFolders:
    """The last folder that each thread wrote to, kept open for its next file.

    Every system call gives the interpreter's lock away. Where many threads write small files,
    waiting to get it back costs more than the calls do.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[list[str], int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in list(self._last):
            self.drop(thread)

    def open(self, root: str, parts: list[str], durable: bool) -> int:
        """Return the open folder, made if missing; it stays open."""
        thread = get_ident()
        known = self._last.get(thread)
        if known is not None and known[0] == parts:
            return known[1]
        self.drop(thread)
        folder = _open_folder(root, parts, create=True, durable=durable)
        self._last[thread] = (parts, folder)
        return folder

    def drop(self, thread: int) -> None:
        """Close what a thread has open."""
        if known := self._last.pop(thread, None):
            os.close(known[1])


@contextmanager
def atomic_file(
    root: str,
    key: str,
    *,
    if_absent: bool = False,
    durable: bool = False,
    kept: KeptFolders | None = None,
) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name, whole, when the block ends.

    Args:
        root: The folder that nothing leads out of; made if missing, like those below it.
        key: The file's path in it.
        if_absent: Refuse to overwrite.
        durable: Sync the file and its folder, so that it survives a loss of power.
        kept: Keeps the folder open for the same thread's next file. For one root only.

    Raises:
        KeyExists: With ``if_absent``, when opening or when the block ends.
        InvalidKey: It is, or is reached through, a symbolic link.
        StorageError: It cannot be written.
    """
    *parts, name = key.split("/")
    with _translated(root, key, "write"):
        folder, temporary, raw = _begin(root, parts, durable, kept)
    raw.where = (root, key)
    try:
        if if_absent:
            _refuse_existing(root, key, folder, name)
        file = io.BufferedWriter(raw, _BUFFER)
        yield file
        with _translated(root, key, "write"):
            file.close()
            _publish(folder, temporary, name, if_absent)
            if durable:
                os.fsync(folder)
    except BaseException:
        raw.durable = False
        with suppress(OSError, StorageError):
            raw.close()
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        if kept is not None:
            kept.drop(get_ident())  # or it would be removed below, and still be open
        _prune(root, parts)
        raise
    finally:
        if kept is None:
            os.close(folder)


class _TemporaryFile(io.RawIOBase):
    """A file whose errors name the object that is being written.

    Unlike FileIO it asks the system nothing when it is opened, told or sought.
    """

    durable = False
    where = ("", "")

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd, self._position = fd, 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            self._position = os.fstat(self._fd).st_size + offset
        else:
            self._position = offset + (self._position if whence == io.SEEK_CUR else 0)
        return self._position

    def truncate(self, size: int | None = None, /) -> int:
        size = self._position if size is None else size
        os.ftruncate(self._fd, size)
        return size

    def write(self, data: "ReadableBuffer", /) -> int:
        with _translated(*self.where, "write"):
            written = os.pwrite(self._fd, data, self._position)
        self._position += written
        return written

    def close(self) -> None:
        if self.closed:
            return
        try:
            super().close()
            if self.durable:
                os.fsync(self._fd)
        finally:
            os.close(self._fd)


def _prune(root: str, parts: list[str]) -> None:
    """Remove a folder, and those above it, as long as they are empty."""
    with suppress(OSError, StorageError):  # not empty, or somebody is writing there: it stays
        while parts:
            last = parts.pop()
            parent = _open_folder(root, parts)
            try:
                os.rmdir(last, dir_fd=parent)
            finally:
                os.close(parent)


def _begin(
    root: str, parts: list[str], durable: bool, kept: KeptFolders | None
) -> tuple[int, str, _TemporaryFile]:
    """Open the folder and a new temporary file in it."""
    # Unique, which is enough: the file is opened exclusively, so nobody gains by a guess.
    temporary = f"{TEMPORARY}{os.getpid():x}-{get_ident():x}-{time.monotonic_ns():x}"
    for _ in range(100):
        # A delete may just have removed the folder, since it was empty: then make it again.
        try:
            if kept is None:
                folder = _open_folder(root, parts, create=True, durable=durable)
            else:
                folder = kept.open(root, parts, durable)
        except FileNotFoundError:
            continue
        try:
            fd = os.open(temporary, _CREATE, 0o666, dir_fd=folder)
        except OSError as error:
            if kept is None:
                os.close(folder)
            else:
                kept.drop(get_ident())
            if isinstance(error, FileNotFoundError):
                continue
            raise
        raw = _TemporaryFile(fd)
        raw.durable = durable
        return folder, temporary, raw
    raise FileNotFoundError(errno.ENOENT, "the folder is removed as fast as it is made")


def _publish(folder: int, temporary: str, name: str, if_absent: bool) -> None:
    if not if_absent:
        with suppress(FileNotFoundError):
            if stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
                raise OSError(errno.ELOOP, "a symbolic link")
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    try:  # a link, unlike a rename, fails where the name is taken
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP):
            raise
        raise StorageError(
            f"Cannot write {name!r} with if_absent: its file system has no hard links.",
            fix="Use a folder on another file system, or write without if_absent.",
        ) from error
    os.unlink(temporary, dir_fd=folder)


def _refuse_existing(root: str, key: str, folder: int, name: str) -> None:
    # Only to fail before the work: what decides is the link in `_publish`.
    with suppress(FileNotFoundError):
        os.lstat(name, dir_fd=folder)
        raise _translate(FileExistsError(errno.EEXIST, "exists"), root, key, "write")


@contextmanager
def _folder_of(root: str, key: str, doing: str = "read") -> Iterator[tuple[int, str]]:
    *parts, name = key.split("/")
    with _translated(root, key, doing):
        folder = _open_folder(root, parts)
        try:
            yield folder, name
        finally:
            os.close(folder)


def _open_folder(
    root: str, parts: Sequence[str], *, create: bool = False, durable: bool = False
) -> int:
    folder = _open_root(root, create)
    for name in parts:
        try:
            deeper = _step(folder, name, create, durable)
        finally:
            os.close(folder)
        folder = deeper
    return folder


def _open_root(root: str, create: bool) -> int:
    # The root is the caller's own choice: links in the way to it are fine.
    try:
        try:
            return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            if not create:
                raise
            Path(root).mkdir(parents=True, exist_ok=True)
            return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (NotADirectoryError, FileExistsError):
        raise StorageError(
            f"{root} is not a folder.", fix="Give a folder, or a path where one can be made."
        ) from None


def _step(folder: int, name: str, create: bool, durable: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
            if durable:
                os.fsync(folder)
        return os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError:  # also what Linux says of a link; only the message depends on it
        if stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
            raise OSError(errno.ELOOP, "a symbolic link") from None
        raise


def _stat(folder: int, name: str) -> os.stat_result:
    found = os.lstat(name, dir_fd=folder)
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "a symbolic link")
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return found


def _names(root: str, path: str) -> list[str]:
    """Return the names of the files in a folder, and of the folders, these with a slash."""
    names: list[str] = []
    # The empty name after the last slash stands for the folder itself.
    with (
        suppress(KeyNotFound, InvalidKey),
        _folder_of(root, path, "list") as (folder, _),
        os.scandir(folder) as entries,
    ):
        for entry in entries:
            if entry.name.startswith(TEMPORARY):
                _sweep(folder, entry)
            elif not is_key(path + entry.name):
                continue
            elif entry.is_dir(follow_symlinks=False):
                names.append(entry.name + "/")
            elif entry.is_file(follow_symlinks=False):
                names.append(entry.name)
    return names


def _sweep(folder: int, entry: os.DirEntry[str]) -> None:
    with suppress(OSError):  # a reader without the right to delete leaves it for others
        if entry.stat(follow_symlinks=False).st_mtime < time.time() - STALE_SECONDS:
            os.unlink(entry.name, dir_fd=folder)


@contextmanager
def _translated(root: str, key: str, doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _translate(error, root, key, doing) from error


def _translate(error: OSError, root: str, key: str, doing: str) -> StorageError:
    if error.errno == errno.ELOOP:
        return InvalidKey(
            f"{key!r} in {root} is, or is reached through, a symbolic link.",
            fix="Links could lead out of the folder and are not followed: put a real file there.",
        )
    if error.errno == errno.EEXIST and doing == "write":
        return KeyExists(
            f"{key!r} in {root} exists already.", fix="Use another key, or allow to overwrite."
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and doing != "write":
        return KeyNotFound(f"No object {key!r} in {root}.", fix="List the keys to see what exists.")
    fix = _FIXES.get(error.errno or 0, "Check the folder and its disk.")
    return StorageError(
        f"Cannot {doing} {key!r} in {root}: {error.strerror or error}.", fix=fix.format(root=root)
    )
