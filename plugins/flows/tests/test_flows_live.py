"""The live tree: what it shows, in how many lines, beside prints, and how it leaves a terminal."""

import fcntl
import io
import re
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import Progress, Secret
from brickwork.testing.commandline import Conversation, command_line
from brickwork_flows.artifacts.records import ProgressShown
from brickwork_flows.cli import live_screen
from brickwork_flows.cli.live_screen import Screen
from brickwork_flows.cli.live_text import Row, cells, cut
from brickwork_flows.cli.live_tree import SIGNS, Tree
from brickwork_flows.history.events import RunStarted, StateSet
from brickwork_flows.submission import Submitted

SECRET = "Zq7!xK-not-to-be-seen"
NOW = 1_000.0


_CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class Terminal:
    """Shows what is written to it.

    Args:
        width: How many cells a line has; longer ones go on in the next.

    Attributes:
        lines: What is shown.
        codes: The last letters of the codes that were obeyed.
    """

    def __init__(self, width: int = 80) -> None:
        self.width = width
        self.lines = [""]
        self.codes: set[str] = set()
        self._row = self._column = 0

    def feed(self, text: str) -> "Terminal":
        """Take what a program writes."""
        at = 0
        while at < len(text):
            code = _CODE.match(text, at)
            if code is None:
                self._put(text[at])
                at += 1
                continue
            self._obey(code[1], code[2])
            at = code.end()
        return self

    def _obey(self, number: str, what: str) -> None:
        self.codes.add(what)
        if what == "A":
            self._row = max(0, self._row - int(number or 1))
        elif what == "J":
            del self.lines[self._row + 1 :]
            self.lines[self._row] = self.lines[self._row][: self._column]
        elif what == "K":
            self.lines[self._row] = self.lines[self._row][: self._column]
        else:
            assert what == "m", f"a code that nobody expects: {number}{what}"

    def _put(self, char: str) -> None:
        if char == "\r":
            self._column = 0
        elif char == "\n":
            self._row, self._column = self._row + 1, 0
        else:
            assert char.isprintable(), f"a character that moves the cursor: {char!r}"
            if self._column == self.width:
                self._row, self._column = self._row + 1, 0
            self._fill()
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + char + line[self._column + 1 :]
            self._column += 1
        self._fill()

    def _fill(self) -> None:
        while len(self.lines) <= self._row:
            self.lines.append("")

    @property
    def text(self) -> str:
        """What is shown, without empty lines at its end."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip()


def state(
    run: str, kind: str, number: int = 2, *, at: float = NOW - 1, message: str = ""
) -> StateSet:
    """Return an event: the run goes into a state."""
    return StateSet(run, number, kind, kind.capitalize(), message, at, 1)


def lines(tree: Tree, height: int = 100, width: int = 100) -> list[str]:
    """Return the tree as lines without colours."""
    return [row.text(width, colours=False) for row in tree.rows(height, SIGNS, NOW)]


# The tree


def test_few_calls_have_lines_of_their_own() -> None:
    """A flow, its tasks and what runs within them, in the order of their numbers."""
    tree = Tree("f", "report")
    tree.add([state("f", "running"), state("f.sub-0", "running"), state("f.sub-0/b-1", "running")])
    tree.add([state("f.sub-0/b-0", "completed"), state("f.a-0", "failed", message="OSError: no")])
    tree.add([RunStarted("f.sub-0", "flow", "sub", "monday", "f", "sub-0", "f")])
    assert lines(tree) == [
        "⠋ report  1.00s",
        "  ⠋ monday  1.00s",
        "    ✓ b-0  0.00s",
        "    ⠋ b-1  1.00s",
        "  ✗ a-0  0.00s  OSError: no",
    ]


def test_many_calls_are_one_line() -> None:
    """Ten thousand tasks are counted, those that failed told, and memory keeps a few."""
    tree = Tree("f", "report")
    tree.add(Submitted(f"f.fetch-{n}") for n in range(10_000))
    tree.add(state(f"f.fetch-{n}", "running", at=NOW - 9) for n in range(812))
    tree.add(state(f"f.fetch-{n}", "failed", 3, message="no") for n in range(3))
    tree.add(state(f"f.fetch-{n}", "completed", 3) for n in range(3, 800))
    assert lines(tree) == [
        "  report",
        "  ⠋ fetch 800/10000  3 failed, 12 running, 9.00s",
        *(f"    ✗ fetch-{n}  8.00s  no" for n in range(3)),
    ]


def test_of_many_those_that_tell_something_are_shown() -> None:
    """What reports progress, waits for a retry or has tasks of its own; three of them."""
    tree = Tree("f", "report")
    tree.add(state(f"f.load-{n}", "running") for n in range(20))
    tree.progress["f.load-7"] = Progress("load", 3, 4, "rows", None)
    tree.add([state("f.load-2", "scheduled", 3), state("f.load-9/inner-0", "running")])
    shown = lines(tree)
    assert shown[1:] == [
        "  ⠋ load 0/20  19 running, 1 waiting for a retry, 1.00s",
        "    ↻ load-2  1.00s",
        "    ⠋ load-7  75% rows  1.00s",
        "    ⠋ load-9  1.00s",
        "      ⠋ inner-0  1.00s",
    ]


def test_a_call_that_begins_again_is_counted_once() -> None:
    """A flow that is tried again brings its tasks back into the states of before."""
    tree = Tree("f", "report")
    for kind, number in (("running", 1), ("failed", 2), ("running", 3), ("completed", 4)):
        tree.add(state(f"f.t-{n}", kind, number) for n in range(8))
    assert lines(tree)[1] == "  ✓ t 8/8  0.00s"


def test_what_comes_at_once_is_as_what_comes_one_by_one() -> None:
    """Between two frames a run may begin, fail, begin again and end: counts and times are right."""
    events = [
        *(state(f"f.t-{n}", "pending", 1, at=NOW - 3) for n in range(8)),
        *(state(f"f.t-{n}", "running", 2, at=NOW - 3) for n in range(8)),
        *(state(f"f.t-{n}", "scheduled", 3, at=NOW - 2) for n in range(8)),
        *(state(f"f.t-{n}", "completed", 4, at=NOW - 1) for n in range(7)),
        state("f.t-7", "failed", 4, at=NOW - 1, message="no"),
        state("f.one-0", "running", at=NOW - 1.5),
        state("f.one-0", "completed", 3, at=NOW - 1),
    ]
    at_once, one_by_one = Tree("f", "report"), Tree("f", "report")
    at_once.add(events)
    for each in events:
        one_by_one.add([each])
    assert lines(at_once) == [
        *("  report", "  ✗ t 8/8  1 failed, 2.00s", "    ✗ t-7  2.00s  no", "  ✓ one-0  0.50s"),
    ]
    assert lines(one_by_one) == lines(at_once)


def test_what_ran_within_one_of_many_stands_nowhere_else() -> None:
    """The tasks of a flow that has ended, as one of many, are not shown as the outer flow's."""
    tree = Tree("f", "report")
    tree.add(state(f"f.sub-{n}", "completed") for n in range(10))
    tree.add([state("f.sub-9", "completed"), state("f.sub-9/inner-0", "completed")])
    assert [line.split()[1] for line in lines(tree)[1:]] == ["sub"]


