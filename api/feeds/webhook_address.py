"""Checks the URL of a webhook: http or https, and an address in the networks of the site.

The check runs when a watch is placed and before each delivery. The host name is resolved once, and
the delivery connects to the address that was checked, which prevents DNS rebinding.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from domain.address_ranges import Network, is_allowed
from domain.errors import BadInput

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """The checked target of a webhook."""

    url: str
    """The URL with the checked address in place of the host name."""
    host: str
    authority: str
    """The value of the `Host` header, as in the original URL."""


def target_of(url: str, networks: Sequence[Network]) -> Target:
    """Resolve and check a URL. Raises BadInput. Blocking, because it queries the name server."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        # The cause is omitted, because it would repeat a password that is parsed as a port.
        raise BadInput(
            "a webhook's address is wrong: its host or its port cannot be read"
        ) from None
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or parts.username
        or parts.password
        or parts.fragment
    ):
        raise BadInput(
            "a webhook's address is http://host/… or https://host/…, without a user name or a "
            "fragment"
        )
    if not networks:
        raise BadInput(
            "this site sends no webhooks; SIGHTLINE_WEBHOOK_NETWORKS names the networks that they "
            "may go to"
        )
    address = _checked(parts.hostname, port, networks)
    place = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return Target(f"{parts.scheme}://{place}:{port}{path}", parts.hostname, parts.netloc)


def shown_address(url: str) -> str:
    """Return the origin of a URL and its SHA-256, for the audit log and for approvals.

    The URL is not checked yet. Its user name, path and query are left out, because they may have a
    password; the SHA-256 changes with each of them.
    """
    digest = hashlib.sha256(url.encode()).hexdigest()
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        origin = f"{parts.scheme}://{host}" + ("" if parts.port is None else f":{parts.port}")
    except ValueError:
        origin = "an address that cannot be read"
    return f"{origin} (SHA-256 {digest})"


def _checked(host: str, port: int, networks: Sequence[Network]) -> IPv4Address | IPv6Address:
    """Return the first address of the host. All its addresses must be in allowed networks."""
    try:
        found = [
            ip_address(str(entry[4][0]).partition("%")[0])
            for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
    except (OSError, UnicodeError) as error:
        raise BadInput(
            "a webhook's host {host} has no address: {error}", host=repr(host), error=error
        ) from error
    addresses = [
        address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
        for address in found
    ]
    for address in addresses:
        if not is_allowed(address, networks):
            raise BadInput(
                "a webhook to {host} leads outside the networks of SIGHTLINE_WEBHOOK_NETWORKS",
                host=repr(host),
            )
    return addresses[0]
