"""Archives from others, unpacked such that nothing gets out of the folder and nothing blows up.

Python's ``tarfile`` and ``zipfile`` read the archive; what is written, and where, is decided here:
only files and folders, each path a key of a storage, each file opened without following a link.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple

from brickwork.errors import InvalidKey, StorageError, UnsafeArchive
from brickwork.storage.confined import KeptFolders, atomic_file, make_folder
from brickwork.storage.keys import check_key

if TYPE_CHECKING:
    import tarfile
    import zipfile

    from brickwork.storage.interface import ProgressCallback

MIB = 1024 * 1024
MAX_HEADER_BYTES = MIB
"""How much may stand between two files: long names are read into memory."""

RATIO_FREE_BYTES = 16 * MIB
"""So much may be unpacked from an archive of any size."""

_CHUNK = 256 * 1024
_FIX = "Do not trust where it comes from; unpack it by other means if you must."
_STORED, _DEFLATED, _ENCRYPTED = 0, 8, 1

Kind = Literal["file", "folder", "link"]


class Extracted(NamedTuple):
    """What was unpacked.

    Attributes:
        files: The paths of the files below the folder, in the archive's order.
        skipped_links: The paths of links, which were left out.
        size: Of all files, in bytes.
    """

    files: tuple[str, ...]
    skipped_links: tuple[str, ...]
    size: int


class _Member(NamedTuple):
    name: str
    kind: Kind
    executable: bool
    content: BinaryIO | None


def extract_archive(
    archive: str | Path | BinaryIO,
    folder: str | Path,
    *,
    strip: int = 0,
    links: Literal["refuse", "skip"] = "refuse",
    max_entries: int = 200_000,
    max_bytes: int = 10 * 1024 * MIB,
    max_ratio: float = 250.0,
    progress: "ProgressCallback | None" = None,
) -> Extracted:
    """Unpack a tar, tar.gz or zip archive that others have made.

    Refused are: absolute paths and ``..``, names with control characters or backslashes, devices,
    FIFOs and sparse files, two entries of one path, also where only case or Unicode's form differs,
    encrypted entries, and archives that unpack to too many files or bytes. Links are never made.
    Files are opened folder by folder without following links, so nothing is written elsewhere even
    if somebody swaps folders for links meanwhile. Of the modes only the right to execute is kept,
    of owners and times nothing.

    Args:
        archive: The file; an open one must be able to seek.
        folder: Where to; missing or empty. After a failure it is again as it was.
        strip: How many folders to take off each path, as ``tar --strip-components``.
        links: Whether a symbolic or hard link is an error, or left out and reported.
        max_entries: The most entries.
        max_bytes: The most bytes in all.
        max_ratio: How many times as large as the archive it may become, beyond 16 MiB.
        progress: Called after each file with files done, None, and the path; may raise to stop.

    Raises:
        UnsafeArchive: It has what is refused; says which entry.
        StorageError: It is no archive, or damaged; the folder is not empty, or cannot be written.
    """
    with _opened(archive) as file, empty_folder(folder) as root:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        most = min(max_bytes, int(max(RATIO_FREE_BYTES, size * max_ratio)))
        work = _Extraction(root, strip, links, max_entries, most, progress)
        work.run(_members(file, size, most))
        return Extracted(tuple(work.files), tuple(work.links), work.size)


@contextmanager
def empty_folder(path: str | Path) -> Iterator[str]:
    """Make sure of an empty folder; what is put there is removed if an exception leaves the block.

    Raises:
        StorageError: It is not empty, no folder, or cannot be made.
    """
    folder = Path(os.path.abspath(path))  # noqa: PTH100  # links in the way to it are fine
    try:
        existed = folder.is_dir()
        folder.mkdir(parents=True, exist_ok=True)
        taken = next(folder.iterdir(), None) is not None
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be used as a folder: {error.strerror or error}.",
            fix="Give a folder, or a path where one can be made.",
        ) from None
    if taken:
        raise StorageError(f"{folder} is not empty.", fix="Give an empty folder, or a new path.")
    try:
        yield str(folder)
    except BaseException:
        _clear(folder, remove=not existed)
        raise


def _clear(folder: Path, *, remove: bool) -> None:
    from contextlib import suppress
    from shutil import rmtree

    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        if remove:
            folder.rmdir()


class _Extraction:
    """Writes members below a folder, and knows what is there already."""

    def __init__(
        self,
        root: str,
        strip: int,
        links: str,
        max_entries: int,
        max_bytes: int,
        progress: "ProgressCallback | None",
    ) -> None:
        self._root, self._strip, self._links = root, strip, links
        self._entries_left, self._bytes_left = max_entries, max_bytes
        self._progress = progress
        self._taken: dict[str, tuple[str, Kind]] = {}
        self.files: list[str] = []
        self.links: list[str] = []
        self.size = 0

    def run(self, members: Iterator[_Member]) -> None:
        with KeptFolders() as kept:
            while True:
                with _reading():
                    member = next(members, None)
                if member is None:
                    return
                self._entries_left -= 1
                if self._entries_left < 0:
                    raise UnsafeArchive("The archive has too many entries.", fix=_FIX)
                path = self._path_of(member)
                if path:
                    self._claim(path, member.kind)
                    self._make(path, member, kept)

    def _path_of(self, member: _Member) -> str:
        """Return the path below the folder; empty for what stripping leaves nothing of."""
        name = member.name.removeprefix("./")
        if member.kind == "folder":
            name = name.removesuffix("/")
        if not name or name == ".":
            return ""
        try:
            parts = check_key(name).split("/")
        except InvalidKey as error:
            raise UnsafeArchive(f"The archive has a bad path: {error.what}", fix=_FIX) from None
        return "/".join(parts[self._strip :])

    def _claim(self, path: str, kind: Kind) -> None:
        """Note a path and its folders, unless another one is the same to some file system."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            part = "/".join(parts[:end])
            wanted: Kind = kind if end == len(parts) else "folder"
            known = self._taken.get(_folded(part))
            if known is not None and (known != (part, "folder") or wanted != "folder"):
                raise UnsafeArchive(
                    f"The archive has {path!r:.200} twice, or beside {known[0]!r:.200}.", fix=_FIX
                )
            self._taken[_folded(part)] = part, wanted

    def _make(self, path: str, member: _Member, kept: KeptFolders) -> None:
        if member.kind == "folder":
            make_folder(self._root, path)
        elif member.kind == "link":
            if self._links == "refuse":
                raise UnsafeArchive(f"The archive has a link, {path!r:.200}.", fix=_FIX)
            self.links.append(path)
        elif member.content is not None:
            self._write(path, member.content, member.executable, kept)
            self.files.append(path)
        if self._progress is not None:
            self._progress(len(self.files), None, path)

    def _write(self, path: str, content: BinaryIO, executable: bool, kept: KeptFolders) -> None:
        with atomic_file(self._root, path, kept=kept) as file:
            while True:
                with _reading():
                    chunk = content.read(_CHUNK)
                if not chunk:
                    break
                self.size += len(chunk)
                self._bytes_left -= len(chunk)
                if self._bytes_left < 0:
                    raise _too_large()
                file.write(chunk)
            if executable:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                os.fchmod(file.fileno(), mode | (mode & 0o444) >> 2)


