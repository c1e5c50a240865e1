"""Forms with files: ``multipart/form-data`` (RFC 7578)."""

import re
from collections.abc import Sequence
from uuid import uuid4

from brickwork.builtin.notifiers.texts import plain
from brickwork.notifier import Attachment

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:; ?[\w.+-]+=[\w.+-]+)*", re.ASCII)
_MAX_NAME = 200


def form_with_files(json: bytes, files: Sequence[Attachment]) -> tuple[bytes, str]:
    """Return the body of a form with a part ``payload_json`` and files, and its content type.

    Args:
        json: What is in ``payload_json``.
        files: In order ``files[0]``, ``files[1]`` and so on.
    """
    boundary = f"brickwork-{uuid4().hex}"
    parts = [('name="payload_json"', "application/json", json)]
    for number, file in enumerate(files):
        # As browsers do; a backslash is no escape here.
        quoted = file_name(file).replace('"', "%22")
        parts.append(
            (f'name="files[{number}]"; filename="{quoted}"', _media_type(file), file.content)
        )
    body = bytearray()
    for names, media_type, content in parts:
        body += f"--{boundary}\r\nContent-Disposition: form-data; {names}\r\n".encode()
        body += f"Content-Type: {media_type}\r\n\r\n".encode() + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return bytes(body), f"multipart/form-data; boundary={boundary}"


def file_name(file: Attachment) -> str:
    """Return a file's name; the middle of a very long one is left out, its ending stays."""
    name = plain(file.name)
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 21]}\u2026{name[-20:]}"


def _media_type(file: Attachment) -> str:
    # What else could be in it is a header of somebody's making.
    known = _MEDIA_TYPE.fullmatch(file.media_type)
    return file.media_type if known else "application/octet-stream"
