"""The key as text: in an environment variable, in settings, as a passphrase."""

import base64
import getpass
import io
import os
import sys

import pytest
from hypothesis import given, settings, strategies as st

from brickwork.builtin import wrapping
from brickwork.builtin.key_env import EnvKey
from brickwork.builtin.key_file import FileKey
from brickwork.builtin.key_passphrase import Cost, PassphraseKey
from brickwork.errors import ConfigError, KeyUnavailable, UnsupportedFormat, WrongKey

RAW = bytes(range(200, 232))
TEXT = base64.urlsafe_b64encode(RAW).decode()
CHEAP = Cost(memory_kib=64, passes=1, lanes=1)


@settings(deadline=None)  # the machine may be busy
@given(st.binary(min_size=32, max_size=32), st.sampled_from(["", "=", " \n", "=\n"]))
def test_every_key_can_be_written_as_text(key: bytes, end: str) -> None:
    """Any 32 bytes survive the way through text, with or without padding and white space."""
    text = "  " + wrapping.key_to_text(key).rstrip("=") + end
    assert wrapping.key_from_text(text, "It", provider="env") == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "x",
        TEXT[:-2],
        TEXT + "A",
        TEXT + "==",
        TEXT[:20] + " " + TEXT[20:],
        TEXT[:42] + chr(ord(TEXT[42]) + 1),
        TEXT.replace("-", "+").replace("_", "/"),
        RAW.hex(),
        "\u00e9" * 43,
        "\udcff" * 43,
    ],
)
def test_anything_else_is_refused_and_not_quoted(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A malformed key raises KeyUnavailable, which says how to make one and quotes nothing."""
    monkeypatch.setenv("BRICKWORK_KEY", text)
    with pytest.raises(KeyUnavailable) as caught:
        EnvKey().wrap(bytes(32), b"")
    assert "BRICKWORK_KEY" in caught.value.what
    assert wrapping.MAKE_KEY in caught.value.fix
    assert len(text.strip()) < 6 or text.strip()[:6] not in str(caught.value)


def test_the_command_in_the_fix_makes_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the error tells users to run prints a key that is accepted."""
    import shlex
    import subprocess

    command = [sys.executable, *shlex.split(wrapping.MAKE_KEY)[1:]]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("BRICKWORK_KEY", made)
    assert EnvKey().unwrap(EnvKey().wrap(RAW, b"c"), b"c") == RAW


@pytest.mark.parametrize("cls", [EnvKey, PassphraseKey])
@pytest.mark.parametrize("setting", [TEXT, "hunter2", "correct horse", "A=B", "1A", "A-B", "\0"])
def test_a_secret_as_setting_is_refused_and_not_quoted(
    cls: type[EnvKey | PassphraseKey], setting: str
) -> None:
    """The setting names a variable; a key or passphrase in its place is not echoed."""
    with pytest.raises(ConfigError) as caught:
        cls.open(setting)
    assert len(setting) < 6 or setting not in str(caught.value)


def test_a_key_that_looks_like_a_name_is_no_setting() -> None:
    """A key in capitals only is still told from the name of a variable."""
    with pytest.raises(ConfigError):
        EnvKey.open("A" * 43)


def test_env_reads_the_variable_that_its_setting_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is the variable's name, and the variable is read when it is needed."""
    provider = EnvKey.open("TEAM_KEY")
    monkeypatch.setenv("TEAM_KEY", TEXT)
    wrapped = provider.wrap(RAW, b"c")
    assert provider.describe() == "environment variable TEAM_KEY"
    monkeypatch.delenv("TEAM_KEY")
    with pytest.raises(KeyUnavailable, match="TEAM_KEY"):
        provider.unwrap(wrapped, b"c")


def test_env_opens_what_the_file_locked(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key file's content, given as BRICKWORK_KEY, opens the vault in a container."""
    path = tmp_path_factory.mktemp("keys") / "key"
    provider = FileKey(path)
    provider.create()
    monkeypatch.setenv("BRICKWORK_KEY", path.read_text())
    assert EnvKey().unwrap(provider.wrap(RAW, b"c"), b"c") == RAW
    assert provider.unwrap(EnvKey().wrap(RAW, b"c"), b"c") == RAW


def test_the_raw_key_encrypts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key itself is only derived from: it does not open what it locked."""
    from brickwork.crypto import open_sealed, pack
    from brickwork.errors import TamperedCiphertext

    monkeypatch.setenv("BRICKWORK_KEY", TEXT)
    wrapped = EnvKey().wrap(bytes(32), b"c")
    header, sealed = wrapped[:-60], wrapped[-60:]
    with pytest.raises(TamperedCiphertext):
        open_sealed(RAW, sealed, pack(b"brickwork root key", header, b"c"))


def test_a_root_key_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 32 bytes can be wrapped."""
    monkeypatch.setenv("BRICKWORK_KEY", TEXT)
    with pytest.raises(ValueError, match="32 bytes"):
        EnvKey().wrap(b"short", b"")


@pytest.mark.parametrize("passphrase", ["", "  ", "\n"])
def test_an_empty_passphrase_is_refused(passphrase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty passphrase, or one of white space, protects nothing."""
    monkeypatch.setenv("BRICKWORK_PASSPHRASE", passphrase)
    with pytest.raises(KeyUnavailable, match="empty"):
        PassphraseKey(cost=CHEAP).wrap(RAW, b"")


def test_the_default_cost_is_that_of_the_security_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id runs with 64 MiB, three passes and four lanes, and the wrapped key says so."""
    monkeypatch.setenv("BRICKWORK_PASSPHRASE", "correct horse battery staple")
    wrapped = PassphraseKey().wrap(RAW, b"")
    assert wrapped[5:15] == (65536).to_bytes(4, "big") + (3).to_bytes(4, "big") + b"\0\4"


def test_two_spellings_of_one_passphrase_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase typed on another system, with its accents composed otherwise, fits."""
    provider = PassphraseKey(cost=CHEAP)
    monkeypatch.setenv("BRICKWORK_PASSPHRASE", "caf\u00e9 au lait")
    wrapped = provider.wrap(RAW, b"")
    monkeypatch.setenv("BRICKWORK_PASSPHRASE", "cafe\u0301 au lait")
    assert provider.unwrap(wrapped, b"") == RAW


@pytest.mark.parametrize(
    "cost",
    [
        (2**32 - 1, 1, 1),
        (1024 * 1024 + 1, 1, 1),
        (64, 17, 1),
        (64, 2**32 - 1, 1),
        (1024 * 1024, 16, 1),
        (64, 1, 17),
        (64, 0, 1),
        (64, 1, 0),
        (7, 1, 1),
        (0, 0, 0),
    ],
)
def test_an_absurd_cost_is_refused_before_it_is_paid(
    cost: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed vault cannot make a reader use more than 1 GiB or some seconds."""
    monkeypatch.setenv("BRICKWORK_PASSPHRASE", "correct horse battery staple")
    provider = PassphraseKey(cost=CHEAP)
    wrapped = provider.wrap(RAW, b"")
    memory, passes, lanes = cost
    changed = memory.to_bytes(4, "big") + passes.to_bytes(4, "big") + lanes.to_bytes(2, "big")
    with pytest.raises(UnsupportedFormat, match="absurd"):
        provider.unwrap(wrapped[:5] + changed + wrapped[15:], b"")


class Terminal(io.StringIO):
    """A standard input that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def answers(monkeypatch: pytest.MonkeyPatch, *texts: str) -> list[str]:
    """Let `getpass` give these answers; return the questions that it was asked."""
    asked: list[str] = []
    left = list(texts)

    def answer(prompt: str) -> str:
        asked.append(prompt)
        if not left:
            raise EOFError
        return left.pop(0)

    monkeypatch.setattr(getpass, "getpass", answer)
    return asked


def asking() -> PassphraseKey:
    """Return a cheap provider that may ask."""
    provider = PassphraseKey.open("ask")
    provider.cost = CHEAP
    return provider


def test_ask_asks_twice_for_a_new_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal a new passphrase is asked for twice, and then not again by that provider."""
    monkeypatch.setattr(sys, "stdin", Terminal())
    asked = answers(monkeypatch, "open sesame", "open sesame")
    provider = asking()
    wrapped = provider.wrap(RAW, b"")
    assert asked == ["New passphrase for the Brickwork vault: ", "The same again: "]
    assert provider.unwrap(wrapped, b"") == RAW
    assert provider.unwrap(provider.wrap(RAW, b""), b"") == RAW
    assert len(asked) == 2


def test_ask_asks_once_for_a_known_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped one is not kept: the next use asks again."""
    monkeypatch.setattr(sys, "stdin", Terminal())
    asked = answers(monkeypatch, "open sesame", "open sesame", "open barley", "open sesame")
    wrapped = asking().wrap(RAW, b"")
    provider = asking()
    with pytest.raises(WrongKey):
        provider.unwrap(wrapped, b"")
    assert [provider.unwrap(wrapped, b"") for _ in range(3)] == [RAW] * 3
    assert asked[2:] == ["Passphrase of the Brickwork vault: "] * 2
    assert "open" not in repr(vars(provider))
    with pytest.raises(KeyUnavailable):
        asking().unwrap(wrapped, b"")  # the terminal was closed


def test_two_different_answers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in a new passphrase is noticed before anything is locked with it."""
    monkeypatch.setattr(sys, "stdin", Terminal())
    answers(monkeypatch, "open sesame", "open sesam")
    with pytest.raises(KeyUnavailable, match="not the same"):
        asking().wrap(RAW, b"")


def test_nothing_is_asked_without_a_terminal_or_without_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A service never hangs on a question: without a terminal, or the setting, none is asked."""
    asked = answers(monkeypatch, "open sesame", "open sesame")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(KeyUnavailable):
        asking().wrap(RAW, b"")
    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(KeyUnavailable):
        PassphraseKey.open("").wrap(RAW, b"")
    assert asked == []


def test_keys_and_passphrases_are_known_to_the_masker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that was used is hidden in texts from then on, in each of its forms."""
    from brickwork.masking import masker

    monkeypatch.setenv("BRICKWORK_KEY", TEXT)
    monkeypatch.setenv("BRICKWORK_PASSPHRASE", "correct horse battery staple")
    EnvKey().wrap(RAW, b"")
    PassphraseKey(cost=CHEAP).wrap(RAW, b"")
    text = f"{TEXT} {RAW!r} {RAW.hex()} {os.environ['BRICKWORK_PASSPHRASE']}"
    masked = masker.mask(text)
    for form in text.split():
        assert form not in masked
