"""EMR on EC2: steps on a cluster that runs."""

from brickwork import InvalidArguments
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsConflict, AwsNotFound
from brickwork_aws.jobs.emr_steps import (
    CancelOption,
    EmrCluster,
    EmrStep,
    EmrStepConfig,
    FollowedCluster,
    FollowedSteps,
    Until,
    call,
    cluster_of,
)
from brickwork_aws.jobs.following import follow
from brickwork_aws.tasks import retried_task, task_once

_START = ("elasticmapreduce:AddJobFlowSteps",)
_WAIT = ("elasticmapreduce:ListSteps", "s3:GetObject", "s3:ListBucket")
_CANCEL = ("elasticmapreduce:CancelSteps", "elasticmapreduce:ListSteps")
_ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]


@task_once(*_START)
def emr_start_steps(
    credentials: AwsCredentials,
    cluster: str,
    steps: list[EmrStepConfig],
    *,
    role: str | None = None,
) -> list[EmrStep]:
    """Give steps to a cluster that runs; all of them, or none.

    Not retried as a task: they might run twice, since EMR knows no request again. botocore sends
    one again whose answer did not come. See
    https://docs.aws.amazon.com/emr/latest/APIReference/API_AddJobFlowSteps.html.

    Args:
        credentials: Whose.
        cluster: The id of the cluster, ``j-2AXXXXXXGAPLF``.
        steps: The steps, up to 256; they run in order, unless the cluster runs several at once.
        role: The ARN of the role that they run as, on a cluster that is made for that; by default
            that of its machines.

    Returns:
        The steps, in order.

    Raises:
        InvalidArguments: There are none, or EMR does not take that; nothing was sent.
        AwsNotFound: There is no such cluster.
        AwsConflict: The cluster has ended, or is about to.
        AwsError: EMR refuses, such as a role on a cluster that is not made for it.

    Examples:
        >>> from brickwork_aws import EmrStepConfig
        >>> nightly = EmrStepConfig("nightly", ["spark-submit", "s3://code/nightly.py"])
        >>> [step.state for step in emr_start_steps(credentials, cluster, [nightly])]
        ['PENDING']
    """
    if not steps:
        raise InvalidArguments("There are no steps.", fix="Give at least one.")
    answer = call(
        credentials,
        "add_job_flow_steps",
        JobFlowId=cluster,
        Steps=[step.as_step() for step in steps],
        ExecutionRoleArn=role,
    )
    ids = answer["StepIds"]
    return [EmrStep(each, cluster, step.name) for each, step in zip(ids, steps, strict=True)]


