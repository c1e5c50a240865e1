"""``brickwork artifact`` and ``brickwork variable``: what they print, write, and end with."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork import Secret
from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, Conversation, command_here, command_line
from brickwork_flows import (
    Variable,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    flow,
    list_artifacts,
    task,
)
from brickwork_flows.runtime import Runtime, current_runtime

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


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
    """The command line, in this process."""
    return command_here(run_brickwork, capfd)


@task
def chart() -> None:
    """Make an artifact in a task."""
    create_image_artifact(image=PNG, key="chart", description="a chart")


@flow
def report() -> None:
    """Make artifacts."""
    create_markdown_artifact("# Daily\n\n**three** rows", "daily")
    create_progress_artifact(30)
    chart()


def newest(runtime: Runtime) -> str:
    """Return the id of the newest run."""
    runtime.flush()
    return runtime.history.runs()[0].id


# Artifacts


def test_artifacts_are_listed(here: Runtime, brickwork: Command) -> None:
    """The newest of each key; with --key its versions, with --run what a run has made."""
    assert brickwork("artifact", "ls").err == "There is no artifact yet.\n"
    report()
    report()
    run = newest(here)
    rows = [line.split()[:3] for line in brickwork("artifact", "ls").out.splitlines()]
    assert rows == [
        ["ARTIFACT", "TYPE", "BYTES"],
        ["chart@2", "image", "264"],
        ["daily@2", "markdown", "27"],
    ]
    versions = brickwork("artifact", "ls", "--key", "daily", "--json").json
    assert versions["schema"] == "brickwork.artifact.list/1"
    assert [(each["key"], each["version"]) for each in versions["artifacts"]] == [
        ("daily", 2),
        ("daily", 1),
    ]
    made = brickwork("artifact", "ls", "--run", run[-6:], "--json").json["artifacts"]
    assert [(each["type"], each["run"]) for each in made] == [
        ("markdown", run),
        ("progress", run),
        ("image", f"{run}.chart-0"),
    ]
    one = brickwork("artifact", "ls", "--run", f"{run}.chart-0", "--limit", "1", "--json").json
    assert [each["media_type"] for each in one["artifacts"]] == ["image/png"]
    assert brickwork("artifact", "ls", "--key", "none").err == "There is no such artifact.\n"
    assert brickwork("artifact", "ls", "--run", "none").code == 4


def test_run_show_has_its_artifacts(here: Runtime, brickwork: Command) -> None:
    """What a run made stands with it, as a table and as JSON."""
    report()
    run = newest(here)
    assert "chart@1" in brickwork("run", "show", run).out
    shown = brickwork("run", "show", run, "--json").json
    assert [each["key"] for each in shown["artifacts"]] == ["daily", None, "chart"]


def test_each_type_is_shown(brickwork: Command) -> None:
    """Markdown as it was written, where no terminal reads; tables, links, progress as text."""
    create_markdown_artifact("# One\n", "text", "what it is")
    create_markdown_artifact("# Two\n", "text")
    create_table_artifact([{"name": "a", "n": 1}, {"name": "b", "n": None}], "rows")
    create_link_artifact("https://x.example/a", "The data", "link")
    create_link_artifact("https://x.example/a", key="bare")
    create_image_artifact("https://x.example/a.png", "by-url")
    create_image_artifact(image=PNG, key="image")
    create_progress_artifact(25, "load")

    shown = brickwork("artifact", "show", "text@1")
    assert (shown.out, shown.err) == ("# One\n\n", "what it is\n")
    outputs = {
        "text": "# Two\n\n",
        "rows": "NAME  N\na     1\nb\n",
        "link": "The data: https://x.example/a\n",
        "bare": "https://x.example/a\n",
        "by-url": "https://x.example/a.png\n",
        "image": "image/png, 264 bytes\n",
        "load": f"[{'#' * 10}{'.' * 30}] 25 %\n",
    }
    assert {name: brickwork("artifact", "show", name).out for name in outputs} == outputs


def test_json_has_the_content(brickwork: Command) -> None:
    """Contents are JSON's own; an image is in base64."""
    create_table_artifact([{"a": 1}], "rows")
    create_image_artifact(image=PNG, key="image")
    shown = brickwork("artifact", "show", "rows", "--json").json
    assert shown["schema"] == "brickwork.artifact.show/1"
    assert shown["content"] == {"columns": ["a"], "rows": [[1]]}
    content = brickwork("artifact", "show", "image", "--json").json["content"]
    assert base64.b64decode(content["base64"]) == PNG


