"""What notifiers that post to a URL share: their fields, one attempt, and what an answer means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field

from brickwork.block import Block, CheckReport, Finding
from brickwork.builtin.notifiers.attempts import Attempt, Attempts, retry_after
from brickwork.errors import BrickworkError, OutboundFailed, OutboundRefused
from brickwork.masking import masker
from brickwork.notifier import DeliveryStatus, Receipt, explained

if TYPE_CHECKING:
    from brickwork.builtin.outbound.client import Response

MAX_ANSWER_BYTES = 16 * 1024  # of the receiver's answer; only a part of it is shown

# The receiver says that it did not take the notification.
_NOT_TAKEN = frozenset({429, 503})
# It may have: sent again only where it recognises what it has seen.
_UNCERTAIN = frozenset({500, 502, 504})

# The fields that such a block has, after its own.
TimeoutSeconds = Annotated[
    float, Field(gt=0, le=300, description="Time limit of one attempt, in seconds.")
]
RetrySeconds = Annotated[
    float,
    Field(
        ge=0,
        le=3600,
        description="No attempt is begun later than this many seconds after the first; 0 for one "
        "attempt only.",
    ),
]
AllowPrivate = Annotated[
    bool,
    Field(description="Allow a server on loopback or a private network (metadata services never)."),
]
AllowHttp = Annotated[bool, Field(description="Allow http, which is not encrypted.")]
CaCertificates = Annotated[
    str | None,
    Field(description="Certificates, as PEM, of the authorities to trust instead of the system's."),
]


class HttpSettings(Protocol):
    """The fields of a block that posts."""

    @property
    def timeout_seconds(self) -> float:
        """See `TimeoutSeconds`, and so on for the others."""

    @property
    def retry_seconds(self) -> float:
        """See above."""

    @property
    def allow_private(self) -> bool:
        """See above."""

    @property
    def allow_http(self) -> bool:
        """See above."""

    @property
    def ca_certificates(self) -> str | None:
        """See above."""


@dataclass(frozen=True, slots=True)
class Post:
    """One message to a URL, tried as often as its settings say.

    Attributes:
        target: Named in the receipt.
        url: Where it goes. What an answer quotes of its path and query is not shown.
        settings: The block.
        repeatable: Whether the service recognises a message that it has had: then it is sent again
            also when that is uncertain (no answer, 500, 502, 504).
        judge: Looks at a 2xx answer: a service may refuse with a body, and name the message. Where
            it is left out, 2xx is a delivery.
        waits: Reads from an answer how long the service asks to wait; ``Retry-After`` if left out.
        place: What the service limits, as in `Attempts`; the URL if left out.
    """

    target: str
    url: str
    settings: HttpSettings
    repeatable: bool = False
    judge: "Callable[[Response], Attempt] | None" = None
    waits: "Callable[[Response], float | None] | None" = None
    place: str | None = None

    def send(self, body: bytes, headers: Callable[[], Mapping[str, str]]) -> Receipt:
        """Send a body. ``headers`` is called for each attempt, for times and signatures."""
        settings = self.settings
        place = self.place or self.url
        attempts = Attempts(self.target, place, settings.timeout_seconds, settings.retry_seconds)
        return attempts.run(lambda seconds: self._attempt(body, headers(), seconds))

    def _attempt(self, body: bytes, headers: Mapping[str, str], seconds: float) -> Attempt:
        from brickwork.builtin.outbound.client import request

        try:
            response = request(
                "POST",
                self.url,
                headers={"user-agent": "brickwork", **headers},
                body=body,
                timeout_seconds=seconds,
                allow_private=self.settings.allow_private,
                allow_http=self.settings.allow_http,
                max_response_bytes=MAX_ANSWER_BYTES,
                ca_certificates=self.settings.ca_certificates,
            )
        except OutboundRefused as error:
            return Attempt(DeliveryStatus.REFUSED, explained(error), left=False)
        except OutboundFailed as error:
            again = self.repeatable or not error.sent
            return Attempt(DeliveryStatus.FAILED, explained(error), again=again)
        return self._judged(response)

    def _judged(self, response: "Response") -> Attempt:
        status = response.status
        if 200 <= status < 300:
            if self.judge is not None:
                return self.judge(response)
            return Attempt(DeliveryStatus.DELIVERED, http_status=status)
        detail = f"HTTP {status}"
        if 300 <= status < 400:
            detail += ": redirects are not followed; give the URL that it leads to"
        answer = shown(response.body, self.url)
        if answer:
            detail += f": {answer}"
        again = status in _NOT_TAKEN or (self.repeatable and status in _UNCERTAIN)
        later = again or status >= 500
        wait = None if self.waits is None else self.waits(response)
        return Attempt(
            DeliveryStatus.FAILED if later else DeliveryStatus.REFUSED,
            detail,
            http_status=status,
            again=again,
            retry_after=retry_after(response.headers.get("retry-after")) if wait is None else wait,
        )


def described(block: Block, url: str) -> str:
    """Return the address of a block; if it is not saved, its slug and the origin of its URL."""
    from brickwork.builtin.outbound.target import parse_url

    if block.address is not None:
        return f"{block.address.slug}/{block.address.name}"
    return f"{block.slug}:{parse_url(url, allow_http=True).origin}"


def checked_url(url: str, settings: HttpSettings) -> None:
    """Raise ValueError, for validators of fields, if a block's URL could never be posted to."""
    from brickwork.builtin.outbound.target import parse_url

    try:
        parse_url(url, allow_http=settings.allow_http)
    except OutboundRefused as error:
        reason = explained(error)
    else:
        return
    raise ValueError(reason)


