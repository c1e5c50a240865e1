"""The parameters of a flow's run as they are recorded, so that another process can resume it."""

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Any

from brickwork import BrickworkError, Secret, mask, open_serializer
from brickwork_flows.errors import InvalidParameters

MAX_BYTES = 1024 * 1024
"""A parameter that is larger is not recorded, and given again."""

_SHOWN = 200
_PLAIN = frozenset({type(None), bool, int, str})

Recorded = dict[str, dict[str, Any]]


def recorded(arguments: Mapping[str, Any]) -> Recorded:
    """Return what is recorded of each parameter: its value, or why it must be given again.

    A saved block is recorded as its address with the version; a secret never is.
    """
    return {name: _recorded(value) for name, value in arguments.items()}


def _recorded(value: Any) -> dict[str, Any]:
    if isinstance(value, Secret):
        return {"again": "it is a secret"}
    if type(value) in _PLAIN and (type(value) is not str or len(value) <= _SHOWN):
        if type(value) is str and (mask(value) != value or _broken(value)):
            return {"again": "it holds a secret, or is no proper text"}
        return {"value": value}
    try:
        data = open_serializer("json").dumps(value)
    except BrickworkError as error:
        return {"again": mask(error.what)}
    text = data.decode("utf-8", "replace")
    if mask(text) != text:
        return {"again": "it holds a secret"}
    if len(data) > MAX_BYTES:
        return {"again": f"it is larger than {MAX_BYTES} bytes"}
    return {
        "json": b2a_base64(data, newline=False).decode("ascii"),
        "shown": mask(str(value))[:_SHOWN],
    }


def _broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def restored(kept: Mapping[str, Mapping[str, Any]], again: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run that is resumed.

    Args:
        kept: What `recorded` returned.
        again: Those that are given again, by name: that were not recorded, since they are secret
            or new; and blocks, for another version of one, or where one was deleted.

    Raises:
        InvalidParameters: One must be given again and is not, or is given and was recorded; or a
            recorded one cannot be read, such as a block that was deleted.
    """
    missing = {n: each["again"] for n, each in kept.items() if "again" in each and n not in again}
    values = {name: again[name] for name in again}
    known: list[str] = []
    for name, each in kept.items():
        if "again" in each:
            continue
        try:
            value = _restored(each)
        except BrickworkError as error:
            if name not in again:
                missing[name] = f"it cannot be read any more: {mask(error.what)}"
            continue
        if name not in again:
            values[name] = value
        elif not _is_block(value):
            known.append(name)
    if missing:
        lines = "".join(f"\n  - {name}: {why}" for name, why in missing.items())
        raise InvalidParameters(
            f"{len(missing)} parameter(s) of the run must be given again{lines}",
            fix="Give them: resume(run_id, name=value), or: brickwork run resume ID -p NAME=VALUE",
        )
    if known:
        raise InvalidParameters(
            f"A run that is resumed keeps its parameters: {', '.join(sorted(known))}.",
            fix="Give only those that were not recorded; for others, start a new run.",
        )
    return {name: values[name] for name in (*kept, *(n for n in again if n not in kept))}


def _is_block(value: Any) -> bool:
    from brickwork import Block

    return isinstance(value, Block)


def _restored(each: Mapping[str, Any]) -> Any:
    if "json" in each:
        return open_serializer("json").loads(a2b_base64(each["json"]))
    return each["value"]


def shown(kept: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return recorded parameters for people and JSON: values, or None where none is recorded."""
    return {name: each.get("shown", each.get("value")) for name, each in kept.items()}
