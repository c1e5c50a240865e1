"""The key provider `keyring`: the keyring of the operating system, and no other."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import keyring
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend

from brickwork import (
    BasicAuth,
    Block,
    BrickworkError,
    ConfigError,
    InsecureKeyFile,
    KeyProvider,
    KeyUnavailable,
    Vault,
)
from brickwork.builtin.key_keyring import KeyringKey
from brickwork.registry import get_registry
from brickwork.testing import KeyProviderContract
from brickwork.testing.concurrent import in_threads


class ProcessKeyring(KeyringBackend):
    """A keyring in this process, as real as keyring's own interface: for tests."""

    priority: ClassVar[float] = -1  # never chosen by keyring itself

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("the collection is locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise keyring.errors.PasswordSetError("the collection is locked")
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class FileKeyring(ProcessKeyring):
    """Stands for those of keyrings.alt, which keep passwords in a file in clear."""


def name_of(backend: type[KeyringBackend]) -> str:
    """The name under which a backend is allowed."""
    return f"{backend.__module__}.{backend.__qualname__}"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessKeyring]:
    """The keyring in use, which this test allows explicitly."""
    allowed = KeyringKey.allowed | {name_of(ProcessKeyring)}
    monkeypatch.setattr(KeyringKey, "allowed", allowed)
    with using(ProcessKeyring()) as backend:
        yield backend


class using:  # noqa: N801  # used like a function
    """Make a backend the one that keyring uses."""

    def __init__(self, backend: ProcessKeyring | KeyringBackend) -> None:
        self.backend = backend

    def __enter__(self) -> ProcessKeyring:
        self.before = keyring.get_keyring()
        keyring.set_keyring(self.backend)
        return self.backend  # type: ignore[return-value]  # tests know which it is

    def __exit__(self, *_: object) -> None:
        keyring.set_keyring(self.before)


class TestKeyringKey(KeyProviderContract):
    """The provider keeps the contract of key providers."""

    @pytest.fixture
    def provider(self, backend: ProcessKeyring) -> KeyProvider:
        provider = KeyringKey.open("")
        assert provider.create()
        return provider

    @pytest.fixture
    def stranger(self, backend: ProcessKeyring) -> KeyProvider:
        stranger = KeyringKey.open("another service")
        assert stranger.create()
        return stranger

    @pytest.fixture
    def keyless(self, backend: ProcessKeyring) -> KeyProvider:
        return KeyringKey.open("nothing there")

    @pytest.fixture
    def key_material(
        self, provider: KeyProvider, stranger: KeyProvider, backend: ProcessKeyring
    ) -> list[str | bytes]:
        assert len(backend.entries) == 2
        return [text.rstrip("=") for text in backend.entries.values()]


def test_a_vault_opens_by_the_keyring(backend: ProcessKeyring, tmp_path: Path) -> None:
    """The first save puts a key there, under the service that is named; the next one finds it."""
    with Vault.open(str(tmp_path / "vault.db"), keys="keyring:my-app") as vault:
        vault.save(BasicAuth(username="u", password="the password"), "prod")
    assert list(backend.entries) == [("my-app", "vault-key")]
    with Vault.open(str(tmp_path / "vault.db"), keys="keyring:my-app") as vault:
        assert vault.load("basic-auth/prod", expect=BasicAuth).password.reveal() == "the password"
        assert [key.provider for key in vault.keys.status()] == ["keyring"]
    with (
        Vault.open(str(tmp_path / "vault.db"), keys="keyring") as vault,
        pytest.raises(KeyUnavailable, match="no keyring entry 'brickwork'") as caught,
    ):
        vault.load("basic-auth/prod", expect=Block)
    assert "keyring set brickwork vault-key" in caught.value.fix


