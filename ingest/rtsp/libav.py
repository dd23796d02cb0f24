"""Reads a camera's packets by libavformat (PyAV): over TLS, and the streams that our own reader
does not support. Its errors are converted to ours.

No password leaves this module. libavformat gets it in a URL, its log is off, and its error texts,
which quote the URL, are never shown or chained. `docs/ingest.md` describes peculiarities of
cameras.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from fractions import Fraction

import av
import av.logging
from av.container import InputContainer
from av.video.stream import VideoStream

from domain.camera_states import Why
from domain.clock import NS_PER_S
from domain.errors import (
    SourceError,
    SourceNoVideo,
    SourceRejected,
    SourceTimeout,
    SourceUnreachable,
    SourceUnsupported,
)
from domain.media.packets import Packet, StreamInfo
from domain.messages.message import system_reason
from domain.registry import Credentials
from ingest.packets.packet_builder import PacketBuilder, TimedAccessUnit
from ingest.rtsp.endpoint import Endpoint, Pull, preflight
from ingest.rtsp.libav_watchdog import WatchedConnection
from ingest.rtsp.session import login_refused
from ingest.rtsp.tls import verified_options

CODECS = ("h264", "hevc")
_MAX_LOGIN_BYTES = 127
"""The limit of user and password in libavformat, which truncates longer ones."""
_SAME_REPORT_NS = NS_PER_S // 10
_OPTIONS = {
    "allowed_media_types": "video",  # audio is not set up, so it costs nothing
    # the first packet is enough: parameter sets and size are read here; packets read while probing
    # are delivered
    "probesize": "32",
    "analyzeduration": "0",
    "reorder_queue_size": "256",
    "buffer_size": "2097152",  # of a UDP socket: a keyframe of 8 Mbit/s streams comes as one burst
    "user_agent": "Sightline",
}
av.logging.set_level(None)


def packets(pull: Pull) -> Generator[Packet, None, None]:
    """Yield the packets of one connection, from the first keyframe on, until `pull.stop` is set.

    Raises SourceError for every other end.
    """
    url = _login_url(pull.endpoint, pull.credentials)
    if pull.endpoint.scheme != "rtsps":
        if preflight(pull):
            yield from _connected(pull, url, {})
        return
    with verified_options(pull) as options:
        if options is not None:
            yield from _connected(pull, url, options)


def _connected(pull: Pull, url: str, options: dict[str, str]) -> Iterator[Packet]:
    endpoint, timeout_s, stop = pull.endpoint, pull.timeout_s, pull.stop
    peer = endpoint.address.partition("%")[0], endpoint.port
    with pull.watchdog.watching(peer, timeout_s, stop, pull.clock) as watched:
        failure: SourceError | None = None
        try:
            with watched.opening():
                container = _open(url, endpoint.transport, timeout_s, options)
            with container:
                if watched.was_redirected():
                    raise SourceUnreachable(
                        "the camera redirects to another address; write that one into the registry",
                        Why.REDIRECTED,
                    )
                yield from _demux(container, watched, pull)
        except av.FFmpegError as error:
            failure = _mapped(error, watched.timed_out, pull)
    if not stop.is_set():
        # Raised out here, so that no traceback shows libavformat's error, which quotes the URL with
        # its password.
        raise failure or _ended(watched.timed_out, timeout_s)


def _demux(container: InputContainer, watched: WatchedConnection, pull: Pull) -> Iterator[Packet]:
    stream = _video_of(container)
    counts, clock = pull.counts, pull.clock
    builder = PacketBuilder(
        counts, _described_stream(pull.camera_id, stream), stream.codec_context.reorder_depth
    )
    sender = _SenderClock()
    passed_on_ns = clock.steady_ns()
    for raw in container.demux(stream):
        # A packet is handed over when the next one begins to arrive: so it arrived when the one
        # before it was handed over.
        received_ns, passed_on_ns = passed_on_ns, clock.steady_ns()
        data = bytes(raw)
        if not data:
            break
        if pull.stop.is_set():
            return
        watched.on_media()
        counts.broken_packets += raw.is_corrupt
        jumps = counts.jumps
        sender_wall_ns = (
            sender.wall_ns(raw, builder.ns(raw.pts))
            if builder.needs_sender_time and raw.pts is not None
            else None
        )
        packet = builder.packet(
            TimedAccessUnit(
                data,
                raw.pts,
                raw.dts,
                raw.duration or 0,
                received_ns,
                sender_wall_ns,
                clock.stepped_ns,
            )
        )
        if counts.jumps != jumps:
            sender.on_jump()
        if packet is not None:
            yield packet


def _described_stream(camera_id: str, stream: VideoStream) -> StreamInfo:
    """Return the stream as the description states it; extradata and size may still be missing."""
    context = stream.codec_context
    if context.name not in CODECS:
        raise SourceUnsupported(
            "the camera sends {codec}; set it to H.264 or H.265", codec=context.name
        )
    time_base = stream.time_base or Fraction(1, 90_000)
    return StreamInfo(
        camera_id,
        context.name,
        context.width,
        context.height,
        time_base,
        context.extradata or b"",
        0,
    )


def _login_url(endpoint: Endpoint, credentials: Credentials | None) -> str:
    """Return the URL for libavformat, with the resolved address. Raises SourceRejected if user and
    password are too long.
    """
    return endpoint.url(_login(credentials))


_RESERVED = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=\u0080-\U0010ffff-]")


def _login(credentials: Credentials | None) -> str:
    """Return `user:password@`, encoded. Only reserved characters are encoded, because space is
    limited: others beyond ASCII remain UTF-8.
    """
    if credentials is None:
        return ""
    user, password = (
        _encoded(text) for text in (credentials.user, credentials.password.get_secret_value())
    )
    login = f"{user}:{password}"
    if len(login.encode()) > _MAX_LOGIN_BYTES:
        raise SourceRejected(
            "user and password together are too long for RTSP (127 bytes, and reserved characters "
            "count three)"
        )
    return login + "@"


def _encoded(text: str) -> str:
    return _RESERVED.sub(lambda match: f"%{ord(match[0]):02X}", text)


class _SenderClock:
    """Computes the sender's time of packets from the side data that libavformat derives from sender
    reports (AVProducerReferenceTime, in us).
    """

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self._stale_ns: int | None = None

    def on_jump(self) -> None:
        """Ignore times that derive from the report before a jump, until another report arrives."""
        self._stale_ns = self._offset_ns

    def wall_ns(self, raw: av.Packet[VideoStream], raw_pts_ns: int) -> int | None:
        """Return the sender's UTC time of this packet; None if no report gives it."""
        if not raw.has_sidedata("prft"):
            return None
        (wall_us,) = struct.unpack_from("<q", bytes(raw.get_sidedata("prft")))
        offset_ns = int(wall_us) * 1000 - raw_pts_ns
        if self._stale_ns is not None and abs(offset_ns - self._stale_ns) < _SAME_REPORT_NS:
            return None
        self._offset_ns, self._stale_ns = offset_ns, None
        return offset_ns + raw_pts_ns


