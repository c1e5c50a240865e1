"""Events: emitted, recorded, read on from a cursor, merged with those of blocks."""

import json
import multiprocessing
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import BasicAuth, Block, InvalidName, Secret, Vault, use_vault
from brickwork.vault.audit import ACTIONS
from brickwork_flows import (
    ProcessRunner,
    RecordedEvent,
    emit_event,
    events,
    flow,
    task,
    use_history,
)
from brickwork_flows.errors import InvalidEvent
from brickwork_flows.eventing import blocks
from brickwork_flows.eventing.recorded import Cursor
from brickwork_flows.history.events import Emitted, decoded, encoded
from brickwork_flows.runtime import Runtime

SECRET = "Zq7!xK-not-to-be-seen"


def names(**options: Any) -> list[str]:
    """Return the names of events."""
    return [each.event for each in events(**options)]


@task
def says(word: str) -> None:
    """Emit an event in a task."""
    emit_event("acme.said", "acme.word", payload={"word": word})


@task
def fails() -> None:
    """Fail."""
    raise OSError("no disk")


@flow(flow_run_name="talk-1")
def talk() -> None:
    """Run both."""
    says("hello")
    with suppress(OSError):
        fails()


# What happens to runs


@pytest.mark.usefixtures("runtime")
def test_states_of_runs_are_events() -> None:
    """Every state of a flow and its tasks is one, named after it, with the run it is of."""
    talk()
    found = list(events(blocks=False))
    assert [each.event for each in found] == [
        "brickwork.flow-run.Pending",
        "brickwork.flow-run.Running",
        "brickwork.task-run.Pending",
        "brickwork.task-run.Running",
        "acme.said",
        "brickwork.task-run.Completed",
        "brickwork.task-run.Pending",
        "brickwork.task-run.Running",
        "brickwork.task-run.Failed",
        "brickwork.flow-run.Completed",
    ]
    failed = found[-2]
    assert failed.run is not None
    assert failed.resource == {
        "brickwork.resource.id": f"brickwork.task-run.{failed.run}",
        "brickwork.resource.name": "fails-0",
    }
    assert failed.payload["task"] == "fails"
    assert failed.payload["state"]["message"] == "OSError: no disk"
    assert datetime.now(UTC) - failed.occurred < timedelta(minutes=5)


@pytest.mark.usefixtures("runtime")
def test_an_event_belongs_to_the_run_in_which_it_is_emitted() -> None:
    """That of a task's run names this; outside of runs there is none."""
    talk()
    outside = emit_event("acme.outside")
    (said,) = events(event="acme.said")
    (other,) = events(event="acme.outside")
    assert said.run is not None
    assert said.run.endswith(".says-0")
    assert said.payload == {"word": "hello"}
    assert said.resource == {"brickwork.resource.id": "acme.word"}
    assert (other.run, other.id) == (None, outside.id)


@task
def says_far(word: str) -> None:
    """Emit an event in another process."""
    emit_event("acme.far", payload={"word": word})


@flow(task_runner=ProcessRunner(1))
def talk_far() -> None:
    """Run it there."""
    says_far.submit("hi").result()


@pytest.mark.usefixtures("runtime")
def test_a_process_of_a_runner_emits_in_its_tasks_run() -> None:
    """The process that records gets the event, in the run of the task."""
    talk_far()
    (said,) = events(event="acme.*")
    assert said.run is not None
    assert (said.run.partition(".")[2], said.payload) == ("says_far-0", {"word": "hi"})


@pytest.mark.usefixtures("runtime")
def test_an_event_has_what_it_was_given() -> None:
    """Labels, payload, other resources, time, id and what it follows come back."""
    first = emit_event("acme.first")
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    payload = {"n": [1, None, 1.5, "é\U0001f9f1"], "deep": {"a": {}}}
    emit_event(
        "acme.second",
        {"kind": "report"},
        occurred=at,
        related=[{"role": "author"}],
        payload=payload,
        id="second",
        follows=first,
    )
    _, found = events()
    assert found[:8] == (
        *("second", "acme.second", at, {"kind": "report"}, payload, None),
        *(({"role": "author"},), first.id),
    )


@pytest.mark.usefixtures("runtime")
def test_an_event_with_an_id_is_recorded_once() -> None:
    """A task that runs once more says nothing twice."""
    for number in range(3):
        emit_event("acme.sent", id="mail-7", payload={"n": number})
    (found,) = events()
    assert found.payload == {"n": 0}


