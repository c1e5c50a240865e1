"""The outbound policy against attacks: what must not be connected is not, the rest is.

Connections are observed where they happen, by an audit hook on ``socket.connect``.
"""

import sys
from collections.abc import Iterator
from itertools import cycle
from threading import Lock
from typing import Self

import pytest
from hypothesis import given, strategies as st

from brickwork.builtin.outbound import client
from brickwork.builtin.outbound.addresses import parse_address, refusal
from brickwork.builtin.outbound.client import probe, request
from brickwork.builtin.outbound.target import parse_url
from brickwork.builtin.outbound.transport import Deadline, judged_addresses
from brickwork.errors import BrickworkError, OutboundFailed, OutboundRefused
from brickwork.testing.loopback import LoopbackAuthority, LoopbackServer, reply

pytestmark = pytest.mark.attack

SECRET_PATH = "T0B0-secret-path"


class Wire:
    """Every address that this process connects a socket to, and every name that it resolves."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._active = False
        self.connected: list[object] = []
        self.resolved: list[object] = []
        sys.addaudithook(self._note)  # stays for the life of the process, hence one for all

    def _note(self, event: str, args: tuple[object, ...]) -> None:
        if self._active and event in ("socket.connect", "socket.getaddrinfo"):
            with self._lock:
                if event == "socket.connect":
                    self.connected.append(args[1])
                else:
                    self.resolved.append(args[0])

    def __enter__(self) -> Self:
        self.connected, self.resolved, self._active = [], [], True
        return self

    def __exit__(self, *exception: object) -> None:
        self._active = False


@pytest.fixture(scope="module")
def recorder() -> Wire:
    """One audit hook for the module."""
    return Wire()


@pytest.fixture
def wire(recorder: Wire) -> Iterator[Wire]:
    """Observe connections and resolutions of this test."""
    with recorder:
        yield recorder


# What an attacker's DNS would answer; names that are not here have no address.
DNS = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "loopback.example": ["127.0.0.1"],
    "private.example": ["10.1.2.3"],
    "cgnat.example": ["100.64.0.1"],
    "zero.example": ["0.0.0.0"],
    "link.example": ["169.254.169.254"],
    "oracle.example": ["192.0.0.192"],
    "multicast.example": ["224.0.0.1"],
    "six-loopback.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "compatible.example": ["::7f00:1"],
    "nat64.example": ["64:ff9b::a9fe:a9fe"],
    "nat64-local.example": ["64:ff9b:1::a9fe:a9fe"],
    "six-to-four.example": ["2002:7f00:1::"],
    "teredo.example": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "site.example": ["fec0::1"],
    "unique-local.example": ["fd12:3456::1"],
    "scoped.example": ["fe80::1%eth0"],
    "mixed.example": ["93.184.216.34", "10.0.0.1"],
    "mixed-late.example": [f"93.184.216.{n}" for n in range(1, 30)] + ["127.0.0.1"],
    "mixed-six.example": ["2606:4700::1111", "::1"],
    "garbage.example": ["not an address"],
    "xn--lcalhost-54a.example": ["127.0.0.1"],
    # What getaddrinfo makes of odd numbers; the policy must not even ask.
    "2130706433": ["127.0.0.1"],
    "0x7f.1": ["127.0.0.1"],
    "127.1": ["127.0.0.1"],
}


def hostile_dns(host: str, port: int) -> list[str]:
    """Answer as an attacker's name server would."""
    if host not in DNS:
        raise OSError("no such host")
    return DNS[host]


HOSTS = [
    # loopback and friends, as numbers, in every notation
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "0.0.0.0",
    "0",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0X7F.0.0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0127.0.0.1",
    "127.0.0.0x1",
    "127.0.0.01",
    "00000177.0.0.1",
    "127.0.0.1.",
    "4294967295",
    "0xa9fea9fe",
    "2852039166",
    "025177524776",
    "169.254.169.254",
    "169.254.43518",
    "0xa9.0xfe.0xa9.0xfe",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    # other scripts' digits and dots
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
    "127\u30020\u30020\u30021",
    "\u2460\u2461\u2466.0.0.1",
    "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",  # circled letters: localhost
    "l\u00f6calhost.example",
    "fa\u00df.example",  # two hosts in two standards
    # IPv6
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[::1]example.com",
    "[v1.fe80::a]",
    # names
    *(host for host in DNS if not host.startswith("xn--")),
]

