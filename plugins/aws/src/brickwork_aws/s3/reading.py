"""Reading objects: as a stream that survives broken connections, or into a file by many parts."""

import io
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

from brickwork import StorageError, check_cancelled
from brickwork_aws.faults import is_transient
from brickwork_aws.s3.errors import Explained
from brickwork_aws.s3.parts import MIB, PART_BYTES, PartGroup, part_bytes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from brickwork_aws.s3.bucket import S3Bucket

MAX_RESUMES = 5
"""How often in a row a stream asks again for the bytes that lack, without getting any."""

PARALLEL_FROM = 2 * PART_BYTES
"""Objects of this size and more are downloaded by many connections."""


class S3Reader(io.RawIOBase):
    """One version of an object, as a stream; it can seek.

    When the connection breaks it goes on where it stopped, provided the object is still the same.

    Attributes:
        size: The object's bytes.
        etag: Its version's.
    """

    def __init__(self, bucket: "S3Bucket", key: str, version_id: str | None = None) -> None:
        super().__init__()
        self._body: Any = None
        self._bucket, self._key, self._position = bucket, key, 0
        self._arguments = bucket.arguments(key)
        if version_id is not None:
            self._arguments["VersionId"] = version_id
        with self._explained():
            answer = bucket.client().get_object(**self._arguments)
        self._body = answer["Body"]
        self.size: int = answer["ContentLength"]
        self.etag: str = answer["ETag"]

    def readable(self) -> bool:  # noqa: D102  # as io says
        return True

    def seekable(self) -> bool:  # noqa: D102  # as io says
        return True

    def tell(self) -> int:  # noqa: D102  # as io says
        self._refuse_closed()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:  # noqa: D102  # as io says
        self._refuse_closed()
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError(f"cannot seek to {start + offset}")
        if start + offset != self._position:
            self._drop()
            self._position = start + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:  # noqa: D102  # as io says
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most so many bytes, all that are left by default; none only at the end."""
        self._refuse_closed()
        left = max(0, self.size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        chunks: list[bytes] = []
        failures = 0
        with self._explained():
            if 0 < wanted == self.size <= MIB and self._body is not None:
                whole = self._receive_whole()
                if whole is not None:
                    return whole
                failures = 1
            while wanted:
                chunk = self._receive(wanted, failures)
                chunks.append(chunk)
                wanted -= len(chunk)
                failures = 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def readall(self) -> bytes:  # noqa: D102  # as io says
        return self.read()

    def close(self) -> None:  # noqa: D102  # as io says
        self._drop()
        super().close()

    def _receive_whole(self) -> bytes | None:
        """Return all bytes of a small object in one call, which is faster; None if it broke."""
        try:
            data: bytes = self._body.read()  # botocore compares the length and the checksum
        except Exception as error:
            self._drop()
            if not (is_transient(error) or _is_broken(error)):
                raise
            return None
        self._body, self._position = None, self.size  # nothing is left to close
        return data

    def _receive(self, wanted: int, failures: int) -> bytes:
        """Return some bytes, and at least one; asks again when the connection breaks."""
        while True:
            try:
                if self._body is None:
                    self._body = self._ask_again()
                chunk: bytes = self._body.read(wanted)
                if chunk:
                    self._position += len(chunk)
                    break
                raise _cut_off(self)
            except Exception as error:
                self._drop()
                failures += 1
                if failures > MAX_RESUMES or not (is_transient(error) or _is_broken(error)):
                    raise
                check_cancelled()
        if self._position == self.size:
            self._verify()
        return chunk

    def _verify(self) -> None:
        from botocore.exceptions import FlexibleChecksumError

        try:
            self._body.read(1)  # at the end botocore compares the checksum
        except FlexibleChecksumError:
            raise
        except Exception:  # noqa: BLE001  # all bytes are here; only the connection is not to be kept
            self._drop()

    def _ask_again(self) -> Any:
        answer = self._bucket.client().get_object(
            **self._arguments, Range=f"bytes={self._position}-", IfMatch=self.etag
        )
        return answer["Body"]

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def _explained(self) -> Explained:
        version = "Version" if "VersionId" in self._arguments else ""
        return Explained(self._bucket, f"s3:GetObject{version}", self._key)

    def _refuse_closed(self) -> None:
        if self.closed:
            raise ValueError("the object was closed")


def _cut_off(reader: S3Reader) -> Exception:
    from botocore.exceptions import IncompleteReadError

    error: Exception = IncompleteReadError(actual_bytes=reader.tell(), expected_bytes=reader.size)
    return error


def _is_broken(error: Exception) -> bool:
    # botocore passes on what urllib3 says when the length of an answer is wrong.
    from urllib3.exceptions import HTTPError

    return isinstance(error, HTTPError | OSError) and not isinstance(error, StorageError)


def read_into(bucket: "S3Bucket", key: str, file: BinaryIO, advance: Callable[[int], None]) -> None:
    """Write an object's bytes into an open local file, large ones by many connections."""
    with S3Reader(bucket, key) as reader:
        if reader.size <= MIB:
            file.write(reader.read())
            advance(reader.size)
            return
        if reader.size < PARALLEL_FROM:
            while chunk := reader.read(MIB):
                file.write(chunk)
                advance(len(chunk))
                check_cancelled()
            return
    _read_parts(bucket, key, reader, file, advance)


def _read_parts(
    bucket: "S3Bucket", key: str, reader: S3Reader, file: BinaryIO, advance: Callable[[int], None]
) -> None:
    lock = Lock()
    parts = PartGroup[None]()
    size = part_bytes(1, reader.size)

    def fetch(start: int) -> None:
        with S3Section(reader, start, min(start + size, reader.size)) as section:
            while (chunk := section.read(MIB)) and not parts.stopped:
                with lock:
                    file.seek(section.tell() - len(chunk))
                    file.write(chunk)
                advance(len(chunk))

    try:
        with Explained(bucket, "s3:GetObject", key):
            for start in range(0, reader.size, size):
                parts.run(MIB, fetch, start)
            parts.results()
    except BaseException:
        parts.stop()  # before the file is closed
        raise


class S3Section(S3Reader):
    """A section of an object that a reader knows already."""

    def __init__(self, whole: S3Reader, start: int, stop: int) -> None:
        io.RawIOBase.__init__(self)
        self._body = None
        self._bucket, self._key, self._position = whole._bucket, whole._key, start  # noqa: SLF001  # a subclass
        self._arguments = whole._arguments  # noqa: SLF001  # as above
        self.size, self.etag = stop, whole.etag

    def _ask_again(self) -> Any:
        answer = self._bucket.client().get_object(
            **self._arguments,
            Range=f"bytes={self._position}-{self.size - 1}",
            IfMatch=self.etag,
        )
        return answer["Body"]
