"""Lists of a bucket: its objects and folders, and which of them are meant."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from brickwork import InvalidArguments, InvalidKey, check_key, check_prefix
from brickwork_aws.s3.errors import Explained

if TYPE_CHECKING:
    from brickwork_aws.s3.bucket import S3Bucket

Answer = dict[str, Any]


def listed(
    bucket: "S3Bucket", prefix: str, delimiter: str | None = None
) -> Iterator[tuple[str, Answer]]:
    """Yield the key of each object that a prefix begins, and what S3 tells of it.

    Args:
        bucket: Where.
        prefix: Only keys that begin with it.
        delimiter: Only keys that have none of it after the prefix.

    Raises:
        InvalidKey: No key can begin with the prefix.
        StorageError: It cannot be listed.
    """
    for page in _pages(bucket, prefix, delimiter):
        for found in page.get("Contents", ()):
            key = found["Key"].removeprefix(_folder(bucket))
            try:
                check_key(key)
            except InvalidKey:
                continue  # such as the markers of folders, which end with a slash
            yield key, found


def folders(bucket: "S3Bucket", prefix: str, delimiter: str) -> Iterator[str]:
    """Yield the beginnings of keys, from the prefix up to the next delimiter; as `listed`."""
    for page in _pages(bucket, prefix, delimiter):
        for found in page.get("CommonPrefixes", ()):
            yield found["Prefix"].removeprefix(_folder(bucket))


def chosen(
    where: str | None, modified_after: datetime | None, modified_before: datetime | None
) -> Callable[[str, Answer], bool]:
    """Return what tells whether an object of a list is meant.

    Args:
        where: A JMESPath expression, see `brickwork_aws.s3_list`.
        modified_after: Not those that were written before, or at this time; UTC by default.
        modified_before: Not those that were written after, or at this time; UTC by default.

    Raises:
        InvalidArguments: The expression is none.
    """
    after, before = _with_zone(modified_after), _with_zone(modified_before)
    expression = None if where is None else _compiled(where)

    def is_meant(key: str, answer: Answer) -> bool:
        modified = answer["LastModified"]
        if (after is not None and modified <= after) or (before is not None and modified >= before):
            return False
        if expression is None:
            return True
        seen = {
            "key": key,
            "size": answer["Size"],
            "etag": answer["ETag"].strip('"'),
            "storage_class": answer.get("StorageClass"),
            "modified": modified.isoformat(),
        }
        return bool(expression([seen]))

    return is_meant


def _compiled(where: str) -> Callable[[Any], Any]:
    from jmespath import compile as compile_jmespath, exceptions

    def search(items: Any) -> Any:
        try:
            return expression.search(items)
        except exceptions.JMESPathError as error:  # such as a function that gets no text
            raise _refused(where, error) from None

    try:
        compile_jmespath(where)  # by itself first: it is not to end the bracket
        expression = compile_jmespath(f"[?{where}]")
    except exceptions.JMESPathError as error:
        raise _refused(where, error) from None
    return search


def _refused(where: str, error: Exception) -> InvalidArguments:
    return InvalidArguments(
        f"where={where!r} is no filter: {str(error).splitlines()[0]}",
        fix="Write what stands in [?...] of JMESPath: size > `1000` && ends_with(key, '.csv').",
    )


def _with_zone(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _pages(bucket: "S3Bucket", prefix: str, delimiter: str | None) -> Iterator[Answer]:
    more = {} if delimiter is None else {"Delimiter": delimiter}
    begin = _folder(bucket) + check_prefix(prefix)
    with Explained(bucket, "s3:ListBucket"):
        pages = bucket.client().get_paginator("list_objects_v2")
        yield from pages.paginate(**bucket.common(), Prefix=begin, **more)


def _folder(bucket: "S3Bucket") -> str:
    return f"{bucket.prefix}/" if bucket.prefix else ""
