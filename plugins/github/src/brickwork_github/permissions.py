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
        tasks: The tasks; what they declare that is none of GitHub's is left out.
    """
    found: dict[str, str] = {}
    for task in tasks:
        for each in task.permissions:
            name, _, level = each.partition(":")
            if level in _LEVELS:
                found[name] = max(found.get(name, level), level, key=_LEVELS.index)
    if found:
        found.setdefault("metadata", "read")  # comes with any other
    return dict(sorted(found.items()))
