"""The part of the contract of histories that is about changes: the stream of what happened."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from brickwork.testing import Contract
from brickwork_flows.history.events import Emitted, Event, RunStarted, StateSet
from brickwork_flows.history.interface import Change, History

_AT = 1_795_420_506.5


def _state(run: str, number: int, at: float = _AT) -> StateSet:
    return StateSet(run, number, "running", "Running", "why", at, number)


def _said(name: str, run: str = "", at: float = _AT) -> Emitted:
    return Emitted(f"id-{name}", name, at, run, {"payload": {"n": [1, None, "é"]}})


def _all(history: History) -> list[Change]:
    return list(history.changes(limit=100_000))


class ChangesContract(Contract):
    """What the changes of every history must keep; `HistoryContract` has it with the rest."""

    @pytest.fixture
    def history(self) -> History:
        """Override: an empty history."""
        raise NotImplementedError

    def test_changes_come_as_they_were_recorded(self, history: History) -> None:
        """States and emitted events, in one order, with what they are of."""
        run = RunStarted("f", "flow", "work", "work-1", None, "", "f")
        events: list[Event] = [_state("f", 1), _said("a", "f"), _state("f", 2, _AT - 9), _said("b")]
        history.record([run, *events[:2]])
        history.record(events[2:])
        found = _all(history)
        assert [each.event for each in found] == events, (
            "A change is missing, is another one, or stands elsewhere. The order is that in which "
            "they were recorded, whatever their times are."
        )
        facts = [each[2:] for each in found]
        assert facts == [("flow", "work", "work-1")] * 3 + [("", "", "")], (
            "A change names the kind and the names of its run; one outside of runs has none."
        )
        positions = [each.position for each in found]
        assert positions == sorted(set(positions)), "Each change has a position, ever greater."
        assert history.position() == positions[-1], "`position` is that of the newest change."

    def test_an_empty_history_has_no_changes(self, history: History) -> None:
        """Nothing has happened, and the position is 0."""
        assert (_all(history), history.position()) == ([], 0), "What has happened?"

    def test_a_change_comes_once(self, history: History) -> None:
        """What is recorded twice, as after a kill, is one change, where it was at first."""
        history.record([_state("f", 1), _said("a")])
        seen = _all(history)
        history.record([_state("f", 1), _said("a")])
        history.record([_said("a")._replace(name="other")])
        assert _all(history) == seen, (
            "A state with its number within its run, and an event with its id, is there once."
        )

    def test_changes_come_in_pages(self, history: History) -> None:
        """Each page goes on after the last position of the one before."""
        history.record([_state("f", number) for number in range(1, 8)])
        history.record([_said(str(number)) for number in range(3)])
        found: list[Change] = []
        while page := history.changes(after=found[-1].position if found else 0, limit=3):
            assert len(page) <= 3, "`limit` is how many changes are returned at most."
            found += page
            assert len(found) <= 10, "A page begins with what the one before ended with."
        assert found == _all(history), "A page missed something, or had it twice."

    def test_changes_are_filtered(self, history: History) -> None:
        """By time, and by a run with all that is within it."""
        runs = ["f", "f.a-0", "f.a-0/b-0", "f.a-01", "f2", "f2.a-0"]
        history.record([_state(run, 1, _AT + at) for at, run in enumerate(runs)])
        history.record([_said("in", "f.a-0", _AT), _said("out")])
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({"since": _AT + 4}, ["f2", "f2.a-0"]),
            ({"run": "f"}, [*runs[:4], "f.a-0"]),
            ({"run": "f.a-0"}, [*runs[1:3], "f.a-0"]),
            ({"run": "f", "since": _AT + 3}, ["f.a-01"]),
            ({"run": "nobody's"}, []),
        ]
        for options, wanted in cases:
            found = [each.event.run for each in history.changes(**options)]
            assert found == wanted, f"{options} gave changes of {found}, and not of {wanted}."

    def test_positions_are_never_given_twice(self, history: History) -> None:
        """After the newest changes were removed, who has seen them still sees the next ones."""
        run = RunStarted("f", "flow", "work", "work-1", None, "", "f")
        history.record([_said("kept"), run, _state("f", 1), _said("in", "f")])
        last = history.position()
        history.remove("f")
        assert [each.event for each in _all(history)] == [_said("kept")], (
            "The changes of a run are removed with it, and no others."
        )
        history.record([_said("next")])
        found = [each.event for each in history.changes(after=last)]
        assert found == [_said("next")], (
            f"After the position {last}, {found} came. A position that was given once must not be "
            "given again, though its change was removed."
        )

    def test_nothing_is_missed_while_others_record(self, history: History) -> None:
        """Who reads on while four threads record gets each change once."""

        def record(thread: int) -> None:
            for number in range(1, 51):
                history.record([_state(f"r{thread}", number), _said(f"{thread}-{number}")])
            history.close()

        seen: list[Change] = []
        with ThreadPoolExecutor(4) as pool:
            recording = [pool.submit(record, thread) for thread in range(4)]
            page: Sequence[Change] = ()
            ended = False
            while not ended or page:
                ended = all(each.done() for each in recording)
                page = history.changes(after=seen[-1].position if seen else 0, limit=7)
                seen += page
                assert len(seen) <= 400, "A page has what one before it had."
        for each in recording:
            each.result()
        assert len(seen) == 400, (
            f"{len(seen)} of 400 changes were seen. Positions must be given in the order in which "
            "transactions are committed: a later commit must not bring a smaller one."
        )
        assert seen == _all(history), "Something was seen twice, or is not there."

    def test_emitted_events_are_forgotten_by_age(self, history: History) -> None:
        """Those outside of runs, before a time; never what belongs to a run."""
        run = RunStarted("f", "flow", "work", "work-1", None, "", "f")
        history.record([run, _state("f", 1), _said("in", "f")])
        history.record([_said("old", at=_AT - 1), _said("new", at=_AT)])
        assert history.forget(_AT) == 1, "`forget` returns how many events were removed."
        left = [each.event for each in _all(history) if isinstance(each.event, Emitted)]
        assert [each.name for each in left] == ["in", "new"], (
            "What was emitted in a run goes with the run, and an event at that very time stays."
        )
