"""Looks at a bucket from outside: does it exist, and what is permitted in it?"""

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from brickwork import BlockError, CheckReport, Finding, InvalidKey
from brickwork_aws.errors import S3Denied
from brickwork_aws.faults import code_of, status_of
from brickwork_aws.identity import quick_client
from brickwork_aws.s3.errors import storage_error

if TYPE_CHECKING:
    from brickwork_aws.s3.bucket import S3Bucket

_NOT_DELETED = Finding(
    "skipped",
    "may delete",
    "not tried, since where versions are kept it would leave a mark; it needs s3:DeleteObject",
)
_PROBE = ".brickwork-check-"
_NO_UPLOAD = "brickwork-check-of-no-upload"


def check_bucket(bucket: "S3Bucket") -> CheckReport:
    """See `S3Bucket.check`."""
    found, listed, key = _list(bucket)
    if listed is None:
        rest = (Finding("skipped", what, "the bucket comes first") for what in _REST)
        return CheckReport((found, *rest))
    tried = (listed, _read(bucket, key, may_list=listed.status == "ok"), _write(bucket))
    if all(each.status != "ok" for each in tried):
        # Who reads only, or writes only, is no failure; who may do nothing is one.
        tried = tuple(_as_failure(each) for each in tried)  # type: ignore[assignment]  # still three
    return CheckReport((found, *tried, _NOT_DELETED))


_REST = ("may list", "may read", "may write", "may delete")


def _list(bucket: "S3Bucket") -> tuple[Finding, Finding | None, str | None]:
    """Return whether the bucket exists, whether it may be listed, and the key of an object."""
    what, folder = "may list", f"{bucket.prefix}/" if bucket.prefix else ""
    try:
        answer = quick_client(bucket.credentials, "s3").list_objects_v2(
            **bucket.common(), Prefix=folder, MaxKeys=5
        )
    except Exception as error:  # noqa: BLE001  # a check never raises
        refused = _refused(bucket, error, what, "s3:ListBucket")
        if refused.status == "failed":
            return replace(refused, what="bucket"), None, None
        # Of a bucket that is not there S3 says so, whoever asks.
        return Finding("ok", "bucket", f"{bucket.bucket} exists"), refused, None
    headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region")
    there = Finding("ok", "bucket", bucket.bucket + (f", in {region}" if region else ""))
    contents = answer.get("Contents", [])
    listed = Finding("ok", what, f"{bucket.url} {'has objects' if contents else 'is empty'}")
    usable = (_key(bucket, each["Key"][len(folder) :]) for each in contents)
    return there, listed, next(filter(None, usable), None)


def _key(bucket: "S3Bucket", text: str) -> str | None:
    try:
        bucket.full_key(text)
    except InvalidKey:  # a mark of a folder
        return None
    return text


def _read(bucket: "S3Bucket", key: str | None, *, may_list: bool) -> Finding:
    what, permission = "may read", "s3:GetObject"
    tried = key or _new_key()
    ok = Finding("ok", what, f"tried on {key or 'an object that is not there'}")
    try:
        answer = quick_client(bucket.credentials, "s3").get_object(
            **bucket.arguments(tried), Range="bytes=0-0"
        )
        answer["Body"].close()
    except Exception as error:  # noqa: BLE001  # a check never raises
        permitted = status_of(error) in {404, 416} or code_of(error) == "InvalidObjectState"
        if permitted and code_of(error) != "NoSuchBucket":
            return ok  # not there, empty or archived; S3 looks at permissions first
        found = _refused(bucket, error, what, permission, tried)
        if key is None and found.status == "warning" and "s3:ListBucket" in found.detail:
            return ok  # what lacks is the right to be told that there is no such object
        if key is None and found.status == "warning" and not may_list:
            unknown = f"{permission} or s3:ListBucket lacks, S3 does not tell which"
            return replace(found, detail=f"{found.detail} ({unknown})")
        return found
    return ok


def _write(bucket: "S3Bucket") -> Finding:
    """Begin an upload and abort it: the bucket never has an object of it."""
    what, key = "may write", _new_key()
    aborting = "s3:AbortMultipartUpload"
    try:
        client = quick_client(bucket.credentials, "s3")
        _abort(client, bucket, key, _NO_UPLOAD)
    except Exception as error:  # noqa: BLE001  # a check never raises
        found = _refused(bucket, error, what, aborting, key)
        untried = "s3:PutObject is not tried, since an upload that nobody may abort would stay"
        return replace(found, detail=f"{found.detail} ({untried})")
    try:
        upload = client.create_multipart_upload(**bucket.arguments(key), **bucket.writing(key))
    except Exception as error:  # noqa: BLE001  # a check never raises
        return _refused(bucket, error, what, "s3:PutObject", key)
    try:
        _abort(client, bucket, key, upload["UploadId"])
    except Exception as error:  # noqa: BLE001  # a check never raises
        found = _refused(bucket, error, what, aborting, key)
        return replace(found, detail=f"an upload that was begun stays: {found.detail}")
    return Finding("ok", what, "an upload was begun, and aborted")


def _abort(client: Any, bucket: "S3Bucket", key: str, upload: str) -> None:
    """Abort an upload; one that is not there is fine."""
    from botocore.exceptions import ClientError

    try:
        client.abort_multipart_upload(**bucket.arguments(key), UploadId=upload)
    except ClientError as error:
        if status_of(error) != 404:
            raise


def _new_key() -> str:
    return f"{_PROBE}{secrets.token_hex(8)}"


def _refused(
    bucket: "S3Bucket", error: Exception, what: str, permission: str, key: str | None = None
) -> Finding:
    """Return what an error means: a warning for what is not permitted, else a failure."""
    if isinstance(error, BlockError):
        return Finding("failed", what, error.what, error.fix)
    try:
        shown = storage_error(error, bucket, permission, key)
    except Exception as another:  # noqa: BLE001  # a key that is too long, with the prefix
        return Finding("failed", what, str(another))
    said, fix = shown.what, shown.fix
    if key is not None and key.startswith(_PROBE):  # all keys below the prefix are meant
        said, fix = said.replace(key, "*"), fix.replace(key, "*")
    return Finding("warning" if isinstance(shown, S3Denied) else "failed", what, said, fix)


def _as_failure(found: Finding) -> Finding:
    return replace(found, status="failed") if found.status == "warning" else found
