"""Networks that readers come from, as limits count them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

HOUSEHOLD_V6 = 64
"""The bits of an IPv6 address that one household or office has to itself (RFC 6177): the rest it changes at will."""


def plain_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an internet address, one of IPv4 in the clothes of IPv6 as what it is (RFC 4291, 2.5.5.2); None for what
    is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def network_of(text: str) -> str:
    """Return the network of an internet address: of IPv4 the address itself, of IPv6 its /64. All that is none is one
    network."""
    address = plain_address(text)
    if address is None:
        return "unknown"
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address), HOUSEHOLD_V6), strict=False))
