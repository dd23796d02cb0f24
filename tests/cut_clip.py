"""Cuts a time range out of the recording packet by packet: the reference with which tests compare
virtual files and clips.

A packet's wall time is its segment's start plus its `pts` minus the segment's first. In a clip,
time 0 is the requested start (or the first picture recorded after it). What the decoder needs from
before it has negative times, which an edit list hides. A gap in the recording is as long in the
clip. docs/recording.md describes the seams.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from domain.clock import NS_PER_MS, NS_PER_S, rfc3339
from domain.errors import DataLoss, NotFound
from storage.mp4.boxes import whole_bytes
from storage.mp4.demuxer import Mp4Reader
from storage.mp4.file_headers import MOVIE_SCALE
from storage.mp4.tracks import TrackHeader, tracks
from storage.recordings.cut_plan import JOIN_GAP_NS, CutPiece, gaps_of, plan
from storage.recordings.ledger import Segment, parse_segment
from storage.recordings.packet_coverage import PacketCoverage
from tests.cut_samples import Timed, from_keyframe
from tests.progressive import ProgressiveWriter, TrackWriter

_HASH_BYTES = 1 << 20
_log = logging.getLogger(__name__)
_Tracks = tuple[TrackHeader, TrackHeader | None]


@dataclass(frozen=True, slots=True)
class Cut:
    """A finished clip; times are UTC nanoseconds."""

    start_ns: int
    """The time of the clip's time 0, where players start: the requested start, or the first picture
    after it. It is the start of the picture that is shown at the requested start if that is the
    last one, or stands still for more than a second.
    """
    end_ns: int
    """The end of its last picture."""
    gaps_ms: tuple[tuple[int, int], ...]
    """The parts of the requested range that it lacks, UTC ms."""
    apart_ms: tuple[tuple[int, int], ...]
    """The gaps that are recorded with another codec, size or parameters. One file cannot hold both,
    so request them separately.
    """
    codec: str
    size_bytes: int
    sha256: str


def cut(segments: Sequence[Segment], from_ns: int, to_ns: int, out: Path) -> Cut:
    """Write [from_ns, to_ns) of one camera to `out`, from the keyframe at or before `from_ns`; it
    is on disk when this returns.

    If codec parameters change within the range, the longer side is cut and the rest is a gap.
    Memory does not grow with the range.

    Raises NotFound if nothing of it is recorded, StoreError if `out` cannot be written, and
    DataLoss if the first file's head is damaged. Later damage is a gap.
    """
    out.unlink(missing_ok=True)
    with ExitStack() as held:
        found = _readable(plan(_held(segments, held), from_ns, to_ns))
        pieces = _longest_run(
            [piece for piece, _ in found], [video.description for _, (video, _) in found]
        )
        if not pieces:
            raise _nothing(from_ns, to_ns)
        try:
            cutting = _Cutting(pieces, dict(found), from_ns, to_ns, out)
            cutting.run()
            return cutting.result([piece for piece, _ in found if piece not in pieces])
        except BaseException:
            out.unlink(missing_ok=True)
            raise


def _longest_run(pieces: Sequence[CutPiece], keys: Sequence[bytes]) -> tuple[CutPiece, ...]:
    """Return the run of adjacent pieces with an equal key (codec parameters) that has the most
    time; the earliest of equals.
    """
    keyed = zip(keys, pieces, strict=True)
    runs = [tuple(piece for _, piece in run) for _, run in groupby(keyed, key=itemgetter(0))]
    return max(runs, key=lambda run: sum(piece.length_ns for piece in run), default=())


class _Cutting:
    """One cut in progress, from pieces to one file."""

    def __init__(
        self,
        pieces: tuple[CutPiece, ...],
        tracks_of: Mapping[CutPiece, _Tracks],
        from_ns: int,
        to_ns: int,
        out: Path,
    ) -> None:
        self._pieces = pieces
        self._tracks_of = tracks_of
        self._from_ns = from_ns
        self._to_ns = to_ns
        self._out = out
        self._codec = ""
        self._zero_ns: int | None = None
        self._last_dts: int | None = None
        self._sound_end: int | None = None
        self._coverage = PacketCoverage()

    def run(self) -> None:
        self._codec = _codec(self._pieces[0].segment.path)
        video = self._tracks_of[self._pieces[0]][0]
        # Of sound that changes within the range, as of video, one kind fits into a file: the first
        # there is.
        sound = next(
            (sound for piece in self._pieces if (sound := self._tracks_of[piece][1]) is not None),
            None,
        )
        with closing(ProgressiveWriter(self._out, video, sound)) as writer:
            for piece in self._pieces:
                has_sound = sound is not None and self._tracks_of[piece][1] == sound
                self._write_piece(writer, piece, writer.sound if has_sound else None)
            if self._zero_ns is not None:
                self._zero_ns -= writer.show_a_picture() * NS_PER_S // MOVIE_SCALE
                writer.finish()

    def result(self, apart: Sequence[CutPiece]) -> Cut:
        if self._zero_ns is None:
            raise _nothing(self._from_ns, self._to_ns)
        size_bytes, sha256 = _settle(self._out)
        gaps_ms = gaps_of(self._coverage.ranges, self._from_ns, self._to_ns)
        apart_ms = tuple(
            (
                max(piece.from_ns, self._from_ns) // NS_PER_MS,
                min(piece.to_ns, self._to_ns) // NS_PER_MS,
            )
            for piece in apart
        )
        return Cut(
            self._zero_ns, self._coverage.end_ns, gaps_ms, apart_ms, self._codec, size_bytes, sha256
        )

    def _write_piece(
        self, writer: ProgressiveWriter, piece: CutPiece, sound: TrackWriter | None
    ) -> None:
        known_end_ns = piece.to_ns if _is_whole(piece.segment) else None
        try:
            for timed in from_keyframe(piece, self._zero_ns is None, sound is not None):
                if not timed.sample.is_sound:
                    self._write(writer, timed)
                elif sound is not None:
                    self._write_sound(writer, sound, piece, timed)
        except DataLoss as loss:
            where = f"{piece.segment.camera_id} at {rfc3339(piece.segment.start_ns)}"
            _log.warning("a clip goes on without the rest of the segment of %s: %s", where, loss)
            known_end_ns = None
        self._coverage.close(known_end_ns)

    def _write(self, writer: ProgressiveWriter, timed: Timed) -> None:
        if self._zero_ns is None:
            self._zero_ns = max(self._from_ns, timed.wall_ns)
        dts = _ticks(timed.decode_ns - self._zero_ns)
        if self._last_dts is not None:
            dts = max(dts, self._last_dts + 1)
        pts = max(_ticks(timed.wall_ns - self._zero_ns), dts)
        writer.write(
            writer.video,
            timed.sample.data,
            dts,
            pts,
            _ticks(timed.duration_ns),
            timed.sample.is_keyframe,
        )
        self._last_dts = dts
        self._coverage.add(timed.wall_ns, timed.decode_ns)

    def _write_sound(
        self, writer: ProgressiveWriter, sound: TrackWriter, piece: CutPiece, timed: Timed
    ) -> None:
        """Write the sound from time 0 on within the piece; of two that overlap at a seam, the
        first.
        """
        if self._zero_ns is None or timed.end_ns <= self._zero_ns or timed.wall_ns >= piece.to_ns:
            return
        at = _ticks(timed.wall_ns - self._zero_ns, sound.timescale)
        if self._sound_end is not None and at < self._sound_end:
            if at < self._sound_end - sound.timescale * JOIN_GAP_NS // NS_PER_S:
                return
            at = self._sound_end
        writer.write(sound, timed.sample.data, at, at, timed.sample.duration, is_keyframe=True)
        self._sound_end = at + timed.sample.duration


def _held(segments: Sequence[Segment], held: ExitStack) -> list[Segment]:
    """Yield the segments whose files exist, each held open and read through its descriptor.

    A segment that is renamed or deleted during the cut is therefore still read to its end. One that
    was renamed since it was listed is found by its new name.
    """
    found: list[Segment] = []
    for segment in segments:
        try:
            file = held.enter_context(segment.path.open("rb"))
        except FileNotFoundError:
            renamed = _finished(segment)
            found += (
                _held([renamed], held)
                if renamed is not None and renamed.path != segment.path
                else []
            )
        else:
            found.append(replace(segment, path=Path(f"/proc/self/fd/{file.fileno()}")))
    return found


def _finished(segment: Segment) -> Segment | None:
    names = segment.path.parent.glob(
        f"{segment.camera_id}_{segment.start_ms}_*_{segment.fence}.mp4"
    )
    return next((found for path in names if (found := parse_segment(path)) is not None), None)


def _readable(pieces: Sequence[CutPiece]) -> list[tuple[CutPiece, _Tracks]]:
    """Yield the pieces that can be read, and their tracks."""
    found = [
        (piece, tracks(piece.segment.path)) for piece in pieces if whole_bytes(piece.segment.path)
    ]
    return [
        (piece, (video, next((track for track in declared if track.is_sound), None)))
        for piece, declared in found
        if (video := next((track for track in declared if not track.is_sound), None)) is not None
    ]


def _is_whole(segment: Segment) -> bool:
    """Return whether the end in its name is reliable."""
    return segment.end_ns is not None and whole_bytes(segment.path) == segment.path.stat().st_size


def _codec(path: Path) -> str:
    with Mp4Reader(path, whole_bytes(path)) as reader:
        return reader.parameters.codec


def _settle(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a finished file."""
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while data := file.read(_HASH_BYTES):
            digest.update(data)
            size_bytes += len(data)
    return size_bytes, digest.hexdigest()


def _ticks(ns: int, per_s: int = MOVIE_SCALE) -> int:
    return (ns * per_s + NS_PER_S // 2) // NS_PER_S


def _nothing(from_ns: int, to_ns: int) -> NotFound:
    return NotFound(f"nothing is recorded between {rfc3339(from_ns)} and {rfc3339(to_ns)}")
