"""The commands about versions: history, diff, rollback, prune, migrate, annotate, and notes."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import BasicAuth, Block, Notes, Secret, Settings, Vault, block as block_module
from brickwork.block import defined_blocks
from brickwork.cli.app import run
from brickwork.cli.block import group
from brickwork.cli.lazy import LazyGroup
from brickwork.testing.commandline import Command, Done, command_here
from brickwork.testing.leaks import leaks

ONE, TWO = "first-password-4711", "second-password-0815"


@pytest.fixture
def brickwork(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``brickwork block`` here, with standard input that is no terminal."""

    def call(*args: str, stdin: str = "") -> Done:
        done = command_here(run, capsys)("block", *args, stdin=stdin)
        assert not leaks(ONE, done.out + done.err)
        assert not leaks(TWO, done.out + done.err)
        return done

    return call


@pytest.fixture
def vault(memory_vault: Vault) -> Vault:
    """A vault with a login of three versions."""
    BasicAuth(username="a", password=Secret(ONE)).save("x")
    BasicAuth(username="b", password=Secret(ONE)).save("x", overwrite=True)
    BasicAuth(username="b", password=Secret(TWO)).save("x", overwrite=True)
    return memory_vault


def test_help_says_what_the_commands_say() -> None:
    """The lines of lazy commands in the group's help are those of the commands themselves."""
    import click

    assert isinstance(group, LazyGroup)
    ctx = click.Context(group)
    for name, (_, line) in group.elsewhere.items():
        command = group.get_command(ctx, name)
        assert command is not None
        assert command.name == name
        assert line.endswith(".")
        assert len(line) <= 70
    assert group.get_command(ctx, "nonsense") is None


def test_diff_shows_what_changed(vault: Vault, brickwork: Command) -> None:
    """Values where they are public, words where they are not; as a table and as JSON."""
    said = brickwork("diff", "basic-auth/x", "1", "2")
    assert said.code == 0
    rows = [line.split() for line in said.out.splitlines()]
    assert ["changed", "username", "a", "b"] in rows
    assert ["unchanged", "password", "(a", "secret)"] in rows
    found = brickwork("diff", "basic-auth/x@1", "--json").json
    assert found["schema"] == "brickwork.block.diff/1"
    assert (found["before"], found["after"], found["different"]) == (1, 3, True)
    kinds = {change["pointer"]: change["kind"] for change in found["changes"]}
    assert kinds == {"/username": "changed", "/password": "changed"}


def test_diff_can_end_with_1(vault: Vault, brickwork: Command) -> None:
    """``--exit-code`` is for scripts, as git's is."""
    assert brickwork("diff", "basic-auth/x", "--exit-code").code == 1
    same = brickwork("diff", "basic-auth/x", "2", "2", "--exit-code")
    assert (same.code, "No difference." in same.err) == (0, True)
    assert brickwork("diff", "basic-auth/x", "7").code == 4


def test_diff_of_a_changed_document_says_unverified(vault: Vault, brickwork: Command) -> None:
    """What is shown is then what the database says."""
    record = vault.store.get("basic-auth", "x")
    assert record is not None
    with vault.store.transaction():
        vault.store.replace(record._replace(public=record.public.replace(b'"b"', b'"evil"')))
    said = brickwork("diff", "basic-auth/x")
    assert said.code == 0
    assert "evil" in said.out
    assert "version 3 is unverified" in said.err
    assert list(brickwork("diff", "basic-auth/x", "--json").json["unverified"]) == ["3"]


def test_rollback_by_either_spelling(vault: Vault, brickwork: Command) -> None:
    """SLUG/NAME VERSION and SLUG/NAME@VERSION are the same."""
    assert "Saved basic-auth/x@4." in brickwork("rollback", "basic-auth/x", "1").out
    assert BasicAuth.load("x").username == "a"
    said = brickwork("rollback", "basic-auth/x@3", "--json")
    assert said.json["block"]["version"] == 5
    again = brickwork("rollback", "basic-auth/x@3")
    assert (again.code, "no version was added" in again.err) == (0, True)
    for args in (("basic-auth/x",), ("basic-auth/x@1", "2")):
        assert brickwork("rollback", *args).code == 2
    assert brickwork("rollback", "basic-auth/x", "9").code == 4
    assert len(vault.history("basic-auth/x")) == 5


def test_prune_asks_and_names_what_is_gone(vault: Vault, brickwork: Command) -> None:
    """Without a yes nothing goes; --compact leaves nothing to say about logs."""
    assert brickwork("prune", "--keep", "1").code == 2
    assert len(vault.history("basic-auth/x")) == 3
    assert brickwork("prune", "--keep", "0", "--yes").code == 2
    said = brickwork("prune", "basic-auth/x", "--keep", "2", "--yes")
    assert (said.code, said.out) == (0, "Removed basic-auth/x@1.\n")
    assert "--compact" in said.err
    done = brickwork("prune", "--keep", "1", "--yes", "--compact", "--json")
    assert done.json == {"schema": "brickwork.block.prune/1", "removed": ["basic-auth/x@2"]}
    assert "--compact" not in done.err
    assert brickwork("history", "basic-auth/x", "--json").json["versions"][0]["version"] == 3


