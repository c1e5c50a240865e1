"""The command line on a terminal: questions, hidden answers, tables, Ctrl-C."""

from pathlib import Path

import pytest

from brickwork import BasicAuth, Block, DatabaseUrl, Document, Vault
from brickwork.cli.exit_codes import INTERRUPTED
from brickwork.testing.commandline import Conversation

SECRET = "Zq7!xK-not-to-be-seen"


def test_create_asks_for_each_field_and_hides_the_secret() -> None:
    """`block create` asks by the schema; what is typed for a secret is shown nowhere."""
    with Conversation("block", "create", "basic-auth", "prod") as talk:
        talk.answer("username: ", "bob")
        talk.answer("password (hidden): ", SECRET)
        assert talk.end() == 0

    assert BasicAuth.load("prod") == BasicAuth(username="bob", password=SECRET)
    assert SECRET not in talk.shown
    assert "bob" in talk.shown


def test_create_asks_again_for_what_the_class_refuses() -> None:
    """A value that only the whole class can judge is asked for again, the rest is kept."""
    with Conversation("block", "create", "basic-auth", "prod") as talk:
        talk.answer("username: ", "a:b")
        talk.answer("password (hidden): ", SECRET)
        talk.answer("cannot contain a colon", "bob")
        assert talk.end() == 0

    assert BasicAuth.load("prod") == BasicAuth(username="bob", password=SECRET)


def test_create_with_set_asks_only_for_what_is_missing() -> None:
    """With --set, only fields without a value and a default are asked for."""
    with Conversation("block", "create", "basic-auth", "p", "--set", "username=bob") as talk:
        talk.answer("password (hidden): ", SECRET)
        assert talk.end() == 0

    assert "username" not in talk.shown
    assert BasicAuth.load("p").username == "bob"


def test_a_dash_asks_on_a_terminal() -> None:
    """`--set password=-` asks without echo when standard input is a terminal."""
    args = ("--set", "username=bob", "--set", "password=-")
    with Conversation("block", "create", "basic-auth", "p", *args) as talk:
        talk.answer("password (hidden): ", SECRET)
        assert talk.end() == 0

    assert BasicAuth.load("p").password.reveal() == SECRET
    assert SECRET not in talk.shown


def closed_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_failed_check_asks_before_it_saves(answer: str) -> None:
    """When the check fails, the person decides; a no saves nothing and ends with 1."""
    sets = [f"--set={name}" for name in ("scheme=pg", "host=127.0.0.1", f"port={closed_port()}")]
    with Conversation("block", "create", "database-url", "db", *sets) as talk:
        talk.answer("Save it all the same?", answer)
        code = talk.end()

    saved = [str(each.address) for each in _documents()]
    assert (code, saved) == ((0, ["database-url/db@1"]) if answer == "y" else (1, []))
    assert "failed: connection to 127.0.0.1" in talk.shown


def test_edit_keeps_what_is_left_empty() -> None:
    """`block edit` offers the values as they are; Enter keeps them, the secret too."""
    BasicAuth(username="bob", password=SECRET).save("prod")
    with Conversation("block", "edit", "basic-auth/prod") as talk:
        talk.answer("username [bob]: ", "alice")
        talk.answer("password (hidden, Enter keeps it): ", "")
        assert talk.end() == 0

    loaded = BasicAuth.load("prod")
    assert loaded == BasicAuth(username="alice", password=SECRET)
    assert loaded.address is not None
    assert loaded.address.version == 2
    assert SECRET not in talk.shown


def test_edit_to_the_same_adds_no_version() -> None:
    """Enter on every question changes nothing."""
    DatabaseUrl(scheme="sqlite", database="x.db", options={"a": "b"}).save("db")
    with Conversation("block", "edit", "database-url/db") as talk:
        for question in ("scheme [", "host (", "port (", "database [", "username (", "password ("):
            talk.answer(question, "")
        talk.answer("Replace the 1 entries of options", "n")
        assert talk.end() == 0

    assert "no version was added" in talk.shown
    assert Block.load("database-url/db").address == ("database-url", "db", 1)


@pytest.mark.parametrize("answer", ["y", "n"])
def test_delete_asks(answer: str) -> None:
    """`block delete` deletes after a yes, and only then."""
    BasicAuth(username="bob", password=SECRET).save("prod")
    with Conversation("block", "delete", "basic-auth/prod") as talk:
        talk.answer("Delete basic-auth/prod with 1 version(s) for good? [y/N]: ", answer)
        code = talk.end()

    assert (code, len(_documents())) == ((0, 0) if answer == "y" else (INTERRUPTED, 1))


def test_ctrl_c_at_a_question_saves_nothing(isolated_home: Path) -> None:
    """Ctrl-C at a hidden question ends with 130, without a traceback and without a vault."""
    with Conversation("block", "create", "secret", "x") as talk:
        talk.wait_for("value (hidden): ")
        talk.press(b"\x03")
        assert talk.end() == INTERRUPTED

    assert "Traceback" not in talk.shown
    assert not (isolated_home / "data").exists()


def test_no_input_asks_nothing() -> None:
    """With --no-input, a missing field is an error even on a terminal."""
    with Conversation("--no-input", "block", "create", "secret", "x") as talk:
        assert talk.end() == 2

    assert "value: Field required" in talk.shown


def test_a_listing_is_a_table_and_a_value_cannot_move_the_cursor() -> None:
    """On a terminal rich draws the table; control characters in a value are written out."""
    BasicAuth(username="\x1b[2Jgone\u202e", password=SECRET).save("x")
    with Conversation("block", "show", "basic-auth/x") as talk:
        assert talk.end() == 0

    assert "\u2500" in talk.shown
    assert "\\u001b[2Jgone\\u202e" in talk.shown
    assert "\x1b[2J" not in talk.shown


def _documents() -> list[Document]:
    return Vault.open().documents()
