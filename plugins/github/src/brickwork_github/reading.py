"""Reads what stands in GitHub's answers in many places."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any


def moment(text: str) -> datetime:
    """Return a time, with its zone."""
    return datetime.fromisoformat(text)


def moment_or_none(text: str | None) -> datetime | None:
    """Return a time, where there is one."""
    return None if text is None else moment(text)


def login(user: Mapping[str, Any] | None) -> str:
    """Return the name of an account; GitHub calls those ghost that are no more."""
    return "ghost" if user is None else str(user["login"])


def logins(users: Iterable[Mapping[str, Any]] | None) -> tuple[str, ...]:
    """Return the names of accounts."""
    return tuple(map(login, users or ()))


def names(labels: Iterable[Mapping[str, Any] | str]) -> tuple[str, ...]:
    """Return the names of labels, which GitHub gives whole or bare."""
    return tuple(each if isinstance(each, str) else str(each["name"]) for each in labels)


def repository_in(api_url: str) -> str:
    """Return the repository of a URL of the API: ``owner/name``."""
    owner, name = api_url.partition("/repos/")[2].split("/")[:2]
    return f"{owner}/{name}"
