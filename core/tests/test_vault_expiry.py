"""A block that has expired is warned of: once, cheaply, wherever it is loaded."""

import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import BasicAuth, Block, ExpiryWarning, Notes, Secret, Settings, Vault
from brickwork.vault import expiry as expiry_module
from brickwork.vault.expiry import SOON, expiry, told

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AGO = datetime.now(UTC) - timedelta(days=3)


class Team(Block):
    """Refers to others."""

    slug: ClassVar[str] = "expirytest-team"

    members: list[Block] = Field(default_factory=list, description="Others.")


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin as a process does."""
    monkeypatch.setattr(expiry_module, "_told", {})


@pytest.fixture
def vault(memory_vault: Vault) -> Vault:
    """A vault with a login that has expired."""
    login = BasicAuth(username="u", password=Secret("a-password"))
    login.save("old", notes=Notes(expires_at=AGO))
    return memory_vault


def warned(load: Any, times: int = 1) -> list[str]:
    """Return the warnings of expired blocks that loading gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(times):
            load()
    return [str(each.message) for each in caught if each.category is ExpiryWarning]


@pytest.mark.parametrize(
    ("left", "state", "words"),
    [
        (timedelta(days=-400), "expired", "expired 400 days ago, on 2025-10-18"),
        (timedelta(days=-1), "expired", "expired 1 day ago"),
        (timedelta(0), "expired", "expired less than an hour ago"),
        (timedelta(hours=5), "soon", "expires in 5 hours"),
        (SOON, "soon", "expires in 14 days"),
        (SOON + timedelta(seconds=1), None, "expires in 14 days"),
    ],
)
def test_what_expired_and_soon_mean(left: timedelta, state: str | None, words: str) -> None:
    """To the second, and in words that people use."""
    notes = Notes(expires_at=NOW + left)
    assert expiry(notes, NOW) == state
    assert words in told(notes, NOW)
    assert (expiry(Notes(), NOW), told(Notes(), NOW)) == (None, "")


def test_loading_an_expired_block_warns_once(vault: Vault) -> None:
    """Once per process and address, with the address and what to do."""
    said = warned(lambda: BasicAuth.load("old"), times=3)
    assert len(said) == 1
    assert "basic-auth/old expired 3 days ago" in said[0]
    assert "annotate" in said[0]
    assert "a-password" not in said[0]


def test_a_block_inside_warns_too(vault: Vault) -> None:
    """Whoever loads a parent is told of the child that has expired."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExpiryWarning)
        login = BasicAuth.load("old")
    expiry_module._told.clear()
    Team(members=[login]).save("t")
    assert len(warned(lambda: Team.load("t"))) == 1


def test_others_do_not_warn(vault: Vault) -> None:
    """Neither one that expires later, nor one with other notes, nor one without."""
    Settings(value=1).save("later", notes=Notes(expires_at=datetime.now(UTC) + timedelta(hours=1)))
    Settings(value=1).save("noted", notes=Notes("never", ("tag",)))
    Settings(value={"notes": {"expires_at": "2001-01-01"}}).save("field")
    assert warned(lambda: [Settings.load(name) for name in ("later", "noted", "field")]) == []


def test_the_warning_can_be_an_error(vault: Vault) -> None:
    """Whoever wants it stricter turns the warning into an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExpiryWarning)
        with pytest.raises(ExpiryWarning, match="basic-auth/old"):
            BasicAuth.load("old")


def test_the_warning_names_the_line_that_loads(vault: Vault) -> None:
    """A program's own line stands in the warning, not one of Brickwork."""
    code = "from brickwork import BasicAuth\nBasicAuth.load('old')\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "<string>:2: ExpiryWarning: basic-auth/old expired" in done.stderr


def test_a_block_without_notes_costs_nothing_more(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its notes are not looked at."""
    Settings(value=1).save("plain")

    def refuse(record: object) -> None:
        raise AssertionError("looked at")

    monkeypatch.setattr("brickwork.vault.expiry.warn_if_expired", refuse)
    assert Settings.load("plain").value == 1
    with pytest.raises(AssertionError, match="looked at"):
        BasicAuth.load("old")
