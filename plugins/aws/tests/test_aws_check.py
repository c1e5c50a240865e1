"""The checks of credentials and buckets: what each says of each thing that can be wrong."""

import socket
from collections.abc import Iterator
from time import monotonic

import pytest

from brickwork import CheckReport
from brickwork_aws import AwsCredentials, S3Bucket
from brickwork_aws.testing import AwsServer, moto_server


@pytest.fixture(scope="module")
def iam_server() -> Iterator[AwsServer]:
    """A moto that checks keys."""
    with moto_server(authenticate=True) as server:
        yield server


def _statuses(report: CheckReport) -> dict[str, str]:
    return {finding.what: finding.status for finding in report.findings}


def _failure(report: CheckReport) -> str:
    failed = [finding for finding in report.findings if finding.status == "failed"]
    assert len(failed) == 1, report
    assert failed[0].fix, f"a failed finding says what to do: {failed[0]}"
    return failed[0].detail


def test_good_credentials_are_named(iam_server: AwsServer) -> None:
    """The report has the account, the identity and the region."""
    report = iam_server.credentials().check()
    assert report.ok
    details = " ".join(finding.detail for finding in report.findings)
    assert "account 123456789012" in details
    assert "user/admin" in details
    assert "eu-west-1" in details


def test_wrong_keys_are_told_apart(iam_server: AwsServer) -> None:
    """An unknown key and a wrong secret are two findings, and neither shows the secret."""
    unknown = iam_server.credentials(access_key_id="AKIAUNKNOWN").check()
    wrong = iam_server.credentials(secret_access_key="sentinel-wrong-secret").check()
    assert "does not exist" in _failure(unknown)
    assert "secret access key is not that" in _failure(wrong)
    assert "sentinel" not in repr(wrong)


def test_no_credentials_are_found() -> None:
    """Where boto3 finds nothing, the report says where it looked."""
    report = AwsCredentials().check()
    assert _statuses(report) == {"credentials": "failed", "identity": "skipped"}
    assert "found none" in _failure(report)


def test_a_missing_profile_is_a_finding() -> None:
    """A check never raises, also where no client can be made."""
    assert "nowhere" in _failure(AwsCredentials(profile="nowhere").check())


def test_unreachable_is_told_soon() -> None:
    """A closed port and a server that never answers are findings within seconds."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        for endpoint in ("http://127.0.0.1:1", f"http://127.0.0.1:{port}"):
            started = monotonic()
            report = AwsCredentials(
                access_key_id="AKIAEXAMPLE",
                secret_access_key="sentinel-secret",
                endpoint_url=endpoint,
            ).check()
            assert "cannot be reached" in _failure(report)
            assert monotonic() - started < 15


@pytest.mark.server
def test_a_server_without_sts_is_no_failure(strict_s3_server: AwsServer) -> None:
    """With keys that SeaweedFS takes, the identity is skipped; with wrong ones it fails."""
    assert _statuses(strict_s3_server.credentials().check())["identity"] == "skipped"
    wrong = strict_s3_server.credentials(secret_access_key="sentinel-wrong-secret").check()
    assert "secret access key is not that" in _failure(wrong)


def test_a_bucket_says_what_it_may(s3_bucket: S3Bucket) -> None:
    """It exists, may be listed, read and written; deleting is not tried, and the report says so."""
    expected = {
        "bucket": "ok",
        "may list": "ok",
        "may read": "ok",
        "may write": "ok",
        "may delete": "skipped",
    }
    assert _statuses(s3_bucket.check()) == expected
    s3_bucket.write("a", b"")
    report = s3_bucket.check()
    assert _statuses(report) == expected
    assert "tried on a" in str(report)


def test_a_check_leaves_nothing_behind(s3_bucket: S3Bucket) -> None:
    """No object, no version, no mark of a deletion and no upload, whether keys have a prefix."""
    client = s3_bucket.credentials.client("s3")
    name = s3_bucket.bucket
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for prefix in ("", "team/daily"):
        assert s3_bucket.model_copy(update={"prefix": prefix}).check().ok
    found = client.list_object_versions(Bucket=name)
    assert not found.keys() & {"Versions", "DeleteMarkers"}
    assert "Uploads" not in client.list_multipart_uploads(Bucket=name)


@pytest.mark.server
def test_a_strict_bucket_says_what_it_may(strict_s3_bucket: S3Bucket) -> None:
    """Also a server that is not moto lets itself be tried, with nothing left."""
    report = strict_s3_bucket.check()
    assert report.ok, report
    assert _statuses(report)["may write"] == "ok", report
    assert list(strict_s3_bucket.keys()) == []


def test_a_missing_bucket_is_named(s3_bucket: S3Bucket) -> None:
    """The finding names the bucket; what depends on it is skipped."""
    report = s3_bucket.model_copy(update={"bucket": "no-such-bucket"}).check()
    assert "no-such-bucket" in _failure(report)
    assert list(_statuses(report).values()) == ["failed", *["skipped"] * 4]
