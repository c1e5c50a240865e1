"""Finding any of thousands of texts in another, at a cost that does not grow with their number.

Each needle is registered by short pieces of itself, its grams. A text is cut at regular steps into
pieces of that size, and only where one of them is a known gram is the needle itself compared.
Texts without a secret, nearly all, cost one set operation.
"""

from bisect import bisect_left

SHORTEST = 6
"""A needle has at least this many characters; shorter ones would be found everywhere."""

_LONG = 12


class Needles:
    """A growing set of texts to find. One thread may add while others search."""

    def __init__(self) -> None:
        self._all: set[str] = set()
        self._long = _Grams(size=8, step=5)  # 8 + 5 - 1 characters: fits in each of 12 or more
        self._short = _Grams(size=4, step=3)
        self._longest = SHORTEST
        self._heads: set[str] = set()
        self._sorted: list[str] = []

    def __len__(self) -> int:
        return len(self._all)

    def add(self, needle: str) -> None:
        """Add a text of at least 6 characters."""
        if needle in self._all:
            return
        (self._long if len(needle) >= _LONG else self._short).add(needle)
        self._longest = max(self._longest, len(needle))
        self._all.add(needle)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return where needles stand, as spans ``(start, end)``, sorted and merged.

        Overlapping needles give one span over all of them, so that one which is the beginning, the
        end or the neighbour of another leaves nothing behind.
        """
        spans = self._long.find(text) + self._short.find(text)
        return merged(spans) if spans else spans

    def unfinished(self, text: str) -> int:
        """Return where the text's end begins that more text could make a needle.

        That is the length of the text if no needle begins with any end of it.
        """
        if len(self._sorted) != len(self._all):
            self._sort()
        size = len(text)
        first = max(0, size - self._longest + 1)
        heads = self._heads
        if heads.isdisjoint([text[at : at + SHORTEST] for at in range(first, size)]):
            return size
        for at in range(first, size):
            if text[at : at + SHORTEST] in heads and self._begins(text[at:]):
                return at
        return size

    def _begins(self, text: str) -> bool:
        """Whether a needle begins with the text and is longer."""
        at = bisect_left(self._sorted, text)
        if at < len(self._sorted) and self._sorted[at] == text:
            at += 1
        return at < len(self._sorted) and self._sorted[at].startswith(text)

    def _sort(self) -> None:
        needles = sorted(self._all.copy())
        self._heads = {needle[:size] for needle in needles for size in range(1, SHORTEST + 1)}
        self._sorted = needles


class _Grams:
    """Needles of at least ``size + step - 1`` characters, by pieces of ``size`` characters."""

    def __init__(self, size: int, step: int) -> None:
        self._size = size
        self._step = step
        self._where: dict[str, list[tuple[str, int]]] = {}

    def add(self, needle: str) -> None:
        """Register ``step`` neighbouring grams: any cut of a text at steps meets one of them."""
        size, where = self._size, self._where
        window = 0
        if needle[:size] in where:
            # Secrets of one kind begin alike ("https://hooks...", "eyJhbGciOi..."): take the window
            # that fewest others took, so that such a beginning in a clean text costs little.
            last = len(needle) - (size + self._step - 1)
            window = min((last, last // 2, 0), key=lambda start: self._load(needle, start))
        for at in range(window, window + self._step):
            where.setdefault(needle[at : at + size], []).append((needle, at))

    def _load(self, needle: str, start: int) -> int:
        where, size = self._where, self._size
        grams = (needle[at : at + size] for at in range(start, start + self._step))
        return sum(len(where.get(gram, ())) for gram in grams)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of needles, in any order, overlapping ones included."""
        size, step, where = self._size, self._step, self._where
        if not where:
            return []
        grams = [text[at : at + size] for at in range(0, len(text) - size + 1, step)]
        if where.keys().isdisjoint(grams):
            return []
        return [
            (start, start + len(needle))
            for number, gram in enumerate(grams)
            for needle, offset in where.get(gram, ())
            if (start := number * step - offset) >= 0 and text.startswith(needle, start)
        ]


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort spans, and join those that overlap or touch."""
    spans.sort()
    joined = [spans[0]]
    for start, end in spans[1:]:
        if start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