def test_contents_go_to_files(brickwork: Command, tmp_path: Path) -> None:
    """An image comes out as it went in, Markdown as text, and anything else as JSON."""
    create_image_artifact(image=PNG, key="image")
    create_markdown_artifact("# Zürich", "text")
    create_table_artifact([{"a": 1}], "rows")
    file = tmp_path / "out"
    for name, expected in (("image", PNG), ("text", "# Zürich".encode())):
        assert brickwork("artifact", "show", name, "--output", file).code == 0
        assert file.read_bytes() == expected
    brickwork("artifact", "show", "rows", "--output", file)
    assert json.loads(file.read_bytes()) == {"columns": ["a"], "rows": [[1]]}
    refused = brickwork("artifact", "show", "none", "--output", tmp_path / "none")
    assert (refused.code, (tmp_path / "none").exists()) == (4, False)


def test_a_terminal_gets_markdown_laid_out(brickwork: Command) -> None:
    """On a terminal headings and lists are drawn; links show where they lead, HTML is nothing."""
    create_markdown_artifact(
        "# Daily\n\n- *three*\n\n[click](https://x.example/evil)\n\n"
        "<script>alert(1)</script>\n\nend \x1b[2J\x1b]0;title\x07 of it",
        "daily",
    )
    create_table_artifact([{"[red]a[/nothing]": "[bold]x"}], "rows")
    with Conversation("artifact", "show", "rows") as talk:
        assert talk.end() == 0
    assert "[red]a[/nothing]" in talk.shown
    with Conversation("artifact", "show", "daily") as talk:
        assert talk.end() == 0
    assert "•" in talk.shown
    assert "https://x.example/evil" in talk.shown
    assert "# Daily" not in talk.shown
    assert "\x1b[2J" not in talk.shown
    assert "\x1b]" not in talk.shown
    assert "\\u001b[2J" in talk.shown


@pytest.mark.parametrize(
    "text", [">" * 20_000, "[" * 20_000, "*a_ " * 5_000, "- " * 5_000, "[a\n" * 100_000]
)
def test_hostile_markdown_ends_soon(text: str) -> None:
    """What is nested without end is shown without an error."""
    create_markdown_artifact(text, "deep")
    with Conversation("artifact", "show", "deep") as talk:
        assert talk.end() == 0
    assert "Traceback" not in talk.shown


def test_output_is_harmless(brickwork: Command) -> None:
    """No control character of a description, a cell or a link's text reaches the output."""
    evil = "\x1b[2Jx\u202e"
    create_table_artifact([{evil: evil}], "rows", evil)
    create_link_artifact("https://x.example", evil, "link")
    create_markdown_artifact("half a character \ud800", "half")
    for args in (("ls",), ("show", "rows"), ("show", "link"), ("ls", "--json")):
        done = brickwork("artifact", *args)
        assert done.code == 0
        assert "\x1b" not in done.out + done.err
        assert "\u202e" not in done.out + done.err
    assert brickwork("artifact", "show", "half").code == 0


def test_artifacts_are_removed(brickwork: Command) -> None:
    """One version, an id, or a whole key; nothing where one of them is not there."""
    for _ in range(3):
        create_markdown_artifact("x", "a")
    loose = create_markdown_artifact("y")
    create_markdown_artifact("z", "b")
    refused = brickwork("artifact", "rm", "a", "none")
    assert (refused.code, len(list_artifacts("a"))) == (4, 3)
    assert brickwork("artifact", "rm", "a@2", loose).err == "2 artifact(s) removed.\n"
    assert [each.name for each in list_artifacts("a")] == ["a@3", "a@1"]
    assert brickwork("artifact", "rm", "a").err == "2 artifact(s) removed.\n"
    assert [each.name for each in list_artifacts()] == ["b@1"]
    assert brickwork("artifact", "show", "a@1").code == 4


def test_removing_a_run_leaves_the_newest_of_its_keys(here: Runtime, brickwork: Command) -> None:
    """The report that people look at stays when its run is tidied up."""
    report()
    first = newest(here)
    report()
    second = newest(here)
    assert brickwork("run", "rm", first).code == 0
    assert [each.name for each in list_artifacts("daily")] == ["daily@2"]
    assert brickwork("run", "rm", second).code == 0
    assert [each.name for each in list_artifacts()] == ["chart@2", "daily@2"]
    files = [path for path in (here.place.folder / "artifacts").rglob("*") if path.is_file()]
    assert len(files) == 1


def test_a_secret_is_hidden_before_it_is_kept(here: Runtime, brickwork: Command) -> None:
    """Another process, which knows no secret, finds none."""
    Secret("pw-never-shown-here")
    create_markdown_artifact("it is pw-never-shown-here", "text")
    assert command_line("artifact", "show", "text").out == "it is ***\n"


