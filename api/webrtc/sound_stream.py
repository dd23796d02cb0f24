"""The sound of a camera in the media process: its RTP payloads, and the viewers who listen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from api.nodes.live_wire import LiveReader
from api.webrtc.protocols.packetiser import MAX_PAYLOAD_BYTES
from domain.clock import NS_PER_S
from domain.errors import DataLoss, SightlineError, SourceUnsupported
from domain.media.live_stream import LiveFragment, LiveInit
from storage.mp4.fragment_times import boxes_in

SOUND_HZ = 8000
"""The clock of G.711, of which each sample has one byte."""
Encoding = Literal["PCMA", "PCMU"]
ENCODINGS: dict[str, Encoding] = {"pcm_alaw": "PCMA", "pcm_mulaw": "PCMU"}


@dataclass(frozen=True, slots=True)
class SoundUnit:
    """Consecutive samples of G.711 as RTP payloads."""

    encoding: Encoding
    payloads: tuple[bytes, ...]
    ticks: int
    """The time of the first sample, in 1/8,000 s since 1970."""
    wall_ns: int
    """The wall time of the first sample, on the clock of the pictures."""


def read_sound(fragment: LiveFragment, camera_id: str) -> SoundUnit:
    """Return the sound of a fragment. Raises SourceUnsupported if WebRTC cannot carry it, and
    DataLoss for a fragment that is damaged.
    """
    encoding = _encoding(fragment.init, camera_id)
    data = b"".join(
        fragment.data[box.body : box.end]
        for box in boxes_in(fragment.data, 0, len(fragment.data))
        if box.type == b"mdat"
    )
    if not data:
        raise DataLoss("a packet of the sound of camera {camera} is empty", camera=camera_id)
    parts = range(0, len(data), MAX_PAYLOAD_BYTES)
    return SoundUnit(
        encoding,
        tuple(data[at : at + MAX_PAYLOAD_BYTES] for at in parts),
        round(fragment.media_ns * SOUND_HZ / NS_PER_S),
        fragment.wall_ns,
    )


def _encoding(init: LiveInit, camera_id: str) -> Encoding:
    encoding = ENCODINGS.get(init.codec)
    if encoding is None:
        raise SourceUnsupported(
            "camera {camera} sends its sound as {codec}, and browsers receive "
            "only G.711 by WebRTC; listen by the WebSocket, or choose G.711 in "
            "the settings of the camera",
            camera=camera_id,
            codec=init.codec.upper(),
        )
    if (init.clock_hz, init.channels) != (SOUND_HZ, 1):
        raise SourceUnsupported(
            "camera {camera} sends G.711 of {clock_hz} Hz with {channels} "
            "channels, and browsers receive only 8000 Hz with one; change the "
            "audio settings of the camera",
            camera=camera_id,
            clock_hz=init.clock_hz,
            channels=init.channels,
        )
    return encoding


class SoundStream:
    """Reads the sound of a camera once, and gives it to the viewers who listen. It holds nothing:
    a viewer hears what arrives from now on.
    """

    def __init__(self, camera_id: str) -> None:
        self.encoding: Encoding | None = None
        """The encoding of the newest sound; None before the first."""
        self.camera_id = camera_id
        self._ended: SightlineError | None = None
        """Why there is no sound now; None while there is some, and before the first."""
        self._unreadable: SightlineError | None = None
        """Why the newest sound cannot be sent; None if it can."""
        self._records = LiveReader(camera_id)
        self._listeners: list[Callable[[SoundUnit | None], None]] = []

    @property
    def error(self) -> SightlineError | None:
        """Why there is no sound now; None while there is some, and before the first."""
        return self._ended or self._unreadable

    def listen(self, listener: Callable[[SoundUnit | None], None]) -> None:
        """Call `listener` with all sound from now on, and with None while there is none."""
        self._listeners.append(listener)

    def ignore(self, listener: Callable[[SoundUnit | None], None]) -> None:
        self._listeners.remove(listener)

    def feed(self, records: bytes) -> None:
        """Process whole records of the stream (`api/nodes/live_wire.py`). It may begin again after
        its end.
        """
        try:
            for fragment in self._records.feed(records):
                self._put(fragment)
        except SightlineError as error:
            self._ended = error
            self._records = LiveReader(self.camera_id)
            self._notify(None)

    def _put(self, fragment: LiveFragment) -> None:
        """Give a fragment to the viewers. One that cannot be sent does not end the stream: the next
        one may be sound, and a camera may have other settings by then.
        """
        self._ended = None
        try:
            unit = read_sound(fragment, self.camera_id)
        except SightlineError as error:
            is_new = self._unreadable is None or str(self._unreadable) != str(error)
            self._unreadable = error
            if is_new:
                self._notify(None)
            return
        self._unreadable, self.encoding = None, unit.encoding
        self._notify(unit)

    def _notify(self, unit: SoundUnit | None) -> None:
        for listener in tuple(self._listeners):
            listener(unit)
