"""Every command, in this process: what it prints, and what it ends with."""

import json
from pathlib import Path
from typing import Any, ClassVar

import click
import pytest
from pydantic import Field

from brickwork import BasicAuth, Block, CheckReport, DatabaseUrl, Finding, Secret, Vault
from brickwork.cli.app import SUMMARIES, run
from brickwork.cli.results import jsonable
from brickwork.registry import get_registry
from brickwork.testing.commandline import Command, command_here

SECRET = "Zq7!xK-not-to-be-seen"


@pytest.fixture
def brickwork(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here, with standard input that is no terminal."""
    return command_here(run, capsys)


class Probe(Block):
    """A block whose check says what its field says."""

    slug: ClassVar[str] = "commandtest-probe"

    answer: str = Field("ok", description="What the check answers.")
    token: Secret[str] | None = Field(None, description="A token.")
    parent: BasicAuth | None = Field(None, description="Another block.")

    def check(self) -> CheckReport:
        if self.answer == "raise":
            raise RuntimeError("the check itself broke")
        if self.answer == "fail":
            return CheckReport((Finding("failed", "probe", "it said no", "Ask again."),))
        return CheckReport((Finding("ok", "probe"),))


def test_the_core_offers_the_commands_that_help_lists() -> None:
    """The table for help and the hook name the same commands, and each can be imported."""
    offered = [n for n, origin in get_registry().names("commands").items() if origin == "brickwork"]

    assert sorted(offered) == sorted(SUMMARIES)
    for name in offered:
        assert isinstance(get_registry().get("commands", name), click.Command)


@pytest.mark.parametrize("option", ["--no-input", "--vault=x.db", "--keys=file:k", "--debug"])
def test_an_option_of_all_commands_stands_before_them(brickwork: Command, option: str) -> None:
    """Who writes it after the command is told where it stands."""
    said = brickwork("block", "ls", option)
    name = option.partition("=")[0]
    assert said.code == 2
    assert f"Write it before the command: brickwork {name} ..." in said.err
    assert "Write it before" not in brickwork("block", "ls", "--zzz").err


def test_create_show_list_history(brickwork: Command) -> None:
    """A block that is created is shown, listed and has a history; no secret in any of it."""
    made = brickwork(
        "block", "create", "basic-auth", "prod", "--set", "username=bob", "--set", "password=-",
        "--json", stdin=SECRET + "\n",
    )  # fmt: skip
    shown = brickwork("block", "show", "basic-auth/prod", "--json")
    listed = brickwork("block", "ls", "--json")
    history = brickwork("block", "history", "basic-auth/prod", "--json")

    assert made.code == shown.code == listed.code == history.code == 0
    assert made.json["schema"] == "brickwork.block.saved/1"
    assert shown.json["schema"] == "brickwork.block.show/1"
    assert shown.json["fields"] == {"username": "bob", "password": "********"}
    assert listed.json["schema"] == "brickwork.block.list/1"
    assert [each["address"] for each in listed.json["blocks"]] == ["basic-auth/prod"]
    assert history.json["schema"] == "brickwork.block.history/1"
    assert [each["version"] for each in history.json["versions"]] == [1]
    assert BasicAuth.load("prod").password.reveal() == SECRET
    assert SECRET not in "".join(each.out + each.err for each in (made, shown, listed, history))


def test_one_newline_at_the_end_of_a_secret_goes(brickwork: Command) -> None:
    """The newline that echo adds is not part of the secret; all others are."""
    brickwork("block", "create", "secret", "x", "--set", "value=-", stdin="a\nb\n\n")

    loaded: Any = Block.load("secret/x")
    assert loaded.reveal() == "a\nb\n"


def test_several_secrets_come_as_json(brickwork: Command) -> None:
    """--secrets-from-stdin takes an object from field to text."""
    said = brickwork(
        "block", "create", "basic-auth", "x", "--set", "username=u", "--secrets-from-stdin",
        stdin=json.dumps({"password": SECRET}),
    )  # fmt: skip

    assert said.code == 0, said.err
    assert BasicAuth.load("x").password.reveal() == SECRET


@pytest.mark.parametrize(
    ("args", "stdin", "code"),
    [
        (("create", "basic-auth", "x", "--set", "username=u"), "", 2),
        (("create", "basic-auth", "x", "--set", "nope=u"), "", 2),
        (("create", "basic-auth", "x", "--set", "username=u", "--set", "password=-"), "", 2),
        (("create", "basic-auth", "bad name", "--set", "username=u"), "", 2),
        (("create", "Basic", "x"), "", 2),
        (("create", "no-such-thing", "x"), "", 7),
        (("create", "dask-cluster", "x"), "", 7),
        (("create", "basic-auth", "taken", "--set", "username=u"), "", 5),
        (("create", "commandtest-probe", "x", "--ref", "parent=basic-auth/gone"), "", 4),
        (("create", "commandtest-probe", "x", "--set", "parent=commandtest-probe/p"), "", 2),
        (("edit", "basic-auth/taken"), "", 2),
        (("edit", "basic-auth/taken", "--unset", "username"), "", 2),
        (("edit", "basic-auth/gone", "--set", "username=u"), "", 4),
        (("edit", "commandtest-probe/p", "--set", "parent.username=u"), "", 2),
        (("delete", "commandtest-probe/p"), "", 2),
        (("delete", "basic-auth/taken", "--yes"), "", 5),
        (("delete", "basic-auth/gone", "--yes"), "", 4),
        (("rename", "basic-auth/gone", "x"), "", 4),
        (("show", "nonsense"), "", 2),
        (("show", "basic-auth/taken@7"), "", 4),
        (("history", "basic-auth/gone"), "", 4),
        (("types", "no-such-thing"), "", 7),
        (("check", "basic-auth/gone"), "", 4),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_refused_changes_nothing(
    brickwork: Command, args: tuple[str, ...], stdin: str, code: int
) -> None:
    """Each mistake ends with its code, says what to do, and leaves the vault as it was."""
    taken = BasicAuth(username="a", password=SECRET)
    taken.save("taken")
    Probe(parent=taken).save("p")
    before = [d.address for d in Vault.open().documents()]

    said = brickwork("block", *args, stdin=stdin)

    assert said.code == code, said
    assert "Traceback" not in said.err
    assert code == 1 or "fix: " in said.err or "FIX" in said.out
    assert [d.address for d in Vault.open().documents()] == before


def test_create_refers_to_a_saved_block(brickwork: Command) -> None:
    """A child is given by its address; show says what refers to what."""
    BasicAuth(username="a", password=SECRET).save("child")
    assert brickwork("block", "create", "commandtest-probe", "p",
                     "--set", "parent=basic-auth/child").code == 0  # fmt: skip

    parent = brickwork("block", "show", "commandtest-probe/p", "--json").json
    child = brickwork("block", "show", "basic-auth/child", "--json").json

    assert parent["uses"] == ["basic-auth/child"]
    assert parent["fields"]["parent"] == {"$block": "basic-auth/child"}
    assert child["used_by"] == ["commandtest-probe/p@1"]
    assert "-> basic-auth/child" in brickwork("block", "show", "commandtest-probe/p").out


@pytest.mark.parametrize("answer", ["fail", "raise"])
def test_a_failed_check_keeps_a_block_from_being_saved(brickwork: Command, answer: str) -> None:
    """Nobody is there to ask, so a failed check ends with 1 and saves nothing; unless unchecked."""
    create = ("block", "create", "commandtest-probe", "p", "--set", f"answer={answer}")
    refused = brickwork(*create)
    assert (refused.code, Vault.open().documents()) == (1, [])
    assert "--no-check" in refused.err

    assert brickwork(*create, "--no-check").code == 0


def test_edit_sets_unsets_and_keeps(brickwork: Command) -> None:
    """Only what is named changes; a secret stays, and a new one comes from standard input."""
    Probe(answer="fine", token=SECRET).save("p")
    edit = ("block", "edit", "commandtest-probe/p")

    assert brickwork(*edit, "--set", "answer=good").code == 0
    assert Probe.load("p") == Probe(answer="good", token=SECRET)
    assert brickwork(*edit, "--unset", "answer", "--set", "token=-", stdin="new-token").code == 0
    assert Probe.load("p") == Probe(token="new-token")
    same = brickwork(*edit, "--set", "answer=ok")
    assert "no version was added" in same.err
    assert [d.version for d in Vault.open().history("commandtest-probe/p")] == [1, 2, 3]
    assert brickwork("block", "edit", "commandtest-probe/p@1", "--set", "answer=x").code == 2


def test_rename_and_delete(brickwork: Command) -> None:
    """A block gets another name, and goes with --yes."""
    BasicAuth(username="a", password=SECRET).save("old")

    assert brickwork("block", "rename", "basic-auth/old", "new").code == 0
    assert [str(d.address) for d in Vault.open().documents()] == ["basic-auth/new@1"]
    assert brickwork("block", "delete", "basic-auth/new", "--yes").code == 0
    assert Vault.open().documents() == []


def test_check_looks_at_all_and_fails_for_one(brickwork: Command) -> None:
    """Every saved block is checked; one failure, or one check that raises, ends with 1."""
    for answer in ("ok", "fail", "raise"):
        Probe(answer=answer).save(answer)
    said = brickwork("block", "check", "--json")
    results = {each["address"]: each["ok"] for each in said.json["blocks"]}

    assert said.code == 1
    assert said.json["schema"] == "brickwork.block.check/1"
    assert results == {
        "commandtest-probe/ok": True,
        "commandtest-probe/fail": False,
        "commandtest-probe/raise": False,
    }
    assert brickwork("block", "check", "commandtest-probe/ok").code == 0
    assert "it said no" in brickwork("block", "check").out


def test_a_listing_needs_no_key_and_no_class(brickwork: Command, isolated_home: Path) -> None:
    """With the key gone, blocks are listed and shown all the same."""
    BasicAuth(username="a", password=SECRET).save("x")
    (isolated_home / "config" / "key").unlink()

    assert "basic-auth/x" in brickwork("block", "ls").out
    assert brickwork("block", "show", "basic-auth/x").code == 0
    assert brickwork("block", "check").code == 3
    assert brickwork("keys", "status").code == 3


def test_an_unreadable_document_is_listed_with_its_problem(
    brickwork: Command, isolated_home: Path
) -> None:
    """One document that is no JSON does not hide the others."""
    import sqlite3

    BasicAuth(username="a", password=SECRET).save("bad")
    BasicAuth(username="b", password=SECRET).save("good")
    with sqlite3.connect(isolated_home / "data" / "vault.db") as connection:
        connection.execute(
            "UPDATE documents SET public = x'ff00', saved_at = 'never' WHERE id ="
            " (SELECT id FROM blocks WHERE name = 'bad')"
        )
    connection.close()

    said = brickwork("block", "ls", "--json")

    problems = {each["name"]: each["problem"] is not None for each in said.json["blocks"]}
    assert (said.code, problems) == (0, {"bad": True, "good": False})
    assert brickwork("block", "ls").code == brickwork("block", "show", "basic-auth/bad").code == 0


@pytest.mark.usefixtures("nothing_installed")
def test_types_and_the_fields_of_one(brickwork: Command) -> None:
    """What can be created is listed with package and description, and what could be installed."""
    said = brickwork("block", "types", "--json").json
    types = {each["slug"]: each for each in said["types"]}
    fields = brickwork("block", "types", "database-url", "--json").json["fields"]

    assert types["secret"]["package"] == "brickwork"
    assert types["secret"]["description"].startswith("One secret text")
    missing = {each["package"]: each["fix"] for each in said["not_installed"]}
    assert missing["brickwork-aws"] == "pip install brickwork-aws"
    assert "brickwork-flows" not in missing  # it has no blocks
    assert [each["name"] for each in fields] == list(DatabaseUrl.model_fields)
    assert {each["name"] for each in fields if each["kind"] == "secret"} == {"password"}
    assert all(each["description"] for each in fields)


def test_keys_status_says_how_the_key_is_found(brickwork: Command, isolated_home: Path) -> None:
    """Provider, place, source, root keys and their use; never a key."""
    BasicAuth(username="a", password=SECRET).save("x")
    said = brickwork("keys", "status", "--json")
    text = (isolated_home / "config" / "key").read_text().strip()

    assert said.json["schema"] == "brickwork.keys.status/1"
    assert said.json["provider"]["name"] == "file"
    assert said.json["provider"]["source"] == "default"
    assert said.json["opens"] is True
    assert [each["active"] for each in said.json["keys"]] == [True]
    assert text not in said.out


def test_options_before_the_command_choose_the_vault(
    brickwork: Command, tmp_path: Path, isolated_home: Path
) -> None:
    """--vault and --keys go before all settings."""
    options = ("--vault", str(tmp_path / "v.db"), "--keys", f"file:{tmp_path / 'k' / 'key'}")
    args = ("block", "create", "secret", "x", "--set", "value=-")

    assert brickwork(*options, *args, stdin=SECRET).code == 0
    assert "secret/x" in brickwork(*options, "block", "ls").out
    assert "There is no vault" in brickwork("block", "ls").err
    assert not (isolated_home / "config").exists()


@pytest.mark.parametrize(
    "topic", ["completion", "exit-codes", "variables", "block", "block create"]
)
def test_help_has_topics_and_commands(brickwork: Command, topic: str) -> None:
    """`help` explains both."""
    said = brickwork("help", *topic.split())

    assert said.code == 0
    assert len(said.out.splitlines()) > 2


def test_unknown_commands_are_refused_with_what_comes_near(brickwork: Command) -> None:
    """A typing mistake ends with 2 and the likely command; extra arguments are not quoted."""
    assert "Did you mean block" in brickwork("blok", "ls").err
    assert brickwork("blok").code == 2
    assert brickwork("help", "nonsense").code == 2
    extra = brickwork("block", "create", "secret", "x", SECRET)
    assert (extra.code, SECRET in extra.err) == (2, False)


def test_a_result_is_json_without_secrets() -> None:
    """What a task returns is written as JSON at any depth; secrets and blocks never in clear."""
    auth = BasicAuth(username="a", password=SECRET)
    value = {"p": Path("/x"), "s": {Secret(SECRET)}, "b": b"\x00", "a": auth, "f": float("inf")}
    first = jsonable(value)
    auth.save("x")

    assert first["a"] == {"username": "a", "password": "********"}
    assert jsonable(auth) == {"$block": "basic-auth/x@1"}
    assert first["s"] == ["********"]
    assert first["b"] == {"base64": "AA=="}
    assert SECRET not in json.dumps(first, allow_nan=False)
