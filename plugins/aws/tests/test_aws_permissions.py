"""Refusals: each tells which permission lacks, on what, and where it is to be allowed."""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.loaders import Loader

import brickwork_aws as aws
from brickwork import Block, Finding, Secret, Task
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AssumeRole,
    AwsCredentials,
    AwsDenied,
    AwsError,
    EventBridgeEvent,
    S3Bucket,
    S3Denied,
    SesEmail,
    SnsTopic,
    aws_call,
    permissions,
)
from brickwork_aws.permissions import action_of, refusal
from brickwork_aws.policy import policy_for
from brickwork_aws.testing import AwsServer, Faults, moto_server

USER = "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: "
OBJECT = "arn:aws:s3:::reports/a.csv"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:t"
ROLE = "arn:aws:iam::123456789012:role/reports"
SCP = "arn:aws:organizations::987654321098:policy/o-qv5a/service_control_policy/p-2kgn"


def _said(action: str, resource: str, why: str) -> str:
    return f"{USER}{action} on resource: {resource} {why}"


@pytest.mark.parametrize(
    ("operation", "message", "action", "resource", "advice"),
    [
        (
            "s3:GetObject",
            _said("s3:GetObject", f'"{OBJECT}"', "because no identity-based policy allows the s3"),
            "s3:GetObject",
            OBJECT,
            f"Allow s3:GetObject on {OBJECT} in an identity-based policy;",
        ),
        (
            "s3:PutObject",
            _said("kms:GenerateDataKey", KEY, "because no resource-based policy allows the kms"),
            "kms:GenerateDataKey",
            KEY,
            f"Allow kms:GenerateDataKey on {KEY} in a resource-based policy;",
        ),
        (
            "ecs:RunTask",
            _said("iam:PassRole", ROLE, "because no VPC endpoint policy allows the iam:PassRole"),
            "iam:PassRole",
            ROLE,
            f"Allow iam:PassRole on {ROLE} in a VPC endpoint policy;",
        ),
        (
            "iam:ListRoles",
            _said(
                "iam:ListRoles", "*", f"with an explicit deny in a service control policy: {SCP}"
            ),
            "iam:ListRoles",
            "*",
            f"iam:ListRoles is denied by a service control policy ({SCP}): have that changed",
        ),
        (
            "sqs:ReceiveMessage",
            _said("sqs:receivemessage", QUEUE, "because no permissions boundary allows the sqs"),
            "sqs:ReceiveMessage",
            QUEUE,
            f"Allow sqs:ReceiveMessage on {QUEUE} in a permissions boundary;",
        ),
        (
            "sns:Publish",
            _said("SNS:Publish", TOPIC, "with an explicit deny in an identity-based policy"),
            "sns:Publish",
            TOPIC,
            f"sns:Publish on {TOPIC} is denied by an identity-based policy: have that changed",
        ),
        (
            "sts:AssumeRoleWithWebIdentity",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "sts:AssumeRoleWithWebIdentity",
            "",
            "Allow sts:AssumeRoleWithWebIdentity in a policy of theirs",
        ),
        ("s3:HeadBucket", "Forbidden", "s3:ListBucket", "", "Allow s3:ListBucket in a policy"),
        ("sqs:SendMessageBatch", "no", "sqs:SendMessage", "", "Allow sqs:SendMessage in a policy"),
        ("lambda:Invoke", "", "lambda:InvokeFunction", "", "Allow lambda:InvokeFunction"),
        ("monitoring:PutMetricData", "", "cloudwatch:PutMetricData", "", "Allow cloudwatch:Put"),
        (
            "athena:StartQueryExecution",
            "Insufficient Lake Formation permission(s): Required Select on orders",
            "athena:StartQueryExecution",
            "",
            "Grant that in Lake Formation",
        ),
    ],
)
def test_a_refusal_is_read(
    operation: str, message: str, action: str, resource: str, advice: str
) -> None:
    """What AWS says of action, resource and policy is told; else the operation's own permission."""
    found = refusal(message, operation)
    assert (found.action, found.resource) == (action, resource)
    assert advice in found.fix()
    if advice.startswith("Allow"):
        assert "`brickwork aws policy TASK`" in found.fix()