@retried_task(*_WAIT, *_CANCEL)
def emr_wait_steps(
    credentials: AwsCredentials,
    steps: list[EmrStep],
    *,
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
    cancel_option: CancelOption = "SEND_INTERRUPT",
) -> list[EmrStep]:
    """Wait until all steps have ended, also where one has failed.

    How many have ended is the progress. What they log is not followed, since EMR writes it to S3
    only every few minutes; of one that failed, the end of the file in which EMR has found why is
    read. See https://docs.aws.amazon.com/emr/latest/APIReference/API_ListSteps.html.

    Args:
        credentials: Whose.
        steps: Steps of one cluster.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether they are cancelled when the task is cancelled or its time is up.
        cancel_option: How: see `emr_cancel_steps`.

    Returns:
        The steps as they have ended, in order.

    Raises:
        InvalidArguments: They are of several clusters, or none.
        AwsJobFailed: Some failed or were cancelled. Says why, and names the file of the log.
        AwsNotFound: EMR does not know them.
        AwsTimeout: They did not end in time.

    Examples:
        >>> [step.state for step in emr_wait_steps(credentials, steps)]
        ['COMPLETED']
    """
    return follow(
        FollowedSteps(credentials, steps, cancel_option),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def emr_cancel_steps(
    credentials: AwsCredentials,
    steps: list[EmrStep],
    *,
    cancel_option: CancelOption = "SEND_INTERRUPT",
) -> None:
    """Cancel steps, also while they run; those that have ended stay as they are.

    What they have started elsewhere may go on, as that of ``spark-submit`` in the mode ``cluster``
    does. Before release 5.28 of EMR only steps that wait can be cancelled. See
    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html.

    Args:
        credentials: Whose.
        steps: Steps of one cluster.
        cancel_option: What those that run get: SIGTERM, so that they can clean up, or SIGKILL.

    Raises:
        InvalidArguments: They are of several clusters, or none.
        AwsError: Some cannot be cancelled.

    Examples:
        >>> emr_cancel_steps(credentials, steps, cancel_option="TERMINATE_PROCESS")
    """
    FollowedSteps(credentials, steps, cancel_option).stop()


@task_once(*_START, *_WAIT, *_CANCEL)
def emr_run_steps(
    credentials: AwsCredentials,
    cluster: str,
    steps: list[EmrStepConfig],
    *,
    role: str | None = None,
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
    cancel_option: CancelOption = "SEND_INTERRUPT",
) -> list[EmrStep]:
    """Give steps to a cluster that runs, and wait until all have ended.

    Not retried as a task: what they do would be done twice.

    Args:
        credentials: Whose.
        cluster: The id of the cluster, ``j-2AXXXXXXGAPLF``.
        steps: The steps, up to 256; they run in order, unless the cluster runs several at once.
        role: The ARN of the role that they run as; by default that of the cluster's machines.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether they are cancelled when the task is cancelled or its time is up.
        cancel_option: How: see `emr_cancel_steps`.

    Returns:
        The steps as they have ended, in order.

    Raises:
        InvalidArguments: There are none, or EMR does not take that; nothing was sent.
        AwsJobFailed: Some failed or were cancelled. Says why, and names the file of the log.
        AwsNotFound: There is no such cluster.
        AwsConflict: The cluster has ended, or is about to.
        AwsTimeout: They did not end in time.

    Examples:
        >>> from brickwork_aws import EmrStepConfig
        >>> nightly = EmrStepConfig("nightly", ["spark-submit", "s3://code/nightly.py"])
        >>> [step.state for step in emr_run_steps(credentials, cluster, [nightly])]
        ['COMPLETED']
    """
    started = emr_start_steps.fn(credentials, cluster, steps, role=role)
    return emr_wait_steps.fn(
        credentials,
        started,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
        cancel_option=cancel_option,
    )


@retried_task("elasticmapreduce:DescribeCluster")
def emr_wait_cluster(
    credentials: AwsCredentials,
    cluster: str,
    *,
    until: Until = "ready",
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
) -> EmrCluster:
    """Wait until a cluster takes steps, or until it has ended.

    It is never ended for that. See
    https://docs.aws.amazon.com/emr/latest/APIReference/API_DescribeCluster.html.

    Args:
        credentials: Whose.
        cluster: The id of the cluster.
        until: For what: ``ready`` is ``RUNNING`` or ``WAITING``.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.

    Returns:
        The cluster as it is then.

    Raises:
        AwsJobFailed: It has ended, or is about to, before it was ready; or not well.
        AwsNotFound: There is no such cluster.
        AwsTimeout: It was not so in time.

    Examples:
        >>> emr_wait_cluster(credentials, cluster).state
        'WAITING'
    """
    return follow(
        FollowedCluster(credentials, cluster, until),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=False,
    )


@retried_task("elasticmapreduce:ListClusters")
def emr_find_cluster(
    credentials: AwsCredentials, name: str, *, states: list[str] | None = None
) -> EmrCluster:
    """Find the one cluster that has a name.

    See https://docs.aws.amazon.com/emr/latest/APIReference/API_ListClusters.html.

    Args:
        credentials: Whose.
        name: Its name.
        states: In which states it may be; by default in those before its end.

    Returns:
        The cluster.

    Raises:
        AwsNotFound: There is none.
        AwsConflict: There are several.

    Examples:
        >>> emr_find_cluster(credentials, name).id
        'j-...'
    """
    from brickwork_aws.operations import Operation

    listing = Operation(credentials, "emr", "list_clusters")
    asked = {"ClusterStates": _ALIVE if states is None else states}
    found = [
        cluster_of(each)
        for page in listing.pages(asked)
        for each in page["Clusters"]
        if each["Name"] == name
    ]
    if not found:
        raise AwsNotFound(
            f"There is no cluster of EMR {name!r} in these states.",
            fix="Check the name, the region and the account, or give other states.",
        )
    if len(found) > 1:
        ids = ", ".join(cluster.id for cluster in found)
        raise AwsConflict(
            f"There are {len(found)} clusters of EMR {name!r}.", fix=f"Choose one by its id: {ids}."
        )
    return found[0]
