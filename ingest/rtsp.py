"""The one RTSP door: a camera's packets through libavformat (PyAV), and its errors turned into ours.

Nothing that holds a password leaves this file: libavformat is given it in a URL of our making, its log is off, and its error texts,
which quote the URL, are never shown or chained. Ways of RTSP that cost us: `docs/ingest.md`.
"""

from __future__ import annotations

import errno
import os
import re
import select
import socket
import struct
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from urllib.parse import urlsplit

import av
import av.logging
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from domain.clock import NS_PER_S, Clock
from domain.errors import SourceError, SourceNoVideo, SourceRejected, SourceTimeout, SourceUnreachable, SourceUnsupported
from domain.media import Packet, StreamInfo
from domain.registry import Camera, Credentials, Networks
from ingest import nal
from ingest.hangup import WATCH, Line, own_socket
from ingest.stamps import Stamps
from ingest.timeline import Timeline

CODECS = ("h264", "hevc")
_MOST_LOGIN_BYTES = 127
"""libavformat keeps user and password in 128 bytes, and cuts what is longer."""
_SLICE_S = 0.25
_SAME_REPORT_NS = NS_PER_S // 10
_OPTIONS = {
    "allowed_media_types": "video",  # audio is not set up, so it costs nothing
    "probesize": "32",  # the first packet is enough: parameter sets and size are read here; packets read while probing are delivered
    "analyzeduration": "0",
    "reorder_queue_size": "256",
    "buffer_size": "2097152",  # of a UDP socket: a keyframe of 8 Mbit/s streams comes as one burst
    "user_agent": "Sightline",
}
av.logging.set_level(None)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a camera's stream is and how to log in. Only `login_url` holds the password, and repr leaves it out."""

    address: str
    port: int
    scheme: str
    path: str
    transport: str

    @classmethod
    def of(cls, camera: Camera, networks: Networks) -> Endpoint:
        """Raises SourceUnreachable where the host has no allowed address."""
        parts = urlsplit(camera.url)
        port = parts.port or (322 if parts.scheme == "rtsps" else 554)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return cls(networks.resolve(camera.host, port), port, parts.scheme, path, camera.transport)

    def login_url(self, credentials: Credentials | None) -> str:
        """The URL for libavformat, by address. Raises SourceRejected where user and password are longer than it carries."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{_login(credentials)}{host}:{self.port}{self.path}"


_RESERVED = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=\u0080-\U0010ffff-]")


def _login(credentials: Credentials | None) -> str:
    """`user:password@`, encoded. Only what would end the part is encoded, as room is scarce: characters beyond ASCII go as UTF-8."""
    if credentials is None:
        return ""
    user, password = (_encoded(text) for text in (credentials.user, credentials.password.get_secret_value()))
    login = f"{user}:{password}"
    if len(login.encode()) > _MOST_LOGIN_BYTES:
        raise SourceRejected("user and password together are too long for RTSP (127 bytes, and reserved characters count three)")
    return login + "@"


def _encoded(text: str) -> str:
    return _RESERVED.sub(lambda match: f"%{ord(match[0]):02X}", text)


class RtspSource:
    """One camera's packets, from one connection at a time. Sessions count up over all connections of one source."""

    def __init__(self, camera: Camera, credentials: Credentials | None, networks: Networks, timeout_s: float, clock: Clock) -> None:
        self._camera = camera
        self._credentials = credentials
        self._networks = networks
        self._timeout_s = timeout_s
        self._clock = clock
        self.session = 0
        self.timeline = Timeline()
        self.before_keyframe_packets = 0
        """Packets of this connection that came before its first keyframe that a decoder understands, and were not yielded."""
        self.broken_packets = 0
        """Packets of this connection that libavformat marked corrupt; they are yielded, as part of a picture is better than none."""
        self.jumps = 0
        """How often this connection's time stamps leapt; the packets' own go on without a leap."""

    def packets(self, stop: threading.Event) -> Generator[Packet, None, None]:
        """Connect, and yield packets from the first keyframe until `stop` is set.

        Raises a SourceError when the connection fails, is silent for the timeout, or ends. Close the iterator to end it early.
        """
        self.timeline = Timeline()
        self.before_keyframe_packets = self.broken_packets = self.jumps = 0
        endpoint = Endpoint.of(self._camera, self._networks)
        url = endpoint.login_url(self._credentials)
        if not _preflight(endpoint, self._timeout_s, stop):
            return
        line = Line((endpoint.address.partition("%")[0], endpoint.port), self._timeout_s, stop, self._clock)
        with WATCH.over(line):
            failure: SourceError | None = None
            try:
                with line.opening():
                    container = _open(url, endpoint.transport, self._timeout_s)
                with container:
                    if line.went_elsewhere():
                        raise SourceUnreachable("the camera redirects to another address; write that one into the registry")
                    yield from self._demux(container, line, stop)
            except av.FFmpegError as error:
                failure = _mapped(error, line.timed_out, self._timeout_s)
        if not stop.is_set():
            # Raised out here, so that no traceback shows libavformat's error, which quotes the URL with its password.
            raise failure or _ended(line.timed_out, self._timeout_s)

    def _demux(self, container: InputContainer, line: Line, stop: threading.Event) -> Iterator[Packet]:
        stream = _video_of(container)
        info = self._first_info(stream)
        sets = nal.parameter_sets(info.codec, info.extradata)
        stamps = Stamps(stream.codec_context.reorder_depth)
        base = _TimeBase(info.time_base)
        timeline, clock, codec = self.timeline, self._clock, info.codec
        yielded = False
        sender, sender_due = _SenderClock(), 0
        handed_ns = clock.wall_ns()
        for raw in container.demux(stream):
            # A packet is handed over when the next one begins to arrive: so it arrived when the one before it was handed over.
            received_ns, handed_ns = handed_ns, clock.wall_ns()
            data = bytes(raw)
            if not data:
                break
            if stop.is_set():
                return
            line.alive()
            duration = raw.duration or 0
            pts = stamps.pts(raw.pts, raw.dts, duration)
            if timeline.jumped(base.ns(pts), received_ns):
                self.jumps += 1
                sender.jumped()
                pts = stamps.jump(pts, base.ticks(timeline.expected_pts_ns(received_ns)) + duration)
            pts, dts = stamps.settle(pts, raw.dts, duration)
            pts_ns = base.ns(pts)
            head = nal.keyframe_head(codec, data)
            if head >= 0 and (head > 4 or not yielded):
                info, sets = self._renewed(info, sets, data, head)
            if pts_ns >= sender_due and raw.pts is not None:
                sender_due = pts_ns + NS_PER_S
                sender_wall_ns = sender.wall_ns(raw, base.ns(raw.pts))
                if sender_wall_ns is not None:
                    timeline.sender(pts_ns, sender_wall_ns)
            wall = timeline.wall(pts_ns, received_ns)
            if raw.is_corrupt:
                self.broken_packets += 1
            if not yielded and (head < 0 or not info.width_px):
                self.before_keyframe_packets += 1
                continue
            yielded = True
            yield Packet(info, data, pts, dts, duration, head >= 0, wall.wall_ns, wall.source, received_ns, timeline.sender_wall_ns(pts_ns))

    def _first_info(self, stream: VideoStream) -> StreamInfo:
        """What the connection's description says; extradata and size may still be lacking (`_renewed`)."""
        context = stream.codec_context
        if context.name not in CODECS:
            raise SourceUnsupported(f"the camera sends {context.name}; set it to H.264 or H.265")
        self.session += 1
        time_base = stream.time_base or Fraction(1, 90_000)
        return StreamInfo(self._camera.id, context.name, context.width, context.height, time_base, context.extradata or b"", self.session)

    def _renewed(self, info: StreamInfo, sets: tuple[bytes, ...], data: bytes, head: int) -> tuple[StreamInfo, tuple[bytes, ...]]:
        """The stream as this keyframe, whose first slice is at `head`, shows it: a new session where its parameter sets are new."""
        here = nal.parameter_sets(info.codec, data[:head])
        if set(here) <= set(sets) and info.width_px:
            return info, sets
        is_first = not info.width_px or not sets
        if not set(here) <= set(sets):
            sets = here if nal.has_sps(info.codec, here) else (*sets, *here)
        extradata = nal.annex_b(sets)
        width_px, height_px = _size_of(info.codec, extradata, data)
        if not is_first:
            self.session += 1
        return replace(info, width_px=width_px, height_px=height_px, extradata=extradata, session=self.session), sets


