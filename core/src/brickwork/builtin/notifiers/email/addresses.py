"""Addresses of e-mail, read strictly: what two readers may understand in two ways is refused."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from brickwork.builtin.outbound.target import server_target
from brickwork.errors import OutboundRefused

_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>\s]+)>|(?P<bare>[^<>\s]+)")
# The "dot-atom" of RFC 5322 with the letters that RFC 6532 adds. The quoted form, in which an
# address may hold blanks and a second @, is what readers disagree about; nobody needs it.
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_LONGEST_LOCAL = 64
_LONGEST_ADDRESS = 254
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's address.

    Attributes:
        name: The words to show; may be empty.
        local: What stands before the ``@``.
        domain: What stands after it, in ASCII.
    """

    name: str
    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``ops@example.com`` or ``Operations <ops@example.com>``.

        Raises:
            ValueError: It is not one address; says why, without quoting it.
        """
        match = _MAILBOX.fullmatch(text.strip())
        if match is None or not text.strip().isprintable():
            raise ValueError(
                "it is not one address, such as ops@example.com or Operations <ops@example.com>; "
                "several are given as a list"
            )
        name = _unquoted((match["name"] or "").strip())
        local, at, domain = (match["address"] or match["bare"]).rpartition("@")
        if not at or not _LOCAL.fullmatch(local):
            raise ValueError("it has no @, or before it characters that an address cannot have")
        mailbox = cls(name, local, _domain(domain))
        if (
            len(local.encode()) > _LONGEST_LOCAL
            or len(mailbox.address.encode()) > _LONGEST_ADDRESS
            or len(name) > _LONGEST_NAME
        ):
            raise ValueError("it is too long")
        return mailbox

    @property
    def address(self) -> str:
        """The address alone."""
        return f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Parties:
    """Who writes to whom.

    Attributes:
        sender: Who writes.
        to: Who is written to.
        cc: Who gets a copy.
        bcc: Who gets a copy without the others knowing.
        reply_to: Where answers go; to the sender, if empty.
    """

    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses of all who get it, each once."""
        everybody = (*self.to, *self.cc, *self.bcc)
        return tuple(dict.fromkeys(each.address for each in everybody))

    @property
    def international(self) -> str | None:
        """The first address that only servers with SMTPUTF8 (RFC 6531) take; mostly None."""
        everybody = (self.sender, *self.to, *self.cc, *self.bcc, *self.reply_to)
        return next((each.address for each in everybody if not each.local.isascii()), None)


def parse_all(texts: Iterable[str]) -> tuple[Mailbox, ...]:
    """Read several addresses. Raises ValueError."""
    return tuple(Mailbox.parse(text) for text in texts)


def _domain(text: str) -> str:
    try:
        host = server_target("smtp", text, 25).host
    except OutboundRefused:
        host = ""
    if not host or host.endswith(".") or ":" in host or host.rpartition(".")[2].isdigit():
        raise ValueError("what stands after the @ is not the name of a domain")
    return host


def _unquoted(name: str) -> str:
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name
