"""Requests on objects that take more than one call: copies of any size, deletes of many."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from brickwork import KeyNotFound, StorageError, check_cancelled
from brickwork_aws.errors import S3Denied, denied
from brickwork_aws.faults import status_of
from brickwork_aws.s3.errors import Explained, arn_of, no_such_bucket
from brickwork_aws.s3.parts import MIB, PartGroup

if TYPE_CHECKING:
    from brickwork_aws.s3.bucket import S3Bucket

Answer = dict[str, Any]

COPY_WHOLE_UP_TO = 1024 * MIB
"""Larger objects are copied by parts at once; one request cannot copy more than 5 GiB."""

COPY_PART_BYTES = 512 * MIB
"""The size of a part of a copy; 10,000 of them make the 5 TiB that an object can have."""

DELETE_AT_ONCE = 1000
"""How many objects one request can delete."""

_KEPT = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
)

_seen: set[tuple[str | None, str]] = set()
"""Buckets that exist, so that a missing object is told from a missing bucket by one request."""


def head(bucket: "S3Bucket", key: str) -> Answer:
    """Return what HEAD tells of an object.

    Raises:
        KeyNotFound: There is none.
        StorageError: There is no such bucket, or these credentials may not look.
    """
    try:
        with Explained(bucket, "s3:GetObject", key):
            answer: Answer = bucket.client().head_object(**bucket.arguments(key))
    except KeyNotFound:
        with Explained(bucket, "s3:ListBucket"):
            confirm_bucket(bucket)
        raise
    return answer


def forget_bucket(bucket: "S3Bucket") -> None:
    """Note that a bucket may not exist any more."""
    _seen.discard((bucket.credentials.endpoint("s3"), bucket.bucket))


def confirm_bucket(bucket: "S3Bucket") -> None:
    """Make sure that the bucket exists, after HEAD said 404 of an object: it does not say of what.

    Raises:
        StorageError: There is no such bucket.
    """
    from botocore.exceptions import ClientError

    place = (bucket.credentials.endpoint("s3"), bucket.bucket)
    if place in _seen:
        return
    try:
        bucket.client().head_bucket(**bucket.common())
    except ClientError as error:
        if status_of(error) == 404:
            raise no_such_bucket(bucket) from error
        return  # refused, most likely: then nobody knows
    if len(_seen) > 1000:
        _seen.clear()
    _seen.add(place)


def copy(
    source: "S3Bucket",
    key: str,
    target: "S3Bucket",
    target_key: str,
    version_id: str | None = None,
) -> None:
    """Copy an object, or an old version of one, inside S3: its bytes do not come here.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html. Content type and
    metadata go along; the storage class and the encryption are the target's.
    """
    which = {} if version_id is None else {"VersionId": version_id}
    permission = "s3:GetObject" if version_id is None else "s3:GetObjectVersion"
    with Explained(source, permission, key):
        found: Answer = source.client().head_object(**source.arguments(key), **which)
    origin = {"Bucket": source.bucket, "Key": source.full_key(key), **which}
    arguments: Answer = {
        **target.arguments(target_key),
        "CopySource": origin,
        "CopySourceIfMatch": found["ETag"],
    }
    if source.expected_owner is not None:
        arguments["ExpectedSourceBucketOwner"] = source.expected_owner
    with Explained(target, "s3:PutObject", target_key):
        if found["ContentLength"] <= COPY_WHOLE_UP_TO:
            target.client().copy_object(**arguments, **target.settings())
        else:
            _copy_parts(target, target_key, arguments, found)


def _copy_parts(target: "S3Bucket", key: str, arguments: Answer, found: Answer) -> None:
    client = target.client()
    kept = {name: found[name] for name in _KEPT if found.get(name)}
    started = client.create_multipart_upload(**target.arguments(key), **target.settings(), **kept)
    upload = {**target.arguments(key), "UploadId": started["UploadId"]}
    parts = PartGroup[Answer]()

    def copy_part(number: int, start: int, stop: int) -> Answer:
        answer = client.upload_part_copy(
            **arguments,
            UploadId=started["UploadId"],
            PartNumber=number,
            CopySourceRange=f"bytes={start}-{stop - 1}",
        )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    try:
        size = found["ContentLength"]
        for number, start in enumerate(range(0, size, COPY_PART_BYTES), start=1):
            parts.run(0, copy_part, number, start, min(start + COPY_PART_BYTES, size))
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts.results()})
    except BaseException:
        parts.stop()
        client.abort_multipart_upload(**upload)
        raise


def delete_many(bucket: "S3Bucket", keys: Iterable[str]) -> int:
    """Delete objects, a thousand by each request; return how many were asked for."""
    return delete_entries(bucket, ({"Key": bucket.full_key(key)} for key in keys))


def delete_entries(bucket: "S3Bucket", entries: Iterable[Answer]) -> int:
    """Delete what ``Key``, and perhaps ``VersionId``, name in the bucket; as `delete_many`."""
    count = 0
    for batch in _batches(entries):
        check_cancelled()
        with Explained(bucket, "s3:DeleteObject"):
            answer = bucket.client().delete_objects(
                **bucket.common(), Delete={"Objects": batch, "Quiet": True}
            )
        errors = answer.get("Errors", [])
        if errors:
            raise _not_deleted(bucket, errors, len(batch))
        count += len(batch)
    return count


def _not_deleted(bucket: "S3Bucket", errors: list[Answer], asked: int) -> StorageError:
    first = errors[0]
    code, said = str(first.get("Code")), str(first.get("Message"))
    what = (
        f"{len(errors)} of {asked} objects in {bucket.url} were not deleted; the first is "
        f"{first.get('Key')!r}: {code}"
    )
    if code != "AccessDenied":
        return StorageError(f"{what}: {said}", fix="Delete again, which is safe to repeat.")
    from brickwork_aws.permissions import refusal

    needed = "s3:DeleteObjectVersion" if first.get("VersionId") else "s3:DeleteObject"
    found = denied(S3Denied, what, refusal(said, needed), resource=arn_of(bucket, "*"))
    found.operation, found.code = "s3:DeleteObjects", code
    return found


def _batches(entries: Iterable[Answer]) -> Iterator[list[Answer]]:
    batch: list[Answer] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == DELETE_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
