"""Least privilege: what tasks declare, and the policy made of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore import loaders

from brickwork import Task, task
from brickwork.cli.app import run as run_brickwork
from brickwork.registry.current import get_registry
from brickwork.testing.commandline import Command, command_here
from brickwork_aws import s3_list, s3_read
from brickwork_aws.policy import policy_for

GENERIC = {"aws.aws_call", "aws.aws_wait"}


def aws_tasks() -> dict[str, Task[..., Any]]:
    """Return every task of this package."""
    registry = get_registry()
    names = [name for name in registry.names("tasks") if name.startswith("aws.")]
    return {name: registry.task(name) for name in names}


def actions() -> dict[str, set[str]]:
    """Return the operations of each service, by the prefix that IAM has for it."""
    loader = loaders.Loader()
    found: dict[str, set[str]] = {}
    for service in loader.list_available_services("service-2"):
        model = loader.load_service_model(service, "service-2")
        metadata = model["metadata"]
        prefix = metadata.get("signingName") or metadata["endpointPrefix"]
        found.setdefault(prefix, set()).update(model["operations"])
    return found


# Permissions that no operation has the name of, from
# https://docs.aws.amazon.com/service-authorization/latest/reference/.
OTHERS = {
    "s3:DeleteObjectVersion",  # a DeleteObject that names a version; so are the other three
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:ListBucketVersions",
    "lambda:InvokeFunction",  # of the operation Invoke
    "s3:ListBucket",
    "cloudwatch:PutMetricData",  # signed as monitoring
    "iam:PassRole",  # for the roles of what is started
    "sts:TagSession",  # for session tags in AssumeRole
    "sts:SetSourceIdentity",  # for a source identity in AssumeRole
}


def test_every_task_declares_what_it_needs() -> None:
    """But for the two that do anything; by IAM's names, which botocore's description knows."""
    known = actions()
    for name, each in aws_tasks().items():
        assert bool(each.permissions) != (name in GENERIC), name
        for action in each.permissions:
            service, _, operation = action.partition(":")
            assert action in OTHERS or operation in known[service], f"{name}: {action}"


def test_a_policy_allows_that_and_no_more() -> None:
    """One statement a service, sorted, without doubles; what is no action of AWS is left out."""

    @task(permissions=["sqs:SendMessage", "chat:write-is-of-another", "plain"])
    def both() -> None: ...

    made = policy_for([s3_list, s3_read, s3_read, both], {"s3": ["arn:aws:s3:::reports"]})
    assert made["Version"] == "2012-10-17"
    by_sid = {each["Sid"]: each for each in made["Statement"]}
    assert by_sid["S3"] == {
        "Sid": "S3",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": ["arn:aws:s3:::reports"],
    }
    assert by_sid["Sqs"]["Resource"] == ["*"]


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """The command line, in this process."""
    return command_here(run_brickwork, capfd)


def test_the_command_prints_what_a_program_needs(tmp_path: Path, brickwork: Command) -> None:
    """Of tasks by name, and of those that the functions of a file use."""
    (tmp_path / "nightly.py").write_text(
        "import brickwork_aws as aws\n"
        "from brickwork_aws import S3Bucket, s3_delete\n\n"
        "def nightly(bucket: S3Bucket) -> None:\n"
        "    for key in aws.s3_list(bucket):\n"
        "        s3_delete(bucket, [key])\n"
    )
    said = brickwork("aws", "policy", str(tmp_path / "nightly.py"), "aws.s3_read")
    assert said.code == 0, said.err
    (statement,) = json.loads(said.out)["Statement"]
    assert statement["Action"] == ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["aws.no_such"], "aws.no_such"),
        (["no_such_file.py"], "cannot be loaded"),
        (["aws.s3_read", "--resource", "reports"], "SERVICE=ARN"),
        (["aws.s3_read", "--resource", "sqs=arn:aws:sqs:::q"], "no task needs sqs"),
    ],
)
def test_wrong_arguments_are_refused(brickwork: Command, arguments: list[str], said: str) -> None:
    """With what is wrong; nothing is printed that could be taken for a policy."""
    done = brickwork("aws", "policy", *arguments)
    assert done.code in {2, 7}
    assert said in done.err
    assert not done.out


def test_the_command_says_what_it_cannot_know(brickwork: Command) -> None:
    """A task that calls anything."""
    done = brickwork("aws", "policy", "aws.aws_call")
    assert done.code == 0
    assert "Add the actions that are called by aws_call" in done.err
