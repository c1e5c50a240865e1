"""Conformance of the tasks on S3, against moto."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import brickwork_aws
from brickwork.testing import TaskContract
from brickwork.testing.task import no_waiting
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.s3.bucket import S3Bucket

KEY = "2026/11/sales.csv"
SALES = b"day,total\n2026-11-23,19.50\n"


class _S3TaskContract(TaskContract):
    @pytest.fixture
    def call(self, s3_bucket: S3Bucket, tmp_path: Path) -> Mapping[str, Any]:
        """Return arguments for a bucket and a folder, with three files each."""
        folder = tmp_path / "exports"
        folder.mkdir()
        for name in ("returns.csv", "sales.csv", "sales.tmp"):
            (folder / name).write_bytes(SALES)
        brickwork_aws.s3_write(
            s3_bucket, KEY, SALES, metadata={"run": "1742"}, tags={"team": "reports"}
        )
        s3_bucket.write("2026/10/sales.csv", SALES)
        s3_bucket.write("2026/10/notes.txt", b"two days are missing")
        return {"bucket": s3_bucket, **self.arguments(tmp_path)}

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """Return the arguments after the bucket."""
        raise NotImplementedError

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the time and the version, which every write makes anew."""
        from dataclasses import is_dataclass, replace

        if is_dataclass(one) and is_dataclass(two):
            one, two = (
                replace(each, modified=None, version_id=None)  # type: ignore[type-var]  # S3Object
                for each in (one, two)
            )
        return bool(one == two)


class TestS3UploadFile(_S3TaskContract):
    """s3_upload_file."""

    name = "aws.s3_upload_file"

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """A small file."""
        return {"path": path / "exports" / "sales.csv", "key": "out/sales.csv"}


class TestS3DownloadFile(_S3TaskContract):
    """s3_download_file."""

    name = "aws.s3_download_file"

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """A small object."""
        return {"key": KEY, "path": path / "new" / "sales.csv"}


class TestS3UploadFolder(_S3TaskContract):
    """s3_upload_folder."""

    name = "aws.s3_upload_folder"

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """A folder, but for one of its files."""
        return {"path": path / "exports", "prefix": "out", "exclude": ["*.tmp"]}


class TestS3DownloadFolder(_S3TaskContract):
    """s3_download_folder."""

    name = "aws.s3_download_folder"

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """A folder with folders."""
        return {"prefix": "2026", "path": path / "new"}


class TestS3Write(_S3TaskContract):
    """s3_write."""

    name = "aws.s3_write"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A text."""
        return {"key": "out/b.txt", "data": "text"}


class TestS3Read(_S3TaskContract):
    """s3_read."""

    name = "aws.s3_read"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": KEY}


class TestS3ReadText(TestS3Read):
    """s3_read_text."""

    name = "aws.s3_read_text"


class TestS3List(_S3TaskContract):
    """s3_list."""

    name = "aws.s3_list"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One object, chosen in every way."""
        return {"prefix": "2026/11/", "delimiter": "/", "where": "size > `0`"}


class TestS3Copy(_S3TaskContract):
    """s3_copy."""

    name = "aws.s3_copy"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": KEY, "target_key": "out/sales.csv"}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the bucket, and another part of it."""
        bucket: S3Bucket = call["bucket"]
        return {"bucket": bucket, "archive": bucket.model_copy(update={"prefix": "archive"})}


class TestS3Move(_S3TaskContract):
    """s3_move."""

    name = "aws.s3_move"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """Onto itself, since the contract calls it twice."""
        return {"key": KEY}


class TestS3Delete(_S3TaskContract):
    """s3_delete."""

    name = "aws.s3_delete"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One that exists, and one that does not."""
        return {"keys": [KEY, "no/such"]}


class TestS3Presign(_S3TaskContract):
    """s3_presign."""

    name = "aws.s3_presign"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": KEY, "expires_seconds": 60}

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the signature, which the time is part of."""
        return bool(one.partition("?")[0] == two.partition("?")[0])


