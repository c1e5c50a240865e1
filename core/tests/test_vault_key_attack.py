"""Without the right key nothing is written and nothing is made; the key is nowhere in the data.

``BRICKWORK_ATTACK_SCALE`` of 10 is the bar: 60 races of 8 processes for the first save.
"""

import base64
import multiprocessing
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from brickwork import BasicAuth, Block, SecretBlock, Vault
from brickwork.errors import BrickworkError, InsecureKeyFile, KeyUnavailable, WrongKey

pytestmark = [
    pytest.mark.attack,
    pytest.mark.filterwarnings(
        "ignore:This process .* is multi-threaded:DeprecationWarning"
    ),  # Python 3.12 and later, on a fork
]

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
ROUNDS = 6 * SCALE
KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
OTHER = base64.urlsafe_b64encode(bytes(range(1, 33))).decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for the vault and the key, each in a folder of its own; empty."""
    (tmp_path / "home").mkdir(mode=0o700)
    return tmp_path / "home"


def contents(home: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder, with mode and bytes."""
    found = {}
    for path in sorted(home.rglob("*")):
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(home))] = (path.lstat().st_mode, data)
    return found


def dump(vault: Path) -> list[str]:
    """The database as SQL."""
    with closing(sqlite3.connect(vault)) as database:
        return list(database.iterdump())


def unset(home: Path, patch: pytest.MonkeyPatch) -> str:
    """The variable is not there."""
    patch.delenv("APP_KEY", raising=False)
    return "env:APP_KEY"


def empty(home: Path, patch: pytest.MonkeyPatch) -> str:
    """The variable is there, and empty."""
    patch.setenv("APP_KEY", "")
    return "env:APP_KEY"


def cut(home: Path, patch: pytest.MonkeyPatch) -> str:
    """The key lacks its last characters."""
    patch.setenv("APP_KEY", KEY[:40])
    return "env:APP_KEY"


def wrong(home: Path, patch: pytest.MonkeyPatch) -> str:
    """Another key."""
    patch.setenv("APP_KEY", OTHER)
    return "env:APP_KEY"


def key_file(home: Path, text: str = KEY, mode: int = 0o600) -> Path:
    """A key file."""
    path = home / "config" / "key"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def wrong_file(home: Path, patch: pytest.MonkeyPatch) -> str:
    """A key file with another key."""
    return f"file:{key_file(home, OTHER)}"


def open_file(home: Path, patch: pytest.MonkeyPatch) -> str:
    """A key file that everybody can read."""
    return f"file:{key_file(home, mode=0o644)}"


def linked_file(home: Path, patch: pytest.MonkeyPatch) -> str:
    """A key file that is a link."""
    link = home / "config" / "link"
    target = key_file(home)
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    return f"file:{link}"


def cut_file(home: Path, patch: pytest.MonkeyPatch) -> str:
    """A key file that was cut short."""
    return f"file:{key_file(home, KEY[:20])}"


def empty_file(home: Path, patch: pytest.MonkeyPatch) -> str:
    """A key file without content."""
    return f"file:{key_file(home, '')}"


Trouble = Callable[[Path, pytest.MonkeyPatch], str]
TROUBLES: dict[Trouble, type[BrickworkError]] = {
    unset: KeyUnavailable,
    empty: KeyUnavailable,
    cut: KeyUnavailable,
    wrong: WrongKey,
    wrong_file: WrongKey,
    open_file: InsecureKeyFile,
    linked_file: InsecureKeyFile,
    cut_file: KeyUnavailable,
    empty_file: KeyUnavailable,
}


