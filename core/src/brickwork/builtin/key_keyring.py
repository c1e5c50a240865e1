"""The key provider ``keyring``: the key is in the operating system's keyring."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar, Self

from brickwork.builtin import wrapping
from brickwork.builtin.text_key import TextKey
from brickwork.crypto import new_key, without_frames
from brickwork.errors import BrickworkError, ConfigError, InsecureKeyFile, KeyUnavailable

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_USER = "vault-key"
_NOTHING = frozenset({"keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"})
_CHAIN = "keyring.backends.chainer.ChainerBackend"


class KeyringKey(TextKey):
    """Takes the key from the keyring of the operating system, where the user's login guards it.

    Needs ``brickwork[keyring]``. The setting is the service under which the keyring lists it, by
    default ``brickwork``; the user's name in the entry is ``vault-key``. `create` puts a new key
    there. What it holds is the text that a key file has, so the same text in a file or a variable
    opens the same vault.

    Only backends that encrypt, and that the operating system guards, are used: see ``allowed``.
    Where the package ``keyring`` has chained several, only the first of those is used, and never
    one that would keep the key in a file.
    """

    name: ClassVar[str] = "keyring"
    default_service: ClassVar[str] = "brickwork"
    allowed: ClassVar[frozenset[str]] = frozenset(
        {
            "keyring.backends.macOS.Keyring",
            "keyring.backends.SecretService.Keyring",
            "keyring.backends.libsecret.Keyring",
            "keyring.backends.kwallet.DBusKeyring",
            "keyring.backends.kwallet.DBusKeyringKWallet4",
            "keyring.backends.Windows.WinVaultKeyring",
        }
    )
    """The backends that are used, by module and class.

    A test that has a backend of its own adds that one here, for as long as it runs::

        monkeypatch.setattr(KeyringKey, "allowed", KeyringKey.allowed | {"tests.mine.Keyring"})

    No setting and no variable can do so.
    """

    def __init__(self, service: str = default_service) -> None:
        self.service = service

    @classmethod
    def open(cls, setting: str) -> Self:
        """Make one from the name of the service; empty means ``brickwork``.

        Raises:
            ConfigError: It is no name. The message does not quote it.
        """
        if not setting.isprintable() or len(setting) > 200:
            raise ConfigError(
                "The setting of the key provider 'keyring' is not the name of a service.",
                fix="Write a name after the colon, as in 'keyring:brickwork'.",
            )
        return cls(setting or cls.default_service)

    def describe(self) -> str:
        """Name the entry."""
        return f"keyring entry {self.service!r}"

    def __repr__(self) -> str:
        return f"KeyringKey({self.service!r})"

    @without_frames
    def create(self) -> bool:
        """Put a new key into the keyring if it has none; tell whether this call did.

        Of several processes of one user that do so at once, one does.
        """
        backend = self._backend()
        with _one_at_a_time():
            if self._get(backend) is not None:
                self._key()
                return False
            text = wrapping.key_to_text(new_key())
            try:
                backend.set_password(self.service, _USER, text)
            except Exception as error:  # noqa: BLE001  # backends raise what their systems do
                raise self._failed(backend, "written", error) from None
            if self._get(backend) != text:
                raise KeyUnavailable(
                    f"The {self.describe()} does not give back what was put there "
                    f"({_name(backend)}).",
                    tried=[self.name],
                    fix="Use another key provider, such as a key file.",
                )
        return True

    def _key(self) -> bytes:
        text = self._get(self._backend())
        if text is None:
            raise KeyUnavailable(
                f"There is no {self.describe()}.",
                tried=[self.name],
                fix="Log in as the user whose keyring has it, or put the key back: "
                f"keyring set {self.service} {_USER}",
            )
        return wrapping.key_from_text(text, f"The {self.describe()}", provider=self.name)

    def _get(self, backend: "KeyringBackend") -> str | None:
        try:
            return backend.get_password(self.service, _USER)
        except Exception as error:  # noqa: BLE001  # backends raise what their systems do
            raise self._failed(backend, "read", error) from None

    def _backend(self) -> "KeyringBackend":
        """Return the backend that is used. Raises KeyUnavailable, InsecureKeyFile."""
        try:
            import keyring
        except ImportError:
            raise KeyUnavailable(
                "The package keyring is not installed, which the key provider 'keyring' needs.",
                tried=[self.name],
                fix="pip install 'brickwork[keyring]'",
            ) from None
        try:
            found = keyring.get_keyring()
        except Exception as error:  # noqa: BLE001  # a backend may fail while it is made
            raise KeyUnavailable(
                f"The system's keyring cannot be opened: {type(error).__name__}.",
                tried=[self.name],
                fix="Run `keyring diagnose`, or use another key provider, such as a key file.",
            ) from None
        chained: list[KeyringBackend] = []
        if _name(found) == _CHAIN:
            chained = list(getattr(found, "backends", ()))
        for backend in (found, *chained):
            if _name(backend) in self.allowed:
                return backend
        raise self._refused([_name(backend) for backend in chained or [found]])

    def _refused(self, names: list[str]) -> BrickworkError:
        told = ", ".join(names)
        nothing = _NOTHING | {_CHAIN}
        if nothing.issuperset(names):
            return KeyUnavailable(
                f"This system has no keyring that could keep a key: there is only {told}.",
                tried=[self.name],
                fix="Install and unlock one (GNOME Keyring, KWallet), or use another key provider, "
                "such as a key file.",
            )
        return InsecureKeyFile(
            f"The keyring here is {told}, which is not known to keep a key from others.",
            fix="Choose a backend of the operating system (`keyring --list-backends`, and "
            "PYTHON_KEYRING_BACKEND or keyringrc.cfg), or use another key provider, such as a key "
            "file.",
        )

    def _failed(self, backend: "KeyringBackend", deed: str, error: Exception) -> KeyUnavailable:
        return KeyUnavailable(
            f"The {self.describe()} cannot be {deed}: {type(error).__name__} of {_name(backend)}.",
            tried=[self.name],
            fix="Unlock the keyring (log in to the desktop, or `gnome-keyring-daemon --unlock`), "
            "and try again.",
        )


def _name(backend: object) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep other processes of this user away: a keyring cannot add only what is not there."""
    import fcntl
    import pwd

    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
        descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (KeyError, OSError):  # a user without a home has no keyring that processes race for
        yield
        return
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
