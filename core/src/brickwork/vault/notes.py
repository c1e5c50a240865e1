"""``Notes``: what people say about a document. Public, versioned with it, and sealed to it."""

import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from brickwork.errors import BlockError

MAX_DESCRIPTION = 1000
MAX_TAGS = 50

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=-]{0,62}")
_KEY = "notes"


class Notes(NamedTuple):
    """What people say about a saved block; no part of its value.

    Attributes:
        description: What it is for, at most 1,000 characters.
        tags: Words to find it by: ``[A-Za-z0-9][A-Za-z0-9._:/=-]{0,62}``, at most 50.
        expires_at: When what it holds ends to be valid; with a time zone.
        manifest: The name of the manifest that owns it, if one does.
        applied: The version that this manifest saved last; a newer one was saved by others.
    """

    description: str = ""
    tags: tuple[str, ...] = ()
    expires_at: datetime | None = None
    manifest: str | None = None
    applied: int | None = None

    def checked(self) -> Self:
        """Return them in the form that is stored.

        Raises:
            BlockError: A text is too long, a tag is no word, or a time has no zone.
        """
        if len(self.description) > MAX_DESCRIPTION or not self.description.isprintable():
            raise BlockError(
                "The description is too long, or has line breaks or control characters in it.",
                fix=f"Write at most {MAX_DESCRIPTION} characters on one line.",
            )
        tags = tuple(sorted(set(self.tags)))
        wrong = [tag for tag in tags if not _TAG.fullmatch(tag)]
        if wrong or len(tags) > MAX_TAGS:
            raise BlockError(
                f"Not a tag: {wrong[0]!r:.100}." if wrong else f"More than {MAX_TAGS} tags.",
                fix="Use letters, digits and ._:/=- in a tag, at most 63 characters.",
            )
        when = self.expires_at
        if when is not None and when.tzinfo is None:
            raise BlockError(
                "expires_at has no time zone.", fix="Use datetime.now(UTC) + timedelta(days=90)."
            )
        return self._replace(tags=tags, expires_at=when and when.astimezone(UTC))


def notes_of(public: dict[str, Any]) -> Notes:
    """Return the notes in a public part that was parsed. Raises ValueError, TypeError, KeyError."""
    stored = public.get(_KEY)
    if not stored:
        return Notes()
    expires = stored.get("expires_at")
    return Notes(
        stored.get("description", ""),
        tuple(stored.get("tags", ())),
        None if expires is None else datetime.fromisoformat(expires),
        stored.get("manifest"),
        stored.get("applied"),
    )


def bare(public: bytes) -> bytes:
    """Return a public part as `encode` made it, without notes."""
    if b'"notes":' not in public:
        return public
    document: dict[str, Any] = json.loads(public)
    if document.pop(_KEY, None) is None:  # the word stood in a field
        return public
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def annotated(public: bytes, current: bytes | None, notes: Notes | None) -> bytes:
    """Return a public part with notes in it.

    Args:
        public: As `encode` made it, without notes.
        current: The public part that it replaces; its notes stay where ``notes`` is None.
        notes: The new ones.
    """
    if notes is None:
        if current is None or b'"notes":' not in current:
            return public
        notes = notes_of(json.loads(current))
    notes = notes.checked()
    stored = {
        "description": notes.description,
        "tags": list(notes.tags),
        "expires_at": notes.expires_at and notes.expires_at.isoformat(),
        "manifest": notes.manifest,
        "applied": notes.applied,
    }
    kept = {name: value for name, value in stored.items() if value}
    if not kept:
        return public
    # Appended, since the public part must stay as it is byte for byte where there are none.
    text = json.dumps({_KEY: kept}, separators=(",", ":"), ensure_ascii=False)
    return public[:-1] + b"," + text[1:].encode()
