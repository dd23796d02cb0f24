"""Our own RTSP reader, for what nearly every camera sends: H.264 or H.265 over TCP. It costs a fraction of libavformat's.

libavformat polls and reads for every piece of every RTP packet. Here the kernel collects for some tens of milliseconds what one read
then takes, so that a wake-up of the thread serves one access unit or several.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Generator, Iterator
from fractions import Fraction

from domain.errors import SourceError, SourceNoVideo, SourceTimeout, SourceUnreachable
from domain.media import Packet, StreamInfo
from domain.states import Why
from ingest import nal, rtcp
from ingest.connect import Pull, connected
from ingest.depacketise import AccessUnit, AccessUnits
from ingest.intake import Intake, Unit
from ingest.rtp import Ticks
from ingest.rtsp_session import Session
from ingest.sdp import Video, control_url, first_video

CODECS = ("h264", "hevc")
_REPORT_S = 5.0


def packets(pull: Pull) -> Generator[Packet, None, str]:
    """One connection's packets, from the first keyframe on until `pull.stop`. Raises SourceError for every other end.

    Returns an empty text; or, before the first packet, why this stream is left to libavformat.
    """
    try:
        with connected(pull.endpoint, pull.timeout_s, pull.stop) as connection:
            if connection is not None:
                return (yield from _session(connection, pull))
    except SourceError:
        if not pull.stop.is_set():
            raise
    return ""


def _session(connection: socket.socket, pull: Pull) -> Generator[Packet, None, str]:
    session = Session(connection, pull)
    text, base = session.describe(pull.endpoint.url())
    video = first_video(text)
    if video is None:
        raise SourceNoVideo("the camera's stream has no video") if "m=" in text else SourceUnreachable("the camera describes no stream")
    if video.codec not in CODECS or not video.is_plain:
        return f"it sends {video.codec}" + ("" if video.is_plain else ", encrypted or interleaved")
    session.set_up(control_url(base, video.control))
    session.media = media = _Media(video, session.channels[0])
    url = control_url(base, video.session_control)
    session.play(url)
    try:
        yield from _played(session, media, url, pull)
    finally:
        session.tear_down(url)
    return ""


class _Media:
    """What came of the video and has not been taken yet."""

    def __init__(self, video: Video, channel: int) -> None:
        self.video = video
        self.units = AccessUnits(video.codec, video.payload_type, channel)
        self.go_on = self.units.go_on
        self._channel = channel
        self.sender = rtcp.SenderClock(video.clock_hz)
        self.is_over = False

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        if channel == self._channel:
            self.units.put(buffer, start, stop)
        else:
            self._control(bytes(buffer[start:stop]))

    def taken(self) -> list[AccessUnit]:
        taken, self.units.ready = self.units.ready, []
        return taken

    def receiver_report(self, own_ssrc: int) -> bytes:
        units = self.units
        return rtcp.receiver_report(own_ssrc, units.ssrc, units.highest_sequence, units.lost_packets, self.sender.report)

    def _control(self, data: bytes) -> None:
        compound = rtcp.parse(data)
        if compound.report is not None:
            self.sender.reported(compound.report)
        self.is_over = self.is_over or compound.is_bye


def _played(session: Session, media: _Media, url: str, pull: Pull) -> Iterator[Packet]:
    clock, stop = pull.clock, pull.stop
    intake = _Intake(media, pull)
    chores = _Chores(session, media, url, clock.monotonic_s())
    heard_s = clock.monotonic_s()
    while not stop.is_set():
        now_s = clock.monotonic_s()
        is_over = session.is_over or media.is_over
        if is_over:
            media.units.flush()
        if taken := media.taken():
            heard_s = now_s
            yield from intake.packets(taken)
        if is_over:
            raise SourceUnreachable("the camera ended the stream", Why.ENDED)
        if now_s - heard_s > pull.timeout_s:
            raise SourceTimeout(f"no video came for {pull.timeout_s:g} s")
        chores.do(now_s)
        session.receive()


class _Chores:
    """What a session needs now and then to go on."""

    def __init__(self, session: Session, media: _Media, url: str, now_s: float) -> None:
        self._session = session
        self._media = media
        self._url = url
        self._ssrc = secrets.randbits(32)
        self._report_s = now_s + _REPORT_S
        self._keep_s = now_s + session.keep_alive_s

    def do(self, now_s: float) -> None:
        self._session.heed()
        if now_s >= self._report_s:
            self._report_s = now_s + _REPORT_S
            self._session.report(self._media.receiver_report(self._ssrc))
        if now_s >= self._keep_s:
            self._keep_s = now_s + self._session.keep_alive_s
            self._session.keep_alive(self._url)


class _Intake:
    """Access units as the packets of this connection."""

    def __init__(self, media: _Media, pull: Pull) -> None:
        video = media.video
        info = StreamInfo(pull.camera_id, video.codec, 0, 0, Fraction(1, video.clock_hz), nal.annex_b(video.sets), 0)
        self._intake = Intake(pull.counts, info, reorder_depth=None)
        self._counts = pull.counts
        self._clock = pull.clock
        self._media = media
        self._ticks = Ticks()

    def packets(self, taken: list[AccessUnit]) -> Iterator[Packet]:
        intake, counts, sender = self._intake, self._counts, self._media.sender
        received_ns = self._clock.wall_ns()
        counts.broken_packets = self._media.units.broken_units
        for unit in taken:
            sender_ns = sender.wall_ns(unit.stamp) if intake.wants_sender else None
            jumps = counts.jumps
            packet = intake.packet(Unit(unit.data, self._ticks.of(unit.stamp), None, 0, received_ns, sender_ns))
            if counts.jumps != jumps:
                sender.jumped()
            if packet is not None:
                yield packet
