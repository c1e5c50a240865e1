"""How the tasks of this package are made."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from brickwork import Task, exponential_backoff, task
from brickwork_aws.faults import is_transient

P = ParamSpec("P")
R = TypeVar("R")


def retried_task(*permissions: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function that may be called again.

    botocore retries requests; what fails all the same in a way that may pass, such as throttling,
    makes the whole task be tried again, twice.

    Args:
        permissions: The IAM actions that it needs.
    """
    return task(
        retries=2,
        retry_delay_seconds=exponential_backoff(1, max_seconds=30),
        retry_jitter_factor=0.5,
        retry_on=is_transient,
        permissions=permissions,
    )


def task_once(*permissions: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function that must not be called again; its docstring says why.

    Args:
        permissions: The IAM actions that it needs.
    """
    return task(permissions=permissions)
