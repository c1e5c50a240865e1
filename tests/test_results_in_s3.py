"""Results of flows in a bucket: written, read by another process, cached, removed."""

import subprocess
import sys
from pathlib import Path

import pytest

from brickwork_aws import AwsCredentials, S3Bucket
from brickwork_aws.testing.fixtures import (
    no_aws_settings as no_aws_settings,
    s3_bucket as s3_bucket,
    s3_credentials as s3_credentials,
    s3_server as s3_server,
)
from brickwork_flows import INPUTS, flow, list_runs, prune_runs, task, use_history
from brickwork_flows.errors import InvalidFlow

pytestmark = pytest.mark.server

LARGE = "x" * 9_000_000

READER = """
import sys
from brickwork_flows import list_runs, use_history

with use_history(sys.argv[1]):
    print([len(each.result()) for each in list_runs()[0].tasks()])
"""


@pytest.mark.parametrize("how", ["block", "address", "url"])
def test_results_are_in_the_bucket(how: str, s3_bucket: S3Bucket, tmp_path: Path) -> None:
    """Large results, and those with a key, are objects; the history says how they are opened."""
    s3_bucket.credentials.save("prod")
    bucket = S3Bucket(
        bucket=s3_bucket.bucket, prefix="results", credentials=AwsCredentials.load("prod")
    )
    bucket.save("results")
    given = {
        "block": bucket,
        "address": "aws-s3-bucket/results",
        "url": f"s3://{bucket.bucket}/results?block=aws-credentials/prod",
    }
    ran = []

    @task(cache_policy=INPUTS)
    def load(n: int) -> str:
        ran.append(n)
        return LARGE

    @task(result_storage_key="{parameters[n]}.json")
    def count(n: int) -> str:
        return "x" * n

    @flow(result_storage=given[how], result_serializer="json|zstd")
    def main() -> int:
        return len(load(1)) + len(count(5))

    with use_history(tmp_path / "runs") as runtime:
        assert [main(), main()] == [len(LARGE) + 5] * 2
        assert ran == [1]
        assert [each.result() for each in list_runs()[0].tasks()] == [LARGE, "x" * 5]
        runtime.close()
        command = [sys.executable, "-c", READER, str(tmp_path / "runs")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        assert done.stdout == f"[{len(LARGE)}, 5]\n"
        assert len(list(s3_bucket.keys("results/"))) == 2

        assert prune_runs(older_than=None, keep=1).problems == ()
        assert len(list(s3_bucket.keys())) == 2
        for run in list_runs():
            assert len(run.tasks()[0].result()) == len(LARGE)
        runtime.close()


def test_unsaved_bucket_with_credentials_is_refused(s3_bucket: S3Bucket) -> None:
    """A bucket that only this process could open is refused when the flow is defined."""
    with pytest.raises(InvalidFlow, match="aws-s3-bucket that is not saved") as caught:
        flow(result_storage=s3_bucket)(lambda: None)
    secret = s3_bucket.credentials.secret_access_key
    assert secret is not None
    assert secret.reveal() not in str(caught.value)
