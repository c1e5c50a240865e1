"""Writing objects: whole where they are small, by parts at once where they are large."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

from brickwork import KeyExists, StorageError
from brickwork_aws.faults import code_of, status_of
from brickwork_aws.s3.errors import Explained
from brickwork_aws.s3.parts import MIB, PartGroup, part_bytes

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from brickwork_aws.s3.bucket import S3Bucket

Bytes = bytes | bytearray | memoryview
Answer = dict[str, Any]

MAX_CONFLICTS = 8
"""How often a conditional write is sent again that met another one on its way."""

BUFFER_BYTES = MIB // 4
"""How much of a part of a file is read at once."""

MARK = "brickwork-write"
"""The name, in the metadata, of what a conditional write knows its own object by."""


def description(bucket: "S3Bucket", key: str) -> Answer:
    """Return the arguments that tell what an object is: its type, metadata and tags."""
    from mimetypes import guess_type
    from urllib.parse import urlencode

    kind, encoding = guess_type(key)
    given = {
        "ContentType": bucket.content_type or (None if encoding else kind),
        "Metadata": dict(bucket.metadata),
        "Tagging": urlencode(bucket.tags),
    }
    return {name: value for name, value in given.items() if value}


def put(bucket: "S3Bucket", key: str, data: Bytes, *, if_absent: bool = False) -> Answer:
    """Write a whole object by one request, and return the answer."""
    mark = _new_mark() if if_absent else {}
    arguments = {**bucket.arguments(key), **_marked(bucket.writing(key), mark)}
    body = data if isinstance(data, bytes | bytearray) else bytes(data)
    with Explained(bucket, "s3:PutObject", key):
        send = bucket.client().put_object
        return _conditionally(bucket, key, mark, send, **arguments, Body=body)


def put_file(
    bucket: "S3Bucket", key: str, file: BinaryIO, advance: Callable[[int], None]
) -> Answer:
    """Write an open local file's bytes, from its beginning, and return the answer."""
    total = file.seek(0, io.SEEK_END)
    file.seek(0)
    size = part_bytes(1, total)
    if total <= size:
        answer = put(bucket, key, file.read())
        advance(total)
        return answer
    upload, lock = Upload(bucket, key, advance=advance), Lock()
    try:
        with Explained(bucket, "s3:PutObject", key):
            for start in range(0, total, size):
                upload.add(FileSection(file, lock, start, min(start + size, total)))
            return upload.finish()
    except BaseException:
        upload.abort()
        raise


@contextmanager
def open_write(bucket: "S3Bucket", key: str, *, if_absent: bool) -> Iterator[BinaryIO]:
    """See `S3Bucket.open_write`."""
    writer = S3Writer(bucket, key, if_absent=if_absent)
    try:
        yield writer  # type: ignore[misc]  # a BufferedIOBase is what BinaryIO stands for
        writer.publish()
    except BaseException:
        writer.abandon()
        raise
    finally:
        writer.close()


class Upload:
    """A multipart upload; the object appears when it is finished.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html. What is neither
    finished nor aborted, because the process died, stays and costs until it is aborted: a bucket
    should have a lifecycle rule for that.
    """

    def __init__(
        self,
        bucket: "S3Bucket",
        key: str,
        *,
        if_absent: bool = False,
        advance: Callable[[int], None] | None = None,
    ) -> None:
        self._bucket, self._key, self._advance = bucket, key, advance
        self._client = bucket.client()
        self._mark = _new_mark() if if_absent else {}
        arguments = _marked(bucket.writing(key), self._mark)
        if bucket.credentials.client_options.checksums == "when_supported":
            arguments["ChecksumAlgorithm"] = "CRC32"
        with Explained(bucket, "s3:PutObject", key):
            answer = self._client.create_multipart_upload(**bucket.arguments(key), **arguments)
        self._arguments = {**bucket.arguments(key), "UploadId": answer["UploadId"]}
        self._parts = PartGroup[Answer]()
        self._count = 0

    def add(self, data: "bytearray | FileSection") -> None:
        """Send a part; waits while too much is on its way."""
        self._count += 1
        in_memory = len(data) if isinstance(data, bytearray) else BUFFER_BYTES
        self._parts.run(in_memory, self._send, self._count, data)

    def _send(self, number: int, data: "bytearray | FileSection") -> Answer:
        body = data if isinstance(data, bytearray) else io.BufferedReader(data, BUFFER_BYTES)
        answer = self._client.upload_part(**self._arguments, PartNumber=number, Body=body)
        if self._advance is not None:
            self._advance(len(data))
        sums = {
            name: value
            for name, value in answer.items()
            if name.startswith("Checksum") and name != "ChecksumType"
        }
        return {"PartNumber": number, "ETag": answer["ETag"], **sums}

    def finish(self) -> Answer:
        """Make an object of the parts, and return the answer."""
        parts = {"Parts": self._parts.results()}
        send = self._client.complete_multipart_upload
        return _conditionally(
            self._bucket, self._key, self._mark, send, **self._arguments, MultipartUpload=parts
        )

    def abort(self) -> None:
        """Forget the parts. Never raises: what is aborted is so for a reason to be raised."""
        self._parts.stop()
        with suppress(Exception):
            self._client.abort_multipart_upload(**self._arguments)


