"""The command line in processes of its own: endings, pipes, what it imports."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from brickwork import BasicAuth, errors
from brickwork.cli import exit_codes
from brickwork.testing.commandline import command_line
from brickwork.testing.distributions import write_distribution

HEAVY = {"rich", "pydantic", "brickwork.vault", "brickwork.block", "cryptography", "boto3"}


def imported(*args: str, **env: str) -> set[str]:
    """Return the modules that a command imports."""
    done = command_line(*args, python=["-X", "importtime"], env=env)
    assert done.code == 0, done.err
    lines = [line for line in done.err.splitlines() if line.startswith("import time:")]
    names = {line.rpartition("|")[2].strip() for line in lines}
    assert "click" in names
    return names


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("help", "exit-codes")])
def test_help_imports_nothing_heavy(args: tuple[str, ...]) -> None:
    """What needs no vault imports neither it nor rich nor pydantic."""
    assert not imported(*args) & HEAVY


def test_listing_plugins_imports_none(tmp_path: Path) -> None:
    """`plugin ls` reads metadata: a plugin whose module would write a file is not imported."""
    trace = tmp_path / "imported"
    write_distribution(
        tmp_path,
        "brickwork-nosy",
        entry_points={"brickwork": {"nosy": "brickwork_nosy.plugin"}},
        modules={"brickwork_nosy.plugin": f"open({str(trace)!r}, 'w').close()"},
    )

    names = imported("plugin", "ls", PYTHONPATH=str(tmp_path))

    assert not [name for name in names if name.startswith(("brickwork_nosy", "brickwork_aws"))]
    assert not names & HEAVY
    assert not trace.exists()
    assert "nosy" in command_line("plugin", "ls", env={"PYTHONPATH": str(tmp_path)}).out


def test_a_plugins_command_is_listed_by_metadata_and_run_on_use(tmp_path: Path) -> None:
    """Help names a plugin's command and whose it is; only its use imports it."""
    source = """
        import click
        from brickwork import hookimpl

        @hookimpl
        def brickwork_commands():
            return {"greet": "brickwork_greet.commands:greet"}
    """
    command = """
        import click

        @click.command()
        @click.argument("who")
        def greet(who):
            print("hello", who)
    """
    from textwrap import dedent

    write_distribution(
        tmp_path,
        "brickwork-greet",
        entry_points={
            "brickwork": {"greet": "brickwork_greet.plugin"},
            "brickwork.commands": {"greet": "greet"},
        },
        modules={
            "brickwork_greet.plugin": dedent(source),
            "brickwork_greet.commands": dedent(command),
        },
    )
    env = {"PYTHONPATH": str(tmp_path)}

    assert "brickwork-greet 1.0" in command_line("--help", env=env).out
    assert "brickwork_greet" not in imported("--help", **env)
    assert command_line("greet", "you", env=env).out == "hello you\n"
    assert command_line("--no-plugins", "greet", "you", env=env).code == 2


def test_without_the_key_nothing_is_saved(isolated_home: Path) -> None:
    """`block create` with the key gone ends with 3, and the database is as it was (bar 6)."""
    key = {"BRICKWORK_KEY": "A" * 43}
    made = command_line(
        "block", "create", "secret", "one", "--set", "value=-", stdin="first-secret", env=key
    )
    assert made.code == 0, made.err
    database = isolated_home / "data" / "vault.db"

    def dump() -> list[str]:
        connection = sqlite3.connect(database)
        try:
            return list(connection.iterdump())
        finally:
            connection.close()

    before = dump()
    args = ("block", "create", "secret", "two", "--set", "value=-")
    unset = command_line("--keys", "env:BRICKWORK_KEY", *args, stdin="second-secret")
    wrong = command_line(*args, stdin="second-secret", env={"BRICKWORK_KEY": "B" * 42 + "A"})

    assert (unset.code, wrong.code) == (3, 3)
    assert "BRICKWORK_KEY" in unset.err
    assert "second-secret" not in unset.err + wrong.err
    assert dump() == before


def test_without_a_key_no_vault_is_made(isolated_home: Path) -> None:
    """The first save without a key ends with 3 and makes no database."""
    args = ("block", "create", "secret", "one", "--set", "value=-")
    done = command_line("--keys", "env:NO_SUCH_KEY", *args, stdin="some-secret")

    assert done.code == 3
    assert not (isolated_home / "data").exists()


def test_arguments_are_literal() -> None:
    """``@/etc/passwd`` is a text of its own, not the content of a file (attack 9)."""
    done = command_line(
        "block", "create", "basic-auth", "odd",
        "--set", "username=@/etc/passwd", "--set", "password=-",
        stdin="@/etc/hostname\n",
    )  # fmt: skip
    assert done.code == 0, done.err

    shown = json.loads(command_line("block", "show", "basic-auth/odd", "--json").out)

    assert shown["fields"]["username"] == "@/etc/passwd"
    assert BasicAuth.load("odd").password.reveal() == "@/etc/hostname"


def test_a_secret_in_an_argument_is_refused_and_not_repeated() -> None:
    """`--set password=literal` ends with 2, says why, and quotes nothing."""
    done = command_line(
        "block", "create", "basic-auth", "x", "--set", "username=u", "--set", "password=hunter2-x"
    )

    assert done.code == 2
    assert "password=-" in done.err
    assert "hunter2-x" not in done.out + done.err


