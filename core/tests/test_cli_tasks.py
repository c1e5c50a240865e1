"""``brickwork task``: arguments, results, progress."""

import json
import os
from pathlib import Path

import pytest

from brickwork import BasicAuth, LocalStorage
from brickwork.testing.commandline import Conversation, Done, command_line
from brickwork.testing.distributions import write_distribution

TASKS = '''
import datetime
from pathlib import Path
from brickwork import BasicAuth, Secret, Storage, progress, task


@task(permissions=["demo:Describe", "demo:Read"])
def describe(
    day: datetime.date, folder: Path, many: list[int], auth: BasicAuth, loud: bool = False
):
    """Describe the arguments.

    Args:
        day: A day.

    Examples:
        >>> describe(day, folder, [1], auth)
        {...}
    """
    kinds = [type(each).__name__ for each in (day, folder, many, auth, loud)]
    return {"day": day, "folder": folder, "many": many, "user": auth.username, "kinds": kinds,
            "auth": auth, "password": auth.password}


@task
def reveal(token: Secret[str]) -> str:
    """Return a secret in clear, as no task should."""
    return f"it is {token.reveal()}!"


@task
def count(steps: int) -> int:
    for step in range(steps):
        progress(step + 1, steps, "step [b]")
    return steps


@task
async def slow(text: str) -> str:
    return text * 2


@task
def stored(storage: Storage, key: str) -> int:
    return len(storage.read(key))
'''
NAMES = ("describe", "reveal", "count", "slow", "stored")
PLUGIN = f"""
from brickwork import hookimpl

@hookimpl
def brickwork_tasks():
    return {{f"demo.{{name}}": f"brickwork_demo.tasks:{{name}}" for name in {NAMES}}}
"""


@pytest.fixture(autouse=True)
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin with tasks is installed for the processes that a test starts."""
    write_distribution(
        tmp_path,
        "brickwork-demo",
        entry_points={"brickwork": {"demo": "brickwork_demo.plugin"}},
        modules={"brickwork_demo.plugin": PLUGIN, "brickwork_demo.tasks": TASKS},
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("BRICKWORK_PLUGINS_ALLOW", "brickwork-demo")


def run(name: str, *args: str, stdin: str = "", options: tuple[str, ...] = ()) -> Done:
    """Run a task with arguments."""
    given = [part for arg in args for part in ("--arg", arg)]
    return command_line("task", "run", f"demo.{name}", *given, *options, stdin=stdin)


DESCRIBE = ("day=2026-03-01", "folder=/x/y", "many=[1, 2]", "auth=basic-auth/bob")


def test_arguments_become_what_the_annotations_say() -> None:
    """Texts become dates, paths, lists and saved blocks; the result is JSON without secrets."""
    BasicAuth(username="bob", password="a-hidden-password").save("bob")
    done = run("describe", *DESCRIBE, options=("--json",))
    answer = json.loads(done.out)

    assert done.code == 0, done.err
    assert answer["schema"] == "brickwork.task.result/1"
    assert answer["result"] == {
        "day": "2026-03-01",
        "folder": "/x/y",
        "many": [1, 2],
        "user": "bob",
        "kinds": ["date", "PosixPath", "list", "BasicAuth", "bool"],
        "auth": {"$block": "basic-auth/bob@1"},
        "password": "********",
    }


@pytest.mark.parametrize(
    ("name", "args", "code"),
    [
        ("describe", (), 2),
        ("describe", ("day=tomorrow",), 2),
        ("describe", ("nope=1",), 2),
        ("describe", DESCRIBE, 4),
        ("count", ("steps=many",), 2),
        ("count", ("steps",), 2),
        ("gone", (), 7),
        ("stored", ("storage=nope:x", "key=a"), 7),
    ],
)
def test_arguments_that_do_not_fit_are_named(name: str, args: tuple[str, ...], code: int) -> None:
    """Each mistake ends with its code and a fix, before the task runs."""
    done = run(name, *args)

    assert done.code == code, done.err
    assert "fix: " in done.err
    assert "Traceback" not in done.err


def test_a_secret_comes_from_standard_input_and_its_result_is_masked() -> None:
    """`--arg token=-` reads it; the literal is refused; a task that returns it shows the mask."""
    refused = run("reveal", "token=literal-token")
    done = run("reveal", "token=-", stdin="my-token-text\n")

    assert refused.code == 2
    assert "literal-token" not in refused.err
    assert (done.code, done.out) == (0, "it is ***!\n")


def test_progress_is_lines_without_a_terminal() -> None:
    """Where nobody watches, progress is plain lines on standard error; --quiet has none."""
    done = run("count", "steps=5000")
    quiet = run("count", "steps=5000", options=("--quiet",))

    lines = done.err.splitlines()
    assert done.out == quiet.out == "5000\n"
    assert lines[0] == "count 1 of 5000: step [b]"
    assert lines[-1] == "count 5000 of 5000: step [b]"
    assert len(lines) < 100
    assert quiet.err == ""


def test_progress_is_a_bar_on_a_terminal() -> None:
    """A terminal gets rich's bar, where brackets in the text are no markup."""
    with Conversation("task", "run", "demo.count", "--arg", "steps=3") as talk:
        assert talk.end() == 0

    assert "100%" in talk.shown
    assert "step [b]" in talk.shown


def test_an_async_task_runs() -> None:
    """A coroutine function is run to its end."""
    assert run("slow", "text=ab").out == "abab\n"


@pytest.mark.parametrize("by", ["file:{}", "local-storage/here"])
def test_a_storage_comes_by_url_or_address(tmp_path: Path, by: str) -> None:
    """A parameter that is a storage takes both."""
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored" / "a").write_bytes(b"12345")
    LocalStorage(root=tmp_path / "stored").save("here")
    done = run("stored", f"storage={by.format(os.fspath(tmp_path / 'stored'))}", "key=a")

    assert (done.code, done.out) == (0, "5\n"), done.err


def test_tasks_are_listed_and_shown() -> None:
    """`task ls` and `task show` say what there is and what it takes."""
    listed = json.loads(command_line("task", "ls", "--json").out)
    shown = json.loads(command_line("task", "show", "demo.describe", "--json").out)

    assert [each["name"] for each in listed["tasks"]] == [f"demo.{name}" for name in sorted(NAMES)]
    assert shown["description"] == "Describe the arguments."
    assert [each["required"] for each in shown["parameters"]] == [True] * 4 + [False]
    assert shown["parameters"][0]["description"] == "A day."
    assert shown["permissions"] == ["demo:Describe", "demo:Read"]
    said = command_line("task", "show", "demo.describe")
    assert said.code == 0
    assert "needs permission for demo:Describe, demo:Read" in said.out
    assert said.out.endswith("\n\n>>> describe(day, folder, [1], auth)\n{...}\n")
    assert shown["example"] == ">>> describe(day, folder, [1], auth)\n{...}"


@pytest.mark.parametrize(
    ("name", "arg", "said"),
    [
        ("describe", "auth=prod", "auth: give the address of a saved block, basic-auth/NAME"),
        ("stored", "storage=reports", "storage: give a URL or the address of a saved block"),
    ],
)
def test_a_name_without_its_kind_is_refused(name: str, arg: str, said: str) -> None:
    """It says what to write instead, and takes the name for that of nothing else."""
    done = run(name, arg)
    assert done.code == 2
    assert said in done.err
    assert "serializer" not in done.err
