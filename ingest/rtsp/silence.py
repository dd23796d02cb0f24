"""Explains why an open connection delivers no picture, from the data that did arrive. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from domain.camera_states import Why
from domain.errors import SourceTimeout
from domain.messages.message import Message

_ENCODER = Message("the camera's video encoder may hang: restart it")


@dataclass(frozen=True, slots=True)
class ReceivedCounts:
    """The amounts that a connection received, in total or in a part of its time."""

    packets: int = 0
    """The number of RTP packets of the video."""
    foreign_packets: int = 0
    """The number of those with another payload type than the description states."""
    broken_pictures: int = 0
    reports: int = 0
    """The number of RTCP packets about the video."""
    sounds: int = 0
    """The number of audio units."""
    strange_packets: int = 0
    """The number of datagrams from other addresses than the camera's."""
    garbage_bytes: int = 0
    """The number of bytes in the connection that are neither RTSP nor RTP."""

    def since(self, before: ReceivedCounts) -> ReceivedCounts:
        """Return what was received after `before`."""
        return ReceivedCounts(
            self.packets - before.packets,
            self.foreign_packets - before.foreign_packets,
            self.broken_pictures - before.broken_pictures,
            self.reports - before.reports,
            self.sounds - before.sounds,
            self.strange_packets - before.strange_packets,
            self.garbage_bytes - before.garbage_bytes,
        )


class Silence:
    """Measures how long a camera has been silent, and notes what it sends in that time."""

    def __init__(self, timeout_s: float, now_s: float) -> None:
        self.received_s = now_s
        """When a picture, or the answer to a request, last arrived."""
        self._timeout_s = timeout_s
        self._before: ReceivedCounts | None = None

    def restart(self, now_s: float, received: ReceivedCounts) -> None:
        """Start measuring, because a request was sent or playback starts."""
        self.received_s, self._before = now_s, received

    def check_answer(self, now_s: float, received: ReceivedCounts, pending_bytes: int) -> None:
        """Raise SourceTimeout if the last request has been unanswered for too long."""
        if now_s - self.received_s > self._timeout_s:
            after = received.since(self._before or ReceivedCounts())
            raise no_answer_error(after, pending_bytes, self._timeout_s)

    def check_picture(self, now_s: float, received: ReceivedCounts) -> None:
        """Raise SourceTimeout if no picture has arrived for too long.

        Only data from the second half of that time counts, because earlier data may belong to the
        last picture.
        """
        silent_s = now_s - self.received_s
        if silent_s <= self._timeout_s / 2:
            self._before = None
        elif self._before is None:
            self._before = received
        if silent_s > self._timeout_s:
            raise no_picture_error(received.since(self._before or received), self._timeout_s)


def no_picture_error(received: ReceivedCounts, timeout_s: float) -> SourceTimeout:
    """Explain that no picture arrived for `timeout_s`; `received` is what arrived at the end of
    that time.
    """
    nothing = Message("no picture arrived for {timeout_s} s", timeout_s=timeout_s)
    # Some garbage bytes look like RTP packets, but rarely like the video's payload type.
    is_mostly_garbage = received.garbage_bytes and 2 * received.foreign_packets >= received.packets
    if received.packets and not is_mostly_garbage:
        return SourceTimeout(
            "{silence}, though RTP packets do: {received}",
            Why.NO_PICTURES,
            silence=nothing,
            received=_unusable_packets(received),
        )
    if received.garbage_bytes:
        sentence = Message(
            "{silence}, but {garbage_bytes} bytes that are neither RTSP nor RTP",
            silence=nothing,
            garbage_bytes=received.garbage_bytes,
        )
        return SourceTimeout(sentence, Why.MALFORMED)
    if received.strange_packets:
        sentence = Message(
            "{silence}, but {strange_packets} datagrams from another address than the "
            "camera's; write `transport: tcp` into the registry",
            silence=nothing,
            strange_packets=received.strange_packets,
        )
        return SourceTimeout(sentence, Why.TRANSPORT)
    if received.sounds:
        return SourceTimeout(
            "{silence}, though sound does; {encoder}", silence=nothing, encoder=_ENCODER
        )
    if received.reports:
        sentence = Message(
            "{silence}, though reports (RTCP) do; {encoder}, or raise "
            "SIGHTLINE_SOURCE_TIMEOUT_S where it sends a picture less often",
            silence=nothing,
            encoder=_ENCODER,
        )
        return SourceTimeout(sentence)
    return SourceTimeout("no video arrived for {timeout_s} s", timeout_s=timeout_s)


def no_answer_error(
    received: ReceivedCounts, pending_bytes: int, timeout_s: float
) -> SourceTimeout:
    """Explain that a request was not answered for `timeout_s`.

    `pending_bytes` is the size of an incomplete answer; `received` is what arrived after the
    request.
    """
    if received.packets:
        sentence = Message(
            "the camera sends video, but did not answer within {timeout_s} s", timeout_s=timeout_s
        )
        return SourceTimeout(sentence, Why.MALFORMED)
    if received.garbage_bytes:
        sentence = Message(
            "the camera answers with what is not RTSP ({garbage_bytes} bytes of it)",
            garbage_bytes=received.garbage_bytes,
        )
        return SourceTimeout(sentence, Why.MALFORMED)
    if pending_bytes:
        sentence = Message(
            "the camera's answer did not end within {timeout_s} s ({pending_bytes} "
            "bytes of it arrived)",
            timeout_s=timeout_s,
            pending_bytes=pending_bytes,
        )
        return SourceTimeout(sentence, Why.MALFORMED)
    return SourceTimeout("the camera said nothing for {timeout_s} s", timeout_s=timeout_s)


def _unusable_packets(received: ReceivedCounts) -> Message:
    if received.foreign_packets:
        return Message(
            "{foreign_packets} of {packets} have another payload type than the description says",
            foreign_packets=received.foreign_packets,
            packets=received.packets,
        )
    if received.broken_pictures:
        return Message(
            "{packets} packets made {broken_pictures} broken pictures and no whole one",
            packets=received.packets,
            broken_pictures=received.broken_pictures,
        )
    return Message("none of {packets} packets completes a picture", packets=received.packets)
