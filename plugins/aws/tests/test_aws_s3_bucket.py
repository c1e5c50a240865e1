"""S3Bucket beyond the contract of storages: errors, streams, large objects, copies, deletes."""

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import (
    InvalidBlock,
    InvalidKey,
    KeyExists,
    KeyNotFound,
    Secret,
    Storage,
    StorageError,
    TaskCancelled,
)
from brickwork_aws import AwsCredentials, ClientOptions, S3Bucket
from brickwork_aws.expecting import SMALL_BYTES
from brickwork_aws.faults import is_transient
from brickwork_aws.s3 import parts, requests, writing
from brickwork_aws.testing import AwsServer

MIB = 1024 * 1024


# The block


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"bucket": "s3://reports"}, "without s3://"),
        ({"bucket": "re ports"}, "bucket"),
        ({"bucket": "reports", "prefix": "../other"}, "prefix"),
        ({"bucket": "reports", "prefix": "/abs"}, "prefix"),
        ({"bucket": "reports", "kms_key_id": "alias/x"}, "aws:kms"),
        ({"bucket": "reports", "expected_owner": "me"}, "expected_owner"),
        ({"bucket": "reports", "region": "eu-west-1"}, "region"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, Any], said: str) -> None:
    """Each refusal names the field or says what is wrong with it."""
    with pytest.raises(InvalidBlock, match=said):
        S3Bucket(**fields)


def test_urls_name_bucket_and_prefix() -> None:
    """A URL with odd characters in the prefix survives the way there and back."""
    for prefix in ("", "a", "a/b c", "100%/ü", "q?x#y"):
        bucket = S3Bucket(bucket="reports", prefix=prefix)
        assert S3Bucket.from_url(bucket.url) == bucket
    assert S3Bucket.from_url("s3://reports/daily/").prefix == "daily"


def test_urls_that_open_nothing_are_refused() -> None:
    """No bucket, another scheme, no key as prefix, another kind of block: a StorageError each."""
    other = S3Bucket(bucket="reports")
    for url, block in (
        ("s3://", None),
        ("s3:reports", None),
        ("gs://reports", None),
        ("s3://reports/../x", None),
        ("s3://re ports", None),
        ("s3://reports", other),
    ):
        with pytest.raises(StorageError) as caught:
            S3Bucket.from_url(url, block)
        assert caught.value.fix


@given(prefix=st.text(max_size=40), key=st.text(max_size=40))
def test_no_key_leaves_the_prefix(prefix: str, key: str) -> None:
    """Whatever is taken as prefix and key, the full key is below the prefix, part by part."""
    try:
        bucket = S3Bucket(bucket="reports", prefix=prefix)
        full = bucket.full_key(key)
    except (InvalidBlock, InvalidKey):
        return
    assert full.startswith(f"{bucket.prefix}/" if bucket.prefix else "")
    assert ".." not in full.split("/")


def test_prefix_and_key_together_are_bounded() -> None:
    """S3 takes 1,024 bytes in all; more is refused here, with a reason."""
    bucket = S3Bucket(bucket="reports", prefix="p" * 600)
    with pytest.raises(InvalidKey, match="with the prefix"):
        bucket.full_key("k" * 600)


def test_settings_reach_the_object(s3_bucket: S3Bucket, lacks: Callable[[bool, str], None]) -> None:
    """Storage class, encryption and the content type that the key tells arrive on the server."""
    bucket = s3_bucket.model_copy(
        update={"storage_class": "STANDARD_IA", "server_side_encryption": "AES256"}
    )
    try:
        bucket.write("a.json", b"{}")
    except StorageError as error:
        lacks("InternalError" in error.what, error.what)
        raise
    with bucket.open_write("large.csv") as file:
        file.write(bytes(9 * MIB))
    for key, kind in (("a.json", "application/json"), ("large.csv", "text/csv")):
        found = bucket.client().head_object(Bucket=bucket.bucket, Key=key)
        assert found["StorageClass"] == "STANDARD_IA"
        assert found["ServerSideEncryption"] == "AES256"
        assert found["ContentType"] == kind


