"""What a run that is resumed is a run of: its flow, as that is now, and its parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from brickwork import InvalidArguments
from brickwork_flows.definition import Flow
from brickwork_flows.errors import InvalidFlow, InvalidParameters
from brickwork_flows.finding import find
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.parameters import restored


def flow_of(record: RunRecord, target: str = "") -> Flow[Any, Any]:
    """Return the flow that a run was a run of.

    Args:
        record: The run.
        target: Where the flow is now, as `find` takes it; empty for where it was.

    Raises:
        InvalidFlow: It is not found; says what is there, and how to say where it is.
    """
    details = record.details
    entry = target or str(details.get("entry", ""))
    try:
        found = find(entry, "" if target else str(details.get("file", "")))
        if not isinstance(found, Flow):
            raise InvalidFlow(f"{entry} is a {type(found).__name__}, and no flow.")
    except InvalidFlow as error:
        if target:
            raise
        raise InvalidFlow(
            f"The flow {record.name!r} of the run {record.id} cannot be found again: {error.what}",
            fix=f"{error.fix + ' ' if error.fix else ''}Put it back; or say where it is now: "
            f"brickwork run resume {record.id} --flow path/to/file.py:name",
        ) from error.__cause__
    return found


def parameters_of(
    flow: Flow[Any, Any],
    record: RunRecord,
    again: Mapping[str, Any],
    resolve_block: Callable[[str], object] | None = None,
) -> dict[str, Any]:
    """Return the parameters of a run that is resumed, as its flow takes them now.

    Args:
        flow: The flow.
        record: The run.
        again: Parameters that are given again.
        resolve_block: As for `brickwork.Task.coerce`.

    Raises:
        InvalidFlow: The flow takes other parameters than when it ran.
        InvalidParameters: One must be given again, may not be, or does not fit.
    """
    import inspect

    arguments = restored(record.details.get("parameters", {}), again)
    takes = inspect.signature(flow.fn).parameters
    new = [
        name
        for name, each in takes.items()
        if each.default is each.empty
        and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        and name not in arguments
    ]
    if any(each.kind is each.VAR_KEYWORD for each in takes.values()):
        gone: list[str] = []
    else:
        gone = [name for name in arguments if name not in takes]
    if unknown := [name for name in gone if name in again]:
        raise InvalidParameters(
            f"Flow {flow.name!r} has no parameter {', '.join(unknown)}.",
            fix=f"It has: {', '.join(takes) or 'none'}.",
        )
    if new or gone:
        lines = [f"{name}: it is new, and has no default" for name in new]
        lines += [f"{name}: it is gone" for name in gone]
        raise _other_parameters(flow, record, lines)
    if flow.options.get("validate_parameters") is False or not arguments:
        return arguments
    try:
        return flow.task.coerce(arguments, resolve_block=resolve_block)
    except InvalidArguments as error:
        if any(f"\n  - {name}" in error.what for name in again):
            raise flow.misfit(error) from None
        raise _other_parameters(flow, record, error.what.split("\n  - ")[1:]) from None


def _other_parameters(
    flow: Flow[Any, Any], record: RunRecord, differences: Sequence[str]
) -> InvalidFlow:
    lines = "".join(f"\n  - {each}" for each in differences)
    return InvalidFlow(
        f"The flow {flow.name!r} takes other parameters than in the run {record.id}{lines}",
        fix="Let it take those that it took, and resume the run again. A new parameter may have a "
        f"default, or be given: brickwork run resume {record.id} -p NAME=VALUE",
    )