class _SenderClock:
    """The sender's time of packets, which libavformat works out from the last sender report (AVProducerReferenceTime, in us)."""

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self._stale_ns: int | None = None

    def jumped(self) -> None:
        """The counter leapt: times worked out from the report before that are wrong, until another report comes."""
        self._stale_ns = self._offset_ns

    def wall_ns(self, raw: av.Packet[VideoStream], raw_pts_ns: int) -> int | None:
        """The sender's UTC time of this packet; None where no report tells it."""
        if not raw.has_sidedata("prft"):
            return None
        (wall_us,) = struct.unpack_from("<q", bytes(raw.get_sidedata("prft")))
        offset_ns = int(wall_us) * 1000 - raw_pts_ns
        if self._stale_ns is not None and abs(offset_ns - self._stale_ns) < _SAME_REPORT_NS:
            return None
        self._offset_ns, self._stale_ns = offset_ns, None
        return offset_ns + raw_pts_ns


class _TimeBase:
    """Ticks to nanoseconds and back, in whole numbers."""

    def __init__(self, time_base: Fraction) -> None:
        self._num = time_base.numerator * NS_PER_S
        self._den = time_base.denominator

    def ns(self, ticks: int) -> int:
        return ticks * self._num // self._den

    def ticks(self, ns: int) -> int:
        return ns * self._den // self._num