def test_a_key_of_kms_encrypts(s3_bucket: S3Bucket) -> None:
    """What is written by one request, by parts and by a copy inside S3."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/6f2cc74c-5c4b-4a5d-9bb9-0f1b6f5b1f0e"
    settings = {"server_side_encryption": "aws:kms", "kms_key_id": key}
    bucket = s3_bucket.model_copy(update=settings)
    bucket.write("small", b"1")
    with bucket.open_write("large") as file:
        file.write(bytes(9 * MIB))
    bucket.copy_to("small", bucket, "copy")
    for name in ("small", "large", "copy"):
        found = bucket.client().head_object(Bucket=bucket.bucket, Key=name)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key), name


# Errors


def test_a_missing_bucket_is_told_from_a_missing_object(s3_bucket: S3Bucket) -> None:
    """Also where HEAD says only 404: a missing bucket is no missing key."""
    lost = s3_bucket.model_copy(update={"bucket": "no-such-bucket"})
    for call in (
        lambda: lost.read("a"),
        lambda: lost.stat("a"),
        lambda: lost.exists("a"),
        lambda: lost.write("a", b""),
        lambda: list(lost.keys()),
        lambda: lost.delete("a"),
        lambda: lost.delete_many(["a"]),
    ):
        with pytest.raises(StorageError, match="no bucket 'no-such-bucket'") as caught:
            call()
        assert not isinstance(caught.value, KeyNotFound)
    assert not s3_bucket.exists("a")


@pytest.mark.server
def test_wrong_keys_are_refused_by_name(
    strict_s3_server: AwsServer, strict_s3_bucket: S3Bucket
) -> None:
    """Reading, writing and listing with a wrong secret or key is refused, and shows neither."""
    for given_keys in (
        {"secret_access_key": "sentinel-wrong"},
        {"access_key_id": "AKIAUNKNOWN"},
    ):
        credentials = strict_s3_server.credentials().model_copy(update=given_keys)
        bucket = strict_s3_bucket.model_copy(update={"credentials": credentials})
        for call in (
            lambda b=bucket: b.read("a"),
            lambda b=bucket: b.write("a", b""),
            lambda b=bucket: list(b.keys()),
        ):
            with pytest.raises(StorageError) as caught:
                call()
            assert "access key" in caught.value.what
            assert caught.value.fix
            assert "sentinel" not in repr([caught.value, caught.value.__cause__])


def test_no_credentials_say_what_to_give() -> None:
    """Without any credentials the first request raises a StorageError with a fix."""
    with pytest.raises(StorageError) as caught:
        S3Bucket(bucket="reports").read("a")
    assert "access_key_id" in caught.value.fix


def test_an_unreachable_endpoint_is_transient() -> None:
    """Nobody there: a StorageError that names the endpoint, and that a task may try again."""
    nobody = AwsCredentials(
        access_key_id="AKIAEXAMPLE",
        secret_access_key=Secret("sentinel-secret"),
        endpoint_url="http://127.0.0.1:1",
        client_options=ClientOptions(connect_timeout=1, max_attempts=1),
    )
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:1") as caught:
        S3Bucket(bucket="reports", credentials=nobody).read("a")
    assert is_transient(caught.value)


def test_refused_and_missing_are_not_transient(s3_bucket: S3Bucket) -> None:
    """What will not pass is not tried again."""
    with pytest.raises(KeyNotFound) as caught:
        s3_bucket.read("no/such")
    assert not is_transient(caught.value)


# Streams


@pytest.mark.server
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(-40, 40)), max_size=8))
def test_a_stream_reads_and_seeks_like_a_file(
    strict_s3_bucket: S3Bucket, steps: list[tuple[int, int]]
) -> None:
    """Any sequence of seeks and reads gives what a file in memory gives."""
    data = bytes(range(100))
    strict_s3_bucket.write("data", data)
    with strict_s3_bucket.open_read("data") as file:
        model = io.BytesIO(data)
        for whence, offset in steps:
            base = (0, model.tell(), len(data))[whence]
            if base + offset >= 0:
                assert file.seek(offset, whence) == model.seek(base + offset)
            assert file.read(7) == model.read(7)


def test_a_stream_is_text_for_those_who_wrap_it(s3_bucket: S3Bucket) -> None:
    """Standard wrappers work on both streams."""
    with s3_bucket.open_write("a.txt") as sink, io.TextIOWrapper(sink, "utf-8") as text:
        text.write("é\nline\n")
    with s3_bucket.open_read("a.txt") as source:
        assert list(io.TextIOWrapper(source, "utf-8")) == ["é\n", "line\n"]


def test_a_stream_never_mixes_versions(s3_bucket: S3Bucket) -> None:
    """Overwritten while it is read, an object is refused rather than mixed."""
    s3_bucket.write("data", b"a" * MIB)
    with s3_bucket.open_read("data") as file:
        assert file.read(1) == b"a"
        s3_bucket.write("data", b"b" * MIB)
        file.seek(MIB - 1)
        with pytest.raises(StorageError, match="overwritten"):
            file.read()


def test_large_objects_go_by_parts(s3_bucket: S3Bucket, tmp_path: Path) -> None:
    """A file of several parts comes back the same, uploaded and downloaded, with progress."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"".join(bytes([n]) * MIB for n in range(25)) + b"end")
    done: list[int] = []
    s3_bucket.upload_file(source, "large", progress=lambda count, _total, _text: done.append(count))
    assert done[-1] == 25 * MIB + 3
    assert s3_bucket.stat("large").etag.endswith("-4"), "four parts, as the etag of S3 tells"
    s3_bucket.download_file("large", target)
    assert target.read_bytes() == source.read_bytes()
    assert s3_bucket.read("large") == source.read_bytes()