def test_artifacts_show_their_progress() -> None:
    """Beside the run that made them, until that ends; whoever brings them up to date."""
    tree = Tree("f", "report")
    tree.add([state("f", "running"), state("f.load-0", "running")])
    tree.add([ProgressShown("f/1", "f", 10.0, "all"), ProgressShown("f/2", "f.load-0", 0.0, None)])
    tree.add([ProgressShown("f/1", "", 62.4, None), ProgressShown("f/2", "", 50.0, "\x1brows")])
    tree.add([ProgressShown("g/1", "g", 1.0, "other"), ProgressShown("f/3", "", 1.0, "unknown")])
    assert lines(tree) == ["⠋ report  62% all  1.00s", "  ⠋ load-0  50% \\u001brows  1.00s"]
    tree.add([state("f.load-0", "completed", at=NOW), ProgressShown("f/2", "", 99.0, None)])
    assert lines(tree)[1] == "  ✓ load-0  1.00s"


def test_what_has_ended_gives_way_first() -> None:
    """In a low terminal what runs stays, and a line tells how much is not shown."""
    tree = Tree("f", "report")
    tree.add(state(f"f.done{n}-0", "completed") for n in range(30))
    tree.add(state(f"f.now{n}-0", "running") for n in range(3))
    shown = lines(tree, height=6)
    assert len(shown) == 6
    assert [line.split()[1] for line in shown if "now" in line] == ["now0-0", "now1-0", "now2-0"]
    assert "  ... 29 more" in shown


