"""Turns errors of boto3 into those of storages: which object, why, and what to do."""

from typing import TYPE_CHECKING

from brickwork import BrickworkError, KeyExists, KeyNotFound, StorageError, mask
from brickwork_aws.clients import describe
from brickwork_aws.errors import HEAD_TELLS_NOTHING, S3Denied, denied
from brickwork_aws.faults import (
    NOT_THE_SERVICE,
    about_credentials,
    code_of,
    forget_request,
    header_of,
    is_of_another,
    is_of_boto,
    message_of,
    status_of,
)

if TYPE_CHECKING:
    from brickwork_aws.s3.bucket import S3Bucket

_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "301", "307"}


class Explained:
    """A block in which an error of boto3 becomes one of Brickwork.

    Args:
        bucket: The storage that is worked on.
        permission: What the work needs, for example ``s3:GetObject``.
        key: The object, as the storage knows it; none for work on the bucket.
    """

    __slots__ = ("_bucket", "_key", "_permission")

    def __init__(self, bucket: "S3Bucket", permission: str, key: str | None = None) -> None:
        self._bucket = bucket
        self._permission = permission
        self._key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, BrickworkError) or not isinstance(error, Exception):
            return
        if is_of_boto(error):
            forget_request(error)
            raise storage_error(error, self._bucket, self._permission, self._key) from error
        error.add_note(f"in block {self._bucket.address or self._bucket.url}")


def storage_error(
    error: Exception, bucket: "S3Bucket", permission: str, key: str | None = None
) -> StorageError:
    """Return the error to raise for an error of boto3."""
    from botocore.exceptions import FlexibleChecksumError

    place = bucket.url if key is None else bucket.object_url(key)
    whose = describe(bucket.credentials)
    found = NOT_THE_SERVICE if is_of_another(error) else about_credentials(error, whose)
    if found is not None:
        return StorageError(f"{place}: {found.what}", fix=found.fix)
    if isinstance(error, FlexibleChecksumError):
        return StorageError(
            f"{place} was damaged on its way here: its checksum is another.",
            fix="Read it again; if it stays so, what is between this machine and S3 changes it.",
        )
    code, status = code_of(error), status_of(error)
    if code == "NoSuchBucket" or (status == 404 and key is None):
        return no_such_bucket(bucket)
    if code == "NoSuchVersion":
        return KeyNotFound(f"{place} has no such version.", fix="List the versions that it has.")
    if code == "BucketNotEmpty":
        return StorageError(
            f"{place} is not empty.", fix="Delete what is in it, or give everything=True."
        )
    if code == "BucketAlreadyExists":
        return StorageError(
            f"The name {bucket.bucket!r} is taken by another account.", fix="Choose another name."
        )
    if status == 404 and code != "NoSuchUpload":
        return KeyNotFound(
            f"No object {key!r} in {bucket.url}.", fix="List the keys to see what exists."
        )
    if code == "InvalidObjectState":
        return StorageError(
            f"{place} is archived.", fix="Restore it first (s3:RestoreObject), and wait for it."
        )
    if status == 403:
        return _forbidden(error, bucket, permission, key)
    if status == 412 and permission == "s3:PutObject":
        return KeyExists(
            f"{key!r} in {bucket.url} exists already.",
            fix="Use another key, or allow to overwrite.",
        )
    if status == 412:
        return StorageError(f"{place} was overwritten while it was read.", fix="Read it again.")
    if code in _ELSEWHERE or status == 301:
        region = header_of(error, "x-amz-bucket-region")
        return StorageError(
            f"The bucket {bucket.bucket!r} is in {'region ' + region if region else 'elsewhere'}.",
            fix=f"Set region{'=' + repr(region) if region else ''} on the credentials ({whose}).",
        )
    if status == 501 and permission == "s3:PutObject":
        return StorageError(
            f"{place}: the server cannot do that: {error}",
            fix="If it was a write with if_absent: this server has no conditional writes.",
        )
    return StorageError(
        f"{place}: {error}", fix=f"The operation needs {permission}; see the error."
    )


def no_such_bucket(bucket: "S3Bucket") -> StorageError:
    """Return the error for a bucket that does not exist."""
    endpoint = bucket.credentials.endpoint("s3")
    at = f" at {endpoint}" if endpoint else ""
    return StorageError(
        f"There is no bucket {bucket.bucket!r}{at}.",
        fix="Create it, or correct the bucket's name, the region or the endpoint_url.",
    )


def _forbidden(error: Exception, bucket: "S3Bucket", permission: str, key: str | None) -> S3Denied:
    from brickwork_aws.permissions import refusal

    whose = describe(bucket.credentials)
    place = bucket.url if key is None else bucket.object_url(key)
    target = arn_of(bucket, None if key is None else bucket.full_key(key))
    code, details = code_of(error), getattr(error, "response", {})
    # A key of KMS may be what they may not use: then the message says so.
    said = refusal(mask(message_of(error)), permission)
    hint = HEAD_TELLS_NOTHING if code == "403" else ""
    if bucket.expected_owner is not None:
        hint += f" Or the bucket is not of the account {bucket.expected_owner}."
    if said.action == "s3:GetObject":
        hint += " Without s3:ListBucket on the bucket, an object that lacks is refused in this way."
    what = f"{whose} may not do {said.action} on {place}"
    if said.action.startswith("s3:"):
        found = denied(S3Denied, what, said, resource=target, hint=hint)
    else:
        found = denied(S3Denied, what, said)
    found.operation, found.code = permission, code
    found.request_id = str(details.get("ResponseMetadata", {}).get("RequestId") or "")
    return found


def arn_of(bucket: "S3Bucket", full_key: str | None = None) -> str:
    """Return the ARN that policies have for a bucket, or for an object in it."""
    whole, between = bucket.bucket, "/object/"
    # Else an access point's, see
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html.
    if not whole.startswith("arn:"):
        whole, between = f"arn:{bucket.client().meta.partition}:s3:::{whole}", "/"
    return whole if full_key is None else f"{whole}{between}{full_key}"
