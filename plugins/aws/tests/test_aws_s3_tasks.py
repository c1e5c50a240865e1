"""The S3 tasks: what they give back, report, and how they stop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from brickwork import (
    InvalidArguments,
    InvalidKey,
    KeyExists,
    Progress,
    Scope,
    TaskCancelled,
    on_progress,
    open_serializer,
)
from brickwork_aws import (
    S3Bucket,
    S3Object,
    s3_copy,
    s3_delete,
    s3_describe,
    s3_download_file,
    s3_download_folder,
    s3_list,
    s3_list_versions,
    s3_move,
    s3_presign,
    s3_presign_post,
    s3_read,
    s3_read_text,
    s3_upload_file,
    s3_upload_folder,
    s3_write,
)
from brickwork_aws.s3 import requests


def test_what_is_written_is_told(s3_bucket: S3Bucket, tmp_path: Path) -> None:
    """Each result has bucket, key, size, etag and the URL with the prefix."""
    bucket = s3_bucket.model_copy(update={"prefix": "team"})
    (tmp_path / "a.csv").write_bytes(b"1,2\n")
    results = [
        s3_upload_file(bucket, tmp_path / "a.csv", "daily/a.csv"),
        s3_write(bucket, "daily/b.txt", "é"),
        s3_copy(bucket, "daily/a.csv", target_key="copy.csv"),
        s3_move(bucket, "copy.csv", s3_bucket, "moved.csv"),
    ]
    assert [found.key for found in results] == [
        "daily/a.csv", "daily/b.txt", "copy.csv", "moved.csv",
    ]  # fmt: skip
    assert [found.size for found in results] == [4, 2, 4, 4]
    assert results[0].url == f"s3://{bucket.bucket}/team/daily/a.csv"
    assert results[3].url == f"s3://{bucket.bucket}/moved.csv"
    assert all(found.etag and '"' not in found.etag for found in results)
    assert s3_read(bucket, "daily/b.txt") == "é".encode()
    assert [found.key for found in s3_list(bucket)] == ["daily/a.csv", "daily/b.txt"]


def test_versions_are_told(s3_bucket: S3Bucket) -> None:
    """In a bucket with versioning each write has its version."""
    s3_bucket.client().put_bucket_versioning(
        Bucket=s3_bucket.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    versions = {s3_write(s3_bucket, "a", text).version_id for text in ("1", "2")}
    assert len(versions) == 2
    assert None not in versions


def test_listing_stops_at_the_limit(s3_bucket: S3Bucket) -> None:
    """A limit bounds the result; a senseless one is refused."""
    for name in "abc":
        s3_write(s3_bucket, name, "")
    assert [found.key for found in s3_list(s3_bucket, limit=2)] == ["a", "b"]
    assert s3_list(s3_bucket, limit=0) == []
    assert all(isinstance(found, S3Object) for found in s3_list(s3_bucket))
    with pytest.raises(InvalidArguments):
        s3_list(s3_bucket, limit=-1)


def test_deleting_needs_keys_or_a_prefix(s3_bucket: S3Bucket) -> None:
    """One key, several, a prefix; neither, both and the empty prefix are refused."""
    for name in ("a", "b", "c/1", "c/2", "d"):
        s3_write(s3_bucket, name, "")
    assert s3_delete(s3_bucket, "a") == 1
    assert s3_delete(s3_bucket, ["b", "never-was"]) == 2
    assert s3_delete(s3_bucket, prefix="c/") == 2
    for arguments in ({}, {"keys": "d", "prefix": "d"}):
        with pytest.raises(InvalidArguments):
            s3_delete(s3_bucket, **arguments)
    with pytest.raises(InvalidKey):
        s3_delete(s3_bucket, prefix="")
    assert [found.key for found in s3_list(s3_bucket)] == ["d"]


def test_an_exclusive_write_is_refused(s3_bucket: S3Bucket) -> None:
    """The second one is KeyExists, and is not tried again."""
    s3_write(s3_bucket, "lock", "1", if_absent=True)
    with pytest.raises(KeyExists):
        s3_write(s3_bucket, "lock", "2", if_absent=True)


def test_text_goes_and_comes_back(s3_bucket: S3Bucket) -> None:
    """In UTF-8, or in the encoding that is named; what is no text is refused with where."""
    s3_write(s3_bucket, "a.txt", "Zürich\r\n")
    assert s3_read_text(s3_bucket, "a.txt") == "Zürich\r\n"
    s3_write(s3_bucket, "old.txt", "Zürich".encode("latin-1"))
    assert s3_read_text(s3_bucket, "old.txt", encoding="latin-1") == "Zürich"
    assert s3_read_text(s3_bucket, "old.txt", errors="replace") == "Z\ufffdrich"
    with pytest.raises(InvalidArguments, match=r"old\.txt is no text in utf-8: .* at byte 1"):
        s3_read_text(s3_bucket, "old.txt")
    for encoding in ("utf-88", "base64"):
        with pytest.raises(InvalidArguments, match=f"no encoding '{encoding}'"):
            s3_read_text(s3_bucket, "gone.txt", encoding=encoding)


def test_folders_report_and_filter(s3_bucket: S3Bucket, tmp_path: Path) -> None:
    """Progress counts files up to the total; globs hold both ways."""
    for name in ("a.csv", "b.csv", "c.tmp"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(name)
    reports: list[Progress] = []
    with on_progress(reports.append):
        keys = s3_upload_folder(s3_bucket, tmp_path / "in", "d", exclude=["*.tmp"])
    assert keys == ["d/a.csv", "d/b.csv"]
    assert [(report.done, report.total) for report in reports] == [(1, 2), (2, 2)]
    assert {report.task for report in reports} == {"s3_upload_folder"}
    files = s3_download_folder(s3_bucket, "d", tmp_path / "out", include=["b*"])
    assert files == [tmp_path / "out" / "b.csv"]
    assert files[0].read_text() == "b.csv"


@pytest.mark.parametrize("large", [False, True])
def test_a_cancelled_upload_stops(s3_bucket: S3Bucket, tmp_path: Path, large: bool) -> None:
    """Cancelled at its first report, a task ends with TaskCancelled before its work is done."""
    if large:
        with (tmp_path / "large").open("wb") as file:
            file.truncate(100 * 1024 * 1024)
    else:
        for number in range(200):
            (tmp_path / f"{number:03}").write_text("content")
    scope = Scope("test")
    reports: list[Progress] = []

    def stop(report: Progress) -> None:
        reports.append(report)
        scope.cancel()

    call: Any = (
        (lambda: s3_upload_file(s3_bucket, tmp_path / "large", "large"))
        if large
        else (lambda: s3_upload_folder(s3_bucket, tmp_path, workers=1))
    )
    with scope, on_progress(stop), pytest.raises(TaskCancelled):
        call()
    assert reports
    assert len(list(s3_bucket.keys())) < 200
    assert not s3_bucket.exists("large")
    assert not s3_bucket.client().list_multipart_uploads(Bucket=s3_bucket.bucket).get("Uploads")


Call = Callable[[S3Bucket, Path], object]


@pytest.mark.parametrize(
    ("operation", "call", "untouched"),
    [
        ("GetObject", lambda b, to: s3_download_file(b, "large", to / "large"), 12),
        ("GetObject", lambda b, to: s3_download_folder(b, "d", to, workers=1), 12),
        ("DeleteObjects", lambda b, _: s3_delete(b, prefix="d/"), 7),
        ("UploadPartCopy", lambda b, _: s3_copy(b, "large", target_key="copy"), 12),
    ],
    ids=["download_file", "download_folder", "delete", "copy"],
)
def test_what_is_cancelled_stops(
    s3_bucket: S3Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    call: Call,
    untouched: int,
) -> None:
    """Cancelled after its first request, each ends with TaskCancelled, and nothing half done."""
    for number in range(12):
        s3_bucket.write(f"d/{number:02}", b"content")
    s3_bucket.write("large", bytes(40 * 1024 * 1024))
    monkeypatch.setattr(requests, "DELETE_AT_ONCE", 5)
    monkeypatch.setattr(requests, "COPY_WHOLE_UP_TO", 1024 * 1024)
    monkeypatch.setattr(requests, "COPY_PART_BYTES", 5 * 1024 * 1024)
    scope, send = Scope("test"), BaseClient._make_api_call

    def sent(self: Any, name: str, given: Any) -> Any:
        answer = send(self, name, given)
        if name == operation:
            scope.cancel()
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", sent)
    with scope, pytest.raises(TaskCancelled):
        call(s3_bucket, tmp_path)
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert len(files) < 6, "the next one may be on its way"
    assert not (tmp_path / "large").exists()
    assert not s3_bucket.exists("copy")
    assert len(list(s3_bucket.keys("d/"))) == untouched
    assert not s3_bucket.client().list_multipart_uploads(Bucket=s3_bucket.bucket).get("Uploads")


def test_presigning_is_a_task(s3_bucket: S3Bucket) -> None:
    """It gives a URL of the object with a signature."""
    s3_write(s3_bucket, "a", "1")
    url = s3_presign(s3_bucket, "a", expires_seconds=60)
    assert url.startswith(str(s3_bucket.credentials.endpoint_url))
    assert "X-Amz-Signature=" in url


def test_results_can_be_stored(s3_bucket: S3Bucket) -> None:
    """What tasks give back survives the json serializer, times, metadata and versions included."""
    s3_write(s3_bucket, "a", "1", metadata={"made": "here"})
    found = [
        *s3_list(s3_bucket),
        s3_describe(s3_bucket, "a"),
        *s3_list_versions(s3_bucket),
        s3_presign_post(s3_bucket, "a"),
    ]
    serializer = open_serializer("json")
    assert len(found) == 4
    assert serializer.loads(serializer.dumps(found)) == found
