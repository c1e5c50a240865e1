"""Prebuilt tasks that create and delete buckets."""

from typing import Any

from brickwork import StorageError
from brickwork_aws.s3.bucket import S3Bucket
from brickwork_aws.tasks import retried_task

_NO_CONSTRAINT = {"us-east-1", "aws-global"}
"""The region for which S3 refuses to be told the region, and what boto3 calls having none."""


@retried_task("s3:CreateBucket", "s3:PutBucketVersioning")
def s3_create_bucket(bucket: S3Bucket, *, versioning: bool = False) -> None:
    """Create a bucket, in the region of its credentials.

    One of your own that is there already is fine. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html.

    Args:
        bucket: The bucket; its prefix does not count.
        versioning: Whether it keeps the old versions of its objects. False changes nothing in a
            bucket that is there.

    Raises:
        StorageError: The name is another account's or none, or these credentials may not.

    Examples:
        >>> s3_create_bucket(bucket, versioning=True)
        >>> bucket.check().ok
        True
    """
    from botocore.exceptions import ClientError

    from brickwork_aws.faults import code_of
    from brickwork_aws.s3.errors import Explained

    client = bucket.client()
    region = client.meta.region_name
    where: dict[str, Any] = {}
    if region not in _NO_CONSTRAINT:
        where["CreateBucketConfiguration"] = {"LocationConstraint": region}
    with Explained(bucket, "s3:CreateBucket"):
        try:
            client.create_bucket(Bucket=bucket.bucket, **where)
        except ClientError as error:
            if code_of(error) != "BucketAlreadyOwnedByYou":
                raise
    if versioning:
        with Explained(bucket, "s3:PutBucketVersioning"):
            client.put_bucket_versioning(
                **_place(bucket), VersioningConfiguration={"Status": "Enabled"}
            )


@retried_task(
    "s3:DeleteBucket", "s3:ListBucketVersions", "s3:DeleteObject", "s3:DeleteObjectVersion"
)
def s3_delete_bucket(bucket: S3Bucket, *, everything: bool = False) -> None:
    """Delete a bucket; one that is gone is fine.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html.

    Args:
        bucket: The bucket, whole: a block with a prefix is refused.
        everything: Delete all objects in it first, with all their versions. They are gone for good.

    Raises:
        StorageError: It is not empty, the block is only a part of a bucket, or these credentials
            may not.

    Examples:
        >>> s3_delete_bucket(bucket, everything=True)
        >>> bucket.check().ok
        False
    """
    from botocore.exceptions import ClientError

    from brickwork_aws.faults import code_of
    from brickwork_aws.s3.errors import Explained
    from brickwork_aws.s3.requests import delete_entries, forget_bucket
    from brickwork_aws.s3.versions import versions

    if bucket.prefix:
        raise StorageError(
            f"{bucket.url} is only a part of a bucket, and was not deleted.",
            fix="Use a block of the bucket without a prefix; or s3_delete for what is below one.",
        )
    with Explained(bucket, "s3:DeleteBucket"):
        try:
            if everything:
                found = (answer for answer, _ in versions(bucket, ""))
                delete_entries(
                    bucket,
                    ({"Key": each["Key"], "VersionId": each["VersionId"]} for each in found),
                )
            bucket.client().delete_bucket(**_place(bucket))
        except (ClientError, StorageError) as error:
            if code_of(error.__cause__ or error) != "NoSuchBucket":
                raise
    forget_bucket(bucket)


def _place(bucket: S3Bucket) -> dict[str, Any]:
    """Return the arguments of requests on the bucket itself, for which nobody else pays."""
    arguments = bucket.common()
    arguments.pop("RequestPayer", None)
    return arguments
