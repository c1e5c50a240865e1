"""``brickwork event``: what it prints, takes, and ends with."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork import BasicAuth, Secret
from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, command_here, command_line
from brickwork_flows import emit_event, flow
from brickwork_flows.runtime import Runtime, current_runtime

SECRET = "Zq7!xK-not-to-be-seen"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The history is one of this test's own, for other processes too."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    runtime = current_runtime()
    yield runtime
    runtime.close()
    runtime.history.close()


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process."""
    return command_here(run_brickwork, capfd)


@flow(flow_run_name="nightly-1")
def nightly() -> None:
    """Do nothing."""


def test_the_last_events_are_listed(brickwork: Command) -> None:
    """A table with the oldest first; JSON has a cursor that goes on after them."""
    nightly()
    BasicAuth(username="a", password=SECRET).save("x")
    done = brickwork("event", "ls")
    assert done.code == 0
    lines = done.out.splitlines()
    assert "brickwork.flow-run.Pending" in lines[1]
    assert lines[-1].split()[2:] == ["brickwork.block.created", "basic-auth/x", *_who(lines[-1])]
    listed = brickwork("event", "ls", "--limit", "2", "--json").json
    assert listed["schema"] == "brickwork.event.list/1"
    names = [each["event"] for each in listed["events"]]
    assert names == ["brickwork.flow-run.Completed", "brickwork.block.created"]
    assert listed["cursor"] == listed["events"][-1]["cursor"]
    assert SECRET not in done.out


def _who(line: str) -> list[str]:
    return line.split()[4:]


def test_tail_prints_lines_and_goes_on_after_a_cursor(brickwork: Command) -> None:
    """Ten at most without options; --after continues without a gap; each JSON line has a schema."""
    for number in range(12):
        emit_event("acme.n", payload={"n": number})
    assert len(brickwork("event", "tail").out.splitlines()) == 10
    lines = [
        json.loads(each) for each in brickwork("event", "tail", "-n3", "--json").out.splitlines()
    ]
    assert [each["payload"]["n"] for each in lines] == [9, 10, 11]
    assert {each["schema"] for each in lines} == {"brickwork.event/1"}
    emit_event("acme.next")
    assert brickwork("event", "tail", "--after", lines[-1]["cursor"]).out.count("acme.next") == 1
    assert len(brickwork("event", "tail", "--since", "1h").out.splitlines()) == 13
    assert brickwork("event", "tail", "-n0").out == ""


def test_filters_narrow_it_down(brickwork: Command) -> None:
    """By event, by run, and without blocks; what fits nothing is said on standard error."""
    nightly()
    BasicAuth(username="a", password=SECRET).save("x")
    assert brickwork("event", "tail", "--event", "block.*").out.count("\n") == 1
    assert brickwork("event", "tail", "--run", "nightly-1").out.count("\n") == 3
    assert brickwork("event", "tail", "--no-blocks").out.count("\n") == 3
    nothing = brickwork("event", "ls", "--event", "acme.*")
    assert (nothing.code, nothing.out) == (0, "")
    assert "No event is like that." in nothing.err


def test_emit_records_an_event(brickwork: Command) -> None:
    """Labels and payload are taken literally, or as a JSON object; its id is printed."""
    arguments = ("--resource", "report/7", "--resource", "team=ops", "--payload", "day=@x=1")
    done = brickwork("event", "emit", "acme.done", *arguments, "--payload", '{"n": 7}')
    listed = brickwork("event", "ls", "--json").json["events"]
    assert done.out.strip() == listed[0]["id"]
    assert listed[0]["resource"] == {"brickwork.resource.id": "report/7", "team": "ops"}
    assert listed[0]["payload"] == {"day": "@x=1", "n": 7}


@pytest.mark.parametrize(
    "arguments",
    [
        ("emit", "brickwork.mine"),
        ("emit", "a", "--payload", "{"),
        ("emit", "a", "--payload", "x"),
        ("emit", "a", "--resource", "=x"),
        ("tail", "--after", "x"),
        ("tail", "-n1", "--since", "1h"),
        ("tail", "--since", "soon"),
        ("rm",),
    ],
)
def test_wrong_use_is_refused(brickwork: Command, arguments: tuple[str, ...]) -> None:
    """Each ends with 2 and says what is wrong."""
    done = brickwork("event", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_old_events_are_removed(brickwork: Command) -> None:
    """What was emitted outside of runs goes by age; changes of runs stay."""
    nightly()
    emit_event("acme.x")
    assert "0 event(s) removed" in brickwork("event", "rm", "--older-than", "1h").err
    assert "1 event(s) removed" in brickwork("event", "rm", "--older-than", "0s").err
    assert len(brickwork("event", "ls", "--json").json["events"]) == 3


def test_a_payload_cannot_move_the_cursor(brickwork: Command) -> None:
    """Control characters are written out, and secrets hidden."""
    Secret(SECRET)
    emit_event("acme.x", payload={"a": "\x1b[2Jgone", "b": SECRET})
    done = brickwork("event", "tail")
    assert "\\u001b[2Jgone" in done.out
    assert SECRET not in done.out
    assert "\x1b" not in done.out


def test_tail_follows_until_ctrl_c() -> None:
    """An event of another process comes as a line; Ctrl-C ends it with 130."""
    command = [sys.executable, "-m", "brickwork", "event", "tail", "-f", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert command_line("event", "emit", "acme.first").code == 0
        assert json.loads(following.stdout.readline())["event"] == "acme.first"
        assert command_line("event", "emit", "acme.second").code == 0
        assert json.loads(following.stdout.readline())["event"] == "acme.second"
        following.send_signal(signal.SIGINT)
        assert following.wait(30) == 130


def test_without_a_vault_the_stream_goes_on(
    brickwork: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said on standard error, once."""
    nightly()
    (tmp_path / "broken.db").write_bytes(b"no database" * 100)
    monkeypatch.setenv("BRICKWORK_VAULT", str(tmp_path / "broken.db"))
    done = brickwork("event", "tail")
    assert (done.code, done.out.count("\n")) == (0, 3)
    assert done.err.count("left out") == 1
