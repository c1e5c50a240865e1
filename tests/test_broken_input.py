"""Whatever is broken: a typed error that names the thing and the fix, and nothing is changed.

Each case breaks one thing and is tried twice: by a program, and by the command line. No secret
shows in what either says, also not with local variables. What is broken about the installation
itself is explained by ``brickwork doctor`` too.
"""

import os
import sqlite3
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import (
    BasicAuth,
    BrickworkError,
    InvalidName,
    Vault,
    errors,
)
from brickwork.builtin.wrapping import key_to_text
from brickwork.testing.distributions import write_plugin
from brickwork.testing.leaks import leaks

if TYPE_CHECKING:
    from tests.conftest import Ended, Installation, SmallDisk

GIVEN = "g1ven/S3cret+4242=with!mark"
"""The secret of what a case gives."""
KEPT = "k3pt/S3cret+7777=with!mark"
"""The secret that is in the vault already."""

MAKE = """
from brickwork import BasicAuth, Vault
BasicAuth(username="me", password=SECRET).save("prod")
"""
LOAD = 'from brickwork import Block; Block.load("basic-auth/prod")'
SAVE = 'from brickwork import BasicAuth; BasicAuth(username="you", password=SECRET).save("new")'
LOAD_COMMAND = ("block", "edit", "basic-auth/prod", "--set", "username=you")
SAVE_COMMAND = (
    *("block", "create", "basic-auth", "new"),
    *("--set", "username=you", "--set", "password=-"),
)


@dataclass(frozen=True)
class Case:
    """One broken thing.

    Attributes:
        name: What is broken.
        code: What a program does then.
        error: The class of the error that it gets.
        mentions: What the message must name; ``{home}`` is the home.
        command: The command that meets the same; none where there is none.
        command_error: The class of its error, where it is another one.
        command_mentions: What it must name, where that is another thing.
        stdin: What the command reads.
        broken: Breaks it, after a vault was made.
        fix: What the fix must say.
        in_sight: Whether the program hands the secret over as what it is not, a plain name, so that
            its local variables show it unless tracebacks are masked.
        doctor: Whether it is for ``doctor`` to explain, since it is wrong until mended.
    """

    name: str
    code: str
    error: type[BrickworkError]
    mentions: tuple[str, ...]
    command: tuple[str, ...] = ()
    command_error: type[BrickworkError] | None = None
    command_mentions: tuple[str, ...] | None = None
    stdin: str = GIVEN
    broken: Callable[["Installation"], None] = field(default=lambda installation: None)
    fix: str = ""
    doctor: bool = False
    in_sight: bool = False

    def __str__(self) -> str:
        return self.name


# How things get broken


def _with_aws(installation: "Installation") -> None:
    code = """
    from brickwork_aws import AwsCredentials
    AwsCredentials(access_key_id="AKIAX", secret_access_key=SECRET.partition("=")[0]).save("prod")
    """
    _done(installation, code, KEPT)


def _without_aws(installation: "Installation") -> None:
    _with_aws(installation)
    installation.without("brickwork-aws")


def _blocked_aws(installation: "Installation") -> None:
    _with_aws(installation)
    installation.environ["BRICKWORK_PLUGINS_BLOCK"] = "brickwork-aws"


def _plugin(installation: "Installation") -> Path:
    """Install a plugin that works, save a block of it, and return its module."""
    write_plugin(installation.site, "acme")
    code = 'from brickwork import Registry; Registry().block_class("acme-thing")().save("prod")'
    _done(installation, code, "")
    return installation.site / "brickwork_acme" / "plugin.py"


def _broken_plugin(installation: "Installation") -> None:
    _plugin(installation).write_text("import no_such_module_at_all\n")


def _misspelt_hook(installation: "Installation") -> None:
    _plugin(installation).write_text(
        "from brickwork import hookimpl\n@hookimpl\ndef brickwork_bloks():\n    return {}\n"
    )


def _two_plugins(installation: "Installation") -> None:
    _plugin(installation)
    write_plugin(installation.site, "acme", distribution="acme-integration")


def _other_key(installation: "Installation") -> None:
    installation.key.write_text(key_to_text(os.urandom(32)))


def _no_key(installation: "Installation") -> None:
    installation.key.unlink()


def _empty_key(installation: "Installation") -> None:
    installation.key.unlink()
    installation.environ["BRICKWORK_KEY"] = ""


