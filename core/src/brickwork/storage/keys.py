"""What a key may be: one rule for all storages."""

from brickwork.errors import InvalidKey

MAX_KEY_BYTES = 1024

_FIX = "Use a relative path with / between its parts, for example daily/2026-11-22.csv."


def check_key(key: str) -> str:
    r"""Return the key as it is, or refuse it.

    A key is a relative POSIX path: parts with one ``/`` between them, none of them empty, ``.`` or
    ``..``; no backslash, no control character, at most 1,024 bytes in UTF-8 (the limit of S3).
    Unicode is kept as given: it is not normalized, so two spellings of ``é`` are two keys. (A file
    system that normalizes names, as on macOS, shows them as one.)

    Raises:
        InvalidKey: It is no such path.
    """
    fault = _fault_of_text(key)
    if fault is None and not key:
        fault = "it is empty"
    if fault is None:
        fault = _fault_of_parts(key.split("/"))
    if fault is not None:
        raise InvalidKey(f"{key!r:.200} is no storage key: {fault}.", fix=_FIX)
    return key


def check_prefix(prefix: str) -> str:
    """Return the prefix as it is, or refuse it: a key could begin with it, or it is empty.

    Raises:
        InvalidKey: No key begins with it.
    """
    fault = _fault_of_text(prefix) or _fault_of_parts(prefix.split("/")[:-1])
    if fault is not None:
        raise InvalidKey(f"{prefix!r:.200} is no prefix of a storage key: {fault}.", fix=_FIX)
    return prefix


def is_key(key: str) -> bool:
    """Tell whether `check_key` accepts it; for listings, which leave out what is no key."""
    return bool(key) and _fault_of_text(key) is None and _fault_of_parts(key.split("/")) is None


def _fault_of_text(text: object) -> str | None:
    if not isinstance(text, str):
        return "it is no text"
    if not text.isprintable():  # a quick test for the common case; it refuses more than we do
        if any(char < " " or "\x7f" <= char <= "\x9f" for char in text):
            return "it has a control character"
        if any("\ud800" <= char <= "\udfff" for char in text):
            return "it has half of a surrogate pair, which UTF-8 cannot write"
    if "\\" in text:
        return "it has a backslash"
    if len(text) * 4 > MAX_KEY_BYTES and len(text.encode()) > MAX_KEY_BYTES:
        return f"it is longer than {MAX_KEY_BYTES} bytes"
    return None


def _fault_of_parts(parts: list[str]) -> str | None:
    if parts and not parts[0]:
        return "it begins with /"
    if "" in parts:
        return "it has an empty part"
    if "." in parts or ".." in parts:
        return "it has a part that is . or .."
    return None
