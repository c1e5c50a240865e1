"""Lists, looks and waits: which objects are chosen, what is told of them, what is waited for."""

import threading
from collections.abc import Callable
from contextvars import Context
from datetime import UTC, datetime, timedelta

import pytest

from brickwork import InvalidArguments, KeyNotFound, StorageError
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsTimeout,
    S3Bucket,
    s3_describe,
    s3_exists,
    s3_list,
    s3_list_folders,
    s3_upload_file,
    s3_wait_for_key,
    s3_wait_until_unchanged,
    s3_write,
)
from brickwork_aws.polling import turns
from brickwork_aws.s3 import looking
from brickwork_aws.testing import Faults


@pytest.fixture
def tree(s3_bucket: S3Bucket) -> S3Bucket:
    """A part of a bucket with objects in folders, and one object beside it."""
    bucket = s3_bucket.model_copy(update={"prefix": "team"})
    for key in ("a.csv", "b.txt", "2026/01/x.csv", "2026/02/y.csv", "2027/z.csv"):
        bucket.write(key, b"x" * len(key))
    s3_bucket.write("teams/other.csv", b"")
    return bucket


def keys(bucket: S3Bucket, prefix: str = "", **choice: object) -> list[str]:
    """Return the keys of a list."""
    return [found.key for found in s3_list.fn(bucket, prefix, **choice)]  # type: ignore[arg-type]  # by name


def test_a_delimiter_lists_a_folder_alone(tree: S3Bucket) -> None:
    """What lies directly in it, and its folders, which lead on."""
    assert keys(tree, delimiter="/") == ["a.csv", "b.txt"]
    assert s3_list_folders(tree) == ["2026/", "2027/"]
    assert s3_list_folders(tree, "2026/") == ["2026/01/", "2026/02/"]
    assert keys(tree, "2026/01/", delimiter="/") == ["2026/01/x.csv"]
    assert s3_list_folders(tree, "2026/01/") == []
    assert s3_list_folders(tree, delimiter=".") == [
        "2026/01/x.",
        "2026/02/y.",
        "2027/z.",
        "a.",
        "b.",
    ]


def test_an_expression_chooses(tree: S3Bucket) -> None:
    """By key, size and storage class, as JMESPath has it; 0 and texts are true, nothing is not."""
    assert keys(tree, where="ends_with(key, '.csv') && size > `10`") == [
        "2026/01/x.csv", "2026/02/y.csv",
    ]  # fmt: skip
    assert keys(tree, where="size > `10`", limit=1) == ["2026/01/x.csv"]
    assert keys(tree, where="storage_class != 'STANDARD'") == []
    assert len(keys(tree, where="key")) == 5
    assert keys(tree, where="no_such_name") == []


@pytest.mark.parametrize(
    "where", ["size >", "true] | [0", "starts_with(size, 'a')", "nothing(key)"]
)
def test_what_is_no_expression_is_refused(tree: S3Bucket, where: str) -> None:
    """Also what is only found when it is applied, with the expression in the message."""
    with pytest.raises(InvalidArguments, match="is no filter") as caught:
        s3_list(tree, where=where)
    assert where in str(caught.value)


def test_dates_choose(tree: S3Bucket) -> None:
    """After and before, without the moments themselves; without a zone it is UTC."""
    modified = s3_list(tree, "a.csv")[0].modified
    assert modified is not None
    second = timedelta(seconds=1)
    assert keys(tree, "a", modified_after=modified - second) == ["a.csv"]
    assert keys(tree, "a", modified_after=modified) == []
    assert keys(tree, "a", modified_before=modified) == []
    assert keys(tree, "a", modified_before=modified + second) == ["a.csv"]
    naive = modified.astimezone(UTC).replace(tzinfo=None)
    assert keys(tree, "a", modified_after=naive - second, modified_before=naive + second)
    assert keys(tree, modified_after=datetime(2100, 1, 1, tzinfo=UTC)) == []


def test_what_was_written_with_an_object_is_told(s3_bucket: S3Bucket) -> None:
    """Type, metadata and storage class of what a task or a block wrote; without our own mark."""
    block = s3_bucket.model_copy(
        update={"storage_class": "STANDARD_IA", "metadata": {"team": "a", "by": "block"}}
    )
    s3_write(
        block, "a.bin", "1,2", content_type="text/csv", metadata={"by": "task"}, if_absent=True
    )
    found = s3_describe(s3_bucket, "a.bin")
    assert (found.key, found.size) == ("a.bin", 3)
    assert found.content_type == "text/csv"
    assert found.metadata == {"team": "a", "by": "task"}
    assert found.storage_class == "STANDARD_IA"
    assert (
        s3_describe(s3_bucket, s3_write(s3_bucket, "b.json", "{}").key).storage_class == "STANDARD"
    )
    with pytest.raises(KeyNotFound):
        s3_describe(s3_bucket, "c")


