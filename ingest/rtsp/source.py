"""The one RTSP door: a camera's packets, by our own reader where it can, else by libavformat."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Protocol

from domain.camera_states import Why
from domain.errors import SourceUnreachable
from domain.registry import Camera, Credentials, Networks
from domain.settings import RtspReader, Settings
from ingest.packets.packet_builder import SourceCounts
from ingest.packets.timeline import Timeline
from ingest.rtsp import libav as rtsp_libav
from ingest.rtsp.connection import Connection, End, PacketSink
from ingest.rtsp.endpoint import Endpoint, Pull, is_address
from ingest.rtsp.pull_loop import PullLoop
from ingest.rtsp.reader import Elsewhere, UnsupportedStream

_log = logging.getLogger(__name__)
_MAX_MOVES = 4


class Receiver(PacketSink, Protocol):
    def ended(self, error: Exception | None, /) -> None:
        """The connection is over, in the loop's thread: once for each `open`. None where
        `close` asked for it.
        """


class RtspSource:
    """One camera's packets, from one connection at a time. Sessions count up over all connections
    of one source.

    `open` and `close` belong to the loop's thread. The packets come in it too, or, where
    libavformat reads, in a thread of that connection.
    """

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        networks: Networks,
        settings: Settings,
    ) -> None:
        self._camera = camera
        self._credentials = credentials
        self._networks = networks
        self._settings = settings
        self._counts = SourceCounts(Timeline())
        self._attempt: _Attempt | None = None

    @property
    def counts(self) -> SourceCounts:
        """Of the present connection; written while it lasts."""
        return self._counts

    def open(self, loop: PullLoop, receiver: Receiver) -> None:
        """Connect, and hand packets over from the first keyframe on, until `close` or the
        connection's end.
        """
        self._counts.reset()
        stop = threading.Event()

        def pull_of(endpoint: Endpoint) -> Pull:
            settings, ports = (
                self._settings,
                (self._settings.udp_port_first, self._settings.udp_port_last),
            )
            return Pull(
                self._camera.id,
                endpoint,
                self._credentials,
                self._counts,
                settings.source_timeout_s,
                ports,
                stop,
                loop.clock,
                loop.watchdog,
            )

        is_ours = self._settings.rtsp_reader is RtspReader.OWN
        self._attempt = attempt = _Attempt(
            self._camera, self._networks, is_ours, pull_of, stop, loop, receiver
        )
        loop.call(attempt, partial(attempt.go, self._camera.url))

    def close(self) -> None:
        if self._attempt is not None:
            self._attempt.close()

    def read_now(self) -> None:
        """Somebody may wait for what comes: what has come already is not to wait for its turn."""
        if self._attempt is not None:
            self._attempt.read_now()


class _Attempt:
    """One connection, with the moves to other addresses and readers that it takes."""

    def __init__(
        self,
        camera: Camera,
        networks: Networks,
        is_ours: bool,
        pull_of: Callable[[Endpoint], Pull],
        stop: threading.Event,
        loop: PullLoop,
        receiver: Receiver,
    ) -> None:
        self._camera = camera
        self._networks = networks
        self._is_ours = is_ours
        self._pull_of = pull_of
        self._stop = stop
        self._loop = loop
        self._receiver = receiver
        self._connection: Connection | None = None
        self._has_thread = False
        self._is_over = False
        self._moves = 0

    def go(self, url: str) -> None:
        """Find the address, in a thread where a name server has to be asked, and connect."""
        if self._stop.is_set():
            return
        if is_address(url):
            self._connect(Endpoint.of(url, self._camera.transport, self._networks))
        else:
            threading.Thread(
                target=self._resolve, args=(url,), name=f"resolve {self._camera.id}", daemon=True
            ).start()

    def close(self) -> None:
        self._stop.set()
        self._loop.watchdog.wake()
        if self._connection is not None:
            self._connection.leave()
        if not self._has_thread:  # else its end is told when it has ended
            self._end(None)

    def read_now(self) -> None:
        if self._connection is not None:
            self._connection.read_now()

    def failed(self, error: Exception) -> None:
        self._end(error)

    def _resolve(self, url: str) -> None:
        try:
            endpoint = Endpoint.of(url, self._camera.transport, self._networks)
        except Exception as error:  # noqa: BLE001 - told in the loop's thread
            self._loop.call(self, partial(self._end, error))
        else:
            self._loop.call(self, partial(self._connect, endpoint))

    def _connect(self, endpoint: Endpoint) -> None:
        if self._stop.is_set():
            return
        pull = self._pull_of(endpoint)
        if self._is_ours and endpoint.scheme == "rtsp":
            self._connection = Connection(
                pull, self._loop, self._receiver, partial(self._connection_ended, pull)
            )
            self._connection.open()
        else:
            self._begin_libavformat(pull)

    def _connection_ended(self, pull: Pull, end: End) -> None:
        self._connection = None
        if isinstance(end, UnsupportedStream):
            _log.info("%s: libavformat reads this camera: %s", self._camera.id, end.reason)
            self._loop.call(self, partial(self._begin_libavformat, pull))
        elif isinstance(end, Elsewhere):
            self._loop.call(self, partial(self._move, end.url))
        else:
            self._end(end)

    def _move(self, url: str) -> None:
        self._moves += 1
        if self._moves > _MAX_MOVES or not url.lower().startswith("rtsp://"):
            sentence = (
                "the camera redirects to an address that cannot be followed; write the "
                "right one into the registry"
            )
            raise SourceUnreachable(sentence, Why.REDIRECTED)
        self.go(url)

    def _begin_libavformat(self, pull: Pull) -> None:
        if self._stop.is_set():
            return
        self._has_thread = True
        threading.Thread(
            target=self._read_by_libavformat, args=(pull,), name=f"pull {self._camera.id}"
        ).start()

    def _read_by_libavformat(self, pull: Pull) -> None:
        error: Exception | None = None
        try:
            with closing(rtsp_libav.packets(pull)) as packets:
                for packet in packets:
                    self._receiver.on_packets([packet])
        except Exception as caught:  # noqa: BLE001 - told in the loop's thread
            error = caught
        self._loop.call(self, partial(self._end, error))

    def _end(self, error: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._receiver.ended(None if self._stop.is_set() else error)
