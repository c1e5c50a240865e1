"""Whether the options about caching, which are for engines, can be used."""

from typing import TYPE_CHECKING, Any

from brickwork.errors import TaskError

if TYPE_CHECKING:
    from brickwork.tasks.definition import Task


def check_caching(task: "Task[..., Any]") -> None:
    """Refuse options that no engine could follow.

    Raises:
        TaskError: An option cannot be used, or two contradict each other.
    """
    from datetime import timedelta

    policy = task.cache_policy
    function: object = task.cache_key_fn
    expiration: object = task.cache_expiration
    if policy is not None and not callable(getattr(policy, "compute_key", None)):
        raise TaskError(
            f"Task {task.name!r}: cache_policy is a {type(policy).__name__}, and no policy.",
            fix="Give one such as INPUTS of brickwork_flows; for a function, cache_key_fn=.",
        )
    if function is not None and not callable(function):
        raise TaskError(
            f"Task {task.name!r}: cache_key_fn is a {type(function).__name__}, and no function.",
            fix="Give a function of the context and the arguments by name that returns a text.",
        )
    if policy is not None and function is not None:
        raise TaskError(
            f"Task {task.name!r} has both a cache_policy and a cache_key_fn.",
            fix="Give one of them; CacheKeyFnPolicy of brickwork_flows makes a policy of the "
            "function, which can be added to others.",
        )
    if expiration is not None and not (
        isinstance(expiration, timedelta) and expiration > timedelta()
    ):
        raise TaskError(
            f"Task {task.name!r}: cache_expiration must be a timedelta above zero.",
            fix="For example cache_expiration=timedelta(hours=1).",
        )
