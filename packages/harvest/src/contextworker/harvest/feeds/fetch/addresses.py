"""Which addresses a feed may be fetched from: public ones, and those that were named."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What Python's versions disagree on, or call global though it is not the public internet.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carriers' own; Alibaba's metadata
        "168.63.129.16/32",  # Azure's metadata
        "192.0.0.0/24",  # Oracle's metadata
        "192.88.99.0/24",
        "198.18.0.0/15",
        "2001::/23",  # Teredo, ORCHID, benchmarking
        "3fff::/20",
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Tell whether an address is of the public internet, whatever it is wrapped in."""
    inner = _inside(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not _in(address, _NOT_PUBLIC)
    )


def is_allowed(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether an address is public, or in a network that the operator allows."""
    inner = _inside(address)
    plain = address if inner is None else inner
    return is_public(address) or _in(plain, networks)


def _inside(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def parse(text: str) -> Address | None:
    """Return an address, without the zone that the system may have put behind it."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
