"""Puts the blocks of a virtual file in sequence. Pure.

A block that was made for another file is used if this file gives the same times. Otherwise, where
the recording before it reaches into it, it is made again for this file alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.clock import NS_PER_S
from storage.mp4.file_headers import MOVIE_SCALE
from storage.mp4.tracks import TrackHeader
from storage.recordings.virtual.blocks import (
    Block,
    BlockSource,
    Seam,
    block_zero_ns,
    make_block,
)
from storage.recordings.virtual.timeline import (
    LaidOutPiece,
    SoundPlace,
    first_picture_ns,
    first_sound,
    picture_runs,
)


class JoinedBlocks:
    """The blocks of a file, which are added in sequence."""

    def __init__(self, from_ns: int) -> None:
        self.blocks: list[Block] = []
        self.zero_ns = from_ns
        """Time 0 of the file, after the first block was added."""
        self.end_ns = 0
        """The end of the last picture."""
        self._sound_header: TrackHeader | None = None
        self._picture: int | None = None
        """The decoding time of the last picture, in ticks from `zero_ns`."""
        self._sound: int | None = None
        """The end of the sound, likewise."""

    def add(self, source: BlockSource) -> None:
        """Add the block of a source, if pictures of it are used."""
        block = self._known(source) or self._made(source.load())
        if block is not None:
            self._append(block)

    def _known(self, source: BlockSource) -> Block | None:
        """Return the block of the source, if it is the same in this file."""
        block = source.block
        if block is None:
            return None
        if not self.blocks:
            self.zero_ns = max(self.zero_ns, block.first_ns)
        start_ns = source.pieces[0].segment.start_ns
        suits = block.zero_ns == block_zero_ns(start_ns, self.zero_ns, block.sound_header)
        header = self._sound_header or block.sound_header
        has_sound = block.sound_header in (None, header)
        # After a later time 0, not all of its sound is used.
        is_same = suits and has_sound and self.zero_ns <= start_ns
        seam = self._seam(block.zero_ns, block.sound_header)
        return block if is_same and block.follows(seam) else None

    def _made(self, pieces: Sequence[LaidOutPiece]) -> Block | None:
        """Make a block for this file; return None if no picture of the pieces is used."""
        runs = picture_runs(pieces, is_first=not self.blocks)
        if not runs:
            return None
        own_sound = first_sound(pieces)
        header = own_sound and (self._sound_header or own_sound)
        start_ns = pieces[0].piece.segment.start_ns
        if not self.blocks:
            self.zero_ns = max(self.zero_ns, first_picture_ns(pieces, runs))
        zero_ns = block_zero_ns(start_ns, self.zero_ns, header)
        seam = self._seam(zero_ns, header)
        place = None if header is None else SoundPlace(header, self.zero_ns, zero_ns, seam.sound)
        return make_block(pieces, runs, zero_ns, place, seam)

    def _seam(self, zero_ns: int, header: TrackHeader | None) -> Seam:
        later_ns = zero_ns - self.zero_ns
        picture, sound = self._picture, self._sound
        return Seam(
            None if picture is None else picture - ticks(later_ns, MOVIE_SCALE),
            None if sound is None or header is None else sound - ticks(later_ns, header.timescale),
            self.end_ns,
        )

    def _append(self, block: Block) -> None:
        later_ns = block.zero_ns - self.zero_ns
        self._picture = block.video.tables.last_time + ticks(later_ns, MOVIE_SCALE)
        self._sound_header = self._sound_header or block.sound_header
        if block.sound is not None:
            tables, scale = block.sound.tables, block.sound.timescale
            self._sound = tables.last_time + tables.last_duration + ticks(later_ns, scale)
        self.end_ns = max(self.end_ns, block.end_ns)
        self.blocks.append(block)


def ticks(whole_ns: int, timescale: int) -> int:
    """Return a time that has whole ticks."""
    return whole_ns * timescale // NS_PER_S
