"""Prebuilt tasks that move objects.

Each takes an `S3Bucket` first. Requests are tried again by botocore; what fails all the same in a
way that may pass, such as throttling, makes the whole task be tried again, twice.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from brickwork import InvalidArguments, check_cancelled, progress
from brickwork_aws.s3.bucket import S3Bucket
from brickwork_aws.s3.objects import S3Object
from brickwork_aws.tasks import retried_task

# A missing object is told from a hidden one by who may list; parts that were left are given up.
_READ = ("s3:GetObject", "s3:ListBucket")
_WRITE = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket")


@retried_task(*_WRITE, "s3:PutObjectTagging")
def s3_upload_file(
    bucket: S3Bucket,
    path: Path,
    key: str,
    *,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> S3Object:
    """Upload a file, large ones by many connections at once.

    Reports its progress in bytes. Only tags need the permission s3:PutObjectTagging. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html.

    Args:
        bucket: Where to.
        path: The local file.
        key: The object's key, below the bucket's prefix.
        content_type: The object's type; by default as the block or the key tells.
        metadata: What is noted with the object, beside what the block says.
        tags: Tags of the object, beside those that the block says.

    Returns:
        The object as S3 has it.

    Examples:
        >>> from pathlib import Path
        >>> path = Path("exports/sales.csv")
        >>> s3_upload_file(bucket, path, "2026/11/sales.csv", tags={"team": "reports"}).url
        's3://.../2026/11/sales.csv'
    """
    bucket = _describing(bucket, content_type, metadata, tags)
    bucket.upload_file(path, key, progress=_reported)
    return bucket.describe_object(key)


@retried_task(*_READ)
def s3_download_file(bucket: S3Bucket, key: str, path: Path) -> Path:
    """Download an object to a file, which appears when it is complete.

    Reports its progress in bytes. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html.

    Args:
        bucket: Where from.
        key: The object's key, below the bucket's prefix.
        path: The local file; missing folders are made.

    Returns:
        The file.

    Examples:
        >>> from pathlib import Path
        >>> path = s3_download_file(bucket, "2026/11/sales.csv", Path("downloads/sales.csv"))
        >>> path.read_text().splitlines()
        ['day,total', '2026-11-23,19.50']
    """
    bucket.download_file(key, path, progress=_reported)
    return path


@retried_task(*_WRITE, "s3:PutObjectTagging")
def s3_upload_folder(
    bucket: S3Bucket,
    path: Path,
    prefix: str = "",
    *,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
    workers: int = 16,
) -> list[str]:
    """Upload all files below a folder, many at once.

    Reports its progress in files. Only tags of the block need the permission s3:PutObjectTagging.
    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html.

    Args:
        bucket: Where to.
        path: The local folder; symbolic links are left out.
        prefix: The folder to upload to, below the bucket's prefix.
        include: Only files that one of these globs matches; all by default.
        exclude: Not the files that one of these globs matches.
        workers: How many files at once.

    Returns:
        The keys, sorted.

    Examples:
        >>> from pathlib import Path
        >>> s3_upload_folder(bucket, Path("exports"), "2026/12", exclude=["*.tmp"])
        ['2026/12/returns.csv', '2026/12/sales.csv']
    """
    return bucket.upload_folder(
        path,
        prefix,
        include=include or (),
        exclude=exclude or (),
        workers=workers,
        progress=_reported,
    )


@retried_task(*_READ)
def s3_download_folder(
    bucket: S3Bucket,
    prefix: str,
    path: Path,
    *,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
    workers: int = 16,
) -> list[Path]:
    """Download all objects below a prefix, many at once; nothing is written outside the folder.

    Reports its progress in objects. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html.

    Args:
        bucket: Where from.
        prefix: The folder to download, below the bucket's prefix.
        path: The local folder; made if missing.
        include: Only objects that one of these globs matches; all by default.
        exclude: Not the objects that one of these globs matches.
        workers: How many objects at once.

    Returns:
        The files, sorted by key.

    Examples:
        >>> from pathlib import Path
        >>> files = s3_download_folder(bucket, "2026", Path("downloads"), include=["*.csv"])
        >>> [file.as_posix() for file in files]
        ['downloads/10/sales.csv', 'downloads/11/sales.csv']
    """
    return bucket.download_folder(
        prefix,
        path,
        include=include or (),
        exclude=exclude or (),
        workers=workers,
        progress=_reported,
    )


@retried_task(*_WRITE, "s3:PutObjectTagging")
def s3_write(
    bucket: S3Bucket,
    key: str,
    data: str | bytes,
    *,
    if_absent: bool = False,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> S3Object:
    """Write an object from a value in memory.

    Tried again safely also with ``if_absent``: what a lost answer concealed is recognized as its
    own. Only tags need the permission s3:PutObjectTagging. See
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.

    Args:
        bucket: Where to.
        key: The object's key, below the bucket's prefix.
        data: Its content; a text is written in UTF-8.
        if_absent: Refuse to overwrite.
        content_type: The object's type; by default as the block or the key tells.
        metadata: What is noted with the object, beside what the block says.
        tags: Tags of the object, beside those that the block says.

    Returns:
        The object as S3 has it.

    Examples:
        >>> written = s3_write(bucket, "runs/1742.json", '{"rows": 42}', if_absent=True)
        >>> written.key, written.size
        ('runs/1742.json', 12)
    """
    from brickwork import check_key
    from brickwork_aws.s3.writing import put

    bucket = _describing(bucket, content_type, metadata, tags)
    content = data.encode() if isinstance(data, str) else data
    answer = put(bucket, check_key(key), content, if_absent=if_absent)
    return bucket.object_from(key, answer, len(content))


@retried_task(*_READ)
def s3_read(bucket: S3Bucket, key: str) -> bytes:
    """Read an object into memory.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html.

    Args:
        bucket: Where from.
        key: The object's key, below the bucket's prefix.

    Returns:
        Its bytes.

    Examples:
        >>> s3_read(bucket, "2026/11/sales.csv").decode().splitlines()
        ['day,total', '2026-11-23,19.50']
    """
    return bucket.read(key)


@retried_task(*_READ)
def s3_read_text(
    bucket: S3Bucket,
    key: str,
    *,
    encoding: str = "utf-8",
    errors: Literal["strict", "replace"] = "strict",
) -> str:
    """Read an object into memory, as text.

    Ends of lines stay as they are. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html.

    Args:
        bucket: Where from.
        key: The object's key, below the bucket's prefix.
        encoding: How its bytes were written; ``utf-8-sig`` also drops a byte order mark.
        errors: Whether bytes that are no text are refused, or become U+FFFD.

    Returns:
        Its text.

    Raises:
        InvalidArguments: Its bytes are no text in this encoding, or there is no such encoding.

    Examples:
        >>> s3_read_text(bucket, "2026/11/sales.csv").splitlines()
        ['day,total', '2026-11-23,19.50']
    """
    try:
        " ".encode(encoding)
    except LookupError:
        raise InvalidArguments(
            f"Python knows no encoding {encoding!r}.", fix="Give one such as utf-8 or latin-1."
        ) from None
    data = bucket.read(key)
    try:
        return data.decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise InvalidArguments(
            f"{bucket.object_url(key)} is no text in {encoding}: {error.reason} at byte "
            f"{error.start}.",
            fix="Give its encoding, or errors='replace'; aws.s3_read gives the bytes.",
        ) from None


@retried_task(*_WRITE, "s3:GetObjectTagging", "s3:PutObjectTagging")
def s3_copy(
    bucket: S3Bucket, key: str, target: S3Bucket | None = None, target_key: str | None = None
) -> S3Object:
    """Copy an object; with the same credentials inside S3, of any size.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html.

    Args:
        bucket: Where from.
        key: The object's key, below the bucket's prefix.
        target: Where to; the same bucket by default.
        target_key: The key there; the same one by default.

    Returns:
        The copy as S3 has it.

    Examples:
        >>> s3_copy(bucket, "2026/11/sales.csv", archive, "sales-2026-11.csv").url
        's3://.../archive/sales-2026-11.csv'
    """
    place, new_key = _target(bucket, key, target, target_key)
    bucket.copy_to(key, place, new_key)
    return place.describe_object(new_key)


@retried_task(*_WRITE, "s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObject")
def s3_move(
    bucket: S3Bucket, key: str, target: S3Bucket | None = None, target_key: str | None = None
) -> S3Object:
    """Copy an object, then delete the original.

    When it is tried again after the copy was made and the answer to the delete was lost, it says
    that the object is not found. See
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html.

    Args:
        bucket: Where from.
        key: The object's key, below the bucket's prefix.
        target: Where to; the same bucket by default.
        target_key: The key there; the same one by default.

    Returns:
        The object in its new place as S3 has it.

    Examples:
        >>> moved = s3_move(bucket, "2026/11/sales.csv", target_key="done/sales.csv")
        >>> moved.key, bucket.exists("2026/11/sales.csv")
        ('done/sales.csv', False)
    """
    place, new_key = _target(bucket, key, target, target_key)
    bucket.move_to(key, place, new_key)
    return place.describe_object(new_key)


@retried_task("s3:DeleteObject", "s3:ListBucket")
def s3_delete(
    bucket: S3Bucket, keys: str | list[str] | None = None, *, prefix: str | None = None
) -> int:
    """Delete objects, by their keys or by what their keys begin with.

    Those that do not exist are fine. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html.

    Args:
        bucket: Where.
        keys: One key, or many, below the bucket's prefix.
        prefix: Instead of keys: delete what begins with this text, which must not be empty.

    Returns:
        How many keys were given or found.

    Examples:
        >>> s3_delete(bucket, ["2026/10/sales.csv", "2026/10/notes.txt"])
        2
        >>> s3_delete(bucket, prefix="2026/")
        1
    """
    if (keys is None) == (prefix is None):
        raise InvalidArguments(
            "s3_delete takes either keys or a prefix.", fix="Give one of the two."
        )
    if prefix is not None:
        return bucket.delete_prefix(prefix)
    return bucket.delete_many([keys] if isinstance(keys, str) else keys or [])


def _describing(
    bucket: S3Bucket,
    content_type: str | None,
    metadata: Mapping[str, str] | None,
    tags: Mapping[str, str] | None,
) -> S3Bucket:
    """Return the bucket that writes objects like that."""
    update = {
        "content_type": content_type,
        "metadata": {**bucket.metadata, **metadata} if metadata else None,
        "tags": {**bucket.tags, **tags} if tags else None,
    }
    given = {name: value for name, value in update.items() if value is not None}
    return bucket.model_copy(update=given) if given else bucket


def _reported(done: int, total: int | None, text: str) -> None:
    check_cancelled()
    progress(done, total, text)


def _target(
    bucket: S3Bucket, key: str, target: S3Bucket | None, target_key: str | None
) -> tuple[S3Bucket, str]:
    return bucket if target is None else target, key if target_key is None else target_key
