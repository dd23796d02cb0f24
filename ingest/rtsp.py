"""The one RTSP door: a camera's packets, by our own reader where it can, else by libavformat."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator

from domain.clock import Clock
from domain.media import Packet
from domain.registry import Camera, Credentials, Networks
from domain.settings import RtspReader
from ingest import rtsp_libav, rtsp_reader
from ingest.connect import Endpoint, Pull
from ingest.intake import Counts
from ingest.timeline import Timeline

_LOG = logging.getLogger(__name__)


class RtspSource:
    """One camera's packets, from one connection at a time. Sessions count up over all connections of one source."""

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        networks: Networks,
        timeout_s: float,
        clock: Clock,
        reader: RtspReader = RtspReader.OWN,
    ) -> None:
        self._camera = camera
        self._credentials = credentials
        self._networks = networks
        self._timeout_s = timeout_s
        self._clock = clock
        self._is_ours = reader is RtspReader.OWN
        self._counts = Counts(Timeline())

    @property
    def timeline(self) -> Timeline:
        return self._counts.timeline

    @property
    def before_keyframe_packets(self) -> int:
        return self._counts.before_keyframe_packets

    @property
    def broken_packets(self) -> int:
        return self._counts.broken_packets

    @property
    def jumps(self) -> int:
        return self._counts.jumps

    def packets(self, stop: threading.Event) -> Generator[Packet, None, None]:
        """Connect, and yield packets from the first keyframe until `stop` is set.

        Raises a SourceError when the connection fails, is silent for the timeout, or ends. Close the iterator to end it early.
        """
        self._counts.begin()
        endpoint = Endpoint.of(self._camera, self._networks)
        pull = Pull(self._camera.id, endpoint, self._credentials, self._counts, self._timeout_s, stop, self._clock)
        if self._is_ours and endpoint.scheme == "rtsp" and endpoint.transport == "tcp":
            reason = yield from rtsp_reader.packets(pull)
            if not reason:
                return
            _LOG.info("%s: read by libavformat: %s", self._camera.id, reason)
        yield from rtsp_libav.packets(pull)