# Variables


def test_a_variable_is_set_and_read(brickwork: Command) -> None:
    """A text as it is; with --from-json what JSON says; `get` prints either."""
    assert brickwork("variable", "ls").err == "There is no variable yet.\n"
    assert brickwork("variable", "set", "region", "eu-west-1", "--tag", "aws").code == 0
    assert brickwork("variable", "get", "region").out == "eu-west-1\n"
    assert brickwork("variable", "set", "--from-json", "limits", '{"n": [1, true]}').code == 0
    assert Variable.get("limits") == {"n": [1, True]}
    assert brickwork("variable", "get", "limits").out == '{"n": [1, true]}\n'
    assert brickwork("variable", "set", "number", "5").code == 0
    assert Variable.get("number") == "5"
    assert brickwork("variable", "set", "--from-json", "--", "below", "-5").code == 0
    assert Variable.get("below") == -5
    listed = brickwork("variable", "ls", "--json").json
    assert listed["schema"] == "brickwork.variable.list/1"
    assert [each["name"] for each in listed["variables"]] == ["below", "limits", "number", "region"]
    tagged = brickwork("variable", "ls", "--tag", "aws").out.splitlines()
    assert [line.split()[:4] for line in tagged][1] == ["region", '"eu-west-1"', "aws", "1"]


def test_values_are_literal(brickwork: Command, tmp_path: Path) -> None:
    """No value is read from a file, from standard input, or from the environment."""
    file = tmp_path / "file"
    file.write_text("content")
    for number, value in enumerate((f"@{file}", "$HOME", "${env:HOME}", "-", "")):
        assert brickwork("variable", "set", "--", f"v{number}", value, stdin="x").code == 0
        assert Variable.get(f"v{number}") == value


def test_a_variable_is_overwritten_only_when_told(brickwork: Command) -> None:
    """Without --overwrite what is set stays; tags stay with it."""
    brickwork("variable", "set", "a", "1", "--tag", "t")
    refused = brickwork("variable", "set", "a", "2")
    assert (refused.code, Variable.get("a")) == (5, "1")
    assert "overwrite" in refused.err
    assert brickwork("variable", "set", "a", "2", "--overwrite").err == "a is set; version 2.\n"
    shown = brickwork("variable", "inspect", "a", "--json").json
    assert {**shown, "updated": ""} == {
        "schema": "brickwork.variable.inspect/1",
        "name": "a",
        "value": "2",
        "tags": ["t"],
        "version": 2,
        "updated": "",
    }
    lines = brickwork("variable", "inspect", "a").out.splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["name", "a"],
        ["value", '"2"'],
        ["tags", "t"],
        ["version", "2"],
    ]


def test_variables_are_removed(brickwork: Command) -> None:
    """Those that are there are removed; one that is not is an error."""
    Variable.set("a", 1)
    Variable.set("b", 1)
    done = brickwork("variable", "unset", "a", "none")
    assert done.code == 4
    assert "'none'" in done.err
    assert Variable.get("a") is None
    assert brickwork("variable", "unset", "b").err == "1 variable(s) removed.\n"
    assert brickwork("variable", "get", "b").code == 4
    assert brickwork("variable", "inspect", "b").code == 4


def test_wrong_names_and_values_end_with_2(brickwork: Command) -> None:
    """A name that none can have, and what is no JSON, are the user's errors."""
    for args in (("set", "No Name", "x"), ("get", "No"), ("set", "--from-json", "a", "{")):
        done = brickwork("variable", *args)
        assert done.code == 2
        assert "fix:" in done.err


def test_a_variable_is_harmless_on_a_terminal(brickwork: Command) -> None:
    """A terminal gets no control character; a program gets the value as it is."""
    Variable.set("evil", "\x1b[2Jx")
    assert brickwork("variable", "get", "evil").out == "\x1b[2Jx\n"
    with Conversation("variable", "get", "evil") as talk:
        assert talk.end() == 0
    assert "\x1b[2J" not in talk.shown
    for args in (("ls",), ("inspect", "evil"), ("ls", "--json")):
        assert "\x1b" not in brickwork("variable", *args).out


def test_the_commands_cost_no_other_one() -> None:
    """Listing runs imports neither artifacts nor variables."""
    done = command_line("run", "ls", python=("-X", "importtime"))
    assert done.code == 0
    assert "brickwork_flows.history" in done.err
    assert "brickwork_flows.artifacts" not in done.err
    assert "brickwork_flows.variables" not in done.err
