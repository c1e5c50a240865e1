"""Versions, tags, and buckets themselves: created, emptied, deleted."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from brickwork import KeyNotFound, StorageError
from brickwork_aws import (
    AwsCredentials,
    S3Bucket,
    s3_copy,
    s3_create_bucket,
    s3_delete,
    s3_delete_bucket,
    s3_delete_version,
    s3_list_versions,
    s3_read,
    s3_read_tags,
    s3_read_version,
    s3_restore_version,
    s3_write,
    s3_write_tags,
)
from brickwork_aws.s3 import requests
from brickwork_aws.testing import AwsServer


@pytest.fixture(params=["moto", pytest.param("seaweedfs", marks=pytest.mark.server)])
def versioned(request: pytest.FixtureRequest) -> S3Bucket:
    """A part of a fresh bucket that keeps versions."""
    name = "s3_bucket" if request.param == "moto" else "strict_s3_bucket"
    whole: S3Bucket = request.getfixturevalue(name)
    s3_create_bucket(whole, versioning=True)
    return whole.model_copy(update={"prefix": "team"})


def test_versions_are_listed_newest_first(versioned: S3Bucket) -> None:
    """Those of deleted objects too, each with its size and whether it is what readers get."""
    first = s3_write(versioned, "a", "1")
    second = s3_write(versioned, "a", "22")
    s3_write(versioned, "b", "")
    s3_delete(versioned, "a")
    marker, *rest, other = s3_list_versions(versioned)
    assert [each.version_id for each in rest] == [second.version_id, first.version_id]
    assert [each.size for each in rest] == [2, 1]
    assert (marker.key, marker.is_latest, marker.is_delete_marker) == ("a", True, True)
    assert (other.key, other.is_latest, other.is_delete_marker) == ("b", True, False)
    assert {each.key for each in s3_list_versions(versioned, "a")} == {"a"}


def test_an_old_version_is_read_and_restored(versioned: S3Bucket) -> None:
    """It becomes the newest, and the ones between stay."""
    old = s3_write(versioned, "a", "old").version_id
    s3_write(versioned, "a", "new")
    assert old is not None
    assert s3_read_version(versioned, "a", old) == b"old"
    found = s3_restore_version(versioned, "a", old)
    assert found.version_id not in (None, old)
    assert s3_read(versioned, "a") == b"old"
    assert len(s3_list_versions(versioned)) == 3


def test_a_deleted_object_comes_back(versioned: S3Bucket) -> None:
    """By deleting the marker; a version that is deleted is gone for good."""
    old = s3_write(versioned, "a", "old").version_id
    new = s3_write(versioned, "a", "new").version_id
    assert old is not None
    assert new is not None
    s3_delete(versioned, "a")
    s3_delete_version(versioned, "a", s3_list_versions(versioned)[0].version_id)
    assert s3_read(versioned, "a") == b"new"
    s3_delete_version(versioned, "a", new)
    s3_delete_version(versioned, "a", new)
    assert s3_read(versioned, "a") == b"old"
    with pytest.raises(KeyNotFound):
        s3_read_version(versioned, "a", new)
    with pytest.raises(KeyNotFound):
        s3_restore_version(versioned, "a", new)


def test_a_large_version_is_restored_by_parts(
    s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the old version, and not of the newest one."""
    s3_create_bucket(s3_bucket, versioning=True)
    old = s3_write(s3_bucket, "a", b"o" * (6 * 1024 * 1024)).version_id
    s3_write(s3_bucket, "a", b"new")
    monkeypatch.setattr(requests, "COPY_WHOLE_UP_TO", 1024)
    monkeypatch.setattr(requests, "COPY_PART_BYTES", 5 * 1024 * 1024)
    assert old is not None
    assert s3_restore_version(s3_bucket, "a", old).etag.endswith("-2")
    assert s3_read(s3_bucket, "a") == b"o" * (6 * 1024 * 1024)


@pytest.mark.server
def test_tags_are_written_read_and_replaced(strict_s3_bucket: S3Bucket) -> None:
    """With the object and after it; odd characters survive, and all are replaced at once."""
    bucket = strict_s3_bucket.model_copy(update={"tags": {"team": "a b"}})
    s3_write(bucket, "a", "1", tags={"cost": "1+1=2"})
    assert s3_read_tags(bucket, "a") == {"team": "a b", "cost": "1+1=2"}
    s3_write_tags(bucket, "a", {"new": "only"})
    assert s3_read_tags(bucket, "a") == {"new": "only"}
    s3_write_tags(bucket, "a", {})
    assert s3_read_tags(bucket, "a") == {}


