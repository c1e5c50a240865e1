"""Files as they are sent: piece by piece, watched."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from brickwork import InvalidArguments, check_cancelled, progress

_STEP_BYTES = 256 * 1024
_ENCODED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_UNKNOWN = "application/octet-stream"


class Watched(io.BufferedReader):
    """A file whose reader reports the progress, sums up what it read, and can be cancelled."""

    def __init__(self, raw: io.RawIOBase, size: int) -> None:
        super().__init__(raw)
        self.size = size
        self._sum: Any = None
        self._done = self._told = 0
        self._begin()

    @property
    def digest(self) -> str:
        """The digest of what was read since the begin, as GitHub writes it."""
        return f"sha256:{self._sum.hexdigest()}"

    def read(self, size: int | None = -1, /) -> bytes:
        """Read a piece.

        Raises:
            TaskCancelled: The task was cancelled meanwhile.
            TaskTimeout: Its time is up.
        """
        check_cancelled()
        piece = super().read(size)
        self._sum.update(piece)
        self._done += len(piece)
        if self._done - self._told >= _STEP_BYTES or (piece and self._done == self.size):
            self._told = self._done
            progress(self._done, self.size, "uploading")
        return piece

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go elsewhere; what is read after the begin is summed up anew."""
        self._begin()
        return super().seek(offset, whence)

    def digest_of_all(self) -> str:
        """Return the digest of the whole file, without a report; then it is at its begin."""
        self.seek(0)
        while piece := super().read(_STEP_BYTES):
            check_cancelled()
            self._sum.update(piece)
        found = self.digest
        self.seek(0)
        return found

    def _begin(self) -> None:
        from hashlib import sha256

        self._sum = sha256()
        self._done = self._told = 0


@contextmanager
def opened(content: Path | str | bytes) -> Iterator[Watched]:
    """Open what shall be sent.

    Raises:
        InvalidArguments: It cannot be read, or is empty.
    """
    try:
        raw = _raw(content)
    except OSError as error:
        raise InvalidArguments(
            f"{content!s} cannot be read: {error.strerror or type(error).__name__}.",
            fix="Give the path of a file.",
        ) from None
    with raw:
        size = raw.seek(0, io.SEEK_END)
        raw.seek(0)
        if size == 0:
            raise InvalidArguments(
                "The asset is empty, and GitHub takes no empty ones.",
                fix="Leave it out, or write something into it.",
            )
        with Watched(raw, size) as file:
            yield file


def asset_name(name: str) -> str:
    """Return a name for an asset that GitHub leaves as it is.

    It renames others by rules that it does not tell, so that they could not be found again. What
    stays are ASCII letters, digits, and ``.-_+@``; for the rest there is a point, and none at the
    ends.
    """
    from unicodedata import combining, normalize

    plain = "".join(each for each in normalize("NFKD", name) if not combining(each))
    kept = re.sub(r"[^A-Za-z0-9._+@-]+", ".", plain)
    kept = re.sub(r"\.{2,}", ".", kept).strip(".")
    return kept if "." in kept or kept == name else f"default.{kept}".strip(".")


def content_type_of(name: str) -> str:
    """Return the media type of a file, by its name; the same on all machines."""
    from mimetypes import MimeTypes

    kind, encoding = MimeTypes().guess_type(name, strict=False)
    if encoding is not None:
        return _ENCODED.get(encoding, _UNKNOWN)
    return kind or _UNKNOWN


def _raw(content: Path | str | bytes) -> io.RawIOBase:
    if isinstance(content, bytes):
        return _Bytes(content)
    return Path(content).open("rb", buffering=0)


class _Bytes(io.RawIOBase):
    """Bytes in memory, as a raw file."""

    def __init__(self, content: bytes) -> None:
        self._kept = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        return self._kept.readinto(buffer)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._kept.seek(offset, whence)
