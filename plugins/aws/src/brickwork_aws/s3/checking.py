"""Looks at a bucket from outside: does it exist, and what is permitted?"""

from typing import TYPE_CHECKING

from brickwork import BlockError, CheckReport, Finding
from brickwork_aws.identity import quick_client
from brickwork_aws.s3.errors import storage_error

if TYPE_CHECKING:
    from brickwork_aws.s3.bucket import S3Bucket

_NOT_WRITTEN = Finding(
    "skipped",
    "may write",
    "not tried, since it would leave an object; writing needs s3:PutObject and "
    "s3:AbortMultipartUpload",
)


def check_bucket(bucket: "S3Bucket") -> CheckReport:
    """See `S3Bucket.check`."""
    found = _exists(bucket)
    if found.status == "failed":
        rest = (Finding("skipped", what, "the bucket comes first") for what in _REST)
        return CheckReport((found, *rest))
    listed, key = _list(bucket)
    return CheckReport((found, listed, _read(bucket, key), _NOT_WRITTEN))


_REST = ("may list", "may read", "may write")


def _exists(bucket: "S3Bucket") -> Finding:
    what = "bucket"
    try:
        answer = quick_client(bucket.credentials, "s3").head_bucket(**bucket.common())
    except Exception as error:  # noqa: BLE001  # a check never raises
        return _failed(bucket, error, what, "s3:ListBucket")
    region = answer.get("BucketRegion")
    return Finding("ok", what, f"{bucket.bucket}" + (f", in {region}" if region else ""))


def _list(bucket: "S3Bucket") -> tuple[Finding, str | None]:
    what = "may list"
    folder = f"{bucket.prefix}/" if bucket.prefix else ""
    try:
        answer = quick_client(bucket.credentials, "s3").list_objects_v2(
            **bucket.common(), Prefix=folder, MaxKeys=1
        )
    except Exception as error:  # noqa: BLE001  # a check never raises
        return _failed(bucket, error, what, "s3:ListBucket"), None
    contents = answer.get("Contents", [])
    detail = f"{bucket.url} has objects" if contents else f"{bucket.url} is empty"
    return Finding("ok", what, detail), contents[0]["Key"] if contents else None


def _read(bucket: "S3Bucket", key: str | None) -> Finding:
    what = "may read"
    if key is None:
        return Finding("skipped", what, "there is no object to try it on")
    try:
        quick_client(bucket.credentials, "s3").head_object(**bucket.common(), Key=key)
    except Exception as error:  # noqa: BLE001  # a check never raises
        return _failed(bucket, error, what, "s3:GetObject")
    return Finding("ok", what, f"tried on {key}")


def _failed(bucket: "S3Bucket", error: Exception, what: str, permission: str) -> Finding:
    if isinstance(error, BlockError):
        return Finding("failed", what, error.what, error.fix)
    shown = storage_error(error, bucket, permission)
    return Finding("failed", what, shown.what, shown.fix)
