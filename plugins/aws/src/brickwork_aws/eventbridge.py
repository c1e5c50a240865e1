"""EventBridge: events put, and the rules that look for them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from brickwork import InvalidArguments, register_type
from brickwork_aws.batches import in_batches
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsNotFound
from brickwork_aws.operations import Operation
from brickwork_aws.tasks import retried_task, task_once

MAX_BYTES = 1024 * 1024
"""The entries of one request are below this together."""

_TIME_BYTES = 14
_MAY_PASS = ("InternalFailure", "InternalException", "Throttling", "ConcurrentModification")


@register_type("aws.eventbridge-event")
@dataclass(frozen=True)
class EventBridgeEvent:
    """An event to put.

    Attributes:
        source: Who says it: ``com.example.orders``; not ``aws.`` anything.
        type: What happened, in the words that rules look for: ``Order placed``.
        detail: More, as JSON has it: texts, numbers, lists, mappings.
        resources: ARNs or other names of what it is about.
        time: When it happened; by default when it is put.
    """

    source: str
    type: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    time: datetime | None = None


@task_once("events:PutEvents")
def eventbridge_put_events(
    credentials: AwsCredentials, events: list[EventBridgeEvent], *, bus: str | None = None
) -> list[str]:
    """Put any number of events on a bus, ten by each request, or 1 MB.

    Those that EventBridge could not take are put again, and only those. Not retried as a task:
    what was put would be put twice. See
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html.

    Args:
        credentials: Whose.
        events: The events.
        bus: The bus's name or ARN; by default that of the account.

    Returns:
        EventBridge's ids of the events, in order.

    Raises:
        InvalidArguments: One is above 1 MB, or its detail is no JSON; nothing was put.
        AwsError: Some were not put; says which.

    Examples:
        >>> from brickwork_aws import EventBridgeEvent
        >>> placed = EventBridgeEvent("com.example.shop", "Order placed", {"order": 1742})
        >>> eventbridge_put_events(credentials, [placed])
        ['...']
    """
    put = Operation(credentials, "events", "put_events")
    entries = [_entry(event, bus) for event in events]
    for number, entry in enumerate(entries):
        if _size(entry) >= MAX_BYTES:
            raise InvalidArguments(
                f"Event {number} (from 0) has {_size(entry):,} bytes; EventBridge takes less than "
                f"{MAX_BYTES:,}.",
                fix="Keep what is large in S3, and put its address.",
            )
    # The limit is one that entries stay below.
    done = in_batches(
        put.name,
        entries,
        lambda asked: _asked(put, asked),
        size=_size,
        most_bytes=MAX_BYTES - 1,
    )
    return [str(each["EventId"]) for each in done]


def _entry(event: EventBridgeEvent, bus: str | None) -> dict[str, Any]:
    try:
        detail = json.dumps(event.detail, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArguments(
            f"The detail of an event is no JSON: {type(error).__name__}.",
            fix="Give texts, numbers, lists and mappings with texts as keys.",
        ) from None
    entry = {
        "Source": event.source,
        "DetailType": event.type,
        "Detail": detail,
        "Resources": list(event.resources) or None,
        "Time": event.time,
        "EventBusName": bus,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _size(entry: Mapping[str, Any]) -> int:
    """Return the bytes that an entry counts for.

    See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html.
    """
    texts = [entry["Source"], entry["DetailType"], entry["Detail"], *entry.get("Resources", ())]
    return sum(len(each.encode()) for each in texts) + (_TIME_BYTES if "Time" in entry else 0)


def _asked(put: Operation, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Put some, and tell by their ids what became of each: EventBridge tells it by their order."""
    ids = [entry.pop("Id") for entry in entries]
    answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
    results = put.call({"Entries": entries})["Entries"]
    for number, found in zip(ids, results, strict=True):
        if "EventId" in found:
            answer["Successful"].append({"Id": number, **found})
        else:
            answer["Failed"].append(_failure(number, found))
    return answer


