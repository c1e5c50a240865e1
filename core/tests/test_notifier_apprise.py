"""``apprise``: what it refuses, what Apprise's answers mean, and what never shows."""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import (
    Attachment,
    InvalidBlock,
    Notification,
    NotifierError,
    Overflow,
    Receipt,
    Secret,
    Severity,
    Vault,
    notify,
    open_notifier,
)
from brickwork.builtin.notifiers import attempts
from brickwork.builtin.notifiers.apprise.block import AppriseTarget
from brickwork.builtin.notifiers.apprise.service import (
    GENERIC,
    LOCAL,
    UNCONFIRMED,
    Service,
    library,
)
from brickwork.notifier import DeliveryStatus, fitted
from brickwork.testing.leaks import leaks
from brickwork.testing.loopback import LoopbackServer, Peer, Request, Serve, reply

TOKEN = "T0-gotify-token-51f3"


def gotify(server: LoopbackServer, query: str = "", **fields: Any) -> AppriseTarget:
    """Make a target of Gotify on loopback."""
    url = f"gotify://127.0.0.1:{server.port}/inner/{TOKEN}{query}"
    return AppriseTarget(url=url, **{"timeout_seconds": 5, "retry_seconds": 0, **fields})


def send(serve: Serve, query: str = "", **fields: Any) -> tuple[Receipt, list[Request]]:
    """Send one notification to a service that behaves like this."""
    with LoopbackServer(serve) as server:
        receipt = gotify(server, query, **fields).send(Notification("hello", "there"))
        return receipt, list(server.requests)


# What the answers mean


def test_what_is_sent() -> None:
    """Apprise's own plugin sends: title, body with all else in it, the token in its header."""
    with LoopbackServer(reply(200)) as server:
        receipt = gotify(server).send(
            Notification(
                "Load failed",
                "3 of <40>\nfiles",
                severity=Severity.ERROR,
                fields={"run": "1742"},
                url="https://example.com/1742",
                links={"Runbook": "https://example.com/runbook"},
                tags=frozenset({"etl", "db"}),
            )
        )
    (request,) = server.requests
    assert receipt.delivered
    assert (receipt.attempts, receipt.target, receipt.detail) == (1, "apprise+gotify:", "")
    assert request.line.startswith("POST /inner/message ")
    assert request.headers["x-gotify-key"] == TOKEN
    assert json.loads(request.body) == {
        "priority": 5,
        "title": "[ERROR] Load failed",
        "message": "3 of <40>\nfiles\nhttps://example.com/1742\nRunbook: https://example.com/runbook"
        "\nrun: 1742\nTags: db, etl",
    }


@pytest.mark.parametrize(
    ("severity", "kind", "title"),
    [
        (Severity.INFO, "info", "t"),
        (Severity.SUCCESS, "success", "t"),
        (Severity.WARNING, "warning", "[WARNING] t"),
        (Severity.ERROR, "failure", "[ERROR] t"),
        (Severity.CRITICAL, "failure", "[CRITICAL] t"),
    ],
)
def test_severities(severity: Severity, kind: str, title: str) -> None:
    """Each severity is a type of Apprise, and what is wrong is in the title."""
    with LoopbackServer(reply(200)) as server:
        target = AppriseTarget(url=f"json://127.0.0.1:{server.port}/x", allow_local=True)
        assert target.send(Notification("t", "b", severity=severity)).delivered
    sent = json.loads(server.requests[0].body)
    assert (sent["type"], sent["title"]) == (kind, title)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (301, DeliveryStatus.REFUSED),
        (400, DeliveryStatus.REFUSED),
        (401, DeliveryStatus.REFUSED),
        (404, DeliveryStatus.REFUSED),
        (408, DeliveryStatus.FAILED),
        (429, DeliveryStatus.FAILED),
        (500, DeliveryStatus.FAILED),
        (503, DeliveryStatus.FAILED),
    ],
)
def test_statuses_are_read_from_what_apprise_logs(status: int, outcome: DeliveryStatus) -> None:
    """A receipt has the status of the answer, and says whether it may be taken later."""
    receipt, requests = send(reply(status, headers={"Location": "/elsewhere"}))
    assert (receipt.status, receipt.http_status) == (outcome, status)
    assert f"error={status}" in receipt.detail
    assert len(requests) == receipt.attempts == 1


