"""The clusters and steps that `brickwork_aws.jobs.emr` follows."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from brickwork import InvalidArguments, KeyNotFound, StorageError, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsConflict, AwsError, AwsNotFound
from brickwork_aws.jobs.following import Job, Look
from brickwork_aws.jobs.s3_logs import lines_of_file
from brickwork_aws.payloads import given

CancelOption = Literal["SEND_INTERRUPT", "TERMINATE_PROCESS"]
OnFailure = Literal["CONTINUE", "CANCEL_AND_WAIT", "TERMINATE_CLUSTER"]
Until = Literal["ready", "terminated"]

_AT_ONCE = 10  # ids that one ListSteps takes
_BAD_ENDS = {"CANCELLED", "FAILED", "INTERRUPTED"}
_ENDS = {"COMPLETED", *_BAD_ENDS}
_READY = {"RUNNING", "WAITING"}

# EMR has the same codes for whatever is wrong with a request.
_CODES = {"InvalidRequestException", "ValidationException"}
_MISSING = ("is not valid", "does not exist")
_CLOSED = ("may not be modified",)

_logger = logging.getLogger("brickwork.aws.jobs")


@register_type("aws.emr-step-config")
@dataclass(frozen=True)
class EmrStepConfig:
    """A step to give to a cluster.

    See https://docs.aws.amazon.com/emr/latest/APIReference/API_StepConfig.html.

    Attributes:
        name: Its name.
        args: What the program gets; for ``command-runner.jar`` the command:
            ``["spark-submit", "s3://code/nightly.py"]``. Who may look at the step sees it: no
            secrets.
        jar: The program: ``command-runner.jar``, which runs a command, or a JAR file in S3.
        main_class: The class of the JAR file that is run; by default the one that it names.
        properties: Java properties that are set while it runs.
        on_failure: What happens when it fails: the next steps run, they are cancelled, or the
            cluster ends. On a cluster that runs several steps at once only ``CONTINUE`` works.
        log_url: A folder in S3 where its logs go; by default as the cluster has it.
    """

    name: str
    args: list[str] | tuple[str, ...] = ()
    jar: str = "command-runner.jar"
    main_class: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    on_failure: OnFailure = "CONTINUE"
    log_url: str | None = None

    def as_step(self) -> dict[str, Any]:
        """Return it as EMR has it."""
        pairs = [{"Key": key, "Value": value} for key, value in self.properties.items()]
        program = given(
            Jar=self.jar,
            MainClass=self.main_class,
            Args=list(self.args) or None,
            Properties=pairs or None,
        )
        return given(
            Name=self.name,
            ActionOnFailure=self.on_failure,
            HadoopJarStep=program,
            StepMonitoringConfiguration=self.log_url
            and {"S3MonitoringConfiguration": {"LogUri": self.log_url}},
        )


@register_type("aws.emr-step")
@dataclass(frozen=True)
class EmrStep:
    """A step that was given to a cluster.

    Attributes:
        id: EMR's id of it.
        cluster: The id of the cluster.
        name: Its name.
        state: ``PENDING``, ``RUNNING``, ``CANCEL_PENDING``, ``COMPLETED``, ``CANCELLED``,
            ``FAILED`` or ``INTERRUPTED``, when it was last looked at.
        started_at: Since when it ran.
        ended_at: When it ended.
    """

    id: str
    cluster: str
    name: str = ""
    state: str = "PENDING"
    started_at: datetime | None = None
    ended_at: datetime | None = None


@register_type("aws.emr-cluster")
@dataclass(frozen=True)
class EmrCluster:
    """A cluster of EMR on EC2.

    Attributes:
        id: EMR's id of it.
        name: Its name.
        state: ``STARTING``, ``BOOTSTRAPPING``, ``RUNNING``, ``WAITING``, ``TERMINATING``,
            ``TERMINATED`` or ``TERMINATED_WITH_ERRORS``, when it was last looked at.
        release: The release of EMR; empty if it was not asked for.
        log_url: Where in S3 its logs are; empty if nowhere, or not asked for.
        primary_dns: The name of its primary node; empty if it has none, or not asked for.
    """

    id: str
    name: str
    state: str
    release: str = ""
    log_url: str = ""
    primary_dns: str = ""


class FollowedSteps(Job[list[EmrStep]]):
    """Steps of one cluster; by whom they were given does not matter.

    Args:
        credentials: Whose.
        steps: The steps.
        cancel_option: How they are stopped.

    Raises:
        InvalidArguments: They are of several clusters, or none.
    """

    def __init__(
        self,
        credentials: AwsCredentials,
        steps: Sequence[EmrStep],
        cancel_option: CancelOption = "SEND_INTERRUPT",
    ) -> None:
        clusters = {step.cluster for step in steps}
        if len(clusters) != 1:
            raise InvalidArguments(
                f"These are steps of {len(clusters)} clusters.", fix="Give the steps of one."
            )
        self._credentials = credentials
        self._cluster = clusters.pop()
        self._steps = {step.id: step for step in steps}
        self._seen: dict[str, Mapping[str, Any]] = {}
        self._option = cancel_option
        self._logged: set[str] = set()

    @property
    def what(self) -> str:
        """The steps, for people."""
        first = next(iter(self._steps.values()))
        if len(self._steps) == 1:
            return f"EMR step {first.name} ({first.id})" if first.name else f"EMR step {first.id}"
        return f"{len(self._steps)} EMR steps of {self._cluster}"

    def look(self) -> Look:
        """Ask EMR how those are that had not ended."""
        for some in _in_tens([each for each in self._steps if self._state(each) not in _ENDS]):
            found = call(self._credentials, "list_steps", ClusterId=self._cluster, StepIds=some)
            self._seen.update({each["Id"]: each for each in found.get("Steps", ())})
        missing = [each for each in self._steps if each not in self._seen]
        if missing:
            raise AwsNotFound(
                f"EMR does not know {', '.join(missing)} of the cluster {self._cluster}.",
                fix="Check the id, the region and the account.",
            )
        states = {each: self._state(each) for each in self._steps}
        going = [state for state in states.values() if state not in _ENDS]
        bad = [each for each, state in states.items() if state in _BAD_ENDS]
        done, total = len(states) - len(going), len(states)
        if going:
            return Look(going[0], done=done, total=total)
        if not bad:
            return Look("COMPLETED", True, "", done, total)
        return Look(states[bad[0]], True, "; ".join(map(self._why, bad)), done, total)

    def stop(self) -> None:
        """Cancel those that have not ended.

        Raises:
            AwsError: Some cannot be cancelled.
        """
        answer = call(
            self._credentials,
            "cancel_steps",
            ClusterId=self._cluster,
            StepIds=list(self._steps),
            StepCancellationOption=self._option,
        )
        refused = {
            each["StepId"]: each.get("Reason", "")
            for each in answer.get("CancelStepsInfoList", ())
            if each.get("Status") == "FAILED"
        }
        if not refused:
            return
        self.look()  # those that have ended stay as they are
        left = [each for each in refused if self._state(each) not in {*_ENDS, "CANCEL_PENDING"}]
        if left:
            raise AwsError(
                f"elasticmapreduce:CancelSteps: {len(left)} of {len(self._steps)} go on; the "
                f"first, {left[0]}: {refused[left[0]].rstrip('.')}.",
                fix="Before release 5.28 of EMR only steps that wait can be cancelled; end the "
                "cluster, or what the step has started, by YARN.",
            )

    def result(self) -> list[EmrStep]:
        """Return them as they have ended, in order."""
        return [self._as_it_is(each) for each in self._steps]

    def new_lines(self) -> Iterator[str]:
        """Give the end of the log that says why a step failed, where EMR has found it."""
        for step, seen in self._seen.items():
            url = _details(seen).get("LogFile")
            if url and self._state(step) in _ENDS and step not in self._logged:
                self._logged.add(step)
                yield from self._log(url)

    def _log(self, url: str) -> Iterator[str]:
        try:
            yield from lines_of_file(self._credentials, url)
        except KeyNotFound:
            pass  # it comes within minutes; the error names it
        except (AwsError, StorageError) as error:
            _logger.warning("The log of %s: %s", self.what, error)

    def _state(self, step: str) -> str:
        return str(self._seen.get(step, {}).get("Status", {}).get("State", ""))

    def _why(self, step: str) -> str:
        seen = self._seen[step]
        details, change = _details(seen), seen["Status"].get("StateChangeReason", {})
        said = [details.get("Reason"), details.get("Message") or change.get("Message")]
        if details.get("LogFile"):
            said.append(f"see {details['LogFile']}")
        why = "; ".join(each for each in said if each) or "EMR does not say why"
        if len(self._steps) == 1:
            return why
        return f"{seen['Name']} ({step}) {self._state(step)}: {why}"

    def _as_it_is(self, step: str) -> EmrStep:
        seen = self._seen[step]
        times = seen["Status"].get("Timeline", {})
        return EmrStep(
            step,
            self._cluster,
            seen["Name"],
            self._state(step),
            times.get("StartDateTime"),
            times.get("EndDateTime"),
        )


@dataclass
class FollowedCluster(Job[EmrCluster]):
    """A cluster that comes up, or ends."""

    credentials: AwsCredentials
    id: str
    until: Until
    _seen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """The cluster, for people."""
        return f"EMR cluster {self.id}"

    def look(self) -> Look:
        """Ask EMR how it is."""
        self._seen = call(self.credentials, "describe_cluster", ClusterId=self.id)["Cluster"]
        status = self._seen["Status"]
        state, reason = status["State"], status.get("StateChangeReason", {})
        wanted = _READY if self.until == "ready" else {"TERMINATED"}
        vain = state.startswith("TERMINAT") if self.until == "ready" else False
        if state in wanted:
            return Look(state, ended=True)
        if not vain and state != "TERMINATED_WITH_ERRORS":
            return Look(state)
        why = reason.get("Message") or "EMR does not say why"
        return Look(state, True, why, code=reason.get("Code", ""))

    def stop(self) -> None:
        """Do nothing: whoever only waits for it does not end it."""

    def result(self) -> EmrCluster:
        """Return it as it is."""
        return cluster_of(self._seen)


def cluster_of(found: Mapping[str, Any]) -> EmrCluster:
    """Return a cluster as it is."""
    return EmrCluster(
        found["Id"],
        found["Name"],
        found["Status"]["State"],
        found.get("ReleaseLabel") or "",
        found.get("LogUri") or "",
        found.get("MasterPublicDnsName") or "",
    )


def call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of EMR.

    Raises:
        AwsNotFound: There is no such cluster or step.
        AwsConflict: The cluster has ended, or is about to.
    """
    from brickwork_aws.operations import Operation

    try:
        return Operation(credentials, "emr", operation).call(parameters)
    except AwsError as error:
        found = _by_its_words(error)
        if found is None:
            raise
        found.operation, found.code = error.operation, error.code
        found.request_id = error.request_id
        raise found from error.__cause__


def _by_its_words(error: AwsError) -> AwsError | None:
    if error.code not in _CODES:
        return None
    if any(words in error.what for words in _MISSING):
        return AwsNotFound(error.what, fix="Check the id, the region and the account.")
    if any(words in error.what for words in _CLOSED):
        return AwsConflict(error.what, fix="Give it to a cluster that runs.")
    return None


def _details(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = seen["Status"].get("FailureDetails") or {}
    return found


def _in_tens(ids: Sequence[str]) -> Iterable[list[str]]:
    return (list(ids[at : at + _AT_ONCE]) for at in range(0, len(ids), _AT_ONCE))
