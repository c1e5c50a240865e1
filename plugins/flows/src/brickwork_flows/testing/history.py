"""The contract of histories."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from brickwork_flows.errors import RunNotFound
from brickwork_flows.history.events import Event, Logged, ResultKept, RunStarted, StateSet
from brickwork_flows.history.interface import History
from brickwork_flows.states import State, StateType
from brickwork_flows.testing.changes import ChangesContract
from brickwork_flows.testing.entries import EntriesContract

_AT = 1_795_420_506.092616


def begun(run: str, *, flow_run: str = "", name: str = "work", at: float = _AT) -> list[Event]:
    """Return the events of a run that began: a flow's, or with ``flow_run`` a task's.

    Args:
        run: Its id.
        flow_run: The id of its flow's run; none for a flow.
        name: The flow's or task's name.
        at: When, in seconds since 1970.
    """
    key = run.partition(".")[2]
    started = RunStarted(
        id=run,
        kind="task" if flow_run else "flow",
        name=name,
        run_name=key or f"{name}-1",
        parent=flow_run or None,
        key=key,
        flow_run=flow_run or run,
        tags=("a", "b") if flow_run else (),
        inputs="1f",
        details={} if flow_run else {"version": "1", "parameters": {"n": [1, None, "é"]}},
    )
    return [
        started,
        StateSet(run, 1, "pending", "Pending", "", at),
        StateSet(run, 2, "running", "Running", "", at + 0.25, 1),
    ]


def ended(run: str, kind: StateType = StateType.COMPLETED, message: str = "") -> StateSet:
    """Return the event of the end of a run that `begun` began."""
    return StateSet(run, 3, kind.value, kind.value.capitalize(), message, _AT + 1, 1)


class HistoryContract(EntriesContract, ChangesContract):
    """What every history must keep. Subclass it and give ``history`` and ``reopened``."""

    def test_a_run_comes_back_as_it_was_recorded(self, history: History) -> None:
        """Every field of a run and of its states is read as it was written."""
        message = 'ValueError: "quoted" line\nsecond line, é, 漢字, \U0001f9f1'
        history.record([*begun("f"), ended("f", StateType.FAILED, message)])
        record = history.run("f")
        details = {"version": "1", "parameters": {"n": [1, None, "é"]}}
        assert record[:-2] == ("f", "flow", "work", "work-1", None, "", "f", (), "1f", details), (
            "A field of the run changed. Keep ids and texts as they are, tags and details as JSON."
        )
        assert record.states == (
            State(StateType.PENDING, "Pending", "", _AT),
            State(StateType.RUNNING, "Running", "", _AT + 0.25),
            State(StateType.FAILED, "Failed", message, _AT + 1),
        ), "A state changed, or the order did. Times are doubles, and states sort by their number."
        assert record.attempts == 1, "`attempts` is the greatest attempt of a run's states."

    def test_recording_twice_is_recording_once(self, history: History) -> None:
        """A journal is folded once more after a kill; nothing is there twice."""
        events: list[Event] = [
            *begun("f"),
            *begun("f.t-0", flow_run="f"),
            ResultKept("f.t-0", "json", b"1"),
            Logged("f.t-0", 1, _AT, 20, "app", "hello"),
            ended("f.t-0"),
        ]
        history.record(events)
        seen = _everything(history)
        history.record(events)
        history.record(events[2:])
        assert _everything(history) == seen, (
            "Recording the same events again changed something. What has the id of a run, or its "
            "number within a run, that is there already is to be passed over."
        )

    def test_what_is_there_is_not_overwritten(self, history: History) -> None:
        """A state that is recorded stays, whatever comes later under its number."""
        history.record([*begun("f"), ended("f")])
        history.record([StateSet("f", 3, "crashed", "Crashed", "late", _AT + 9, 1)])
        assert history.run("f").state.type is StateType.COMPLETED, (
            "A state was replaced by one with its number: whoever was first must win."
        )

    def test_later_batches_continue_a_run(self, history: History) -> None:
        """States of one run may come in many batches, and in any order."""
        first, *states = [*begun("f"), ended("f")]
        history.record([first])
        for state in reversed(states):
            history.record([state])
        kinds = [state.type.value for state in history.run("f").states]
        assert kinds == ["pending", "running", "completed"], (
            f"The states came back as {kinds}. They sort by their number, not by their arrival."
        )

    def test_a_batch_is_kept_whole_or_not_at_all(self, history: History) -> None:
        """What cannot be recorded takes the whole batch with it."""
        broken = StateSet("f", 4, "running", "Running", object(), _AT)  # type: ignore[arg-type]  # wrong on purpose
        with pytest.raises(Exception):  # noqa: B017  # whatever the store raises
            history.record([*begun("f"), ended("f"), broken])
        assert not history.runs(), "Half of a batch stayed. Record each batch in one transaction."

    def test_recording_nothing_is_fine(self, history: History) -> None:
        """An empty batch changes nothing, and is no error."""
        history.record([])
        assert not history.runs(), "There is a run that nobody recorded."

    def test_an_empty_history_answers(self, history: History) -> None:
        """Asked before anything was recorded, it knows nothing, and says so."""
        assert (list(history.runs()), list(history.children("f"))) == ([], []), "Whose are these?"
        assert history.result("f") is None, "There is a result of a run that is not there."
        assert not history.results("f"), "There are results of a run that is not there."
        assert not history.logs("f"), "There are logs of a run that is not there."
        assert not history.entries("notes"), "Whose entries are these?"
        with pytest.raises(RunNotFound):
            history.run("f")

    def test_it_is_kept(self, history: History, reopened: Callable[[], History]) -> None:
        """Whoever opens the history next finds what was recorded."""
        history.record([*begun("f"), ResultKept("f", "json", b"1"), ended("f")])
        history.close()
        other = reopened()
        assert other.run("f").state.type is StateType.COMPLETED, "The run is lost."
        assert other.result("f") == ResultKept("f", "json", b"1"), "The result is lost."
        other.close()
        assert history.run("f").id == "f", "After `close` a history opens again when it is used."

    def test_runs_are_the_flows_newest_first(self, history: History) -> None:
        """Tasks, and flows that other runs called, are not listed; the newest run is the first."""
        _three(history)
        inner = RunStarted("b.in-0", "flow", "in", "in-1", "b", "in-0", "b")
        history.record([inner, StateSet("b.in-0", 1, "pending", "Pending", "", _AT)])
        history.record(begun("b.t-0", flow_run="b"))
        found = _ids(history.runs())
        assert found == ["b", "c", "a"], (
            f"`runs` returned {found}. It lists runs without a parent, by the time of their first "
            "state, the newest first."
        )

    def test_runs_are_filtered(self, history: History) -> None:
        """By the name of the flow, by the state that a run is in now, and by both."""
        _three(history)
        failed, completed = StateType.FAILED, StateType.COMPLETED
        history.record([ended("a"), ended("b", failed)])
        for found, wanted in (
            (history.runs(name="other"), ["c"]),
            (history.runs(states=[completed]), ["a"]),
            (history.runs(states=[completed, failed]), ["b", "a"]),
            (history.runs(states=[StateType.PENDING]), []),
            (history.runs(name="work", states=[failed]), ["b"]),
            (history.runs(name="nobody's"), []),
        ):
            assert _ids(found) == wanted, (
                f"A filter returned {_ids(found)} and not {wanted}. The state that counts is the "
                "last one, and filters are joined by and."
            )

    def test_runs_come_in_pages(self, history: History) -> None:
        """Each page goes on where the one before ended, also among runs of one moment."""
        names = [f"run-{number:02}" for number in range(7)]
        for name in names:
            history.record(begun(name, at=_AT if name < "run-04" else _AT + 1))
        pages: list[str] = []
        before: str | None = None
        while page := _ids(history.runs(before=before, limit=2)):
            assert len(page) <= 2, "`limit` is how many runs are returned at most."
            pages += page
            before = page[-1]
        assert pages == names[::-1], (
            f"The pages had {pages}. Sort by time and id, and compare both with `before`'s."
        )

    def test_children_are_all_and_in_order(self, history: History) -> None:
        """What ran within a flow is there in the order in which it began, without the flow."""
        history.record(begun("f"))
        names = [f"f.t-{number}" for number in range(1200)]
        history.record([event for name in names for event in begun(name, flow_run="f")])
        history.record([*begun("g"), *begun("g.t-0", flow_run="g")])
        found = _ids(history.children("f"))
        assert found == names, (
            f"{len(found)} runs of 1200 came back, or in another order than they were recorded in."
        )
        assert history.children("f")[0].tags == ("a", "b"), "The tags of a task are lost."

    def test_results_come_back(self, history: History) -> None:
        """Bytes of every kind, and places of larger results, by run and by flow."""
        kept = [
            ResultKept("f.t-0", "json", bytes(range(256))),
            ResultKept("f.t-1", "json", b""),
            ResultKept("f.t-2", "json|zstd", None, "file:/tmp/x", "key/é"),
        ]
        events = [e for number in range(3) for e in begun(f"f.t-{number}", flow_run="f")]
        history.record([*begun("f"), *events, *kept])
        history.record([*begun("g"), ResultKept("g", "json", b"2")])
        assert [history.result(each.run) for each in kept] == kept, "A result changed."
        assert history.results("f") == {each.run: each for each in kept}, (
            "`results` returns those of every run whose `flow_run` it is, by the id of the run."
        )

    def test_a_newer_result_replaces_one(self, history: History) -> None:
        """A run that ran again has the result of that time."""
        history.record([*begun("f"), ResultKept("f", "json", b"1")])
        history.record([ResultKept("f", "text", b"2")])
        assert history.result("f") == ResultKept("f", "text", b"2"), "The old result stayed."

    def test_logs_come_in_order_and_in_parts(self, history: History) -> None:
        """Lines sort by their number; ``after`` and ``limit`` cut out a part."""
        lines = [Logged("f.t-0", n, _AT + n, 20, "app", f"line {n}") for n in range(1, 8)]
        history.record([*begun("f"), *lines[::-1], Logged("g", 1, _AT, 30, "app", "another's")])
        assert list(history.logs("f")) == lines, "Lines are missing, or not in their order."
        assert list(history.logs("f", after=3, limit=2)) == lines[3:5], (
            "`after` is the number of the last line not to return, `limit` how many at most."
        )

    def test_remove_takes_everything_of_one_run(self, history: History) -> None:
        """Nothing of it stays; the results to delete are told; other runs stay whole."""
        large = ResultKept("f.t-0", "json", None, "file:/tmp/x", "f")
        for run in ("f", "g"):
            history.record([*begun(run), *begun(f"{run}.t-0", flow_run=run)])
            own = large._replace(run=f"{run}.t-0", storage_key=run)
            history.record([ResultKept(run, "json", b"1"), own])
            history.record([Logged(run, 1, _AT, 20, "app", "x"), ended(run)])
            history.put("wishes", run, "cancel", run=run)
            history.put("wishes", f"{run}-stays", "cancel")
        seen = _everything(history, "g")
        assert list(history.remove("f")) == [large], "These files are to be deleted now."
        with pytest.raises(RunNotFound):
            history.run("f")
        left = (history.children("f"), history.logs("f"), history.results("f"))
        assert not any(left), f"Something of the removed run stayed: {left}"
        keys = [entry.key for entry in history.entries("wishes")]
        assert keys == ["f-stays", "g", "g-stays"], (
            "Entries that were put with the run are removed with it, and no others."
        )
        assert history.result("f.t-0") is None, "The result of a task of it stayed."
        assert _everything(history, "g") == seen, "Another run lost something."
        with pytest.raises(RunNotFound):
            history.remove("f")

    def test_a_result_that_runs_share_stays_for_the_last(self, history: History) -> None:
        """What the result of another run points to, as a cache hit does, is not to be deleted."""
        shared = ResultKept("f", "json", None, "file:/tmp/x", "f")
        for run in ("f", "g"):
            history.record([*begun(run), shared._replace(run=run), ended(run)])
        assert list(history.remove("f")) == [], "The run g would lose its result."
        assert list(history.remove("g")) == [shared._replace(run="g")], "Nobody needs it now."

    def test_compacting_loses_nothing(self, history: History) -> None:
        """Giving back space changes nothing that is kept, also when it is done twice."""
        history.record([*begun("f"), ended("f"), *begun("g"), ResultKept("g", "json", b"[1]")])
        history.put("colours", "sky", "blue")
        history.remove("f")
        before = history.run("g")
        history.compact()
        history.compact()
        after = (history.run("g"), history.result("g"), history.entry("colours", "sky"))
        assert after[0] == before, "A run is another one after compacting."
        assert None not in after, "Compacting has lost something that is kept."

    def test_threads_lose_nothing(self, history: History) -> None:
        """Eight threads that record at once keep everything."""

        def record(thread: int) -> None:
            for number in range(20):
                history.record([*begun(f"r-{thread}-{number}"), ended(f"r-{thread}-{number}")])
            history.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(record, range(8)))
        found = history.runs(limit=1000)
        assert len(found) == 160, f"{160 - len(found)} of 160 runs are lost."
        assert all(len(run.states) == 3 for run in found), "A run has lost states."


def _ids(runs: Sequence[object]) -> list[str]:
    return [run.id for run in runs]  # type: ignore[attr-defined]  # records


def _three(history: History) -> None:
    """Record three runs of flows, not in the order in which they began."""
    for run, name, at in (("c", "other", 2), ("a", "work", 1), ("b", "work", 3)):
        history.record(begun(run, name=name, at=_AT + at))


def _everything(history: History, run: str = "f") -> list[object]:
    return [
        history.run(run),
        history.children(run),
        history.results(run),
        history.result(run),
        history.logs(run),
        [each for each in history.runs() if each.id == run],
    ]