class FileSection(io.RawIOBase):
    """A section of an open local file; many can be read at once."""

    def __init__(self, file: BinaryIO, lock: Lock, start: int, stop: int) -> None:
        super().__init__()
        self._file, self._lock, self._start, self._stop = file, lock, start, stop
        self._position = start

    def __len__(self) -> int:
        return self._stop - self._start

    def readable(self) -> bool:  # noqa: D102  # as io says
        return True

    def seekable(self) -> bool:  # noqa: D102  # as io says
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:  # noqa: D102  # as io says
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._position, io.SEEK_END: self._stop}
        self._position = base[whence] + offset
        return self._position - self._start

    def readinto(self, buffer: "WriteableBuffer", /) -> int:  # noqa: D102  # as io says
        view = memoryview(buffer).cast("B")[: self._stop - self._position]
        with self._lock:
            self._file.seek(self._position)
            count: int = self._file.readinto(view)  # type: ignore[attr-defined]  # open files have it
        if len(view) and not count:
            raise StorageError(
                "The file became shorter while it was uploaded.", fix="Upload it again."
            )
        self._position += count
        return count


class S3Writer(io.BufferedIOBase):
    """An object being written: nothing is seen of it before `publish`."""

    def __init__(self, bucket: "S3Bucket", key: str, *, if_absent: bool) -> None:
        super().__init__()
        self._bucket, self._key, self._if_absent = bucket, key, if_absent
        self._buffer = bytearray()
        self._position = 0
        self._sent = 0
        self._upload: Upload | None = None

    def writable(self) -> bool:  # noqa: D102  # as io says
        return True

    def tell(self) -> int:  # noqa: D102  # as io says
        return self._position

    def write(self, data: "ReadableBuffer", /) -> int:  # noqa: D102  # as io says
        if self.closed:
            raise ValueError("the object was closed")
        view = memoryview(data).cast("B")
        count = len(view)
        while view:
            size = part_bytes(self._sent + 1)
            room = size - len(self._buffer)
            self._buffer += view[:room]
            view = view[room:]
            if len(self._buffer) == size:
                self._send()
        self._position += count
        return count

    def _send(self) -> None:
        with Explained(self._bucket, "s3:PutObject", self._key):
            if self._upload is None:
                self._refuse_existing()
                self._upload = Upload(self._bucket, self._key, if_absent=self._if_absent)
            part, self._buffer = self._buffer, bytearray()
            self._sent += 1
            self._upload.add(part)

    def _refuse_existing(self) -> None:
        # Only to fail before the work: what decides is the condition of the last request.
        if self._if_absent and self._bucket.exists(self._key):
            raise _exists(self._bucket, self._key)

    def publish(self) -> None:
        """Make it an object."""
        if self._upload is None:
            put(self._bucket, self._key, self._buffer, if_absent=self._if_absent)
            return
        if self._buffer:
            self._send()
        with Explained(self._bucket, "s3:PutObject", self._key):
            self._upload.finish()

    def abandon(self) -> None:
        """Leave no trace."""
        if self._upload is not None:
            self._upload.abort()


def _conditionally(
    bucket: "S3Bucket", key: str, mark: Answer, send: Callable[..., Answer], **arguments: Any
) -> Answer:
    """Send the request that makes the object; if it is marked, on condition that there is none.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
    """
    if not mark:
        return send(**arguments)
    from botocore.exceptions import ClientError

    for attempt in range(MAX_CONFLICTS + 1):
        try:
            return send(**arguments, IfNoneMatch="*")
        except ClientError as error:
            if status_of(error) == 412:
                return _won_before(bucket, key, mark, error)
            if code_of(error) != "ConditionalRequestConflict" or attempt == MAX_CONFLICTS:
                raise
            _pause(attempt)
    raise AssertionError("unreachable")


def _won_before(bucket: "S3Bucket", key: str, mark: Answer, error: Exception) -> Answer:
    """Return the object that is in the way if this very write made it; else raise KeyExists.

    botocore sends a request again whose answer was lost; then the object is our own.
    """
    tries = getattr(error, "response", {}).get("ResponseMetadata", {}).get("RetryAttempts", 0)
    if tries:
        found: Answer = bucket.client().head_object(**bucket.arguments(key))
        if found.get("Metadata", {}).get(MARK) == mark[MARK]:
            return found
    raise _exists(bucket, key) from error


def _exists(bucket: "S3Bucket", key: str) -> KeyExists:
    return KeyExists(
        f"{key!r} in {bucket.url} exists already.", fix="Use another key, or allow to overwrite."
    )


def _marked(arguments: Answer, mark: Answer) -> Answer:
    """Return the arguments with the mark among the metadata, if there is one."""
    return (
        {**arguments, "Metadata": {**arguments.get("Metadata", {}), **mark}} if mark else arguments
    )


def _new_mark() -> Answer:
    from secrets import token_hex

    return {MARK: token_hex(16)}


def _pause(attempt: int) -> None:
    from random import uniform
    from threading import Event

    Event().wait(uniform(0, 0.05 * 2**attempt))  # noqa: S311  # spreads load
