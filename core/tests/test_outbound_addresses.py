"""Which addresses the outbound policy lets through."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, strategies as st

from brickwork.builtin.outbound.addresses import refusal

pytestmark = pytest.mark.attack

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2001:4860:4860::8888",
    "2a00:1450:4001:800::200e",
    "64:ff9b::808:808",  # how an IPv6-only network reaches 8.8.8.8
]

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "::1",
    "fc00::1",
    "fdff:ffff::1",
]

NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::8.8.8.8",
    "::a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2001:2::1",
    "2001:20::1",
    "2a00:1450::5efe:7f00:1",  # ISATAP
    "2a00:1450::200:5efe:a9fe:a9fe",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_is_allowed(text: str) -> None:
    """An address that was given out for the public internet is allowed."""
    assert refusal(ip_address(text)) is None


@pytest.mark.parametrize("text", PRIVATE)
def test_private_needs_consent(text: str) -> None:
    """Loopback and private networks are allowed with ``allow_private``, and only then."""
    assert refusal(ip_address(text)) is not None
    assert refusal(ip_address(text), allow_private=True) is None


@pytest.mark.parametrize("text", NEVER)
def test_others_are_never_allowed(text: str) -> None:
    """Metadata services, special ranges and disguised IPv4 are refused with consent too."""
    assert refusal(ip_address(text)) is not None
    assert refusal(ip_address(text), allow_private=True) is not None


V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address)


# Most random addresses are unremarkable: draw from the neighbourhood of the special ones, too.
SPECIAL = st.sampled_from([ip_address(text) for text in PRIVATE + NEVER])


@given(V4 | V6 | SPECIAL)
def test_never_laxer_than_the_standard_library(address: IPv4Address | IPv6Address) -> None:
    """What ``ipaddress`` knows not to be public is refused."""
    if not address.is_global or address.is_multicast:
        assert refusal(address) is not None


@given(V4)
def test_a_disguise_changes_nothing(address: IPv4Address) -> None:
    """An IPv4 address that is refused is refused inside every kind of IPv6 address."""
    number = int(address)
    disguises = [
        0xFFFF << 32 | number,
        number,
        0x64FF9B << 96 | number,
        0x64FF9B0001 << 80 | number,
        0x2002 << 112 | number << 80,
        0x20010000 << 96 | (number ^ 0xFFFFFFFF),
    ]
    if refusal(address) is not None:
        refused = [refusal(IPv6Address(disguise)) for disguise in disguises]
        assert None not in refused
