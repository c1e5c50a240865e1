"""What runs log and print: kept with the run, in order, without secrets."""

import asyncio
import builtins
import contextvars
import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from brickwork import ConfigError, Secret
from brickwork_flows import (
    ProcessRunner,
    current_task_run,
    flow,
    get_run_logger,
    task,
    unmapped,
    use_history,
)
from brickwork_flows.cli.run import group
from brickwork_flows.history.events import Logged, RunStarted, StateSet
from brickwork_flows.lines import MAX_LINE, stored
from brickwork_flows.runtime import Runtime

SENTINEL = "Kq9-sentinel-of-logs-7f"


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[logging.Logger]:
    """Each test begins with loggers that nobody has set up."""
    root = logging.getLogger("brickwork.flows")
    before = root.handlers[:], root.level
    root.handlers.clear()
    root.setLevel(logging.NOTSET)
    yield root
    root.handlers[:] = before[0]
    root.setLevel(before[1])


class Seeing(logging.Handler):
    """Puts records into a list."""

    def __init__(self, seen: list[logging.LogRecord]) -> None:
        super().__init__()
        self.emit = seen.append  # type: ignore[method-assign,assignment]  # what it is for


def lines(runtime: Runtime) -> list[Logged]:
    """Return what the newest run has logged."""
    runtime.flush()
    return list(runtime.history.logs(runtime.history.runs()[0].id))


def texts(runtime: Runtime) -> list[str]:
    """Return the newest run's lines alone."""
    return [line.message for line in lines(runtime)]


def test_lines_of_flow_and_tasks_are_kept_in_order(runtime: Runtime) -> None:
    """Each line has its number, its level, and the run that logged it."""

    @task
    def load(day: str) -> None:
        get_run_logger().warning("loading %s", day)

    @flow
    def publish() -> None:
        get_run_logger().info("began")
        load("monday")
        get_run_logger().debug("not at this level")
        get_run_logger().info("done")

    publish()

    found = lines(runtime)
    run = runtime.history.runs()[0].id
    assert [line.number for line in found] == [1, 2, 3]
    assert [(line.run, line.level, line.message) for line in found] == [
        (run, logging.INFO, "began"),
        (f"{run}.load-0", logging.WARNING, "loading monday"),
        (run, logging.INFO, "done"),
    ]
    assert {line.logger for line in found} == {"brickwork.flows.publish"}


def test_a_subflow_logs_into_the_whole_run(runtime: Runtime) -> None:
    """Lines of a flow that a flow calls are numbered with the caller's."""

    @flow
    def inner() -> None:
        get_run_logger().info("inside")

    @flow
    def outer() -> None:
        get_run_logger().info("before")
        inner()
        get_run_logger().info("after")

    outer()

    assert [(line.number, line.message) for line in lines(runtime)] == [
        (1, "before"),
        (2, "inside"),
        (3, "after"),
    ]


def test_a_traceback_is_kept(runtime: Runtime) -> None:
    """What ``exception`` adds is part of the line."""

    @flow
    def main() -> None:
        try:
            raise ValueError("no disk")
        except ValueError:
            get_run_logger().exception("dealt with")

    main()

    (text,) = texts(runtime)
    assert text.startswith("dealt with\nTraceback")
    assert text.endswith("ValueError: no disk")


def test_outside_of_a_run_it_is_a_plain_logger(runtime: Runtime) -> None:
    """Nothing is raised and nothing kept; handlers get the record."""
    seen: list[logging.LogRecord] = []
    logging.getLogger("brickwork.flows").addHandler(Seeing(seen))

    get_run_logger().info("hello")

    assert [(record.name, record.getMessage()) for record in seen] == [("brickwork.flows", "hello")]
    assert runtime.history.runs() == []


def test_records_say_where_they_come_from(runtime: Runtime) -> None:
    """A handler of the program gets the caller's line, the run's names, and the caller's extra."""
    seen: list[logging.LogRecord] = []
    logging.getLogger("brickwork.flows").addHandler(Seeing(seen))

    @flow(flow_run_name="nightly")
    def main() -> None:
        get_run_logger().info("hello", extra={"rows": 3})

    main()

    (record,) = seen
    facts = vars(record)
    assert (facts["flow_name"], facts["flow_run_name"], facts["rows"]) == ("main", "nightly", 3)
    assert (Path(record.pathname).name, record.funcName) == (Path(__file__).name, "main")