URLS = [
    *(f"https://{host}/{SECRET_PATH}" for host in dict.fromkeys(HOSTS)),
    # schemes
    f"http://93.184.216.34/{SECRET_PATH}",
    f"ftp://93.184.216.34/{SECRET_PATH}",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    f"//127.0.0.1/{SECRET_PATH}",
    f"https:/127.0.0.1/{SECRET_PATH}",
    f"https:127.0.0.1/{SECRET_PATH}",
    "javascript:alert(1)",
    "",
    # what two readers understand in two ways
    f"https://example.com@127.0.0.1/{SECRET_PATH}",
    f"https://user:password@93.184.216.34/{SECRET_PATH}",
    f"https://@127.0.0.1/{SECRET_PATH}",
    f"https://127.0.0.1\\@example.com/{SECRET_PATH}",
    f"https://example.com\\@127.0.0.1/{SECRET_PATH}",
    f"https://127.0.0.1#@example.com/{SECRET_PATH}",
    f"https://127.0.0.1%23@example.com/{SECRET_PATH}",
    f"https://127.0.0.1%2f.example/{SECRET_PATH}",
    f"https://loopback%2eexample/{SECRET_PATH}",
    f"https://127.0.0.1:443:80/{SECRET_PATH}",
    f"https://127.0.0.1:\uff14\uff14\uff13/{SECRET_PATH}",
    f"https://93.184.216.34:0/{SECRET_PATH}",
    f"https://93.184.216.34:65536/{SECRET_PATH}",
    f"https://93.184.216.34:-1/{SECRET_PATH}",
    f" https://127.0.0.1/{SECRET_PATH}",
    f"https://127.0.0.1 /{SECRET_PATH}",
    f"ht\ntps://127.0.0.1/{SECRET_PATH}",
    f"https://93.184.216.34/\r\nHost: 127.0.0.1\r\n\r\n{SECRET_PATH}",
    f"https://127.0.0.1\t.example/{SECRET_PATH}",
    f"https://93.184.216.34\x00.example/{SECRET_PATH}",
    f"https:///127.0.0.1/{SECRET_PATH}",
    f"https://.example/{SECRET_PATH}",
    f"https://a..example/{SECRET_PATH}",
    f"https://-a.example/{SECRET_PATH}",
    f"https://{'a' * 64}.example/{SECRET_PATH}",
    f"https://{'a.' * 130}example/{SECRET_PATH}",
    f"https://93.184.216.34/{'a' * 9000}{SECRET_PATH}",
]


def test_there_are_enough_attacks() -> None:
    """The table below is as long as the security page demands."""
    assert len(set(URLS)) >= 60


