"""Reads MP4 through libavformat: only here are recordings and clips opened to read their packets
unchanged.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
from av.stream import Stream

from domain.errors import DataLoss

_BUFFER_BYTES = 1 << 18
_PROBE_NOTHING = {"skip_frame": "all", "probesize": "32", "analyzeduration": "1"}
"""Otherwise libavformat decodes a picture of every file that it opens, to learn what the head says:
10 ms of 11 at 1080p.
"""


@dataclass(frozen=True, slots=True)
class VideoParameters:
    """The parameters of a file's video: `extradata` are its parameter sets (avcC or hvcC),
    `time_base` the unit of its times.
    """

    codec: str
    width_px: int
    height_px: int
    extradata: bytes
    time_base: Fraction


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit (length-prefixed) or piece of sound of a file; times are in its stream's time
    base.
    """

    data: bytes
    pts: int
    dts: int
    duration: int
    is_keyframe: bool
    is_sound: bool = False


class Mp4Reader:
    """Reads the samples of a file, or of its first `limit_bytes`, in decoding order. Raises
    DataLoss if it cannot.
    """

    def __init__(self, path: Path, limit_bytes: int | None = None) -> None:
        self._path = path
        with _reading(path):
            self._file = path.open("rb")
            try:
                source = _Prefix(self._file, limit_bytes)
                self._container = av.open(
                    source, "r", format="mp4", options=_PROBE_NOTHING, buffer_size=_BUFFER_BYTES
                )
            except BaseException:
                self._file.close()
                raise
        if not self._container.streams.video:
            self.close()
            raise DataLoss("{path} holds no video", path=path)
        self._stream = self._container.streams.video[0]

    def __enter__(self) -> Mp4Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._container.close()
        self._file.close()

    @property
    def parameters(self) -> VideoParameters:
        context = self._stream.codec_context
        base = self._stream.time_base
        if base is None:
            raise DataLoss("{path} has no time base", path=self._path)
        return VideoParameters(
            context.name, context.width, context.height, context.extradata or b"", Fraction(base)
        )

    @property
    def sound_hz(self) -> int:
        """The ticks a second of the sound's times; 0 if there is none."""
        sound = self._container.streams.audio
        base = sound[0].time_base if sound else None
        return 0 if base is None else round(1 / base)

    def __iter__(self) -> Iterator[Sample]:
        """Yield the pictures."""
        return self._samples(self._stream)

    def with_sound(self) -> Iterator[Sample]:
        """Yield pictures and sound in the order of their decoding times."""
        return self._samples(self._stream, *self._container.streams.audio[:1])

    def _samples(self, *streams: Stream) -> Iterator[Sample]:
        with _reading(self._path):
            for packet in self._container.demux(*streams):
                if packet.size == 0 or packet.pts is None or packet.dts is None:
                    continue
                if packet.is_corrupt:
                    raise DataLoss(
                        "{path} is torn at {pts} of its time", path=self._path, pts=packet.pts
                    )
                is_sound = packet.stream is not self._stream
                yield Sample(
                    bytes(packet),
                    packet.pts,
                    packet.dts,
                    packet.duration or 0,
                    packet.is_keyframe,
                    is_sound,
                )

    def decode(self, sample: Sample) -> None:
        """Decode one keyframe. Raises DataLoss if there is no picture. Do not iterate the reader
        afterwards.

        It is decoded separately: an edit list may hide two seconds of pictures, all of which would
        be decoded to reach the first that is shown.
        """
        context = self._stream.codec_context
        context.thread_count = 1
        with _reading(self._path):
            if not [*context.decode(av.Packet(sample.data)), *context.decode(None)]:
                raise DataLoss("{path}: no picture can be decoded", path=self._path)

    def decode_all(self) -> int:
        """Decode every picture and return their number. Raises DataLoss. Do not iterate the reader
        before or afterwards.
        """
        with _reading(self._path):
            return sum(1 for _ in self._container.decode(self._stream))


class _Prefix(io.RawIOBase):
    """The first bytes of a file, as a file object."""

    def __init__(self, file: io.BufferedReader, limit_bytes: int | None) -> None:
        self._file = file
        self._limit_bytes = file.seek(0, io.SEEK_END) if limit_bytes is None else limit_bytes
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._limit_bytes - self._file.tell())
        return self._file.read(left if size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            return self._file.seek(self._limit_bytes + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise DataLoss("{path} cannot be read: {error}", path=path, error=error) from error
