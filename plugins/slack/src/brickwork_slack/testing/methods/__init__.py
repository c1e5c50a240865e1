"""What a loopback Slack does, a module for each family of methods."""

from brickwork_slack.testing.methods import (
    auth,
    chat,
    conversations,
    dnd,
    files,
    marks,
    search,
    usergroups,
    users,
    views,
)
from brickwork_slack.testing.methods.registry import METHODS, Method

__all__ = [
    "METHODS",
    "Method",
    "auth",
    "chat",
    "conversations",
    "dnd",
    "files",
    "marks",
    "search",
    "usergroups",
    "users",
    "views",
]
