"""Rights to one object that are given away: presigned URLs and forms, and tasks that make them.

Nothing is sent for them: whoever uses one finds out whether the credentials allow it.
"""

from typing import Any, Literal

from brickwork import InvalidArguments, StorageError, check_key
from brickwork_aws.s3.bucket import MAX_PRESIGN_SECONDS, S3Bucket
from brickwork_aws.s3.errors import Explained
from brickwork_aws.s3.objects import S3PostForm
from brickwork_aws.tasks import task_once

MAX_POST_BYTES = 5 * 1024**3
"""The largest object that one request can make."""

_FORM_NAMES = {
    "ContentType": "Content-Type",
    "StorageClass": "x-amz-storage-class",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}
"""What a form calls the arguments of a request that writes an object."""


def presign(bucket: S3Bucket, key: str, expires_seconds: int, method: Literal["GET", "PUT"]) -> str:
    """See `S3Bucket.presign`."""
    _check_time(expires_seconds)
    _check_signer(bucket)
    operation = {"GET": "get_object", "PUT": "put_object"}[method]
    with Explained(bucket, f"s3:{method.title()}Object", check_key(key)):
        url = bucket.client().generate_presigned_url(
            operation, Params=bucket.arguments(key), ExpiresIn=expires_seconds
        )
    return str(url)


def _check_signer(bucket: S3Bucket) -> None:
    if bucket.credentials.anonymous:
        raise StorageError(
            f"{bucket.url}: anonymous credentials sign nothing.", fix="Give credentials with keys."
        )


@task_once("s3:GetObject", "s3:PutObject")
def s3_presign(
    bucket: S3Bucket,
    key: str,
    *,
    expires_seconds: int = 3600,
    method: Literal["GET", "PUT"] = "GET",
) -> str:
    """Make a URL by which anybody can read or write one object for a while.

    Not retried: nothing is sent. Who has the URL has the right, so treat it as a secret. See
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html.

    Args:
        bucket: Where the object is.
        key: The object's key, below the bucket's prefix.
        expires_seconds: How long the URL works, 1 second to 7 days.
        method: Whether the URL is for reading or for writing.

    Returns:
        The URL.

    Examples:
        >>> s3_presign(bucket, "2026/11/sales.csv", expires_seconds=600)
        'http...sales.csv?...Expires=600...'
    """
    return bucket.presign(key, expires_seconds=expires_seconds, method=method)


@task_once("s3:PutObject")
def s3_presign_post(
    bucket: S3Bucket,
    key: str,
    *,
    expires_seconds: int = 3600,
    min_bytes: int = 0,
    max_bytes: int | None = None,
    content_type: str | None = None,
) -> S3PostForm:
    """Make a form by which anybody can upload one object for a while, as browsers do it.

    The object gets the storage class and the encryption of the bucket's block. Not retried:
    nothing is sent. Who has the form has the right, so treat it as a secret. See
    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html.

    Args:
        bucket: Where the object will be.
        key: Its key, below the bucket's prefix.
        expires_seconds: How long the form works, 1 second to 7 days.
        min_bytes: A smaller file is refused by S3.
        max_bytes: A larger file is refused by S3; by default S3's own bound of 5 GiB.
        content_type: The object's; by default what its key tells.

    Returns:
        Where to post what.

    Raises:
        InvalidArguments: No file has a size like that.
        StorageError: The time is out of bounds, or there are no credentials to sign with.

    Examples:
        >>> form = s3_presign_post(bucket, "inbox/receipt.jpg", max_bytes=5_000_000)
        >>> form.fields["key"], form.fields["Content-Type"]
        ('inbox/receipt.jpg', 'image/jpeg')
    """
    _check_time(expires_seconds)
    most = MAX_POST_BYTES if max_bytes is None else max_bytes
    if not 0 <= min_bytes <= most:
        raise InvalidArguments(
            f"No file has at least {min_bytes} and at most {most} bytes.",
            fix="Give min_bytes from 0 up to max_bytes.",
        )
    _check_signer(bucket)
    given = {
        **bucket.settings(),
        "ContentType": content_type or bucket.writing(key).get("ContentType"),
    }
    fields = {_FORM_NAMES[name]: value for name, value in given.items() if value is not None}
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    with Explained(bucket, "s3:PutObject", check_key(key)):
        made = bucket.client().generate_presigned_post(
            bucket.bucket,
            # Of ${filename} at the end boto3 would make a right to every key that begins so.
            _without_variable(bucket.full_key(key)),
            Fields=fields,
            Conditions=[*conditions, ["content-length-range", min_bytes, most]],
            ExpiresIn=expires_seconds,
        )
    return S3PostForm(url=made["url"], fields=made["fields"])


def _without_variable(key: str) -> str:
    if "${filename}" in key:
        raise InvalidArguments(
            f"A form is for one object, and {key!r} leaves the name to who uses it.",
            fix="Give the whole key.",
        )
    return key


def _check_time(expires_seconds: int) -> None:
    if not 1 <= expires_seconds <= MAX_PRESIGN_SECONDS:
        raise StorageError(
            f"A presigned URL cannot expire after {expires_seconds} seconds.",
            fix=f"Give 1 to {MAX_PRESIGN_SECONDS} (7 days).",
        )
