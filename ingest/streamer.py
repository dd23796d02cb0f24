"""Keeps one camera pulled: `run_once` is one connection, `run` goes on for ever with backoff, and `status` says how it stands."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from domain import metrics
from domain.clock import NS_PER_S, Clock
from domain.errors import SourceError
from domain.fanout import Fanout
from domain.log import FloodGate
from domain.media import Packet
from domain.registry import Camera, Credentials, Networks
from domain.settings import Settings
from domain.states import CameraState, CameraStatus
from ingest.backoff import Backoff
from ingest.rtsp import RtspSource
from ingest.timeline import Timeline

_LOG = logging.getLogger(__name__)
NO_KEYFRAME_S = 20.0
"""Packets without a keyframe for this long are the state `no_keyframes`: nothing of them can be recorded or shown."""
_RATE_NS = 4 * NS_PER_S
"""fps and bitrate are measured over this much media time."""


class Source(Protocol):
    """What a streamer pulls from: `RtspSource`, or in tests anything that yields packets."""

    timeline: Timeline
    before_keyframe_packets: int
    broken_packets: int
    jumps: int

    def packets(self, stop: threading.Event) -> Iterator[Packet | None]:
        """Packets from the first keyframe on; None for one that came before it. Raises SourceError."""


class Streamer:
    """Pulls one camera into its fan-out. `run` in one thread; `status` from any."""

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        networks: Networks,
        fanout: Fanout,
        settings: Settings,
        clock: Clock,
        source: Source | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._camera = camera
        self._fanout = fanout
        self._clock = clock
        self._source: Source = source or RtspSource(camera, credentials, networks, settings.source_timeout_s, clock)
        self._backoff = backoff or Backoff()
        self._status = CameraStatus(camera.id, CameraState.CONNECTING, clock.wall_ns(), node=settings.node)
        self._status_lock = threading.Lock()
        self._rate = _Rate()
        self._newest: Packet | None = None
        self._media_ns = 0
        self._gate = FloodGate(_LOG.warning, clock, every_s=60.0)
        self._packets = metrics.PACKETS.labels(camera.id)
        self._live = metrics.CAMERA_LIVE.labels(camera.id)
        self._skew = metrics.CAMERA_SKEW_S.labels(camera.id)

    def run(self, stop: threading.Event) -> None:
        """Pull until `stop`: after each connection that ends, wait (longer with each that gave little) and connect again."""
        while not stop.is_set():
            try:
                self.run_once(stop)
            except SourceError as error:
                self._failed(error)
            if self._clock.wait(stop, self._backoff.next_s(self._media_ns / NS_PER_S)):
                break
            with self._status_lock:
                self._status = replace(self._status, reconnects=self._status.reconnects + 1)
        self._enter(CameraState.IDLE)

    def run_once(self, stop: threading.Event) -> None:
        """One connection, from connecting to its end. Raises SourceError for every end but `stop`."""
        if self._status.state is CameraState.LIVE:
            self._enter(CameraState.CONNECTING)
        self._media_ns, self._newest, self._rate = 0, None, _Rate()
        opened_s = keyframe_s = self._clock.monotonic_s()
        next_look_ns = 0
        try:
            for packet in self._source.packets(stop):
                self._packets.inc()
                if packet is None:
                    self._watch_keyframes(self._clock.monotonic_s() - keyframe_s)
                    continue
                self._fanout.put(packet)
                self._rate.add(packet)
                self._newest = packet
                if packet.is_keyframe:
                    keyframe_s = self._clock.monotonic_s()
                if packet.received_ns >= next_look_ns:
                    next_look_ns = packet.received_ns + NS_PER_S
                    self._media_ns = round((self._clock.monotonic_s() - opened_s) * NS_PER_S)
                    self._look(self._clock.monotonic_s() - keyframe_s)
        finally:
            self._live.set(0)

    def status(self) -> CameraStatus:
        """How the camera stands now; `recorded_until_ns` and `lost_packets` are for the composer to fill in."""
        with self._status_lock:
            status, newest = self._status, self._newest
        if newest is None:
            return status
        stream = newest.stream
        is_live = status.state in (CameraState.LIVE, CameraState.NO_KEYFRAMES)
        fps, bitrate_bps = self._rate.measure() if is_live else (0.0, 0)
        return replace(
            status,
            last_packet_wall_ns=newest.wall_ns,
            codec=stream.codec,
            width_px=stream.width_px,
            height_px=stream.height_px,
            fps=fps,
            bitrate_bps=bitrate_bps,
            wall_source=newest.wall_source.value,
        )
