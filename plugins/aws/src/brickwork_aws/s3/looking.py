"""Prebuilt tasks that look at what is in a bucket, and wait for it."""

from collections.abc import Callable
from datetime import datetime

from brickwork import InvalidArguments, KeyNotFound, Scope, check_cancelled, check_key, progress
from brickwork_aws.errors import AwsTimeout
from brickwork_aws.polling import turns
from brickwork_aws.s3.bucket import S3Bucket
from brickwork_aws.s3.objects import S3Details, S3Object
from brickwork_aws.tasks import retried_task

_LIST = "s3:ListBucket"

REPORT_EVERY = 1000
"""Objects between two reports of progress, between which a list can be cancelled."""


@retried_task(_LIST)
def s3_list(
    bucket: S3Bucket,
    prefix: str = "",
    *,
    delimiter: str | None = None,
    where: str | None = None,
    modified_after: datetime | None = None,
    modified_before: datetime | None = None,
    limit: int | None = None,
) -> list[S3Object]:
    """List objects, page by page to the end.

    S3 itself chooses by prefix and delimiter only; for the rest all of them are listed, and chosen
    here. Reports its progress in objects. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html.

    Args:
        bucket: Where.
        prefix: Only keys that begin with this text, below the bucket's prefix.
        delimiter: Only keys that have none of it after the prefix: with ``/``, what lies directly
            in the folder. `s3_list_folders` lists the rest.
        where: Only objects for which this JMESPath expression is true, such as
            ``size > `1000` && ends_with(key, '.csv')``. It sees ``key``, ``size``, ``etag``,
            ``storage_class`` and ``modified``, a text in ISO 8601. See https://jmespath.org.
        modified_after: Only objects that were written after this time; in UTC without a zone.
        modified_before: Only objects that were written before this time; in UTC without a zone.
        limit: At most so many; all by default.

    Returns:
        The objects, sorted by key.

    Raises:
        InvalidArguments: The limit is negative, or the expression is none.

    Examples:
        >>> found = s3_list(bucket, "2026/", where="ends_with(key, '.csv')", limit=10)
        >>> [(each.key, each.size) for each in found]
        [('2026/10/sales.csv', 27), ('2026/11/sales.csv', 27)]
    """
    from brickwork_aws.s3.listing import chosen, listed

    if limit is not None and limit < 0:
        raise InvalidArguments(f"limit cannot be {limit}.", fix="Give 0 or more, or none.")
    is_meant = chosen(where, modified_after, modified_before)
    found: list[S3Object] = []
    if limit == 0:
        return found
    for count, (key, answer) in enumerate(listed(bucket, prefix, delimiter), start=1):
        if is_meant(key, answer):
            found.append(bucket.object_from(key, answer, answer["Size"]))
        if len(found) == limit:
            break
        if count % REPORT_EVERY == 0:
            check_cancelled()
            progress(count, None, key)
    return found


@retried_task(_LIST)
def s3_list_folders(bucket: S3Bucket, prefix: str = "", *, delimiter: str = "/") -> list[str]:
    """List the folders directly in a folder; S3 has none, but the beginnings of keys.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html.

    Args:
        bucket: Where.
        prefix: In which: only keys that begin with this text, which should end with the delimiter.
        delimiter: What ends the name of a folder.

    Returns:
        The folders as prefixes for `s3_list`, from the bucket's prefix on, each with the delimiter
        at its end.

    Examples:
        >>> s3_list_folders(bucket, "2026/")
        ['2026/10/', '2026/11/']
    """
    from brickwork_aws.s3.listing import folders

    found = []
    for folder in folders(bucket, prefix, delimiter):
        check_cancelled()
        found.append(folder)
    return found


@retried_task("s3:GetObject", _LIST)
def s3_exists(bucket: S3Bucket, key: str) -> bool:
    """Tell whether there is an object.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html.

    Args:
        bucket: Where.
        key: The object's key, below the bucket's prefix.

    Returns:
        Whether it is there.

    Raises:
        StorageError: There is no such bucket, or these credentials may not know.

    Examples:
        >>> s3_exists(bucket, "2026/11/sales.csv"), s3_exists(bucket, "2026/12/sales.csv")
        (True, False)
    """
    return bucket.exists(key)