def _folded(path: str) -> str:
    """Return one text for all paths that some file system takes for the same."""
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _too_large() -> UnsafeArchive:
    return UnsafeArchive("The archive unpacks to too many bytes.", fix=_FIX)


@contextmanager
def _opened(archive: str | Path | BinaryIO) -> Iterator[BinaryIO]:
    if not isinstance(archive, str | Path):
        yield archive
        return
    try:
        file = Path(archive).open("rb")  # noqa: SIM115  # its own errors, not those of the block
    except OSError as error:
        raise StorageError(
            f"{archive} cannot be read: {error.strerror or error}.", fix="Check the path."
        ) from None
    with file:
        yield file


def _members(file: BinaryIO, size: int, most: int) -> Iterator[_Member]:
    """Give the entries, one after the other, by what the file begins with."""
    begin = file.read(4)
    file.seek(0)
    if begin.startswith(b"PK"):
        return _zip_members(file, size)
    return _tar_members(file, most, packed=begin.startswith(b"\x1f\x8b"))


class _Metered:
    """Reads on, but no more than was agreed.

    Attributes:
        ahead: How much may be read before the agreement is made anew.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._left = file, most
        self.ahead = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, _CHUNK) if size >= 0 else _CHUNK)
        self._left -= len(data)
        self.ahead -= len(data)
        if self._left < 0:
            raise _too_large()
        if self.ahead < 0:
            raise UnsafeArchive("The archive has a header that is far too long.", fix=_FIX)
        return data


def _tar_members(file: BinaryIO, most: int, *, packed: bool) -> Iterator[_Member]:
    import gzip
    import tarfile

    source: BinaryIO = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]  # a BinaryIO but for its name
    metered = _Metered(source, most + MAX_HEADER_BYTES)
    metered.ahead = MAX_HEADER_BYTES
    with tarfile.open(fileobj=metered, mode="r|") as tar:  # type: ignore[call-overload]  # only read() is called
        while (entry := tar.next()) is not None:
            tar.members = []  # it would keep them all
            # What is read at once by tarfile is counted here, too.
            metered.ahead = entry.size + MAX_HEADER_BYTES
            yield _of_tar(tar, entry)
    # To the end, where gzip finds what is damaged.
    metered.ahead = most
    while metered.read(_CHUNK):
        pass


def _of_tar(tar: "tarfile.TarFile", entry: "tarfile.TarInfo") -> _Member:
    import tarfile

    name, executable = entry.name, bool(entry.mode & 0o100)
    if entry.type == tarfile.DIRTYPE:
        return _Member(name, "folder", executable, None)
    if entry.type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        return _Member(name, "link", executable, None)
    plain = entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and entry.sparse is None
    content = tar.extractfile(entry) if plain and entry.size >= 0 else None
    if content is None:
        raise UnsafeArchive(f"The archive has {name!r:.200}, which is no plain file.", fix=_FIX)
    return _Member(name, "file", executable, content)  # type: ignore[arg-type]  # IO[bytes]


def _zip_members(file: BinaryIO, size: int) -> Iterator[_Member]:
    import zipfile

    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if sum(entry.compress_size for entry in entries) > size:
            raise UnsafeArchive("The archive's entries overlap.", fix=_FIX)
        for entry in entries:
            kind = _kind_of_zip(entry)
            executable = bool(entry.external_attr >> 16 & 0o100)
            if kind != "file":
                yield _Member(entry.orig_filename, kind, executable, None)
                continue
            with archive.open(entry) as content:
                yield _Member(entry.orig_filename, kind, executable, content)  # type: ignore[arg-type]  # IO[bytes]


def _kind_of_zip(entry: "zipfile.ZipInfo") -> Kind:
    name, form = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    if form == stat.S_IFLNK:
        return "link"
    if name.endswith("/") and form in (0, stat.S_IFDIR):
        return "folder"
    if form not in (0, stat.S_IFREG) or entry.flag_bits & _ENCRYPTED:
        raise UnsafeArchive(f"The archive has {name!r:.200}, which is no plain file.", fix=_FIX)
    if entry.compress_type not in (_STORED, _DEFLATED):
        raise UnsafeArchive(f"The archive packs {name!r:.200} in an unusual way.", fix=_FIX)
    return "file"


@contextmanager
def _reading() -> Iterator[None]:
    """Say of what the readers of archives raise that the archive is damaged."""
    import struct
    import tarfile
    import zipfile
    import zlib

    try:
        yield
    except StorageError:
        raise
    except (
        *(tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError),
        *(ValueError, OverflowError, IndexError, NotImplementedError, RuntimeError),
    ) as error:
        raise StorageError(
            f"The archive cannot be read ({type(error).__name__}).",
            fix="Fetch it again: it is damaged, or no tar, tar.gz or zip archive.",
        ) from None
