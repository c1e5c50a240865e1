"""SES against moto; what is asked, and what moto never says, against a service of ours."""

import base64
import json
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from brickwork import Attachment, DeliveryStatus, InvalidBlock, Notification, open_notifier
from brickwork.testing.notifier import Behaviour
from brickwork.testing.task import no_waiting
from brickwork_aws import AwsCredentials, AwsDenied, AwsError, AwsNotFound, SesEmail, aws_call
from brickwork_aws.testing.contracts.ses import SES
from brickwork_aws.testing.counterpart import AwsCounterpart

PARTIES: dict[str, Any] = {
    "sender": "Müller <ops@example.com>",
    "to": ["Team <team@example.com>"],
    "cc": ["chief@example.com"],
    "bcc": ["archive@example.com"],
    "reply_to": ["help@example.com"],
    "subject_prefix": "[prod] ",
}


@pytest.fixture
def block(s3_credentials: AwsCredentials) -> SesEmail:
    """One whose sender moto has verified."""
    aws_call(s3_credentials, "ses", "verify_domain_identity", Domain="example.com")
    return SesEmail(**PARTIES, credentials=s3_credentials)


def test_a_notification_is_taken(block: SesEmail) -> None:
    """The id is SES's; the target is who writes."""
    receipt = block.send(Notification("Load failed", "3 of 40 files"))
    assert receipt.delivered, receipt
    assert receipt.message_id
    assert receipt.target == "aws-ses-email:ops@example.com"


def test_a_saved_block_is_a_target(block: SesEmail) -> None:
    """By its address, which its receipts name."""
    block.save("ops")
    receipt = open_notifier("aws-ses-email/ops").send(Notification("hello"))
    assert (receipt.delivered, receipt.target) == (True, "aws-ses-email/ops")


def test_who_is_not_verified_is_refused(block: SesEmail) -> None:
    """For good, and once."""
    other = block.model_copy(update={"sender": "ops@not-verified.example"})
    receipt = other.send(Notification("hello"))
    assert (receipt.status, receipt.attempts) == (DeliveryStatus.REFUSED, 1)
    assert "MessageRejected" in receipt.detail


@pytest.mark.usefixtures("no_aws_settings")
def test_a_message_goes_to_whom_it_should() -> None:
    """The addresses alone beside it; in it all but the blind copy, the words, the file."""
    service = SES._replace(
        make=lambda credentials: SesEmail(
            **PARTIES, configuration_set="alerts", credentials=credentials
        ),
        read=lambda request: request.body.decode(),
    )
    file = Attachment("a.txt", b"file", "text/plain")
    with AwsCounterpart(service) as counterpart:
        notifier = counterpart.notifier(Behaviour.OK)
        assert notifier.send(Notification("Lädt", "3 of 40", attachments=(file,))).delivered
        asked = json.loads(counterpart.received())
    assert asked["Destination"] == {
        "ToAddresses": ["team@example.com"],
        "CcAddresses": ["chief@example.com"],
        "BccAddresses": ["archive@example.com"],
    }
    assert asked["ConfigurationSetName"] == "alerts"
    raw = base64.b64decode(asked["Content"]["Raw"]["Data"])
    message = message_from_bytes(raw, policy=default)
    assert message["From"] == "Müller <ops@example.com>"
    assert message["To"] == "Team <team@example.com>"
    assert message["Reply-To"] == "help@example.com"
    assert message["Subject"] == "[prod] Lädt"
    assert [each.get_filename() for each in message.iter_attachments()] == ["a.txt"]
    assert b"archive@example.com" not in raw


@pytest.mark.usefixtures("no_aws_settings")
def test_only_what_was_surely_not_taken_is_sent_again() -> None:
    """Nobody wants an e-mail twice."""
    with AwsCounterpart(SES) as service:
        for behaviour, again in {
            Behaviour.BROKEN: False,
            Behaviour.SILENT: False,
            Behaviour.RATE_LIMITING: True,
            Behaviour.UNREACHABLE: True,
        }.items():
            with no_waiting():
                receipt = service.notifier(behaviour).send(Notification("hello"))
            assert (receipt.attempts > 1) is again, (behaviour, receipt)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"to": [], "cc": [], "bcc": []}, "0 would get it"),
        ({"to": ["a@example.com"] * 49}, "51 would get it"),
        ({"sender": "ops"}, "sender"),
        ({"cc": ["a@example.com, b@example.com"]}, "cc"),
        ({"subject_prefix": "a\nBcc: x@example.com"}, "line breaks"),
    ],
)
def test_wrong_addresses_are_no_block(given: dict[str, Any], said: str) -> None:
    """They are refused when the block is made, not when something has gone wrong at night."""
    with pytest.raises(InvalidBlock, match=said):
        SesEmail(**{**PARTIES, **given})


GOOD = {"SendingEnabled": True, "ProductionAccessEnabled": True}
VERIFIED = {"VerifiedForSendingStatus": True, "IdentityType": "DOMAIN"}


@pytest.mark.parametrize(
    ("account", "identities", "statuses"),
    [
        (GOOD, {"ops@example.com": VERIFIED}, ["ok", "ok", "skipped"]),
        (GOOD, {"example.com": VERIFIED}, ["ok", "ok", "skipped"]),
        (GOOD, {"example.com": {}}, ["ok", "failed", "skipped"]),
        (GOOD, {}, ["ok", "failed", "skipped"]),
        ({"SendingEnabled": True}, {"example.com": VERIFIED}, ["warning", "ok", "skipped"]),
        ({}, {}, ["failed", "skipped"]),
        (AwsNotFound("none"), {}, ["failed", "skipped"]),
        (AwsDenied("no"), {"example.com": VERIFIED}, ["warning", "ok", "skipped"]),
        (AwsError("broken", fix="Mend it."), {}, ["failed", "skipped"]),
        (RuntimeError("a fault"), {}, ["failed", "skipped"]),
    ],
)
def test_check_tells_what_it_found(
    account: Any, identities: dict[str, Any], statuses: list[str]
) -> None:
    """Whether the account may send, and whether the address or its domain is verified."""

    class Told(SesEmail):
        def _ask(self, operation: str, parameters: Any, seconds: Any = None) -> Any:
            assert seconds == 5
            if operation == "get_email_identity":
                found = identities.get(parameters["EmailIdentity"], AwsNotFound("none"))
            else:
                assert operation == "get_account"
                found = account
            if isinstance(found, Exception):
                raise found
            return found

    report = Told(**PARTIES).check()
    assert [each.status for each in report.findings] == statuses
    assert all(each.fix for each in report.findings if each.status == "failed")