def fetched(url: str, settings: HttpSettings) -> "Response | CheckReport":
    """GET a URL for a check; the report says why there is no answer. Redirects are not followed."""
    from brickwork.builtin.outbound.client import request

    try:
        return request(
            "GET",
            url,
            headers={"user-agent": "brickwork"},
            timeout_seconds=min(settings.timeout_seconds, 10.0),
            allow_private=settings.allow_private,
            allow_http=settings.allow_http,
            max_response_bytes=MAX_ANSWER_BYTES,
            ca_certificates=settings.ca_certificates,
        )
    except BrickworkError as error:
        return CheckReport((_not_reached(error),))


def _not_reached(error: BrickworkError) -> Finding:
    fix = error.fix or "Check the URL, and whether the server runs and can be reached."
    return Finding("failed", "connection", error.what, fix)


def reached(url: str, settings: HttpSettings, left_open: str) -> CheckReport:
    """Connect to a URL's server under the policy for outbound requests, and send nothing.

    Args:
        url: Where the block posts to.
        settings: The block.
        left_open: What that cannot find out.
    """
    from brickwork.builtin.outbound.client import probe

    try:
        found = probe(
            url,
            timeout_seconds=min(settings.timeout_seconds, 10.0),
            allow_private=settings.allow_private,
            allow_http=settings.allow_http,
            ca_certificates=settings.ca_certificates,
        )
    except BrickworkError as error:
        finding = _not_reached(error)
    else:
        finding = Finding("ok", "connection", f"{found.origin}, {found.tls or 'without TLS'}")
    rest = Finding(
        "skipped", left_open, "only a notification shows whether the receiver takes them"
    )
    return CheckReport((finding, rest))


def shown(body: bytes, url: str) -> str:
    """Return the start of an answer, on one line, without what it quotes of the URL.

    Many servers quote the path that they do not know, and it is the webhook's secret.
    """
    from urllib.parse import unquote, urlsplit

    text = masker.mask(" ".join(body.decode("utf-8", "replace").split()))
    path, query = urlsplit(url)[2:4]
    parts = [*path.split("/"), *(pair.rpartition("=")[2] for pair in query.split("&"))]
    # Shorter ones are no secrets, as for the masker.
    forms = {form for part in parts for form in (part, unquote(part)) if len(form) >= 6}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text[:200]
