"""The worker's end of live view: a Unix socket on which the live process receives a camera's
packets, sound and detections while clients watch.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from domain import metrics
from domain.errors import NotFound
from domain.media.fanout import Fanout, SoundTap, Tap
from domain.media.live_detections import DetectionFeed, DetectionQueue, write_detections
from domain.media.packets import StreamInfo
from domain.paths.local_sockets import is_ours, listening
from ingest.live import wire as live_wire

_log = logging.getLogger(__name__)
MAX_CLIENTS = 64
TAP = "live"
_POLL_S = 0.25
_SEND_S = 1.5
"""A client that reads nothing for this long is disconnected; it may reconnect."""
_ALIVE_EVERY_S = 0.5
_MAX_ID_BYTES = 256


class LiveTap:
    """Serves the cameras of one worker. The context `watching(stream)` gives the fan-out of a
    stream, and keeps an on-demand camera pulled while it is open. `detections(camera_id)` gives the
    detections of a checkpoint. Both raise NotFound for an unknown camera.
    """

    def __init__(
        self,
        path: Path,
        watching: Callable[[str], AbstractContextManager[Fanout]],
        detections: Callable[[str], AbstractContextManager[DetectionFeed]],
    ) -> None:
        self._path = path
        self._watching = watching
        self._detections = detections
        self._clients: set[threading.Thread] = set()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def wake(self) -> None:
        """Wake the thread, because `stop` was set."""
        os.eventfd_write(self._wake, 1)

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` and `wake`. Return when every client's thread has ended, within
        2 s.
        """
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        with listening(self._path, MAX_CLIENTS) as server:
            poll.register(server, select.POLLIN)
            while not stop.is_set():
                poll.poll()
                with suppress(BlockingIOError):
                    connection, _ = server.accept()
                    self._admit(connection, stop)
                self._clients = {client for client in self._clients if client.is_alive()}
        self._path.unlink(missing_ok=True)
        for client in self._clients:
            client.join()

    def _admit(self, connection: socket.socket, stop: threading.Event) -> None:
        if not is_ours(connection) or len(self._clients) >= MAX_CLIENTS:
            _log.warning(
                "a live connection was refused: %d are open, or another user made it",
                len(self._clients),
            )
            connection.close()
            return
        client = threading.Thread(
            target=self._serve, args=(connection, stop), name="live-client", daemon=True
        )
        self._clients.add(client)
        client.start()

    def _serve(self, connection: socket.socket, stop: threading.Event) -> None:
        connection.settimeout(_SEND_S)
        with (
            connection,
            suppress(OSError),
        ):  # the client disconnected or reads nothing, so it is over
            try:
                name = _read_id(connection)
                if name.endswith(live_wire.DETECTIONS_SUFFIX):
                    camera_id = name.removesuffix(live_wire.DETECTIONS_SUFFIX)
                    with self._detections(camera_id) as feed:
                        _feed_detections(connection, feed, stop)
                elif name.endswith(live_wire.SOUND_SUFFIX):
                    camera_id = name.removesuffix(live_wire.SOUND_SUFFIX)
                    with self._watching(camera_id) as fanout:
                        _feed_sound(connection, camera_id, fanout, stop)
                else:
                    with self._watching(name) as fanout:
                        _feed(connection, fanout, stop)
            except NotFound as error:
                connection.sendall(live_wire.error_message(error.message))


def _read_id(connection: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n"):
        piece = connection.recv(_MAX_ID_BYTES)
        if not piece or len(line) > _MAX_ID_BYTES:
            raise NotFound("the request was no camera id")
        line += piece
    return line.strip().decode("utf-8", "replace")


def _feed(connection: socket.socket, fanout: Fanout, stop: threading.Event) -> None:
    tap = fanout.open(TAP, from_held=True)
    counted = 0
    try:
        stream: StreamInfo | None = None
        while not stop.is_set():
            stream = _forward(connection, tap, stream)
            if tap.closed or _has_hung_up(connection):
                break
            counted = _count_drops(tap, stream, counted)
        connection.sendall(live_wire.message(live_wire.END))
    finally:
        fanout.close(tap)
        _count_drops(tap, stream, counted)


def _feed_sound(
    connection: socket.socket, camera_id: str, fanout: Fanout, stop: threading.Event
) -> None:
    """Send the sound of a camera while the client is connected. Raises NotFound if it sends none
    that is passed on.
    """
    tap = fanout.open_sound()
    counted = 0
    try:
        stream: StreamInfo | None = None
        while not (stop.is_set() or tap.closed or _has_hung_up(connection)):
            stream = _forward_sound(connection, tap, stream)
            now = fanout.newest_stream
            if now is not None and now.audio is None:
                raise NotFound(
                    "camera {camera} sends no sound that can be passed on; "
                    "switch on its microphone in the settings of the camera, "
                    "and choose G.711 or AAC",
                    camera=camera_id,
                )
            counted = _count_drops(tap, stream, counted)
        connection.sendall(live_wire.message(live_wire.END))
    finally:
        fanout.close_sound(tap)
        _count_drops(tap, stream, counted)


def _forward_sound(
    connection: socket.socket, tap: SoundTap, stream: StreamInfo | None
) -> StreamInfo | None:
    """Send the waiting sound in one write. Return the stream that the client now knows."""
    pieces: list[bytes] = []
    for packet in tap.take(_POLL_S):
        if packet.stream is not stream:
            stream = packet.stream
            pieces.append(live_wire.stream_message(stream))
        pieces.append(live_wire.sound_message(packet))
    if pieces:
        connection.sendall(b"".join(pieces))
    return stream


def _feed_detections(connection: socket.socket, feed: DetectionFeed, stop: threading.Event) -> None:
    """Send the detections of a camera while the client is connected."""
    ready = threading.Event()
    queue = DetectionQueue("live", ready.set)
    feed.join(queue)
    try:
        while not (stop.is_set() or feed.has_ended or _has_hung_up(connection)):
            ready.wait(_ALIVE_EVERY_S)
            ready.clear()
            messages = [
                live_wire.message(live_wire.DETECTIONS, write_detections(one))
                for one in queue.take()
            ]
            connection.sendall(b"".join(messages) or live_wire.message(live_wire.ALIVE))
        connection.sendall(live_wire.message(live_wire.END))
    finally:
        feed.leave(queue)


def _forward(connection: socket.socket, tap: Tap, stream: StreamInfo | None) -> StreamInfo | None:
    """Send the waiting packets in one write. Return the stream that the client now knows."""
    pieces: list[bytes] = []
    for packet in tap.take(_POLL_S):
        if packet.stream is not stream:
            stream = packet.stream
            pieces.append(live_wire.stream_message(stream))
        pieces.append(live_wire.packet_message(packet))
    if pieces:
        connection.sendall(b"".join(pieces))
    return stream


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the client has disconnected; it sends nothing after its first line."""
    return bool(select.select([connection], [], [], 0)[0])


def _count_drops(tap: Tap | SoundTap, stream: StreamInfo | None, counted: int) -> int:
    if stream is not None and tap.dropped_packets > counted:
        metrics.PACKETS_DROPPED.labels(stream.camera_id, TAP).inc(tap.dropped_packets - counted)
        return tap.dropped_packets
    return counted