def test_what_is_encoded_is_kept_apart(s3_credentials: AwsCredentials) -> None:
    """It is long, and only for who may decode it: the error has it, its message does not."""
    from botocore.stub import Stubber

    blob = secrets.token_urlsafe(900)
    said = (
        f"You are not authorized to perform this operation. {USER}ec2:RunInstances on resource: "
        "arn:aws:ec2:eu-west-1:1:instance/* because no identity-based policy allows the "
        f"ec2:RunInstances action. Encoded authorization failure message: {blob}"
    )
    with Stubber(s3_credentials.client("ec2")) as stubber:
        stubber.add_client_error("run_instances", "UnauthorizedOperation", said, 403)
        with pytest.raises(AwsDenied) as caught:
            aws_call(s3_credentials, "ec2", "run_instances", MinCount=1, MaxCount=1)
    error = caught.value
    assert (error.action, error.operation) == ("ec2:RunInstances", "ec2:RunInstances")
    assert error.resource == "arn:aws:ec2:eu-west-1:1:instance/*"
    assert error.encoded_message == blob
    assert blob not in str(error)
    assert "sts:DecodeAuthorizationMessage" in error.fix


@pytest.mark.parametrize("code", ["KMSAccessDeniedException", "EC2AccessDeniedException"])
def test_what_the_role_of_a_function_may_not_do_is_no_refusal(
    s3_credentials: AwsCredentials, code: str
) -> None:
    """Who calls the function may call it: no policy of theirs would help."""
    from botocore.stub import Stubber

    with Stubber(s3_credentials.client("lambda")) as stubber:
        stubber.add_client_error("invoke", code, "Lambda was unable to decrypt", 502)
        with pytest.raises(AwsError, match="unable to decrypt") as caught:
            aws_call(s3_credentials, "lambda", "invoke", FunctionName="f")
    assert not isinstance(caught.value, AwsDenied)


# Users whom moto's IAM decides about


class Account:
    """A moto that decides by the policies of its users.

    Attributes:
        server: It.
        own: Credentials with all permissions.
    """

    def __init__(self, server: AwsServer) -> None:
        self.server = server
        self.own = server.credentials()

    def user(self, *actions: str) -> AwsCredentials:
        """Return credentials of a new user who may do this, and nothing else."""
        iam, name = self.own.client("iam"), f"user-{secrets.token_hex(6)}"
        iam.create_user(UserName=name)
        if actions:
            allow = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return self.server.credentials(
            access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"]
        )


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """Such a moto."""
    with moto_server(authenticate=True) as server:
        yield Account(server)


def _found(block: Block) -> dict[str, Finding]:
    return {finding.what: finding for finding in block.check().findings}


@pytest.mark.parametrize(
    ("allowed", "statuses"),
    [
        ([], ["failed", "failed", "failed"]),
        (["s3:ListBucket"], ["ok", "warning", "warning"]),
        (["s3:GetObject"], ["warning", "ok", "warning"]),
        (["s3:ListBucket", "s3:GetObject"], ["ok", "ok", "warning"]),
        (["s3:PutObject", "s3:AbortMultipartUpload"], ["warning", "warning", "ok"]),
        (["s3:ListBucket", "s3:AbortMultipartUpload"], ["ok", "warning", "warning"]),
        (["s3:*"], ["ok", "ok", "ok"]),
    ],
)
@pytest.mark.parametrize("prefix", ["", "team/daily"])
def test_a_bucket_names_each_permission_that_lacks(
    account: Account, allowed: list[str], statuses: list[str], prefix: str
) -> None:
    """Listing, reading and writing are told apart; who may do nothing of it has a failure."""
    name = account.server.create_bucket()
    bucket = S3Bucket(bucket=name, prefix=prefix, credentials=account.user(*allowed))
    found = _found(bucket)
    what = ("may list", "may read", "may write")
    assert [found[each].status for each in what] == statuses, found
    below = f"arn:aws:s3:::{name}/{prefix}/*" if prefix else f"arn:aws:s3:::{name}/*"
    abort = "s3:AbortMultipartUpload"
    needed = (
        ("s3:ListBucket", f"arn:aws:s3:::{name}"),
        ("s3:GetObject", below),
        ("s3:PutObject" if abort in allowed else abort, below),
    )
    for each, status, (action, arn) in zip(what, statuses, needed, strict=True):
        if status != "ok":
            assert f"Allow {action} on {arn} " in found[each].fix
            assert "brickwork aws policy" in found[each].fix
    client = account.own.client("s3")
    assert "Contents" not in client.list_objects_v2(Bucket=name)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=name)