def _open(
    url: str, transport: str, timeout_s: float, tls_options: dict[str, str]
) -> InputContainer:
    """Return the opened connection.

    Only the open has PyAV's time-out (see `libav_watchdog.py`). That of libavformat's sockets is
    the second safeguard. Both end later than the watchdog, which knows why.
    """
    late_s = timeout_s + 1.0
    options = {
        **_OPTIONS,
        **tls_options,
        "rtsp_transport": transport,
        "timeout": str(round(late_s * 1_000_000)),
    }
    try:
        return av.open(url, "r", format="rtsp", options=options, timeout=(late_s, None))
    except av.HTTPOtherClientError:
        # What a server says to PLAY when nothing was set up: look once more, whether there is
        # anything but video.
        del options["allowed_media_types"]
        with av.open(url, "r", format="rtsp", options=options, timeout=(late_s, None)) as container:
            _video_of(container)
        raise


def _video_of(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise SourceNoVideo("the camera's stream has no video")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise SourceUnsupported("the codec of the camera is unknown; set it to H.264 or H.265")
    return stream


def _ended(timed_out: bool, timeout_s: float) -> SourceError:
    if timed_out:
        return SourceTimeout("no video arrived for {timeout_s} s", timeout_s=timeout_s)
    return SourceUnreachable("the camera ended the stream", Why.ENDED)


def _mapped(error: av.FFmpegError, timed_out: bool, pull: Pull) -> SourceError:
    """Convert an error of libavformat, without its text, which may contain the URL."""
    if isinstance(error, av.HTTPUnauthorizedError | av.HTTPForbiddenError):
        return login_refused(pull.credentials)
    if timed_out or isinstance(error, av.ExitError | av.TimeoutError):
        return SourceTimeout("the camera said nothing for {timeout_s} s", timeout_s=pull.timeout_s)
    if isinstance(error, av.HTTPNotFoundError):
        return SourceUnreachable("the camera has no stream under this path (404)", Why.NO_PATH)
    if isinstance(error, av.HTTPError | av.HTTPClientError):
        return SourceUnreachable(
            "the camera refuses the request ({reason})", Why.REJECTED, reason=system_reason(error)
        )
    if isinstance(error, av.InvalidDataError):
        return SourceUnreachable(
            "the camera's answer is not RTSP, or its description of the stream is broken",
            Why.NOT_RTSP,
        )
    if isinstance(error, av.EOFError):
        return SourceUnreachable("the camera ended the stream", Why.ENDED)
    return SourceUnreachable("the connection failed: {reason}", reason=system_reason(error))
