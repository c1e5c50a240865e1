"""Which vault is in use, and how a process finds it: settings, containers, read-only folders."""

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from brickwork import Block, BlockNotFound, ConfigError, Secret, StoreError, Vault, use_vault
from brickwork.builtin.blocks import BasicAuth, SecretBlock, Settings
from brickwork.vault import current_vault

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


def run(program: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process that has these variables only."""
    return subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=cwd, capture_output=True, text=True
    )


SAVE = "from brickwork.builtin.blocks import Settings; print(Settings(value=7).save('a').version)"
LOAD = "from brickwork import Block; b = Block.load('settings/a'); print(b.value, b.address)"


@pytest.fixture
def three(tmp_path: Path) -> list[Vault]:
    """Three vaults, whose settings ``a`` are 0, 1 and 2."""
    vaults = [Vault.open(str(tmp_path / f"{number}.db")) for number in range(3)]
    for number, vault in enumerate(vaults):
        vault.save(Settings(value=number), "a")
    return vaults


def test_use_vault_nests(three: list[Vault]) -> None:
    """The innermost counts, and the one before is back when its block ends, also by an error."""
    with use_vault(three[0]) as outer:
        assert outer is three[0]
        with use_vault(three[1]):
            assert Settings.load("a").value == 1
            with use_vault(three[2]):
                assert Settings.load("a").value == 2
            with pytest.raises(ZeroDivisionError), use_vault(three[2]):
                raise ZeroDivisionError
            assert Settings.load("a").value == 1
        assert Settings.load("a").value == 0
    with pytest.raises(BlockNotFound):
        Settings.load("a")


def test_use_vault_is_per_thread(three: list[Vault]) -> None:
    """Threads use their own vaults at once."""
    found: dict[int, object] = {}
    barrier = threading.Barrier(3)

    def work(number: int) -> None:
        with use_vault(three[number]):
            barrier.wait(10)
            found[number] = Settings.load("a").value
            barrier.wait(10)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: 0, 1: 1, 2: 2}


def test_the_default_follows_the_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default vault is opened once, and again when a variable that names it changes."""
    monkeypatch.setenv("BRICKWORK_VAULT", str(tmp_path / "one.db"))
    monkeypatch.setenv("BRICKWORK_KEY", KEY)
    Settings(value=1).save("a")
    first = current_vault()
    assert current_vault() is first
    monkeypatch.setenv("BRICKWORK_VAULT", str(tmp_path / "two.db"))
    assert current_vault() is not first
    with pytest.raises(BlockNotFound):
        Settings.load("a")
    monkeypatch.setenv("BRICKWORK_VAULT", str(tmp_path / "one.db"))
    assert Settings.load("a").value == 1


def test_settings_count_in_order(tmp_path: Path) -> None:
    """Arguments, environment, the project's file, the user's, the user's folder: in this order."""
    home, project = tmp_path / "home", tmp_path / "project"
    (home / "config").mkdir(parents=True)
    project.mkdir()
    env = {"BRICKWORK_HOME": str(home), "BRICKWORK_KEY": KEY}
    program = (
        "import sys; from brickwork import Vault; from brickwork.builtin.blocks import Settings; "
        "vault = Vault.open(*sys.argv[1:]); vault.save(Settings(value=1), 'a'); "
        "print(vault.store.location)"
    )

    def location(*arguments: str, **more: str) -> Path:
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env={**env, **more},
            cwd=project,
            capture_output=True,
            text=True,
            check=True,
        )
        return Path(done.stdout.strip())

    assert location() == home / "data" / "vault.db"
    (home / "config" / "brickwork.toml").write_text('vault = "../user.db"\n')
    assert location().resolve() == home / "user.db"
    (project / "brickwork.toml").write_text('vault = "project.db"\n')
    assert location() == project / "project.db"
    named = str(tmp_path / "env.db")
    assert location(BRICKWORK_VAULT=named) == tmp_path / "env.db"
    assert location(str(tmp_path / "arg.db"), BRICKWORK_VAULT=named) == tmp_path / "arg.db"