@retried_task("s3:GetObject", _LIST)
def s3_describe(bucket: S3Bucket, key: str) -> S3Details:
    """Return all that S3 tells of an object without its content.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html.

    Args:
        bucket: Where.
        key: The object's key, below the bucket's prefix.

    Returns:
        The object with its content type, metadata, storage class and encryption.

    Raises:
        KeyNotFound: There is none.

    Examples:
        >>> found = s3_describe(bucket, "2026/11/sales.csv")
        >>> found.content_type, found.metadata
        ('text/csv', {'run': '1742'})
    """
    from brickwork_aws.s3.requests import head
    from brickwork_aws.s3.writing import MARK

    answer = head(bucket, check_key(key))
    known = bucket.object_from(key, answer, answer["ContentLength"])
    metadata = {name: value for name, value in answer["Metadata"].items() if name != MARK}
    return S3Details(
        **vars(known),
        content_type=answer.get("ContentType", ""),
        content_encoding=answer.get("ContentEncoding", ""),
        metadata=metadata,
        storage_class=answer.get("StorageClass", "STANDARD"),  # which HEAD does not say
        encryption=answer.get("ServerSideEncryption"),
        kms_key_id=answer.get("SSEKMSKeyId"),
    )


@retried_task("s3:GetObject", _LIST)
def s3_wait_for_key(
    bucket: S3Bucket,
    key: str,
    *,
    unchanged_seconds: float = 0,
    poll_seconds: float = 5,
    max_wait_seconds: float | None = None,
) -> S3Object:
    """Wait until an object is there, and perhaps until nobody has written it for a while.

    Ends at once when the task is cancelled. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html.

    Args:
        bucket: Where.
        key: The object's key, below the bucket's prefix.
        unchanged_seconds: How long it must have been the same, from when it was first seen.
        poll_seconds: Seconds between two looks.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.

    Returns:
        The object.

    Raises:
        AwsTimeout: It was not so in time.
        StorageError: There is no such bucket, or these credentials may not look.

    Examples:
        >>> s3_wait_for_key(bucket, "2026/11/sales.csv", max_wait_seconds=3600).size
        27
    """

    def look() -> list[S3Object]:
        try:
            return [bucket.describe_object(key)]
        except KeyNotFound:
            return []

    what = bucket.object_url(key)
    (found,) = _settled(look, what, 1, unchanged_seconds, poll_seconds, max_wait_seconds)
    return found


@retried_task(_LIST)
def s3_wait_until_unchanged(
    bucket: S3Bucket,
    prefix: str = "",
    *,
    unchanged_seconds: float,
    min_objects: int = 1,
    poll_seconds: float = 5,
    max_wait_seconds: float | None = None,
) -> list[S3Object]:
    """Wait until nothing below a prefix has been written or deleted for a while.

    For senders that write many objects and say nothing when they are done. Ends at once when the
    task is cancelled. See https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html.

    Args:
        bucket: Where.
        prefix: Which: only keys that begin with this text, below the bucket's prefix.
        unchanged_seconds: How long they must have been the same, from when they were first seen.
        min_objects: With fewer than so many it is not yet begun.
        poll_seconds: Seconds between two looks.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.

    Returns:
        The objects, sorted by key.

    Raises:
        AwsTimeout: It was not so in time.
        StorageError: There is no such bucket, or these credentials may not look.

    Examples:
        >>> found = s3_wait_until_unchanged(bucket, "2026/", unchanged_seconds=60, min_objects=2)
        >>> [each.key for each in found]
        ['2026/10/notes.txt', '2026/10/sales.csv', '2026/11/sales.csv']
    """

    def look() -> list[S3Object]:
        return s3_list.fn(bucket, prefix)

    what = f"s3://{bucket.bucket}/{bucket.prefix and bucket.prefix + '/'}{prefix}"
    return _settled(look, what, min_objects, unchanged_seconds, poll_seconds, max_wait_seconds)


def _settled(
    look: Callable[[], list[S3Object]],
    what: str,
    enough: int,
    unchanged_seconds: float,
    poll_seconds: float,
    max_wait_seconds: float | None,
) -> list[S3Object]:
    """Look until there is enough, and the same for long enough; return what was seen."""
    last: list[S3Object] | None = None
    quiet = Scope()
    pause = min(poll_seconds, unchanged_seconds or poll_seconds)
    for _ in turns(pause, max_wait_seconds):
        seen = look()
        progress(len(seen), None, f"waiting for {what}")
        if len(seen) < enough:
            last = None
            continue
        if seen != last:
            last, quiet = seen, Scope(seconds=unchanged_seconds)
        if not quiet.remaining():
            return seen
    state = "is not there" if last is None else f"was not left alone for {unchanged_seconds:g} s"
    raise AwsTimeout(
        f"{what} {state}, after {max_wait_seconds:g} s.",
        fix="Wait longer by max_wait_seconds, or see who writes it.",
    )
