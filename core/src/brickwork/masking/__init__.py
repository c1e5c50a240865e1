"""One masker for the process: it knows every secret that was made, and hides them in texts.

Active from the first secret on, without a call: log records (message, arguments, traceback, stack),
through a log record factory, so that every handler of every logger gets them masked. One call of
`install_masking` adds what needs hooks: ``extra`` fields of log records, uncaught exceptions,
warnings, rich tracebacks and, if asked for, standard output and error.

What is found: a secret as it is, and as JSON, Python ``repr``, URL, HTML, hexadecimal and base64
(at any offset, standard and URL-safe) write it; a secret of several lines also line by line. What
is not: a secret under 6 characters, and one that was cut, encoded twice in base64, compressed,
encrypted, or spread over lines, columns or colours by a layout. Masking prevents accidents; it
stops nobody who wants to leak.

Secrets stay registered, in memory, for the life of the process: their text may turn up in a log
line long after the object is gone.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from brickwork.masking.matching import SHORTEST, Needles

if TYPE_CHECKING:
    from brickwork.masking.hooks import Masking

__all__ = ["MASK", "Masker", "MaskingWarning", "install_masking", "mask", "masker"]

MASK = "***"
"""What stands in a text where a secret was."""

_DEEPEST = 100


class MaskingWarning(UserWarning):
    """A secret was saved that cannot be hidden in logs, since it is too short to be told apart."""


class Masker:
    """Replaces known secrets, and their common encodings, in texts. Safe to use from any thread.

    Programs use the one `masker`, since a secret that another masker knows is not hidden here.

    Args:
        on_first: Called once, when the first secret is added.
    """

    def __init__(self, on_first: Callable[[], None] | None = None) -> None:
        self._known: set[str | bytes] = set()
        self._pending: deque[str | bytes] = deque()
        self._needles = Needles()
        self._lock = threading.RLock()
        self._on_first = on_first

    def add(self, value: str | bytes) -> None:
        """Register a secret. Cheap: its encoded variants are made when a text is masked."""
        if value in self._known:
            return
        self._known.add(value)
        self._pending.append(value)
        if self._on_first is not None:
            call, self._on_first = self._on_first, None
            call()

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """Forget, at the end, the secrets that are added meanwhile. For tests only.

        What a test makes a secret of may be a plain word in the next one.
        """
        known = set(self._known)
        try:
            yield
        finally:
            with self._lock:
                if len(self._known) > len(known):
                    self._known, self._pending, self._needles = set(), deque(), Needles()
                    for value in known:
                        self.add(value)

    @staticmethod
    def too_short(value: str | bytes) -> bool:
        """Whether a secret cannot be masked: under 6 characters, or nothing but white space."""
        return len(value) < SHORTEST or not value.strip()

    def mask(self, text: str) -> str:
        """Return the text with every known secret, in any known variant, replaced by ``***``.

        Mask a text before it is cut: half a secret is not recognised.
        """
        spans = self.needles.find(text)
        return replace(text, spans) if spans else text

    def mask_bytes(self, data: bytes) -> bytes:
        """Return bytes with every known secret replaced, whatever else the bytes are."""
        # Latin-1 maps bytes to characters one to one, and each secret is known in that form too.
        text = data.decode("latin-1")
        masked = self.mask(text)
        return data if masked is text else masked.encode("latin-1")

    def mask_value(self, value: Any, *, objects: bool = True) -> Any:
        """Mask a value at any depth, for events, run parameters and arguments of log records.

        Texts and bytes are masked; mappings, lists, tuples and sets are copied, keys included. A
        `Secret` becomes ``********``. Any other object is returned as it is if its ``str`` and
        ``repr`` show no secret, else its masked ``str`` is.

        Args:
            value: Anything.
            objects: Whether to look at other objects, which calls their ``str`` and ``repr``.
        """
        return self._masked(value, (), objects)

    @property
    def needles(self) -> Needles:
        """What is searched for, with every secret that was added before this call."""
        if self._pending:
            self._make_variants()
        return self._needles

    def _make_variants(self) -> None:
        from brickwork.masking.variants import variants

        with self._lock:
            while self._pending:
                value = self._pending[0]
                if not self.too_short(value):
                    for needle in variants(value):
                        self._needles.add(needle)
                # Removed only now: until then, other threads wait for the lock. And only if a
                # signal handler that logs has not done the same meanwhile.
                if self._pending and self._pending[0] is value:
                    self._pending.popleft()

    def _masked(self, value: Any, above: tuple[int, ...], objects: bool) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, bytes | bytearray):
            return self.mask_bytes(bytes(value))
        hidden = getattr(type(value), "__masked__", None)
        if isinstance(hidden, str):
            return hidden
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._masked_items(value, above, objects)
        return self._masked_object(value) if objects else value

    def _masked_items(self, value: Any, above: tuple[int, ...], objects: bool) -> Any:
        if id(value) in above:
            return "<cycle>"
        if len(above) == _DEEPEST:
            return "<nested too deep>"
        above = (*above, id(value))
        if isinstance(value, Mapping):
            return {
                self._masked(key, above, objects): self._masked(item, above, objects)
                for key, item in value.items()
            }
        kind = next(kind for kind in (list, tuple, frozenset, set) if isinstance(value, kind))
        return kind(self._masked(item, above, objects) for item in value)

    def _masked_object(self, value: object) -> object:
        try:
            texts = [str(value), repr(value)]
        except Exception:  # noqa: BLE001 - another's __str__ may raise anything
            return f"<{type(value).__name__}>"
        masked = [self.mask(text) for text in texts]
        return value if masked == texts else masked[0]

    def _after_fork(self) -> None:
        # Another thread may have held it, and does not exist in the child.
        self._lock = threading.RLock()


def replace(text: str, spans: list[tuple[int, int]]) -> str:
    """Put the mask in the place of spans, which are sorted and do not overlap."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        parts += (text[done:start], MASK)
        done = end
    parts.append(text[done:])
    return "".join(parts)


def _mask_log_records() -> None:
    from brickwork.masking.records import mask_log_records

    mask_log_records()


masker = Masker(on_first=_mask_log_records)
os.register_at_fork(after_in_child=masker._after_fork)  # noqa: SLF001 - its own module


def mask(text: str) -> str:
    """Return a text with every known secret hidden, for what is shown, stored or sent."""
    return masker.mask(text)


def install_masking(*, streams: bool = False) -> "Masking":
    """Mask everything that a process says about itself; call it once, when the program starts.

    Log records are masked without it. It adds their ``extra`` fields, uncaught exceptions (of the
    program, of threads, in destructors), warnings, and tracebacks of rich, which then show no
    local variables. A hook that is installed later replaces ours, so call it after such set-ups.

    Args:
        streams: Mask standard output and error too. A text that could be the beginning of a secret
            is then held back until more is written, so that a secret in two writes is found.

    Returns:
        What was installed; calling its ``uninstall()``, or leaving it as a context manager, puts
        back what was there. A second call returns the same.
    """
    from brickwork.masking.hooks import install

    return install(streams=streams)
