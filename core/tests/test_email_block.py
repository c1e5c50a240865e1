"""``email`` as a block: which fields fit together, what its check finds, and what never shows."""

import subprocess
import sys
import time
from typing import Any

import pytest

from brickwork import Email, InvalidBlock, Notification, Overflow, Secret, Vault, notify
from brickwork.testing.leaks import Channel, Channels
from brickwork.testing.loopback import LoopbackAuthority
from brickwork.testing.mail import DROP, SILENT, MailServer

channels = Channels()

USUAL: dict[str, Any] = {
    "host": "mail.example.com",
    "sender": "ops@example.com",
    "to": ["on-call@example.com"],
}


@pytest.fixture(scope="module")
def authority() -> LoopbackAuthority:
    """An authority that the blocks trust."""
    return LoopbackAuthority()


def for_server(server: MailServer, authority: LoopbackAuthority, **fields: Any) -> Email:
    """Return a block for a server on loopback."""
    loopback = {"host": "127.0.0.1", "port": server.port, "allow_private": True}
    return Email(**{**USUAL, **loopback, "ca_certificates": authority.pem, **fields})


# Fields


@pytest.mark.parametrize(
    ("fields", "port"),
    [
        ({}, 587),
        ({"security": "tls"}, 465),
        ({"security": "none", "allow_unencrypted": True}, 25),
        ({"port": 2525}, 2525),
    ],
)
def test_port_follows_security(fields: dict[str, Any], port: int) -> None:
    """What the port is where it is left out."""
    assert Email(**USUAL, **fields).server_port == port


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"to": []}, "nobody would get it"),
        ({"to": ["not an address"]}, r"to\[0\]: .*not one address"),
        ({"to": ["a@example.com, b@example.com"]}, "given as a list"),
        ({"sender": "ops@example.com\r\nBcc: x@example.com"}, "sender: "),
        ({"reply_to": ["x@"]}, r"reply_to\[0\]: "),
        ({"host": "mail.example.com:587"}, "host: "),
        ({"host": "https://mail.example.com"}, "host: "),
        ({"host": "2130706433"}, "host: "),
        ({"host": "mail example"}, "host: "),
        ({"host": ""}, "host: "),
        ({"port": 0}, "port: "),
        ({"ehlo_name": "a b"}, "ehlo_name: "),
        ({"subject_prefix": "a\nb"}, "subject_prefix: "),
        ({"username": "ops"}, "username and password belong together"),
        ({"password": "5c81f7d2"}, "username and password belong together"),
        ({"username": "ops", "password": "5c81f7d2\n"}, "line breaks"),
        ({"username": "o\x00ps", "password": "5c81f7d2"}, "username: "),
        ({"security": "none"}, "allow_unencrypted"),
        (
            {
                "security": "none",
                "allow_unencrypted": True,
                "username": "ops",
                "password": "5c81f7d2",
            },
            "allow_unencrypted_password",
        ),
        ({"timeout_seconds": 0}, "timeout_seconds: "),
    ],
)
def test_fields_that_do_not_fit(fields: dict[str, Any], says: str) -> None:
    """What could not work, or would be unsafe, is refused when the block is made, by field."""
    with pytest.raises(InvalidBlock, match=says) as caught:
        Email(**{**USUAL, **fields})
    assert "5c81f7d2" not in str(caught.value)


def test_servers_on_ipv6_and_with_names_of_other_scripts() -> None:
    """An IPv6 address needs no brackets, and a name may be in any script."""
    assert Email(**{**USUAL, "host": "2001:db8::25"}).describe() == "email:2001:db8::25"
    assert Email(**{**USUAL, "host": "b\u00fccher.example"}).server_port == 587


@pytest.mark.usefixtures("memory_vault")
def test_a_saved_one_is_a_target(authority: LoopbackAuthority) -> None:
    """Saved, it is named by its address, and `notify` finds it."""
    with MailServer(tls=authority.server_context("127.0.0.1")) as server:
        for_server(server, authority).save("ops")
        (receipt,) = notify("email/ops", title="hello", severity="error")

    assert (receipt.target, receipt.status) == ("email/ops", "delivered")
    assert server.mails[0].message["Subject"] == "hello"


