"""Trying whether secrets show: sentinels, a detector, and a registry of channels.

A channel is a function that takes a text, which is a secret, and returns what became visible. A
test module lists its channels, and tries each with every sentinel::

    channels = Channels()

    @channels.add(carries=True)
    def log_message(text: str) -> str:
        ...

    @pytest.mark.parametrize("channel", channels, ids=str)
    def test_no_sentinel_shows(channel: Channel) -> None:
        channel.check()

``carries=True`` says that the channel puts the plain text itself where only the masker can hide it.
Then `Channel.check` also sends a text that the masker does not know, and it must show: that proves
that a leak would be seen.
"""

import base64
import json
import random
import string
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from brickwork import Secret

UNKNOWN = "unknown-9f3b1c-control"
"""A text that is never made a secret."""

Shown = str | bytes


def _sentinels() -> tuple[str, ...]:
    pick = random.Random(4)  # noqa: S311 - they must be the same each time
    word = "".join(pick.choices(string.ascii_lowercase, k=12))
    token = base64.b64encode(pick.randbytes(30)).decode()
    return (
        "Zq7!xK",
        word,
        word + word.upper(),
        "AKIA" + "".join(pick.choices("ABCDEFGHIJKLMNOP234567", k=16)),
        base64.b64encode(pick.randbytes(30)).decode(),
        base64.urlsafe_b64encode(pick.randbytes(33)).decode(),
        f"eyJhbGciOiJIUzI1NiJ9.{token}.{token[::-1]}",
        f"postgresql://me:{word}%40@db.example/x?y=1&z=2",
        "https://hooks.example.com/services/T0/B0/" + word[::-1],
        'with "double" quotes ' + token[:9],
        "with 'single' quotes " + token[1:10],
        "with \"both' quotes " + token[2:11],
        "back\\slash\\n" + token[3:12],
        "p%20 %s %(x)s {0} {x} " + token[4:13],
        "<tag attr='1'>&amp;" + token[5:14],
        "p\u00e4ssw\u00f6rd-\u20ac-" + token[6:15],
        "\u5bc6\u7801\u5bc6\u7801\u5bc6\u7801\U0001f511",
        "tab\tand\x1b[1mescape" + token[7:16],
        "-----BEGIN KEY-----\n" + token + "\n" + token[::-1] + "\n-----END KEY-----\n",
        "".join(pick.choices(string.digits, k=24)),
    )


SENTINELS = _sentinels()
"""Twenty secrets of the shapes that secrets have; the same in every run."""


def forms(text: str) -> dict[str, list[str]]:
    """Return, by kind, the texts whose presence means that a secret shows."""
    raw = text.encode()
    lines = [line for line in text.splitlines() if len(line) > 12 and not line.startswith("--")]
    return {
        "raw": [text, *lines],
        "repr": [repr(text)[1:-1], ascii(text)[1:-1]],
        "json": [json.dumps(text)[1:-1]],
        "url": [quote(text), quote(text, safe="")],
        "hex": [raw.hex(), raw.hex().upper()],
        "base64": [
            encode(bytes(offset) + raw)[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6].decode()
            for offset in range(3)
            for encode in (base64.b64encode, base64.urlsafe_b64encode)
        ],
    }


def leaks(text: str, shown: Shown) -> list[str]:
    """Return the kinds of forms in which a text can be seen; none, if it cannot."""
    visible = shown.decode("utf-8", "replace") if isinstance(shown, bytes) else shown
    return [kind for kind, texts in forms(text).items() if any(each in visible for each in texts)]


class Channel(NamedTuple):
    """A way by which a text can become visible."""

    name: str
    run: Callable[[str], Shown]
    carries: bool

    def __str__(self) -> str:
        return self.name

    def check(self) -> None:
        """Assert that it shows no sentinel, and would show what is no secret.

        Raises:
            AssertionError: It shows one, or a carrying channel shows nothing at all.
        """
        if self.carries:
            shown = self.run(UNKNOWN)
            assert leaks(UNKNOWN, shown), (
                f"The channel {self.name} carries nothing, so it proves nothing: {shown!r}"
            )
        for sentinel in SENTINELS:
            Secret(sentinel)
            shown = self.run(sentinel)
            found = leaks(sentinel, shown)
            assert not found, f"The channel {self.name} shows a secret as {found}: {shown!r}"


class Channels(list[Channel]):
    """The channels of a test module; see the module's docstring."""

    def add(
        self, *, carries: bool = False
    ) -> Callable[[Callable[[str], Shown]], Callable[[str], Shown]]:
        """Register the decorated function as a channel, by its name."""

        def register(run: Callable[[str], Shown]) -> Callable[[str], Shown]:
            self.append(Channel(run.__name__, run, carries))
            return run

        return register
