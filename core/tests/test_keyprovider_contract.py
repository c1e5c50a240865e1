"""The core's key providers keep the contract of key providers."""

import base64
import os
from pathlib import Path

import pytest

from brickwork.builtin.key_env import EnvKey
from brickwork.builtin.key_file import FileKey
from brickwork.builtin.key_passphrase import Cost, PassphraseKey
from brickwork.keyprovider import KeyProvider
from brickwork.testing import KeyProviderContract


def forms(text: str) -> list[str | bytes]:
    """Return each form of a key, given as text, that must not show."""
    raw = base64.urlsafe_b64decode(text)
    return [text.rstrip("="), raw, raw.hex(), repr(raw), base64.b64encode(raw).decode()]


def make_key() -> str:
    """Return a new key as text."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


class TestEnvKey(KeyProviderContract):
    """The provider `env`."""

    @pytest.fixture
    def provider(self, monkeypatch: pytest.MonkeyPatch) -> KeyProvider:
        monkeypatch.setenv("BRICKWORK_KEY", make_key())
        return EnvKey.open("")

    @pytest.fixture
    def stranger(self, monkeypatch: pytest.MonkeyPatch) -> KeyProvider:
        monkeypatch.setenv("OTHER_KEY", make_key())
        return EnvKey.open("OTHER_KEY")

    @pytest.fixture
    def keyless(self) -> KeyProvider:
        return EnvKey.open("NO_SUCH_VARIABLE")

    @pytest.fixture
    def key_material(self, provider: KeyProvider, stranger: KeyProvider) -> list[str | bytes]:
        return forms(os.environ["BRICKWORK_KEY"]) + forms(os.environ["OTHER_KEY"])


class TestFileKey(KeyProviderContract):
    """The provider `file`."""

    @pytest.fixture
    def provider(self, tmp_path: Path) -> KeyProvider:
        return self.made(tmp_path / "a" / "key")

    @pytest.fixture
    def stranger(self, tmp_path: Path) -> KeyProvider:
        return self.made(tmp_path / "b" / "key")

    @pytest.fixture
    def keyless(self, tmp_path: Path) -> KeyProvider:
        return FileKey.open(str(tmp_path / "none" / "key"))

    @pytest.fixture
    def key_material(
        self, tmp_path: Path, provider: KeyProvider, stranger: KeyProvider
    ) -> list[str | bytes]:
        return [form for folder in "ab" for form in forms((tmp_path / folder / "key").read_text())]

    def made(self, path: Path) -> KeyProvider:
        """Return a provider whose file was made."""
        provider = FileKey.open(str(path))
        assert provider.create()
        return provider


class TestPassphraseKey(KeyProviderContract):
    """The provider `passphrase`, at a low cost so that every byte can be tampered with."""

    @pytest.fixture
    def provider(self, monkeypatch: pytest.MonkeyPatch) -> KeyProvider:
        monkeypatch.setenv("BRICKWORK_PASSPHRASE", "correct horse battery staple")
        return PassphraseKey(cost=Cost(memory_kib=64, passes=1, lanes=1))

    @pytest.fixture
    def stranger(self, monkeypatch: pytest.MonkeyPatch) -> KeyProvider:
        monkeypatch.setenv("OTHER_PASSPHRASE", "incorrect horse battery staple")
        return PassphraseKey.open("OTHER_PASSPHRASE")

    @pytest.fixture
    def keyless(self) -> KeyProvider:
        return PassphraseKey.open("NO_SUCH_VARIABLE")

    @pytest.fixture
    def key_material(self) -> list[str | bytes]:
        return ["horse battery"]


class TestPassphraseKeyAtFullCost(TestPassphraseKey):
    """The provider `passphrase` as users get it."""

    slow_unwrap = True

    @pytest.fixture
    def provider(self, monkeypatch: pytest.MonkeyPatch) -> KeyProvider:
        monkeypatch.setenv("BRICKWORK_PASSPHRASE", "correct horse battery staple")
        return PassphraseKey.open("")