def test_who_sets_up_no_logging_sees_it_on_standard_error(
    runtime: Runtime,
    fresh_logging: logging.Logger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With no handler anywhere the line is shown, and with one it is that one's business."""
    monkeypatch.setattr(fresh_logging, "propagate", False)  # pytest's handlers are at the root

    @flow(flow_run_name="nightly")
    def main() -> None:
        get_run_logger().info("hello")

    main()
    assert capsys.readouterr().err.endswith("| INFO    | nightly - hello\n")

    logging.getLogger("brickwork.flows").addHandler(logging.NullHandler())
    main()
    assert capsys.readouterr().err == ""
    assert texts(runtime) == ["hello"]


def test_the_level_is_set_by_a_variable(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """BRICKWORK_LOGGING_LEVEL decides what is logged; what is no level is an error."""
    monkeypatch.setenv("BRICKWORK_LOGGING_LEVEL", "loud")

    @flow
    def main() -> None:
        get_run_logger().debug("details")

    with pytest.raises(ConfigError, match="BRICKWORK_LOGGING_LEVEL"):
        main()
    monkeypatch.setenv("BRICKWORK_LOGGING_LEVEL", "debug")
    main()

    assert texts(runtime) == ["details"]


def test_a_logger_belongs_to_its_run_in_any_thread(runtime: Runtime) -> None:
    """A thread of the user's own, which knows of no run, logs for the logger's run."""

    @flow
    def main() -> None:
        logger = get_run_logger()
        thread = threading.Thread(target=lambda: logger.info("from a thread"))
        thread.start()
        thread.join()

    main()

    assert texts(runtime) == ["from a thread"]


def test_many_threads_lose_no_line(runtime: Runtime) -> None:
    """Numbers have no gap and none comes twice; each task's lines are in its order."""

    @task
    def chatter(number: int) -> None:
        for line in range(50):
            get_run_logger().info("%d %d", number, line)

    @flow
    def main() -> None:
        for future in chatter.map(list(range(8))):
            future.result()

    main()

    found = lines(runtime)
    assert [line.number for line in found] == list(range(1, 401))
    of_first = [line.message for line in found if line.run.endswith("chatter-3")]
    assert of_first == [f"3 {line}" for line in range(50)]


def test_async_runs_log_and_print(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    """Tasks that run at the same time in one loop keep their lines apart."""

    @task
    async def greet(name: str) -> None:
        await asyncio.sleep(0)
        print("hello", name)

    @flow(log_prints=True)
    async def main() -> None:
        await asyncio.gather(greet("a"), greet("b"))

    asyncio.run(main())

    found = {line.run.partition(".")[2]: line.message for line in lines(runtime)}
    assert found == {"greet-0": "hello a", "greet-1": "hello b"}
    assert sorted(capsys.readouterr().out.splitlines()) == ["hello a", "hello b"]


@task(task_run_name="far-{number}", retries=1)
def far_away(number: int, secret: str) -> int:
    """Log and print, in a process that must be able to import this; fail at first."""
    run = current_task_run()
    assert run is not None
    get_run_logger().info(
        "%d in %s, attempt %d, of %s", number, run.run_name, run.attempt, run.name
    )
    if run.attempt == 1:
        raise OSError("busy")
    made = Secret(secret[::-1])  # only that process knows it
    print("printed", *run.parameters, made.reveal())
    return os.getpid()


def test_processes_log_and_print_into_the_run(
    runtime: Runtime, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a task says in another process is kept with its run, without that one's secrets."""

    @flow(log_prints=True, task_runner=ProcessRunner(1))
    def main() -> list[int]:
        futures = far_away.map([1, 2], unmapped(SENTINEL[::-1]))
        return [future.result() for future in futures]

    assert os.getpid() not in main()

    found = [(line.run.partition(".")[2], line.message) for line in lines(runtime)]
    assert found == [
        ("far_away-0", "1 in far-1, attempt 1, of far_away"),
        ("far_away-0", "1 in far-1, attempt 2, of far_away"),
        ("far_away-0", "printed number secret ***"),
        ("far_away-1", "2 in far-2, attempt 1, of far_away"),
        ("far_away-1", "2 in far-2, attempt 2, of far_away"),
        ("far_away-1", "printed number secret ***"),
    ]
    assert SENTINEL not in capfd.readouterr().out


# Prints


def test_prints_are_kept_and_still_printed(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    """With ``log_prints``, a print is a line of the run, and is seen in the terminal."""

    @task
    def inside() -> None:
        print("in", "a", "task", sep="-", end="!\n")

    @flow(log_prints=True)
    def main() -> None:
        print("in the flow", 1)
        inside()

    before = builtins.print
    main()

    assert capsys.readouterr().out == "in the flow 1\nin-a-task!\n"
    assert texts(runtime) == ["in the flow 1", "in-a-task"]
    assert {line.logger for line in lines(runtime)} == {"print"}
    assert builtins.print is before, "print is put back"


def test_who_prints_decides(runtime: Runtime) -> None:
    """A task's own option goes before the flow's, and without either nothing is kept."""

    @task(log_prints=True)
    def talks() -> None:
        print("talks")

    @task(log_prints=False)
    def mute() -> None:
        print("mute")

    @task
    def neither() -> None:
        print("neither")

    @flow
    def quiet() -> None:
        talks()
        neither()
        print("quiet")

    @flow(log_prints=True)
    def loud() -> None:
        mute()
        neither()
        quiet()

    quiet()
    assert texts(runtime) == ["talks"]
    loud()
    assert texts(runtime) == ["neither", "talks", "neither", "quiet"]


def test_prints_of_other_threads_are_theirs(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thread outside of the run prints as ever; one of the run's tasks is kept."""
    begun, printed = threading.Event(), threading.Event()

    def outsider() -> None:
        begun.wait(10)
        print("outsider")
        printed.set()

    @task
    def worker() -> None:
        begun.set()
        assert printed.wait(10)
        print("worker")

    @flow(log_prints=True)
    def main() -> None:
        worker.submit().result()
        own = threading.Thread(target=contextvars.copy_context().run, args=(print, "copied"))
        own.start()
        own.join()

    thread = threading.Thread(target=outsider)
    thread.start()
    main()
    thread.join()

    assert texts(runtime) == ["worker", "copied"]
    assert capsys.readouterr().out == "outsider\nworker\ncopied\n"


def test_prints_to_files_are_left_alone(runtime: Runtime, tmp_path: Path) -> None:
    """What is printed to a file is no log."""

    @flow(log_prints=True)
    def main() -> None:
        with (tmp_path / "out").open("w") as file:
            print(f"to a file {SENTINEL}", file=file)

    main()

    assert texts(runtime) == []
    assert (tmp_path / "out").read_text() == f"to a file {SENTINEL}\n"


def test_print_is_put_back_after_a_failure(runtime: Runtime) -> None:
    """A flow that fails leaves ``print`` as it was."""

    @flow(log_prints=True)
    def main() -> None:
        print("soon")
        raise ValueError("no")

    before = builtins.print
    with pytest.raises(ValueError, match="no"):
        main()

    assert builtins.print is before
    assert texts(runtime) == ["soon"]


# Secrets and odd texts


def test_secrets_are_hidden_in_logs_and_prints(
    runtime: Runtime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the history, nor its journal, nor the terminal has one."""
    secret = Secret(SENTINEL)

    @flow(log_prints=True)
    def main() -> None:
        get_run_logger().info("token %s", secret.reveal())
        print("token", secret.reveal())
        try:
            raise ValueError(secret.reveal())
        except ValueError:
            get_run_logger().exception("failed")

    main()
    journals = b"".join(path.read_bytes() for path in tmp_path.rglob("*.journal"))

    assert texts(runtime)[:2] == ["token ***", "token ***"]
    shown = capsys.readouterr()
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SENTINEL not in shown.out + shown.err + "".join(texts(runtime))
    assert SENTINEL.encode() not in everything + journals


def test_a_long_line_is_cut_after_it_was_masked() -> None:
    """A secret on the cut is hidden whole, and the text says how much is missing."""
    Secret(SENTINEL)

    text = stored("x" * (MAX_LINE - 5) + SENTINEL + "y" * 100)

    assert "Kq9" not in text
    assert text.endswith("more characters)")
    assert len(text) < MAX_LINE + 100


def test_lone_surrogates_are_written_out(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is no Unicode, such as a file's name, does not break the run."""
    # Not to pytest's own handler: what it captures cannot be sent from a worker of xdist.
    quiet = logging.getLogger("brickwork.flows")
    monkeypatch.setattr(quiet, "propagate", False)
    monkeypatch.setattr(quiet, "handlers", [logging.NullHandler()])

    @flow
    def main() -> None:
        get_run_logger().info("file \udce4 \N{SNOWMAN}")

    main()

    assert texts(runtime) == ["file \\udce4 \N{SNOWMAN}"]


# The command


@pytest.fixture
def command(runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command line, on this test's history."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    return CliRunner()


def test_the_command_shows_lines(runtime: Runtime, command: CliRunner) -> None:
    """As text with time, level and run; by level; of one task alone; as JSON."""

    @task
    def load() -> None:
        get_run_logger().error("two\nlines")

    @flow(flow_run_name="nightly")
    def main() -> None:
        get_run_logger().info("began")
        load()

    main()
    runtime.flush()
    run = runtime.history.runs()[0].id

    shown = command.invoke(group, ["logs", run]).output.splitlines()
    assert shown[0].endswith("Z  INFO      nightly  began")
    assert [line.split("  ", 1)[1] for line in shown[1:]] == ["ERROR     load-0  two", "  lines"]
    errors = command.invoke(group, ["logs", run, "--level", "error", "--json"]).output
    assert [line["message"] for line in json.loads(errors)["logs"]] == ["two\nlines"]
    of_task = command.invoke(group, ["logs", f"{run}.load-0", "--json"]).output
    assert [line["message"] for line in json.loads(of_task)["logs"]] == ["two\nlines"]


def test_the_command_follows_a_run(tmp_path: Path, command: CliRunner) -> None:
    """It shows what is logged while it waits, each line once, and ends with the run."""
    inside, go_on = threading.Event(), threading.Event()

    @flow
    def main() -> None:
        logger = get_run_logger()
        logger.info("first")
        inside.set()
        assert go_on.wait(10)
        logger.info("second")

    def run() -> None:
        with use_history(tmp_path / "runs"):
            main()

    thread = threading.Thread(target=run)
    thread.start()
    assert inside.wait(10)
    with use_history(tmp_path / "runs") as runtime:
        runtime.flush()
        run_id = runtime.history.runs()[0].id
        read, logs = threading.Event(), runtime.history.logs

        def noted(*args: object, **kwargs: int) -> object:
            found = logs(*args, **kwargs)  # type: ignore[arg-type]  # as it is called
            if kwargs["after"]:
                go_on.set()  # the first line was shown
            read.set()
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runtime.history, "logs", noted)
            result = command.invoke(group, ["logs", run_id, "--follow", "--json"])
        thread.join()
        runtime.close()

    assert read.is_set()
    found = [json.loads(line)["message"] for line in result.output.splitlines()]
    assert found == ["first", "second"]


def test_a_resumed_run_numbers_on(runtime: Runtime) -> None:
    """Lines of before stay, and those that follow have numbers of their own."""
    from brickwork_flows.lines import RunLog

    run = "f" * 26
    runtime.recorder.write(
        RunStarted(run, "flow", "main", "main", None, "", run),
        StateSet(run, 1, "pending", "Pending", "", 1.0),
        Logged(run, 1, 1.0, 20, "print", "before"),
        StateSet(run, 2, "crashed", "Crashed", "", 2.0),
    )
    runtime.flush()
    log = RunLog(run, runtime)
    log.goes_on()

    log.add(run, 3.0, 20, "print", "after")

    runtime.flush()
    found = [(line.number, line.message) for line in runtime.history.logs(run)]
    assert found == [(1, "before"), (2, "after")]
