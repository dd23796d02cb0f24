"""The live process's end of live view: a camera's packets and detections from the worker that
pulls it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from domain.errors import DataLoss, NodeOffline, NotFound
from domain.media.live_detections import LiveDetections, read_detections
from domain.media.packets import AudioPacket, Packet, StreamInfo
from domain.paths.local_sockets import address_of, is_ours
from ingest.live import wire as live_wire

_POLL_S = 0.25
_CONNECT_S = 2.0


def _do_nothing() -> None:
    """Serve as the default callback."""


def live_packets(
    path: Path,
    camera_id: str,
    stop: threading.Event,
    on_idle: Callable[[], None] = _do_nothing,
) -> Iterator[Packet]:
    """Yield the packets of a camera from the last keyframe on, until `stop` is set or the worker
    removes the camera. `on_idle` is called while nothing arrives, four times a second.

    Raises NotFound if the worker has no such camera, NodeOffline if it does not run or dies, and
    what `on_idle` raises.
    """
    stream: StreamInfo | None = None
    for kind, body in _messages(path, camera_id, stop, on_idle):
        if kind == live_wire.STREAM:
            stream = live_wire.parse_stream(body)
        elif stream is not None:
            yield live_wire.parse_packet(body, stream)


def live_sound(
    path: Path,
    camera_id: str,
    stop: threading.Event,
    on_idle: Callable[[], None] = _do_nothing,
) -> Iterator[AudioPacket]:
    """Yield the sound of a camera from now on. The rest is as for `live_packets`.

    Raises NotFound, too, if the camera sends no sound that can be passed on.
    """
    stream: StreamInfo | None = None
    for kind, body in _messages(path, camera_id + live_wire.SOUND_SUFFIX, stop, on_idle):
        if kind == live_wire.STREAM:
            stream = live_wire.parse_stream(body)
        elif stream is not None:
            yield live_wire.parse_sound(body, stream)


def live_detections(path: Path, camera_id: str, stop: threading.Event) -> Iterator[LiveDetections]:
    """Yield the detections of a checkpoint until `stop` is set or the worker ends.

    Raises NotFound if the worker has no such checkpoint, and NodeOffline if it does not run.
    """
    name = camera_id + live_wire.DETECTIONS_SUFFIX
    for kind, body in _messages(path, name, stop, _do_nothing):
        if kind == live_wire.DETECTIONS:
            yield read_detections(body)


def _messages(
    path: Path, name: str, stop: threading.Event, on_idle: Callable[[], None]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the body of each message up to the end."""
    with _connect(path) as connection:
        connection.sendall(name.encode() + b"\n")
        connection.settimeout(_POLL_S)
        while (head := _receive(connection, live_wire.HEAD.size, stop, on_idle)) is not None:
            size_bytes, kind = live_wire.HEAD.unpack(head)
            if size_bytes > live_wire.MAX_BYTES:
                raise DataLoss(
                    "the worker's live connection is out of step (a message of {size_bytes} bytes)",
                    size_bytes=size_bytes,
                )
            body = _receive(connection, size_bytes, stop, on_idle)
            if body is None or kind == live_wire.END:
                return
            if kind == live_wire.ERROR:
                raise NotFound(live_wire.parse_error(body))
            yield kind, body


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_CONNECT_S)
    try:
        with address_of(path) as address:
            connection.connect(address)
        is_own = is_ours(connection)
    except OSError as error:
        connection.close()
        raise NodeOffline(
            "the camera's worker does not answer at {path}: {reason}",
            path=path,
            reason=error.strerror or error,
        ) from error
    if not is_own:
        connection.close()
        raise NodeOffline("the socket of {path} belongs to another user", path=path)
    return connection


def _receive(
    connection: socket.socket,
    size_bytes: int,
    stop: threading.Event,
    on_idle: Callable[[], None],
) -> bytes | None:
    """Receive exactly `size_bytes`; None when stopped."""
    received = bytearray()
    while len(received) < size_bytes:
        if stop.is_set():
            return None
        try:
            piece = connection.recv(size_bytes - len(received))
        except TimeoutError:
            on_idle()
            continue
        except OSError as error:
            raise NodeOffline(
                "the camera's worker broke off: {reason}", reason=error.strerror
            ) from error
        if not piece:
            raise NodeOffline("the camera's worker broke off")
        received += piece
    return bytes(received)
