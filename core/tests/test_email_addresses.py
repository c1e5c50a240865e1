"""Addresses of e-mail: what is taken, and what is refused because readers would differ."""

import re

import pytest
from hypothesis import example, given, strategies as st

from brickwork.builtin.notifiers.email.addresses import Mailbox


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ops@example.com", "", "ops@example.com"),
        (" ops@EXAMPLE.com ", "", "ops@example.com"),
        ("Ops <ops@example.com>", "Ops", "ops@example.com"),
        ("<ops@example.com>", "", "ops@example.com"),
        ('"Team, \\"Data\\"" <ops@example.com>', 'Team, "Data"', "ops@example.com"),
        ("Team, Data <ops@example.com>", "Team, Data", "ops@example.com"),
        ("first.last+tag@mail.example.com", "", "first.last+tag@mail.example.com"),
        ("root@localhost", "", "root@localhost"),
        ("o'neil@example.com", "", "o'neil@example.com"),
        ("ops@b\u00fccher.example", "", "ops@xn--bcher-kva.example"),
        ("J\u00f6rg <j\u00f6rg@example.com>", "J\u00f6rg", "j\u00f6rg@example.com"),
    ],
)
def test_addresses_are_read(text: str, name: str, address: str) -> None:
    """An address, with or without words before it."""
    mailbox = Mailbox.parse(text)
    assert (mailbox.name, mailbox.address) == (name, address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ops",
        "@example.com",
        "ops@",
        "a@example.com, b@example.com",
        "a@example.com,b@example.com",
        "a@example.com;b@example.com",
        "a@b@example.com",
        "ops@example.com\r\nBcc: evil@example.com",
        "ops\n@example.com",
        "Ops\n <ops@example.com>",
        "Ops <ops@example.com",
        "Ops <ops@example.com> more",
        "a <b> <ops@example.com>",
        ".ops@example.com",
        "o..ps@example.com",
        "ops.@example.com",
        '"quoted local"@example.com',
        "ops(comment)@example.com",
        "ops@exa mple.com",
        "ops@example..com",
        "ops@-example.com",
        "ops@example.com.",
        "ops@[127.0.0.1]",
        "ops@127.0.0.1",
        "ops@::1",
        "ops@example.com>",
        "ops@example.com> SIZE=1",
        "ops@example.com\x00",
        "ops@stra\u00dfe.example",
        "x" * 65 + "@example.com",
        "ops@" + "x" * 64 + ".com",
        "n" * 129 + " <ops@example.com>",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """What is no address, or several, or could be read in two ways, is refused unquoted."""
    with pytest.raises(ValueError, match=r"^(it|what)") as caught:
        Mailbox.parse(text)
    assert "evil" not in str(caught.value)


@given(st.text(max_size=60))
@example("a@b.c <a@b.c>")
def test_what_is_taken_is_one_line(text: str) -> None:
    """No text that is taken can end a command of SMTP or a header."""
    try:
        mailbox = Mailbox.parse(text)
    except ValueError:
        return
    assert re.fullmatch(r"[^\s<>\"(),:;\\\[\]\x00-\x1f\x7f]+@[a-z0-9._-]+", mailbox.address)
    assert (mailbox.name + mailbox.address).isprintable()
