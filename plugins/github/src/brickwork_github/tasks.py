"""How the tasks of this package are made."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from brickwork import Task, exponential_backoff, task
from brickwork_github.errors import GitHubUnavailable

P = ParamSpec("P")
R = TypeVar("R")


def retried_task(*permissions: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function that may be called again.

    Requests are retried one by one; when GitHub is away for longer than that, the whole task is
    tried again, twice.

    Args:
        permissions: What a fine-grained token or an App needs: ``issues:write``, see
            https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens.
    """
    return task(
        retries=2,
        retry_delay_seconds=exponential_backoff(5, max_seconds=60),
        retry_jitter_factor=0.5,
        retry_on=GitHubUnavailable,
        permissions=permissions,
    )


def task_once(*permissions: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function that must not be called again; its docstring says why.

    Args:
        permissions: As of `retried_task`.
    """
    return task(permissions=permissions)
