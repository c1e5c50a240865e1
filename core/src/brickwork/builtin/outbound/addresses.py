"""Which IP addresses a request may go to.

The tables are the IANA special-purpose registries, kept here because the ``ipaddress`` module of
Python 3.11 misses some of them (100.64.0.1, 192.0.0.192, fec0::1, 64:ff9b::a9fe:a9fe).
https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


# Loopback and the networks of one's own: what ``allow_private`` opens.
_PRIVATE = _networks(
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
)

# Services that hand out a machine's credentials. Refused also with ``allow_private``; those on
# 169.254.0.0/16 are refused with all link-local addresses.
_METADATA = _networks(
    "100.100.100.200/32",  # Alibaba Cloud
    "168.63.129.16/32",  # Azure, though in public space
    "192.0.0.192/32",  # Oracle Cloud
    "fd00:ec2::/32",  # AWS
    "fd20:ce::/32",  # Google Cloud
)

_SPECIAL_V4 = _networks(
    "0.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)

# Only 2000::/3 is given out for the public internet; these parts of it are not. Outside of it,
# and so refused, are IPv4-mapped (::ffff:0:0/96) and IPv4-compatible (::/96) addresses, and the
# NAT64 prefix for local use (64:ff9b:1::/48).
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = _networks(
    "2001::/23",  # protocol assignments, with Teredo 2001::/32
    "2001:db8::/32",
    "2002::/16",  # 6to4
    "3fff::/20",
)

# A host on an IPv6-only network reaches the public IPv4 internet through this one (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")

_ISATAP = 0x5EFE  # in the middle of an address with an IPv4 address at its end (RFC 5214)


def refusal(address: Address, *, allow_private: bool = False) -> str | None:
    """Say why no connection may be made to an address; None if one may.

    An IPv6 address that carries an IPv4 address is judged by both.
    """
    if _within(address, _METADATA):
        return "it is the address of a cloud's metadata service"
    if _within(address, _PRIVATE):
        return None if allow_private else "it is a private or loopback address"
    if isinstance(address, IPv4Address):
        usual = not _within(address, _SPECIAL_V4) and address.is_global
        return None if usual else "it is not a public address"
    return _refusal_v6(address)


def _refusal_v6(address: IPv6Address) -> str | None:
    number = int(address)
    if address in _NAT64:
        embedded = IPv4Address(number & 0xFFFFFFFF)
        # With allow_private too: whoever means a private IPv4 address writes it as one.
        return f"it stands for the IPv4 address {embedded}" if refusal(embedded) else None
    if (number >> 32) & 0xFDFFFFFF == _ISATAP:
        return "it stands for an IPv4 address"
    public = address in _GLOBAL_V6 and not _within(address, _SPECIAL_V6) and address.is_global
    return None if public else "it is not a public address"


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def parse_address(text: str) -> Address:
    """Return the address that a resolver gave; a zone such as ``%eth0`` is left out.

    Raises:
        ValueError: It is no IP address.
    """
    return ip_address(text.partition("%")[0])