def test_a_failed_upload_leaves_no_parts(s3_bucket: S3Bucket) -> None:
    """An exception in the block, or a progress callback that raises, aborts the upload."""
    upload = s3_bucket.open_write("large")
    upload.__enter__().write(bytes(20 * MIB))
    assert len(_uploads(s3_bucket)) == 1
    error = RuntimeError()
    assert not upload.__exit__(RuntimeError, error, None), "the exception goes on"
    assert _uploads(s3_bucket) == []
    with pytest.raises(TaskCancelled):
        _upload_and_stop(s3_bucket)
    assert _uploads(s3_bucket) == []
    assert list(s3_bucket.keys()) == []


def _upload_and_stop(bucket: S3Bucket) -> None:
    def stop(done: int, total: int | None, text: str) -> None:
        raise TaskCancelled("Enough.")

    writing.put_file(bucket, "large", io.BytesIO(bytes(40 * MIB)), lambda n: stop(n, None, ""))


def _uploads(bucket: S3Bucket) -> list[Any]:
    answer = bucket.client().list_multipart_uploads(Bucket=bucket.bucket)
    return list(answer.get("Uploads", []))


def test_parts_hold_the_largest_object() -> None:
    """10,000 parts reach 5 TiB, of known size or not, and no part is below 5 MiB."""
    unknown = [parts.part_bytes(number) for number in range(1, parts.MAX_PARTS + 1)]
    assert sum(unknown) >= 5 * 1024 * 1024 * MIB
    assert min(unknown) >= 5 * MIB
    assert max(unknown) <= 5 * 1024 * MIB
    known = parts.part_bytes(1, 5 * 1024 * 1024 * MIB)
    assert known * parts.MAX_PARTS >= 5 * 1024 * 1024 * MIB


# Conditional writes


@pytest.mark.server
def test_a_conditional_stream_of_parts_is_refused_early_and_late(
    strict_s3_bucket: S3Bucket,
) -> None:
    """If an object is there, or comes while the parts are sent, KeyExists; and no parts stay."""
    bucket = strict_s3_bucket
    bucket.write("there", b"1")
    early = bucket.open_write("there", if_absent=True)
    file = early.__enter__()
    with pytest.raises(KeyExists):
        file.write(bytes(9 * MIB))
    late = bucket.open_write("late", if_absent=True)
    late.__enter__().write(bytes(9 * MIB))
    bucket.write("late", b"2")
    with pytest.raises(KeyExists):
        late.__exit__(None, None, None)
    assert (bucket.read("there"), bucket.read("late")) == (b"1", b"2")
    assert _uploads(bucket) == []


# Copies and deletes


