"""The masker finds every secret, in every supported form, and only those."""

import base64
import html
import json
import random
import re
import string
import threading
import time
from collections.abc import Callable
from datetime import date
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings, strategies as st

from brickwork.masking import MASK, Masker
from brickwork.secret import HIDDEN, Secret

# No star: the mask itself must not be able to make up a secret.
CHARACTERS = st.characters(exclude_characters="*", exclude_categories=["Cs"])
ODD = st.text(st.sampled_from("abcAB01+/=&<>\"'\\ %\n\té€"), min_size=6, max_size=40)
SECRETS = st.one_of(ODD, st.text(CHARACTERS, min_size=6, max_size=60)).filter(
    lambda text: not Masker.too_short(text)
)


def _beside_a_quote(shown: str) -> str:
    return shown[2:-1] if shown[0] == '"' else shown[3:-1]


FORMS: dict[str, Callable[[str], str]] = {
    "raw": lambda text: text,
    "json": lambda text: json.dumps(text)[1:-1],
    "json, not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[3:-3],
    "repr": lambda text: repr(text)[1:-1],
    "repr beside a quote": lambda text: _beside_a_quote(repr("'" + text)),
    "repr of more": lambda text: repr({"k": [f"it's {text}"]}),
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "url": lambda text: quote(text, safe=""),
    "url path": lambda text: quote(text),
    "url, lower case": lambda text: re.sub(
        "%..", lambda escape: escape.group().lower(), quote(text, safe="")
    ),
    "url form": lambda text: quote_plus(text),
    "html": lambda text: html.escape(text),
    "xml": lambda text: html.escape(text, quote=False),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
}


def known(*secrets: str | bytes) -> Masker:
    """Return a masker that knows these."""
    masker = Masker()
    for secret in secrets:
        masker.add(secret)
    return masker


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)  # the machine may be busy
@given(secrets=st.lists(SECRETS, min_size=1, max_size=5), around=st.lists(st.text(CHARACTERS)))
def test_no_secret_survives_in_any_form(form: str, secrets: list[str], around: list[str]) -> None:
    """Whatever stands around them, no secret of 6 characters is left in any supported form."""
    masker = known(*secrets)
    shown = [FORMS[form](secret) for secret in secrets]
    text = "".join(a + b for a, b in zip([*around, *"." * len(shown)], shown, strict=False))
    masked = masker.mask(text)
    assert MASK in masked
    if form.startswith(("base64", "url-safe")):
        # The last character of a base64 text also depends on what follows the secret.
        shown = [each[:-1] for each in shown]
    for each in shown:
        if form == "repr of more":
            continue  # this one is more than the secret; that it was found is asserted above
        assert each not in masked
        assert masker.mask(masked) == masked


