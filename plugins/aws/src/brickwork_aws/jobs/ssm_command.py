"""Systems Manager: commands on instances, by Run Command."""

from collections.abc import Mapping
from typing import Any

from brickwork import InvalidArguments
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError, AwsNotFound
from brickwork_aws.jobs.following import follow
from brickwork_aws.jobs.ssm_command_job import FollowedCommand, SsmCommand
from brickwork_aws.jobs.starting import started_once
from brickwork_aws.payloads import given
from brickwork_aws.tasks import retried_task, task_once

SHELL = "AWS-RunShellScript"
"""The document by which Linux and macOS run lines."""

_START = ("ssm:SendCommand",)
_WAIT = ("ssm:ListCommands", "ssm:ListCommandInvocations", "ssm:GetCommandInvocation")
_CANCEL = ("ssm:CancelCommand",)


@task_once(*_START)
def ssm_start_command(
    credentials: AwsCredentials,
    lines: list[str] | None = None,
    *,
    instances: list[str] | None = None,
    tags: Mapping[str, str | list[str]] | None = None,
    resource_group: str | None = None,
    document: str | None = None,
    document_version: str | None = None,
    parameters: Mapping[str, list[str]] | None = None,
    directory: str | None = None,
    execution_seconds: int | None = None,
    delivery_seconds: int | None = None,
    max_concurrency: int | str | None = None,
    max_errors: int | str | None = None,
    output_location: str | None = None,
    log_group: str | None = None,
    comment: str | None = None,
) -> SsmCommand:
    """Run lines of a shell, or a document of Systems Manager, on instances.

    Not retried as a task: it might run twice, since Systems Manager knows no request again. So it
    is sent once, and again only where nobody was reached or too much was asked for. See
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html.

    Args:
        credentials: Whose.
        lines: What the shell runs. Who may look at the command sees them: secrets are to be read
            there, such as from Parameter Store.
        instances: The ids of the instances, up to 50.
        tags: Or those with these tags; of several values one must be there, of several tags each.
        resource_group: Or those in this group.
        document: The document's name or ARN; for lines by default ``AWS-RunShellScript``, and
            ``AWS-RunPowerShellScript`` is for Windows.
        document_version: Its number, ``$LATEST`` or ``$DEFAULT``.
        parameters: What the document takes.
        directory: Where the lines run; by default where the agent has it.
        execution_seconds: How long the lines may run on an instance, up to 172,800; an hour by
            default.
        delivery_seconds: How long it is tried to reach an instance, at least 30; an hour by
            default.
        max_concurrency: On how many instances it runs at once, or on which share, ``"10%"``; 50 by
            default.
        max_errors: After how many failures, or which share, it is sent to no more; 0 by default.
        output_location: Where in S3 the instances write all that they print,
            ``s3://bucket/prefix``.
        log_group: To which log group in CloudWatch they send it.
        comment: What is shown with the command, up to 100 characters.

    Returns:
        The command.

    Raises:
        InvalidArguments: The arguments do not fit together; nothing was sent.
        AwsNotFound: Systems Manager does not reach one of the instances.
        AwsError: It refuses, such as a document that it does not know.

    Examples:
        >>> command = ssm_start_command(
        ...     credentials, ["systemctl restart app"], tags={"role": "web"}, max_concurrency="10%"
        ... )
        >>> command.document
        'AWS-RunShellScript'
    """
    _refuse_misfits(lines, document, parameters, directory, execution_seconds)
    passed = given(
        commands=lines,
        workingDirectory=directory and [directory],
        executionTimeout=None if execution_seconds is None else [str(execution_seconds)],
        **(parameters or {}),
    )
    bucket, prefix = _s3_place(output_location)
    logs = {"CloudWatchLogGroupName": log_group, "CloudWatchOutputEnabled": True}
    try:
        answer = started_once(
            credentials,
            "ssm",
            "send_command",
            DocumentName=document or SHELL,
            DocumentVersion=document_version,
            Parameters=passed or None,
            InstanceIds=instances,
            Targets=_targets(instances, tags, resource_group),
            TimeoutSeconds=delivery_seconds,
            MaxConcurrency=None if max_concurrency is None else str(max_concurrency),
            MaxErrors=None if max_errors is None else str(max_errors),
            OutputS3BucketName=bucket,
            OutputS3KeyPrefix=prefix,
            CloudWatchOutputConfig=log_group and logs,
            Comment=comment,
        )["Command"]
    except AwsError as error:
        if error.code != "InvalidInstanceId":
            raise
        raise _unreached(instances or [], error) from error
    return SsmCommand(answer["CommandId"], answer["DocumentName"], answer["Status"])


