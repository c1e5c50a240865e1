"""The manifest of the app that tasks need: https://docs.slack.dev/reference/app-manifest."""

from collections.abc import Iterable
from typing import Any

from brickwork import Task

_OF_USERS = frozenset({"channels:write", "dnd:write", "search:read", "users.profile:write"})
"""Scopes that only a user's token can have, or whose methods take only such a token."""

_APPROVALS = "ask_approval"
"""The task that hears of buttons, by Socket Mode where there is an app token."""


def scopes_for(tasks: Iterable[Task[..., Any]]) -> dict[str, list[str]]:
    """Return the least scopes that tasks declare, of a bot's and of a user's token.

    Args:
        tasks: The tasks; what they declare that is none of Slack's is left out.
    """
    found: dict[str, set[str]] = {"bot": set(), "user": set()}
    for task in tasks:
        for scope in task.permissions if _is_ours(task) else ():
            found["user" if scope in _OF_USERS else "bot"].add(scope)
    return {kind: sorted(scopes) for kind, scopes in found.items() if scopes}


def manifest_for(tasks: Iterable[Task[..., Any]], name: str) -> dict[str, Any]:
    """Return the manifest of an app with the scopes that tasks declare.

    Args:
        tasks: The tasks.
        name: What the app is called.
    """
    tasks = list(tasks)
    scopes = scopes_for(tasks)
    interactive = any(_is_ours(task) and task.fn.__name__ == _APPROVALS for task in tasks)
    manifest: dict[str, Any] = {"display_information": {"name": name}}
    if "bot" in scopes:
        manifest["features"] = {"bot_user": {"display_name": name, "always_online": False}}
    if scopes:
        manifest["oauth_config"] = {"scopes": scopes}
    manifest["settings"] = {
        **({"interactivity": {"is_enabled": True}} if interactive else {}),
        "org_deploy_enabled": False,
        "socket_mode_enabled": interactive,
        "token_rotation_enabled": False,
    }
    return manifest


def _is_ours(task: Task[..., Any]) -> bool:
    return task.fn.__module__.partition(".")[0] == __name__.partition(".")[0]
