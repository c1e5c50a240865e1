"""The message of ``email`` for other packages: the same, without a server."""

from email import message_from_bytes
from email.policy import default

import pytest

from brickwork import Attachment, Notification, email_address, raw_email


def test_a_message_has_all_that_was_given() -> None:
    """Who writes to whom, the texts, the file."""
    raw = raw_email(
        Notification("Lädt", "body", attachments=(Attachment("a.txt", b"file", "text/plain"),)),
        sender="Müller <ops@example.com>",
        to=["a@example.com", "B <b@example.com>"],
        cc=["c@example.com"],
        reply_to=["r@example.com"],
        subject_prefix="[prod] ",
    )
    message = message_from_bytes(raw, policy=default)
    assert message["From"] == "Müller <ops@example.com>"
    assert message["To"] == "a@example.com, B <b@example.com>"
    assert message["Cc"] == "c@example.com"
    assert message["Reply-To"] == "r@example.com"
    assert message["Subject"] == "[prod] Lädt"
    assert message["Message-ID"].endswith("@example.com>")
    body = message.get_body(("plain",))
    assert body is not None
    assert "body" in body.get_content()
    assert [each.get_filename() for each in message.iter_attachments()] == ["a.txt"]


def test_an_address_is_read_out_of_its_words() -> None:
    """What is not one is refused, and not quoted."""
    assert email_address("Operations <ops@example.com>") == "ops@example.com"
    for wrong in ("ops", "a@example.com, b@example.com", "ops@exa mple.com\n"):
        with pytest.raises(ValueError, match="it") as caught:
            email_address(wrong)
        assert wrong not in str(caught.value)
