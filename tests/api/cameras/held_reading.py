"""Reads segments of a node only as far as a test has released them."""

from __future__ import annotations

import threading

from api.nodes.client import NodeClient, NodeStream
from domain.clock import SystemClock
from tests.api.site_data import SIGNER
from tests.waiting import wait_event


class HeldReading(NodeClient):
    """A client that reads `free_count` parts of segments at once, and waits before the next one."""

    def __init__(self, free_count: int = 0) -> None:
        super().__init__(SIGNER, SystemClock())
        self.released = threading.Event()
        self.opened = 0
        self._free_count = free_count

    def segment_part(
        self, node_api_url: str, node: str, camera_id: str, name: str, part: tuple[int, int]
    ) -> NodeStream:
        self.opened += 1
        if self.opened > self._free_count:
            wait_event("release", self.released)
        return super().segment_part(node_api_url, node, camera_id, name, part)