@pytest.mark.parametrize("url", URLS, ids=lambda url: ascii(url)[1:50])
def test_attack_connects_nowhere(wire: Wire, url: str) -> None:
    """No attack makes a connection, and no error shows a path, a query or a user part."""
    with pytest.raises((OutboundRefused, OutboundFailed)) as caught:
        request("POST", url, body=b"{}", resolve=hostile_dns, timeout_seconds=2)

    assert wire.connected == []
    assert wire.resolved == [], "only the resolver that was given may be asked"
    for secret in (SECRET_PATH, "password", "user:"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("host", ["169.254.169.254", "0.0.0.0", "[fe80::1]", "[::ffff:127.0.0.1]"])
def test_consent_does_not_open_metadata_services(wire: Wire, host: str) -> None:
    """With ``allow_private`` and ``allow_http`` metadata services stay closed."""
    with pytest.raises(OutboundRefused):
        request("GET", f"http://{host}/", allow_private=True, allow_http=True)

    assert wire.connected == []


def test_rebinding_resolver_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that flips between public and loopback with every question is never connected to
    on loopback: one question a request, and the connection goes to what was judged.
    """
    answers = cycle([["93.184.216.34"], ["127.0.0.1"]])
    handed_over: list[str] = []
    outcomes: list[type[Exception]] = []

    def connect(target: object, addresses: list[object], *rest: object) -> None:
        # In place of connections to a public address, which tests do not make.
        handed_over.extend(map(str, addresses))
        raise OutboundFailed("not in a test", sent=False)

    monkeypatch.setattr(client, "connect", connect)
    for _ in range(50):
        with pytest.raises((OutboundRefused, OutboundFailed)) as caught:
            request("GET", "https://flip.example/", resolve=lambda host, port: next(answers))
        outcomes.append(caught.type)

    assert handed_over == ["93.184.216.34"] * 25
    assert outcomes == [OutboundFailed, OutboundRefused] * 25


def test_rebinding_to_metadata_gains_nothing(wire: Wire) -> None:
    """The same on real sockets: half of the requests arrive on loopback, the others nowhere."""
    answers = cycle([["127.0.0.1"], ["169.254.169.254"]])
    refused = 0
    with LoopbackServer(reply()) as server:
        for _ in range(50):
            try:
                request(
                    "GET",
                    f"http://flip.example:{server.port}/",
                    allow_private=True,
                    allow_http=True,
                    resolve=lambda host, port: next(answers),
                )
            except OutboundRefused:
                refused += 1

    assert refused == 25
    assert wire.connected == [("127.0.0.1", server.port)] * 25


def test_connection_goes_to_the_address_that_was_judged(wire: Wire) -> None:
    """The name is asked for once; the connection is to that answer, whatever the next would be."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    with LoopbackServer(reply(200, b"hello")) as server:
        response = request(
            "GET",
            f"http://flip.example:{server.port}/",
            allow_private=True,
            allow_http=True,
            resolve=lambda host, port: next(answers),
        )

    assert response.body == b"hello"
    assert wire.connected == [("127.0.0.1", server.port)]
    assert next(answers) == ["169.254.169.254"], "it was asked a second time"
    assert server.requests[0].headers["host"] == f"flip.example:{server.port}"


@pytest.fixture(scope="module")
def authority() -> LoopbackAuthority:
    """A certificate authority that the tests trust."""
    return LoopbackAuthority()


@pytest.fixture(scope="module")
def secure(authority: LoopbackAuthority) -> Iterator[LoopbackServer]:
    """An HTTPS server that stands for every public one."""
    tls = authority.server_context(
        "hooks.example", "*.hooks.example", "xn--bcher-kva.example", "127.0.0.1", "localhost"
    )
    with LoopbackServer(reply(200, b"ok"), tls=tls) as server:
        yield server


@pytest.fixture(scope="module")
def plain() -> Iterator[LoopbackServer]:
    """An HTTP server."""
    with LoopbackServer(reply(200, b"ok")) as server:
        yield server


ALLOWED = [
    "https://hooks.example:{tls}/",
    "https://hooks.example:{tls}",
    "https://HOOKS.Example:{tls}/a/b",
    "https://hooks.example.:{tls}/",
    "https://a.hooks.example:{tls}/x?y=z",
    "https://a-b.hooks.example:{tls}/",
    "https://b\u00fccher.example:{tls}/",
    "https://xn--bcher-kva.example:{tls}/",
    "https://127.0.0.1:{tls}/",
    "https://localhost:{tls}/",
    "https://hooks.example:{tls}/#fragment",
    "https://hooks.example:{tls}/%2e%2e/%20?q=%00",
    "https://hooks.example:{tls}/b\u00fccher?q=\u00fc",
    "https://hooks.example:{tls}/;a=b,c/@user:x",
    "https://hooks.example:{tls}//double//",
    "https://hooks.example:{tls}/{{braces}}|pipe",
    "HTTPS://hooks.example:{tls}/",
    "http://127.0.0.1:{plain}/",
    "http://localhost:{plain}/hook",
    "http://intranet:{plain}/hook",
    "http://under_score.example:{plain}/",
    "http://hooks.example:{plain}/?a[]=1&b=~!*'()",
]


@pytest.mark.parametrize("url", ALLOWED, ids=lambda url: ascii(url)[1:50])
def test_allowed_urls_arrive(
    url: str, secure: LoopbackServer, plain: LoopbackServer, authority: LoopbackAuthority
) -> None:
    """With consent, every usual form of a URL reaches its server, TLS checked by the name."""
    assert len(ALLOWED) >= 20
    response = request(
        "POST",
        url.format(tls=secure.port, plain=plain.port),
        body=b"{}",
        allow_private=True,
        allow_http=True,
        ca_certificates=authority.pem,
        resolve=lambda host, port: ["127.0.0.1"],
    )

    assert (response.status, response.body, response.truncated) == (200, b"ok", False)


def test_first_address_that_answers_is_used(plain: LoopbackServer, wire: Wire) -> None:
    """When a host has several addresses and one is down, the next one is tried."""
    response = request(
        "GET",
        f"http://two.example:{plain.port}/",
        allow_private=True,
        allow_http=True,
        resolve=lambda host, port: ["127.0.0.2", "::1", "127.0.0.1"],
    )

    assert response.status == 200
    assert [address[0] for address in wire.connected] == ["127.0.0.2", "::1", "127.0.0.1"]  # type: ignore[index]  # audit arguments are untyped


def test_default_resolver_is_the_system_s(plain: LoopbackServer, wire: Wire) -> None:
    """Without a resolver the operating system is asked, once."""
    response = request(
        "GET", f"http://localhost:{plain.port}/", allow_private=True, allow_http=True
    )

    assert response.status == 200
    assert wire.resolved == ["localhost"]


def test_proxies_of_the_environment_are_ignored(
    plain: LoopbackServer, monkeypatch: pytest.MonkeyPatch, wire: Wire
) -> None:
    """A proxy in the environment does not see the request."""
    with LoopbackServer(reply()) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        request("GET", f"http://127.0.0.1:{plain.port}/", allow_private=True, allow_http=True)

        assert proxy.connections == 0
    assert wire.connected == [("127.0.0.1", plain.port)]


@pytest.mark.parametrize(
    ("host", "trusted", "says"),
    [
        ("other.example", True, "not trusted"),  # a certificate for other names
        ("hooks.example", False, "not trusted"),  # signed by nobody that the system knows
    ],
)
def test_certificate_is_checked(
    host: str, trusted: bool, says: str, secure: LoopbackServer, authority: LoopbackAuthority
) -> None:
    """A certificate for another name, or of an unknown authority, ends it before any request."""
    before = len(secure.requests)
    with pytest.raises(OutboundFailed, match=says) as caught:
        request(
            "POST",
            f"https://{host}:{secure.port}/{SECRET_PATH}",
            allow_private=True,
            ca_certificates=authority.pem if trusted else None,
            resolve=lambda host, port: ["127.0.0.1"],
        )

    assert caught.value.sent is False
    assert len(secure.requests) == before
    assert SECRET_PATH not in str(caught.value)


def test_old_tls_is_refused(authority: LoopbackAuthority) -> None:
    """A server that speaks nothing newer than TLS 1.1 is not talked to."""
    import ssl
    import warnings

    context = authority.server_context("hooks.example")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1: that is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        LoopbackServer(reply(), tls=context) as server,
        pytest.raises(OutboundFailed, match="TLS failed"),
    ):
        request(
            "GET",
            f"https://hooks.example:{server.port}/",
            allow_private=True,
            ca_certificates=authority.pem,
            resolve=lambda host, port: ["127.0.0.1"],
        )


