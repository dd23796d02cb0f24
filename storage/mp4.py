"""MP4 through libavformat, packets untouched: the one place where recordings and clips are read, and clips written.

Writing needs a stream that was never encoded here. PyAV makes one from a template only, so a template of each codec is opened once a
process from a lone access unit delimiter, and codec parameters are set on the copy.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import TracebackType

import av
from av.video.stream import VideoStream

from domain.errors import DataLoss, StoreError

_DELIMITERS = {"h264": b"\0\0\0\1\x09\xf0", "hevc": b"\0\0\0\1\x46\x01\x50"}
_TAGS = {"h264": "avc1", "hevc": "hvc1"}  # players of Apple's refuse hev1
_BUFFER_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class VideoParameters:
    """What a file's one video stream is: `extradata` are its parameter sets (Annex B, avcC or hvcC), `time_base` the unit of its times."""

    codec: str
    width_px: int
    height_px: int
    extradata: bytes
    time_base: Fraction


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit as a file holds it (length-prefixed when read); times in the stream's `time_base`."""

    data: bytes
    pts: int
    dts: int
    duration: int
    is_keyframe: bool


class Mp4Writer:
    """Writes one video stream. Raises StoreError where the bytes cannot be written; the writer is then of no more use than `close`."""

    def __init__(self, path: Path, parameters: VideoParameters, options: dict[str, str]) -> None:
        self._time_base = parameters.time_base
        self._container = av.open(str(path), "w", format="mp4", container_options=options, buffer_size=_BUFFER_BYTES)
        self._stream = self._container.add_stream_from_template(_template(parameters.codec), opaque=True)
        self._stream.time_base = parameters.time_base
        context = self._stream.codec_context
        context.width, context.height = parameters.width_px, parameters.height_px
        context.extradata = parameters.extradata
        context.codec_tag = _TAGS[parameters.codec]

    def write(self, sample: Sample) -> None:
        packet = av.Packet(sample.data)
        packet.pts, packet.dts, packet.duration = sample.pts, sample.dts, sample.duration
        packet.time_base = self._time_base
        packet.is_keyframe = sample.is_keyframe
        packet.stream = self._stream
        try:  # not `_writing()`: a context manager for each packet is a tenth of what it costs
            self._container.mux_one(packet)
        except (av.FFmpegError, OSError) as error:
            raise _refused(error) from error

    def close(self) -> None:
        """Write what is still held, and the index. Raises StoreError; closed in any case."""
        with _writing():
            self._container.close()


def progressive(path: Path, parameters: VideoParameters) -> Mp4Writer:
    """A file with its index in front. Samples before time 0 are there to decode, and hidden from players by one edit list."""
    return Mp4Writer(path, parameters, {"movflags": "faststart", "avoid_negative_ts": "disabled", "use_editlist": "1"})


class Mp4Reader:
    """Reads the video samples of a file in decoding order, of its first `limit_bytes` only where given. Raises DataLoss where it cannot."""

    def __init__(self, path: Path, limit_bytes: int | None = None) -> None:
        self._path = path
        with _reading(path):
            self._file = path.open("rb")
            try:
                self._container = av.open(_Prefix(self._file, limit_bytes), "r", format="mp4", buffer_size=_BUFFER_BYTES)
            except BaseException:
                self._file.close()
                raise
        if not self._container.streams.video:
            self.close()
            raise DataLoss(f"{path} holds no video")
        self._stream = self._container.streams.video[0]

    def __enter__(self) -> Mp4Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._container.close()
        self._file.close()

    @property
    def parameters(self) -> VideoParameters:
        context = self._stream.codec_context
        base = self._stream.time_base
        if base is None:
            raise DataLoss(f"{self._path} has no time base")
        return VideoParameters(context.name, context.width, context.height, context.extradata or b"", Fraction(base))

    def __iter__(self) -> Iterator[Sample]:
        with _reading(self._path):
            for packet in self._container.demux(self._stream):
                if packet.size == 0 or packet.pts is None or packet.dts is None:
                    continue
                if packet.is_corrupt:
                    raise DataLoss(f"{self._path} is torn at {packet.pts} of its time")
                yield Sample(bytes(packet), packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe)

    def decode_first(self) -> None:
        """Decode one picture; raises DataLoss where none comes. The reader is not to be iterated afterwards."""
        with _reading(self._path):
            if next(self._container.decode(self._stream), None) is None:
                raise DataLoss(f"{self._path}: no picture can be decoded")

    def decode_all(self) -> int:
        """Decode every picture; how many came. Raises DataLoss. The reader is not to be iterated before or afterwards."""
        with _reading(self._path):
            return sum(1 for _ in self._container.decode(self._stream))


class _Prefix(io.RawIOBase):
    """The first bytes of a file, as a file."""

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


@cache
def _template(codec: str) -> VideoStream:
    return av.open(io.BytesIO(_DELIMITERS[codec]), "r", format=codec).streams.video[0]


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise _refused(error) from error


def _refused(error: Exception) -> StoreError:
    return StoreError(f"a recording cannot be written: {error}")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise DataLoss(f"{path} cannot be read: {error}") from error