class TestS3ListFolders(_S3TaskContract):
    """s3_list_folders."""

    name = "aws.s3_list_folders"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """All."""
        return {}


class TestS3Exists(_S3TaskContract):
    """s3_exists."""

    name = "aws.s3_exists"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": KEY}


class TestS3Describe(_S3TaskContract):
    """s3_describe."""

    name = "aws.s3_describe"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": KEY}


class TestS3WaitForKey(_S3TaskContract):
    """s3_wait_for_key."""

    name = "aws.s3_wait_for_key"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One that is there."""
        return {"key": KEY}

    @pytest.fixture
    def slow_call(self, s3_bucket: S3Bucket) -> Mapping[str, Any]:
        """Return arguments for an object that does not come."""
        return {"bucket": s3_bucket, "key": "no/such"}


class TestS3WaitUntilUnchanged(_S3TaskContract):
    """s3_wait_until_unchanged."""

    name = "aws.s3_wait_until_unchanged"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """What has rested for long enough."""
        return {"prefix": "2026/", "unchanged_seconds": 0.01}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Let the example's minute pass at once."""
        with no_waiting():
            yield call

    @pytest.fixture
    def slow_call(self, s3_bucket: S3Bucket) -> Mapping[str, Any]:
        """Return arguments for objects that do not come."""
        return {"bucket": s3_bucket, "unchanged_seconds": 60}


class TestS3PresignPost(_S3TaskContract):
    """s3_presign_post."""

    name = "aws.s3_presign_post"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": KEY, "max_bytes": 100}

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the signature, which the time is part of."""
        return bool(one.url == two.url and one.fields.keys() == two.fields.keys())


class TestS3ReadTags(_S3TaskContract):
    """s3_read_tags."""

    name = "aws.s3_read_tags"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """An object with a tag."""
        return {"key": KEY}


class TestS3WriteTags(_S3TaskContract):
    """s3_write_tags."""

    name = "aws.s3_write_tags"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One tag."""
        return {"key": KEY, "tags": {"team": "a"}}


class _S3VersionTaskContract(_S3TaskContract):
    @pytest.fixture
    def old_version(self, s3_bucket: S3Bucket) -> str | None:
        """Return the older one of two versions, in a bucket that keeps them."""
        brickwork_aws.s3_create_bucket(s3_bucket, versioning=True)
        old = brickwork_aws.s3_write(s3_bucket, "settings.json", '{"retries": 3}')
        brickwork_aws.s3_write(s3_bucket, "settings.json", '{"retries": 10}')
        return old.version_id

    @pytest.fixture
    def call(self, s3_bucket: S3Bucket, old_version: str | None) -> Mapping[str, Any]:
        """Return arguments for the older version."""
        return {"bucket": s3_bucket, "key": "settings.json", "version_id": old_version}


class TestS3ListVersions(_S3VersionTaskContract):
    """s3_list_versions."""

    name = "aws.s3_list_versions"

    @pytest.fixture
    def call(self, s3_bucket: S3Bucket, old_version: str | None) -> Mapping[str, Any]:  # noqa: ARG002  # it is written
        """Return arguments for both versions."""
        return {"bucket": s3_bucket, "prefix": "settings"}


class TestS3ReadVersion(_S3VersionTaskContract):
    """s3_read_version."""

    name = "aws.s3_read_version"


class TestS3DeleteVersion(_S3VersionTaskContract):
    """s3_delete_version."""

    name = "aws.s3_delete_version"


class TestS3RestoreVersion(_S3VersionTaskContract):
    """s3_restore_version."""

    name = "aws.s3_restore_version"


class TestS3CreateBucket(_S3TaskContract):
    """s3_create_bucket."""

    name = "aws.s3_create_bucket"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments for one that is not there, and is at the second call."""
        bucket = S3Bucket(bucket=f"bucket-{uuid4().hex}", credentials=s3_credentials)
        return {"bucket": bucket, "versioning": True}


class TestS3DeleteBucket(_S3TaskContract):
    """s3_delete_bucket."""

    name = "aws.s3_delete_bucket"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One with an object."""
        return {"everything": True}