def test_a_role_that_may_not_be_assumed_names_the_permission(account: Account) -> None:
    """The check of credentials says which action lacks on which role, and for whom."""
    role = AssumeRole(role_arn=ROLE)
    block = account.user().model_copy(update={"assume_role": (role,)})
    found = _found(block)["credentials"]
    assert found.status == "failed"
    assert "is not authorized to perform: sts:AssumeRole" in found.detail
    assert f"Allow sts:AssumeRole on {role.role_arn} " in found.fix
    assert "trust policy" in found.fix


def test_credentials_that_may_nothing_are_good_ones(account: Account) -> None:
    """Who they are needs no permission, so their check is green."""
    assert account.user().check().ok


def test_a_topic_names_what_its_check_needs(account: Account) -> None:
    """Who may publish need not be allowed to look: a warning, with the action."""
    topic = account.own.client("sns").create_topic(Name="alerts")["TopicArn"]
    found = _found(SnsTopic(topic_arn=topic, credentials=account.user("sns:Publish")))
    assert found["topic"].status == "warning"
    assert "sns:GetTopicAttributes" in found["topic"].detail
    assert "Allow sns:GetTopicAttributes" in found["topic"].fix
    assert "sns:Publish" in found["may publish"].detail


def test_an_email_names_what_its_check_needs(
    faulty_credentials: AwsCredentials, aws_faults: Faults
) -> None:
    """As a topic; moto has no accounts of SES, so the message is AWS's."""
    identity = "arn:aws:ses:eu-west-1:1:identity/example.com"
    because = "because no identity-based policy allows the action"
    for action, resource in (("ses:GetAccount", "*"), ("ses:GetEmailIdentity", identity)):
        message = f"{USER}{action} on resource: {resource} {because}"
        aws_faults.refuse("GET", 403, "AccessDeniedException", message=message, json=True)
    email = SesEmail(sender="a@example.com", to=["b@x.org"], credentials=faulty_credentials)
    found = _found(email)
    assert found["account"].status == found["sender"].status == "warning"
    assert "Allow ses:GetAccount in an identity-based policy" in found["account"].fix
    assert f"Allow ses:GetEmailIdentity on {identity} in" in found["sender"].fix
    assert "ses:SendEmail" in found["may send"].detail


Called = Callable[[AwsCredentials], tuple[Task[..., Any], tuple[Any, ...]]]
STATES = "arn:aws:states:eu-west-1:123456789012:stateMachine:x"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
BUCKET = "brickwork-denied"


def _bucket(credentials: AwsCredentials) -> S3Bucket:
    return S3Bucket(bucket=BUCKET, credentials=credentials)


