"""A text stream that masks what is written to it, also when a secret comes in two writes."""

import io
import threading
from collections.abc import Iterable
from typing import Any, BinaryIO, TextIO

from brickwork.masking import MASK, Masker, masker as the_masker, replace
from brickwork.masking.matching import merged


class Hold:
    """Masks a text that comes in pieces; keeps back an end that more text could make a secret.

    What is kept back is shorter than the longest known secret, in the form that it has there.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""
        self._covered = 0  # so many characters of what is held belong to a secret already found

    def push(self, piece: str) -> str:
        """Take more text; return what can be shown."""
        text = self._held + piece
        cut = self._masker.needles.unfinished(text)
        return self._show(text, cut)

    def finish(self) -> str:
        """Return what was held back: nothing follows that could make it a secret."""
        return self._show(self._held, len(self._held))

    def _show(self, text: str, cut: int) -> str:
        spans = self._masker.needles.find(text)
        begun = self._covered > 0  # the mask of a secret that ends in this text was shown already
        if begun:
            spans = merged([(0, self._covered), *spans])
        shown = [(start, min(end, cut)) for start, end in spans if start < cut]
        self._covered = max(
            (
                end - cut
                for start, end in spans
                if end > cut and (start < cut or (begun and start == 0))
            ),
            default=0,
        )
        self._held = text[cut:]
        masked = replace(text[:cut], shown)
        return masked[len(MASK) :] if begun and shown else masked


class MaskedStream(io.TextIOBase):
    """Wraps a text stream, such as ``sys.stdout``, and masks whatever is written to it.

    Every way to write is covered: `write`, `writelines`, `buffer` and its ``raw``. `flush` flushes
    all but an end that could be the beginning of a secret; that end comes with the next write, or
    with `finish` or `close`. A newline or a space at the end, as after lines and prompts, lets all
    of it through, unless a secret begins or goes on with one. Not covered: writing to the number of
    the file (`fileno`), as subprocesses do, and one secret half by `write` and half by `buffer`.

    Args:
        stream: Where the masked text goes.
        masker: Only for tests; by default the one masker of the process.
    """

    def __init__(self, stream: TextIO, masker: Masker = the_masker) -> None:
        self._stream = stream
        self._masker = masker
        self._hold = Hold(masker)
        self._lock = threading.RLock()
        self._closed = False
        self._binary: MaskedBinary | None = None

    def write(self, text: str, /) -> int:
        """Write a text, masked; return its length."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._closed:
            raise ValueError("I/O operation on closed file.")
        with self._lock:
            if self._binary is not None:
                self._binary.finish()
            shown = self._hold.push(text)
            if shown:
                self._stream.write(shown)
        return len(text)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override]  # typeshed asks for Any here
        """Write several texts, masked as one."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush what may be shown; see the class for what stays."""
        with self._lock:
            if not self._stream.closed:
                self._stream.flush()

    def finish(self) -> None:
        """Write what was held back, and flush: nothing more will come."""
        with self._lock:
            if self._stream.closed:
                return
            if self._binary is not None:
                self._binary.finish()
            rest = self._hold.finish()
            if rest:
                self._stream.write(rest)
            self._stream.flush()

    def close(self) -> None:
        """Write what was held back. The stream below stays open: it was not opened here."""
        self.finish()
        self._closed = True

    @property
    def buffer(self) -> "MaskedBinary":
        """The stream for bytes below; what is written there is masked too."""
        if self._binary is None:
            self._binary = MaskedBinary(self._stream.buffer, self._masker, before=self._text_first)
        return self._binary

    def _text_first(self) -> None:
        rest = self._hold.finish()
        if rest:
            self._stream.write(rest)
        self._stream.flush()

    def detach(self) -> Any:
        """Refuse: what is written to a detached stream would not be masked."""
        raise io.UnsupportedOperation("a masked stream cannot be detached")

    @property
    def closed(self) -> bool:
        """Whether this, or the stream below, is closed."""
        return self._closed or self._stream.closed

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a constant in typeshed
        """The encoding of the stream below."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # a constant in typeshed
        """How the stream below treats what it cannot encode."""
        return self._stream.errors

    def fileno(self) -> int:
        """Return the number of the file below; what is written there is not masked."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Whether the stream below can be written."""
        return self._stream.writable()

    def __getattr__(self, name: str) -> Any:
        # Settings such as line_buffering, reconfigure, name, mode; nothing that writes.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._stream, name)


class MaskedBinary(io.RawIOBase):
    """The same for bytes: what `MaskedStream.buffer` gives."""

    def __init__(self, stream: BinaryIO, masker: Masker, before: Any = None) -> None:
        self._stream = stream
        self._masker = masker
        self._hold = Hold(masker)
        self._before = before
        self._closed = False

    def write(self, data: Any, /) -> int:
        """Write bytes, masked; return their number."""
        raw = bytes(memoryview(data))
        if self._before is not None:
            self._before()
        shown = self._hold.push(raw.decode("latin-1"))
        if shown:
            self._stream.write(shown.encode("latin-1"))
        return len(raw)

    def writelines(self, lines: Iterable[Any], /) -> None:
        """Write several pieces, masked as one."""
        for line in lines:
            self.write(line)

    def finish(self) -> None:
        """Write what was held back."""
        rest = self._hold.finish()
        if rest:
            self._stream.write(rest.encode("latin-1"))

    def flush(self) -> None:
        """Flush what may be shown."""
        if not self._stream.closed:
            self._stream.flush()

    def close(self) -> None:
        """Write what was held back. The stream below stays open: it was not opened here."""
        if not self._stream.closed:
            self.finish()
        self._closed = True

    @property
    def raw(self) -> "MaskedBinary":
        """Itself: the unbuffered stream below would bypass the masker."""
        return self

    @property
    def closed(self) -> bool:
        """Whether this, or the stream below, is closed."""
        return self._closed or self._stream.closed

    def fileno(self) -> int:
        """Return the number of the file below; what is written there is not masked."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Whether the stream below can be written."""
        return self._stream.writable()
