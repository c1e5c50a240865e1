"""`brickwork plugin new`: questions, flags, and nothing that it must not touch."""

import json
from pathlib import Path

import pytest

from brickwork.cli.app import run
from brickwork.errors import ConfigError
from brickwork.scaffold import Plan, write, writing
from brickwork.testing.commandline import Command, Conversation, command_here


@pytest.fixture
def brickwork(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here, with standard input that is no terminal."""
    return command_here(run, capsys)


def test_flags_say_everything(brickwork: Command, tmp_path: Path) -> None:
    """Without a terminal it asks nothing, and says what comes next."""
    done = brickwork(
        *("plugin", "new", "brickwork-acme", "--into", tmp_path, "--with", "task"),
        *("--title", "Acme Cloud", "--author", "Ann Example", "--license", "MIT"),
        *("--url", "https://cloud.acme.example"),
    )
    folder = tmp_path / "brickwork-acme"
    assert done.code == 0, done.err
    assert f"Wrote {folder}" in done.out
    assert "brickwork plugin check brickwork-acme" in done.out
    assert "Ann Example" in (folder / "LICENSE").read_text()
    source = (folder / "src/brickwork_acme/credentials.py").read_text()
    assert "Acme Cloud" in source
    assert "https://cloud.acme.example" in source
    assert not (folder / "src/brickwork_acme/notifier.py").exists()


@pytest.mark.parametrize("parts", ["", " ", "credentials", ","])
def test_an_empty_list_of_parts_is_no_part(brickwork: Command, tmp_path: Path, parts: str) -> None:
    """A variable that is empty in a script writes the credentials alone, and not everything."""
    done = brickwork("plugin", "new", "acme", "--into", tmp_path, "--with", parts)
    assert done.code == 0, done.err
    modules = {path.stem for path in (tmp_path / "brickwork-acme/src/brickwork_acme").glob("*.py")}
    assert not modules & {"tasks", "notifier", "storage", "resolver"}


def test_json_lists_the_files(brickwork: Command, tmp_path: Path) -> None:
    """For programs: the folder and what is in it."""
    done = brickwork("plugin", "new", "acme", "--into", tmp_path, "--json")
    told = json.loads(done.out)
    assert told["schema"] == "brickwork.plugin.new/1"
    folder = Path(told["folder"])
    assert told["files"] == sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )
    assert len(told["files"]) > 25


def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    """For what is not given, with answers to begin with."""
    args = ("plugin", "new", "acme", "--into", str(tmp_path), "--license", "MIT")
    with Conversation(*args) as talk:
        talk.answer("call the service? [Acme]: ", "ACME")
        talk.answer("[https://api.acme.example]: ", "")
        talk.answer("Who writes it?", "Ann Example <ann@example.com>")
        talk.answer("Has it a prebuilt task", "y")
        talk.answer("Has it a notifier", "n")
        talk.answer("Has it a storage", "n")
        talk.answer("Has it a resolver", "n")
        assert talk.end() == 0

    folder = tmp_path / "brickwork-acme"
    assert "Licence" not in talk.shown
    assert "class ACMECredentials" in (folder / "src/brickwork_acme/credentials.py").read_text()
    assert 'email = "ann@example.com"' in (folder / "pyproject.toml").read_text()
    assert {path.stem for path in (folder / "src/brickwork_acme").glob("*.py")} >= {"tasks"}
    assert not (folder / "src/brickwork_acme/storage.py").exists()


def test_it_asks_again_for_what_cannot_be_used(tmp_path: Path) -> None:
    """And says why, so that no answer before is lost."""
    args = ("plugin", "new", "acme", "--into", str(tmp_path), "--with", "task", "--title", "Acme")
    with Conversation(*args, "--author", "Ann") as talk:
        talk.answer("Where is its API?", "http://acme.example")
        talk.answer("Give an https address", "https://acme.example")
        talk.answer("Licence", "mine")
        talk.answer("Choose one of", "MIT")
        assert talk.end() == 0
    assert "MIT License" in (tmp_path / "brickwork-acme" / "LICENSE").read_text()


def test_no_input_asks_nothing_on_a_terminal(tmp_path: Path) -> None:
    """What is not given is as it is without a terminal."""
    with Conversation("plugin", "new", "acme", "--into", str(tmp_path), "--no-input") as talk:
        assert talk.end() == 0
    assert "?" not in talk.shown
    assert (tmp_path / "brickwork-acme" / "src/brickwork_acme/storage.py").exists()


@pytest.mark.parametrize("there", ["folder", "file", "link"])
def test_what_is_there_is_never_touched(brickwork: Command, tmp_path: Path, there: str) -> None:
    """Not even an empty folder, nor a link that leads nowhere."""
    folder = tmp_path / "brickwork-acme"
    if there == "folder":
        folder.mkdir()
    elif there == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to(tmp_path / "nowhere")
    done = brickwork("plugin", "new", "acme", "--into", tmp_path)
    assert done.code == 2
    assert "is there already" in done.err
    assert list(tmp_path.iterdir()) == [folder]
    assert folder.is_symlink() or folder.is_file() or not list(folder.iterdir())


def test_a_folder_made_meanwhile_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made it while the files were written keeps it, and nothing half-done is left."""
    folder = tmp_path / "brickwork-acme"

    def files_of(plan: Plan) -> dict[str, str]:
        folder.mkdir()
        return {"README.md": "new"}

    monkeypatch.setattr(writing, "files_of", files_of)
    with pytest.raises(ConfigError, match="there already"):
        write(Plan.of("acme"), tmp_path)
    assert list(tmp_path.rglob("*")) == [folder]


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_when_it_fails_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: BaseException
) -> None:
    """A full disk and Ctrl-C leave the folder as it was."""
    written: list[str] = []
    write_text = Path.write_text

    def fails(path: Path, text: str, **options: str) -> int:
        written.append(path.name)
        if len(written) == 5:
            raise trouble
        return write_text(path, text, **options)

    monkeypatch.setattr(Path, "write_text", fails)
    with pytest.raises((ConfigError, KeyboardInterrupt)):
        write(Plan.of("acme"), tmp_path)
    assert len(written) == 5
    assert list(tmp_path.iterdir()) == []


def test_the_files_can_be_read_by_others(tmp_path: Path) -> None:
    """The folder has the usual rights, and not those of the temporary one that it was."""
    folder = write(Plan.of("acme"), tmp_path)
    other = tmp_path / "usual"
    other.mkdir()
    assert folder.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("Acme",), 2, "one word"),
        (("aws",), 7, "taken by brickwork-aws"),
        (("acme", "--with", "taks"), 2, "taks"),
        (("acme", "--url", "http://acme.example"), 2, "https"),
        (("acme", "--into", "/dev/null/none"), 2, "--into"),
        (("acme", "--license", "WTFPL"), 2, "license"),
    ],
)
def test_mistakes_are_told(
    brickwork: Command, arguments: tuple[str, ...], code: int, word: str
) -> None:
    """With the exit code of its kind, and a way out."""
    done = brickwork("plugin", "new", *arguments)
    assert done.code == code
    assert word in done.err
    assert "Traceback" not in done.err