def test_a_pipe_that_closes_early_ends_the_command_quietly() -> None:
    """`brickwork block ls | head -1` shows no error, and ends with 141."""
    for number in range(3):
        BasicAuth(username="u" * 50, password="a-password").save(f"b{number}")
    read, write = os.pipe()
    os.close(read)  # nobody will read
    process = subprocess.Popen(
        [sys.executable, "-m", "brickwork", "block", "ls"], stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (exit_codes.OUTPUT_CLOSED, b"")


TASKS = """
from brickwork import task, progress, check_cancelled, Secret
import sys
import threading

@task
def wait() -> None:
    try:
        progress(1, 3, "waiting")
        threading.Event().wait()
    finally:
        print("it stops what it began", file=sys.stderr)

@task
def fail(text: str) -> None:
    raise RuntimeError("it broke: " + text)

@task
def pipe() -> None:
    raise BrokenPipeError(32, "Broken pipe")
"""
PLUGIN = """
from brickwork import hookimpl

@hookimpl
def brickwork_tasks():
    return {f"demo.{name}": f"brickwork_demo.tasks:{name}" for name in ("wait", "fail", "pipe")}
"""


@pytest.fixture
def demo(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that has a plugin with tasks."""
    write_distribution(
        tmp_path,
        "brickwork-demo",
        entry_points={"brickwork": {"demo": "brickwork_demo.plugin"}},
        modules={"brickwork_demo.plugin": PLUGIN, "brickwork_demo.tasks": TASKS},
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, exit_codes.INTERRUPTED, "Interrupted."),
        (signal.SIGTERM, 143, "Ended by SIGTERM."),
        (signal.SIGHUP, 129, "Ended by SIGHUP."),
    ],
)
def test_a_signal_cancels_a_task(
    demo: dict[str, str], number: signal.Signals, code: int, said: str
) -> None:
    """The task learns of it, and stops what it began; it ends without a traceback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "brickwork", "task", "run", "demo.wait"],
        env={**os.environ, **demo},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)

    assert line == "wait 1 of 3: waiting\n"
    assert process.returncode == code
    assert err.split("\n", 1)[0] == "it stops what it began"
    assert err.rstrip().endswith(f"\n{said}")


def test_an_error_of_a_plugin_is_one_line(demo: dict[str, str]) -> None:
    """A foreign exception ends with 1, in one line; --debug before the command shows its trace."""
    plain = command_line("task", "run", "demo.fail", "--arg", "text=badly", env=demo)
    debug = command_line("--debug", "task", "run", "demo.fail", "--arg", "text=badly", env=demo)

    assert plain.code == debug.code == 1
    assert plain.err.startswith("error: RuntimeError: it broke: badly")
    assert "Traceback" not in plain.err
    assert "--debug" in plain.err
    assert "Traceback" in debug.err


def test_a_broken_pipe_elsewhere_is_an_error(demo: dict[str, str]) -> None:
    """A task whose own connection broke has failed; it is not taken for a closed output."""
    done = command_line("task", "run", "demo.pipe", env=demo)

    assert done.code == 1
    assert "BrokenPipeError" in done.err


def test_every_error_has_a_documented_exit_code() -> None:
    """The table has every code of the tree of errors, and help shows it with their names."""
    codes = {cls.exit_code for cls in vars(errors).values() if isinstance(cls, type)
             and issubclass(cls, errors.BrickworkError)}  # fmt: skip
    text = command_line("help", "exit-codes").out

    assert len(codes) > 5
    assert codes <= exit_codes.MEANINGS.keys()
    assert all(f"{code:>4}  " in text for code in exit_codes.MEANINGS)
    assert "WrongKey" in text


def test_a_broken_settings_file_stops_no_help(tmp_path: Path) -> None:
    """With a brickwork.toml that is no TOML, help works, `block ls` ends with 2 and says where."""
    (tmp_path / "brickwork.toml").write_text("vault = ")

    shown = command_line("--help", cwd=tmp_path)
    listed = command_line("block", "ls", cwd=tmp_path)

    assert shown.code == 0
    assert listed.code == 2
    assert "brickwork.toml" in listed.err
    assert "fix:" in listed.err


def test_output_that_ascii_cannot_carry_is_written_out() -> None:
    """A value outside the encoding of the output is escaped instead of ending in an error."""
    BasicAuth(username="h\u00e9l\u00e8ne", password="a-password").save("x")

    done = command_line("block", "show", "basic-auth/x", env={"PYTHONIOENCODING": "ascii"})

    assert done.code == 0, done.err
    assert "h\\xe9l" in done.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("brickwork bl", {"block"}),
        ("brickwork block sh", {"show"}),
        ("brickwork block show basic-auth/p", {"basic-auth/prod", "basic-auth/pre"}),
        ("brickwork block create basic", {"basic-auth"}),
    ],
)
def test_the_shell_completes(words: str, expected: set[str]) -> None:
    """Commands, addresses of saved blocks and slugs are completed."""
    for name in ("prod", "pre", "other"):
        BasicAuth(username="u", password="a-password").save(name)
    done = command_line(
        env={
            "_BRICKWORK_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
    )

    assert done.err == ""
    assert {line.partition(",")[2] for line in done.out.splitlines()} == expected


def test_a_secret_that_is_no_text_is_refused() -> None:
    """Bytes that are no UTF-8 are an error, whatever the locale would make of them."""
    done = subprocess.run(
        [sys.executable, "-m", "brickwork", "block", "create", "secret", "x", "--set", "value=-"],
        input=b"\xff\xfe-secret",
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 2
    assert b"UTF-8" in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(closed: str) -> None:
    """With standard streams closed, as under some supervisors, a listing still ends with 0."""
    BasicAuth(username="u", password="a-password").save("x")
    line = f"{sys.executable} -m brickwork block ls {closed}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_under_the_output_is_an_error() -> None:
    """Output that cannot be written does not end with 0, nor with a traceback."""
    line = f"{sys.executable} -m brickwork --help > /dev/full"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