class Old(Block):
    """A block of the first release."""

    slug: ClassVar[str] = "cliversions-account"
    user: str = Field(description="User.")
    token: Secret[str] = Field(description="Token.")


def test_migrate_shows_fields_and_no_values(
    vault: Vault, brickwork: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run and the migration tell the same; one that fails ends with its code."""
    from brickwork import migration

    Old(user="me", token=Secret(ONE)).save("a")
    monkeypatch.setattr(block_module, "defined_blocks", dict(defined_blocks))

    class New(Block):
        """A block of the second release."""

        slug: ClassVar[str] = "cliversions-new"
        login: str = Field(description="Login.")

        @migration(1)
        @staticmethod
        def _rename(fields: dict[str, Any]) -> dict[str, Any]:
            return {"login": fields["user"]}

    New.slug, New.schema_version = Old.slug, 2
    block_module.defined_blocks[Old.slug] = New
    dry = brickwork("migrate", "--dry-run")
    assert dry.code == 0
    assert "pending" in dry.out
    assert "1 -> 2" in dry.out
    assert "1 would be migrated, 0 failed" in dry.err
    assert vault.document("cliversions-account/a").version == 1
    done = brickwork("migrate", "--json").json
    assert done["schema"] == "brickwork.block.migrate/1"
    assert done["documents"] == [
        {
            "address": "cliversions-account/a@2",
            "status": "migrated",
            "schemas": [{"at": "", "slug": "cliversions-account", "from": 1, "to": 2}],
            "added": ["/login"],
            "removed": ["/token", "/user"],
            "changed": [],
            "problem": None,
        }
    ]
    assert brickwork("migrate").code == 0
    New.schema_version = 3
    failed = brickwork("migrate")
    assert failed.code == 7
    assert "no migration from 2 to 3" in failed.out
    assert "fix: " in failed.err


# Notes


def test_notes_are_given_changed_and_taken_away(vault: Vault, brickwork: Command) -> None:
    """``annotate`` adds tags, takes them off, sets and clears description and expiry."""
    options = ("--description", "for reports", "--tag", "prod", "--tag", "eu", "--expires", "90d")
    assert brickwork("annotate", "basic-auth/x", *options).code == 0
    notes = vault.document("basic-auth/x").notes
    assert (notes.description, notes.tags) == ("for reports", ("eu", "prod"))
    assert notes.expires_at is not None
    brickwork("annotate", "basic-auth/x", "--untag", "eu", "--expires", "2099-01-31")
    notes = vault.document("basic-auth/x").notes
    assert (notes.tags, f"{notes.expires_at:%Y-%m-%d}"[:7]) == (("prod",), "2099-01")
    said = brickwork("annotate", "basic-auth/x", "--tag", "prod")
    assert "no version was added" in said.err
    brickwork(
        "annotate", "basic-auth/x", "--description", "", "--untag", "prod", "--expires", "never"
    )
    assert vault.document("basic-auth/x").notes == Notes()


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--expires", "soon"),
        ("--expires", "2027-13-01"),
        ("--tag", "two words"),
        ("--description", "two\nlines"),
    ],
)
def test_notes_that_cannot_be_are_refused(
    options: tuple[str, ...], vault: Vault, brickwork: Command
) -> None:
    """Nothing is written."""
    assert brickwork("annotate", "basic-auth/x", *options).code == 2
    assert vault.document("basic-auth/x").version == 3


def test_create_and_edit_take_notes(vault: Vault, brickwork: Command) -> None:
    """A new block with notes; an edit of notes alone, of values alone, of both."""
    create = ("create", "settings", "s", "--set", "value=1")
    noted = ("--description", "limits", "--tag", "prod", "--expires", "1y")
    assert brickwork(*create, *noted).code == 0
    assert vault.document("settings/s").notes[:2] == ("limits", ("prod",))
    assert brickwork("edit", "settings/s", "--set", "value=2").code == 0
    assert vault.document("settings/s").notes.description == "limits"
    assert brickwork("edit", "settings/s", "--tag", "new", "--untag", "prod").code == 0
    assert vault.document("settings/s").notes.tags == ("new",)
    assert brickwork("edit", "settings/s", "--set", "value=3", "--description", "more").code == 0
    document = vault.document("settings/s")
    assert (document.version, document.fields, document.notes.description) == (
        4,
        {"value": 3},
        "more",
    )
    assert brickwork(*create, "--overwrite", "--tag", "again").code == 0
    assert vault.document("settings/s").notes.tags == ("again", "new")


def test_ls_finds_by_tag_text_and_expiry(vault: Vault, brickwork: Command) -> None:
    """In address, description, tags and public values; all filters must fit."""
    Settings(value={"host": "db.example"}).save("a", notes=Notes("Reports of SALES", ("prod",)))
    Settings(value="plain").save("b", notes=Notes(tags=("prod", "eu")))
    brickwork("annotate", "settings/b", "--expires", "10d")
    brickwork("annotate", "basic-auth/x", "--expires", "2020-01-01")

    def found(*options: str) -> list[str]:
        rows = brickwork("ls", *options, "--json").json["blocks"]
        return [row["address"] for row in rows]

    assert found("--tag", "prod") == ["settings/a", "settings/b"]
    assert found("--tag", "prod", "--tag", "eu") == ["settings/b"]
    assert found("--search", "sales") == ["settings/a"]
    assert found("--search", "DB.EXAMPLE") == ["settings/a"]
    assert found("--search", "basic-auth/x") == ["basic-auth/x"]
    assert found("--search", "eu") == ["settings/b"]
    assert found("--search", ONE) == []
    assert found("--expiring", "30d") == ["basic-auth/x", "settings/b"]
    assert found("--expiring", "5d") == ["basic-auth/x"]
    assert found("--tag", "prod", "--expiring", "2w", "--search", "plain") == ["settings/b"]
    assert found("settings", "--search", "basic") == []
    empty = brickwork("ls", "--tag", "nothing")
    assert "No such blocks" in empty.err
    assert brickwork("ls", "--expiring", "soon").code == 2


def test_columns_are_there_where_there_is_something_in_them(
    vault: Vault, brickwork: Command
) -> None:
    """Tags, descriptions and expiry only cost room where there are any."""
    assert brickwork("ls").out.splitlines()[0].split() == [
        "ADDRESS", "VERSION", "SAVED", "BY", "PROBLEM",
    ]  # fmt: skip
    brickwork("annotate", "basic-auth/x", "--tag", "prod", "--expires", "5d")
    listed = brickwork("ls")
    assert listed.out.splitlines()[0].split()[4:] == ["TAGS", "EXPIRES", "PROBLEM"]
    assert "(soon)" in listed.out
    assert "TAGS" in brickwork("history", "basic-auth/x").out
    row = brickwork("ls", "--json").json["blocks"][0]
    assert (row["tags"], row["expiry"], row["description"]) == (["prod"], "soon", "")


def test_expired_blocks_are_told_of_everywhere(vault: Vault, brickwork: Command) -> None:
    """In ls, show and check, and when a command loads one."""
    brickwork("annotate", "basic-auth/x", "--expires", "2020-01-01", "--description", "old one")
    assert "1 expired: basic-auth/x" in brickwork("ls").err
    shown = brickwork("show", "basic-auth/x")
    assert "old one" in shown.out
    assert "expires 2020-01-01 (expired)" in shown.out
    assert "expired" in shown.err
    checked = brickwork("check", "--json")
    assert checked.code == 1
    [finding] = [f for f in checked.json["blocks"][0]["findings"] if f["what"] == "expiry"]
    assert (finding["status"], "2020-01-01" in finding["detail"]) == ("failed", True)
    assert "warning" not in checked.err
    brickwork("annotate", "basic-auth/x", "--expires", "5d")
    soon = brickwork("check", "--json")
    assert (soon.code, soon.json["blocks"][0]["status"]) == (0, "warning")


def test_doctor_tells_of_expired_blocks(
    vault: Vault, brickwork: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a warning: the installation is sound."""
    brickwork("annotate", "basic-auth/x", "--expires", "2020-01-01")
    run(("doctor", "--json"))
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [(f["status"], f["what"]) for f in findings if "expired" in f["detail"]] == [
        ("warning", "basic-auth/x")
    ]


def test_show_takes_a_version(vault: Vault, brickwork: Command) -> None:
    """SLUG/NAME@1 is shown as it was, by show and check too."""
    shown = brickwork("show", "basic-auth/x@1", "--json").json
    assert (shown["version"], shown["fields"]["username"]) == (1, "a")
    assert brickwork("check", "basic-auth/x@1", "basic-auth/x@2").code == 0


def test_a_setting_keeps_versions_of_commands_too(
    vault: Vault, brickwork: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """BRICKWORK_KEEP_VERSIONS counts for what is saved from a shell."""
    monkeypatch.setenv("BRICKWORK_KEEP_VERSIONS", "1")
    assert brickwork("edit", "basic-auth/x", "--set", "username=c").code == 0
    assert [d.version for d in vault.history("basic-auth/x")] == [4]
