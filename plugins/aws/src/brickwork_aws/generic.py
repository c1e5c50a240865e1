"""Tasks for whatever has no task of its own: any operation, any waiter."""

from typing import Any

from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.tasks import retried_task, task_once


@task_once()
def aws_call(
    credentials: AwsCredentials,
    service: str,
    operation: str,
    *,
    all_pages: bool = True,
    **parameters: Any,
) -> dict[str, Any]:
    """Call any operation of any service.

    The parameters are checked against botocore's description of the operation before anything is
    sent. Throttling and broken connections are retried by botocore, as the credentials'
    ``client_options`` say. Not retried as a task: nobody knows whether the operation may be
    repeated. See
    https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/index.html.

    Args:
        credentials: Whose.
        service: boto3's name of the service, such as ``sqs``.
        operation: The operation, as boto3 or as AWS writes it: ``send_message``, ``SendMessage``.
        all_pages: Whether to read an answer that has pages to its end, and join their lists.
        parameters: What the operation takes, with AWS's names. Secrets go in clear; None is left
            out.

    Returns:
        The answer, without what botocore adds to it. Streams in it are read to the end.

    Raises:
        InvalidArguments: There is no such operation, or it does not take that; nothing was sent.
        AwsError: It failed.
        BlockError: No such service or profile, or no region.

    Examples:
        >>> answer = aws_call(credentials, "ec2", "describe_regions", RegionNames=["eu-west-3"])
        >>> answer["Regions"][0]["Endpoint"]
        'ec2.eu-west-3.amazonaws.com'
    """
    from brickwork_aws.operations import Operation

    called = Operation(credentials, service, operation)
    return called.everything(parameters) if all_pages else called.call(parameters)


@retried_task()
def aws_wait(
    credentials: AwsCredentials,
    service: str,
    waiter: str,
    *,
    poll_seconds: float | None = None,
    max_wait_seconds: float | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    """Wait until one of botocore's waiters says that it is so.

    Ends at once when the task is cancelled. See
    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html#waiters.

    Args:
        credentials: Whose.
        service: boto3's name of the service, such as ``ecs``.
        waiter: The waiter, as boto3 or as AWS writes it: ``tasks_stopped``, ``TasksStopped``.
        poll_seconds: Seconds between two questions; by default as botocore has it.
        max_wait_seconds: How long to wait at most; by default as botocore has it.
        parameters: What the operation takes that the waiter asks, with AWS's names.

    Returns:
        The answer that said so.

    Raises:
        InvalidArguments: There is no such waiter, or it does not take that; nothing was sent.
        AwsTimeout: It was not so in time.
        AwsError: It failed, or never will be so.

    Examples:
        >>> answer = aws_wait(credentials, "dynamodb", "table_exists", TableName=table)
        >>> answer["Table"]["TableStatus"]
        'ACTIVE'
    """
    from brickwork_aws.operations import wait

    return wait(
        credentials,
        service,
        waiter,
        parameters,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
    )
