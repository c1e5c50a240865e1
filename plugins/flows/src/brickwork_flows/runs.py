"""Runs as the history has them: found, looked at, and their results read back."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from brickwork_flows.errors import MissingResult, RunNotFound
from brickwork_flows.history.events import Logged, ResultKept
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.history.journal import journals_in
from brickwork_flows.history.recorder import FOLD_SECONDS
from brickwork_flows.parameters import shown
from brickwork_flows.results import payload_of, restore
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import State, StateType

_SHOWN = 5
_AT_ONCE = 1000


class RecordedRun:
    """A run of a flow or a task, as the history had it when it was asked for; for reading only.

    Args:
        runtime: Where it is recorded.
        record: The run.
    """

    __slots__ = ("_record", "_runtime")

    def __init__(self, runtime: Runtime, record: RunRecord) -> None:
        self._runtime = runtime
        self._record = record

    @property
    def id(self) -> str:
        """Its id."""
        return self._record.id

    @property
    def kind(self) -> str:
        """``flow`` or ``task``."""
        return self._record.kind

    @property
    def name(self) -> str:
        """The flow's or the task's name."""
        return self._record.name

    @property
    def run_name(self) -> str:
        """The name of this very run."""
        return self._record.run_name

    @property
    def state(self) -> State:
        """The state that it was in."""
        return self._record.state

    @property
    def states(self) -> tuple[State, ...]:
        """Every state that it was in until then, oldest first."""
        return self._record.states

    @property
    def attempts(self) -> int:
        """How many times it was tried."""
        return self._record.attempts

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, sorted."""
        return self._record.tags

    @property
    def parameters(self) -> Mapping[str, Any]:
        """A flow's parameters by name: plain values, others as text, None for what is no one's."""
        return shown(self._record.details.get("parameters", {}))

    def tasks(self) -> "list[RecordedRun]":
        """Return what ran within it, in the order in which it began: tasks, and flows."""
        record = self._record
        within = self._runtime.history.children(record.flow_run)
        if record.id != record.flow_run:
            within = [each for each in within if each.id.startswith(f"{record.id}/")]
        return [RecordedRun(self._runtime, each) for each in within]

    def result(self, *, allow_pickle: bool = False) -> Any:
        """Return what it returned.

        Args:
            allow_pickle: Read also what can run code when it is read. Only what was signed with a
                key of the vault in use is.

        Raises:
            MissingResult: It did not complete, or nothing was kept, or that cannot be read here;
                says which, and what to do.
        """
        return restore(self._kept(), allow_pickle=allow_pickle)

    def payload(self) -> bytes:
        """Return its result as the serializer wrote it: a text's UTF-8, a Parquet file, JSON.

        Nothing but the codecs needs to be installed, and nothing of it can run.

        Raises:
            MissingResult: As `result`.
        """
        return payload_of(self._kept())

    def logs(self) -> list[Logged]:
        """Return what it logged and printed, and what ran within it, oldest first."""
        found: list[Logged] = []
        page = self._page(0)
        while page:
            found += [each for each in page if self._is_of(each.run)]
            page = self._page(page[-1].number)
        return found

    def __repr__(self) -> str:
        return f"<RecordedRun {self.run_name} {self.id}: {self.state}>"

    def _page(self, after: int) -> Sequence[Logged]:
        return self._runtime.history.logs(self._record.flow_run, after=after, limit=_AT_ONCE)

    def _is_of(self, run: str) -> bool:
        own = self._record
        return own.id in (own.flow_run, run) or run.startswith(f"{own.id}/")

    def _kept(self) -> ResultKept:
        kept = self._runtime.history.result(self.id)
        if kept is not None:
            return kept
        state = self.state
        if state.type is StateType.COMPLETED:
            raise MissingResult(
                f"The result of the run {self.id} was not kept{_why(state.message)}.",
                fix="Results are kept unless persist_result=False; what JSON does not take needs a "
                'result_serializer, such as "pickle" or "arrow".',
            )
        raise MissingResult(
            f"The run {self.id} has no result: it is {state}.",
            fix=f"Look why: brickwork run show {self.id}." if state.final else "Wait for it.",
        )


def get_run(run_id: str) -> RecordedRun:
    """Return a run of the history in use, as it is now.

    Args:
        run_id: Its id, the unique beginning or end of one, or its name; what ran within a run of a
            flow is called after that, with a dot: ``ID.load-0``.

    Raises:
        RunNotFound: There is none, or more than one.
    """
    runtime = current_runtime()
    return RecordedRun(runtime, found(runtime, run_id))


def list_runs(
    *,
    flow: str | None = None,
    states: Iterable[StateType | str] = (),
    tags: Iterable[str] = (),
    before: str | None = None,
    limit: int = 50,
) -> list[RecordedRun]:
    """Return runs of flows that no other run called, the newest first.

    Args:
        flow: Only of the flow of that name.
        states: Only those that are in one of these; all if there are none.
        tags: Only those that have all of these.
        before: Only those that began before the run of that id, for the next page.
        limit: How many at most.

    Raises:
        ValueError: There is no such state.
    """
    runtime = current_runtime()
    runtime.flush()
    kinds = tuple(map(StateType, states))
    wanted = frozenset((tags,) if isinstance(tags, str) else tags)
    runs: list[RecordedRun] = []
    while len(runs) < limit:
        size = limit if not wanted else max(limit, _AT_ONCE)
        page = runtime.history.runs(name=flow, states=kinds, before=before, limit=size)
        runs += [RecordedRun(runtime, each) for each in page if wanted <= set(each.tags)]
        if len(page) < size:
            break
        before = page[-1].id
    return runs[:limit]


def found(runtime: Runtime, text: str) -> RunRecord:
    """Return a run by its id, the unique beginning or end of one, or its name.

    A run within a flow's is called after that one: ``ID.load-0``.

    Raises:
        RunNotFound: There is none, or more than one.
    """
    if not text:
        raise RunNotFound(
            "The id of a run is empty.", fix="`brickwork run ls` shows those there are."
        )
    runtime.flush()
    whole = text
    text, inside, matching = _matching(runtime, whole)
    if not matching and journals_in(runtime.place.journals):
        time.sleep(2 * FOLD_SECONDS)  # it may be in the journal of a process that lives
        text, inside, matching = _matching(runtime, whole)
    if text in matching:
        matching = [text]
    if len(matching) > 1:
        raise RunNotFound(
            f"{text!r} stands for several runs{_some(runtime, matching)}",
            fix="Write more of it, or the id of one.",
        )
    if not matching:
        return runtime.history.run(text)  # which says that there is none
    return runtime.history.run(f"{matching[0]}.{inside}" if inside else matching[0])


def _matching(runtime: Runtime, text: str) -> tuple[str, str, Sequence[str]]:
    """Return what stands for a flow's run, what for one within it, and the ids that it fits."""
    matching = runtime.history.matching(text)
    if matching or "." not in text:  # a name may hold a dot, too
        return text, "", matching
    flow_run, _, inside = text.partition(".")
    return flow_run, inside, runtime.history.matching(flow_run)


def _some(runtime: Runtime, ids: Sequence[str]) -> str:
    """Return a line for each of the first few runs, and one for the rest."""
    records = [runtime.history.run(each) for each in ids[:_SHOWN]]
    lines = [f"\n  {each.id}  {each.run_name}  {each.state}" for each in records]
    return ":" + "".join(lines) + ("\n  and others" if len(ids) > len(lines) else "")


def _why(message: str) -> str:
    return f": {message}" if message else ""
