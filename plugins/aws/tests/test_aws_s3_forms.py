"""Forms by which browsers upload: what they allow, and what a strict server refuses."""

import threading
from collections.abc import Mapping

import pytest

from brickwork import InvalidArguments, InvalidKey, StorageError
from brickwork_aws import S3Bucket, S3PostForm, s3_presign_post


def post(form: S3PostForm, data: bytes, changed: Mapping[str, str] | None = None) -> int:
    """Send a form as a browser does, and return the status."""
    import urllib3

    fields: dict[str, object] = {**form.fields, **(changed or {}), "file": ("x", data)}
    with urllib3.PoolManager() as pool:
        return pool.request("POST", form.url, fields=fields, retries=False).status  # type: ignore[arg-type]  # str and tuples


@pytest.mark.server
def test_a_form_uploads_one_object(strict_s3_bucket: S3Bucket) -> None:
    """Without keys, to that key only, and as the type that was signed."""
    bucket = strict_s3_bucket.model_copy(update={"prefix": "in"})
    form = s3_presign_post(bucket, "a b/ü.csv", max_bytes=10)
    assert post(form, b"content") in (200, 201, 204)
    assert bucket.read("a b/ü.csv") == b"content"
    assert post(form, b"content", {"key": "in/other"}) == 403
    assert post(form, b"content", {"Content-Type": "text/html"}) == 403
    signature = next(name for name in form.fields if name.lower() == "x-amz-signature")
    assert post(form, b"content", {signature: "0" * 64}) == 403
    assert list(bucket.keys()) == ["a b/ü.csv"]


@pytest.mark.server
def test_a_form_bounds_the_size(strict_s3_bucket: S3Bucket) -> None:
    """What is larger or smaller than was signed is refused."""
    form = s3_presign_post(strict_s3_bucket, "a", min_bytes=2, max_bytes=4)
    assert post(form, b"1") in (400, 403)
    assert post(form, b"12345") in (400, 403)
    assert not strict_s3_bucket.exists("a")
    assert post(form, b"123") in (200, 201, 204)


@pytest.mark.server
def test_a_form_expires(strict_s3_bucket: S3Bucket) -> None:
    """After its time the server refuses it."""
    form = s3_presign_post(strict_s3_bucket, "a", expires_seconds=1)
    pause, status = threading.Event(), 0
    for _ in range(100):
        status = post(form, b"1")
        if status == 403:
            break
        pause.wait(0.05)
    assert status == 403


def test_a_form_carries_the_settings_of_the_block(s3_bucket: S3Bucket) -> None:
    """Storage class and encryption are among the fields; the secret of it is not shown."""
    bucket = s3_bucket.model_copy(
        update={
            "storage_class": "STANDARD_IA",
            "server_side_encryption": "aws:kms",
            "kms_key_id": "alias/reports",
        }
    )
    form = s3_presign_post(bucket, "a.json")
    assert form.fields["Content-Type"] == "application/json"
    assert form.fields["x-amz-storage-class"] == "STANDARD_IA"
    assert form.fields["x-amz-server-side-encryption"] == "aws:kms"
    assert form.fields["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/reports"
    assert form.fields["policy"] not in repr(form)
    chosen = s3_presign_post(bucket, "a.json", content_type="text/plain")
    assert chosen.fields["Content-Type"] == "text/plain"


def test_senseless_forms_are_refused(s3_bucket: S3Bucket) -> None:
    """Times and sizes out of bounds, keys outside, and names that the sender would choose."""
    for seconds in (0, 604801):
        with pytest.raises(StorageError, match="expire"):
            s3_presign_post(s3_bucket, "a", expires_seconds=seconds)
    for least, most in ((-1, 5), (6, 5)):
        with pytest.raises(InvalidArguments, match="No file"):
            s3_presign_post(s3_bucket, "a", min_bytes=least, max_bytes=most)
    with pytest.raises(InvalidKey):
        s3_presign_post(s3_bucket, "../a")
    with pytest.raises(InvalidArguments, match="leaves the name"):
        s3_presign_post(s3_bucket, "in/${filename}")
