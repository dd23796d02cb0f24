"""Which nodes of the city live, as one of them sees it by its own clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from storage.site.nodes import NodeEntry

SILENT_FOR_S = 4.0
"""A node whose beat has not changed for this long is taken for dead."""


class Membership:
    """A node not seen before counts as alive until it has been silent: what Redis kept of one that
    died long ago soon tells itself apart.

    A time in which Redis could not be asked is nobody's silence.
    """

    def __init__(self) -> None:
        self._entries: dict[str, NodeEntry] = {}
        self._changed_s: dict[str, float] = {}
        self.answers = False
        """Whether Redis did when it was last asked."""

    def see(self, entries: Mapping[str, NodeEntry], now_s: float) -> None:
        """What Redis says of all nodes now. One that it has forgotten is silent from when it
        was last heard.
        """
        for name, entry in entries.items():
            if entry != self._entries.get(name):
                self._changed_s[name] = now_s
        if not self.answers:
            self._changed_s = dict.fromkeys(self._changed_s, now_s)
        self._entries |= entries
        self.answers = True

    def unheard(self) -> None:
        """Redis did not answer."""
        self.answers = False

    def capacities(self, now_s: float) -> dict[str, float]:
        """What each node that lives can take."""
        return {
            name: entry.capacity
            for name, entry in self._entries.items()
            if now_s - self._changed_s[name] < SILENT_FOR_S
        }