# What is refused, and hidden


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(
    "name", ["", "brickwork.flow-run.Completed", "a\nb", "x" * 201, "\x1b[2J", "half \ud83e"]
)
def test_names_that_cannot_be_are_refused(name: str) -> None:
    """Nothing is recorded under the engine's names, or what is no line of text."""
    with pytest.raises(InvalidEvent):
        emit_event(name)
    assert names() == []


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(
    "payload",
    [{"a": object()}, {"a": float("nan")}, {"a": "x" * 70_000}, {("a",): 1}, {"a": Secret(SECRET)}],
    ids=["object", "nan", "large", "key", "secret"],
)
def test_payloads_that_cannot_be_are_refused(payload: Any) -> None:
    """What JSON has not, what is too large, and secrets are errors that show no value."""
    with pytest.raises(InvalidEvent) as caught:
        emit_event("acme.bad", payload=payload)
    assert SECRET not in str(caught.value)
    assert names() == []


def test_secrets_are_hidden_in_events(runtime: Runtime) -> None:
    """A known secret stands in no file, wherever it was given."""
    Secret(SECRET)
    emit_event(f"acme.{SECRET}", SECRET, payload={SECRET: [f"a {SECRET}"]})
    runtime.flush()
    (found,) = events()
    assert (found.event, found.payload) == ("acme.***", {"***": ["a ***"]})
    kept = b"".join(path.read_bytes() for path in runtime.place.folder.rglob("*") if path.is_file())
    assert b"acme.***" in kept
    assert SECRET.encode() not in kept


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)  # the machine may be busy
@given(st.dictionaries(st.text(), _JSON, max_size=4), st.text(min_size=1))
def test_what_is_emitted_survives_the_journal(payload: dict[str, Any], name: str) -> None:
    """A line of the journal gives back the event that made it."""
    event = Emitted("id", name, 1.5, "r.t-0", {"payload": payload})
    assert decoded(encoded([event])) == [event]


# Reading on


@pytest.mark.usefixtures("runtime")
def test_each_cursor_goes_on_after_its_event() -> None:
    """Whoever stops anywhere, and goes on from there, has seen everything once."""
    BasicAuth(username="a", password=SECRET).save("x")
    talk()
    BasicAuth(username="b", password=SECRET).save("x", overwrite=True)
    whole = list(events())
    assert len(whole) == 12
    for number, event in enumerate(whole):
        assert list(events(after=event.cursor)) == whole[number + 1 :]


@pytest.mark.usefixtures("runtime")
def test_now_is_after_everything() -> None:
    """What has happened before does not come, what happens then does."""
    talk()
    reading = events(after="now")
    emit_event("acme.next")
    assert [each.event for each in reading] == ["acme.next"]


@pytest.mark.parametrize(
    "text", ["7", "1.2.3", "a.b", "1.", "-1.0", "1.9999999999999999999", "².1"]
)
@pytest.mark.usefixtures("runtime")
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """A typo does not read the whole stream once more."""
    with pytest.raises(InvalidName, match="cursor"):
        next(events(after=text), None)


@settings(deadline=None)  # as above
@given(st.integers(0, 10**17), st.integers(0, 10**17))
def test_a_cursor_reads_what_it_writes(changes: int, trail: int) -> None:
    """A cursor comes back from its text."""
    assert Cursor.parse(str(Cursor(changes, trail))) == (changes, trail)


@pytest.mark.usefixtures("runtime")
def test_events_are_filtered() -> None:
    """By patterns with and without the prefix, by run with what is in it, and by age."""
    talk()
    emit_event("acme.old", occurred=datetime.now(UTC) - timedelta(hours=2))
    (begun,) = events(event="brickwork.flow-run.Running")
    assert names(event="flow-run.*")[-1] == "brickwork.flow-run.Completed"
    assert len(names(event=("*.Failed", "acme.*"))) == 3
    assert begun.run is not None
    assert len(names(run=begun.run)) == 10
    assert names(run=f"{begun.run}.fails-0", event="*.Failed") == ["brickwork.task-run.Failed"]
    assert "acme.old" not in names(since=timedelta(hours=1))
    assert names(since=datetime.now(UTC) + timedelta(hours=1)) == []


@pytest.mark.usefixtures("runtime")
def test_following_gives_what_comes() -> None:
    """It waits, and gives what another thread emits."""
    following = events(after="now", follow=True)
    ready = threading.Event()

    def emit() -> None:
        ready.wait()
        emit_event("acme.late")

    with closing(following):  # type: ignore[type-var]  # a generator
        thread = threading.Thread(target=in_context(emit))
        thread.start()
        ready.set()
        assert next(following).event == "acme.late"
        thread.join()


