"""Which nodes are alive, as one node determines it by its own clock. This module does no I/O."""

from __future__ import annotations

from collections.abc import Mapping

from storage.site.nodes import NodeEntry

SILENT_FOR_S = 4.0
"""A node whose heartbeat has not changed for this long counts as dead."""


class Membership:
    """The living nodes of a site.

    An unknown node counts as alive until it has been silent, so the entry of a node that died long
    ago expires soon. An outage of Redis does not count as silence of any node.
    """

    def __init__(self) -> None:
        self._entries: dict[str, NodeEntry] = {}
        self._changed_s: dict[str, float] = {}
        self.answers = False
        """Whether Redis responded to the last call."""

    def update(self, entries: Mapping[str, NodeEntry], now_s: float) -> None:
        """Add the current entries of all nodes. A node without an entry is silent since its last
        change.
        """
        for name, entry in entries.items():
            if entry != self._entries.get(name):
                self._changed_s[name] = now_s
        if not self.answers:
            self._changed_s = dict.fromkeys(self._changed_s, now_s)
        self._entries |= entries
        self.answers = True

    def on_outage(self) -> None:
        """Note that Redis did not respond."""
        self.answers = False

    def capacities(self, now_s: float) -> dict[str, float]:
        """Return the capacity of each living node."""
        return {
            name: entry.capacity
            for name, entry in self._entries.items()
            if now_s - self._changed_s[name] < SILENT_FOR_S
        }
