"""Images that are kept: what they are, told from their first bytes and not from a name."""

import os
from pathlib import Path

from brickwork_flows.artifacts.records import MAX_BYTES, check_size
from brickwork_flows.errors import InvalidArtifact

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


def image_of(image: bytes | bytearray | memoryview | str | os.PathLike[str]) -> tuple[bytes, str]:
    """Return the bytes of an image, and its media type.

    Args:
        image: The bytes, or the path of a file.

    Raises:
        InvalidArtifact: The file cannot be read, or is too large, or it is no image that is known.
    """
    data = bytes(image) if isinstance(image, bytes | bytearray | memoryview) else _read(Path(image))
    check_size(len(data))
    return data, _media_type(data)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            check_size(os.fstat(file.fileno()).st_size)
            return file.read(MAX_BYTES + 1)  # what is no plain file has no size
    except OSError as error:
        raise InvalidArtifact(
            f"The image {path} cannot be read: {os.strerror(error.errno or 0).lower()}."
        ) from None


def _media_type(data: bytes) -> str:
    for beginning, media_type in _BEGINNINGS:
        if data.startswith(beginning):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"<?xml", b"<svg", b"<!DOCTYPE svg", b"<!--")) and b"<svg" in data[:4096]:
        return "image/svg+xml"
    raise InvalidArtifact(
        "The content is no image that is known.",
        fix="Save it as PNG, JPEG, GIF, WebP, BMP, TIFF or SVG.",
    )
