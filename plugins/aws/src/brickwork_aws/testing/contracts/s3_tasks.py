"""Conformance of the tasks on S3, against moto."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import brickwork_aws
from brickwork import Task
from brickwork.testing import TaskContract
from brickwork_aws.s3.bucket import S3Bucket


class _S3TaskContract(TaskContract):
    name = ""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task of the class's name."""
        found: Task[..., Any] = getattr(brickwork_aws, self.name)
        return found

    @pytest.fixture
    def call(self, s3_bucket: S3Bucket, tmp_path: Path) -> Mapping[str, Any]:
        """Return arguments for a bucket with one object, and a folder with one file."""
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "a.txt").write_bytes(b"content")
        s3_bucket.write("in/a.txt", b"content")
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

    name = "s3_upload_file"

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """A small file."""
        return {"path": path / "folder" / "a.txt", "key": "out/a.txt"}


class TestS3DownloadFile(_S3TaskContract):
    """s3_download_file."""

    name = "s3_download_file"

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """A small object."""
        return {"key": "in/a.txt", "path": path / "new" / "a.txt"}


class TestS3UploadFolder(_S3TaskContract):
    """s3_upload_folder."""

    name = "s3_upload_folder"

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """A folder with one file."""
        return {"path": path / "folder", "prefix": "out", "exclude": ["*.tmp"]}


class TestS3DownloadFolder(_S3TaskContract):
    """s3_download_folder."""

    name = "s3_download_folder"

    def arguments(self, path: Path) -> Mapping[str, Any]:
        """A folder with one object."""
        return {"prefix": "in", "path": path / "new"}


class TestS3Write(_S3TaskContract):
    """s3_write."""

    name = "s3_write"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A text."""
        return {"key": "out/b.txt", "data": "text"}


class TestS3Read(_S3TaskContract):
    """s3_read."""

    name = "s3_read"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": "in/a.txt"}


class TestS3List(_S3TaskContract):
    """s3_list."""

    name = "s3_list"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One object, chosen in every way."""
        return {"prefix": "in/", "delimiter": "/", "where": "size > `0`"}


class TestS3Copy(_S3TaskContract):
    """s3_copy."""

    name = "s3_copy"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": "in/a.txt", "target_key": "out/c.txt"}


class TestS3Move(_S3TaskContract):
    """s3_move."""

    name = "s3_move"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """Onto itself, since the contract calls it twice."""
        return {"key": "in/a.txt"}


class TestS3Delete(_S3TaskContract):
    """s3_delete."""

    name = "s3_delete"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One that exists, and one that does not."""
        return {"keys": ["in/a.txt", "no/such"]}


class TestS3Presign(_S3TaskContract):
    """s3_presign."""

    name = "s3_presign"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": "in/a.txt", "expires_seconds": 60}

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the signature, which the time is part of."""
        return bool(one.partition("?")[0] == two.partition("?")[0])


class TestS3ListFolders(_S3TaskContract):
    """s3_list_folders."""

    name = "s3_list_folders"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """All."""
        return {}


class TestS3Exists(_S3TaskContract):
    """s3_exists."""

    name = "s3_exists"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": "in/a.txt"}


class TestS3Describe(_S3TaskContract):
    """s3_describe."""

    name = "s3_describe"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": "in/a.txt"}


class TestS3WaitForKey(_S3TaskContract):
    """s3_wait_for_key."""

    name = "s3_wait_for_key"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One that is there."""
        return {"key": "in/a.txt"}

    @pytest.fixture
    def slow_call(self, s3_bucket: S3Bucket) -> Mapping[str, Any]:
        """Return arguments for an object that does not come."""
        return {"bucket": s3_bucket, "key": "no/such"}


class TestS3WaitUntilUnchanged(_S3TaskContract):
    """s3_wait_until_unchanged."""

    name = "s3_wait_until_unchanged"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """What has rested for long enough."""
        return {"prefix": "in/", "unchanged_seconds": 0.01}

    @pytest.fixture
    def slow_call(self, s3_bucket: S3Bucket) -> Mapping[str, Any]:
        """Return arguments for objects that do not come."""
        return {"bucket": s3_bucket, "unchanged_seconds": 60}


class TestS3PresignPost(_S3TaskContract):
    """s3_presign_post."""

    name = "s3_presign_post"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """A small object."""
        return {"key": "in/a.txt", "max_bytes": 100}

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the signature, which the time is part of."""
        return bool(one.url == two.url and one.fields.keys() == two.fields.keys())


class TestS3ReadTags(_S3TaskContract):
    """s3_read_tags."""

    name = "s3_read_tags"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """An object without tags."""
        return {"key": "in/a.txt"}


class TestS3WriteTags(_S3TaskContract):
    """s3_write_tags."""

    name = "s3_write_tags"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One tag."""
        return {"key": "in/a.txt", "tags": {"team": "a"}}


class TestS3ListVersions(_S3TaskContract):
    """s3_list_versions."""

    name = "s3_list_versions"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One object."""
        return {"prefix": "in/"}


class TestS3ReadVersion(_S3TaskContract):
    """s3_read_version."""

    name = "s3_read_version"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """The one version of a bucket without versions."""
        return {"key": "in/a.txt", "version_id": "null"}


class TestS3DeleteVersion(_S3TaskContract):
    """s3_delete_version."""

    name = "s3_delete_version"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """The one version of a bucket without versions."""
        return {"key": "in/a.txt", "version_id": "null"}


class TestS3RestoreVersion(_S3TaskContract):
    """s3_restore_version."""

    name = "s3_restore_version"

    @pytest.fixture
    def call(self, s3_bucket: S3Bucket, tmp_path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """Return arguments for a bucket that keeps versions."""
        brickwork_aws.s3_create_bucket(s3_bucket, versioning=True)
        old = brickwork_aws.s3_write(s3_bucket, "a", "old")
        brickwork_aws.s3_write(s3_bucket, "a", "newer")
        return {"bucket": s3_bucket, "key": "a", "version_id": old.version_id}


class TestS3CreateBucket(_S3TaskContract):
    """s3_create_bucket."""

    name = "s3_create_bucket"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One that is there."""
        return {"versioning": True}


class TestS3DeleteBucket(_S3TaskContract):
    """s3_delete_bucket."""

    name = "s3_delete_bucket"

    def arguments(self, path: Path) -> Mapping[str, Any]:  # noqa: ARG002  # for others
        """One with an object."""
        return {"everything": True}