@pytest.mark.parametrize(
    "called",
    [
        lambda c: (aws.sqs_send_message, (c, QUEUE_URL, "sentinel-body")),
        lambda c: (aws.sqs_send_messages, (c, QUEUE_URL, ["sentinel-body"])),
        lambda c: (aws.sns_publish, (c, TOPIC, "x")),
        lambda c: (aws.sns_publish_many, (c, TOPIC, ["x"])),
        lambda c: (aws.secretsmanager_read_secret, (c, "x")),
        lambda c: (aws.secretsmanager_write_secret, (c, "x", Secret("sentinel-secret"))),
        lambda c: (aws.ssm_read_parameter, (c, "/x")),
        lambda c: (aws.ssm_read_parameters, (c, "/x")),
        lambda c: (aws.ssm_write_parameter, (c, "/x", Secret("sentinel-secret"))),
        lambda c: (aws.kms_encrypt, (c, "alias/x", Secret("sentinel-secret"))),
        lambda c: (aws.dynamodb_get_item, (c, "t", {"id": "a"})),
        lambda c: (aws.dynamodb_write_items, (c, "t", [{"id": "a"}])),
        lambda c: (aws.eventbridge_put_events, (c, [EventBridgeEvent("a", "b", {})])),
        lambda c: (aws.logs_filter_events, (c, "g")),
        lambda c: (aws.cloudwatch_put_metric, (c, "n", "m", 1.0)),
        lambda c: (aws.lambda_invoke, (c, "f")),
        lambda c: (aws.athena_start_query, (c, "select 1")),
        lambda c: (aws.stepfunctions_start_execution, (c, STATES)),
        lambda c: (aws.batch_start_job, (c, "n", "q", "d")),
        lambda c: (aws.ecs_start_task, (c, "t")),
        lambda c: (aws.sts_assume_role, (c, ROLE)),
        lambda c: (aws.s3_read, (_bucket(c), "k")),
        lambda c: (aws.s3_list, (_bucket(c),)),
        lambda c: (aws.s3_write, (_bucket(c), "k", b"sentinel-body")),
        lambda c: (aws.s3_delete, (_bucket(c), ["k"])),
        lambda c: (aws.s3_exists, (_bucket(c), "k")),
        lambda c: (aws.s3_copy, (_bucket(c), "k", _bucket(c), "k2")),
        lambda c: (aws.s3_list_versions, (_bucket(c),)),
        lambda c: (aws.s3_read_tags, (_bucket(c), "k")),
        lambda c: (aws.s3_create_bucket, (S3Bucket(bucket="another-one", credentials=c),)),
    ],
)
def test_a_task_that_is_refused_names_a_permission_that_it_declares(
    account: Account, called: Called
) -> None:
    """One request, no retry; the action is one of the policy that the task's command prints."""
    if BUCKET not in {each["Name"] for each in account.own.client("s3").list_buckets()["Buckets"]}:
        account.server.create_bucket(BUCKET)
    task, arguments = called(account.user())
    with no_waiting() as waits, pytest.raises(AwsDenied) as caught:
        task(*arguments)
    assert waits == []
    assert caught.value.action in task.permissions
    assert f"Allow {caught.value.action}" in caught.value.fix
    assert "`brickwork aws policy TASK`" in caught.value.fix
    assert "sentinel" not in f"{caught.value}{caught.value.__cause__!r}"
    assert isinstance(caught.value, S3Denied) == task.name.startswith("s3_")


Least = Callable[[Task[..., Any]], S3Bucket]


@pytest.fixture
def least(account: Account) -> Least:
    """A bucket of a user who may do what the policy of a task allows, and nothing else."""
    name = account.server.create_bucket()

    def may(task: Task[..., Any]) -> S3Bucket:
        actions = [each for part in policy_for([task])["Statement"] for each in part["Action"]]
        return S3Bucket(bucket=name, credentials=account.user(*actions))

    return may


def test_its_policy_suffices_to_delete_what_begins_with(account: Account, least: Least) -> None:
    """Which has to be listed first."""
    bucket = least(aws.s3_delete)
    own = bucket.model_copy(update={"credentials": account.own})
    for key in ("old/a", "old/b", "new/a"):
        own.write(key, b"1")
    assert aws.s3_delete(bucket, prefix="old/") == 2
    assert aws.s3_delete(bucket, "new/a") == 1
    assert list(own.keys()) == []


@pytest.mark.parametrize("task", [aws.s3_write, aws.s3_upload_file, aws.s3_upload_folder])
def test_the_policy_of_what_writes_is_good_for_tags(task: Task[..., Any]) -> None:
    """S3 asks for that permission where an object comes with tags; moto does not."""
    assert "s3:PutObjectTagging" in policy_for([task])["Statement"][0]["Action"]


# What AWS says, and moto does not


