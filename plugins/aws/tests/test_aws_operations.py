"""Any operation, any waiter: checked before they are sent, to the last page, errors that help."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError
from botocore.loaders import Loader
from botocore.utils import ArgumentGenerator

from brickwork import BlockError, InvalidArguments, Scope, Secret, TaskCancelled, mask
from brickwork.testing.task import no_waiting
from brickwork_aws import AwsCredentials, aws_call, aws_wait
from brickwork_aws.errors import AwsConflict, AwsError, AwsNotFound, AwsTimeout
from brickwork_aws.faults import about_credentials
from brickwork_aws.operations import Operation

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def nobody(s3_credentials: AwsCredentials) -> AwsCredentials:
    """Credentials for a port where nobody listens: whoever sends anything fails in another way."""
    return s3_credentials.model_copy(update={"endpoint_url": NOBODY})


def made_queue(credentials: AwsCredentials, name: str) -> str:
    """Return the URL of a new queue."""
    return str(aws_call(credentials, "sqs", "create_queue", QueueName=name)["QueueUrl"])


@pytest.mark.parametrize("operation", ["send_message", "SendMessage"])
def test_an_operation_goes_by_either_name(s3_credentials: AwsCredentials, operation: str) -> None:
    """As boto3 writes it and as AWS does; the answer holds nothing of the transport."""
    url = made_queue(s3_credentials, f"either-{operation}")
    answer = aws_call(s3_credentials, "sqs", operation, QueueUrl=url, MessageBody="hello")
    assert set(answer) == {"MD5OfMessageBody", "MessageId"}


def test_secrets_go_in_clear_and_none_is_left_out(s3_credentials: AwsCredentials) -> None:
    """At any depth."""
    url = made_queue(s3_credentials, "secrets")
    attribute = {"token": {"DataType": "String", "StringValue": Secret("Zq7!-in-clear")}}
    aws_call(
        s3_credentials,
        "sqs",
        "send_message",
        QueueUrl=url,
        MessageBody=Secret("a-secret-body"),
        MessageAttributes=attribute,
        DelaySeconds=None,
    )
    (found,) = aws_call(
        s3_credentials,
        "sqs",
        "receive_message",
        QueueUrl=url,
        MessageAttributeNames=["All"],
    )["Messages"]
    assert found["Body"] == "a-secret-body"
    assert found["MessageAttributes"]["token"]["StringValue"] == "Zq7!-in-clear"


def test_all_pages_are_joined(s3_credentials: AwsCredentials) -> None:
    """Lists grow, and what is no list of results stays; one page on request."""
    for number in range(7):
        name = f"/pages/p{number}"
        aws_call(s3_credentials, "ssm", "put_parameter", Name=name, Value="v", Type="String")
    asked: dict[str, Any] = {"Path": "/pages", "MaxResults": 2}

    whole = aws_call(s3_credentials, "ssm", "get_parameters_by_path", **asked)
    one = aws_call(s3_credentials, "ssm", "get_parameters_by_path", all_pages=False, **asked)
    pages = list(Operation(s3_credentials, "ssm", "get_parameters_by_path").pages(asked))

    assert [each["Name"] for each in whole["Parameters"]] == [f"/pages/p{n}" for n in range(7)]
    assert "NextToken" not in whole
    assert len(one["Parameters"]) == 2
    assert [len(page["Parameters"]) for page in pages] == [2, 2, 2, 1]


def test_a_cancelled_task_asks_for_no_further_page(s3_credentials: AwsCredentials) -> None:
    """It stops between two pages."""
    for number in range(4):
        name = f"/cancelled/p{number}"
        aws_call(s3_credentials, "ssm", "put_parameter", Name=name, Value="v", Type="String")
    operation = Operation(s3_credentials, "ssm", "get_parameters_by_path")
    with Scope("job") as scope:
        pages = operation.pages({"Path": "/cancelled", "MaxResults": 1})
        assert next(pages)
        scope.cancel()
        with pytest.raises(TaskCancelled):
            next(pages)


def test_a_stream_is_read(s3_credentials: AwsCredentials, s3_bucket: Any) -> None:
    """What is read later could not be kept, nor sent to another process."""
    s3_bucket.write("a", b"content")
    answer = aws_call(s3_credentials, "s3", "get_object", Bucket=s3_bucket.bucket, Key="a")
    assert answer["Body"] == b"content"


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "said"),
    [
        ("sqs", "send_massage", {}, "has no operation 'send_massage'"),
        ("sqs", "send_message", {"QueueUrl": "u"}, "MessageBody lacks"),
        ("sqs", "send_message", {"QueueUrl": 5, "MessageBody": "b"}, "QueueUrl is a int"),
        (
            "sqs",
            "send_message",
            {"QueueURL": "u", "QueueUrl": "u", "MessageBody": "b"},
            "QueueURL is unknown; there is QueueUrl",
        ),
        (
            "sqs",
            "send_message",
            {
                "QueueUrl": "u",
                "MessageBody": "b",
                "MessageAttributes": {"a": {"StringValue": "Zq7!-v"}},
            },
            "MessageAttributes.a.DataType lacks",
        ),
        ("sts", "get_caller_identity", {"Who": "me"}, "Who is unknown"),
        ("ecs", "run_task", {"taskDefinition": "t", "count": "two"}, "count is a str"),
        ("athena", "get_query_results", {"QueryExecutionId": ""}, "QueryExecutionId is shorter"),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_sent(
    nobody: AwsCredentials, service: str, operation: str, parameters: dict[str, Any], said: str
) -> None:
    """All that is wrong, where, and what there is instead; never a value."""
    with pytest.raises(InvalidArguments) as caught:
        aws_call(nobody, service, operation, **parameters)
    assert said in caught.value.what
    assert caught.value.fix
    assert "Zq7!-v" not in str(caught.value)


def test_tokens_of_requests_are_made(s3_credentials: AwsCredentials) -> None:
    """By them a service knows a request that is sent again; one that was given stays."""
    operation = Operation(s3_credentials, "emr-serverless", "start_job_run")
    sent = {"applicationId": "a", "executionRoleArn": "arn:aws:iam::123456789012:role/jobs"}
    one, two = operation.checked(sent), operation.checked(sent)
    assert len(one["clientToken"]) == 36
    assert one["clientToken"] != two["clientToken"]
    assert operation.checked({**sent, "clientToken": "mine"})["clientToken"] == "mine"


def test_texts_for_numbers_and_lists_are_read(s3_credentials: AwsCredentials) -> None:
    """As JSON: that is how they come from the command line."""
    operation = Operation(s3_credentials, "ecs", "list_tasks")
    assert operation.checked({"cluster": "7", "maxResults": "2"}) == {
        "cluster": "7",
        "maxResults": 2,
    }
    described = Operation(s3_credentials, "ecs", "describe_tasks")
    assert described.checked({"tasks": '["a"]'}) == {"tasks": ["a"]}


def test_the_operation_is_named_as_its_permission(s3_credentials: AwsCredentials) -> None:
    """IAM's prefixes, which are not boto3's names of the services."""
    names = {
        ("stepfunctions", "start_execution"): "states:StartExecution",
        ("emr", "list_steps"): "elasticmapreduce:ListSteps",
        ("sesv2", "send_email"): "ses:SendEmail",
    }
    for (service, operation), name in names.items():
        assert Operation(s3_credentials, service, operation).name == name


def test_what_is_not_there_is_said(s3_credentials: AwsCredentials) -> None:
    """With the operation, AWS's code and the id of the request."""
    with pytest.raises(AwsNotFound) as caught:
        aws_call(s3_credentials, "ssm", "get_parameter", Name="/no/such")
    error = caught.value
    assert (error.operation, error.code) == ("ssm:GetParameter", "ParameterNotFound")
    assert error.request_id
    assert error.fix


