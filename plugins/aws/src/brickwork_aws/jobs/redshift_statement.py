"""The statements that `brickwork_aws.jobs.redshift` follows, and their parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from brickwork import InvalidArguments, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError
from brickwork_aws.jobs.following import Job, Look
from brickwork_aws.operations import Operation, revealed
from brickwork_aws.payloads import to_json

_ENDS = {"FINISHED", "FAILED", "ABORTED"}


@register_type("aws.redshift-statement")
@dataclass(frozen=True)
class RedshiftStatement:
    """A statement that was given to Redshift, or several that run one after the other.

    Attributes:
        id: The Data API's id of it.
        state: ``SUBMITTED``, ``PICKED``, ``STARTED``, ``FINISHED``, ``FAILED`` or ``ABORTED``, when
            it was last looked at.
        rows: How many rows it gave or changed; None if that is not known.
        has_rows: Whether there are rows to read, be it none.
        result_bytes: How large they are; None if that is not known.
        seconds: How long it ran.
        session_id: The session in which it ran, if that was kept.
        statements: Those of several, in order, once they have ended; each can be read by itself.
    """

    id: str
    state: str = "SUBMITTED"
    rows: int | None = None
    has_rows: bool = False
    result_bytes: int | None = None
    seconds: float = 0.0
    session_id: str = ""
    statements: "tuple[RedshiftStatement, ...]" = ()


@dataclass
class FollowedStatement(Job[RedshiftStatement]):
    """A statement on Redshift; by whom it was given does not matter."""

    credentials: AwsCredentials
    id: str
    _seen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """What it is, for people."""
        return f"Redshift statement {self.id}"

    def look(self) -> Look:
        """Ask how it is; of several, how many have ended well is what is done."""
        self._seen = call(self.credentials, "describe_statement", Id=self.id)
        state, parts = self._seen["Status"], self._seen.get("SubStatements", [])
        done = sum(part.get("Status") == "FINISHED" for part in parts)
        failure = "" if state not in _ENDS - {"FINISHED"} else _why(self._seen, parts)
        return Look(state, state in _ENDS, failure, done, len(parts) or None)

    def stop(self) -> None:
        """Cancel it; one that has ended stays as it is."""
        try:
            if call(self.credentials, "cancel_statement", Id=self.id).get("Status", True):
                return
            error = AwsError(
                f"Redshift did not cancel statement {self.id}.", fix="Cancel it once more."
            )
        except AwsError as refused:
            # The answer is the same for one that has ended and one that cannot be cancelled.
            if refused.code != "ValidationException":
                raise
            error = refused
        if not self.look().ended:
            raise error

    def result(self) -> RedshiftStatement:
        """Return it as it was seen last."""
        parts = tuple(_statement(part) for part in self._seen.get("SubStatements", []))
        return _statement(self._seen, parts)


def _statement(
    seen: Mapping[str, Any], parts: tuple[RedshiftStatement, ...] = ()
) -> RedshiftStatement:
    return RedshiftStatement(
        seen["Id"],
        seen.get("Status", ""),
        _known(seen.get("ResultRows")),
        seen.get("HasResultSet", False),
        _known(seen.get("ResultSize")),
        max(seen.get("Duration", 0), 0) / 1e9,
        seen.get("SessionId", ""),
        parts,
    )


def _known(number: int | None) -> int | None:
    return None if number is None or number < 0 else number


def _why(seen: Mapping[str, Any], parts: list[Mapping[str, Any]]) -> str:
    for number, part in enumerate(parts, 1):
        if part.get("Status") == "FAILED" and part.get("Error"):
            return f"statement {number} of {len(parts)}: {part['Error']}"
    return seen.get("Error") or "Redshift does not say why"


def sent_parameters(values: Mapping[str, Any] | None) -> list[dict[str, str]] | None:
    """Return the values of parameters as they are sent: as texts, which Redshift converts.

    Raises:
        InvalidArguments: Redshift's parameters know no such value.
    """
    return [
        {"name": name, "value": _text(name, each)} for name, each in (values or {}).items()
    ] or (None)


def _text(name: str, given: Any) -> str:
    value = revealed(given)
    if value is None or value == "":
        raise InvalidArguments(
            f"The parameter {name} is {'NULL' if value is None else 'an empty text'}, which the "
            "Data API of Redshift takes as no parameter.",
            fix="Write NULL or '' into the statement, or let NULLIF make it of another value.",
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str.__str__(value)  # of a member of an Enum, too
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float | UUID):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping | list | tuple):
        return to_json(value, f"The parameter {name}")
    raise InvalidArguments(
        f"The parameter {name} is a {type(value).__name__}, of which Redshift knows nothing.",
        fix="Give text, a number, a bool, a date or time, a UUID, bytes, a list or a dict.",
    )


def call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of Redshift's Data API."""
    return Operation(credentials, "redshift-data", operation).call(parameters)