def test_other_runs_are_passed_over() -> None:
    """A run whose id begins alike belongs to somebody else."""
    tree = Tree("f", "report")
    tree.add([state("f2", "running"), state("f2.a-0", "running"), Submitted("g.a-0")])
    assert lines(tree) == ["  report"]


def test_names_and_messages_are_harmless() -> None:
    """Control characters are written out, and secrets hidden."""
    Secret(SECRET)
    tree = Tree("f", "\x1b[2J")
    tree.add([RunStarted("f.a-0", "task", "a", f"x\u202e{SECRET}", "f", "a-0", "f")])
    tree.add([state("f.a-0", "failed", message=f"\r\x1b[31m{SECRET}")])
    text = "\n".join(lines(tree))
    assert SECRET not in text
    assert "\\u001b[2J" in text
    assert all(line.isprintable() for line in text.split("\n"))


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.integers(0, 30))
def test_a_line_is_never_too_long(text: str, width: int) -> None:
    """Whatever is in it, wide characters too, a cut text fits."""
    assert cells(cut(text, width)) <= max(0, width)


@settings(deadline=None)  # as above
@given(
    st.text(st.characters(categories=["L", "N", "S", "Zs"])),
    st.integers(0, 20),
    st.integers(4, 60),
)
def test_colours_change_no_text(text: str, depth: int, width: int) -> None:
    """With the codes taken out, a line is the same as without colours, and fits."""
    row = Row(depth, "✓", "green", text, text, ended=False)
    plain = row.text(width, colours=False)
    assert re.sub("\x1b\\[[0-9]*m", "", row.text(width, colours=True)) == plain
    assert cells(plain) <= width


# The screen


class Tty(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Tty:
    """Make one terminal of standard output and error; only what a test asks for is drawn."""
    stream = Tty()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(live_screen, "FIRST_SECONDS", 1000.0)
    monkeypatch.setattr(live_screen, "_AT_ONCE_SECONDS", -1.0)
    return stream


def two_rows(_height: int) -> list[Row]:
    """Return two lines to show."""
    return [Row(0, "*", "", name, "", ended=False) for name in ("one", "two")]


def test_prints_stand_above_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole lines and parts of some come out as they were printed, in their order."""
    tty = terminal_of(monkeypatch)
    screen = Screen(two_rows)
    print("before")
    screen.paint()
    print("first\nsecond", end="")
    print(" half", file=sys.stderr)
    print(" of it")
    screen.paint()
    print("asks: ", end="", flush=True)
    screen.paint()
    assert Terminal().feed(tty.getvalue()).text.endswith("asks:")
    print("answered")
    screen.close()
    print("after")
    shown = Terminal().feed(tty.getvalue()).text.split("\n")
    assert shown == [
        *("before", "first", " half", "second of it", "asks: answered", "* one", "* two", "after"),
    ]


def test_a_line_that_is_never_ended_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was printed last stands above the lines, though no newline came."""
    tty = terminal_of(monkeypatch)
    screen = Screen(two_rows)
    screen.paint()
    print("the end", end="")
    screen.close()
    assert Terminal().feed(tty.getvalue()).text == "the end\n* one\n* two"


def test_streams_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the end both are what they were, and a reference that somebody kept still writes."""
    tty = terminal_of(monkeypatch)
    screen = Screen(two_rows)
    kept = sys.stdout
    screen.close()
    assert sys.stdout is tty
    assert sys.stderr is tty
    kept.write("late\n")
    kept.writelines(["x\n"])
    assert tty.getvalue().endswith("late\nx\n")


def test_what_is_piped_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output that is no terminal gets what is printed, and nothing else."""
    terminal_of(monkeypatch)
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stdout", piped)
    screen = Screen(two_rows)
    print("data")
    screen.paint()
    screen.close()
    assert piped.getvalue() == "data\n"
    assert sys.stdout is piped


def test_no_color_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR the lines are there, without codes for colours."""
    tty = terminal_of(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    Screen(lambda _: [Row(0, "*", "red", "x", "y", ended=False)]).close()
    terminal = Terminal().feed(tty.getvalue())
    assert terminal.text == "* x  y"
    assert "m" not in terminal.codes


def test_what_the_terminal_cannot_write_is_counted_as_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a terminal of ASCII a letter takes four cells or more; the line fits nonetheless."""
    tty = terminal_of(monkeypatch)
    monkeypatch.setattr(Tty, "encoding", "ascii")
    monkeypatch.setattr(Screen, "_size", lambda _: (20, 24))
    screen = Screen(lambda _: [Row(0, "*", "", "größe" * 3, "文", ended=False)])
    screen.paint()
    screen.close()
    assert Terminal(20).feed(tty.getvalue()).text == "* gr\\xf6\\xdfegr\\xf~"


def test_many_threads_print_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line that was printed stands there once, and the tree below all."""
    tty = terminal_of(monkeypatch)
    screen = Screen(two_rows)

    def work(number: int) -> None:
        for line in range(50):
            sys.stdout.write(f"t{number} {line}\n")
            screen.paint()

    threads = [threading.Thread(target=work, args=(each,)) for each in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    screen.close()
    shown = Terminal().feed(tty.getvalue()).text.split("\n")
    assert sorted(shown[:-2]) == sorted(f"t{n} {line}" for n in range(4) for line in range(50))
    assert shown[-2:] == ["* one", "* two"]


def test_no_letter_is_lost_between_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that come in pieces, from many threads at once, are mixed at worst."""
    tty = terminal_of(monkeypatch)
    screen = Screen(lambda _: [Row(0, "*", "", "", "", ended=False)])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=lambda n=n: [print(n, end="|\n") for _ in range(300)])
            for n in range(4)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(interval)
        screen.close()
    shown = Terminal().feed(tty.getvalue()).text
    assert [shown.count(str(n)) for n in range(4)] == [300] * 4
    assert shown.count("|") == 1200


