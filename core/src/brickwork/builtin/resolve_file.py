"""References to files: ``${file:/run/secrets/password}``, ``${file:app.json#password}``."""

import os
from typing import ClassVar

from brickwork.builtin.json_fields import pick
from brickwork.errors import ResolveError
from brickwork.resolver import Resolver
from brickwork.secret import Secret

MAX_BYTES = 1024 * 1024


class FileResolver(Resolver):
    """Reads small text files, each time anew, as containers and Kubernetes mount secrets.

    One line break at the end is left out. A relative path begins where the process runs, ``~`` in
    the user's home. Symbolic links are followed: mounted secrets are such. ``#field`` takes one
    entry of a file that holds a JSON object.
    """

    scheme: ClassVar[str] = "file"
    ttl_seconds: ClassVar[float] = 0.0

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:  # noqa: D102  # inherited
        reference = f"${{file:{path}{'' if field is None else f'#{field}'}}}"
        text = _read(os.path.expanduser(path), reference)  # noqa: PTH111  # pathlib changes more
        return Secret(text if field is None else pick(text, field, reference))


def _read(path: str, reference: str) -> str:
    import stat

    try:
        # Non-blocking, or opening a FIFO would wait for its writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as file:  # noqa: PTH123  # a descriptor
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ResolveError(
                    f"{reference}: it is not a regular file.", fix="Name a file with the value."
                )
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise ResolveError(
            f"{reference}: the file cannot be read: {reason}.",
            fix="Check that it exists and that this user may read it.",
        ) from None
    if len(data) > MAX_BYTES:
        raise ResolveError(
            f"{reference}: the file is larger than {MAX_BYTES} bytes.",
            fix="Name a file that holds the value alone.",
        )
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ResolveError(
            f"{reference}: the file is not UTF-8 text.", fix="Store it as text, such as base64."
        ) from None