@retried_task("events:PutRule")
def eventbridge_put_rule(
    credentials: AwsCredentials,
    name: str,
    *,
    pattern: Mapping[str, Any] | None = None,
    schedule: str | None = None,
    description: str | None = None,
    enabled: bool = True,
    role_arn: str | None = None,
    bus: str | None = None,
) -> str:
    """Make a rule, or replace one; its targets stay.

    What is left out is not kept from before. See
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html.

    Args:
        credentials: Whose.
        name: The rule's name.
        pattern: Which events it looks for, ``{"source": ["com.example.orders"]}``; see
            https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html.
        schedule: When it acts by itself: ``rate(5 minutes)``, ``cron(0 20 * * ? *)``.
        description: For people.
        enabled: Whether it acts.
        role_arn: The role with which it does.
        bus: The bus's name or ARN; by default that of the account.

    Returns:
        The rule's ARN.

    Raises:
        InvalidArguments: There is neither a pattern nor a schedule; nothing was made.
        AwsNotFound: There is no such bus.
        AwsError: EventBridge refuses.

    Examples:
        >>> eventbridge_put_rule(credentials, "nightly-load", schedule="cron(0 3 * * ? *)")
        'arn:aws:events:...:rule/nightly-load'
    """
    if pattern is None and schedule is None:
        raise InvalidArguments(
            f"The rule {name!r} has neither a pattern nor a schedule.",
            fix="Give pattern= to look for events, or schedule= to act by the clock.",
        )
    answer = Operation(credentials, "events", "put_rule").call(
        {
            "Name": name,
            "EventPattern": None if pattern is None else json.dumps(pattern),
            "ScheduleExpression": schedule,
            "Description": description,
            "State": "ENABLED" if enabled else "DISABLED",
            "RoleArn": role_arn,
            "EventBusName": bus,
        }
    )
    return str(answer["RuleArn"])


@retried_task("events:EnableRule")
def eventbridge_enable_rule(
    credentials: AwsCredentials, name: str, *, bus: str | None = None
) -> None:
    """Let a rule act. One that does stays as it is.

    See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EnableRule.html.

    Args:
        credentials: Whose.
        name: The rule's name.
        bus: The bus's name or ARN; by default that of the account.

    Raises:
        AwsNotFound: There is no such rule.

    Examples:
        >>> from brickwork_aws import aws_call
        >>> eventbridge_enable_rule(credentials, "nightly-load")
        >>> aws_call(credentials, "events", "describe_rule", Name="nightly-load")["State"]
        'ENABLED'
    """
    Operation(credentials, "events", "enable_rule").call({"Name": name, "EventBusName": bus})


@retried_task("events:DisableRule")
def eventbridge_disable_rule(
    credentials: AwsCredentials, name: str, *, bus: str | None = None
) -> None:
    """Stop a rule from acting. One that does not stays as it is.

    See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DisableRule.html.

    Args:
        credentials: Whose.
        name: The rule's name.
        bus: The bus's name or ARN; by default that of the account.

    Raises:
        AwsNotFound: There is no such rule.

    Examples:
        >>> from brickwork_aws import aws_call
        >>> eventbridge_disable_rule(credentials, "nightly-load")
        >>> aws_call(credentials, "events", "describe_rule", Name="nightly-load")["State"]
        'DISABLED'
    """
    Operation(credentials, "events", "disable_rule").call({"Name": name, "EventBusName": bus})


@retried_task("events:ListTargetsByRule", "events:RemoveTargets", "events:DeleteRule")
def eventbridge_delete_rule(
    credentials: AwsCredentials, name: str, *, bus: str | None = None
) -> None:
    """Delete a rule, with its targets. One that is not there is deleted already.

    See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html.

    Args:
        credentials: Whose.
        name: The rule's name.
        bus: The bus's name or ARN; by default that of the account.

    Raises:
        AwsError: A target could not be removed, or the rule is one of AWS's own.

    Examples:
        >>> from brickwork_aws import aws_call
        >>> eventbridge_delete_rule(credentials, "nightly-load")
        >>> aws_call(credentials, "events", "list_rules", NamePrefix="nightly-load")["Rules"]
        []
    """
    rule = {"Rule": name, "EventBusName": bus}
    try:
        found = Operation(credentials, "events", "list_targets_by_rule").everything(rule)
    except AwsNotFound:
        return
    remove = Operation(credentials, "events", "remove_targets")
    in_batches(
        remove.name,
        [{"target": each["Id"]} for each in found.get("Targets", ())],
        lambda asked: _removed(remove, rule, asked),
    )
    Operation(credentials, "events", "delete_rule").call({"Name": name, "EventBusName": bus})


def _removed(
    remove: Operation, rule: Mapping[str, Any], entries: list[dict[str, Any]]
) -> dict[str, Any]:
    """Remove some targets; EventBridge tells only of those that it could not."""
    answer = remove.call({**rule, "Ids": [entry["target"] for entry in entries]})
    failed = {each["TargetId"]: each for each in answer.get("FailedEntries", ())}
    return {
        "Successful": [each for each in entries if each["target"] not in failed],
        "Failed": [
            _failure(each["Id"], failed[each["target"]])
            for each in entries
            if each["target"] in failed
        ],
    }


def _failure(number: str, found: Mapping[str, Any]) -> dict[str, Any]:
    code = str(found.get("ErrorCode", ""))
    return {
        "Id": number,
        "Code": code,
        "Message": found.get("ErrorMessage", ""),
        "SenderFault": not code.startswith(_MAY_PASS),
    }