def test_parts_carry_the_description_too(s3_bucket: S3Bucket, tmp_path: object) -> None:
    """A large file gets its type and metadata as a small one does."""
    from pathlib import Path

    path = Path(str(tmp_path)) / "large"
    path.write_bytes(bytes(17 * 1024 * 1024))
    s3_upload_file(s3_bucket, path, "large", content_type="image/x", metadata={"made": "here"})
    found = s3_describe(s3_bucket, "large")
    assert found.etag.endswith("-3")
    assert (found.content_type, found.metadata) == ("image/x", {"made": "here"})


def test_existing_is_told_from_missing(s3_bucket: S3Bucket) -> None:
    """An object is there or not; of a bucket that is not there nothing is told."""
    s3_bucket.write("a", b"")
    assert s3_exists(s3_bucket, "a")
    assert not s3_exists(s3_bucket, "b")
    with pytest.raises(StorageError, match="no bucket"):
        s3_exists(s3_bucket.model_copy(update={"bucket": "no-such-bucket"}), "a")


def during_waits(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], None]) -> None:
    """Do a step between two looks; time goes on as it was waited."""
    left = list(steps)

    def stepping(*args: float) -> object:
        for turn in turns(*args):
            if turn and left:
                Context().run(left.pop(0))  # which is not what the task does
            yield turn

    monkeypatch.setattr(looking, "turns", stepping)


def test_a_key_is_waited_for(s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object is returned once it is there; nobody waits longer."""
    during_waits(monkeypatch, lambda: None, lambda: s3_bucket.write("a", b"1"))
    with no_waiting() as waits:
        assert s3_wait_for_key(s3_bucket, "a", poll_seconds=7).size == 1
        assert s3_wait_for_key(s3_bucket, "a").size == 1
    assert waits == [7, 7]


def test_a_key_is_waited_for_until_it_rests(
    s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write begins the rest anew; what was written last is returned."""
    s3_bucket.write("a", b"1")
    during_waits(monkeypatch, lambda: None, lambda: s3_bucket.write("a", b"two"))
    with no_waiting() as waits:
        found = s3_wait_for_key(s3_bucket, "a", unchanged_seconds=30, poll_seconds=10)
    assert found.size == 3
    assert len(waits) in (5, 6), "two looks at the first, then half a minute at the second"


def test_a_key_that_does_not_come_is_a_timeout(s3_bucket: S3Bucket) -> None:
    """After just the time that was given, with what was waited for."""
    with no_waiting() as waits, pytest.raises(AwsTimeout, match="is not there, after 12 s"):
        s3_wait_for_key(s3_bucket, "a", max_wait_seconds=12)
    assert sum(waits) == pytest.approx(12, abs=1)
    s3_bucket.write("a", b"")
    with no_waiting(), pytest.raises(AwsTimeout, match="was not left alone for 60 s"):
        s3_wait_for_key(s3_bucket, "a", unchanged_seconds=60, max_wait_seconds=12)


def test_a_folder_is_waited_for_until_it_rests(
    s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects that come and go begin the rest anew, and too few are no beginning."""
    during_waits(
        monkeypatch,
        lambda: s3_bucket.write("in/a", b""),
        lambda: s3_bucket.write("in/b", b""),
        lambda: s3_bucket.delete("in/a"),
        lambda: s3_bucket.write("in/c", b""),
    )
    with no_waiting() as waits:
        found = s3_wait_until_unchanged(
            s3_bucket, "in/", unchanged_seconds=20, min_objects=2, poll_seconds=10
        )
    assert [each.key for each in found] == ["in/b", "in/c"]
    assert len(waits) in (6, 7)


def test_waiting_for_what_cannot_be_seen_is_an_error(
    faulty_s3_bucket: S3Bucket, aws_faults: Faults
) -> None:
    """Who may not look is told so at once, and does not wait for ever."""
    aws_faults.refuse("HEAD", 403, "AccessDenied")
    with no_waiting() as waits, pytest.raises(StorageError, match="may not do s3:GetObject"):
        s3_wait_for_key(faulty_s3_bucket, "a")
    assert waits == []


def test_a_long_list_can_be_cancelled(s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one of which nothing is chosen: what is looked at counts."""
    from brickwork import Progress, Scope, TaskCancelled, on_progress

    monkeypatch.setattr(looking, "REPORT_EVERY", 2)
    for name in "abcdef":
        s3_bucket.write(name, b"")
    scope, seen = Scope("test"), threading.Event()

    def stop(_report: Progress) -> None:
        seen.set()
        scope.cancel()

    with scope, on_progress(stop), pytest.raises(TaskCancelled):
        s3_list(s3_bucket, where="false")
    assert seen.is_set()