def test_unreadable_authority_is_refused() -> None:
    """Certificates that are none are named as the problem."""
    with pytest.raises(OutboundRefused, match="PEM"):
        request("GET", "https://127.0.0.1/", allow_private=True, ca_certificates="nonsense")


def test_probe_connects_and_sends_nothing(
    secure: LoopbackServer, authority: LoopbackAuthority
) -> None:
    """A probe shakes hands, and no request arrives."""
    before = len(secure.requests)
    found = probe(
        f"https://127.0.0.1:{secure.port}/{SECRET_PATH}",
        allow_private=True,
        ca_certificates=authority.pem,
    )

    assert found.tls == "TLSv1.3"
    assert found.origin == f"https://127.0.0.1:{secure.port}"
    assert len(secure.requests) == before


@pytest.mark.parametrize(
    "url",
    [
        # Each of them stands for a public address in some reader of URLs.
        "https://[2606:4700::1111]example.com/",
        "https://[2606:4700::1111]:443:80/",
        "https://[2606:4700::1111%25eth0]/",
        "https://134744072/",
        "https://0x8.8.8.8/",
        "https://8.8.2056/",
        "https://010.8.8.8/",
        "https://8.8.8.08/",
        "https://1.1.1.0x1/",
        "https://fa\u00df.example/",
        "https://\u03c3\u03c2.example/",
        "https://a\u200db.example/",
    ],
)
def test_ambiguous_hosts_are_refused(url: str) -> None:
    """What two readers understand in two ways is refused also where it would be public."""
    with pytest.raises(OutboundRefused):
        parse_url(url)


ANY_ADDRESS = st.sampled_from(["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"]) | st.sampled_from(
    [answer for answers in DNS.values() for answer in answers if answer != "not an address"]
)


@given(st.lists(ANY_ADDRESS, min_size=1, max_size=12), st.booleans())
def test_all_addresses_are_judged(answers: list[str], consent: bool) -> None:
    """A host is allowed only if every one of its addresses is, wherever the bad one stands."""
    bad = [a for a in answers if refusal(parse_address(a), allow_private=consent) is not None]
    target = parse_url("https://some.example/")
    try:
        allowed = judged_addresses(
            target, Deadline(30), allow_private=consent, resolve=lambda host, port: answers
        )
    except OutboundRefused:
        assert bad
    else:
        assert not bad
        assert list(map(str, allowed)) == answers[:8]


@given(st.text(max_size=60))
def test_reading_any_text_as_url(text: str) -> None:
    """Any text is read or refused, and nothing else is raised."""
    for url in (text, f"https://{text}", f"https://example.com/{text}"):
        try:
            target = parse_url(url)
        except BrickworkError:
            continue
        assert target.resource.isascii()
        assert target.host.isascii()
        assert not set(target.resource) & set(" \r\n\t\\")


def test_target_does_not_show_its_path() -> None:
    """The repr of a URL that was read has no path."""
    assert SECRET_PATH not in repr(parse_url(f"https://example.com/{SECRET_PATH}"))
