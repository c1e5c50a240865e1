"""Who runs the tasks that are submitted."""

from brickwork_flows.runners.interface import LazyRunner, TaskRunner, Watching
from brickwork_flows.runners.threads import ThreadRunner

__all__ = ["LazyRunner", "TaskRunner", "ThreadRunner", "Watching"]