def test_the_key_of_a_bucket_is_what_may_not_be_used(
    faulty_s3_bucket: S3Bucket, aws_faults: Faults
) -> None:
    """S3 refuses the write, and it is KMS that lacks the permission."""
    message = (
        f"{USER}kms:GenerateDataKey on resource: {KEY} because no resource-based policy allows"
    )
    aws_faults.refuse("PUT", 403, "AccessDenied", message=message)
    with pytest.raises(S3Denied) as caught:
        aws.s3_write(faulty_s3_bucket, "a", b"1")
    assert (caught.value.action, caught.value.resource) == ("kms:GenerateDataKey", KEY)
    assert caught.value.operation == "s3:PutObject"
    assert f"Allow kms:GenerateDataKey on {KEY} in a resource-based policy" in caught.value.fix


def test_reading_is_permitted_where_only_being_told_of_it_is_not(
    faulty_s3_bucket: S3Bucket, aws_faults: Faults
) -> None:
    """S3 says s3:ListBucket lacks, of an object that is not there, to who may read."""
    message = f'{USER}s3:ListBucket on resource: "arn:aws:s3:::b" because no identity-based policy'
    aws_faults.refuse("GET", 403, "AccessDenied", message=message, times=2)
    found = _found(faulty_s3_bucket)
    assert found["may list"].status == "warning"
    assert found["may read"].status == "ok"


def test_an_upload_that_cannot_be_aborted_is_said(
    faulty_s3_bucket: S3Bucket, aws_faults: Faults
) -> None:
    """It stays, which the finding says; nobody is left to find it on the bill."""
    aws_faults.slow("DELETE", 0.0)  # that of no upload gets through
    aws_faults.refuse("DELETE", 503, "SlowDown")
    found = _found(faulty_s3_bucket)["may write"]
    assert found.status == "failed"
    assert "an upload that was begun stays" in found.detail


def test_a_denial_cannot_be_allowed_elsewhere(
    faulty_s3_bucket: S3Bucket, aws_faults: Faults
) -> None:
    """Of an explicit deny the fix names the policy that denies, and not another to add."""
    message = f"{USER}s3:GetObject on resource: {OBJECT} with an explicit deny in a session policy"
    aws_faults.refuse("GET", 403, "AccessDenied", message=message)
    with pytest.raises(S3Denied) as caught:
        aws.s3_read(faulty_s3_bucket, "a.csv")
    assert f"s3:GetObject on {OBJECT} is denied by a session policy" in caught.value.fix


def test_what_s3_does_not_delete_names_the_permission(s3_bucket: S3Bucket) -> None:
    """Deleting many answers 200, with what was refused in it."""
    from botocore.stub import ANY, Stubber

    with Stubber(s3_bucket.client()) as stubber:
        error = {"Key": "a", "Code": "AccessDenied", "Message": "Access Denied"}
        stubber.add_response(
            "delete_objects", {"Errors": [error]}, {"Bucket": s3_bucket.bucket, "Delete": ANY}
        )
        with pytest.raises(S3Denied, match="1 of 1 objects") as caught:
            aws.s3_delete(s3_bucket, ["a"])
    assert caught.value.action == "s3:DeleteObject"
    assert caught.value.resource == f"arn:aws:s3:::{s3_bucket.bucket}/*"


# Of https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and
# list_awslambda.html there, what is no operation's name.
NO_OPERATIONS = {
    "lambda:InvokeFunction",
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketCORS",
    "s3:GetBucketNotification",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:ListMultipartUploadParts",
    "s3:PutAccelerateConfiguration",
    "s3:PutBucketCORS",
    "s3:PutBucketNotification",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
}


def test_operations_are_called_as_iam_calls_them() -> None:
    """What has another name there is an operation, and its permission one that there is."""
    loader = Loader()
    for operation in permissions._NAMES:
        service, _, name = operation.partition(":")
        known = loader.load_service_model(service, "service-2")["operations"]
        assert name in known, operation
        action = action_of(operation)
        assert action != operation
        assert action in NO_OPERATIONS or action.partition(":")[2] in known, operation
