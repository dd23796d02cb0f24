"""Requests without a valid token in the audit log: one line for each address and minute.

Anyone can send such requests, and as many as the network carries. So a line has neither their
parameters nor their path, the number of tracked addresses is bounded, and these lines may fill only
a part of the audit log.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from domain.clock import NS_PER_S, Clock, rfc3339
from domain.errors import SightlineError
from domain.log import FloodGate
from domain.metrics import AUDIT_LINES_LOST, REFUSALS
from storage.site.audit import AuditEntry, AuditLog, Phase

MAX_ADDRESSES = 256
OTHERS = "others"
"""The name for all addresses beyond the tracked ones."""
MAX_SHARE = 0.5
"""The part of the audit log's limit up to which refusals are written."""
FLUSH_INTERVAL_S = 10.0
_MINUTE_NS = 60 * NS_PER_S
_MAX_CHARACTERS = 45
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Address:
    written_ns: int
    """When its last line was written or could not be written."""
    refused: int = 0
    """The number of requests since that line."""
    since_ns: int = 0
    route: str = ""
    status: int = 0

    def add(self, now_ns: int, route: str, status: int) -> None:
        self.since_ns = self.since_ns if self.refused else now_ns
        self.refused += 1
        self.route, self.status = route, status


class Refusals:
    """Counts refused requests and writes their lines. Thread-safe.

    The first request of an address is written immediately, the others with its next line.
    """

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._lock = threading.Lock()
        self._addresses: dict[str, _Address] = {}
        self._flushed_ns = 0
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)

    def record(self, address: str, route: str, status: int) -> None:
        """Count a request. `route` is an audit term or a path template, not the requested path."""
        REFUSALS.labels(str(status)).inc()
        self.flush()
        now_ns = self._clock.steady_ns()
        network = network_of(address)
        with self._lock:
            if network not in self._addresses and len(self._addresses) >= MAX_ADDRESSES:
                network = OTHERS
            known = self._addresses.setdefault(network, _Address(now_ns - _MINUTE_NS))
            known.add(now_ns, route, status)
            line = self._due(network, known, now_ns)
        if line is not None:
            self.write(line)

    def flush(self, is_last: bool = False) -> None:
        """Write the lines that are a minute old, and forget addresses without requests.

        With `is_last`, all lines are written.
        """
        now_ns = self._clock.steady_ns()
        with self._lock:
            if not is_last and now_ns - self._flushed_ns < NS_PER_S:
                return
            self._flushed_ns = now_ns
            lines = [
                self._due(network, known, now_ns, is_last)
                for network, known in self._addresses.items()
            ]
            self._addresses = {
                network: known
                for network, known in self._addresses.items()
                if known.refused or now_ns - known.written_ns < _MINUTE_NS
            }
        for line in lines:
            if line is not None:
                self.write(line)

    def run(self, stop: threading.Event) -> None:
        """Flush periodically until `stop`, so that no line waits for the next request.

        A thread of the process runs this.
        """
        while not self._clock.wait(stop, FLUSH_INTERVAL_S):
            self.flush()

    def _due(
        self, network: str, known: _Address, now_ns: int, is_last: bool = False
    ) -> AuditEntry | None:
        """Return the line of an address if one is due."""
        if not known.refused or (now_ns - known.written_ns < _MINUTE_NS and not is_last):
            return None
        since = rfc3339(known.since_ns + self._clock.stepped_ns)
        entry = AuditEntry(
            person="",
            role=None,
            address=network,
            route=known.route,
            right=None,
            terms={"refused": str(known.refused), "since": since},
            status=known.status,
            phase=Phase.REFUSED,
        )
        known.written_ns, known.refused = now_ns, 0
        return entry

    def write(self, entry: AuditEntry) -> None:
        """Write a line. A failure is only counted: the refusal discloses nothing."""
        try:
            self._audit.append(entry, MAX_SHARE)
        except (OSError, SightlineError) as error:
            AUDIT_LINES_LOST.labels(Phase.REFUSED).inc()
            self._warn("refusals", f"refused requests cannot be written to the audit log: {error}")


def network_of(address: str) -> str:
    """Return the IPv4 address, or the /64 network of an IPv6 address.

    A client cannot change these at will.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_MAX_CHARACTERS]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found, 64), strict=False))
    return str(found)