def test_a_terminal_that_is_gone_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs goes on, and ends, when nobody can see it any more."""
    tty = terminal_of(monkeypatch)
    screen = Screen(two_rows)
    tty.close()
    screen.close()


def test_a_narrower_terminal_is_tidied_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that the terminal has folded are erased with all their parts."""
    tty = terminal_of(monkeypatch)
    size = [40]
    monkeypatch.setattr(Screen, "_size", lambda _: (size[0], 24))
    screen = Screen(lambda _: [Row(0, "*", "", "x" * 90, "", ended=False)])
    print("above")
    screen.paint()
    wide = tty.getvalue()
    size[0] = 20
    screen.close()
    # The line of 39 cells that was drawn takes two of 20 now.
    terminal = Terminal(20).feed(wide).feed(tty.getvalue()[len(wide) :])
    assert terminal.text == f"above\n* {'x' * 16}~"


# A flow in a terminal

FLOWS = f"""
import time
from pathlib import Path
from brickwork import Secret, progress
from brickwork_flows import (
    ProcessRunner, create_progress_artifact, flow, get_run_logger, task, update_progress_artifact
)

@task
def fetch(n: int) -> int:
    return n

@task
def waits() -> None:
    Path(__file__).with_name("waits").touch()
    time.sleep(60)

@task
def counts() -> None:
    for done in range(8):
        progress(done, 8, "rows")
        time.sleep(0.2)

@flow
def report() -> int:
    get_run_logger().info("begins")
    print("printed")
    futures = fetch.map(range(1000))
    counts()
    return sum(each.result() for each in futures)

@flow
def endless() -> None:
    waits.submit()
    waits()

@task
def stubborn() -> None:
    while True:
        try:
            Path(__file__).with_name("waits").touch()
            time.sleep(0.01)
        except BaseException:
            Path(__file__).with_name("told").touch()

@flow
def unwilling() -> None:
    stubborn.submit().result()

@flow(task_runner=ProcessRunner(1))
def far() -> None:
    counts.submit().result()

@task
def draws() -> None:
    bar = create_progress_artifact(0, description="files")
    for percent in range(0, 100, 25):
        update_progress_artifact(bar, percent)
        time.sleep(0.2)

@flow
def bars() -> None:
    draws()

@flow(task_runner=ProcessRunner(1))
def far_bars() -> None:
    draws.submit().result()

@flow
def fails() -> None:
    Secret({SECRET!r})
    raise ValueError({SECRET!r})
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Returns what `flow run` takes for a flow of this page."""
    (tmp_path / "liveflows.py").write_text(FLOWS)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda name: f"liveflows:{name}"


def test_a_flow_shows_its_tree(target: Callable[[str], str]) -> None:
    """While it runs, and at the end; what is printed and logged stands above it."""
    with Conversation("flow", "run", target("report")) as talk:
        talk.wait_for("fetch")
        talk.wait_for("rows")
        assert talk.end() == 0
    shown = Terminal(79).feed(talk.shown).text.split("\n")
    begins = next(n for n, line in enumerate(shown) if line.endswith("begins"))
    tree = [re.sub(r"[0-9.]+s$", "s", line) for line in shown[-5:]]
    assert "✓ report-" in tree[0]
    assert tree[1:3] == ["  ✓ fetch 1000/1000  s", "  ✓ counts-0  s"]
    assert shown[-2].startswith("report: completed")
    assert shown[-1] == "499500"
    assert begins < len(shown) - 5


