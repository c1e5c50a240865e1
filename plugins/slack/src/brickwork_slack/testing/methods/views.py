"""``views.*``, and opening sockets: what an app shows, and hears with."""

import hashlib
from typing import Any

from brickwork_slack.testing.blocks import view_faults
from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.state import View
from brickwork_slack.testing.traffic import Refused, malformed

_MOST_STACKED = 3


def checked_view(call: Call) -> dict[str, Any]:
    """Return the view of a call, if Slack takes it."""
    view = call.json("view", "invalid_arguments")
    if not isinstance(view, dict):
        raise malformed("invalid_arguments", "[ERROR] missing required field: view")
    faults = view_faults(view)
    if faults:
        raise malformed("invalid_arguments", *(f"[ERROR] {fault}" for fault in faults))
    wanted = "home" if call.method == "views.publish" else "modal"
    if call.method != "views.update" and view.get("type") != wanted:
        raise malformed("invalid_arguments", f"[ERROR] must be {wanted} [json-pointer:/view/type]")
    return view


def _shape(call: Call, view: View) -> dict[str, Any]:
    given = view.payload
    shape = {
        "id": view.id,
        "team_id": call.workspace.id,
        "type": given["type"],
        "blocks": [{"block_id": call.server.short_id(), **each} for each in given["blocks"]],
        "private_metadata": given.get("private_metadata", ""),
        "callback_id": given.get("callback_id", ""),
        "external_id": given.get("external_id", ""),
        "clear_on_close": given.get("clear_on_close", False),
        "notify_on_close": given.get("notify_on_close", False),
        "hash": _hash(view),
        "root_view_id": view.root or view.id,
        "app_id": call.server.app_id,
        "app_installed_team_id": call.workspace.id,
        "bot_id": call.user.bot_id,
        "state": {"values": {}},
    }
    texts: dict[str, Any] = {
        name: given[name] for name in ("title", "close", "submit") if name in given
    }
    if view.previous:
        texts["previous_view_id"] = view.previous
    return shape | texts


def _hash(view: View) -> str:
    return hashlib.sha256(repr(view.payload).encode()).hexdigest()[:12]


def _triggered(call: Call) -> str:
    """Return the user whose action a trigger is of: it is good for once, within three seconds."""
    trigger = call.required("trigger_id", "invalid_trigger")
    if call.workspace.triggers.get(trigger) is None:
        raise Refused("invalid_trigger_id")
    user, until = call.workspace.triggers[trigger]
    if call.server.now() > until:
        raise Refused("expired_trigger_id")
    if not user:
        raise Refused("exchanged_trigger_id")
    call.workspace.triggers[trigger] = ("", until)
    return user


@method("views.open", check=checked_view)
def views_open(call: Call) -> dict[str, Any]:
    """Open a modal: https://docs.slack.dev/reference/methods/views.open."""
    payload = checked_view(call)
    _check_external(call, payload, "")
    view = View(call.server.new_id("V"), _triggered(call), payload)
    call.workspace.views[view.id] = view
    return {"view": _shape(call, view)}


@method("views.push", check=checked_view)
def views_push(call: Call) -> dict[str, Any]:
    """Put a modal over the one that is there: https://docs.slack.dev/reference/methods/views.push."""
    payload = checked_view(call)
    _check_external(call, payload, "")
    user = _triggered(call)
    stack = [each for each in call.workspace.views.values() if each.user == user and not each.home]
    if not stack:
        raise Refused("invalid_trigger_id")
    if len(stack) >= _MOST_STACKED:
        raise Refused("push_limit_reached")
    view = View(call.server.new_id("V"), user, payload, stack[0].id, stack[-1].id)
    call.workspace.views[view.id] = view
    return {"view": _shape(call, view)}


@method("views.update", check=checked_view)
def views_update(call: Call) -> dict[str, Any]:
    """Change a view: https://docs.slack.dev/reference/methods/views.update."""
    payload = checked_view(call)
    external = call.text("external_id")
    if not external and not call.text("view_id"):
        raise malformed("invalid_arguments", "[ERROR] missing required field: view_id")
    for view in call.workspace.views.values():
        if call.text("view_id") == view.id or (external and external == view.external_id):
            _check_external(call, payload, view.id)
            if call.text("hash") not in ("", _hash(view)):
                raise Refused("hash_conflict")
            view.payload = payload
            return {"view": _shape(call, view)}
    raise Refused("not_found")


def _check_external(call: Call, payload: dict[str, Any], own: str) -> None:
    wanted = payload.get("external_id")
    for view in call.workspace.views.values():
        if wanted and view.id != own and view.external_id == wanted:
            raise Refused("duplicate_external_id")


@method("views.publish", check=checked_view)
def views_publish(call: Call) -> dict[str, Any]:
    """Fill a user's home tab: https://docs.slack.dev/reference/methods/views.publish."""
    payload = checked_view(call)
    user = call.person("user_id")
    for view in call.workspace.views.values():
        if view.home and view.user == user.id:
            if call.text("hash") not in ("", _hash(view)):
                raise Refused("hash_conflict")
            view.payload = payload
            return {"view": _shape(call, view)}
    view = View(call.server.new_id("V"), user.id, payload)
    call.workspace.views[view.id] = view
    return {"view": _shape(call, view)}


@method("apps.connections.open", "connections:write", kinds=("app",))
def apps_connections_open(call: Call) -> dict[str, Any]:
    """Open a socket: https://docs.slack.dev/reference/methods/apps.connections.open."""
    return {"url": call.server.sockets.new_url()}
