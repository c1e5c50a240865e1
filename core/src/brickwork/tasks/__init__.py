"""Tasks: typed functions with a policy for retries and time-outs, and a way to stop and report."""

from brickwork.tasks.calls import Watcher
from brickwork.tasks.definition import Options, Task, task
from brickwork.tasks.engine import Engine, TaskFuture, current_engine, stoppable, use_engine
from brickwork.tasks.retry import RetryPolicy, exponential_backoff
from brickwork.tasks.scope import (
    Progress,
    Scope,
    cancelled,
    check_cancelled,
    on_progress,
    progress,
    remaining,
    sleep,
    sleep_async,
)

__all__ = [
    "Engine",
    "Options",
    "Progress",
    "RetryPolicy",
    "Scope",
    "Task",
    "TaskFuture",
    "Watcher",
    "cancelled",
    "check_cancelled",
    "current_engine",
    "exponential_backoff",
    "on_progress",
    "progress",
    "remaining",
    "sleep",
    "sleep_async",
    "stoppable",
    "task",
    "use_engine",
]
