"""Prebuilt tasks on the tags of objects.

See https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html.
"""

from collections.abc import Mapping

from brickwork import check_key
from brickwork_aws.s3.bucket import S3Bucket
from brickwork_aws.tasks import retried_task


@retried_task("s3:GetObjectTagging", "s3:ListBucket")
def s3_read_tags(bucket: S3Bucket, key: str) -> dict[str, str]:
    """Return the tags of an object.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html.

    Args:
        bucket: Where.
        key: The object's key, below the bucket's prefix.

    Returns:
        The tags; none if it has none.

    Raises:
        KeyNotFound: There is no such object.

    Examples:
        >>> s3_read_tags(bucket, "2026/11/sales.csv")
        {'team': 'reports'}
    """
    from brickwork_aws.s3.errors import Explained

    with Explained(bucket, "s3:GetObjectTagging", check_key(key)):
        answer = bucket.client().get_object_tagging(**bucket.arguments(key))
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


@retried_task("s3:PutObjectTagging", "s3:ListBucket")
def s3_write_tags(bucket: S3Bucket, key: str, tags: Mapping[str, str]) -> None:
    """Give an object these tags instead of those that it has.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html.

    Args:
        bucket: Where.
        key: The object's key, below the bucket's prefix.
        tags: All of its tags, up to ten; none takes away those that there are.

    Raises:
        KeyNotFound: There is no such object.
        StorageError: S3 does not take these tags.

    Examples:
        >>> from brickwork_aws import s3_read_tags
        >>> s3_write_tags(bucket, "2026/11/sales.csv", {"team": "reports", "state": "final"})
        >>> s3_read_tags(bucket, "2026/11/sales.csv")["state"]
        'final'
    """
    from brickwork_aws.s3.errors import Explained

    pairs = [{"Key": name, "Value": value} for name, value in tags.items()]
    with Explained(bucket, "s3:PutObjectTagging", check_key(key)):
        bucket.client().put_object_tagging(**bucket.arguments(key), Tagging={"TagSet": pairs})
