"""S3Bucket and its tasks when connections break, answers are lost and the service is throttled."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from brickwork import KeyExists, StorageError, Task
from brickwork.testing.task import no_waiting
from brickwork_aws import ClientOptions, S3Bucket, s3_read, s3_upload_folder, s3_write
from brickwork_aws.testing import AwsServer, Faults, faulty

pytestmark = pytest.mark.server

MIB = 1024 * 1024


@dataclass(frozen=True)
class Broken:
    """A bucket by way of the proxy, the same one directly, and what to break."""

    bucket: S3Bucket
    direct: S3Bucket
    faults: Faults


@pytest.fixture
def broken(strict_s3_server: AwsServer, strict_s3_bucket: S3Bucket) -> Iterator[Broken]:
    """A bucket whose requests are sent once: what is done about faults is ours."""
    with faulty(strict_s3_server) as (through, faults):
        once = through.credentials(client_options=ClientOptions(max_attempts=1, read_timeout=20))
        bucket = strict_s3_bucket.model_copy(update={"credentials": once})
        yield Broken(bucket, strict_s3_bucket, faults)
        assert faults.left == 0, "every planned fault happened"


def _patient(bucket: S3Bucket) -> S3Bucket:
    """Return the bucket with botocore's own retries."""
    credentials = bucket.credentials.model_copy(
        update={"client_options": ClientOptions(max_attempts=3, read_timeout=20)}
    )
    return bucket.model_copy(update={"credentials": credentials})


def test_reading_goes_on_where_the_connection_broke(broken: Broken) -> None:
    """A stream cut three times gives every byte once, and asks only for what lacks."""
    data = os.urandom(3 * MIB)
    broken.direct.write("data", data)
    broken.faults.cut("GET", after=MIB, times=2)
    broken.faults.cut("GET", after=1)
    with broken.bucket.open_read("data") as file:
        assert b"".join(iter(lambda: file.read(300_000), b"")) == data
    assert len(broken.faults.requests) == 4


def test_a_whole_read_goes_on_too(broken: Broken) -> None:
    """`read` of a cut answer is whole."""
    data = os.urandom(MIB)
    broken.direct.write("data", data)
    broken.faults.cut("GET", after=1000)
    assert broken.bucket.read("data") == data


def test_parts_of_a_download_go_on(broken: Broken, tmp_path: Path) -> None:
    """A file downloaded by many connections, several of them cut, is whole."""
    data = os.urandom(40 * MIB)
    broken.direct.write("data", data)
    broken.faults.cut("GET", after=5 * MIB, times=4)
    broken.bucket.download_file("data", tmp_path / "data")
    assert (tmp_path / "data").read_bytes() == data


