"""Joins the requests of one viewing in the audit log.

A player reads a recording in many byte ranges, segments and playlist reloads. The first response
has its line before its first byte is sent, as every access; the line names the whole range that the
viewing may show. Further responses to the same person, with the same reason, within that range have
no line. After a minute without one, a closing line says how many there were and until when. A
viewing that lasts longer has such a line every ten minutes too.

Live video is a viewing of one connection. Its closing line is written when the connection ends.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Literal

from domain.clock import NS_PER_S, Clock, rfc3339
from domain.errors import AuditUnavailable
from domain.log import FloodGate
from domain.metrics import AUDIT_LINES_LOST
from storage.site.audit import AuditEntry, AuditLog, Phase

SILENCE_S = 60
EXTENDED_S = 600
FLUSH_INTERVAL_S = 10.0
MAX_OPEN = 10_000
"""Each response beyond these viewings has a line of its own."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Viewed:
    """What a response shows: [from, to) of a camera's recording, a whole clip, or an export."""

    kind: Literal["playback", "recording", "clip", "export"]
    of: str
    """The id of the camera, the event or the export."""
    from_ns: int = 0
    to_ns: int = 0
    span: tuple[int, int] | None = None
    """Of a segment: the range that the viewing covers if this segment opens it."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person, address, reason and legal basis of a response."""

    person: str
    role: str
    address: str
    reason: str
    case: str
    basis: tuple[tuple[str, str], ...] = ()
    """The approval or the emergency access that it rests on; its line names it."""


@dataclass(slots=True)
class OpenViewing:
    """A viewing that has not ended yet."""

    entry: AuditEntry
    """The line of its first response."""
    from_ns: int
    to_ns: int
    last_ns: int
    reported_ns: int
    requests: int = 1
    is_connection: bool = False
    """Whether it lasts as long as a connection, and not until a minute without a request."""
    has_ended: bool = False

    def covers(self, viewed: Viewed) -> bool:
        if viewed.span is None:
            return self.from_ns <= viewed.from_ns and viewed.to_ns <= self.to_ns
        # A segment at an end of the range extends beyond it.
        return viewed.from_ns < self.to_ns and self.from_ns < viewed.to_ns


class Viewings:
    """The open viewings of one process. Thread-safe."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[tuple[Viewer, str, str], list[OpenViewing]] = {}
        self._count = 0
        self._connections: list[OpenViewing] = []
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)

    def extend(self, viewer: Viewer, viewed: Viewed) -> bool:
        """Count a response to an open viewing; return False if it belongs to none."""
        now_ns = self._clock.steady_ns()
        with self._lock:
            for viewing in self._open.get((viewer, viewed.kind, viewed.of), ()):
                is_silent = now_ns - viewing.last_ns >= SILENCE_S * NS_PER_S
                if viewing.covers(viewed) and not is_silent:
                    viewing.last_ns = now_ns
                    viewing.requests += 1
                    return True
        return False

    def open(self, viewer: Viewer, viewed: Viewed, entry: AuditEntry) -> None:
        """Open a viewing, of which `entry` is on disk."""
        now_ns = self._clock.steady_ns()
        from_ns, to_ns = viewed.span or (viewed.from_ns, viewed.to_ns)
        with self._lock:
            if self._count >= MAX_OPEN:
                return
            self._count += 1
            self._open.setdefault((viewer, viewed.kind, viewed.of), []).append(
                OpenViewing(entry, from_ns, to_ns, now_ns, now_ns)
            )

    def begin(self, entry: AuditEntry) -> OpenViewing:
        """Begin the viewing of a connection, of which `entry` is on disk. `end` ends it."""
        now_ns = self._clock.steady_ns()
        viewing = OpenViewing(entry, 0, 0, now_ns, now_ns, is_connection=True)
        with self._lock:
            self._connections.append(viewing)
        return viewing

    def end(self, viewing: OpenViewing) -> None:
        """Write the closing line of a connection. If that fails, `flush` tries it again."""
        with self._lock:
            viewing.last_ns, viewing.has_ended = self._clock.steady_ns(), True
            if self._is_closed(viewing, viewing.last_ns, is_last=False):
                self._connections.remove(viewing)

    def flush(self, is_last: bool = False) -> None:
        """Write the closing lines that are due; with `is_last`, those of all viewings."""
        now_ns = self._clock.steady_ns()
        with self._lock:
            self._connections = [
                one for one in self._connections if not self._is_closed(one, now_ns, is_last)
            ]
            for key, viewings in list(self._open.items()):
                left = [one for one in viewings if not self._is_closed(one, now_ns, is_last)]
                self._count -= len(viewings) - len(left)
                if left:
                    self._open[key] = left
                else:
                    del self._open[key]

    def run(self, stop: threading.Event) -> None:
        """Flush periodically until `stop`."""
        while not self._clock.wait(stop, FLUSH_INTERVAL_S):
            self.flush()

    def _is_closed(self, viewing: OpenViewing, now_ns: int, is_last: bool) -> bool:
        """Write the line of a viewing if one is due; return whether the viewing is over."""
        if viewing.is_connection and not viewing.has_ended:
            viewing.last_ns = now_ns
        is_silent = now_ns - viewing.last_ns >= SILENCE_S * NS_PER_S
        is_over = is_last or viewing.has_ended or is_silent
        if not is_over and now_ns - viewing.reported_ns < EXTENDED_S * NS_PER_S:
            return False
        until = rfc3339(viewing.last_ns + self._clock.stepped_ns)
        terms = {name: text for name, text in viewing.entry.terms.items() if name != "range"}
        if not viewing.is_connection:
            terms["requests"] = str(viewing.requests)
        terms["until"] = until
        line = viewing.entry.model_copy(update={"phase": Phase.VIEWED, "terms": terms})
        try:
            self._audit.append(line)
        except AuditUnavailable as error:
            self._warn("viewings", f"the end of a viewing cannot be written: {error}")
            if is_last:
                AUDIT_LINES_LOST.labels(Phase.VIEWED).inc()
            return is_last
        viewing.reported_ns = now_ns
        return is_over