def test_a_copy_inside_s3_keeps_type_and_metadata(s3_bucket: S3Bucket) -> None:
    """Whole and by parts, a copy has the bytes, the content type and the metadata."""
    s3_bucket.client().put_object(
        Bucket=s3_bucket.bucket,
        Key="a",
        Body=b"x" * (12 * MIB),
        ContentType="text/csv",
        Metadata={"made-by": "test"},
    )
    s3_bucket.copy_to("a", s3_bucket, "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "COPY_WHOLE_UP_TO", MIB)
        patch.setattr(requests, "COPY_PART_BYTES", 5 * MIB)
        s3_bucket.copy_to("a", s3_bucket, "parts")
    assert s3_bucket.stat("parts").etag.endswith("-3")
    for key in ("whole", "parts"):
        found = s3_bucket.client().head_object(Bucket=s3_bucket.bucket, Key=key)
        assert (found["ContentType"], found["Metadata"]) == ("text/csv", {"made-by": "test"})
        assert s3_bucket.read(key) == b"x" * (12 * MIB)


@pytest.mark.server
def test_objects_of_one_name_on_two_servers_are_two(
    s3_server: AwsServer, s3_bucket: S3Bucket, strict_s3_server: AwsServer
) -> None:
    """Moving between buckets of one name on different servers copies, then deletes."""
    other = S3Bucket(
        bucket=strict_s3_server.create_bucket(s3_bucket.bucket),
        credentials=strict_s3_server.credentials(),
    )
    s3_bucket.write("a", b"1")
    s3_bucket.move_to("a", other)
    assert other.read("a") == b"1"
    assert not s3_bucket.exists("a")


def test_the_same_object_by_two_prefixes_survives_its_move(s3_bucket: S3Bucket) -> None:
    """Moving x/y onto itself, seen through the prefix x, loses nothing."""
    inner = s3_bucket.model_copy(update={"prefix": "x"})
    inner.write("y", b"1")
    inner.move_to("y", s3_bucket, "x/y")
    inner.copy_to("y", s3_bucket, "x/y")
    assert inner.read("y") == b"1"


def test_many_are_deleted_in_batches(s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix is deleted over several requests; what is beside it stays."""
    monkeypatch.setattr(requests, "DELETE_AT_ONCE", 10)
    for number in range(25):
        s3_bucket.write(f"old/{number}", b"")
    s3_bucket.write("older", b"")
    assert s3_bucket.delete_prefix("old/") == 25
    assert list(s3_bucket.keys()) == ["older"]
    with pytest.raises(InvalidKey, match="everything"):
        s3_bucket.delete_prefix("")
    assert s3_bucket.delete_prefix("", everything=True) == 1
    assert s3_bucket.delete_many([]) == 0


# Presigned URLs


@pytest.mark.server
def test_presigned_urls_read_write_and_expire(strict_s3_bucket: S3Bucket) -> None:
    """A presigned URL reads or writes one object without keys; another method or key does not."""
    bucket = strict_s3_bucket
    put = bucket.presign("a b/ü", method="PUT", expires_seconds=60)
    assert _fetch(put, "PUT", b"content") == (200, b"")
    get = bucket.presign("a b/ü", expires_seconds=60)
    assert _fetch(get) == (200, b"content")
    assert _fetch(get, "PUT", b"evil")[0] == 403
    assert _fetch(get.replace("a%20b", "other"))[0] == 403
    short = bucket.presign("a b/ü", expires_seconds=1)
    deadline = threading.Event()
    for _ in range(100):
        if _fetch(short)[0] == 403:
            break
        deadline.wait(0.05)
    assert _fetch(short)[0] == 403, "it expires"


def test_presigned_urls_last_up_to_a_week(s3_bucket: S3Bucket) -> None:
    """Signature version 4 allows 7 days; other times are refused here, not by S3 later."""
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in s3_bucket.presign("a", expires_seconds=604800)
    for seconds in (0, -1, 604801):
        with pytest.raises(StorageError, match="expire"):
            s3_bucket.presign("a", expires_seconds=seconds)
    with pytest.raises(InvalidKey):
        s3_bucket.presign("../a")


def _fetch(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    import urllib3

    # As a browser or curl does it: no key, and no content type of its own.
    with urllib3.PoolManager() as pool:
        answer = pool.request(method, url, body=body, retries=False)
        return answer.status, answer.data


def test_it_is_a_storage(s3_bucket: S3Bucket) -> None:
    """A bucket is a block and a storage in one."""
    assert isinstance(s3_bucket, Storage)
    assert "AKIA" not in s3_bucket.url


@pytest.mark.parametrize(
    ("size", "asked"), [(0, False), (4096, False), (SMALL_BYTES - 1, False), (SMALL_BYTES, True)]
)
def test_small_bodies_are_sent_at_once(strict_s3_bucket: S3Bucket, size: int, asked: bool) -> None:
    """Only for large ones S3 is asked first whether it wants them."""
    seen: list[bool] = []

    def look(request: Any, **_: Any) -> None:
        seen.append("Expect" in request.headers)

    events = strict_s3_bucket.client().meta.events
    events.register("before-send.s3", look)
    try:
        strict_s3_bucket.write("data", bytes(size))
    finally:
        events.unregister("before-send.s3", look)
    assert seen == [asked]
    assert strict_s3_bucket.read("data") == bytes(size)
