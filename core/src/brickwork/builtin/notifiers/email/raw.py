"""What the block ``email`` sends, for notifiers that send e-mails in another way."""

from collections.abc import Sequence
from uuid import uuid4

from brickwork.builtin.notifiers.email.addresses import Mailbox, Parties, parse_all
from brickwork.notifier import Notification


def email_address(text: str) -> str:
    """Return the address alone of ``ops@example.com`` or ``Operations <ops@example.com>``.

    Raises:
        ValueError: It is not one address; says why, without quoting it.
    """
    return Mailbox.parse(text).address


def raw_email(
    notification: Notification,
    *,
    sender: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    reply_to: Sequence[str] = (),
    subject_prefix: str = "",
) -> bytes:
    """Return a notification as a message of RFC 5322, with text, HTML and attachments.

    Who gets a blind copy is not in the message.

    Args:
        notification: Masked already.
        sender: Who writes; addresses are given as to `email_address`.
        to: Who is written to.
        cc: Who gets a copy.
        reply_to: Where answers go; to the sender, if left out.
        subject_prefix: Put before the subject as it is.

    Raises:
        ValueError: An address is none.
    """
    from brickwork.builtin.notifiers.email.message import compose

    parties = Parties(Mailbox.parse(sender), parse_all(to), parse_all(cc), (), parse_all(reply_to))
    message_id = f"<{uuid4().hex}@{parties.sender.domain}>"
    return compose(parties, notification, message_id=message_id, subject_prefix=subject_prefix)
