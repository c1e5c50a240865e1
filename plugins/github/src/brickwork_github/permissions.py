"""What tasks need of a fine-grained token, or of a GitHub App.

See https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps.
"""

from collections.abc import Iterable
from typing import Any

from brickwork import Task

_LEVELS = ("read", "write", "admin")


def permissions_for(tasks: Iterable[Task[..., Any]]) -> dict[str, str]:
    """Return the least permissions that tasks declare, as a GitHub App's manifest has them.

    Args:
        tasks: The tasks; those of other plugins are left out, and what is none of GitHub's.
    """
    found: dict[str, str] = {}
    for task in tasks:
        if _is_anothers(task):
            continue
        for each in task.permissions:
            name, _, level = each.partition(":")
            if level in _LEVELS:
                found[name] = max(found.get(name, level), level, key=_LEVELS.index)
    if found:
        found.setdefault("metadata", "read")  # comes with any other
    return dict(sorted(found.items()))


def _is_anothers(task: Task[..., Any]) -> bool:
    """Tell whether a task is another plugin's, which may say ``chat:write``, as Slack does."""
    package = task.fn.__module__.partition(".")[0]
    return package.startswith("brickwork_") and package != __name__.partition(".")[0]