@retried_task(*_WAIT, *_CANCEL)
def ssm_wait_command(
    credentials: AwsCredentials,
    command: SsmCommand,
    *,
    check: bool = True,
    poll_seconds: float = 1.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> SsmCommand:
    """Wait for the end of a command on all instances, and log what they print when they are done.

    On how many it has ended is the progress. See
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListCommandInvocations.html
    and
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html.

    Args:
        credentials: Whose.
        command: The command.
        check: Whether it is an error if it did not end well on one of the instances, also where
            ``max_errors`` allowed for that; or if there were none. Else the result tells.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is cancelled when the task is, or its time is up.

    Returns:
        The command as it has ended, with what came of it on each instance.

    Raises:
        AwsJobFailed: It did not end well; names the instances, with their exit codes and the last
            lines that they printed.
        AwsNotFound: Systems Manager does not know it.
        AwsTimeout: It did not end in time.

    Examples:
        >>> command = ssm_wait_command(credentials, command, check=False)
        >>> {each.instance: each.exit_code for each in command.outputs.values()}
        {'i-0a1b2c3d': 0}
    """
    return follow(
        FollowedCommand(credentials, command, check),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def ssm_cancel_command(credentials: AwsCredentials, command: SsmCommand) -> None:
    """Cancel a command; one that has ended stays as it is.

    It is not begun on further instances. Where it runs, the agent is told to end it, which AWS
    does not promise. See
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CancelCommand.html.

    Args:
        credentials: Whose.
        command: The command.

    Examples:
        >>> ssm_cancel_command(credentials, command)
    """
    FollowedCommand(credentials, command).stop()


@task_once(*_START, *_WAIT, *_CANCEL)
def ssm_run_command(
    credentials: AwsCredentials,
    lines: list[str] | None = None,
    *,
    instances: list[str] | None = None,
    tags: Mapping[str, str | list[str]] | None = None,
    resource_group: str | None = None,
    document: str | None = None,
    document_version: str | None = None,
    parameters: Mapping[str, list[str]] | None = None,
    directory: str | None = None,
    execution_seconds: int | None = None,
    delivery_seconds: int | None = None,
    max_concurrency: int | str | None = None,
    max_errors: int | str | None = None,
    output_location: str | None = None,
    log_group: str | None = None,
    comment: str | None = None,
    check: bool = True,
    poll_seconds: float = 1.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> SsmCommand:
    """Run lines of a shell, or a document, on instances, and wait for its end on all of them.

    Not retried as a task: what it does would be done twice.

    Args:
        credentials: Whose.
        lines: What the shell runs; no secrets.
        instances: The ids of the instances, up to 50.
        tags: Or those with these tags; of several values one must be there, of several tags each.
        resource_group: Or those in this group.
        document: The document's name or ARN; for lines by default ``AWS-RunShellScript``.
        document_version: Its number, ``$LATEST`` or ``$DEFAULT``.
        parameters: What the document takes.
        directory: Where the lines run; by default where the agent has it.
        execution_seconds: How long the lines may run on an instance; an hour by default.
        delivery_seconds: How long it is tried to reach an instance; an hour by default.
        max_concurrency: On how many instances it runs at once, or on which share, ``"10%"``.
        max_errors: After how many failures, or which share, it is sent to no more; 0 by default.
        output_location: Where in S3 the instances write all that they print.
        log_group: To which log group in CloudWatch they send it.
        comment: What is shown with the command, up to 100 characters.
        check: Whether it is an error if it did not end well on one of the instances, or if there
            were none. Else the result tells.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is cancelled when the task is, or its time is up.

    Returns:
        The command as it has ended, with what came of it on each instance.

    Raises:
        InvalidArguments: The arguments do not fit together; nothing was sent.
        AwsJobFailed: It did not end well; names the instances.
        AwsNotFound: Systems Manager does not reach one of the instances.
        AwsTimeout: It did not end in time.

    Examples:
        >>> command = ssm_run_command(
        ...     credentials, ["df --output=pcent /"], instances=["i-0a1b2c3d"], execution_seconds=60
        ... )
        >>> print(command.outputs["i-0a1b2c3d"].stdout)
        Use%
         42%
    """
    command = ssm_start_command.fn(
        credentials,
        lines,
        instances=instances,
        tags=tags,
        resource_group=resource_group,
        document=document,
        document_version=document_version,
        parameters=parameters,
        directory=directory,
        execution_seconds=execution_seconds,
        delivery_seconds=delivery_seconds,
        max_concurrency=max_concurrency,
        max_errors=max_errors,
        output_location=output_location,
        log_group=log_group,
        comment=comment,
    )
    return ssm_wait_command.fn(
        credentials,
        command,
        check=check,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


def _refuse_misfits(
    lines: list[str] | None,
    document: str | None,
    parameters: Mapping[str, list[str]] | None,
    directory: str | None,
    execution_seconds: int | None,
) -> None:
    if not lines and not document:
        raise InvalidArguments(
            "There is nothing to run.", fix="Give lines for the shell, or a document."
        )
    if lines is None and (directory or execution_seconds is not None):
        raise InvalidArguments(
            "A directory and a time to run are for lines.",
            fix="Give them as parameters, by the names that the document has for them.",
        )
    if lines is not None and "commands" in (parameters or {}):
        raise InvalidArguments(
            "The lines are given twice.", fix="Leave commands out of the parameters."
        )


def _targets(
    instances: list[str] | None,
    tags: Mapping[str, str | list[str]] | None,
    resource_group: str | None,
) -> list[dict[str, Any]] | None:
    wanted = {f"tag:{key}": value for key, value in (tags or {}).items()}
    wanted |= {"resource-groups:Name": resource_group} if resource_group else {}
    if bool(instances) == bool(wanted):
        raise InvalidArguments(
            "A command is for instances by their ids, or by their tags or group.",
            fix="Give instances; or tags, resource_group.",
        )
    return [
        {"Key": key, "Values": [value] if isinstance(value, str) else list(value)}
        for key, value in wanted.items()
    ] or None


def _s3_place(location: str | None) -> tuple[str | None, str | None]:
    if location is None:
        return None, None
    scheme, _, place = location.partition("://")
    bucket, _, prefix = place.partition("/")
    if scheme != "s3" or not bucket:
        raise InvalidArguments(
            f"{location!r} is no place in S3.", fix="Write it as s3://bucket/prefix."
        )
    return bucket, prefix.rstrip("/") or None


def _unreached(instances: list[str], error: AwsError) -> AwsNotFound:
    found = AwsNotFound(
        f"Systems Manager does not reach all of {', '.join(instances)}: {error.what}",
        fix="See that they run, with its agent and a role that lets this talk to it.",
    )
    found.operation, found.code, found.request_id = error.operation, error.code, error.request_id
    return found