def in_context(function: Callable[[], None]) -> Callable[[], object]:
    """Return a function that has the history in use, in another thread too."""
    from contextvars import copy_context

    context = copy_context()
    return lambda: context.run(function)


def _emit(folder: Path, writer: int, count: int) -> None:
    with use_history(folder) as runtime:
        for number in range(count):
            emit_event("acme.n", payload={"writer": writer, "n": number})
            if number % 7 == 0:
                runtime.flush()
        runtime.close()


def test_who_follows_misses_nothing_of_many_processes(runtime: Runtime) -> None:
    """Four processes emit and fold at different times; each event comes once, in its order."""
    spawn = multiprocessing.get_context("spawn")
    writers = [
        spawn.Process(target=_emit, args=(runtime.place.folder, each, 60)) for each in range(4)
    ]
    for writer in writers:
        writer.start()
    seen: list[RecordedEvent] = []
    after = ""
    while len(seen) < 240:
        alive = any(each.is_alive() for each in writers)
        page = list(events(after=after, event="acme.*", blocks=False))
        seen += page
        after = page[-1].cursor if page else after
        assert alive or page, f"{240 - len(seen)} events are lost"
    for writer in writers:
        writer.join()
    assert list(events(after=after)) == []
    of_writer = [[e.payload["n"] for e in seen if e.payload["writer"] == w] for w in range(4)]
    assert of_writer == [list(range(60))] * 4


# Blocks


@pytest.mark.usefixtures("runtime")
def test_changes_of_blocks_are_events_of_the_audit_trail() -> None:
    """Saved, changed, renamed and deleted: each is told once, with its address and no secret."""
    BasicAuth(username="a", password=SECRET).save("x")
    BasicAuth(username="b", password=SECRET).save("x", overwrite=True)
    vault = Vault.open()
    vault.rename("basic-auth/x", "y")
    vault.delete("basic-auth/y")
    found = list(events())
    assert [(each.event, each.resource["brickwork.resource.id"]) for each in found] == [
        ("brickwork.block.created", "brickwork.block.basic-auth/x"),
        ("brickwork.block.updated", "brickwork.block.basic-auth/x"),
        ("brickwork.block.renamed", "brickwork.block.basic-auth/y"),
        ("brickwork.block.deleted", "brickwork.block.basic-auth/y"),
    ]
    assert found[1].payload["version"] == 2
    assert found[2].payload["old"] == "basic-auth/x"
    assert SECRET not in repr(found)


@pytest.mark.usefixtures("runtime")
def test_blocks_are_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream needs no key: with none there, changes of blocks are told all the same."""
    BasicAuth(username="a", password=SECRET).save("x")
    monkeypatch.setenv("BRICKWORK_KEY_FILE", "/nowhere/key")
    with pytest.raises(Exception, match="key"):
        Block.load("basic-auth/x")
    assert names() == ["brickwork.block.created"]


def test_every_action_is_an_event_or_no_change() -> None:
    """What the audit trail can say has a name here, but for loads and its own beginning."""
    assert ACTIONS.keys() - blocks.NAMES.keys() == {"begin", "load", "load.failed"}
    assert blocks.NAMES.keys() <= ACTIONS.keys()


@pytest.mark.usefixtures("runtime")
def test_a_vault_that_cannot_be_read_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Events of runs go on, and one line says what is left out."""
    (tmp_path / "broken.db").write_bytes(b"no database" * 100)
    talk()
    with use_vault(Vault.open(f"sqlite:///{tmp_path / 'broken.db'}")):
        reading = events(follow=True)
        for _ in range(10):
            next(reading)
        emit_event("acme.more")
        assert next(reading).event == "acme.more"
    said = [each.message for each in caplog.records if "blocks are left out" in each.message]
    assert len(said) == 1


# Removal


def test_what_was_emitted_in_a_run_goes_with_it(runtime: Runtime) -> None:
    """What was emitted outside of it stays."""
    talk()
    emit_event("acme.outside")
    (begun,) = events(event="flow-run.Running")
    runtime.history.remove(begun.run or "")
    assert names() == ["acme.outside"]


def test_an_event_of_an_unknown_kind_is_no_json_to_us() -> None:
    """What a later version writes into a journal is an error of that line, and of no other."""
    with pytest.raises(ValueError, match="later"):
        decoded(json.dumps([["later", []]]).encode())
