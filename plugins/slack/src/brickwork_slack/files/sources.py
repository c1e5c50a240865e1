"""What is uploaded: a file, bytes or a stream, given piece by piece."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from brickwork import BrickworkError, InvalidArguments, check_cancelled

PIECE_BYTES = 256 * 1024

Content = Path | bytes | BinaryIO
"""The path of a file, its bytes, or a stream, which is read from where it stands."""


@dataclass(frozen=True)
class Upload:
    """A file to upload.

    Attributes:
        content: The path of a file, its bytes, or a stream, which is read from where it stands.
        name: Its name; by default that of the path.
        title: What people see; by default the name.
        alt_text: What an image shows, for who cannot see it.
        snippet_type: Show it as a snippet of this kind, as ``python``.
    """

    content: Content
    name: str | None = None
    title: str | None = None
    alt_text: str | None = None
    snippet_type: str | None = None


class Source:
    """The bytes of a file that is uploaded, perhaps several times.

    Args:
        upload: What.

    Attributes:
        upload: What.
        name: Its name.
        size: How many bytes it has; known once it is open.
        failure: Why it could not be read to its end; None if it could.
        once: Whether it cannot be read again when it was closed.

    Raises:
        InvalidArguments: It has no name.
    """

    def __init__(self, upload: Upload) -> None:
        content = upload.content
        own = Path(content).name if isinstance(content, str | Path) else _name_of(content)
        if not (name := upload.name or own):
            raise InvalidArguments("The file has no name.", fix="Give name=, as 'report.csv'.")
        self.upload, self.name = upload, name
        self.size = 0
        self.failure: InvalidArguments | None = None
        self.once = False
        self._file: BinaryIO
        self._start = 0

    def open(self) -> None:
        """Open it, and see how large it is.

        Raises:
            InvalidArguments: It cannot be read, or is empty.
        """
        content = self.upload.content
        try:
            self._open(content)
        except BrickworkError:
            raise  # a time-out is an OSError, too
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            raise self._unreadable(error) from None
        if self.size <= 0:
            self.close()
            raise InvalidArguments(
                f"{self.name} is empty, and Slack takes no empty files.",
                fix="Leave it out, or write something into it.",
            )

    def _open(self, content: Content | str) -> None:
        if isinstance(content, bytes | bytearray | memoryview):
            self._file = io.BytesIO(content)
        elif isinstance(content, str | Path):
            self._file = Path(content).open("rb")  # noqa: SIM115  # until `close`
        elif content.seekable():
            self._file, self._start = content, content.tell()
        else:
            self.once = True
            self._file = _copied(content)
        self.size = self._file.seek(0, io.SEEK_END) - self._start
        self._file.seek(self._start)

    def close(self) -> None:
        """Close it; a stream that was given is put back to where it stood."""
        if self._file is self.upload.content:
            if not self._file.closed:
                self._file.seek(self._start)
        else:
            self._file.close()

    def read(self, offset: int) -> bytes:
        """Return the next piece; none at the end.

        Args:
            offset: How many bytes were read before.

        Raises:
            InvalidArguments: It cannot be read, or became shorter.
            TaskCancelled: The task was cancelled.
            TaskTimeout: Its time is up.
        """
        check_cancelled()
        wanted = min(PIECE_BYTES, self.size - offset)
        if not wanted:
            return b""
        try:
            if offset == 0:
                self._file.seek(self._start)
            piece = self._file.read(wanted)
            if not isinstance(piece, bytes):
                raise ValueError("it gives no bytes")
        except (OSError, ValueError) as error:
            self.failure = self._unreadable(error)
        else:
            if piece:
                return piece
            self.failure = InvalidArguments(
                f"{self.name} became shorter while it was sent: {offset} bytes of {self.size}.",
                fix="Upload it when nobody writes to it.",
            )
        raise self.failure

    def pieces(self, advance: Callable[[int], None]) -> Iterator[bytes]:
        """Yield the whole of it, from its begin.

        Args:
            advance: Is told how many bytes were yielded in all, after each piece was taken.
        """
        offset = 0
        while piece := self.read(offset):
            yield piece
            offset += len(piece)
            advance(offset)

    def _unreadable(self, error: OSError | ValueError) -> InvalidArguments:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return InvalidArguments(
            f"{self.name} cannot be read: {why}.",
            fix="Give the path of a file, bytes, or a stream of bytes that is open.",
        )


def _name_of(content: object) -> str:
    """Return the name of the file that a stream reads; empty where it has none."""
    name = getattr(content, "name", None)
    return Path(name).name if isinstance(name, str) and not name.startswith("<") else ""


def _copied(stream: BinaryIO) -> BinaryIO:
    """Return what a stream gives, in a file without a name: Slack wants to know its size."""
    import tempfile

    file = tempfile.TemporaryFile()  # noqa: SIM115  # until `close`
    try:
        while piece := stream.read(PIECE_BYTES):
            check_cancelled()
            file.write(piece)
    except BaseException:
        file.close()
        raise
    return file
