"""The fixtures by which users let AWS fail: each fault arrives as the service's own would."""

import pytest
from botocore.exceptions import ClientError

from brickwork import StorageError
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    ClientOptions,
    S3Bucket,
    aws_call,
    s3_read,
    s3_write,
)
from brickwork_aws.faults import is_transient
from brickwork_aws.testing import Faults


def test_without_faults_all_works(faulty_s3_bucket: S3Bucket, aws_faults: Faults) -> None:
    """The proxy passes on what it is not told to break, and notes it."""
    s3_write(faulty_s3_bucket, "a", "1")
    assert s3_read(faulty_s3_bucket, "a") == b"1"
    assert [method for method, _ in aws_faults.requests] == ["PUT", "GET"]


def test_throttling_passes(faulty_s3_bucket: S3Bucket, aws_faults: Faults) -> None:
    """A task goes through a service that is asked too much, after its waits."""
    aws_faults.throttle("PUT", times=2)
    with no_waiting() as waits:
        s3_write(faulty_s3_bucket, "a", "1")
    assert len(waits) == 2
    assert aws_faults.left == 0


@pytest.mark.parametrize(
    ("service", "operation", "json"),
    [("sqs", "list_queues", True), ("sts", "get_caller_identity", False)],
)
def test_services_fail_in_their_own_language(
    faulty_credentials: AwsCredentials,
    aws_faults: Faults,
    service: str,
    operation: str,
    json: bool,
) -> None:
    """boto3 reads the code of a JSON and of an XML service."""
    aws_faults.throttle(json=json, code="ThrottlingException")
    with pytest.raises(AwsError) as throttled:
        aws_call(faulty_credentials, service, operation)
    assert throttled.value.code == "ThrottlingException"
    assert is_transient(throttled.value)
    aws_faults.expire(json=json)
    with pytest.raises(AwsError, match="temporary credentials have expired"):
        aws_call(faulty_credentials, service, operation)
    aws_call(faulty_credentials, service, operation)


def test_expired_tokens_say_so(faulty_s3_bucket: S3Bucket, aws_faults: Faults) -> None:
    """And are no reason to try again."""
    aws_faults.expire("GET")
    with no_waiting() as waits, pytest.raises(StorageError, match="have expired") as caught:
        s3_read(faulty_s3_bucket, "a")
    assert waits == []
    assert isinstance(caught.value.__cause__, ClientError)


def test_slow_answers_end_in_a_timeout(faulty_s3_bucket: S3Bucket, aws_faults: Faults) -> None:
    """Those beyond the client's patience; others only take longer."""
    options = ClientOptions(max_attempts=1, read_timeout=0.3)
    hasty = faulty_s3_bucket.model_copy(
        update={
            "credentials": faulty_s3_bucket.credentials.model_copy(
                update={"client_options": options}
            )
        }
    )
    faulty_s3_bucket.write("a", b"1")
    aws_faults.slow("GET", 0.01)
    assert faulty_s3_bucket.read("a") == b"1"
    aws_faults.slow("GET", 60)
    with pytest.raises(StorageError, match=r"[Rr]ead timeout"):
        hasty.read("a")


@pytest.mark.parametrize("reset", [False, True])
def test_cut_connections_are_repaired(
    faulty_s3_bucket: S3Bucket, aws_faults: Faults, *, reset: bool
) -> None:
    """A read goes on where it stopped, whether the connection was closed or reset."""
    data = bytes(range(256)) * 8192
    faulty_s3_bucket.write("a", data)
    aws_faults.cut("GET", after=1000, reset=reset)
    assert faulty_s3_bucket.read("a") == data
    assert [method for method, _ in aws_faults.requests][-2:] == ["GET", "GET"]