@pytest.fixture
def saved(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A vault with two blocks, locked by KEY from a file and closed."""
    with Vault.open(str(home / "vault.db"), keys=f"file:{key_file(home)}") as vault:
        vault.save(SecretBlock(value="the-secret-value"), "a")
        vault.save(BasicAuth(username="me", password="the-password"), "a")
    return home / "vault.db"


def calls(vault: Vault) -> list[Callable[[], object]]:
    """Everything that needs the key."""
    return [
        lambda: vault.load("secret/a"),
        lambda: vault.save(SecretBlock(value="new-secret-value"), "new"),
        lambda: vault.save(SecretBlock(value="new-secret-value"), "a", overwrite=True),
        lambda: vault.save(SecretBlock(value="the-secret-value"), "a"),
        lambda: vault.rename("secret/a", "b"),
        lambda: vault.keys.current("results"),
    ]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: each.__name__)
def test_a_key_in_trouble_changes_nothing(
    saved: Path, home: Path, monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    """Each call raises the right error with exit code 3; rows and files stay as they are."""
    setting = trouble(home, monkeypatch)
    if setting.startswith("env"):  # so that it is the key that is asked for, not the provider
        with closing(sqlite3.connect(saved)) as database:
            database.execute("UPDATE keys SET provider = 'env'")
            database.commit()
    rows, files = dump(saved), contents(home)
    for number in range(6):
        vault = Vault.open(str(saved), keys=setting)
        with pytest.raises(BrickworkError) as caught:
            calls(vault)[number]()
        assert type(caught.value) is TROUBLES[trouble]
        assert caught.value.exit_code == 3
        assert caught.value.fix
        for secret in (KEY, OTHER, "the-secret-value", "the-password", "new-secret-value"):
            assert secret not in str(caught.value)
        assert len(vault.documents()) == 2, "a listing needs no key"
        assert vault.document("basic-auth/a").fields["username"] == "me"
        vault.close()
        assert dump(saved) == rows
        assert contents(home) == files
    assert len(rows) > 10


@pytest.mark.parametrize(
    "trouble",
    [trouble for trouble, error in TROUBLES.items() if error is not WrongKey],
    ids=lambda each: each.__name__,
)
def test_a_key_in_trouble_makes_no_vault(
    home: Path, monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    """The first save without a good key leaves no new file and no new folder."""
    setting = trouble(home, monkeypatch)
    before = contents(home)
    with (
        Vault.open(str(home / "data" / "vault.db"), keys=setting) as vault,
        pytest.raises(TROUBLES[trouble]),
    ):
        vault.save(SecretBlock(value="never-written"), "a")
    assert contents(home) == before


def test_control_the_right_key_opens_it_again(
    saved: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After all that trouble, the key opens everything: the troubles were the key's."""
    for trouble, error in TROUBLES.items():
        with pytest.raises((error, KeyUnavailable)):
            Vault.open(str(saved), keys=trouble(home, monkeypatch)).load("secret/a")
    with Vault.open(str(saved), keys=f"file:{key_file(home)}") as vault:
        assert vault.load("secret/a") == SecretBlock(value="the-secret-value")
        vault.save(SecretBlock(value="new-secret-value"), "a", overwrite=True)


def test_another_provider_is_named(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vault that a passphrase would have to open says which provider locked it."""
    monkeypatch.setenv("BRICKWORK_PASSPHRASE", "correct horse battery")
    with (
        Vault.open(str(saved), keys="passphrase:BRICKWORK_PASSPHRASE") as vault,
        pytest.raises(KeyUnavailable, match="'file'"),
    ):
        vault.load("secret/a")


# The first save


def _first_save(home: Path, number: int, barrier: Any, results: Any) -> None:
    block: Block = SecretBlock(value=f"value of process {number}")
    try:
        with Vault.open(str(home / "data" / "vault.db"), keys=f"file:{home}/config/key") as vault:
            barrier.wait()
            vault.save(block, f"p{number}")
            vault.load(f"secret/p{number}")
        results.put(None)
    except BaseException as error:
        results.put(f"{type(error).__name__}: {error}")
        raise


def test_eight_processes_race_for_the_first_save(tmp_path: Path) -> None:
    """However they meet, there is one vault, one root key, and every save is in it."""
    context = multiprocessing.get_context("fork")
    for each in range(ROUNDS):
        home = tmp_path / f"home-{each}"
        home.mkdir(mode=0o700)
        barrier, results = context.Barrier(8), context.Queue()
        racers = [
            context.Process(target=_first_save, args=(home, number, barrier, results))
            for number in range(8)
        ]
        for racer in racers:
            racer.start()
        assert [results.get(timeout=60) for _ in racers] == [None] * 8
        for racer in racers:
            racer.join()
        with Vault.open(str(home / "data" / "vault.db"), keys=f"file:{home}/config/key") as vault:
            assert len(vault.keys.status()) == 1
            assert {document.kid for document in vault.documents()} == {vault.keys.active().hex()}
            for number in range(8):
                block = vault.load(f"secret/p{number}", expect=SecretBlock)
                assert block.reveal() == f"value of process {number}"
        assert sorted(path.name for path in home.rglob("*") if path.is_file()) == [
            "key",
            "vault.db",
        ]
        assert {path.stat().st_mode & 0o777 for path in home.rglob("*") if path.is_file()} == {
            0o600
        }
    assert each + 1 == ROUNDS


# The key beside the data


def forms(key: bytes) -> Iterator[bytes]:
    """Every form in which a key could be written."""
    yield key
    yield key.hex().encode()
    yield key.hex().upper().encode()
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(offset) + key)[-(-offset * 8 // 6) : (offset + 32) * 8 // 6]


def places_of(key: bytes, folder: Path) -> list[str]:
    """The files in which a key is found in any form."""
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms(key))
    ]


def test_no_key_is_in_the_data(home: Path) -> None:
    """Neither the provider's key nor a root key nor a derived one, in any form, in any file."""
    data = home / "data"
    with Vault.open(str(data / "vault.db"), keys=f"file:{key_file(home)}") as vault:
        for number in range(50):
            vault.save(SecretBlock(value=f"value-{number}-of-the-vault"), "a", overwrite=True)
        vault.rename("secret/a", "b")
        kid = vault.keys.active()
        keys = [bytes(range(32)), bytes(vault.keys._root(kid)), vault.keys.wrapping_key(kid)]
        # The write-ahead log is looked at too; by another process, for the sake of SQLite's locks.
        copy = home / "copy"
        assert os.waitstatus_to_exitcode(os.system(f"cp -r '{data}' '{copy}'")) == 0
        assert {path.name for path in copy.iterdir()} >= {"vault.db", "vault.db-wal"}
    for key in keys:
        assert places_of(key, copy) == []
        assert places_of(key, data) == []
    assert not any(b"-of-the-vault" in path.read_bytes() for path in copy.iterdir())


def test_control_a_planted_key_is_found(home: Path) -> None:
    """The search finds a key in each of its forms, wherever it stands."""
    key = bytes(range(32))
    for number, form in enumerate(forms(key)):
        (home / f"planted-{number}").write_bytes(os.urandom(1000) + form + os.urandom(1000))
    assert len(places_of(key, home)) == 9
    # No bytes in common with the planted key: one that was shifted by a byte is found by chance.
    assert places_of(bytes(range(128, 160)), home) == []
