"""References on the command line: `--from`, `block explain`."""

import json

import pytest

from brickwork import BasicAuth, Vault
from brickwork.testing.commandline import command_line


@pytest.fixture
def vault(memory_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault, and variables to refer to."""
    monkeypatch.setenv("APP_PASSWORD", "correct horse battery")
    monkeypatch.setenv("APP_HOST", "db.example.com")
    return memory_vault


def test_from_saves_a_reference(vault: Vault) -> None:
    """A bare one or one in text; what it gives now is checked, and not stored."""
    done = command_line(
        "block", "create", "basic-auth", "db",
        "--from", "username=app@${env:APP_HOST}", "--from", "password=env:APP_PASSWORD",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert vault.document("basic-auth/db").fields == {
        "username": "app@${env:APP_HOST}",
        "password": "${env:APP_PASSWORD}",
    }
    loaded = vault.load("basic-auth/db", expect=BasicAuth)
    assert loaded.password.reveal() == "correct horse battery"
    assert "correct horse" not in done.out + done.err


def test_edit_can_make_a_saved_value_a_reference(vault: Vault) -> None:
    """Also when the value is the same; and another field keeps its own."""
    vault.save(BasicAuth(username="app", password="correct horse battery"), "db")
    done = command_line("block", "edit", "basic-auth/db", "--from", "password=env:APP_PASSWORD")
    assert done.code == 0, done.err
    done = command_line("block", "edit", "basic-auth/db", "--set", "username=other")
    assert done.code == 0, done.err
    assert vault.document("basic-auth/db").fields == {
        "username": "other",
        "password": "${env:APP_PASSWORD}",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("password=env:APP_NOTHING", "APP_NOTHING"),
        ("password=hunter2-${env:APP_HOST}", "argument"),
        ("password=nothing-at-all", "begins no reference"),
        ("password=no-such-scheme:x", "no-such-scheme"),
    ],
)
def test_what_cannot_be_fetched_is_not_saved(vault: Vault, given: str, said: str) -> None:
    """Neither is what is no reference, nor half a password in an argument."""
    done = command_line(
        "block", "create", "basic-auth", "db", "--set", "username=a", "--from", given
    )
    assert done.code != 0
    assert said in done.err
    assert "hunter2" not in done.out + done.err
    assert vault.documents() == []


def test_set_stays_literal(vault: Vault) -> None:
    """A dollar sign means nothing there."""
    done = command_line(
        "block", "create", "basic-auth", "db", "--set", "username=${APP_HOST}",
        "--set", "password=-", stdin="pa${env:APP_HOST}ss",
    )  # fmt: skip
    assert done.code == 0, done.err
    loaded = vault.load("basic-auth/db", expect=BasicAuth)
    assert (loaded.username, loaded.password.reveal()) == (
        "${APP_HOST}",
        "pa${env:APP_HOST}ss",
    )


def test_explain_shows_where_values_come_from(vault: Vault) -> None:
    """As a table and as JSON; no value."""
    vault.define("basic-auth/db", {"username": "me", "password": "half ${env:APP_PASSWORD}"})
    table = command_line("block", "explain", "basic-auth/db")
    assert table.code == 0
    assert "fetched at load" in table.out
    assert "${env:APP_PASSWORD}" in table.out
    found = json.loads(command_line("block", "explain", "basic-auth/db", "--json").out)
    assert [(f["path"], f["origin"]) for f in found["fields"]] == [
        ("username", "saved"),
        ("password", "reference"),
    ]
    for text in ("half", "correct horse"):
        assert text not in table.out
        assert text not in json.dumps(found)


def test_check_tells_whether_there_is_a_value(vault: Vault) -> None:
    """Its length and never itself; what is missing ends with the error's code."""
    done = command_line("reference", "check", "${env:APP_PASSWORD}", "${env:APP_HOST}")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "${env:APP_PASSWORD}: a value of 21 characters",
        "${env:APP_HOST}: a value of 14 characters",
    ]
    done = command_line("reference", "check", "${env:APP_NOTHING}")
    assert done.code != 0
    assert "APP_NOTHING" in done.err


@pytest.mark.parametrize(
    "text", ["env:APP_HOST", "https://${env:APP_HOST}/", "${env:A}${env:B}", ""]
)
def test_check_takes_one_reference_and_nothing_else(vault: Vault, text: str) -> None:
    """What is no reference, or more than one, is refused with how one is written."""
    done = command_line("reference", "check", text)
    assert done.code != 0
    assert "${env:NAME}" in done.err


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("${env:APP_PASSWORD}", "Change the value where it is kept"),
        ("${block:basic-auth/db#password}", "Change and save that block"),
        ("${no-such-scheme:x}", "no-such-scheme"),
    ],
)
def test_write_refuses_what_can_only_be_read(vault: Vault, reference: str, said: str) -> None:
    """The error says where to change it instead, and shows no value."""
    done = command_line("reference", "write", reference, stdin="a new password")
    assert done.code != 0
    assert said in done.err
    assert "a new password" not in done.out + done.err