def _wrong_key_variable(installation: "Installation") -> None:
    installation.environ["BRICKWORK_KEY"] = GIVEN


def _cut_key(installation: "Installation") -> None:
    installation.key.write_text(installation.key.read_text()[:20])


def _open_key(installation: "Installation") -> None:
    installation.key.chmod(0o640)


def _linked_key(installation: "Installation") -> None:
    elsewhere = installation.work / "key"
    installation.key.rename(elsewhere)
    installation.key.symlink_to(elsewhere)


def _no_database(installation: "Installation") -> None:
    installation.vault.write_bytes(b"this is a letter and no database\n" * 200)


def _other_database(installation: "Installation") -> None:
    installation.vault.unlink()
    with sqlite3.connect(installation.vault) as connection:
        connection.execute("CREATE TABLE addresses (name TEXT)")
    connection.close()


def _newer_database(installation: "Installation") -> None:
    _change(installation, "PRAGMA user_version = 99")


def _damaged_database(installation: "Installation") -> None:
    """Overwrite every page but the first, as a failing disk would."""
    content = bytearray(installation.vault.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    installation.vault.write_bytes(content)


def _cut_database(installation: "Installation") -> None:
    content = installation.vault.read_bytes()
    installation.vault.write_bytes(content[: len(content) // 2])


def _redirected(installation: "Installation") -> None:
    changed = "replace(CAST(public AS TEXT), '\"me\"', '\"mallory\"')"
    _change(installation, f"UPDATE documents SET public = CAST({changed} AS BLOB)")


def _redirected_by_hand(installation: "Installation") -> None:
    """Change it as the shell of sqlite does, which leaves a text where bytes were."""
    changed = "replace(CAST(public AS TEXT), '\"me\"', '\"mallory\"')"
    _change(installation, f"UPDATE documents SET public = {changed}")


def _cut_ciphertext(installation: "Installation") -> None:
    _change(installation, "UPDATE documents SET sealed = substr(sealed, 1, 60)")


def _newer_ciphertext(installation: "Installation") -> None:
    _change(installation, "UPDATE documents SET sealed = CAST('BLK9' || substr(sealed, 5) AS BLOB)")


def _change(installation: "Installation", statement: str) -> None:
    connection = sqlite3.connect(installation.vault, isolation_level=None)
    connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _done(installation: "Installation", code: str, secret: str) -> None:
    answer, done = installation.attempt("\n".join(map(str.strip, code.splitlines())), secret)
    assert "error" not in answer, (answer, done.err)


# The cases

INPUT = [
    Case(
        "an unknown field",
        'from brickwork import BasicAuth; BasicAuth(username="me", password="x", pasword=SECRET)',
        errors.InvalidBlock,
        ("basic-auth", "pasword"),
        ("block", "create", "basic-auth", "new", "--set", f"pasword={GIVEN}"),
        command_error=errors.BlockError,
        fix="password",
    ),
    Case(
        "an unknown field that looks like a secret",
        'from brickwork import BasicAuth; BasicAuth(username="me", password="x", api_key=SECRET)',
        errors.InvalidBlock,
        ("basic-auth", "api_key"),
        ("block", "create", "basic-auth", "new", "--set", f"api_key={GIVEN}"),
        command_error=errors.BlockError,
        command_mentions=("basic-auth",),
        fix="password",
    ),
    Case(
        "a wrong type in a public field",
        'from brickwork import DatabaseUrl; DatabaseUrl(scheme="postgresql", port=SECRET)',
        errors.InvalidBlock,
        ("database-url", "port"),
        ("block", "create", "database-url", "new", "--set", "scheme=x", "--set", f"port={GIVEN}"),
    ),
    Case(
        "a wrong type in a secret field",
        'from brickwork import BasicAuth; BasicAuth(username="me", password=[SECRET])',
        errors.InvalidBlock,
        ("basic-auth", "password"),
    ),
    Case(
        "a secret in an argument",
        'from brickwork import BasicAuth; BasicAuth(username="me", password={"value": SECRET})',
        errors.InvalidBlock,
        ("basic-auth", "password"),
        ("block", "create", "basic-auth", "new", "--set", f"password={GIVEN}"),
        command_error=errors.BlockError,
        command_mentions=("password",),
    ),
    Case(
        "a Secret in a clear field",
        'from brickwork import *; BasicAuth(username=Secret(SECRET), password="x")',
        errors.InvalidBlock,
        ("basic-auth", "username"),
    ),
    Case(
        "a Secret inside a value that is stored in clear",
        'from brickwork import *; Settings(value={"token": Secret(SECRET)}).save("new")',
        errors.InvalidBlock,
        ("settings", "value"),
    ),
    Case(
        "a Secret as a name",
        'from brickwork import *; BasicAuth(username="me", password="x").save(Secret(SECRET))',
        errors.InvalidName,
        ("name",),
    ),
    Case(
        "a secret's text as a name",
        "from brickwork import *; SecretBlock(value=SECRET).save(SECRET)",
        errors.InvalidName,
        ("name",),
        in_sight=True,
    ),
    Case(
        "a secret's text as an address",
        "from brickwork import *; Block.load(Secret(SECRET).reveal())",
        errors.InvalidName,
        ("name",),
        in_sight=True,
    ),
]
INSTALLATION = [
    Case(
        "a missing plugin",
        'from brickwork import Block; Block.load("aws-credentials/prod")',
        errors.PluginMissing,
        ("aws-credentials", "brickwork-aws"),
        ("block", "edit", "aws-credentials/prod", "--set", "region=x"),
        broken=_without_aws,
        fix="pip install brickwork-aws",
        doctor=True,
    ),
    Case(
        "a blocked plugin",
        'from brickwork import Block; Block.load("aws-credentials/prod")',
        errors.PluginBroken,
        ("aws-credentials", "brickwork-aws", "BRICKWORK_PLUGINS_BLOCK"),
        ("block", "edit", "aws-credentials/prod", "--set", "region=x"),
        broken=_blocked_aws,
    ),
    Case(
        "a broken plugin",
        'from brickwork import Block; Block.load("acme-thing/prod")',
        errors.PluginBroken,
        ("acme-thing", "brickwork-acme", "no_such_module_at_all"),
        ("block", "edit", "acme-thing/prod", "--set", "region=x"),
        broken=_broken_plugin,
        fix="brickwork-acme",
        doctor=True,
    ),
    Case(
        "a misspelt hook",
        'from brickwork import Block; Block.load("acme-thing/prod")',
        errors.PluginBroken,
        ("acme-thing", "brickwork-acme", "brickwork_bloks"),
        ("block", "edit", "acme-thing/prod", "--set", "region=x"),
        broken=_misspelt_hook,
        fix="brickwork-acme",
        doctor=True,
    ),
    Case(
        "two plugins with one name",
        'from brickwork import Block; Block.load("acme-thing/prod")',
        errors.DuplicateName,
        ("acme", "brickwork-acme", "acme-integration"),
        ("block", "edit", "acme-thing/prod", "--set", "region=x"),
        broken=_two_plugins,
        doctor=True,
    ),
    *[
        Case(
            f"{name}, {deed}",
            code,
            error,
            mentions,
            command,
            broken=broken,
            fix=fix,
            doctor=True,
        )
        for name, broken, error, mentions, fix in [
            ("a wrong key", _other_key, errors.WrongKey, ("{home}/config/key",), ""),
            ("a missing key", _no_key, errors.KeyUnavailable, ("{home}/config/key",), "backup"),
            ("an empty key variable", _empty_key, errors.KeyUnavailable, ("BRICKWORK_KEY",), ""),
            (
                "a key variable that holds no key",
                _wrong_key_variable,
                errors.KeyUnavailable,
                ("BRICKWORK_KEY",),
                "",
            ),
            ("a truncated key file", _cut_key, errors.KeyUnavailable, ("{home}/config/key",), ""),
            (
                "a group-readable key file",
                _open_key,
                errors.InsecureKeyFile,
                ("{home}/config/key", "0640"),
                "chmod 600",
            ),
            ("a linked key file", _linked_key, errors.InsecureKeyFile, ("{home}/config/key",), ""),
            ("no database", _no_database, errors.StoreError, ("{home}/data/vault.db",), "restore"),
            (
                "a database of something else",
                _other_database,
                errors.StoreError,
                ("{home}/data/vault.db",),
                "BRICKWORK_VAULT",
            ),
            (
                "a database of a newer format",
                _newer_database,
                errors.StoreError,
                ("{home}/data/vault.db", "99"),
                "Upgrade",
            ),
            (
                "a damaged database",
                _damaged_database,
                errors.StoreError,
                ("{home}/data/vault.db",),
                "backup",
            ),
            (
                "a truncated database",
                _cut_database,
                errors.StoreError,
                ("{home}/data/vault.db",),
                "backup",
            ),
        ]
        for deed, code, command in [("load", LOAD, LOAD_COMMAND), ("save", SAVE, SAVE_COMMAND)]
    ],
    *[
        Case(name, LOAD, error, ("basic-auth/prod",), LOAD_COMMAND, broken=broken)
        for name, broken, error in [
            ("public fields changed", _redirected, errors.TamperedCiphertext),
            ("public fields changed by hand", _redirected_by_hand, errors.TamperedCiphertext),
            ("a truncated ciphertext", _cut_ciphertext, errors.TruncatedCiphertext),
            ("a ciphertext of a newer format", _newer_ciphertext, errors.UnsupportedFormat),
        ]
    ],
]
ODD_NAMES = [
    "",
    " ",
    ".",
    "..",
    "-x",
    "_x",
    "a b",
    " a",
    "a ",
    "a/b",
    "../a",
    "a\\b",
    "a\n",
    "a\x00b",
    "a:b",
    "a%2eb",
    "a*",
    "\u00e9",
    "\uff41",
    "a\u200b",
    "\ud800",
    "a" * 101,
]


@pytest.fixture
def made(installation: "Installation") -> "Installation":
    """An installation with a vault that holds one block."""
    _done(installation, MAKE, KEPT)
    return installation


@pytest.mark.parametrize("case", INPUT + INSTALLATION, ids=str)
def test_a_program_gets_the_error(case: Case, made: "Installation") -> None:
    """The error's class, what it names, its fix; no secret shows, and nothing is changed."""
    case.broken(made)
    _examine_program(case, made)


@pytest.mark.parametrize("case", [each for each in INPUT + INSTALLATION if each.command], ids=str)
def test_a_command_ends_with_the_error(case: Case, made: "Installation") -> None:
    """A command says the same, ends with the error's exit code, and changes nothing either."""
    case.broken(made)
    _examine_command(case, made)


@pytest.mark.parametrize("case", [each for each in INSTALLATION if each.doctor], ids=str)
def test_doctor_explains_it(case: Case, made: "Installation") -> None:
    """The command ``doctor`` names the same thing and its fix, ends with 1, and changes nothing."""
    case.broken(made)
    _examine_doctor(case, made)


def test_doctor_finds_nothing_where_nothing_is_broken(made: "Installation") -> None:
    """On an installation that is whole, ``doctor`` ends with 0: the tests above can fail."""
    done = made.brickwork("doctor")
    assert done.code == 0, done.shown
    _assert_no_secret(done.shown, made)


FULL = Case("a full disk", SAVE, errors.StoreError, ("{home}/data/vault.db", "full"), SAVE_COMMAND)
READ_ONLY = Case(
    "a read-only disk", SAVE, errors.StoreError, ("{home}/data/vault.db", "read-only"), SAVE_COMMAND
)


@pytest.mark.parametrize("case", [FULL, READ_ONLY], ids=str)
def test_a_disk_that_takes_nothing(
    case: Case, small_disk: "SmallDisk", installation: "Installation"
) -> None:
    """A full and a read-only disk refuse a save in words; what is saved is there afterwards."""
    installation.prefix = small_disk.prefix
    installation.home = small_disk.folder / "home"
    installation.outside = small_disk.outside / "home"
    installation.environ["BRICKWORK_HOME"] = str(installation.home)
    _done(installation, MAKE, KEPT)
    if case is FULL:
        small_disk.fill()
    else:
        small_disk.make_read_only()
    _examine_program(case, installation)
    _examine_command(case, installation)
    _examine_doctor(case, installation)
    if case is FULL:  # not even the index of the log can be made; that is said, and passes
        small_disk.empty()
    answer, _ = installation.attempt(
        'from brickwork import Block; result = Block.load("basic-auth/prod").username'
    )
    assert answer == {"returned": "me"}


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_an_odd_name_is_refused(name: str, tmp_path: Path) -> None:
    """Names that are none are refused by every method that takes one, and nothing is made."""
    vault = Vault.open(str(tmp_path / "data" / "vault.db"), f"file:{tmp_path / 'key'}")
    block = BasicAuth(username="me", password=GIVEN)
    for call in (
        lambda: vault.save(block, name),
        lambda: vault.load(f"basic-auth/{name}"),
        lambda: vault.document(f"basic-auth/{name}"),
        lambda: vault.delete(f"basic-auth/{name}"),
        lambda: vault.rename("basic-auth/prod", name),
    ):
        with pytest.raises(InvalidName) as caught:
            call()
        assert caught.value.fix
        assert not leaks(GIVEN, f"{caught.value} {caught.value!r}")
    assert list(tmp_path.iterdir()) == []


def test_a_command_refuses_an_odd_name(made: "Installation") -> None:
    """The command line refuses them too, with the exit code of usage, and makes no block."""
    before = made.dump()
    for name in [each for each in ODD_NAMES if each.isprintable() and each]:
        done = made.brickwork("block", "show", f"basic-auth/{name}")
        assert done.code == InvalidName.exit_code, (name, done)
        assert "fix:" in done.err
    assert made.dump() == before


_vaults = st.text(st.characters(exclude_categories=()), max_size=120) | st.from_regex(
    r"\A[A-Za-z0-9._-]{1,102}\Z"
)


@given(name=_vaults)
@settings(max_examples=300, deadline=None)
def test_a_name_is_taken_or_refused(name: str) -> None:
    """Any text is either a name, by the documented rule, or refused with the typed error."""
    from brickwork.block import check_name

    first = string.ascii_letters + string.digits
    fits = 0 < len(name) <= 100 and name[0] in first and set(name) <= set(first + "._-")
    if fits:
        assert check_name(name) == name
    else:
        with pytest.raises(InvalidName):
            check_name(name)


# What is asserted


def _examine_program(case: Case, installation: "Installation") -> None:
    files, content = installation.files(), installation.dump()

    answer, done = installation.attempt(case.code, GIVEN)

    assert "error" in answer, f"{case}: no error"
    parts = ("text", "repr") if case.in_sight else ("text", "repr", "traceback")
    shown = "\n".join(str(answer[part]) for part in parts) + done.err
    assert answer["error"] == f"{case.error.__module__}.{case.error.__name__}", shown
    assert answer["exit_code"] == case.error.exit_code
    _assert_named(case.mentions, answer["what"], installation)
    assert len(answer["fix"].split()) >= 2, f"no instruction: {answer['fix']!r}"
    assert case.fix in answer["fix"]
    _assert_no_secret(shown, installation)
    _assert_unchanged(files, content, installation)


def _examine_command(case: Case, installation: "Installation") -> None:
    files, content = installation.files(), installation.dump()
    mentions = case.mentions if case.command_mentions is None else case.command_mentions

    done = installation.brickwork(*case.command, stdin=case.stdin)
    debugged = installation.brickwork("--debug", *case.command, stdin=case.stdin)

    assert done.code == debugged.code == (case.command_error or case.error).exit_code, done
    assert "Traceback" not in done.shown
    _assert_named(mentions, done.err, installation)
    assert case.fix in _fix(done)
    assert len(_fix(done).split()) >= 2, done.err
    _assert_no_secret(done.shown + debugged.shown, installation)
    _assert_unchanged(files, content, installation)


def _examine_doctor(case: Case, installation: "Installation") -> None:
    files, content = installation.files(), installation.dump()

    done = installation.brickwork("doctor")
    as_json = installation.brickwork("doctor", "--json")

    for each in (done, as_json):
        assert each.code == 1, each
        assert "Traceback" not in each.shown
        _assert_named(case.mentions, each.shown, installation)
        assert case.fix in each.shown
        assert '"fix"' in each.shown or "fix:" in each.shown
        _assert_no_secret(each.shown, installation)
    _assert_unchanged(files, content, installation)


def _assert_named(mentions: tuple[str, ...], text: str, installation: "Installation") -> None:
    for each in mentions:
        name = each.format(home=installation.home)
        assert name in text, f"{name} is not named: {text}"


def _fix(done: "Ended") -> str:
    _, separator, fix = done.err.rpartition("fix: ")
    return fix if separator else ""


def _assert_no_secret(shown: str, installation: "Installation") -> None:
    secrets = [GIVEN, KEPT]
    if installation.key.is_file():
        secrets.append(installation.key.read_text().strip())
    for secret in secrets:
        assert not leaks(secret, shown), f"a secret shows: {shown}"


def _assert_unchanged(
    files: dict[str, bytes], content: list[str], installation: "Installation"
) -> None:
    after = installation.files()
    assert sorted(after) == sorted(files)
    changed = [name for name in files if after[name] != files[name] and name != "data/vault.db"]
    assert changed == []
    assert installation.dump() == content