def test_the_first_save_makes_vault_and_key_and_says_so(tmp_path: Path) -> None:
    """With nothing set, vault and key are made in the user's folders, apart; a line tells it."""
    done = run(SAVE, tmp_path, HOME=str(tmp_path), BRICKWORK_HOME=str(tmp_path / "bw"))
    assert done.stdout == "1\n"
    assert str(tmp_path / "bw" / "data" / "vault.db") in done.stderr
    assert str(tmp_path / "bw" / "config" / "key") in done.stderr
    assert len(done.stderr.splitlines()) == 1
    again = run(LOAD, tmp_path, HOME=str(tmp_path), BRICKWORK_HOME=str(tmp_path / "bw"))
    assert (again.stdout, again.stderr) == ("7 settings/a@1\n", "")
    modes = [path.stat().st_mode & 0o077 for path in (tmp_path / "bw").rglob("*")]
    assert modes
    assert not any(modes), "readable by others"


def test_a_container_needs_two_variables(tmp_path: Path) -> None:
    """With BRICKWORK_VAULT and BRICKWORK_KEY, no home and no writable folder are needed to load."""
    path = tmp_path / "data" / "vault.db"
    env = {"BRICKWORK_VAULT": str(path), "BRICKWORK_KEY": KEY}
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir(mode=0o500)
    assert run(SAVE, nowhere, **env).stdout == "1\n"
    for home in ({}, {"HOME": "/nonexistent"}, {"HOME": ""}):
        done = run(LOAD, nowhere, **env, **home)
        assert (done.stdout, done.stderr) == ("7 settings/a@1\n", "")
    assert list(nowhere.iterdir()) == []


def test_no_home_and_no_settings_is_a_typed_error(tmp_path: Path) -> None:
    """Without a home the error says which variables to set."""
    program = (
        "import os, platformdirs\n"
        "from brickwork import Block, ConfigError\n"
        "def homeless(*a, **k): raise RuntimeError\n"
        "platformdirs.user_data_path = homeless\n"
        "try: Block.load('settings/a')\n"
        "except ConfigError as error: print(error.fix)"
    )
    assert "BRICKWORK_VAULT and BRICKWORK_KEY" in run(program, tmp_path).stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_vault_in_a_read_only_folder_loads(tmp_path: Path) -> None:
    """A vault on a read-only mount can be read; saving there is a typed error."""
    _read_only(tmp_path)


def test_a_vault_in_a_folder_that_says_read_only_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, where the system is asked and says that the folder cannot be written."""
    access = os.access

    def refuse(path: str, mode: int, **more: bool) -> bool:
        return mode != os.W_OK and access(path, mode, **more)

    _read_only(tmp_path, lambda: monkeypatch.setattr(os, "access", refuse))


def _read_only(tmp_path: Path, protect: Callable[[], None] = lambda: None) -> None:
    folder = tmp_path / "mount"
    folder.mkdir()
    path = folder / "vault.db"
    with Vault.open(str(path)) as vault:
        vault.save(SecretBlock(value=Secret("hunter2hunter2")), "a")
    for left in folder.glob("vault.db-*"):
        left.unlink()
    before = path.read_bytes()
    protect()
    path.chmod(0o400)
    folder.chmod(0o500)
    try:
        with Vault.open(str(path)) as vault:
            assert vault.load("secret/a", expect=SecretBlock).reveal() == "hunter2hunter2"
            assert len(vault.documents()) == 1
            with pytest.raises(StoreError, match="read-only"):
                vault.save(SecretBlock(value=Secret("x")), "b")
        assert [each.name for each in folder.iterdir()] == ["vault.db"]
        assert path.read_bytes() == before
    finally:
        folder.chmod(0o700)


def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vault that is set to nothing is an error, and no vault somewhere else."""
    monkeypatch.setenv("BRICKWORK_VAULT", "")
    with pytest.raises(ConfigError, match="BRICKWORK_VAULT"):
        Block.load("settings/a")


def test_memory_vault_touches_nothing_else(memory_vault: Vault, isolated_home: Path) -> None:
    """The fixture is in use here, in other threads and in other processes, and nowhere else."""
    BasicAuth(username="me", password=Secret("hunter2hunter2")).save("a")
    assert current_vault() is memory_vault
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(BasicAuth.load("a").username))
    thread.start()
    thread.join()
    program = "from brickwork import Block; print(Block.load('basic-auth/a').username)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found == ["me"]
    assert done.stdout == "me\n"
    assert done.stderr == ""
    assert list(isolated_home.iterdir()) == []


def test_memory_vault_is_fresh(memory_vault: Vault) -> None:
    """Each test gets its own, empty."""
    assert memory_vault.documents() == []
