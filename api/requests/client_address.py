"""The address of the client of a request, behind trusted proxies too. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
FORWARDED_FOR = b"x-forwarded-for"


def client_address(scope: Scope, trusted_proxies: Sequence[Network]) -> str:
    """Return the address that the audit log records; empty where the server knows none.

    A trusted proxy appends the address of its own client to X-Forwarded-For. So the header is read
    from its end, up to the first address that is no trusted proxy: what stands before that, any
    client could have written. The header of a client that is no trusted proxy counts for nothing.
    """
    peer = (scope.get("client") or ("",))[0]
    address = _parsed(peer)
    if address is None:
        return peer
    for text in reversed(_forwarded(scope)):
        if not _is_within(address, trusted_proxies):
            break
        earlier = _parsed(text)
        if earlier is None:
            break
        address = earlier
    return str(address)


def _forwarded(scope: Scope) -> list[str]:
    values = [value for name, value in scope["headers"] if name == FORWARDED_FOR]
    return [part.strip() for part in b",".join(values).decode("latin-1").split(",")]


def _parsed(text: str) -> Address | None:
    """Return an address, which some proxies write with brackets or with a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
