"""Collects the layout of a segment while it is written, and the SHA-256 of each fragment, so that
nothing is read again for the recording index. It must cost little: each camera has ten fragments in
ten seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from storage.mp4.fragments import AUDIO_ID, KEYFRAME, VIDEO_ID, AudioRun, VideoRun
from storage.mp4.segment_layout import content_of_moov
from storage.mp4.tracks import TrackHeader, tracks_of
from storage.recordings.virtual.layout_records import (
    FileVersion,
    StoredRecord,
    TrackColumns,
    write_columns,
)

_HEADS_CACHED = 4_096
"""A camera sends the same head for all segments of a session."""


class LayoutBuilder:
    """The layout of one segment, which grows by a fragment at a time."""

    def __init__(self, head: bytes) -> None:
        """`head` is the head of the file."""
        self._headers = _track_headers(head)
        self._fragments: list[int] = []
        self._digests: list[bytes] = []
        self._video_runs: list[int] = []
        self._video_table: list[int] = []
        self._sound_runs: list[int] = []
        self._sound_table: list[int] = []

    def add(
        self,
        offset: int,
        data: Sequence[bytes | bytearray],
        video: VideoRun | None,
        audio: AudioRun | None,
    ) -> None:
        """Add a fragment that is at `offset` of the file. Its bytes are `data`, of which the first
        piece is all before the samples.
        """
        digest = hashlib.sha256()
        for piece in data:
            digest.update(piece)
        self._digests.append(digest.digest())
        self._fragments += (offset, offset + sum(map(len, data)))
        at = offset + len(data[0])
        if video is not None:
            self._video_runs += (at, video.decode_time, len(video.table) // 4)
            self._video_table += video.table
            at += sum(video.table[1::4])
        if audio is not None:
            self._sound_runs += (at, audio.decode_time, len(audio.table) // 2)
            self._sound_table += audio.table

    def record(self, name: str, version: FileVersion) -> StoredRecord:
        """Return the layout of the whole file, in which there is a picture."""
        info = (name, version, True)
        return write_columns(info, self._fragments, self._digests, self._video(), self._sound())

    def _video(self) -> TrackColumns:
        table = self._video_table
        flags = table[2::4]
        return TrackColumns(
            self._headers[VIDEO_ID],
            self._video_runs,
            table[1::4],
            table[0::4],
            table[3::4],
            [place for place, flag in enumerate(flags) if flag == KEYFRAME],
        )

    def _sound(self) -> TrackColumns | None:
        table = self._sound_table
        if not table:
            return None
        count = len(table) // 2
        header = self._headers[AUDIO_ID]
        return TrackColumns(
            header, self._sound_runs, table[1::2], table[0::2], (0,) * count, range(count)
        )


@lru_cache(_HEADS_CACHED)
def _track_headers(head: bytes) -> dict[int, TrackHeader]:
    return dict(tracks_of(content_of_moov(head)))