@pytest.mark.parametrize(
    ("service", "operation", "asked", "named"),
    [
        ("sqs", "get_queue_url", {"QueueName": "gone"}, "QueueName 'gone' in REGION"),
        ("dynamodb", "describe_table", {"TableName": "gone"}, "TableName 'gone' in REGION"),
        ("dynamodb", "scan", {"TableName": "gone"}, "TableName 'gone' in REGION"),
        ("logs", "filter_log_events", {"logGroupName": "gone"}, "logGroupName 'gone' in"),
        ("secretsmanager", "get_secret_value", {"SecretId": "gone"}, "SecretId 'gone' in"),
        ("ecs", "run_task", {"taskDefinition": "gone"}, r"not found \(in REGION\)"),
    ],
)
def test_an_error_names_what_is_not_there(
    s3_credentials: AwsCredentials, service: str, operation: str, asked: dict[str, Any], named: str
) -> None:
    """And in which region it was looked for: these services tell neither."""
    named = named.replace("REGION", str(s3_credentials.region))
    with pytest.raises(AwsNotFound, match=named):
        aws_call(s3_credentials, service, operation, **asked)


def test_what_is_there_already_is_said(s3_credentials: AwsCredentials) -> None:
    """A conflict is an error of its own."""
    asked: dict[str, Any] = {"Name": "/twice", "Value": "v", "Type": "String"}
    aws_call(s3_credentials, "ssm", "put_parameter", **asked)
    with pytest.raises(AwsConflict, match="ParameterAlreadyExists"):
        aws_call(s3_credentials, "ssm", "put_parameter", **asked)


def test_an_error_shows_no_secret(s3_credentials: AwsCredentials) -> None:
    """AWS quotes in its messages what it was given."""
    with pytest.raises(AwsError) as caught:
        aws_call(s3_credentials, "ssm", "get_parameter", Name=Secret("/Zq7!-a-secret-name"))
    assert "Zq7!-a-secret-name" not in str(caught.value)
    assert mask("Zq7!-a-secret-name") == "Zq7!-a-secret-name"  # only the whole is known