def test_progress_comes_from_another_process(target: Callable[[str], str]) -> None:
    """What a task of a ProcessRunner reports is shown as well."""
    with Conversation("flow", "run", target("far")) as talk:
        talk.wait_for("50% rows")
        assert talk.end() == 0


@pytest.mark.parametrize("name", ["bars", "far_bars"])
def test_progress_artifacts_are_shown(target: Callable[[str], str], name: str) -> None:
    """As they are updated, here and in another process."""
    with Conversation("flow", "run", target(name)) as talk:
        talk.wait_for("25% files")
        talk.wait_for("75% files")
        assert talk.end() == 0


def test_ctrl_c_leaves_the_terminal_as_it_was(target: Callable[[str], str], tmp_path: Path) -> None:
    """The tree says what was cancelled; nothing hid the cursor, and nothing is drawn afterwards."""
    with Conversation("flow", "run", target("endless")) as talk:
        talk.wait_for("waits-1")
        talk.press(b"\x03")
        assert talk.end() == 130
    terminal = Terminal(79).feed(talk.shown.replace("^C", ""))
    assert terminal.codes <= set("AJKm")
    assert "Cancelled" in terminal.text
    assert "to go on: brickwork run resume" in terminal.text


def test_ctrl_c_twice_waits_for_nothing(target: Callable[[str], str], tmp_path: Path) -> None:
    """What does not listen is left at once, and recorded as cancelled; how to go on is said."""
    with Conversation("flow", "run", target("unwilling")) as talk:
        talk.wait_for("stubborn-0")
        talk.press(b"\x03")
        while not (tmp_path / "told").exists():
            time.sleep(0.01)
        talk.press(b"\x03")
        assert talk.end() == 130
    assert "to go on: brickwork run resume" in talk.shown
    done = command_line("run", "ls", "--json")
    assert [each["state"] for each in done.json["runs"]] == ["cancelled"]


def test_secrets_are_masked_in_the_tree(target: Callable[[str], str]) -> None:
    """The message of an error that holds one shows it nowhere."""
    with Conversation("flow", "run", target("fails")) as talk:
        assert talk.end() == 1
    assert "***" in talk.shown
    assert SECRET not in talk.shown


@pytest.mark.parametrize("options", [("--quiet",), ("--json",)])
def test_no_tree_where_none_is_wanted(
    target: Callable[[str], str], options: tuple[str, ...]
) -> None:
    """--quiet says nothing, and --json draws nothing."""
    with Conversation("flow", "run", target("far"), *options) as talk:
        assert talk.end() == 0
    assert "\x1b" not in talk.shown
    assert "counts" not in talk.shown


@pytest.mark.parametrize("name", ["dumb", ""])
def test_a_dumb_terminal_gets_lines(
    target: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One that cannot move its cursor is not asked to."""
    monkeypatch.setenv("TERM", name)
    with Conversation("flow", "run", target("far")) as talk:
        assert talk.end() == 0
    assert "\x1b" not in talk.shown
    assert "far: completed" in talk.shown


def test_without_a_terminal_there_are_lines(target: Callable[[str], str]) -> None:
    """A pipe gets plain lines."""
    done = command_line("flow", "run", target("far"))
    assert (done.code, done.out) == (0, "")
    assert [line.split()[1] for line in done.err.splitlines()] == ["run", "completed"]


def test_a_small_terminal_and_a_resized_one(target: Callable[[str], str]) -> None:
    """No line is longer than the terminal is wide when it is drawn, also after it shrank."""
    with Conversation("flow", "run", target("report")) as talk:
        _resize(talk, 30, 8)
        talk.wait_for("rows")
        _resize(talk, 20, 6)
        talk.wait_for("62%")
        assert talk.end() == 0
    last = talk.shown.split("\x1b[J")[-2]
    drawn = [re.sub("\x1b\\[[0-9]*[A-Za-z]|\r", "", line) for line in last.split("\n")]
    assert all(cells(line) < 20 for line in drawn)


def _resize(talk: Conversation, columns: int, rows: int) -> None:
    fcntl.ioctl(talk._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