def test_tags_of_nothing_are_refused(s3_bucket: S3Bucket) -> None:
    """A missing object is KeyNotFound, reading and writing."""
    with pytest.raises(KeyNotFound):
        s3_read_tags(s3_bucket, "a")
    with pytest.raises(KeyNotFound):
        s3_write_tags(s3_bucket, "a", {"a": "b"})


def test_tags_go_along_with_a_copy(s3_bucket: S3Bucket) -> None:
    """As S3 copies them."""
    s3_write(s3_bucket, "a", "1", tags={"team": "a"})
    s3_copy(s3_bucket, "a", target_key="b")
    assert s3_read_tags(s3_bucket, "b") == {"team": "a"}


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", None])
def test_a_bucket_is_made_where_its_credentials_are(
    s3_credentials: AwsCredentials, region: str | None, lacks: Callable[[bool, str], None]
) -> None:
    """S3 is told the region where it wants to be, and not where it does not; twice is fine."""
    bucket = S3Bucket(
        bucket=f"made-in-{region or 'none'}",
        credentials=s3_credentials.model_copy(update={"region": region}),
    )
    s3_create_bucket(bucket)
    s3_create_bucket(bucket)
    place = bucket.client().get_bucket_location(Bucket=bucket.bucket)["LocationConstraint"]
    expected = None if region in (None, "us-east-1") else region
    lacks(place is None and expected is not None, f"{expected} is not what GetBucketLocation says")
    assert place == expected
    s3_write(bucket, "a", "1")


def test_a_bucket_is_deleted_when_it_is_empty(
    s3_server: AwsServer, s3_bucket: S3Bucket, lacks: Callable[[bool, str], None]
) -> None:
    """One that is not is refused, and all is there still; one that is gone is fine."""
    full = s3_bucket.model_copy(update={"bucket": s3_server.create_bucket()})
    full.write("a", b"1")
    with suppress(StorageError):
        s3_delete_bucket(full)
        lacks(True, "DeleteBucket took one that is not empty")
    s3_bucket.write("a", b"1")
    with pytest.raises(StorageError, match="is not empty") as caught:
        s3_delete_bucket(s3_bucket)
    assert "everything=True" in caught.value.fix
    assert not s3_bucket.exists("b")
    s3_delete(s3_bucket, "a")
    s3_delete_bucket(s3_bucket)
    s3_delete_bucket(s3_bucket)
    s3_delete_bucket(s3_bucket, everything=True)
    with pytest.raises(StorageError, match="no bucket"):
        s3_bucket.exists("a")


def test_everything_is_every_version(versioned: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old versions, markers and what is no key of ours go; over several requests."""
    monkeypatch.setattr(requests, "DELETE_AT_ONCE", 3)
    whole = versioned.model_copy(update={"prefix": ""})
    for number in range(4):
        s3_write(whole, "a", str(number))
    s3_delete(whole, "a")
    whole.client().put_object(Bucket=whole.bucket, Key="folder/", Body=b"")
    s3_delete_bucket(whole, everything=True)
    with pytest.raises(StorageError, match="no bucket"):
        whole.exists("a")


def test_a_part_of_a_bucket_is_never_deleted_as_the_whole(s3_bucket: S3Bucket) -> None:
    """A block with a prefix is refused before anything is deleted."""
    s3_bucket.write("team/a", b"1")
    with pytest.raises(StorageError, match="only a part"):
        s3_delete_bucket(s3_bucket.model_copy(update={"prefix": "team"}), everything=True)
    assert s3_bucket.read("team/a") == b"1"


def test_a_name_of_another_account_is_refused(s3_server: AwsServer, s3_bucket: S3Bucket) -> None:
    """Not taken for one's own."""
    from brickwork_aws.testing import faulty

    with faulty(s3_server) as (through, faults):
        faults.refuse("PUT", 409, "BucketAlreadyExists")
        taken = s3_bucket.model_copy(update={"credentials": through.credentials()})
        with pytest.raises(StorageError, match="taken by another account"):
            s3_create_bucket(taken)