@pytest.mark.parametrize("status", [429, 503])
def test_what_was_not_taken_is_sent_again(status: int, waits: list[float]) -> None:
    """One recipient that asks to try later gets it later, once."""
    answers = iter([reply(status), reply(status), reply(200)])
    receipt, requests = send(lambda peer, request: next(answers)(peer, request), retry_seconds=60)
    assert (receipt.status, receipt.attempts) == (DeliveryStatus.DELIVERED, 3)
    assert (len(requests), len(waits)) == (3, 2)


@pytest.mark.parametrize("status", [404, 500])
def test_what_may_have_been_taken_is_not_sent_again(status: int, waits: list[float]) -> None:
    """After an answer that leaves it open, and after a refusal, nothing is sent."""
    _, requests = send(reply(status), retry_seconds=60)
    assert (len(requests), waits) == (1, [])


def test_a_connection_that_breaks_is_not_tried_again(waits: list[float]) -> None:
    """Without an answer it may have been taken."""
    receipt, requests = send(lambda peer, _: peer.reset(), retry_seconds=60)
    assert (receipt.status, receipt.http_status, len(requests)) == (DeliveryStatus.FAILED, None, 1)
    assert "onnection error" in receipt.detail


def test_nobody_listening_is_tried_again(waits: list[float]) -> None:
    """Without a connection nothing was taken."""
    with LoopbackServer(reply(200)) as server:
        target = gotify(server, retry_seconds=60)
    receipt = target.send(Notification("hello"))
    assert (receipt.status, receipt.attempts) == (DeliveryStatus.FAILED, attempts.MAX_ATTEMPTS)


def test_options_of_the_url_do_not_hide_a_failure(waits: list[float]) -> None:
    """``optional``, ``retry`` and ``wait`` in a URL neither hide nor repeat what failed."""
    receipt, requests = send(reply(404), "?optional=yes&retry=3&wait=0&redirect=no&overflow=split")
    assert (receipt.status, len(requests)) == (DeliveryStatus.REFUSED, 1)