def _open(url: str, transport: str, timeout_s: float) -> InputContainer:
    """The opened connection. Only the open has PyAV's timeout (see `hangup.py`); libavformat's own stays as a second guard."""
    late_s = timeout_s + 1.0  # after the watch, which knows why
    options = {**_OPTIONS, "rtsp_transport": transport, "timeout": str(round(late_s * 1_000_000))}
    try:
        return av.open(url, "r", format="rtsp", options=options, timeout=(late_s, None))
    except av.HTTPOtherClientError:
        # What a server says to PLAY when nothing was set up: look once more, whether there is anything but video.
        del options["allowed_media_types"]
        with av.open(url, "r", format="rtsp", options=options, timeout=(late_s, None)) as container:
            _video_of(container)
        raise


def _preflight(endpoint: Endpoint, timeout_s: float, stop: threading.Event) -> bool:
    """Connect once and hang up, for an error that says what is wrong and a wait that `stop` ends. False when stopped."""
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    with own_socket(family) as probe:
        probe.setblocking(False)
        code = probe.connect_ex((endpoint.address, endpoint.port))
        slices = round(timeout_s / _SLICE_S)
        while code in (errno.EINPROGRESS, errno.EAGAIN):
            if stop.is_set():
                return False
            if slices <= 0:
                raise SourceTimeout(f"{endpoint.address}:{endpoint.port} did not answer within {timeout_s:g} s")
            slices -= 1
            if select.select([], [probe], [], _SLICE_S)[1]:
                code = probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise SourceUnreachable(f"{endpoint.address}:{endpoint.port} cannot be reached: {os.strerror(code)}")
    return True


def _video_of(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise SourceNoVideo("the camera's stream has no video")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise SourceUnsupported("the camera sends a codec that nobody here knows; set it to H.264 or H.265")
    return stream


def _size_of(codec: str, extradata: bytes, keyframe: bytes) -> tuple[int, int]:
    """Width and height in pixels as a decoder sees them; zeros where the keyframe is too broken to tell."""
    context = VideoCodecContext.create("h264" if codec == "h264" else "hevc", "r")
    context.extradata = extradata
    context.thread_count = 1
    with suppress(av.FFmpegError):
        context.decode(av.Packet(keyframe))
    return context.width, context.height


def _ended(timed_out: bool, timeout_s: float) -> SourceError:
    if timed_out:
        return SourceTimeout(f"no video came for {timeout_s:g} s")
    return SourceUnreachable("the camera ended the stream")


def _mapped(error: av.FFmpegError, timed_out: bool, timeout_s: float) -> SourceError:
    """libavformat's error as one of ours, without its text, which may hold the URL."""
    if isinstance(error, av.HTTPUnauthorizedError | av.HTTPForbiddenError):
        return SourceRejected("the camera refuses the user name or password")
    if timed_out or isinstance(error, av.ExitError | av.TimeoutError):
        return SourceTimeout(f"the camera said nothing for {timeout_s:g} s")
    if isinstance(error, av.HTTPNotFoundError):
        return SourceUnreachable("the camera has no stream under this path (404)")
    if isinstance(error, av.HTTPError | av.HTTPClientError):
        return SourceUnreachable(f"the camera refuses the request ({error.strerror})")
    if isinstance(error, av.InvalidDataError):
        return SourceUnreachable("the camera's answer is not RTSP, or its description of the stream is broken")
    if isinstance(error, av.EOFError):
        return SourceUnreachable("the camera ended the stream")
    return SourceUnreachable(f"the connection failed: {error.strerror}")
