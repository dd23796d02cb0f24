"""The networks in which cameras may be. They prevent a registry from using the site's nodes to
reach other hosts.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from domain.address_ranges import is_allowed
from domain.camera_states import Why
from domain.errors import SourceUnreachable
from domain.messages.message import Message, system_reason


@dataclass(frozen=True, slots=True)
class Networks:
    allowed: tuple[IPv4Network | IPv6Network, ...]

    def allows(self, address: IPv4Address | IPv6Address) -> bool:
        return is_allowed(address, self.allowed)

    def literal_fault(self, host: str) -> Message | None:
        """Describe why an address in a URL is refused. It is None for an allowed address, and for
        a name, which is checked when it is resolved.
        """
        try:
            address = ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            return None
        return None if self.allows(address) else Message("{host} is outside `networks`", host=host)

    def resolve(self, host: str, port: int) -> str:
        """Return the address to connect to. Raises SourceUnreachable if the name is unknown or has
        no allowed address.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise SourceUnreachable(
                "the name {host} cannot be resolved: {reason}",
                Why.HOST_UNKNOWN,
                host=host,
                reason=system_reason(error),
            ) from error
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if self.allows(ip_address(address.partition("%")[0])):
                return address
        raise SourceUnreachable(
            "{host} ({addresses}) is outside `networks` of the registry",
            Why.OUTSIDE_NETWORKS,
            host=host,
            addresses=", ".join(addresses),
        )
