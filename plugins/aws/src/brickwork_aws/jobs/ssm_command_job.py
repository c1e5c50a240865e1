"""The commands that `brickwork_aws.jobs.ssm_command` follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brickwork import register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError, AwsNotFound
from brickwork_aws.jobs.following import Job, Look

_UNSEEN = 10  # looks at a command that is not known yet; about a minute and a half
_ENDS = {"Success", "Failed", "TimedOut", "Cancelled"}
_STDOUT, _STDERR = 24_000, 8_000
"""Characters that are kept of what a step prints."""

_NAMED = 10
"""How many instances the message of an error names."""


@register_type("aws.ssm-output")
@dataclass(frozen=True)
class SsmOutput:
    """What a command did on one instance.

    Attributes:
        instance: The instance's id.
        state: ``Success``, ``Failed``, ``ExecutionTimedOut``, ``DeliveryTimedOut``,
            ``Undeliverable`` and what else Systems Manager has in its status details.
        exit_code: That of the first step that has not ended with 0, else 0; None if none ran.
        stdout: What it printed, of all steps: the first 24,000 characters of each.
        stderr: What it printed as errors, of all steps: the first 8,000 characters of each.
        stdout_urls: Where in S3 the whole of it is, step by step, if it was sent there.
    """

    instance: str
    state: str
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    stdout_urls: tuple[str, ...] = ()


@register_type("aws.ssm-command")
@dataclass(frozen=True)
class SsmCommand:
    """A command that was given to Systems Manager.

    Attributes:
        id: Its id.
        document: The document that runs.
        state: ``Pending``, ``InProgress``, ``Cancelling``, ``Success``, ``Failed``, ``TimedOut`` or
            ``Cancelled``, when it was last looked at.
        outputs: What it did, by the ids of the instances; empty before it has ended.
    """

    id: str
    document: str
    state: str = "Pending"
    outputs: Mapping[str, SsmOutput] = field(default_factory=dict)


@dataclass
class FollowedCommand(Job[SsmCommand]):
    """A command; who gave it does not matter."""

    credentials: AwsCredentials
    command: SsmCommand
    check: bool = True
    _state: str = ""
    _outputs: dict[str, SsmOutput] = field(default_factory=dict)
    _unsaid: list[str] = field(default_factory=list)
    _errors: dict[str, str] = field(default_factory=dict)
    _misses: int = 0

    @property
    def what(self) -> str:
        """The command, for people."""
        return f"SSM command {self.command.document} ({self.command.id})"

    def look(self) -> Look:
        """Ask how it is, and for what has come of it on the instances that are done."""
        found = self._described()
        if found is None:
            return self._missing()
        self._state = state = found["Status"]
        done, total = found.get("CompletedCount", 0), found.get("TargetCount", 0)
        ended = state in _ENDS
        if ended or done > len(self._outputs):
            self._read_outputs(all_of_them=ended)
        failure = self._why_failed() if ended and self.check else ""
        return Look(state, ended, failure, done, total, found.get("StatusDetails", ""))

    def stop(self) -> None:
        """Cancel it where it has not ended; one that has stays as it is."""
        call(self.credentials, "cancel_command", CommandId=self.command.id)

    def result(self) -> SsmCommand:
        """Return it as it has ended."""
        return SsmCommand(self.command.id, self.command.document, self._state, dict(self._outputs))

    def new_lines(self) -> list[str]:
        """Return what instances printed that are done since the last time."""
        said, self._unsaid = self._unsaid, []
        return said

    def _described(self) -> Mapping[str, Any] | None:
        try:
            found = call(self.credentials, "list_commands", CommandId=self.command.id)
        except AwsError as error:
            if error.code != "InvalidCommandId":
                raise
            return None
        return next(iter(found.get("Commands", ())), None)

    def _missing(self) -> Look:
        """What SendCommand has just returned may be unknown for a while."""
        self._misses += 1
        if self._state or self._misses > _UNSEEN:
            raise AwsNotFound(
                f"Systems Manager does not know the command {self.command.id}, or not any more.",
                fix="Check the id, the region and the account; after 30 days it is forgotten.",
            )
        return Look(self.command.state)

    def _read_outputs(self, *, all_of_them: bool) -> None:
        from brickwork_aws.operations import Operation

        listing = Operation(self.credentials, "ssm", "list_command_invocations")
        asked = {"CommandId": self.command.id, "Details": True}
        for page in listing.pages(asked):
            for each in page["CommandInvocations"]:
                ended = each["Status"] in _ENDS
                if each["InstanceId"] not in self._outputs and (ended or all_of_them):
                    self._outputs[each["InstanceId"]] = self._output(each)

    def _output(self, invocation: Mapping[str, Any]) -> SsmOutput:
        """Return what came of it on an instance; the list has only the begin of what it printed."""
        instance = invocation["InstanceId"]
        steps = [
            call(
                self.credentials,
                "get_command_invocation",
                CommandId=self.command.id,
                InstanceId=instance,
                PluginName=each["Name"],
            )
            for each in invocation.get("CommandPlugins", ())
            if each["Status"] != "Pending"
        ]
        for step in steps:
            errors = _whole_lines(step.get("StandardErrorContent", ""), _STDERR)
            said = [*_whole_lines(step.get("StandardOutputContent", ""), _STDOUT), *errors]
            self._unsaid += [f"{instance}: {line}" for line in said]
            if errors:
                self._errors[instance] = errors[-1]
        state = invocation["Status"]
        ran = [step["ResponseCode"] for step in steps if step.get("ResponseCode", -1) != -1]
        return SsmOutput(
            instance,
            state if state == "Success" else invocation.get("StatusDetails") or state,
            next((code for code in ran if code), 0) if ran else None,
            "".join(step.get("StandardOutputContent", "") for step in steps),
            "".join(step.get("StandardErrorContent", "") for step in steps),
            tuple(step["StandardOutputUrl"] for step in steps if step.get("StandardOutputUrl")),
        )

    def _why_failed(self) -> str:
        if not self._outputs:
            return "there was no instance to run it on"
        bad = [each for each in self._outputs.values() if each.state != "Success"]
        if not bad:
            return "" if self._state == "Success" else "Systems Manager does not say why"
        named = "; ".join(self._how(each) for each in bad[:_NAMED])
        others = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        return f"{len(bad)} of {len(self._outputs)} instances failed: {named}{others}"

    def _how(self, output: SsmOutput) -> str:
        """Say how it ended on an instance, with the last line of its errors."""
        code, error = output.exit_code, self._errors.get(output.instance)
        how = f"exited with {code}" if code else output.state
        return f"{output.instance}: {how}" + (f": {error}" if error else "")


def _whole_lines(text: str, most: int) -> list[str]:
    """Return the lines of an output that are whole: in those cut off nothing could be masked."""
    lines = text.splitlines()
    # The last is what the agent says of that, and the one before it was cut.
    return lines[:-2] if len(text) >= most else lines


def call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of Systems Manager."""
    from brickwork_aws.operations import Operation

    return Operation(credentials, "ssm", operation).call(parameters)