def test_long_texts_go_where_the_field_says(authority: LoopbackAuthority) -> None:
    """A body that is too long is cut, sent in several mails, or attached."""
    body = "x" * 60_000
    mails = {}
    for overflow in Overflow:
        with MailServer(tls=authority.server_context("127.0.0.1")) as server:
            email = for_server(server, authority, overflow=overflow)
            assert email.send(Notification("long", body)).delivered
            mails[overflow] = server.mails

    assert [len(mails[each]) for each in Overflow] == [1, 2, 1]
    assert mails[Overflow.SPLIT][1].message["Subject"] == "long (2/2)"
    (attached,) = mails[Overflow.ATTACH][0].message.iter_attachments()
    assert attached.get_content() == body


# The check


def findings(email: Email) -> dict[str, tuple[str, str]]:
    """Return status and text of what a check found, by what it looked at."""
    found = email.check().findings
    return {each.what: (each.status, f"{each.detail} {each.fix}") for each in found}


def test_check_tells_how_far_it_got(authority: LoopbackAuthority) -> None:
    """Connection, TLS with the end of the certificate, login, and size; nothing is sent."""
    tls = authority.server_context("127.0.0.1")
    with MailServer(tls=tls, users={"ops": "5c81f7d2"}, max_size=1_000_000) as server:
        found = findings(for_server(server, authority, username="ops", password="5c81f7d2"))

    tomorrow = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 24 * 3600))
    assert found["connection"] == ("ok", f"smtp://127.0.0.1:{server.port} ")
    assert found["TLS"][0] == "warning"  # it ends tomorrow
    assert f"TLSv1.3, certificate until {tomorrow}" in found["TLS"][1]
    assert found["login"] == ("ok", "as ops ")
    assert found["message size"] == ("ok", "up to 1,000,000 bytes ")
    assert found["sender and recipients"][0] == "skipped"
    assert [line.partition(" ")[0] for line in server.commands] == [
        *("EHLO", "STARTTLS", "EHLO", "QUIT")
    ]


def test_check_without_a_login(authority: LoopbackAuthority) -> None:
    """Without a user name it says that it did not log in."""
    with MailServer(tls=authority.server_context("127.0.0.1")) as server:
        report = for_server(server, authority).check()

    assert report.ok
    assert [each.status for each in report.findings if each.what == "login"] == ["skipped"]


def test_check_warns_of_no_tls(authority: LoopbackAuthority) -> None:
    """What is allowed is not therefore good."""
    with MailServer() as server:
        found = findings(for_server(server, authority, security="none", allow_unencrypted=True))

    assert found["TLS"][0] == "warning"
    assert "anybody" in found["TLS"][1]


def test_check_of_bad_credentials(authority: LoopbackAuthority) -> None:
    """The server is there and trusted; only the login fails, and the fix names the fields."""
    tls = authority.server_context("127.0.0.1")
    with MailServer(tls=tls, users={"ops": "right-91ae53"}) as server:
        found = findings(for_server(server, authority, username="ops", password="wrong-91ae53"))

    assert [found["connection"][0], found["login"][0]] == ["ok", "failed"]
    assert "Check username and password" in found["login"][1]
    assert "wrong-91ae53" not in str(found)


def test_check_of_a_server_that_is_not_there(authority: LoopbackAuthority) -> None:
    """Nothing listens: the connection fails, and nothing else is claimed."""
    with MailServer() as server:
        pass
    found = findings(for_server(server, authority))

    assert list(found) == ["connection"]
    assert found["connection"][0] == "failed"
    assert "Check host and port" in found["connection"][1]


def test_check_of_a_private_server(authority: LoopbackAuthority) -> None:
    """The outbound policy is told apart from a server that is down."""
    with MailServer() as server:
        found = findings(for_server(server, authority, allow_private=False))

    assert list(found) == ["connection"]
    assert "allow_private" in found["connection"][1]


def test_check_of_an_untrusted_certificate(authority: LoopbackAuthority) -> None:
    """The server is there; its certificate is not trusted, and the fix names the field."""
    with MailServer(tls=LoopbackAuthority().server_context("127.0.0.1")) as server:
        found = findings(for_server(server, authority))

    assert [found["connection"][0], found["TLS"][0]] == ["ok", "failed"]
    assert "not trusted" in found["TLS"][1]
    assert "ca_certificates" in found["TLS"][1]


