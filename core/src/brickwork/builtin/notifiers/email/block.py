"""``email``: notifications by SMTP."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from brickwork.block import Block, CheckReport
from brickwork.builtin.notifiers.email.addresses import Mailbox, Parties, parse_all
from brickwork.builtin.notifiers.http import (
    AllowPrivate,
    CaCertificates,
    RetrySeconds,
    TimeoutSeconds,
)
from brickwork.builtin.outbound.target import server_target
from brickwork.errors import OutboundRefused
from brickwork.notifier import Limits, Notification, Notifier, Overflow, Receipt
from brickwork.secret import Secret

MAX_SUBJECT = 200
MAX_BODY = 50_000  # Gmail hides what is above 102 KB of HTML
MAX_ATTACHED_BYTES = 18 * 1024 * 1024  # 25 MB, which large providers take, once it is Base64

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _checked_mailbox(text: str) -> str:
    Mailbox.parse(text)
    return text.strip()


def _checked_host(host: str) -> str:
    try:
        server_target("smtp", host, 25)
    except OutboundRefused:
        raise ValueError("it is neither the name nor the IP address of a server") from None
    return host


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has line breaks or control characters")
    return text


Address = Annotated[str, AfterValidator(_checked_mailbox)]
Host = Annotated[str, AfterValidator(_checked_host)]
Line = Annotated[str, AfterValidator(_one_line)]


class Email(Block, Notifier):
    """Sends notifications as e-mails, with text and HTML, through a mail server.

    Delivered means that the server took the message for every recipient; what a server further on
    makes of it is not known. TLS is never given up for a server that does not offer it. A message
    is sent again when it surely was not taken (no connection, answers 4xx); not when the connection
    broke after all of it was sent. Notifications with one ``thread_key`` become one conversation:
    they have that key as their subject, and the title as their first line.

    Examples:
        >>> from brickwork import Email, notify
        >>> Email(
        ...     host="smtp.example.com",
        ...     username="robot@example.com",
        ...     password="mail-word-61c0",
        ...     sender="Reports <robot@example.com>",
        ...     to=["team@example.com"],
        ... ).save("team")
        Document('email/team@1')
        >>> (receipt,) = notify("email/team", title="Reports are ready", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "email"

    host: Host = Field(description="Name or IP address of the mail server.")
    port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Its port; if left out, 587 for starttls, 465 for tls, 25 for none.",
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="TLS after STARTTLS, TLS from the start, or none, which needs "
        "allow_unencrypted.",
    )
    username: Line | None = Field(default=None, description="Who logs in; nobody, if left out.")
    password: Secret[str] | None = Field(
        default=None, description="The password, or with auth oauth2 an access token."
    )
    auth: Literal["password", "oauth2"] = Field(
        default="password", description="How to log in: with a password, or by XOAUTH2."
    )
    sender: Address = Field(
        description="Who writes: ops@example.com, or Operations <ops@example.com>."
    )
    to: list[Address] = Field(default_factory=list, description="Who is written to.")
    cc: list[Address] = Field(default_factory=list, description="Who gets a copy.")
    bcc: list[Address] = Field(
        default_factory=list, description="Who gets a copy without the others knowing."
    )
    reply_to: list[Address] = Field(
        default_factory=list, description="Where answers go; to the sender, if left out."
    )
    subject_prefix: Line = Field(
        default="",
        max_length=100,
        description='Put before each subject as it is, such as "[prod] ".',
    )
    overflow: Overflow = Field(
        default=Overflow.CUT,
        description="What to do with a text above 50,000 characters: cut, split or attach it.",
    )
    ehlo_name: Host | None = Field(
        default=None,
        description="What to call this machine to the server; its IP address, if left out. Some "
        "relays want a name.",
    )
    timeout_seconds: TimeoutSeconds = 30.0
    retry_seconds: RetrySeconds = 60.0
    allow_private: AllowPrivate = False
    allow_unencrypted: bool = Field(
        default=False, description="Allow security none: anybody on the way can read the messages."
    )
    allow_unencrypted_password: bool = Field(
        default=False, description="Allow security none also for the password."
    )
    ca_certificates: CaCertificates = None

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if not (self.to or self.cc or self.bcc):
            raise ValueError("nobody would get it: give at least one address in to, cc or bcc")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: give both, or none")
        if self.password is not None and not self.password.reveal().isprintable():
            raise ValueError("the password has line breaks or control characters")
        if self.security == "none" and not self.allow_unencrypted:
            raise ValueError("security none needs allow_unencrypted, since anybody could read it")
        if (
            self.security == "none"
            and self.password is not None
            and not self.allow_unencrypted_password
        ):
            raise ValueError(
                "the password would be sent in clear: use starttls or tls, or set "
                "allow_unencrypted_password"
            )
        return self

    @property
    def server_port(self) -> int:
        """The port, also where it is left out."""
        return self.port or _PORTS[self.security]

    def describe(self) -> str:
        """Return the address; for one that is not saved, the mail server."""
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return f"email:{self.host}"

    def limits(self) -> Limits:
        """Keep subjects short, and messages below what large providers take."""
        return Limits(
            title=MAX_SUBJECT,
            body=MAX_BODY,
            attachments=100,
            attachment_bytes=MAX_ATTACHED_BYTES,
            overflow=self.overflow,
        )

    def deliver(self, notification: Notification) -> Receipt:
        """Send a notification, again if need be; see the class for when."""
        from uuid import uuid4

        from brickwork.builtin.notifiers.attempts import Attempts
        from brickwork.builtin.notifiers.email.delivery import Delivery
        from brickwork.builtin.notifiers.email.message import compose

        parties = self._parties()
        # The same on each attempt, so that a program that reads mail knows a second copy.
        message_id = f"<{uuid4().hex}@{parties.sender.domain}>"
        payload = compose(
            parties, notification, message_id=message_id, subject_prefix=self.subject_prefix
        )
        attempts = Attempts(
            self.describe(),
            f"smtp:{self.host}:{self.server_port}",
            self.timeout_seconds,
            self.retry_seconds,
        )
        receipt = attempts.run(Delivery(self, parties, payload).attempt)
        return replace(receipt, message_id=message_id)

    def check(self) -> CheckReport:
        """Connect, with TLS and the login, under the policy for outbound requests; send nothing."""
        from brickwork.builtin.notifiers.email.check import checked

        return checked(self)

    def _parties(self) -> Parties:
        return Parties(
            Mailbox.parse(self.sender),
            parse_all(self.to),
            parse_all(self.cc),
            parse_all(self.bcc),
            parse_all(self.reply_to),
        )