@settings(deadline=None)  # the machine may be busy
@given(st.lists(SECRETS, min_size=1), st.text(CHARACTERS))
@example(["abcdef", "abcdef123456", "123456789"], "abcdef123456789")
@example(["aaaaaa"], "a" * 13)
@example(["password1", "password12"], "password123")
def test_overlapping_secrets_leave_nothing(secrets: list[str], text: str) -> None:
    """Secrets that begin, end or overlap one another leave no head or tail."""
    masker = known(*secrets, *(secret[: max(6, len(secret) // 2)] for secret in secrets))
    joined = text + secrets[0] + "".join(secret[len(secret) // 2 :] for secret in secrets)
    masked = masker.mask(joined)
    for secret in secrets:
        assert secret not in masked


def test_the_longest_of_two_secrets_leaves_no_tail() -> None:
    """A secret that is the beginning of another does not leave the other's end."""
    assert known("AKIA12", "AKIA12CDEF").mask("key=AKIA12CDEF.") == f"key={MASK}."


@settings(deadline=None)  # the machine may be busy
@given(st.text(CHARACTERS, max_size=300), st.integers(0, 2**32))
def test_texts_without_a_secret_are_left_alone(text: str, seed: int) -> None:
    """A text in which no secret stands is returned unchanged, as the same object."""
    pick = random.Random(seed)
    masker = known(*("~" + "".join(pick.choices("\u2603\u2604", k=30)) for _ in range(20)))
    clean = text.replace("~", "").replace("\u2603", "").replace("\u2604", "")
    assert masker.mask(clean) is clean


@settings(deadline=None)  # the machine may be busy
@given(st.binary(min_size=6, max_size=50), st.binary(), st.binary())
def test_secrets_that_are_bytes_are_found(secret: bytes, before: bytes, after: bytes) -> None:
    """Bytes are found in bytes, in their repr, in hex and in base64."""
    masker = known(secret)
    if Masker.too_short(secret):
        return
    data = before.replace(b"*", b"") + secret + after.replace(b"*", b"")
    assert b"***" in masker.mask_bytes(data)
    if b"*" not in secret:
        assert secret not in masker.mask_bytes(data)
    for text in (
        repr(secret),
        secret.hex(),
        secret.hex().upper(),
        base64.b64encode(secret).decode(),
    ):
        assert MASK in masker.mask(f"<{text}>")


@settings(deadline=None)  # the machine may be busy
@given(SECRETS, st.binary(), st.binary())
def test_bytes_around_a_secret_are_not_changed(secret: str, before: bytes, after: bytes) -> None:
    """Masking bytes changes nothing but the secret, whatever else they are."""
    masker = known("#" * 5 + secret + "#" * 5)
    before, after = before.replace(b"#", b""), after.replace(b"#", b"")
    data = before + b"#####" + secret.encode() + b"#####" + after
    assert masker.mask_bytes(data) == before + b"***" + after


def test_base64_is_found_at_every_offset_and_length() -> None:
    """Of 200 lengths at 3 offsets, in both alphabets, none is missed."""
    pick = random.Random(14)
    tried = 0
    for length in range(6, 206):
        raw = bytes(pick.randrange(33, 127) for _ in range(length)).replace(b"*", b"+")
        masker = known(raw.decode())
        for offset in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                around = pick.randbytes(offset), pick.randbytes(pick.randrange(5))
                text = encode(around[0] + raw + around[1]).decode()
                masked = masker.mask(text)
                tried += 1
                assert MASK in masked
                # What is left of the secret is less than one character at either end.
                assert len(masked) - len(MASK) <= len(text) - (len(raw) * 8 // 6 - 1)
    assert tried == 200 * 3 * 2


def test_a_private_key_is_found_line_by_line() -> None:
    """Each line of a secret of several lines is hidden where it stands alone."""
    pick = random.Random(3)
    body = ["".join(pick.choices(string.ascii_letters, k=64)) for _ in range(5)]
    pem = "\n".join(["-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----"])
    masker = known(pem + "\n")
    for line in body:
        assert masker.mask(f"| {line} |") == f"| {MASK} |"
    assert masker.mask(pem) == MASK
    assert masker.mask(json.dumps({"key": pem})) == json.dumps({"key": MASK})
    assert masker.mask("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_white_space_around_a_secret_does_not_hide_it() -> None:
    """A secret read from a file, with its newline, is found without it."""
    assert known("hunter2\n").mask("it is hunter2.") == f"it is {MASK}."


@pytest.mark.parametrize("value", ["", "a", "12345", b"12345", "      ", "\n" * 20])
def test_what_is_too_short_is_not_masked_and_says_so(value: str | bytes) -> None:
    """Under 6 characters, or only white space, nothing is masked: it would be everywhere."""
    assert Masker.too_short(value)
    text = "a 12345 b      c\n" + "\n" * 30
    assert known(value).mask(text) == text
    assert not Masker.too_short("123456")


def test_a_secret_added_later_is_found_from_then_on() -> None:
    """Secrets may be added at any time, one by one."""
    masker = Masker()
    for number in range(50):
        secret = f"{number:03}-secret-{number:03}"
        assert masker.mask(secret) == secret
        masker.add(secret)
        assert masker.mask(secret) == MASK


def test_the_same_secret_again_costs_no_memory() -> None:
    """A secret that is loaded a thousand times is kept once."""
    masker = known("correct horse")
    size = len(masker.needles)
    for _ in range(1000):
        masker.add("".join(["correct", " horse"]))
    assert len(masker.needles) == size
    assert len(masker._known) == 1
    assert not masker._pending


def test_values_are_masked_at_any_depth() -> None:
    """Mappings, lists, tuples and sets are masked inside, keys too; a Secret shows stars."""
    masker = known("swordfish")
    day = date(2026, 1, 2)
    value = {
        "url": "https://me:swordfish@host",
        "swordfish": [1, 2.5, None, True, ("swordfish", b"swordfish")],
        "set": {"swordfish"},
        "secret": Secret("another one"),
        "day": day,
        "error": ValueError("bad swordfish"),
    }
    assert masker.mask_value(value) == {
        "url": f"https://me:{MASK}@host",
        MASK: [1, 2.5, None, True, (MASK, MASK.encode())],
        "set": {MASK},
        "secret": HIDDEN,
        "day": day,
        "error": f"bad {MASK}",
    }
    assert value["url"] == "https://me:swordfish@host"


def test_odd_values_do_not_break_the_masker() -> None:
    """Cycles, deep nesting and objects whose repr fails come back as text."""

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    cycle: list[object] = ["swordfish"]
    cycle.append(cycle)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    masker = known("swordfish")
    assert masker.mask_value(cycle) == [MASK, "<cycle>"]
    assert "nested too deep" in str(masker.mask_value(deep))
    assert masker.mask_value([Broken()]) == ["<Broken>"]
    while deep:  # so that no recursion frees it
        deep = deep.pop()  # type: ignore[assignment]  # it is a list of lists


def test_threads_may_add_and_mask_at_once() -> None:
    """A secret is masked from the moment that `add` returns, whatever other threads do."""
    masker = Masker()
    missed: list[str] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        pick = random.Random(number)
        start.wait(30)
        for _ in range(100):
            secret = "".join(pick.choices(string.ascii_letters, k=pick.randrange(6, 30)))
            masker.add(secret)
            if secret in masker.mask(f"it is {secret} here"):
                missed.append(secret)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(masker._known) >= 790
    assert missed == []


def test_many_secrets_cost_clean_lines_little() -> None:
    """With 1,000 secrets, clean lines pass at well over the 5 MB/s of the security page's bar.

    The test asks for a fifth of that, since it shares its machine; benchmarks measure it.
    """
    pick = random.Random(17)
    letters = string.ascii_letters + string.digits
    masker = known(*("".join(pick.choices(letters, k=pick.randrange(6, 41))) for _ in range(1000)))
    line = " ".join("".join(pick.choices(string.ascii_lowercase, k=6)) for _ in range(15))
    assert masker.mask(line) == line
    rates = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(1000):
            masker.mask(line)
        rates.append(1000 * len(line) / (time.perf_counter() - began))
    assert max(rates) > 1e6


def test_secrets_that_begin_alike_cost_clean_lines_little() -> None:
    """A thousand webhook addresses do not make every other address slow."""
    pick = random.Random(18)
    tails = ("".join(pick.choices(string.ascii_letters, k=24)) for _ in range(1000))
    masker = known(*(f"https://hooks.example.com/services/{tail}" for tail in tails))
    line = "https://hooks.example.com/services/ is where they go"
    assert masker.mask(line) == line
    grams = masker.needles._long._where
    assert max(len(grams.get(line[at : at + 8], ())) for at in range(len(line))) < 50


@settings(deadline=None)  # the machine may be busy
@given(st.lists(SECRETS, min_size=1, max_size=4))
def test_masking_twice_is_masking_once(secrets: list[str]) -> None:
    """What was masked stays as it is."""
    masker = known(*secrets)
    masked = masker.mask(" and ".join(secrets))
    assert masker.mask(masked) == masked


def test_what_was_added_meanwhile_is_forgotten() -> None:
    """What was known before stays hidden, also what nothing was searched for yet."""
    own = Masker()
    own.add("before-it-and-looked-for")
    own.mask("anything")
    own.add("before-it")
    with own.forgetting():
        own.add("meanwhile")
        own.add("before-it")
        assert own.mask("before-it meanwhile") == f"{MASK} {MASK}"
    assert own.mask("before-it-and-looked-for before-it meanwhile") == f"{MASK} {MASK} meanwhile"
    with own.forgetting():
        pass
    assert own.mask("before-it meanwhile") == f"{MASK} meanwhile"
