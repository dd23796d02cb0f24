"""The sound of one viewer who requested it: which payload types it accepts, and its RTP packets."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

from api.webrtc.protocols.rtcp import ntp_of, sender_report
from api.webrtc.protocols.srtp import RtpHead, RtpProtection
from api.webrtc.sdp import SdpOffer
from api.webrtc.sound_stream import ENCODINGS, Encoding, SoundStream, SoundUnit
from domain.errors import SightlineError, SourceTimeout, SourceUnsupported

SOUND_WITHIN_S = 2.0
"""The time for the first sound of a camera. The viewer gets the pictures then, and the sound later.
"""
REPORT_EVERY_S = 1.0


async def opened_sound(stream: SoundStream, offer: SdpOffer, camera_id: str) -> SoundSession:
    """Return the sound for a viewer as soon as its encoding is known, or why it hears none.

    A camera that is silent may send sound later, so the sound is accepted. It is refused if the
    camera has none that the viewer can hear.
    """
    if not offer.sound_types:
        return SoundSession(stream, {}, _not_offered(camera_id, "G.711"))
    try:
        async with asyncio.timeout(SOUND_WITHIN_S):
            await _encoding_of(stream)
    except TimeoutError:
        silence = SourceTimeout(
            "camera {camera} sent no sound within {sound_within_s} s",
            camera=camera_id,
            sound_within_s=round(SOUND_WITHIN_S),
        )
        return SoundSession(stream, offer.sound_types, None, silence)
    if stream.encoding is not None and stream.encoding not in offer.sound_types:
        return SoundSession(stream, {}, _not_offered(camera_id, stream.encoding))
    return SoundSession(stream, offer.sound_types, stream.error)


async def _encoding_of(stream: SoundStream) -> None:
    changed = asyncio.Event()

    def note(_: SoundUnit | None) -> None:
        changed.set()

    stream.listen(note)
    try:
        while stream.error is None and stream.encoding is None:
            await changed.wait()
            changed.clear()
    finally:
        stream.ignore(note)


def _not_offered(camera_id: str, encoding: str) -> SourceUnsupported:
    names = " or ".join(ENCODINGS.values())
    return SourceUnsupported(
        "camera {camera} sends its sound as {encoding}, which the SDP offer "
        "does not have; send an offer with a section of audio that receives "
        "(a=recvonly) with {codecs}, in the same BUNDLE as the video",
        camera=camera_id,
        encoding=encoding,
        codecs=names,
    )


class SoundSession:
    """The sound of one viewer. Its sequence numbers have no hole, and it is not sent again: sound
    that arrives late is of no use.
    """

    def __init__(
        self,
        stream: SoundStream,
        types: Mapping[Encoding, int],
        refusal: SightlineError | None,
        silence: SightlineError | None = None,
    ) -> None:
        """`refusal` is why the viewer gets the pictures only, and `silence` why there is no sound
        before the first.
        """
        self.stream = stream
        self.ssrc = secrets.randbits(31) + 1
        self._types = types
        self.is_accepted = refusal is None
        """Whether the answer to the offer accepts sound."""
        self._problem = refusal or silence
        self._protection: RtpProtection | None = None
        self._next = secrets.randbelow(1 << 15)
        self._packets = self._bytes = 0
        self._reported_s = float("-inf")

    @property
    def problem(self) -> SightlineError | None:
        """Why the viewer hears nothing now."""
        return self._problem or self.stream.error

    def begin(self, protection: RtpProtection) -> None:
        """Send from now on, with the keys of the viewer."""
        self._protection = protection

    def packets(self, unit: SoundUnit) -> list[bytes]:
        """Return the protected packets of a unit."""
        number = self._types.get(unit.encoding)
        self._problem = (
            _not_offered(self.stream.camera_id, unit.encoding) if number is None else None
        )
        if self._protection is None or number is None:
            return []
        found, ticks = [], unit.ticks
        for payload in unit.payloads:
            head = RtpHead(number, ticks & 0xFFFFFFFF, self.ssrc)
            header = head.header(self._next, is_last=False)
            found.append(self._protection.protect_again(header, payload, self._next))
            self._next += 1
            ticks += len(payload)
        self._packets += len(found)
        self._bytes += ticks - unit.ticks
        return found

    def report(self, unit: SoundUnit, now_s: float) -> bytes | None:
        """Return a sender report if one is due. With that of the pictures, it lets the player keep
        both in step.
        """
        if not self._packets or now_s - self._reported_s < REPORT_EVERY_S:
            return None
        self._reported_s = now_s
        ntp = ntp_of(unit.wall_ns)
        return sender_report(self.ssrc, ntp, unit.ticks, self._packets, self._bytes)
