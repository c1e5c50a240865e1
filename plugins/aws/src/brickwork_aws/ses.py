"""``SesEmail``: notifications of Brickwork as e-mails, through SES.

What SES takes is described at
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from brickwork import (
    Block,
    BrickworkError,
    CheckReport,
    Finding,
    Limits,
    Notification,
    Notifier,
    Overflow,
    Receipt,
    email_address,
    raw_email,
)
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsDenied, AwsNotFound
from brickwork_aws.notifying import CHECK_SECONDS, ask_once, handed_over

MAX_RECIPIENTS = 50
"""Of one message, all kinds together."""

MAX_SUBJECT = 200
MAX_BODY = 50_000  # Gmail hides what is above 102 KB of HTML
MAX_ATTACHED_BYTES = 18 * 1024 * 1024  # SES takes 40 MB in Base64, most receivers 25 MB


def _checked(text: str) -> str:
    email_address(text)
    return text.strip()


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has line breaks or control characters")
    return text


_Status = Literal["ok", "warning", "failed"]
_Read = Callable[[dict[str, Any]], tuple[_Status, str, str]]
Address = Annotated[str, AfterValidator(_checked)]


class SesEmail(Block, Notifier):
    """Sends notifications as e-mails, with text and HTML, through SES.

    They are those of the block ``email``. Delivered means that SES took the message; what becomes
    of it, SES tells the configuration set. A message is sent again when it surely was not taken (no
    connection, throttling).

    Examples:
        >>> from brickwork import notify
        >>> from brickwork_aws import AwsCredentials, SesEmail
        >>> SesEmail(
        ...     sender="Reports <robot@example.com>",
        ...     to=["finance@example.com"],
        ...     subject_prefix="[prod] ",
        ...     credentials=AwsCredentials(profile="prod"),
        ... ).save("finance")
        Document('aws-ses-email/finance@1')
        >>> (receipt,) = notify("aws-ses-email/finance", title="Invoices are ready", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "aws-ses-email"

    sender: Address = Field(
        description="Who writes: ops@example.com, or Operations <ops@example.com>; SES must have "
        "verified the address or its domain."
    )
    to: list[Address] = Field(default_factory=list, description="Who is written to.")
    cc: list[Address] = Field(default_factory=list, description="Who gets a copy.")
    bcc: list[Address] = Field(
        default_factory=list, description="Who gets a copy without the others knowing."
    )
    reply_to: list[Address] = Field(
        default_factory=list, description="Where answers go; to the sender, if left out."
    )
    subject_prefix: Annotated[str, AfterValidator(_one_line)] = Field(
        "", max_length=100, description='Put before each subject as it is, such as "[prod] ".'
    )
    configuration_set: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="The configuration set; by default that of the sender's identity.",
    )
    overflow: Overflow = Field(
        default=Overflow.CUT,
        description="What to do with a text above 50,000 characters: cut, split or attach it.",
    )
    credentials: AwsCredentials = Field(
        default_factory=AwsCredentials,
        description="Who to be; without it, boto3 looks in its usual places.",
    )
    timeout_seconds: float = Field(
        10.0, gt=0, le=3600, description="Seconds to connect, and to wait for an answer."
    )

    @model_validator(mode="after")
    def _somebody_gets_it(self) -> Self:
        count = len(self.to) + len(self.cc) + len(self.bcc)
        if not 0 < count <= MAX_RECIPIENTS:
            raise ValueError(
                f"{count} would get it: give 1 to {MAX_RECIPIENTS} addresses in to, cc and bcc"
            )
        return self

    def describe(self) -> str:
        """Return the address; for one that is not saved, who writes."""
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return f"{self.slug}:{email_address(self.sender)}"

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
        """Send it, again if need be; see the class for when."""
        raw = raw_email(
            notification,
            sender=self.sender,
            to=self.to,
            cc=self.cc,
            reply_to=self.reply_to,
            subject_prefix=self.subject_prefix,
        )
        message = {
            "Destination": {
                "ToAddresses": [email_address(each) for each in self.to],
                "CcAddresses": [email_address(each) for each in self.cc],
                "BccAddresses": [email_address(each) for each in self.bcc],
            },
            "Content": {"Raw": {"Data": raw}},
            "ConfigurationSetName": self.configuration_set,
        }
        return handed_over(
            self.describe(),
            self.timeout_seconds,
            lambda seconds: str(self._ask("send_email", message, seconds)["MessageId"]),
        )

    def check(self) -> CheckReport:
        """Ask SES whether the account may send, and this sender write; send nothing."""
        account = self._found("account", "get_account", {}, _account)
        if account is None or account.status == "failed":
            nothing = Finding("failed", "account", "no SES answers as one.", "Check the endpoint.")
            return CheckReport((account or nothing, _NOT_SENT))
        return CheckReport((account, self._sender(), _NOT_SENT))

    def _sender(self) -> Finding:
        """Look for the address, and then for its domain: either may be verified."""
        address = email_address(self.sender)
        for each in (address, address.rpartition("@")[2]):
            found = self._found("sender", "get_email_identity", {"EmailIdentity": each}, _identity)
            if found is not None:
                return found
        return Finding(
            "failed",
            "sender",
            f"SES knows neither {address} nor its domain in this region.",
            "Verify one of them, or set the region of the credentials.",
        )

    def _found(
        self, what: str, operation: str, asked: dict[str, Any], read: _Read
    ) -> Finding | None:
        """Ask, and read the answer; None where there is no such thing."""
        try:
            answer = self._ask(operation, asked, CHECK_SECONDS)
        except AwsNotFound:
            return None
        except AwsDenied as error:
            # Who may send need not be allowed to look.
            return Finding("warning", what, error.what, error.fix)
        except BrickworkError as error:
            return Finding("failed", what, error.what, error.fix)
        except Exception as error:  # noqa: BLE001  # a check never raises
            return Finding("failed", what, type(error).__name__, "Look at the credentials.")
        status, detail, fix = read(answer)
        return Finding(status, what, detail, fix)

    def _ask(
        self, operation: str, parameters: dict[str, Any], seconds: float | None = None
    ) -> dict[str, Any]:
        seconds = min(seconds or self.timeout_seconds, self.timeout_seconds)
        return ask_once(self.credentials, seconds, "sesv2", operation, parameters)


_NOT_SENT = Finding(
    "skipped",
    "may send",
    "not tried, since it would reach people; it needs ses:SendEmail and ses:SendRawEmail",
)


def _account(answer: dict[str, Any]) -> tuple[_Status, str, str]:
    if not answer.get("SendingEnabled"):
        return "failed", "SES does not let this account send.", "Look at its reputation in SES."
    if not answer.get("ProductionAccessEnabled"):
        fix = "Ask for production access, unless all who get it are verified."
        return "warning", "in the sandbox: only verified addresses get anything", fix
    return "ok", "may send", ""


def _identity(answer: dict[str, Any]) -> tuple[_Status, str, str]:
    if answer.get("VerifiedForSendingStatus"):
        return "ok", f"verified by its {str(answer.get('IdentityType', '')).lower()}", ""
    return "failed", "SES has not verified it yet.", "Follow the link, or set the DNS records."
