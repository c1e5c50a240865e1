"""Conformance of the notifier by e-mail, against a service of ours."""

import base64
import json
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default

import pytest

from brickwork import Block, Overflow
from brickwork.testing import BlockContract, NotifierContract
from brickwork.testing.notifier import Asked, Behaviour
from brickwork_aws.ses import SesEmail
from brickwork_aws.testing.contracts.credentials import GOLDEN, closed_port
from brickwork_aws.testing.counterpart import AwsCounterpart, Service

_SEND = "v2/email/outbound-emails"


class TestSesEmail(BlockContract):
    """SesEmail as a block."""

    golden_folder = GOLDEN

    @pytest.fixture
    def block(self, no_aws_settings: None) -> Block:  # noqa: ARG002  # for what it hides
        """Return one that sends to a port where nobody listens."""
        return SesEmail(
            sender="Operations <ops@example.com>",
            to=["team@example.com"],
            cc=["chief@example.com"],
            bcc=["archive@example.com"],
            reply_to=["help@example.com"],
            subject_prefix="[prod] ",
            configuration_set="alerts",
            overflow=Overflow.ATTACH,
            credentials=closed_port(),
            timeout_seconds=5,
        )


def _read(asked: Asked) -> str | None:
    """Return the headers and texts of the message, attachments included, decoded."""
    if asked.path != _SEND:
        return None
    raw = base64.b64decode(json.loads(asked.body)["Content"]["Raw"]["Data"])
    message = message_from_bytes(raw, policy=default)
    lines = [f"{name}: {value}" for name, value in message.items()]
    for part in message.walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            lines += [part.get_filename() or "", content.decode("utf-8", "replace")]
    return "\n".join(lines)


def _accept(asked: Asked) -> str:
    answers = {
        _SEND: {"MessageId": "0a1b2c3d"},
        "v2/email/account": {"SendingEnabled": True, "ProductionAccessEnabled": True},
    }
    verified = {"IdentityType": "DOMAIN", "VerifiedForSendingStatus": True}
    return json.dumps(answers.get(asked.path, verified))


SES = Service(
    make=lambda credentials: SesEmail(
        sender="ops@example.com",
        to=["team@example.com"],
        credentials=credentials,
        timeout_seconds=0.5,
    ),
    read=_read,
    accept=_accept,
    refuse=lambda code: json.dumps({"__type": code, "message": "as told"}),
    content_type="application/json",
)
"""SES, in its format: JSON."""


class TestSesEmailAsNotifier(NotifierContract):
    """SesEmail as a notifier."""

    @pytest.fixture
    def counterpart(self, no_aws_settings: None) -> Iterator[AwsCounterpart]:  # noqa: ARG002  # for what it hides
        """Give an SES that behaves as it is told."""
        with AwsCounterpart(SES) as service:
            yield service

    @property
    def behaviours(self) -> frozenset[Behaviour]:
        """SES throttles, and never says how long to wait."""
        return frozenset(Behaviour) - {Behaviour.BUSY}

    @property
    def shows_html(self) -> bool:
        """Beside the text."""
        return True