def test_nobody_there_is_said(nobody: AwsCredentials) -> None:
    """With where to look."""
    quick = nobody.model_copy(
        update={"client_options": nobody.client_options.model_copy(update={"max_attempts": 1})}
    )
    with pytest.raises(AwsError, match="sqs:ListQueues: The service cannot be reached") as caught:
        aws_call(quick, "sqs", "list_queues")
    assert "endpoint_url" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("https://sqs.eu-wst-1.amazonaws.com/", "perhaps to eu-west-1"),
        ("https://sqs.eu-west-1.amazonaws.com/", "the network and its proxy"),
        ("https://sqs.cn-nort-1.amazonaws.com.cn/", "perhaps to cn-north-1"),
        ("https://iam.amazonaws.com/", "the network and its proxy"),
        ("http://127.0.0.1:9/", "the network and its proxy"),
        ("https://minio.example.com/", "the network and its proxy"),
    ],
)
def test_a_region_that_is_none_is_said(url: str, fix: str) -> None:
    """Nobody is there, since the region is misspelt; for other reasons it is not the region."""
    error = EndpointConnectionError(endpoint_url=url, error="no such host")
    diagnosis = about_credentials(error, "aws-credentials/prod")
    assert diagnosis is not None
    assert fix in diagnosis.fix


def test_a_service_that_is_none_is_said(s3_credentials: AwsCredentials) -> None:
    """With those that are called alike, and not with the hundreds that there are."""
    with pytest.raises(BlockError) as caught:
        aws_call(s3_credentials, "sqqs", "list_queues")
    assert "sqs" in caught.value.fix
    assert len(str(caught.value)) < 300


def test_a_waiter_ends_when_it_is_so(s3_credentials: AwsCredentials) -> None:
    """It gives the answer that said so, and waits as botocore has it."""
    table: dict[str, Any] = {
        "TableName": "waited",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    begun = threading.Event()

    def create() -> None:
        begun.wait(60)
        aws_call(s3_credentials, "dynamodb", "create_table", **table)

    with ThreadPoolExecutor(1) as pool:
        created = pool.submit(create)
        begun.set()
        found = aws_wait(
            s3_credentials,
            "dynamodb",
            "TableExists",
            TableName="waited",
            poll_seconds=0.05,
            max_wait_seconds=60,
        )
        created.result()
    assert found["Table"]["TableStatus"] == "ACTIVE"


def test_a_waiter_gives_up(s3_credentials: AwsCredentials) -> None:
    """After as long as botocore would, or as was said; the error says what it waited for."""
    with no_waiting() as waits, pytest.raises(AwsTimeout, match="dynamodb table exists"):
        aws_wait(s3_credentials, "dynamodb", "table_exists", TableName="never")
    assert sum(waits) == pytest.approx(500, abs=20)
    with no_waiting() as waits, pytest.raises(AwsTimeout, match="longer than 7 s"):
        aws_wait(s3_credentials, "dynamodb", "table_exists", max_wait_seconds=7, TableName="never")
    assert sum(waits) == pytest.approx(7, abs=1)


def test_a_waiter_tells_what_will_never_be(s3_credentials: AwsCredentials) -> None:
    """A stack that is not there will never be complete, however long one waits."""
    with pytest.raises(AwsError, match=r"will never be: cloudformation stack create complete"):
        aws_wait(s3_credentials, "cloudformation", "stack_create_complete", StackName="no-such")


def test_a_waiter_is_cancelled(s3_credentials: AwsCredentials) -> None:
    """At once, however long its pauses are."""
    with Scope("job") as scope:
        timer = threading.Timer(0.2, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            aws_wait(
                s3_credentials, "dynamodb", "table_exists", poll_seconds=600, TableName="never"
            )
        timer.join()


def test_a_waiter_that_is_none_is_refused(nobody: AwsCredentials) -> None:
    """With those that there are."""
    with pytest.raises(InvalidArguments, match="has no waiter 'table_exist'") as caught:
        aws_wait(nobody, "dynamodb", "table_exist", TableName="t")
    assert "table_exists" in str(caught.value.fix)


def test_every_waiter_of_botocore_can_be_waited_for(
    s3_credentials: AwsCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its operation is found, and all that it accepts is compared with an answer of that shape."""
    fill = ArgumentGenerator()

    def answered(self: Any, operation: str, _given: object) -> dict[str, Any]:
        shape = self.meta.service_model.operation_model(operation).output_shape
        answer = {} if shape is None else fill.generate_skeleton(shape)
        return {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    monkeypatch.setattr(BaseClient, "_make_api_call", answered)
    monkeypatch.setattr(Operation, "checked", lambda _self, _given: {})
    so: list[bool] = []
    for service in Loader().list_available_services("waiters-2"):
        for name in s3_credentials.client(service).waiter_names:
            so.append(False)
            with suppress(AwsError):  # it is not so, or never will be
                aws_wait(s3_credentials, service, name, max_wait_seconds=0)
                so[-1] = True
    assert len(so) > 300
    assert 0 < sum(so) < len(so)
