"""The key provider ``file``: the key is in a private file."""

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self

from brickwork.builtin import wrapping
from brickwork.builtin.text_key import TextKey
from brickwork.crypto import new_key, without_frames
from brickwork.errors import ConfigError, InsecureKeyFile, KeyUnavailable

_MAX_SIZE = 4096
_FILE_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe must not make us wait


class FileKey(TextKey):
    """Takes the key from a file: the URL-safe base64 of 32 bytes, as in ``BRICKWORK_KEY``.

    `create` makes it with mode 0600, in a folder with mode 0700. It is refused if its group or
    others may read or write it, if it belongs to another user, if it is a symbolic link or not a
    regular file, and if its folder can be written by others. All is checked on the open descriptor,
    so that nothing can be swapped between the check and the reading.
    """

    name: ClassVar[str] = "file"

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()

    @classmethod
    def open(cls, setting: str) -> Self:
        """Make one from the path of the key file; ``~`` is the user's home.

        Raises:
            ConfigError: The setting is empty or no path.
        """
        if not setting or "\0" in setting:
            raise ConfigError(
                "The key provider 'file' needs the path of its key file.",
                fix="Write it after a colon, as in 'file:~/.config/brickwork/key', or set "
                "BRICKWORK_KEY_FILE.",
            )
        return cls(setting)

    def describe(self) -> str:
        """Name the file."""
        return f"key file {self.path}"

    def _guard(self) -> str:
        return self.describe()

    def __repr__(self) -> str:
        return f"FileKey({str(self.path)!r})"

    @without_frames
    def create(self) -> bool:
        """Make the key file, and its folder, if it does not exist; tell whether this call did.

        Of several processes that do so at once exactly one makes it, and all find the same key in
        it. It is on the disk when this returns. A file that is there already is checked and never
        replaced.

        Raises:
            KeyUnavailable: It cannot be written, or is there and holds no key.
            InsecureKeyFile: It, or its folder, is there and not private.
        """
        with self._explained("created"):
            make_private_folder(self.path.parent)
        with self._folder() as folder, self._explained("created"):
            made = not _exists(self.path.name, folder) and write_new(
                self.path.name, folder, wrapping.key_to_text(new_key()).encode() + b"\n"
            )
            # Also when another process made it: its key must not be used before it is durable.
            os.fsync(folder)
        if not made:
            self._key()
        return made

    def _key(self) -> bytes:
        with self._folder() as folder, self._explained("read"):
            descriptor = os.open(self.path.name, os.O_RDONLY | _FILE_FLAGS, dir_fd=folder)
            try:
                self._check_file(os.fstat(descriptor))
                content = os.read(descriptor, _MAX_SIZE)
            finally:
                os.close(descriptor)
        return wrapping.key_from_text(
            content.decode("utf-8", "replace"), f"The {self.describe()}", provider=self.name
        )

    @contextmanager
    def _folder(self) -> Iterator[int]:
        folder = self.path.parent
        with self._explained("read"):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if status.st_uid not in (os.geteuid(), 0):
                raise _insecure(f"The folder {folder} of the key file is another user's.", folder)
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise InsecureKeyFile(
                    f"The folder {folder} of the key file can be written by others.",
                    fix=f"chmod go-w {shlex.quote(str(folder))}",
                )
            yield descriptor
        finally:
            os.close(descriptor)

    def _check_file(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise InsecureKeyFile(
                f"The {self.describe()} is not a regular file.",
                fix="Name the key file itself, or move away what stands there.",
            )
        if status.st_uid != os.geteuid():
            raise _insecure(f"The {self.describe()} belongs to another user.", self.path)
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            mode = stat.S_IMODE(status.st_mode)
            raise InsecureKeyFile(
                f"The {self.describe()} is open to other users (mode {mode:04o}).",
                fix=f"chmod 600 {shlex.quote(str(self.path))}",
            )

    @contextmanager
    def _explained(self, deed: str) -> Iterator[None]:
        """Turn the system's errors into ours."""
        try:
            yield
        except FileNotFoundError:
            raise KeyUnavailable(
                f"There is no {self.describe()}.",
                tried=[self.name],
                fix="Put it back from its backup, or say where it is with BRICKWORK_KEY_FILE. "
                "Without it, what it locked cannot be opened.",
            ) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):  # EMLINK: FreeBSD
                raise InsecureKeyFile(
                    f"The {self.describe()} is a symbolic link.",
                    fix="Name the file that it points to, or put the file in the link's place.",
                ) from None
            raise KeyUnavailable(
                f"The {self.describe()} cannot be {deed}: {os.strerror(error.errno or 0)}.",
                tried=[self.name],
                fix="Mend that, or name another file with BRICKWORK_KEY_FILE.",
            ) from None


def _insecure(what: str, path: Path) -> InsecureKeyFile:
    return InsecureKeyFile(what, fix=f"sudo chown {os.geteuid()} {shlex.quote(str(path))}")


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def write_new(name: str, folder: int, content: bytes) -> bool:
    """Write a private file under a name that is free, whole or not at all; tell whether it was.

    Args:
        name: The file's name.
        folder: Descriptor of its folder, which the caller makes durable.
        content: What to write.

    Raises:
        OSError: It cannot be written.
    """
    temporary = f".{name}.{os.urandom(8).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE_FLAGS
    descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        # A link, not a rename: it appears whole, and only if nobody else's has appeared.
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        return False
    finally:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
    return True


def make_private_folder(folder: Path) -> None:
    """Make a private folder, with its parents, and make their names durable."""
    missing = [folder, *folder.parents]
    missing = missing[: next(i for i, path in enumerate(missing) if path.exists())]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
