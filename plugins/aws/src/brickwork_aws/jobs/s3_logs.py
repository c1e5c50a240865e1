"""Logs that jobs leave in S3, compressed: their last lines."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from brickwork import StorageError, check_cancelled
from brickwork_aws.credentials import AwsCredentials

if TYPE_CHECKING:
    from brickwork_aws.s3.bucket import S3Bucket

MOST_LINES = 1000
"""How many lines of a file are read, the last ones."""

LINE_BYTES = 64 * 1024
"""A longer line is left out: a secret that is cut in two would not be masked."""

TOO_LONG = b"(a line that is too long)"
"""What stands for it."""


def lines_of_folder(credentials: AwsCredentials, url: str) -> Iterator[str]:
    """Give the last lines of each file that is directly in a folder, `MOST_LINES` of each.

    Errors come last: of ``stdout.gz`` and ``stderr.gz`` the second.

    Args:
        credentials: Whose.
        url: ``s3://bucket/path/``; ``s3n`` and ``s3a`` mean the same.

    Raises:
        StorageError: It cannot be read.
        TaskCancelled: The task was cancelled meanwhile.
    """
    bucket, folder = _opened(credentials, url.rstrip("/") + "/")
    files = [key for key in bucket.keys(folder) if "/" not in key.removeprefix(folder)]
    for key in sorted(files, reverse=True):
        yield from _last_lines(bucket, key)


def lines_of_file(credentials: AwsCredentials, url: str) -> Iterator[str]:
    """Give the last lines of a file, compressed or not; the rest as `lines_of_folder`.

    Raises:
        KeyNotFound: There is no such file.
    """
    bucket, key = _opened(credentials, url)
    yield from _last_lines(bucket, key)


def _opened(credentials: AwsCredentials, url: str) -> tuple["S3Bucket", str]:
    from brickwork_aws.s3.bucket import S3Bucket

    scheme, _, rest = url.partition("://")
    name, _, path = rest.partition("/")
    if scheme not in {"s3", "s3a", "s3n"}:
        raise StorageError(f"{url!r} names no bucket.", fix="Write s3://bucket/path.")
    return S3Bucket.from_url(f"s3://{name}", credentials), path


def _last_lines(bucket: "S3Bucket", key: str) -> Iterable[str]:
    import gzip
    import zlib

    last: deque[bytes] = deque(maxlen=MOST_LINES)
    with bucket.open_read(key) as stored:
        file = gzip.GzipFile(fileobj=stored) if key.endswith(".gz") else stored
        # Of one that is still being written, what is there counts.
        with suppress(EOFError, gzip.BadGzipFile, zlib.error):
            last.extend(_lines(file.readline))
    return [line.decode("utf-8", "replace").rstrip("\r\n") for line in last]


def _lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    begins = True
    for number in count():
        line = read(LINE_BYTES)
        whole = len(line) < LINE_BYTES or line.endswith(b"\n")
        if number % MOST_LINES == 0:
            check_cancelled()
        if not line:
            return
        if begins:
            yield line if whole else TOO_LONG
        begins = whole
