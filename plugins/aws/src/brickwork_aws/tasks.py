"""How the tasks of this package are made."""

from collections.abc import Callable, Set as AbstractSet
from functools import partial
from typing import ParamSpec, TypeVar

from brickwork import Task, exponential_backoff, task
from brickwork_aws.faults import has_not_run, is_transient

P = ParamSpec("P")
R = TypeVar("R")


def retried_task(*permissions: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function that may be called again.

    botocore retries requests; what fails all the same in a way that may pass, such as throttling,
    makes the whole task be tried again, twice.

    Args:
        permissions: The IAM actions that it needs.
    """
    return _retried(is_transient, permissions)


def once_sent_task(
    *permissions: str, not_run: AbstractSet[str]
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task that is called again only where what it asks for was surely not done.

    Args:
        permissions: The IAM actions that it needs.
        not_run: The codes by which the service says that it did nothing, and may do so later.
    """
    return _retried(partial(has_not_run, codes=not_run), permissions)


def _retried(
    on: Callable[[BaseException], bool], permissions: tuple[str, ...]
) -> Callable[[Callable[P, R]], Task[P, R]]:
    return task(
        retries=2,
        retry_delay_seconds=exponential_backoff(1, max_seconds=30),
        retry_jitter_factor=0.5,
        retry_on=on,
        permissions=permissions,
    )


def task_once(*permissions: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function that must not be called again; its docstring says why.

    Args:
        permissions: The IAM actions that it needs.
    """
    return task(permissions=permissions)
