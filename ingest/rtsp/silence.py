"""Why no picture comes over a connection that is open: from what did come. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from domain.camera_states import Why
from domain.errors import SourceTimeout

_ENCODER = "the camera's video encoder may hang: restart it"


@dataclass(frozen=True, slots=True)
class ReceivedCounts:
    """How much has come over a connection, or in a part of its time."""

    packets: int = 0
    """RTP packets of the video."""
    foreign_packets: int = 0
    """Those of them that have another payload type than the description says."""
    broken_pictures: int = 0
    reports: int = 0
    """RTCP packets about the video."""
    sounds: int = 0
    """Pieces of sound."""
    strange_packets: int = 0
    """Datagrams from another address than the camera's."""
    garbage_bytes: int = 0
    """Bytes in the connection that are neither RTSP nor RTP."""

    def since(self, before: ReceivedCounts) -> ReceivedCounts:
        """What came after `before`."""
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
    """Measures how long a camera has been silent, and notices what comes meanwhile."""

    def __init__(self, timeout_s: float, now_s: float) -> None:
        self.received_s = now_s
        """When a picture, or the answer to a request, last came."""
        self._timeout_s = timeout_s
        self._before: ReceivedCounts | None = None

    def begin(self, now_s: float, received: ReceivedCounts) -> None:
        """A request was sent, or media begins to be played."""
        self.received_s, self._before = now_s, received

    def look_for_answer(self, now_s: float, received: ReceivedCounts, pending_bytes: int) -> None:
        """Raises SourceTimeout where the last request has been unanswered for too long."""
        if now_s - self.received_s > self._timeout_s:
            after = received.since(self._before or ReceivedCounts())
            raise without_answer(after, pending_bytes, self._timeout_s)

    def look_for_picture(self, now_s: float, received: ReceivedCounts) -> None:
        """Raises SourceTimeout where no picture has come for too long.

        What comes in the second half of that time is more than what the last picture left.
        """
        silent_s = now_s - self.received_s
        if silent_s <= self._timeout_s / 2:
            self._before = None
        elif self._before is None:
            self._before = received
        if silent_s > self._timeout_s:
            raise without_picture(received.since(self._before or received), self._timeout_s)


def without_picture(received: ReceivedCounts, timeout_s: float) -> SourceTimeout:
    """No picture came for `timeout_s`; `received` is what did come at the end of that time."""
    nothing = f"no picture came for {timeout_s:g} s"
    # Among senseless bytes some look like an RTP packet: hardly ever one of the video's type.
    is_mostly_garbage = received.garbage_bytes and 2 * received.foreign_packets >= received.packets
    if received.packets and not is_mostly_garbage:
        return SourceTimeout(
            f"{nothing}, though RTP packets do: {_unused(received)}", Why.NO_PICTURES
        )
    if received.garbage_bytes:
        sentence = f"{nothing}, but {received.garbage_bytes} bytes that are neither RTSP nor RTP"
        return SourceTimeout(sentence, Why.MALFORMED)
    if received.strange_packets:
        sentence = (
            f"{nothing}, but {received.strange_packets} datagrams from another address than the "
            "camera's; write `transport: tcp` into the registry"
        )
        return SourceTimeout(sentence, Why.TRANSPORT)
    if received.sounds:
        return SourceTimeout(f"{nothing}, though sound does; {_ENCODER}")
    if received.reports:
        sentence = (
            f"{nothing}, though reports (RTCP) do; {_ENCODER}, or raise "
            "SIGHTLINE_SOURCE_TIMEOUT_S where it sends a picture less often"
        )
        return SourceTimeout(sentence)
    return SourceTimeout(f"no video came for {timeout_s:g} s")


def without_answer(received: ReceivedCounts, pending_bytes: int, timeout_s: float) -> SourceTimeout:
    """A request was not answered for `timeout_s`.

    `pending_bytes` of an answer came, and its end did not; `received` is all that came since the
    request.
    """
    if received.packets:
        sentence = f"the camera sends video, but did not answer within {timeout_s:g} s"
        return SourceTimeout(sentence, Why.MALFORMED)
    if received.garbage_bytes:
        sentence = (
            f"the camera answers with what is not RTSP ({received.garbage_bytes} bytes of it)"
        )
        return SourceTimeout(sentence, Why.MALFORMED)
    if pending_bytes:
        sentence = (
            f"the camera's answer did not end within {timeout_s:g} s ({pending_bytes} "
            "bytes of it came)"
        )
        return SourceTimeout(sentence, Why.MALFORMED)
    return SourceTimeout(f"the camera said nothing for {timeout_s:g} s")


def _unused(received: ReceivedCounts) -> str:
    if received.foreign_packets:
        return (
            f"{received.foreign_packets} of {received.packets} have another payload type than the "
            "description says"
        )
    if received.broken_pictures:
        return (
            f"{received.packets} packets made {received.broken_pictures} broken pictures and no "
            "whole one"
        )
    return f"none of {received.packets} packets completes a picture"
