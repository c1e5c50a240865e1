"""Prebuilt tasks on the versions of objects, in a bucket that keeps them.

See https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html.
"""

from collections.abc import Iterator
from typing import Any

from brickwork import check_cancelled, check_key, check_prefix, progress
from brickwork_aws.s3.bucket import S3Bucket
from brickwork_aws.s3.objects import S3Object, S3Version
from brickwork_aws.tasks import retried_task


@retried_task("s3:ListBucketVersions")
def s3_list_versions(bucket: S3Bucket, prefix: str = "") -> list[S3Version]:
    """List the versions of objects, deleted ones too, page by page to the end.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html.

    Args:
        bucket: Where.
        prefix: Only keys that begin with this text, below the bucket's prefix.

    Returns:
        The versions by key, of one key the newest first.

    Examples:
        >>> versions = s3_list_versions(bucket, "settings.json")
        >>> [(each.size, each.is_latest) for each in versions]
        [(15, True), (14, False)]
    """
    folder = f"{bucket.prefix}/" if bucket.prefix else ""
    found: list[S3Version] = []
    for answer, is_marker in versions(bucket, folder + check_prefix(prefix)):
        found.append(
            S3Version(
                bucket=bucket.bucket,
                key=answer["Key"].removeprefix(folder),
                version_id=answer["VersionId"],
                size=answer.get("Size", 0),
                etag=answer.get("ETag", "").strip('"'),
                modified=answer["LastModified"],
                is_latest=answer["IsLatest"],
                is_delete_marker=is_marker,
            )
        )
    # Markers come apart from the rest; times are in seconds, and the latest may share its one.
    found.sort(key=lambda each: (not each.is_latest, -each.modified.timestamp()))
    found.sort(key=lambda each: each.key)
    return found


@retried_task("s3:GetObjectVersion", "s3:ListBucket")
def s3_read_version(bucket: S3Bucket, key: str, version_id: str) -> bytes:
    """Read one version of an object into memory.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/RetrievingObjectVersions.html.

    Args:
        bucket: Where from.
        key: The object's key, below the bucket's prefix.
        version_id: Which, as `s3_list_versions` and `S3Object` tell it.

    Returns:
        Its bytes.

    Raises:
        KeyNotFound: There is no such version.

    Examples:
        >>> s3_read_version(bucket, "settings.json", version_id)
        b'{"retries": 3}'
    """
    from brickwork_aws.s3.reading import S3Reader

    with S3Reader(bucket, check_key(key), version_id) as reader:
        return reader.read()


@retried_task("s3:DeleteObjectVersion")
def s3_delete_version(bucket: S3Bucket, key: str, version_id: str) -> None:
    """Delete one version of an object for good; one that is gone is fine.

    To delete the delete marker of an object is to bring the object back. See
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html.

    Args:
        bucket: Where.
        key: The object's key, below the bucket's prefix.
        version_id: Which, as `s3_list_versions` tells it.

    Examples:
        >>> from brickwork_aws import s3_list_versions
        >>> s3_delete_version(bucket, "settings.json", version_id)
        >>> len(s3_list_versions(bucket, "settings.json"))
        1
    """
    from brickwork_aws.s3.errors import Explained

    with Explained(bucket, "s3:DeleteObjectVersion", check_key(key)):
        bucket.client().delete_object(**bucket.arguments(key), VersionId=version_id)


@retried_task(
    "s3:GetObjectVersion",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging",
)
def s3_restore_version(bucket: S3Bucket, key: str, version_id: str) -> S3Object:
    """Make an old version of an object the newest one, by a copy inside S3; of any size.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/RestoringPreviousVersions.html.

    Args:
        bucket: Where.
        key: The object's key, below the bucket's prefix.
        version_id: Which, as `s3_list_versions` tells it.

    Returns:
        The object as it is now.

    Raises:
        KeyNotFound: There is no such version.

    Examples:
        >>> restored = s3_restore_version(bucket, "settings.json", version_id)
        >>> restored.size, bucket.read(restored.key)
        (14, b'{"retries": 3}')
    """
    from brickwork_aws.s3.requests import copy

    copy(bucket, check_key(key), bucket, key, version_id)
    return bucket.describe_object(key)


def versions(bucket: S3Bucket, full_prefix: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield what S3 tells of each version, and whether it is the marker of a deletion."""
    from brickwork_aws.s3.errors import Explained

    count = 0
    with Explained(bucket, "s3:ListBucketVersions"):
        pages = bucket.client().get_paginator("list_object_versions")
        for page in pages.paginate(**bucket.common(), Prefix=full_prefix):
            check_cancelled()
            for name in ("Versions", "DeleteMarkers"):
                for answer in page.get(name, ()):
                    yield answer, name == "DeleteMarkers"
                    count += 1
            progress(count, None, full_prefix)
