"""A program that uses several plugins: each tells what it needs, and nothing of the others."""

import json
from pathlib import Path

import pytest

from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import command_here

PROGRAM = """
import brickwork_aws as aws
from brickwork import task
from brickwork_github import create_issue
from brickwork_slack import post_message


@task(permissions=("s3:GetBucketLocation", "issues:write", "deployments:read"))
def own(bucket: object) -> None:
    pass


def nightly(bucket: aws.S3Bucket, github: object, slack: object) -> None:
    aws.s3_read(bucket, "report.csv")
    own(bucket)
    create_issue(github, "acme/reports", "No report")
    post_message(slack, "#ops", "No report")
"""


def test_each_plugin_tells_what_it_needs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Also what tasks of the program itself declare."""
    program = tmp_path / "nightly_with_all.py"
    program.write_text(PROGRAM)
    brickwork = command_here(run_brickwork, capfd)

    (statement,) = json.loads(brickwork("aws", "policy", str(program)).out)["Statement"]
    assert statement["Action"] == ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"]
    assert brickwork("github", "permissions", str(program)).out.splitlines() == [
        "deployments: read",
        "issues: write",
        "metadata: read",
    ]
    scopes = brickwork("slack", "manifest", str(program), "--json").json["manifest"]
    assert scopes["oauth_config"]["scopes"] == {"bot": ["chat:write"]}