def test_the_text_in_the_keyring_is_that_of_a_key_file(
    backend: ProcessKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handed to a container as a variable, it opens the same vault."""
    with Vault.open(str(tmp_path / "vault.db"), keys="keyring") as vault:
        vault.save(BasicAuth(username="u", password="the password"), "prod")
    monkeypatch.setenv("BRICKWORK_KEY", backend.entries["brickwork", "vault-key"])
    with Vault.open(str(tmp_path / "vault.db"), keys="env") as vault:
        assert vault.load("basic-auth/prod", expect=BasicAuth).password.reveal() == "the password"


def test_create_makes_one_key(backend: ProcessKeyring) -> None:
    """Of many at once exactly one makes it, and it is never replaced."""
    made: list[bool] = []
    in_threads([lambda: made.append(KeyringKey().create())] * 8)
    assert sorted(made) == [False] * 7 + [True]
    text = backend.entries["brickwork", "vault-key"]
    backend.entries["brickwork", "vault-key"] = "not a key"
    with pytest.raises(KeyUnavailable, match="holds no key"):
        KeyringKey().create()
    assert backend.entries["brickwork", "vault-key"] == "not a key" != text


def test_only_backends_of_the_operating_system_are_allowed() -> None:
    """The list is explicit, and a setting cannot make it longer."""
    assert {
        "keyring.backends.macOS.Keyring",
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
        "keyring.backends.Windows.WinVaultKeyring",
    } == KeyringKey.allowed


def refusal(backend: KeyringBackend) -> BrickworkError:
    """What using a backend raises, which is the same for every way to use it."""
    provider = KeyringKey()
    errors = []
    with using(backend):
        for use in (
            provider.create,
            lambda: provider.wrap(bytes(32), b"context"),
        ):
            with pytest.raises(BrickworkError) as caught:
                use()
            errors.append(caught.value)
    assert {type(error) for error in errors} == {type(errors[0])}
    assert errors[0].fix
    return errors[0]


@pytest.mark.parametrize("cls", [keyring.backends.null.Keyring, keyring.backends.fail.Keyring])
def test_a_backend_that_keeps_nothing_is_refused(cls: type[KeyringBackend]) -> None:
    """Null and fail: there is no keyring here; the error names it."""
    error = refusal(cls())
    assert isinstance(error, KeyUnavailable)
    assert name_of(cls) in error.what


def test_a_backend_that_keeps_a_file_is_refused() -> None:
    """Whatever is not on the list, by its name; nothing is written to it."""
    backend = FileKeyring()
    error = refusal(backend)
    assert isinstance(error, InsecureKeyFile)
    assert name_of(FileKeyring) in error.what
    assert backend.entries == {}


def test_a_class_that_only_looks_allowed_is_refused(backend: ProcessKeyring) -> None:
    """A subclass of an allowed backend is another backend."""

    class Subclass(ProcessKeyring):
        pass

    assert isinstance(refusal(Subclass()), InsecureKeyFile)


def test_of_a_chain_only_an_allowed_one_is_used(
    backend: ProcessKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keyring's chain would also write to files; only an allowed member of it is asked."""
    plain, fail = FileKeyring(), keyring.backends.fail.Keyring()  # type: ignore[no-untyped-call]  # keyring's
    chain = ChainerBackend()  # type: ignore[no-untyped-call]  # keyring's
    for members, refused in (
        ([plain, backend], None),
        ([plain], InsecureKeyFile),
        ([fail], KeyUnavailable),
        ([], KeyUnavailable),
    ):
        monkeypatch.setattr(ChainerBackend, "backends", members)
        if refused is not None:
            assert isinstance(refusal(chain), refused)
            continue
        with using(chain):
            provider = KeyringKey()
            assert provider.create()
            assert provider.unwrap(provider.wrap(bytes(32), b"c"), b"c") == bytes(32)
        assert len(backend.entries) == 1
    assert plain.entries == {}


def test_a_locked_keyring_is_told_as_such(backend: ProcessKeyring) -> None:
    """Reading and writing: KeyUnavailable with what to do, and not what the backend said."""
    provider = KeyringKey()
    provider.create()
    wrapped = provider.wrap(bytes(32), b"context")
    backend.locked = True
    with pytest.raises(KeyUnavailable, match="KeyringLocked") as caught:
        provider.unwrap(wrapped, b"context")
    assert "Unlock" in caught.value.fix
    assert caught.value.__cause__ is None


def test_a_keyring_that_forgets_is_refused(
    backend: ProcessKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put there must come back, before anything is locked with it."""
    monkeypatch.setattr(ProcessKeyring, "set_password", lambda *_: None)
    with pytest.raises(KeyUnavailable, match="does not give back"):
        KeyringKey().create()


def test_without_the_package_the_fix_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyUnavailable, match="not installed") as caught:
        KeyringKey().wrap(bytes(32), b"context")
    assert "brickwork[keyring]" in caught.value.fix


def test_a_setting_that_is_no_name_is_refused() -> None:
    """And it is not quoted, since it may be a key."""
    for setting in ("a\nb", "x" * 201, "\0"):
        with pytest.raises(ConfigError) as caught:
            KeyringKey.open(setting)
        assert setting not in str(caught.value)
    assert get_registry().key_provider("keyring").open("").describe() == "keyring entry 'brickwork'"


def test_looking_for_the_provider_does_not_import_keyring() -> None:
    """The package, which takes long, is imported when it is asked for a key."""
    code = (
        "import sys; from brickwork.registry import get_registry;"
        "get_registry().key_provider('keyring').open('').describe();"
        "sys.exit('keyring' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