@pytest.mark.parametrize("stage", ["connect", "ehlo", "starttls"])
@pytest.mark.parametrize("fault", [SILENT, DROP, "554 5.3.2 go away", "421 4.3.2 later"])
def test_check_is_bounded_and_never_raises(
    authority: LoopbackAuthority, stage: str, fault: str
) -> None:
    """Whatever the server does, the check ends in time with what failed."""
    tls = authority.server_context("127.0.0.1")
    started = time.monotonic()
    with MailServer(tls=tls, faults={stage: [fault]}) as server:
        report = for_server(server, authority, timeout_seconds=0.4).check()

    assert time.monotonic() - started < 3
    assert not report.ok
    assert all(each.fix for each in report.findings if each.status == "failed")


@pytest.mark.parametrize(
    ("security", "port", "says"),
    [("tls", 587, 'security "starttls"'), ("starttls", 465, 'security "tls"')],
)
def test_usual_mixup_of_ports_is_explained(
    authority: LoopbackAuthority,
    monkeypatch: pytest.MonkeyPatch,
    security: str,
    port: int,
    says: str,
) -> None:
    """TLS at once on 587, or STARTTLS on 465, ends with the setting that is meant."""
    from brickwork.builtin.outbound import transport

    tls = authority.server_context("127.0.0.1")
    with MailServer(tls=tls, implicit=security == "starttls") as server:
        usual = transport._connect_tcp
        monkeypatch.setattr(
            transport,
            "_connect_tcp",
            lambda target, *rest: usual(type(target)("smtp", "127.0.0.1", server.port, ""), *rest),
        )
        email = for_server(server, authority, security=security, port=port, timeout_seconds=0.5)
        failed = [each for each in email.check().findings if each.status == "failed"]

    assert [says in each.fix for each in failed] == [True]


# What must not show, and what must not be imported


def echoing(text: str, stage: str) -> str:
    """Return all that shows when a server quotes a password at a stage."""
    from base64 import b64encode

    secret = Secret(text)
    one_line = " ".join(text.split())
    quoted = f"535 {one_line} {b64encode(text.encode()).decode()}"
    authority = LoopbackAuthority()
    tls = authority.server_context("127.0.0.1")
    with MailServer(tls=tls, faults={stage: [quoted]}) as server:
        email = for_server(
            server, authority, username="ops", password=secret, timeout_seconds=2, retry_seconds=0
        )
        receipt = email.send(Notification("hello"))
        return f"{email!r} {email} {receipt!r} {email.check()!r}"


def password_of(text: str) -> str:
    """Return a text as a password can be: of one line."""
    return "".join(letter if letter.isprintable() else "~" for letter in text)


@channels.add()
def refused_login(text: str) -> str:
    """A server that quotes the password where it refuses it."""
    return echoing(password_of(text), "auth")


@channels.add()
def refused_mail(text: str) -> str:
    """A server that quotes the password later."""
    return echoing(password_of(text), "mail")


@channels.add(carries=True)
def received_mail(text: str) -> bytes:
    """All that arrives, where every part of a message has a secret."""
    authority = LoopbackAuthority()
    with MailServer(tls=authority.server_context("127.0.0.1")) as server:
        (receipt,) = notify(
            for_server(server, authority),
            title=f"title {text}",
            body=f"body {text}",
            fields={f"name {text}": f"value {text}"},
            url=f"https://example.com/{text}",
            thread_key=f"thread {text}",
            tags=[text],
            links={text: f"https://example.com/{text}"},
            html=f"<p>{text}</p>",
        )
        assert receipt.delivered, receipt
    return server.mails[0].content + server.mails[0].text.encode() + repr(receipt).encode()


@pytest.mark.parametrize("channel", channels, ids=str)
def test_no_sentinel_shows(channel: Channel) -> None:
    """Neither the password nor a secret in a notification leaves the process in clear."""
    channel.check()


def test_block_costs_no_mail_modules(memory_vault: Vault) -> None:
    """Making and looking at a block imports neither smtplib nor ssl."""
    code = """
import sys
from brickwork import Email
email = Email(host="mail.example.com", sender="a@example.com", to=["b@example.com"])
email.describe(), email.limits(), repr(email)
print([name for name in ("smtplib", "ssl", "email.policy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
