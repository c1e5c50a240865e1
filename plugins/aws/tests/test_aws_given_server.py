"""Other servers than moto: what they say that they lack is skipped, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from brickwork import Secret
from brickwork.masking import masker
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.moto import NotMoto, state_machines_run
from brickwork_aws.testing.servers import given_server

TESTS = Path(__file__).parent


def test_a_server_by_its_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more need be said, and the secret that it gets then can be hidden."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION"):
        monkeypatch.delenv(f"BRICKWORK_TEST_AWS_{name}", raising=False)
    monkeypatch.setenv("BRICKWORK_TEST_AWS_ENDPOINT", "http://127.0.0.1:4566")
    server = given_server()
    assert server is not None
    assert (server.endpoint_url, server.region) == ("http://127.0.0.1:4566", "us-east-1")
    secret = server.credentials().secret_access_key
    assert isinstance(secret, Secret)
    assert secret.reveal() not in masker.mask(f"Who signs with {secret.reveal()}?")


@pytest.mark.server
def test_another_server_is_no_moto(strict_s3_server: AwsServer) -> None:
    """Who wants settings of moto there is told what the server said."""
    with (
        pytest.raises(NotMoto, match="POST /moto-api/config was answered 4"),
        state_machines_run(strict_s3_server),
    ):
        pass


def _run(server: AwsServer, *tests: str) -> str:
    """Run tests against a server, in a process of their own; return what pytest said."""
    given = {
        "ENDPOINT": server.endpoint_url,
        "ACCESS_KEY_ID": server.access_key_id,
        "SECRET_ACCESS_KEY": server.secret_access_key.reveal(),
        "REGION": server.region,
    }
    named = {f"BRICKWORK_TEST_AWS_{name}": value for name, value in given.items()}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "-rs", "-p", "no:cacheprovider", *tests],
        cwd=TESTS,
        env={**os.environ, **named},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


@pytest.mark.server
def test_a_strict_server_lacks_all_but_s3(strict_s3_server: AwsServer) -> None:
    """Tests of S3 run there; the others are skipped with what it said."""
    said = _run(strict_s3_server, "test_aws_s3_tasks.py", "test_aws_lambda.py", "test_aws_sts.py")
    assert "SKIPPED" in said
    assert "was answered 4" in said
    assert "lacks this: " in said
    assert " passed" in said
