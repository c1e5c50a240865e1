"""Moving bytes between storages and local files: one object, or a folder with many workers."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from brickwork.errors import InvalidKey, StorageError
from brickwork.storage.confined import TEMPORARY, KeptFolders, atomic_file, open_file
from brickwork.storage.keys import check_key, check_prefix

if TYPE_CHECKING:
    from brickwork.storage.interface import ProgressCallback, Storage

_CHUNK = 1024 * 1024


def pump(source: BinaryIO, sink: BinaryIO, advance: Callable[[int], None] | None = None) -> None:
    """Copy what is left of one open file into another, a chunk at a time."""
    while chunk := source.read(_CHUNK):
        sink.write(chunk)
        if advance is not None:
            advance(len(chunk))


def object_url(storage: "Storage", key: str) -> str:
    """Return one text for one object, so that overlapping storages are seen to share it."""
    from urllib.parse import quote

    return f"{storage.url.partition('?')[0].rstrip('/')}/{quote(check_key(key))}"


def upload_file(
    storage: "Storage", path: str | Path, key: str, progress: "ProgressCallback | None"
) -> None:
    """See `Storage.upload_file`."""
    check_key(key)
    try:
        file = Path(path).open("rb")  # noqa: SIM115  # its own errors, not those of the storage
    except OSError as error:
        raise _cannot_read(path, error) from error
    with file:
        total = os.fstat(file.fileno()).st_size
        storage._write_from(file, key, _meter(progress, total, key))  # noqa: SLF001  # a friend


def download_file(
    storage: "Storage", key: str, path: str | Path, progress: "ProgressCallback | None"
) -> None:
    """See `Storage.download_file`."""
    check_key(key)
    local = Path(path).resolve()  # the caller's own choice: links in the way to it are fine
    if local.is_dir():
        raise StorageError(f"{path} is a folder.", fix="Give the path of a file.")
    total = storage.stat(key).size if progress is not None else None
    with atomic_file(str(local.parent), local.name) as file:
        storage._read_into(key, file, _meter(progress, total, key))  # noqa: SLF001  # a friend


def upload_folder(
    storage: "Storage",
    path: str | Path,
    prefix: str,
    globs: "Globs",
    workers: int,
    progress: "ProgressCallback | None",
) -> list[str]:
    """See `Storage.upload_folder`."""
    root = os.fspath(path)
    folder = _as_folder(prefix)
    found = sorted(_local_files(root, globs))
    keys = {name: check_key(folder + name) for name in found}

    def upload(name: str) -> None:
        # Opened link by link again: the folder may have changed since it was listed.
        with open_file(root, name) as file:
            storage._write_from(file, keys[name], _nothing)  # noqa: SLF001  # a friend

    _in_parallel(upload, found, workers, progress)
    return list(keys.values())


def download_folder(
    storage: "Storage",
    prefix: str,
    path: str | Path,
    globs: "Globs",
    workers: int,
    progress: "ProgressCallback | None",
) -> list[Path]:
    """See `Storage.download_folder`."""
    root = os.path.abspath(path)  # noqa: PTH100  # must not resolve links
    folder = _as_folder(prefix)
    names = list(_names_below(storage, folder, globs))

    with KeptFolders() as kept:

        def download(name: str) -> None:
            with atomic_file(root, name, kept=kept) as file:
                storage._read_into(folder + name, file, _nothing)  # noqa: SLF001  # a friend

        _in_parallel(download, names, workers, progress)
    return [Path(path, name) for name in names]


class Globs:
    """Which relative paths to take: those that ``include`` matches and ``exclude`` does not."""

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        for given in (include, exclude):
            if isinstance(given, str):
                raise TypeError(f"include and exclude take a list of globs: [{given!r}]")
        self._include = [_compile(glob) for glob in include]
        self._exclude = [_compile(glob) for glob in exclude]

    def take(self, path: str) -> bool:
        """Tell whether to take a file."""
        included = not self._include or any(match(path) for match in self._include)
        return included and not self.prune(path)

    def prune(self, path: str) -> bool:
        """Tell whether a file, or a folder with all that is below it, is excluded."""
        return any(match(path) for match in self._exclude)


def _compile(glob: str) -> Callable[[str], object]:
    import re

    pattern = ""
    for token in re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/")):
        pattern += _TOKENS.get(token) or re.escape(token)
    start = "" if "/" in glob.strip("/") else "(?:.*/)?"
    return re.compile(f"{start}{pattern}(?:/.*)?", re.DOTALL).fullmatch


_TOKENS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _as_folder(prefix: str) -> str:
    return check_prefix(prefix if not prefix or prefix.endswith("/") else f"{prefix}/")


def _local_files(root: str, globs: Globs) -> Iterator[str]:
    """Yield the relative paths of the regular files below a folder; follows no link."""
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as entries:  # noqa: PTH118  # needs text
                for entry in entries:
                    name = folder + entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if not globs.prune(name):
                            folders.append(f"{name}/")
                    elif entry.name.startswith(TEMPORARY):
                        continue
                    elif entry.is_file(follow_symlinks=False) and globs.take(name):
                        yield name
        except OSError as error:
            raise _cannot_read(os.path.join(root, folder), error) from error  # noqa: PTH118  # os.walk gives texts


def _names_below(storage: "Storage", folder: str, globs: Globs) -> Iterator[str]:
    for key in storage.keys(folder):
        name = key.removeprefix(folder)
        if not key.startswith(folder):
            raise InvalidKey(
                f"The storage listed {key!r:.200}, which is not below {folder!r}.",
                fix="The storage is at fault: run StorageContract on it.",
            )
        if globs.take(check_key(name)):
            yield name


def _in_parallel(
    work: Callable[[str], None],
    names: Iterable[str],
    workers: int,
    progress: "ProgressCallback | None",
) -> None:
    """Run work on every name; the first failure stops what has not begun, and is raised."""
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, as_completed, wait

    with ThreadPoolExecutor(workers, thread_name_prefix="brickwork-storage") as pool:
        futures = {pool.submit(copy_context().run, work, name): name for name in names}
        try:
            if progress is None:
                # Woken once, not for every file: this thread would only take time from the others.
                for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                    future.result()
                return
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                progress(done, len(futures), futures[future])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _meter(
    progress: "ProgressCallback | None", total: int | None, text: str
) -> Callable[[int], None]:
    """Return what counts bytes, from any thread, and reports them in the context of this one."""
    if progress is None:
        return _nothing
    from threading import Lock

    report, context, lock, done = progress, copy_context(), Lock(), 0

    def advance(count: int) -> None:
        nonlocal done
        with lock:
            done += count
            context.run(report, done, total, text)

    return advance


def _nothing(count: int) -> None:
    """Count nothing."""


def _cannot_read(path: str | Path, error: OSError) -> StorageError:
    return StorageError(
        f"Cannot read {path}: {error.strerror or error}.",
        fix="Check that it exists and that this user may read it.",
    )
