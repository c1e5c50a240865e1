"""The key file: private, made once, never replaced."""

import multiprocessing
import os
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from brickwork.builtin.key_file import FileKey
from brickwork.errors import ConfigError, InsecureKeyFile, KeyUnavailable
from brickwork.testing.files import umask

pytestmark = pytest.mark.attack

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
RAW = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a key file that was made."""
    path = tmp_path / "config" / "brickwork" / "key"
    assert FileKey(path).create() is True
    return path


def use(path: Path) -> None:
    """Use the key of a file, both ways, and notice if `create` touches a file that is there."""
    provider = FileKey(path)
    before = path.read_bytes() if path.is_file() else None
    try:
        provider.create()
    finally:
        assert before is None or path.read_bytes() == before
    assert provider.unwrap(provider.wrap(RAW, b"c"), b"c") == RAW


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o177])
def test_create_is_private_whatever_the_umask(mask: int, tmp_path: Path) -> None:
    """The file has mode 0600 and each folder that was made 0700 or less."""
    path = tmp_path / "a" / "b" / "key"
    (tmp_path / "a").mkdir(mode=0o755)
    with umask(mask & ~0o100):
        assert FileKey(path).create() is True
        assert FileKey(path).create() is False
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["key"]
    use(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o602, 0o620, 0o610, 0o777])
def test_a_file_open_to_others_is_refused_and_the_fix_mends_it(mode: int, path: Path) -> None:
    """Any right of group or others is too much; the command in the fix makes it good."""
    path.chmod(mode)
    with pytest.raises(InsecureKeyFile, match=f"{mode:04o}") as caught:
        use(path)
    assert caught.value.fix == f"chmod 600 {path}"
    subprocess.run(shlex.split(caught.value.fix), check=True)
    use(path)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_the_owner_alone_is_taken(mode: int, path: Path) -> None:
    """The owner's own rights do not matter."""
    path.chmod(mode)
    use(path)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777, 0o720])
def test_a_folder_that_others_can_write_is_refused(mode: int, path: Path) -> None:
    """Whoever can write the folder can put another key in the place of ours."""
    path.parent.chmod(mode)
    with pytest.raises(InsecureKeyFile, match="folder") as caught:
        use(path)
    subprocess.run(shlex.split(caught.value.fix), check=True)
    use(path)


def test_the_fix_quotes_odd_paths(tmp_path: Path) -> None:
    """A path with a space stays one word in the command that users copy."""
    path = tmp_path / "my keys; rm" / "the key"
    FileKey(path).create()
    path.chmod(0o644)
    with pytest.raises(InsecureKeyFile) as caught:
        use(path)
    subprocess.run(shlex.split(caught.value.fix), check=True)
    use(path)


def test_a_symbolic_link_is_refused(path: Path) -> None:
    """A link is refused even if it points to a good key file, or to nothing."""
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(InsecureKeyFile, match="symbolic link"):
        use(link)
    path.unlink()
    with pytest.raises(InsecureKeyFile, match="symbolic link"):
        use(link)
    assert not path.exists()


def test_what_is_no_regular_file_is_refused(path: Path) -> None:
    """A folder or a named pipe in the file's place is refused, and the pipe is not waited for."""
    pipe, folder = path.with_name("pipe"), path.with_name("folder")
    os.mkfifo(pipe, 0o600)
    folder.mkdir()
    for each in (pipe, folder):
        with pytest.raises(InsecureKeyFile, match="regular file"):
            use(each)


def test_a_file_or_folder_of_another_user_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that somebody else gave us is not our key."""
    me = os.geteuid()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: me + 1)
        with pytest.raises(InsecureKeyFile, match="another user"):
            FileKey(path).wrap(RAW, b"")
    if me == 0:  # only root can give a file away
        os.chown(path, 4242, -1)
        with pytest.raises(InsecureKeyFile, match="belongs to another user") as caught:
            use(path)
        assert "chown" in caught.value.fix
        os.chown(path, 0, -1)
        os.chown(path.parent, 4242, -1)
        with pytest.raises(InsecureKeyFile, match="folder"):
            use(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff" * 44, b"A" * 5000, b"\0" * 44])
def test_a_truncated_or_garbage_file_is_an_error_and_left_alone(content: bytes, path: Path) -> None:
    """A file that holds no key raises KeyUnavailable and is never written over."""
    whole = path.read_bytes()
    for text in (content, whole[:20], whole[:-3]):
        path.write_bytes(text)
        with pytest.raises(KeyUnavailable, match="key file"):
            use(path)
        assert path.read_bytes() == text


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Without `create`, nothing is made."""
    path = tmp_path / "config" / "key"
    with pytest.raises(KeyUnavailable, match=str(path)):
        FileKey(path).wrap(RAW, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_typed_error(tmp_path: Path) -> None:
    """A file where the folder should be raises KeyUnavailable with the reason."""
    (tmp_path / "config").write_text("")
    for path in (tmp_path / "config" / "key", tmp_path / "config" / "a" / "key"):
        with pytest.raises(KeyUnavailable, match=r"Not a directory|File exists") as caught:
            FileKey(path).create()
        assert caught.value.fix


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the key cannot be made durable, there is no key file and no temporary one."""

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "key"
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyUnavailable, match="No space left"):
        FileKey(path).create()
    assert list(tmp_path.iterdir()) == []


def test_the_check_is_made_on_what_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file swapped in after the opening is not read: the check and the reading are one file."""
    provider = FileKey(path)
    wrapped = provider.wrap(RAW, b"")
    real = os.fstat
    swaps = 0

    def swap(descriptor: int) -> os.stat_result:
        nonlocal swaps
        path.unlink()
        path.write_text("A" * 43)
        swaps += 1
        return real(descriptor)

    monkeypatch.setattr(FileKey, "_check_file", lambda self, status: None)
    monkeypatch.setattr(
        os, "fstat", lambda fd: swap(fd) if swaps == 0 and _is_key(fd) else real(fd)
    )
    assert provider.unwrap(wrapped, b"") == RAW
    assert swaps == 1


def _is_key(descriptor: int) -> bool:
    return stat.S_ISREG(os.stat(descriptor).st_mode)


def test_a_setting_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting may begin with the home, is made absolute, and cannot be empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FileKey.open("~/key").path == tmp_path / "key"
    monkeypatch.chdir(tmp_path)
    assert FileKey.open("key").path == tmp_path / "key"
    for setting in ("", "a\0b"):
        with pytest.raises(ConfigError):
            FileKey.open(setting)


def _race(folder: str, rounds: int, barrier: Any, results: Any) -> None:
    keys = []
    for number in range(rounds):
        path = Path(folder) / str(number) / "config" / "key"
        barrier.wait(60)
        made = FileKey(path).create()
        mode = stat.S_IMODE(path.stat().st_mode)
        keys.append((made, mode, path.read_bytes()))
    results.put(keys)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the workers only write files
def test_racing_processes_agree_on_one_key(tmp_path: Path) -> None:
    """Of 8 processes that start at once exactly one makes the key, and all read the same."""
    processes, rounds = 8, 60 * SCALE
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(processes), context.Queue()
    workers = [
        context.Process(target=_race, args=(str(tmp_path), rounds, barrier, results))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    seen = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * processes

    assert len(seen) == processes
    for number in range(rounds):
        outcomes = [keys[number] for keys in seen]
        assert sum(made for made, _, _ in outcomes) == 1
        assert {mode for _, mode, _ in outcomes} == {0o600}
        assert len({key for _, _, key in outcomes}) == 1
        assert len(list((tmp_path / str(number) / "config").iterdir())) == 1
