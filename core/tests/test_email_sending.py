"""``email``: what it says to a mail server, when it sends again, and what its receipts say."""

import signal
import smtplib
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from brickwork import Attachment, Email, Notification, Receipt, Scope
from brickwork.testing import mail as mail_module
from brickwork.testing.loopback import LoopbackAuthority
from brickwork.testing.mail import DRIP, DROP, SILENT, MailServer

PASSWORD = "p\u00e4ssword-4f7d2c9b"
HELLO = Notification("hello", "there")
BEFORE_THE_END = ["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data"]
THREE = ["a@example.com", "b@example.com", "c@example.com"]


@pytest.fixture(scope="module")
def authority() -> LoopbackAuthority:
    """An authority that the blocks trust."""
    return LoopbackAuthority()


class Post:
    """Makes servers with TLS and a login, and blocks for them."""

    def __init__(self, authority: LoopbackAuthority) -> None:
        self.authority = authority
        self.tls = authority.server_context("127.0.0.1")

    def server(self, **options: Any) -> MailServer:
        return MailServer(**{"tls": self.tls, "users": {"ops": PASSWORD}, **options})

    def email(self, server: MailServer, **fields: Any) -> Email:
        usual = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": "ops",
            "password": PASSWORD,
            "sender": "Operations <ops@example.com>",
            "to": ["on-call@example.com"],
            "allow_private": True,
            "ca_certificates": self.authority.pem,
            "timeout_seconds": 10,
        }
        return Email(**{**usual, **fields})

    def send(
        self, faults: dict[str, list[str]] | None = None, **fields: Any
    ) -> tuple[Receipt, MailServer]:
        with self.server(faults=faults) as server:
            return self.email(server, **fields).send(HELLO), server


@pytest.fixture(scope="module")
def post(authority: LoopbackAuthority) -> Post:
    """Servers and blocks."""
    return Post(authority)


# TLS and logging in


