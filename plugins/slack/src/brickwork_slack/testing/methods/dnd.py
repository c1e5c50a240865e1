"""``dnd.*``: do not disturb. See https://docs.slack.dev/reference/methods?family=dnd."""

from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.state import User
from brickwork_slack.testing.traffic import Refused, malformed


def _state(call: Call, user: User) -> dict[str, Any]:
    until = user.snoozed_until
    return {
        "dnd_enabled": False,
        "next_dnd_start_ts": 1,
        "next_dnd_end_ts": 1,
        "snooze_enabled": until > call.now,
        "snooze_endtime": until if until > call.now else 0,
        "snooze_remaining": max(until - call.now, 0),
    }


@method("dnd.info", "dnd:read")
def dnd_info(call: Call) -> dict[str, Any]:
    """Whether a user wants to be left alone."""
    user = call.person() if call.text("user") else call.user
    state = _state(call, user)
    if user.id != call.user.id:
        return {name: value for name, value in state.items() if not name.startswith("snooze")}
    return state


@method("dnd.setSnooze", "dnd:write", kinds=("user",))
def dnd_set_snooze(call: Call) -> dict[str, Any]:
    """Be left alone for some minutes."""
    minutes = int(call.number("num_minutes", 0, "invalid_num_minutes"))
    if minutes < 1:
        raise malformed("missing_duration")
    call.user.snoozed_until = call.now + 60 * minutes
    state = _state(call, call.user)
    return {name: value for name, value in state.items() if name.startswith("snooze")}


@method("dnd.endSnooze", "dnd:write", kinds=("user",))
def dnd_end_snooze(call: Call) -> dict[str, Any]:
    """Be there again."""
    if call.user.snoozed_until <= call.now:
        raise Refused("snooze_not_active")
    call.user.snoozed_until = 0
    state = _state(call, call.user)
    return {
        name: state[name] for name in state if name not in ("snooze_endtime", "snooze_remaining")
    }


@method("dnd.endDnd", "dnd:write", kinds=("user",))
def dnd_end_dnd(call: Call) -> None:
    """End the hours without notifications for now; nobody has any here."""
