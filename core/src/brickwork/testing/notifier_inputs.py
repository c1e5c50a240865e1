"""Texts that services stumble over, and long ones of which every word can be found again."""

import re

from brickwork.notifier import Limits, Notification, fitted

ODD_TEXTS = {
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85\x9b31m",
    "terminal escapes": "\x1b]0;owned\x07 \x1b[2J\x1b[31m",
    "line breaks": "one\r\ntwo\rthree\n\nfour\x0b\x0c\u2028\u2029five",
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "right to left": "\u202e\u2066\u200f\u05d0\u05d1\u0661\u2069\u202c\ufeff",
    "lone surrogates": "\ud83d \udc4d \udfff\ud800",
    "noncharacters": "\ufffe\uffff\U0010ffff\ue000",
    "markup": "<b>&amp;</b> *_~`# [x](y) | \\ -- {{7*7}} ${env:HOME} %s {0} ]]> '\"",
    "mentions": "@everyone @here <!channel> <@U012> <@&1> #1",
    "no words": "\u0301\u0301\u0301 \u200b\u200b \u00ad",
}
"""By what is odd about them."""

READABLE = "gr\u00fc\u00dfe \u65e5\u672c \U0001f44d"
"""What must arrive exactly."""

LONG_BODY = "".join(f"word{n:05d}" + ("\n" if n % 8 == 7 else " ") for n in range(10_000))
"""100,000 characters."""

_WORD = re.compile(r"word(\d{5})")
_LEFT_OUT = re.compile(r"([\d,]+) more characters")


def words(text: str) -> list[int]:
    """Return the numbers of the words of `LONG_BODY` in a text, each once, by first occurrence."""
    return list(dict.fromkeys(int(number) for number in _WORD.findall(text)))


def left_out(text: str) -> int | None:
    """Return how many characters a text says were left out of it; None if it does not."""
    found = _LEFT_OUT.search(text)
    return None if found is None else int(found[1].replace(",", ""))


def body_to_split(title: str, limits: Limits) -> str:
    """Return the longest start of `LONG_BODY`, by halves, that can be sent in full by splitting."""
    body = LONG_BODY
    while left_out(fitted(Notification(title, body), limits)[-1].body) is not None:
        body = body[: len(body) // 20 * 10]
    return body