def test_a_connection_that_always_breaks_is_an_error(broken: Broken, tmp_path: Path) -> None:
    """After so many attempts without a byte it gives up, and leaves no file."""
    broken.direct.write("data", os.urandom(MIB))
    broken.faults.cut("GET", after=10)
    broken.faults.cut("GET", times=5)
    with pytest.raises(StorageError, match="cannot be reached"):
        broken.bucket.download_file("data", tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_a_version_that_changed_meanwhile_is_refused(broken: Broken) -> None:
    """Where the connection broke and the object was overwritten, the versions are not mixed."""
    broken.direct.write("data", b"a" * MIB)
    broken.faults.cut("GET", after=1000)
    with broken.bucket.open_read("data") as file:
        broken.direct.write("data", b"b" * MIB)
        with pytest.raises(StorageError, match="overwritten"):
            file.read()


def test_a_conditional_write_knows_itself_again(broken: Broken) -> None:
    """The answer was lost and the request repeated: it has won, and is not told KeyExists."""
    bucket = _patient(broken.bucket)
    broken.faults.cut("PUT")
    bucket.write("lock", b"mine", if_absent=True)
    assert broken.direct.read("lock") == b"mine"


def test_a_conditional_write_knows_others_too(broken: Broken) -> None:
    """Repeated after an error, with somebody else's object in the way, it is KeyExists."""
    broken.direct.write("lock", b"theirs", if_absent=True)
    broken.faults.refuse("PUT", 503, "SlowDown")
    with pytest.raises(KeyExists):
        _patient(broken.bucket).write("lock", b"mine", if_absent=True)
    assert broken.direct.read("lock") == b"theirs"


def test_conflicts_of_conditional_writes_are_settled(broken: Broken) -> None:
    """S3 answers 409 when two conditional writes meet; the write is sent again."""
    broken.faults.refuse("PUT", 409, "ConditionalRequestConflict", times=3)
    broken.bucket.write("lock", b"mine", if_absent=True)
    assert broken.direct.read("lock") == b"mine"


def test_tasks_are_tried_again_when_it_may_pass(broken: Broken, tmp_path: Path) -> None:
    """Throttling, broken connections and errors of the service: each task gets through."""
    (tmp_path / "a.txt").write_bytes(b"content")
    with no_waiting() as waits:
        broken.faults.refuse("PUT", 503, "SlowDown", times=2)
        assert s3_write(broken.bucket, "a", "text").size == 4
        broken.faults.refuse("GET", 500, "InternalError")
        assert s3_read(broken.bucket, "a") == b"text"
        broken.faults.cut("PUT")
        assert s3_upload_folder(broken.bucket, tmp_path, "f") == ["f/a.txt"]
    assert len(waits) == 4


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AccessDenied", "s3:GetObject"),
        (400, "ExpiredToken", "expired"),
        (403, "RequestTimeTooSkewed", "clocks"),
        (403, "InvalidObjectState", "archived"),
        (301, "PermanentRedirect", "elsewhere"),
    ],
)
def test_tasks_are_not_tried_again_when_it_will_not(
    broken: Broken, status: int, code: str, said: str
) -> None:
    """What will not pass is one request, and an error that says what is wrong."""
    broken.faults.refuse("GET", status, code)
    with no_waiting() as waits, pytest.raises(StorageError, match=said) as caught:
        s3_read(broken.bucket, "a")
    assert waits == []
    assert caught.value.fix


@pytest.mark.parametrize("streamed", [True, False])
def test_an_upload_of_which_a_part_is_refused_is_aborted(
    broken: Broken, tmp_path: Path, *, streamed: bool
) -> None:
    """No object appears, and no parts stay to be paid for."""
    (tmp_path / "large").write_bytes(bytes(20 * MIB))
    broken.faults.refuse("PUT", 400, "InvalidArgument")

    def upload() -> None:
        if not streamed:
            broken.bucket.upload_file(tmp_path / "large", "large")
            return
        with broken.bucket.open_write("large") as file:
            file.write(bytes(20 * MIB))

    with no_waiting(), pytest.raises(StorageError, match="InvalidArgument"):
        upload()
    bucket = broken.direct
    answer = bucket.client().list_multipart_uploads(Bucket=bucket.bucket)
    assert answer.get("Uploads", []) == []
    assert list(bucket.keys()) == []


@pytest.mark.parametrize("size", [100, 3 * MIB])
def test_damaged_bytes_are_refused(broken: Broken, tmp_path: Path, size: int) -> None:
    """S3's checksum is compared: read whole, as a stream and into a file, which is not left."""
    broken.direct.write("data", os.urandom(size))
    broken.faults.damage("GET", times=3)
    with pytest.raises(StorageError, match="damaged on its way"):
        broken.bucket.read("data")
    with broken.bucket.open_read("data") as file, pytest.raises(StorageError, match="damaged"):
        file.read()
    with pytest.raises(StorageError, match="damaged"):
        broken.bucket.download_file("data", tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_every_task_that_sends_something_has_retries() -> None:
    """The policy is on all tasks but those that only sign."""
    import brickwork_aws

    tasks = {
        name: getattr(brickwork_aws, name) for name in brickwork_aws.__all__ if name[:3] == "s3_"
    }
    assert len(tasks) == 26
    assert all(isinstance(task, Task) for task in tasks.values())
    assert {name for name, task in tasks.items() if not task.retry.retries} == {
        "s3_presign", "s3_presign_post",
    }  # fmt: skip
