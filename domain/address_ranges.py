"""Which addresses a list of networks allows, if the list is wide.

`0.0.0.0/0` means every other host. It does not mean this machine, its links, the metadata service
of a cloud (169.254.169.254), or an IPv4 address that is written as an IPv6 one. So an address of a
special range is allowed only by a network that lies within this range.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_SPECIAL: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # local NAT64
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fe80::/10",  # link-local
        "ff00::/8",  # multicast
    )
)


def is_allowed(address: Address, networks: Iterable[Network]) -> bool:
    """Return whether one of the networks allows the address."""
    special = special_range(address)
    return any(
        _holds(network, address) and (special is None or _is_within(network, special))
        for network in networks
    )


def special_range(address: Address) -> Network | None:
    """Return the special range of an address; None for an ordinary one."""
    return next((one for one in _SPECIAL if _holds(one, address)), None)


def _holds(network: Network, address: Address) -> bool:
    return network.version == address.version and address in network


def _is_within(network: Network, special: Network) -> bool:
    return (
        network.prefixlen >= special.prefixlen
        and network.version == special.version
        and network.network_address in special
    )