@pytest.fixture
def two_topics(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ntfy sends to each of several topics, one after another."""
    library()
    from apprise.plugins.ntfy import NotifyNtfy

    monkeypatch.setattr(NotifyNtfy, "request_rate_per_sec", 0)
    return NotifyNtfy


def test_one_of_two_recipients_is_not_sent_to_again(two_topics: object, waits: list[float]) -> None:
    """Where one got it and another not, that is no delivery, and no reason to send to both."""
    answers = iter([reply(200, b"{}"), reply(503)])
    with LoopbackServer(lambda peer, request: next(answers)(peer, request)) as server:
        target = AppriseTarget(url=f"ntfy://127.0.0.1:{server.port}/topic-one/topic-two")
        receipt = target.send(Notification("hello"))
    assert receipt.status is DeliveryStatus.FAILED
    assert receipt.detail.startswith("not all of it was taken: ")
    assert (len(server.requests), waits) == (2, [])


def test_no_request_begins_when_the_time_is_up(
    two_topics: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apprise's pauses between requests do not go on behind a receipt that says failed."""
    monkeypatch.setattr(two_topics, "request_rate_per_sec", 0.6)
    with LoopbackServer(reply(200, b"{}")) as server:
        url = f"ntfy://127.0.0.1:{server.port}/topic-one/topic-two"
        receipt = AppriseTarget(url=url, timeout_seconds=0.4).send(Notification("hello"))
        assert receipt.seconds < 2
        _wait_for_threads()
    assert receipt.status is DeliveryStatus.FAILED
    assert "did not end within 0.4 s" in receipt.detail
    assert len(server.requests) == 1


def test_a_service_that_drips_is_given_up() -> None:
    """An answer that comes byte by byte does not outlive the time of an attempt."""

    def drip(peer: Peer, request: Request) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not peer.pause(0.05):
            peer.send(b"x")

    started = time.monotonic()
    with LoopbackServer(drip) as server:
        receipt = gotify(server, timeout_seconds=0.4).send(Notification("hello"))
        assert time.monotonic() - started < 4
    assert (receipt.status, receipt.attempts) == (DeliveryStatus.FAILED, 1)
    assert "may have taken it" in receipt.detail
    _wait_for_threads()


def _wait_for_threads() -> None:
    import threading

    for thread in threading.enumerate():
        if thread.name == "brickwork-apprise":
            thread.join(10)
            assert not thread.is_alive()


def test_a_fault_of_a_service_is_a_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a service of Apprise raises is named, without its text."""
    library()
    from apprise.plugins.gotify import NotifyGotify

    def broken(*_: object, **__: object) -> bool:
        raise KeyError(TOKEN)

    monkeypatch.setattr(NotifyGotify, "send", broken)
    receipt = AppriseTarget(url=f"gotify://127.0.0.1:9/{TOKEN}").send(Notification("hello"))
    assert (receipt.status, receipt.detail) == (
        DeliveryStatus.FAILED,
        "KeyError in Apprise's Gotify",
    )


# What it takes


@pytest.mark.parametrize(
    ("url", "title", "whole", "files"),
    [
        ("tgram://123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/1234", None, 4096, True),
        ("ntfy://host/topic", 189, 7800, True),
        ("gotify://host/token", 239, 32768, False),
        ("pover://" + "u" * 30 + "@" + "t" * 30, 239, 1024, True),
    ],
)
def test_limits_are_those_of_apprise(url: str, title: int | None, whole: int, files: bool) -> None:
    """Title, length and files are what Apprise knows of each service, less what is added."""
    limits = AppriseTarget(url=url, overflow=Overflow.SPLIT).limits()
    assert (limits.title, bool(limits.attachments)) == (title, files)
    room = limits.body or limits.total
    assert room is not None
    assert whole - 130 < room < whole
    assert limits.overflow is Overflow.SPLIT


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(
        [
            "tgram://123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/1234",
            "ntfy://host/topic",
            "pover://" + "u" * 30 + "@" + "t" * 30,
            "d7sms://token@15551234567",
        ]
    ),
    st.text("ab<&> \n_*é", min_size=1, max_size=300),
    st.integers(1, 100),
    st.sampled_from(list(Overflow)),
    st.frozensets(st.text("abc<", min_size=1, max_size=80), max_size=4),
)
def test_every_message_fits_what_apprise_would_cut(
    url: str, text: str, times: int, overflow: Overflow, tags: frozenset[str]
) -> None:
    """Apprise makes one piece of each message, in the service's format: it cuts and splits none."""
    target = AppriseTarget(url=url, overflow=overflow)
    title = text if text.strip() else "t"
    notification = Notification(title, text * times, severity=Severity.CRITICAL, tags=tags)
    plugin = Service(url, allow_local=False)._plugin
    pieces = 0
    for message in fitted(notification, target.limits()):
        title, body = Service(url, allow_local=False)._texts(message)
        if not body.strip():
            continue  # Apprise refuses it
        calls = list(
            plugin._build_send_calls(
                body=body, title=title, body_format="text", overflow="split", notify_type="info"
            )
        )
        assert len(calls) == 1, (len(body), len(title), [len(each["body"]) for each in calls])
        pieces += 1
    assert pieces or not text.strip()


def test_files_arrive_whatever_their_type() -> None:
    """A type that Apprise does not know becomes the general one."""
    files = (
        Attachment("a.txt", b"text", "text/plain; charset=utf-8"),
        Attachment("b.bin", bytes(range(256)), "application/x-no-such-type"),
    )
    with LoopbackServer(reply(200)) as server:
        target = AppriseTarget(url=f"json://127.0.0.1:{server.port}/x", allow_local=True)
        assert target.send(Notification("t", "b", attachments=files)).delivered
    sent = json.loads(server.requests[0].body)["attachments"]
    assert [(each["filename"], each["mimetype"]) for each in sent] == [
        ("a.txt", "text/plain"),
        ("b.bin", "application/octet-stream"),
    ]


# What is refused


@pytest.mark.parametrize("scheme", sorted(LOCAL | GENERIC))
def test_services_of_this_machine_and_generic_ones_are_opt_in(scheme: str) -> None:
    """They are refused when the block is made, with what to use instead; a field allows them."""
    with pytest.raises(InvalidBlock, match="allow_local"):
        AppriseTarget(url=f"{scheme.upper()}://host/secret-path")
    AppriseTarget(url=f"{scheme}://host/secret-path", allow_local=True)


@pytest.mark.parametrize("scheme", sorted(UNCONFIRMED))
def test_services_that_never_answer_are_refused(scheme: str) -> None:
    """No receipt could say delivered."""
    with pytest.raises(InvalidBlock, match="never confirmed"):
        AppriseTarget(url=f"{scheme}://host", allow_local=True)


def test_every_service_without_an_address_is_one_of_this_machine() -> None:
    """The list of local services is that of this version of Apprise."""
    manager = library().NotificationManager()
    found = {
        scheme
        for scheme in manager.schemas()
        if any(template.rstrip("/") == "{schema}:" for template in manager[scheme].templates)
    }
    assert found == LOCAL
    custom = {s for s in manager.schemas() if ".custom_" in manager[s].__module__}
    assert custom == GENERIC
    assert set(manager.schemas()) >= UNCONFIRMED
    assert len(manager.schemas()) > 200


def test_a_function_of_the_program_is_refused() -> None:
    """What the program registered with Apprise runs only where that is allowed."""
    apprise = library()
    called: list[str] = []

    @apprise.decorators.notify(on="brickworktest")  # type: ignore[untyped-decorator]  # Any
    def own(body: str, title: str, *_: object, **__: object) -> bool:
        called.append(body)
        return True

    try:
        refused = AppriseTarget(url="brickworktest://x").send(Notification("t"))
        allowed = AppriseTarget(url="brickworktest://x", allow_local=True).send(Notification("t"))
    finally:
        apprise.NotificationManager().remove("brickworktest")
    assert (refused.status, refused.attempts) == (DeliveryStatus.REFUSED, 0)
    assert (allowed.status, called) == (DeliveryStatus.DELIVERED, ["t"])


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nosuch://host/secret-part-1", "Apprise does not know the URL"),
        ("https://example.com/secret-part-1", "Apprise does not know the URL"),
        ("gotify://127.0.0.1", "Gotify does not accept the URL"),
        ("tgram://secret-part-1-no-token/", "Apprise does not know the URL"),
        ("mqtt://user:secret-part-1@host/topic", r"Add ?qos=1"),
        ("mqtts://user:secret-part-1@host/topic?qos=1", "pip install 'paho-mqtt"),
        ("slack://secret-part-1/b/c", "Slack does not accept the URL"),
        ("xmpp://user:secret-part-1@host", "pip install 'slixmpp"),
    ],
)
def test_what_cannot_be_opened_is_refused_without_a_word_of_it(
    url: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Sending, a dry run and a check say why, and what to do; nothing quotes the URL."""
    caplog.set_level(logging.DEBUG)
    target = AppriseTarget(url=url)
    sent = target.send(Notification("t"))
    rehearsed = target.send(Notification("t"), dry_run=True)
    report = target.check()
    assert (sent.status, sent.attempts, rehearsed.status) == (
        DeliveryStatus.REFUSED,
        0,
        DeliveryStatus.REFUSED,
    )
    assert says in sent.detail
    assert sent.detail == rehearsed.detail
    (finding,) = report.findings
    assert (finding.status, report.ok, bool(finding.fix)) == ("failed", False, True)
    shown = f"{sent}{rehearsed}{report}{target!r}{caplog.text}"
    assert "secret-part-1" not in shown


def test_what_apprise_says_of_a_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It quotes what it does not understand, and nobody knows whether that is a secret."""
    caplog.set_level(logging.DEBUG)
    assert AppriseTarget(url="gotify://host/token?rto=secret-part-1").check().ok
    assert "secret-part-1" not in caplog.text
    logging.getLogger("apprise").warning("of others")
    assert "of others" in caplog.text


@pytest.mark.parametrize("url", ["", "hello", "tgram:", "tgram://", "x y://host", "://x"])
def test_what_is_no_url_is_no_block(url: str) -> None:
    """A text without a scheme and something behind it is refused at once."""
    with pytest.raises(InvalidBlock, match="none of Apprise"):
        AppriseTarget(url=url)


# What never shows


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("gotify://127.0.0.1:{port}/deep/path/T0-gotify-token-51f3", ["T0-gotify-token-51f3"]),
        ("ntfy://user:p4ss-word-77@127.0.0.1:{port}/topic-aa11", ["p4ss-word-77"]),
        ("ntfy://tk_7f3a9c21bb@127.0.0.1:{port}/topic-aa11", ["tk_7f3a9c21bb"]),
        (
            "json://u:p4ss-word-77@127.0.0.1:{port}/hook/5ecr3t-p4th",
            ["p4ss-word-77", "5ecr3t-p4th"],
        ),
        ("json://127.0.0.1:{port}/x?+Authorization=Bearer-5ecr3t", ["Bearer-5ecr3t"]),
    ],
)
@pytest.mark.parametrize("status", [200, 404])
def test_no_part_of_a_url_shows(
    url: str, secrets: list[str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Receipts, checks, reprs and the logs of Apprise and urllib3 have no secret of the URL."""
    caplog.set_level(logging.DEBUG)

    def echo(peer: Peer, request: Request) -> None:
        answer = f"cannot {request.line} {request.headers}".encode()
        peer.send(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(answer)) + answer)

    with LoopbackServer(echo) as server:
        target = AppriseTarget(
            url=url.format(port=server.port), allow_local=True, retry_seconds=0, timeout_seconds=5
        )
        receipt = target.send(Notification("hello", "there"))
        (by_url,) = notify(f"apprise+{target.url.reveal()}", title="hello")
    assert receipt.delivered is (status == 200)
    assert len(server.requests) >= 1
    assert caplog.records, "nothing was logged, so nothing is shown by this test"
    shown = f"{receipt}{by_url}{target!r}{target.check()}{target.describe()}{caplog.text}"
    for secret in secrets:
        assert not leaks(secret, shown)


def test_apprise_is_still_heard() -> None:
    """Who listens to Apprise's logger hears of a failure, as without us."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear = Ear(logging.WARNING)
    logging.getLogger("apprise").addHandler(ear)
    try:
        send(reply(404))
    finally:
        logging.getLogger("apprise").removeHandler(ear)
    assert any("error=404" in each for each in heard)


def test_nothing_is_kept_on_disk() -> None:
    """Apprise is told to keep nothing, and to look for no code."""
    asset = Service("gotify://host/token", allow_local=False)._plugin.asset
    assert (asset.storage_mode.value, asset.storage_path, list(asset.plugin_paths)) == (
        "memory",
        None,
        [],
    )
    assert (asset.pgp_autogen, asset.pem_autogen, asset.http_redirects) == (False, False, False)
    assert (asset.secure_logging, asset.async_mode) == (True, False)


def test_a_process_that_sends_writes_no_file(tmp_path: Path) -> None:
    """In an empty home nothing is left behind."""
    code = (
        "from brickwork import AppriseTarget, Notification\n"
        "for url in ('gotify://127.0.0.1:1/token', 'matrix://u:p@127.0.0.1:1/#room'):\n"
        "    target = AppriseTarget(url=url, retry_seconds=0, timeout_seconds=2)\n"
        "    assert target.send(Notification('t')).status.value == 'failed'\n"
    )
    subprocess.run(
        [sys.executable, "-W", "error", "-B", "-c", code],
        env={"HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert list(tmp_path.rglob("*")) == []


# Where it is used


def test_it_opens_by_url_and_by_address(memory_vault: Vault) -> None:
    """``apprise+`` before any URL of Apprise makes one; a saved one is named by its address."""
    target = open_notifier("apprise+tgram://123456789:AAAA/1234")
    assert isinstance(target, AppriseTarget)
    assert target.url.reveal() == "tgram://123456789:AAAA/1234"
    assert target.describe() == "apprise+tgram:"
    AppriseTarget(url="gotify://host/token").save("phone")
    assert open_notifier("apprise/phone").describe() == "apprise/phone"


@pytest.mark.parametrize("url", ["apprise:tgram://x/y", "apprise://host/token"])
def test_the_form_of_its_urls_is_told(url: str) -> None:
    """Without the plus it is an error that shows how to write it."""
    with pytest.raises(NotifierError, match=r"apprise\+tgram://"):
        open_notifier(url)
    (receipt,) = notify(url, title="x")
    assert receipt.status is DeliveryStatus.REFUSED


def test_a_check_sends_nothing() -> None:
    """A check names the version and the service, and makes no connection."""
    with LoopbackServer(reply(200)) as server:
        report = gotify(server).check()
    assert (report.ok, server.connections) == (True, 0)
    assert [each.status for each in report.findings] == ["ok", "ok", "skipped"]
    assert report.findings[0].detail.startswith("Apprise 2.")
    assert report.findings[1].detail == "Gotify"


def test_without_apprise_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is missing, the block can be made and loaded; all else names the fix."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    target = AppriseTarget(url=Secret("gotify://host/token"))
    fix = "pip install 'brickwork[apprise]'"
    for receipt in (
        target.send(Notification("t")),
        target.send(Notification("t"), dry_run=True),
        *notify("apprise+gotify://host/token", title="t"),
    ):
        assert (receipt.status, receipt.attempts) == (DeliveryStatus.REFUSED, 0)
        assert fix in receipt.detail
    (finding,) = target.check().findings
    assert (finding.status, finding.what, finding.fix) == ("failed", "package", fix)


def test_apprise_is_imported_only_to_send() -> None:
    """Making and describing a target costs no import of Apprise."""
    code = (
        "import sys; from brickwork import AppriseTarget;"
        "AppriseTarget(url='gotify://host/token').describe();"
        "assert not {'apprise', 'requests'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_loading_it_warns_of_nothing() -> None:
    """Warnings of what Apprise imports are its own matter, and filters stay as they are."""
    code = (
        "import warnings; before = list(warnings.filters);"
        "from brickwork.builtin.notifiers.apprise.service import library;"
        "assert library() is library(); assert warnings.filters == before"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True)
