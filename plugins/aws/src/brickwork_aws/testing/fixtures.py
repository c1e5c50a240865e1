"""Pytest fixtures over `brickwork_aws.testing`; each xdist worker has servers of its own."""

from collections.abc import Iterator

import pytest

from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.s3.bucket import S3Bucket
from brickwork_aws.testing.faulty import Faults, faulty
from brickwork_aws.testing.servers import AwsServer, given_server, moto_server, seaweedfs


@pytest.fixture
def no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's AWS variables and files, and the metadata service of a machine.

    In the same way for each test: so they share clients, which take long to make.
    """
    import os

    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[AwsServer]:
    """A moto server; one for the session, about 1 s and 50 MB.

    With ``BRICKWORK_TEST_AWS_ENDPOINT`` the server that it names; see `given_server`.
    """
    given = given_server()
    if given is not None:
        yield given
        return
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def strict_s3_server() -> Iterator[AwsServer]:
    """A SeaweedFS server, which checks signatures; one for the session, about 3 s and 110 MB."""
    with seaweedfs() as server:
        yield server


@pytest.fixture
def s3_credentials(
    no_aws_settings: None,  # noqa: ARG001  # for what it hides
    s3_server: AwsServer,
) -> AwsCredentials:
    """Credentials of the moto server."""
    return s3_server.credentials()


@pytest.fixture
def s3_bucket(s3_server: AwsServer, s3_credentials: AwsCredentials) -> S3Bucket:
    """A fresh bucket on the moto server."""
    return S3Bucket(bucket=s3_server.create_bucket(), credentials=s3_credentials)


@pytest.fixture
def strict_s3_bucket(
    no_aws_settings: None,  # noqa: ARG001  # for what it hides
    strict_s3_server: AwsServer,
) -> S3Bucket:
    """A fresh bucket on the SeaweedFS server."""
    return S3Bucket(
        bucket=strict_s3_server.create_bucket(), credentials=strict_s3_server.credentials()
    )


@pytest.fixture
def faulty_server(
    no_aws_settings: None,  # noqa: ARG001  # for what it hides
    s3_server: AwsServer,
) -> Iterator[tuple[AwsServer, Faults]]:
    """The moto server by way of a proxy that breaks requests, and what to break."""
    with faulty(s3_server) as (through, faults):
        yield through, faults


@pytest.fixture
def aws_faults(faulty_server: tuple[AwsServer, Faults]) -> Faults:
    """What goes wrong with `faulty_credentials` and `faulty_s3_bucket`; by itself nothing."""
    return faulty_server[1]


@pytest.fixture
def faulty_credentials(faulty_server: tuple[AwsServer, Faults]) -> AwsCredentials:
    """Credentials whose requests go wrong as `aws_faults` says; each is sent once."""
    from brickwork_aws.credentials import ClientOptions

    once = ClientOptions(connect_timeout=5, read_timeout=30, max_attempts=1)
    return faulty_server[0].credentials(client_options=once)


@pytest.fixture
def faulty_s3_bucket(s3_server: AwsServer, faulty_credentials: AwsCredentials) -> S3Bucket:
    """A fresh bucket whose requests go wrong as `aws_faults` says."""
    return S3Bucket(bucket=s3_server.create_bucket(), credentials=faulty_credentials)
