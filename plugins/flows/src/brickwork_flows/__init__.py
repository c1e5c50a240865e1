"""Flows in plain Python for Brickwork: tracked, retried, cached, persisted, resumable; no server.

The names are imported when they are asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork import task as task
    from brickwork_flows.artifacts import (
        Artifact as Artifact,
        acreate_image_artifact as acreate_image_artifact,
        acreate_link_artifact as acreate_link_artifact,
        acreate_markdown_artifact as acreate_markdown_artifact,
        acreate_progress_artifact as acreate_progress_artifact,
        acreate_table_artifact as acreate_table_artifact,
        aupdate_progress_artifact as aupdate_progress_artifact,
        create_image_artifact as create_image_artifact,
        create_link_artifact as create_link_artifact,
        create_markdown_artifact as create_markdown_artifact,
        create_progress_artifact as create_progress_artifact,
        create_table_artifact as create_table_artifact,
        get_artifact as get_artifact,
        list_artifacts as list_artifacts,
        update_progress_artifact as update_progress_artifact,
    )
    from brickwork_flows.caching import (
        DEFAULT as DEFAULT,
        FLOW_PARAMETERS as FLOW_PARAMETERS,
        INPUTS as INPUTS,
        NO_CACHE as NO_CACHE,
        RUN_ID as RUN_ID,
        TASK_SOURCE as TASK_SOURCE,
        CacheContext as CacheContext,
        CacheKeyFnPolicy as CacheKeyFnPolicy,
        CachePolicy as CachePolicy,
    )
    from brickwork_flows.current import (
        CurrentRun as CurrentRun,
        current_flow_run as current_flow_run,
        current_task_run as current_task_run,
    )
    from brickwork_flows.definition import Flow as Flow, flow as flow
    from brickwork_flows.errors import FlowSuspended as FlowSuspended
    from brickwork_flows.eventing.emitting import emit_event as emit_event
    from brickwork_flows.eventing.recorded import RecordedEvent as RecordedEvent
    from brickwork_flows.eventing.stream import events as events
    from brickwork_flows.futures import (
        RunFuture as RunFuture,
        allow_failure as allow_failure,
        unmapped as unmapped,
    )
    from brickwork_flows.history.events import (
        Emitted as Emitted,
        Event as Event,
        Logged as Logged,
        ResultKept as ResultKept,
        RunStarted as RunStarted,
        StateSet as StateSet,
    )
    from brickwork_flows.history.interface import (
        Change as Change,
        Entry as Entry,
        History as History,
        RunRecord as RunRecord,
    )
    from brickwork_flows.hookspecs import hookimpl as hookimpl
    from brickwork_flows.limits.api import (
        Holder as Holder,
        Limit as Limit,
        aconcurrency as aconcurrency,
        arate_limit as arate_limit,
        concurrency as concurrency,
        list_limits as list_limits,
        rate_limit as rate_limit,
        release_limit as release_limit,
        remove_limit as remove_limit,
        set_limit as set_limit,
    )
    from brickwork_flows.logs import get_run_logger as get_run_logger
    from brickwork_flows.names import tags as tags
    from brickwork_flows.pausing.inputs import RunInput as RunInput
    from brickwork_flows.pausing.messages import (
        Message as Message,
        asend_input as asend_input,
        receive_input as receive_input,
        send_input as send_input,
    )
    from brickwork_flows.pausing.pauses import (
        apause_flow_run as apause_flow_run,
        asuspend_flow_run as asuspend_flow_run,
        pause_flow_run as pause_flow_run,
        suspend_flow_run as suspend_flow_run,
    )
    from brickwork_flows.resuming import (
        aresume_flow_run as aresume_flow_run,
        resume as resume,
        resume_flow_run as resume_flow_run,
    )
    from brickwork_flows.retention import Pruned as Pruned, prune_runs as prune_runs
    from brickwork_flows.runners import TaskRunner as TaskRunner, ThreadRunner as ThreadRunner
    from brickwork_flows.runners.processes import ProcessRunner as ProcessRunner
    from brickwork_flows.runners.remote import RemoteCall as RemoteCall
    from brickwork_flows.runners.worker import perform_order as perform_order
    from brickwork_flows.runs import (
        RecordedRun as RecordedRun,
        get_run as get_run,
        list_runs as list_runs,
    )
    from brickwork_flows.runtime import use_history as use_history
    from brickwork_flows.states import State as State, StateType as StateType
    from brickwork_flows.transactions import (
        CommitMode as CommitMode,
        IsolationLevel as IsolationLevel,
        Transaction as Transaction,
        TransactionState as TransactionState,
        atransaction as atransaction,
        get_transaction as get_transaction,
        transaction as transaction,
    )
    from brickwork_flows.variables import Variable as Variable, list_variables as list_variables
    from brickwork_flows.waiting import as_completed as as_completed, wait as wait

_HOMES = {
    "artifacts": (
        "Artifact acreate_image_artifact acreate_link_artifact acreate_markdown_artifact"
        " acreate_progress_artifact acreate_table_artifact aupdate_progress_artifact"
        " create_image_artifact create_link_artifact create_markdown_artifact"
        " create_progress_artifact create_table_artifact get_artifact list_artifacts"
        " update_progress_artifact"
    ),
    "caching": (
        "CacheContext CacheKeyFnPolicy CachePolicy DEFAULT FLOW_PARAMETERS INPUTS NO_CACHE RUN_ID"
        " TASK_SOURCE"
    ),
    "current": "CurrentRun current_flow_run current_task_run",
    "eventing.emitting": "emit_event",
    "eventing.recorded": "RecordedEvent",
    "eventing.stream": "events",
    "history.events": "Emitted Event Logged ResultKept RunStarted StateSet",
    "history.interface": "Change Entry History RunRecord",
    "hookspecs": "hookimpl",
    "errors": "FlowSuspended",
    "limits.api": (
        "Holder Limit aconcurrency arate_limit concurrency list_limits rate_limit release_limit"
        " remove_limit set_limit"
    ),
    "logs": "get_run_logger",
    "names": "tags",
    "definition": "Flow flow",
    "futures": "RunFuture allow_failure unmapped",
    "pausing.inputs": "RunInput",
    "pausing.messages": "Message asend_input receive_input send_input",
    "pausing.pauses": "apause_flow_run asuspend_flow_run pause_flow_run suspend_flow_run",
    "resuming": "aresume_flow_run resume resume_flow_run",
    "runners": "TaskRunner ThreadRunner",
    "runners.processes": "ProcessRunner",
    "runners.remote": "RemoteCall",
    "runners.worker": "perform_order",
    "retention": "Pruned prune_runs",
    "runs": "RecordedRun get_run list_runs",
    "runtime": "use_history",
    "states": "State StateType",
    "variables": "Variable list_variables",
    "transactions": (
        "CommitMode IsolationLevel Transaction TransactionState atransaction get_transaction"
        " transaction"
    ),
    "waiting": "as_completed wait",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [*sorted(_HOME_OF), "task"]  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    if name == "task":
        from brickwork import task

        return task
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork_flows' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_flows.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
