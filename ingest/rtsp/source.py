"""Reads a camera's packets over RTSP, by our own reader if it can, otherwise by libavformat."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Protocol

from domain.address_ranges import special_range
from domain.camera_states import Why
from domain.errors import SourceUnreachable
from domain.registry import Camera, Credentials, Networks
from domain.settings import Settings
from domain.settings_groups.recording import RtspReader
from ingest.packets.packet_builder import SourceCounts
from ingest.packets.timeline import Timeline
from ingest.rtsp import libav as rtsp_libav
from ingest.rtsp.connection import Connection, End, PacketSink
from ingest.rtsp.endpoint import CameraTrust, Endpoint, Pull, is_address
from ingest.rtsp.pull_loop import PullLoop
from ingest.rtsp.reader import Redirect, UnsupportedStream
from ingest.rtsp.session import basic_refused

_log = logging.getLogger(__name__)
_MAX_REDIRECTS = 4
_BAD_REDIRECT = (
    "the camera redirects to an address that cannot be followed; write the right one into the "
    "registry"
)


class Receiver(PacketSink, Protocol):
    def ended(self, error: Exception | None, /) -> None:
        """Handle the end of the connection, in the loop's thread, once for each `open`. `error` is
        None if `close` requested it.
        """


class RtspSource:
    """Reads one camera, through one connection at a time. Sessions are numbered over all
    connections.

    `open` and `close` belong to the loop's thread. Packets arrive in the same thread or, if
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
        """The counts of the present connection, which change while it is open."""
        return self._counts

    def open(self, loop: PullLoop, receiver: Receiver) -> None:
        """Connect, and pass on packets from the first keyframe on, until `close` or the end of the
        connection.
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
                self._trust(),
            )

        uses_own_reader = self._settings.rtsp_reader is RtspReader.OWN
        self._attempt = attempt = _Attempt(
            self._camera, self._networks, uses_own_reader, pull_of, stop, loop, receiver
        )
        loop.call(attempt, partial(attempt.connect, self._camera.url))

    def _trust(self) -> CameraTrust:
        tls = self._camera.tls
        return CameraTrust(
            self._camera.host,
            Path(tls.ca) if tls and tls.ca else self._settings.rtsps_ca,
            (tls and tls.sha256) or "",
            self._camera.basic_in_clear,
        )

    def close(self) -> None:
        if self._attempt is not None:
            self._attempt.close()

    def read_now(self) -> None:
        """Read the waiting data now, because a consumer may wait for it."""
        if self._attempt is not None:
            self._attempt.read_now()


class _Attempt:
    """One connection attempt, including redirects and the change to another reader."""

    def __init__(
        self,
        camera: Camera,
        networks: Networks,
        uses_own_reader: bool,
        pull_of: Callable[[Endpoint], Pull],
        stop: threading.Event,
        loop: PullLoop,
        receiver: Receiver,
    ) -> None:
        self._camera = camera
        self._networks = networks
        self._uses_own_reader = uses_own_reader
        self._pull_of = pull_of
        self._stop = stop
        self._loop = loop
        self._receiver = receiver
        self._connection: Connection | None = None
        self._has_thread = False
        self._is_over = False
        self._redirects = 0
        self._first: Endpoint | None = None

    def connect(self, url: str) -> None:
        """Resolve the address, in a thread if a name server must be queried, and connect."""
        if self._stop.is_set():
            return
        if is_address(url):
            self._connect(Endpoint.resolve(url, self._camera.transport, self._networks))
        else:
            threading.Thread(
                target=self._resolve, args=(url,), name=f"resolve {self._camera.id}", daemon=True
            ).start()

    def close(self) -> None:
        self._stop.set()
        self._loop.watchdog.wake()
        if self._connection is not None:
            self._connection.leave()
        if not self._has_thread:  # otherwise its thread reports the end
            self._end(None)

    def read_now(self) -> None:
        if self._connection is not None:
            self._connection.read_now()

    def failed(self, error: Exception) -> None:
        self._end(error)

    def _resolve(self, url: str) -> None:
        try:
            endpoint = Endpoint.resolve(url, self._camera.transport, self._networks)
        except Exception as error:  # noqa: BLE001 - reported in the loop's thread
            self._loop.call(self, partial(self._end, error))
        else:
            self._loop.call(self, partial(self._connect, endpoint))

    def _connect(self, endpoint: Endpoint) -> None:
        if self._stop.is_set():
            return
        self._check_redirect(endpoint)
        pull = self._pull_of(endpoint)
        if self._uses_own_reader and endpoint.scheme == "rtsp":
            self._connection = Connection(
                pull, self._loop, self._receiver, partial(self._connection_ended, pull)
            )
            self._connection.open()
        elif pull.credentials is not None and not self._uses_own_reader and not pull.may_send_basic:
            # libavformat answers whatever it is asked for, and has no option for that.
            raise basic_refused()
        else:
            self._begin_libavformat(pull)

    def _connection_ended(self, pull: Pull, end: End) -> None:
        self._connection = None
        if isinstance(end, UnsupportedStream):
            _log.info("%s: libavformat reads this camera: %s", self._camera.id, end.reason)
            self._loop.call(self, partial(self._begin_libavformat, pull))
        elif isinstance(end, Redirect):
            self._loop.call(self, partial(self._follow_redirect, end.url))
        else:
            self._end(end)

    def _follow_redirect(self, url: str) -> None:
        self._redirects += 1
        if self._redirects > _MAX_REDIRECTS or not url.lower().startswith("rtsp://"):
            raise SourceUnreachable(_BAD_REDIRECT, Why.REDIRECTED)
        self.connect(url)

    def _check_redirect(self, endpoint: Endpoint) -> None:
        """Raises SourceUnreachable where a camera of the network redirects to this machine itself,
        whose servers trust their neighbours.
        """
        self._first = self._first or endpoint
        special = special_range(_address_of(endpoint))
        if special is not None and special != special_range(_address_of(self._first)):
            raise SourceUnreachable(_BAD_REDIRECT, Why.REDIRECTED)

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
        except Exception as caught:  # noqa: BLE001 - reported in the loop's thread
            error = caught
        self._loop.call(self, partial(self._end, error))

    def _end(self, error: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._receiver.ended(None if self._stop.is_set() else error)


def _address_of(endpoint: Endpoint) -> IPv4Address | IPv6Address:
    return ip_address(endpoint.address.partition("%")[0])