def test_starttls_comes_before_everything(post: Post) -> None:
    """Nothing but the greeting is said before TLS, and the extensions are asked for again."""
    receipt, server = post.send()

    assert receipt.delivered, receipt
    (mail,) = server.mails
    assert (mail.tls, mail.login) == (True, "ops")
    assert [line.partition(" ")[0] for line in server.commands] == [
        *("EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "DATA", "QUIT")
    ]


def test_tls_from_the_start(post: Post) -> None:
    """With security tls the whole connection is encrypted."""
    with post.server(implicit=True) as server:
        receipt = post.email(server, security="tls").send(HELLO)

    assert receipt.delivered, receipt
    assert (server.mails[0].tls, server.mails[0].login) == (True, "ops")
    assert "STARTTLS" not in server.commands


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_logs_in_by_what_the_server_offers(post: Post, mechanism: str) -> None:
    """PLAIN and LOGIN both work, also with a password that is not ASCII."""
    with post.server(mechanisms=(mechanism,)) as server:
        assert post.email(server).send(HELLO).delivered
        assert server.mails[0].login == "ops"


def test_logs_in_with_an_access_token(post: Post) -> None:
    """With auth oauth2 the password is a token, sent by XOAUTH2; a wrong one is refused."""
    with post.server(mechanisms=("PLAIN", "XOAUTH2")) as server:
        good = post.email(server, auth="oauth2").send(HELLO)
        bad = post.email(server, auth="oauth2", password="ya29.expired").send(HELLO)

    assert (good.status, server.mails[0].login) == ("delivered", "ops")
    assert (bad.status, bad.attempts) == ("refused", 1)
    assert "access token" in bad.detail


def test_no_common_way_to_log_in(post: Post) -> None:
    """A server that offers only other ways is told apart from a wrong password."""
    with post.server(mechanisms=("LOGIN",)) as server:
        receipt = post.email(server, auth="oauth2").send(HELLO)

    assert receipt.status == "refused"
    assert "no login by XOAUTH2; what it offers: LOGIN" in receipt.detail


def test_wrong_password_is_refused(post: Post) -> None:
    """It is not tried again, and the receipt names the fields and not the password."""
    receipt, server = post.send(password="wrong-8c1d77")

    assert (receipt.status, receipt.attempts) == ("refused", 1)
    assert "535 5.7.8" in receipt.detail
    assert "Check username and password" in receipt.detail
    assert "wrong-8c1d77" not in repr(receipt)
    assert not server.mails


@pytest.mark.parametrize("password", ["pw", "p\u00e4ss-secret-91ae53", "a b c d e f g"])
def test_answers_that_quote_the_password_are_not_shown(post: Post, password: str) -> None:
    """Of a server that quotes what it was sent, only the code is shown."""
    receipt, _ = post.send({"auth": [f"535 no user with {password}"]}, password=password)

    assert receipt.status == "refused"
    assert "535" in receipt.detail
    assert password not in receipt.detail


def test_debugging_smtplib_shows_no_password(
    post: Post, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A program that switched smtplib's debug output on does not print our login."""
    monkeypatch.setattr(smtplib.SMTP, "debuglevel", 2)
    receipt, _ = post.send()

    assert receipt.delivered
    assert capfd.readouterr() == ("", "")


def test_missing_starttls_is_no_reason_to_go_on(post: Post) -> None:
    """Without STARTTLS nothing is sent: neither the login nor the mail."""
    with post.server(tls=None) as server:
        receipt = post.email(server).send(HELLO)

    assert receipt.status == "refused"
    assert "does not offer STARTTLS" in receipt.detail
    assert [line.partition(" ")[0] for line in server.commands] == ["EHLO", "QUIT"]


def test_starttls_without_tls_sends_nothing(post: Post) -> None:
    """A server that says yes and then speaks no TLS gets nothing in clear."""
    receipt, server = post.send({"starttls": ["220 go ahead"]}, timeout_seconds=2, retry_seconds=0)

    assert receipt.status == "failed"
    assert "TLS failed" in receipt.detail
    assert server.commands == ["EHLO [127.0.0.1]", "STARTTLS"]


def test_what_came_before_tls_counts_no_more(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that somebody slipped in before TLS is not taken for one within (RFC 3207)."""
    usual = mail_module._Connection.push

    async def slip_in(self: Any, status: Any) -> None:
        if status == "220 Ready to start TLS":
            status += "\r\n250-slipped.in\r\n250 SIZE 1"
        await usual(self, status)

    monkeypatch.setattr(mail_module._Connection, "push", slip_in)
    receipt, server = post.send()

    assert receipt.delivered, receipt
    assert server.mails[0].tls


def test_unknown_authority_is_not_trusted(post: Post) -> None:
    """A certificate of an authority that is not trusted ends it, and the fix names the field."""
    receipt, server = post.send(ca_certificates=LoopbackAuthority().pem, retry_seconds=0)

    assert receipt.status == "failed"
    assert "certificate is not trusted" in receipt.detail
    assert "ca_certificates" in receipt.detail
    assert not server.mails


def test_name_in_the_certificate_is_checked(post: Post, authority: LoopbackAuthority) -> None:
    """A certificate for another host is not taken."""
    other = authority.server_context("mail.example.com")
    with MailServer(tls=other, implicit=True) as server:
        receipt = post.email(server, security="tls", retry_seconds=0).send(HELLO)

    assert receipt.status == "failed"
    assert "certificate is not trusted" in receipt.detail


def test_unencrypted_is_possible_where_it_is_allowed(post: Post) -> None:
    """With both permissions even the password goes in clear."""
    with MailServer(users={"ops": PASSWORD}) as server:
        receipt = post.email(
            server, security="none", allow_unencrypted=True, allow_unencrypted_password=True
        ).send(HELLO)

    assert receipt.delivered, receipt
    assert (server.mails[0].tls, server.mails[0].login) == (False, "ops")


# Where it may connect


def test_private_servers_need_permission(post: Post) -> None:
    """By default a loopback server is refused, nothing is connected, and the field is named."""
    with post.server() as server:
        receipt = post.email(server, allow_private=False).send(HELLO)

    assert (receipt.status, receipt.attempts, server.connections) == ("refused", 0, 0)
    assert "allow_private" in receipt.detail


@pytest.mark.parametrize("host", ["169.254.169.254", "fd00:ec2::254"])
def test_metadata_services_are_never_reached(post: Post, host: str) -> None:
    """Not even with permission for private networks."""
    with post.server() as server:
        receipt = post.email(server, host=host, port=25).send(HELLO)

    assert (receipt.status, receipt.attempts) == ("refused", 0)


# What the server says at each stage


@pytest.mark.parametrize("stage", [*BEFORE_THE_END, "end"])
def test_refused_for_good(post: Post, waits: list[float], stage: str) -> None:
    """An answer 5xx at any stage is a refusal: no other attempt, and the answer is told."""
    receipt, server = post.send({stage: ["554 5.7.1 we do not want this"]})

    assert (receipt.status, receipt.attempts, waits) == ("refused", 1, [])
    assert "554 5.7.1 we do not want this" in receipt.detail
    assert not server.mails


@pytest.mark.parametrize("answer", ["451 4.3.0 try again later", "421 4.3.2 closing", DROP])
@pytest.mark.parametrize("stage", BEFORE_THE_END)
def test_not_yet_is_tried_again(post: Post, waits: list[float], stage: str, answer: str) -> None:
    """After 4xx, or a connection that broke, at any stage the second attempt delivers, once."""
    receipt, server = post.send({stage: [answer, ""]})

    assert (receipt.status, receipt.attempts, len(waits)) == ("delivered", 2, 1), receipt
    assert (len(server.mails), server.connections) == (1, 2)


def test_not_yet_after_the_message_is_tried_again(post: Post, waits: list[float]) -> None:
    """A 4xx at the end says that the message was not taken; it is sent again, the same."""
    receipt, server = post.send({"end": ["451 4.3.0 try again later", ""]})

    assert (receipt.status, receipt.attempts) == ("delivered", 2)
    (first,), (second,) = server.refused, server.mails
    assert first.content == second.content
    assert second.message["Message-ID"] == receipt.message_id


def test_connection_that_breaks_within_the_message(post: Post, waits: list[float]) -> None:
    """What did not come whole was not taken, and is sent again."""
    attachment = Attachment("big.bin", bytes(4 * 1024 * 1024))
    with post.server(faults={"content": [DROP, ""]}) as server:
        receipt = post.email(server).send(Notification("big", attachments=(attachment,)))

    assert (receipt.status, receipt.attempts, len(server.mails)) == ("delivered", 2, 1), receipt


@pytest.mark.parametrize("fault", [DROP, SILENT])
def test_lost_answer_to_the_message(post: Post, waits: list[float], fault: str) -> None:
    """Without an answer to the whole message it may have arrived: said so, and not sent again."""
    receipt, server = post.send({"end": [fault]}, timeout_seconds=1)

    assert (receipt.status, receipt.attempts, waits) == ("failed", 1, [])
    assert "may have arrived" in receipt.detail
    assert len(server.refused) == 1


@pytest.mark.parametrize("answer", ["nonsense", "999 what", "354 go on"])
def test_unclear_answer_to_the_message(post: Post, waits: list[float], answer: str) -> None:
    """Neither yes nor no to the whole message: it may have arrived, and is not sent again."""
    receipt, _ = post.send({"end": [answer]})

    assert (receipt.status, receipt.attempts, waits) == ("failed", 1, [])
    assert "may have arrived" in receipt.detail


def test_only_the_first_digit_counts(post: Post) -> None:
    """Any 2xx is a yes, as RFC 5321 (4.3.2) wants it read."""
    receipt, _ = post.send({"end": ["252 fine"]})

    assert (receipt.status, receipt.detail) == ("delivered", "252 fine")


@pytest.mark.parametrize("stage", [*BEFORE_THE_END, "end"])
def test_silent_server_is_given_up(post: Post, stage: str) -> None:
    """Wherever it stops answering, the time of the attempt counts."""
    receipt, server = post.send({stage: [SILENT]}, timeout_seconds=0.5, retry_seconds=0)

    assert receipt.status == "failed"
    assert "time-out" in receipt.detail
    assert receipt.seconds < 2
    assert not server.mails


def test_slow_answers_do_not_prolong_the_time(post: Post) -> None:
    """A server that sends a line now and then is given up all the same."""
    receipt, _ = post.send({"connect": [DRIP]}, retry_seconds=0, timeout_seconds=0.5)

    assert receipt.status == "failed"
    assert receipt.seconds < 2


@pytest.mark.parametrize("greeting", ["HTTP/1.1 400 Bad Request", "", "x" * 9000])
def test_what_is_no_mail_server(post: Post, greeting: str) -> None:
    """Something else that answers is told apart from a server that is down."""
    receipt, _ = post.send({"connect": [greeting + "\nSSH-2.0-x"]}, retry_seconds=0)

    assert receipt.status == "failed"
    assert "did not answer with SMTP" in receipt.detail


def test_endless_answer_is_broken_off(post: Post) -> None:
    """What a server may say is limited."""
    receipt, _ = post.send({"ehlo": ["\n".join(["250-" + "x" * 900] * 1300)]}, retry_seconds=0)

    assert receipt.status == "failed"
    assert "did not answer with SMTP" in receipt.detail


def test_goodbye_is_not_waited_for(post: Post) -> None:
    """A server that does not answer QUIT has taken the message all the same."""
    receipt, server = post.send({"quit": [SILENT]})

    assert (receipt.status, len(server.mails)) == ("delivered", 1)
    assert receipt.seconds < 3


def test_receipt_tells_what_the_server_calls_it(post: Post) -> None:
    """For who looks for a message in the server's log."""
    receipt, _ = post.send()

    assert receipt.detail == "250 2.0.0 Ok: queued as 1"


# Several recipients


def test_partial_refusal_is_no_delivery(post: Post, waits: list[float]) -> None:
    """One of three refused: the receipt says who, why, and that the others got it."""
    receipt, server = post.send({"rcpt b@example.com": ["550 5.1.1 no such user"]}, to=THREE)

    assert (receipt.status, receipt.attempts) == ("refused", 1)
    assert "2 of 3 recipients got it" in receipt.detail
    assert "b@example.com (550 5.1.1 no such user)" in receipt.detail
    assert [mail.recipients for mail in server.mails] == [("a@example.com", "c@example.com")]


def test_recipient_that_waits_is_sent_to_alone(post: Post, waits: list[float]) -> None:
    """One of three not yet: the second attempt is for that one only, so nobody gets it twice."""
    receipt, server = post.send({"rcpt b@example.com": ["450 4.2.0 greylisted", ""]}, to=THREE)

    assert (receipt.status, receipt.attempts) == ("delivered", 2)
    assert [mail.recipients for mail in server.mails] == [
        ("a@example.com", "c@example.com"),
        ("b@example.com",),
    ]
    assert len({mail.message["Message-ID"] for mail in server.mails}) == 1


def test_recipient_that_never_gets_it(post: Post, waits: list[float]) -> None:
    """One that is put off for ever, and one that is refused: both are told of, the third got it."""
    faults = {
        "rcpt a@example.com": ["550 5.1.1 no such user"],
        "rcpt b@example.com": ["452 4.2.2 mailbox full"],
    }
    receipt, server = post.send(faults, to=THREE)

    assert (receipt.status, receipt.attempts) == ("failed", 6)
    assert "1 of 3 recipients got it" in receipt.detail
    assert "a@example.com (550 5.1.1 no such user)" in receipt.detail
    assert "b@example.com (452 4.2.2 mailbox full)" in receipt.detail
    assert [mail.recipients for mail in server.mails] == [("c@example.com",)]


def test_server_that_takes_few_at_once(post: Post, waits: list[float]) -> None:
    """Those beyond a server's limit (452) get it in the next transaction (RFC 5321, 4.5.3.1)."""
    faults = {"rcpt": ["", "", "452 4.5.3 too many recipients", ""]}
    receipt, server = post.send(faults, to=THREE)

    assert (receipt.status, receipt.attempts) == ("delivered", 2)
    assert [len(mail.recipients) for mail in server.mails] == [2, 1]


def test_nobody_taken_sends_nothing(post: Post) -> None:
    """When all are refused, the message itself is not sent."""
    receipt, server = post.send({"rcpt": ["550 5.1.1 no such user"]}, to=THREE)

    assert receipt.status == "refused"
    assert "DATA" not in server.commands


def test_failure_after_some_got_it(post: Post, waits: list[float]) -> None:
    """What is told of a second attempt that fails says who got it in the first."""
    faults = {"rcpt b@example.com": ["450 4.2.0 later", ""], "mail": ["", "554 5.7.1 no more"]}
    receipt, _ = post.send(faults, to=THREE)

    assert (receipt.status, receipt.attempts) == ("refused", 2)
    assert "2 of 3 recipients got it" in receipt.detail
    assert "554 5.7.1 no more" in receipt.detail


def test_everybody_gets_it_once(post: Post) -> None:
    """To, cc and bcc are recipients; who is named twice gets it once; bcc shows nowhere."""
    _, server = post.send(
        to=["a@example.com"], cc=["b@example.com", "A <a@example.com>"], bcc=["hidden@example.com"]
    )

    (mail,) = server.mails
    assert mail.recipients == ("a@example.com", "b@example.com", "hidden@example.com")
    assert b"hidden" not in mail.content


# What servers can do


def test_size_is_known_before_sending(post: Post, waits: list[float]) -> None:
    """A message above the server's limit is refused before it is begun, with both sizes."""
    with post.server(max_size=20_000) as server:
        attachment = Attachment("big.bin", bytes(20_000))
        receipt = post.email(server).send(Notification("big", attachments=(attachment,)))
        assert post.email(server).send(HELLO).delivered

    assert (receipt.status, waits) == ("refused", [])
    assert "takes 20,000" in receipt.detail
    assert "MAIL" not in "".join(server.commands[:3])
    assert f"SIZE={len(server.mails[0].content)}" in "".join(server.commands)


def test_international_address_needs_the_server(post: Post) -> None:
    """A name that is not ASCII is sent by SMTPUTF8; a server without it refuses, by address."""
    fields: dict[str, Any] = {"to": ["J\u00f6rg <j\u00f6rg@example.com>"]}
    with post.server(smtputf8=True) as server:
        assert post.email(server, **fields).send(HELLO).delivered
    (mail,) = server.mails
    assert mail.recipients == ("j\u00f6rg@example.com",)
    assert "SMTPUTF8" in "".join(server.commands)
    assert "<j\u00f6rg@example.com>".encode() in mail.content

    receipt, server = post.send(**fields)
    assert receipt.status == "refused"
    assert "j\u00f6rg@example.com" in receipt.detail


def test_international_domain_goes_everywhere(post: Post) -> None:
    """A domain that is not ASCII is sent in its ASCII form, to any server."""
    receipt, server = post.send(to=["ops@b\u00fccher.example"])

    assert receipt.delivered
    assert server.mails[0].recipients == ("ops@xn--bcher-kva.example",)
    assert server.mails[0].message["To"] == "ops@xn--bcher-kva.example"


def test_greets_with_the_name_it_is_given(post: Post) -> None:
    """Some relays want a name; without one the own address is used, and no DNS asked."""
    for name, said in (
        ("jobs.example.com", "jobs.example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("192.0.2.7", "[192.0.2.7]"),
        ("2001:db8::7", "[IPv6:2001:db8::7]"),
        (None, "[127.0.0.1]"),
    ):
        receipt, server = post.send(ehlo_name=name)
        assert receipt.delivered, receipt
        assert server.commands[0] == f"EHLO {said}"


@pytest.mark.parametrize(
    "body",
    [
        ".",
        "..\n.\n...\n.x",
        "x\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<a@example.com>\r\nDATA\r\n",
        "x\n.\nMAIL FROM:<evil@example.com>",
        "x\r.\rMAIL FROM:<evil@example.com>",
        "x\r\n.\n",
        "x\n.\r\nQUIT\r\n",
    ],
)
def test_a_line_with_a_dot_ends_nothing(post: Post, body: str) -> None:
    """Dots at the start of lines arrive; none of them ends the message, or begins another one."""
    attached = Attachment("lines.txt", body.encode(), "text/plain")
    with post.server() as server:
        receipt = post.email(server).send(Notification("dots", body, attachments=(attached,)))

    assert receipt.delivered, receipt
    (mail,) = server.mails
    assert not any("evil" in line for line in server.commands)
    text = mail.message.get_body(("plain",))
    assert text is not None
    lines = body.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    assert lines in text.get_content().replace("\r\n", "\n")
    (got,) = mail.message.iter_attachments()
    assert got.get_content().encode() == body.encode()
    assert b"\n" not in mail.content.replace(b"\r\n", b"")
    assert b"\r" not in mail.content.replace(b"\r\n", b"")


def test_large_messages_arrive_whole(post: Post) -> None:
    """Some MiB of any bytes, and a body of the largest size, come back as they were."""
    data = bytes(range(256)) * 20_000
    body = "\n".join(f"line {number} \u20ac" for number in range(3_500))
    with post.server() as server:
        note = Notification("large", body, attachments=(Attachment("all.bin", data),))
        assert post.email(server).send(note).delivered

    (attached,) = server.mails[0].message.iter_attachments()
    assert attached.get_content() == data
    text = server.mails[0].message.get_body(("plain",))
    assert text is not None
    assert body in text.get_content().replace("\r\n", "\n")


# Stopping


def when_connected(server: MailServer, act: Callable[[], object]) -> threading.Thread:
    """Do something as soon as somebody has connected."""

    def wait() -> None:
        end = time.monotonic() + 10
        while not server.commands and time.monotonic() < end:
            threading.Event().wait(0.005)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.parametrize("stage", ["ehlo", "starttls", "rcpt", "end"])
def test_cancelling_stops_it(post: Post, stage: str) -> None:
    """While it waits for a server, cancelling the scope around ends it at once."""
    with post.server(faults={stage: [SILENT]}) as server, Scope() as scope:
        email = post.email(server, timeout_seconds=60)
        thread = when_connected(server, scope.cancel)
        receipt = email.send(HELLO)
        thread.join()

    assert (receipt.status, receipt.attempts) == ("failed", 1)
    assert "cancelled" in receipt.detail
    assert receipt.seconds < 5


def test_interrupting_stops_it(post: Post) -> None:
    """Ctrl-C is not held up by a silent server, and is no receipt."""
    main = threading.main_thread().ident
    assert main is not None
    with post.server(faults={"ehlo": [SILENT]}) as server:
        email = post.email(server, timeout_seconds=60)
        thread = when_connected(server, lambda: signal.pthread_kill(main, signal.SIGINT))
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            email.send(HELLO)
        thread.join()

    assert time.monotonic() - started < 5


def test_time_of_the_task_around_counts(post: Post) -> None:
    """With half a second left, a silent server is given up after it."""
    with post.server(faults={"mail": [SILENT]}) as server, Scope(seconds=0.5):
        receipt = post.email(server, timeout_seconds=60).send(HELLO)

    assert receipt.status == "failed"
    assert receipt.seconds < 3
