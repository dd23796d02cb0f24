"""Which samples of a recording are in a virtual file, and their times on its timeline. Pure.

The rules are those of `cut` (docs/recording.md): from a keyframe on, no picture twice, and a gap in
the recording is as long in the file. All samples are placed together as arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.clock import NS_PER_S
from storage.mp4.file_headers import MOVIE_SCALE
from storage.mp4.fragment_samples import BoolArray, IntArray
from storage.mp4.segment_layout import SegmentLayout, TrackLayout, fragments_at
from storage.mp4.tracks import TrackHeader
from storage.recordings.cut_plan import JOIN_GAP_NS, CutPiece


@dataclass(frozen=True, slots=True, eq=False)
class LaidOutPiece:
    """A piece of a recording, and the layout of its segment."""

    piece: CutPiece
    layout: SegmentLayout
    hashes: tuple[bytes, ...] | None = None
    """The SHA-256 of each fragment; None if nothing hashed it."""
    damaged: frozenset[int] = frozenset()
    """The numbers of the fragments that must not be used."""
    content: bytes = b""
    """What differs between two contents of its segment, unless the hashes of the recorder prove
    the content.
    """
    is_hashed_late: bool = False
    """Whether the hashes are of a first reading, and not of the recorder."""

    @property
    def known_end_ns(self) -> int | None:
        """The end of the piece if the end in the segment's name is reliable."""
        is_reliable = self.piece.segment.end_ns is not None and self.layout.is_whole
        return self.piece.to_ns if is_reliable else None


@dataclass(frozen=True, slots=True, eq=False)
class PlacedTrack:
    """The samples of one track in a virtual file. Times are in ticks of 1 / `timescale` s."""

    header: TrackHeader
    timescale: int
    pieces: IntArray
    """The number of the piece of each sample."""
    offsets: IntArray
    """The offset of each sample in the file of its segment."""
    sizes: IntArray
    durations: IntArray
    times: IntArray
    """Decoding times, which rise."""
    shown: IntArray
    """Presentation times."""
    are_keyframes: BoolArray


@dataclass(frozen=True, slots=True)
class PictureRun:
    """Consecutive pictures of a piece, [first, last), which begin with a keyframe. A piece without
    damage has one run.
    """

    number: int
    """The number of the piece."""
    first: int
    last: int
    known_end_ns: int | None
    """When the last picture ends, if the name of the segment says so."""


def picture_runs(pieces: Sequence[LaidOutPiece], is_first: bool) -> list[PictureRun]:
    """Return the pictures of each piece: from the keyframe after its start on. Of the first piece
    of a file (`is_first`), they begin at the keyframe at or before its start.
    """
    runs: list[PictureRun] = []
    for number, one in enumerate(pieces):
        begin, end = _used_pictures(one, is_first and not runs)
        for first, last in _intact_spans(one, begin, end):
            known_end_ns = one.known_end_ns if last == end else None
            runs.append(PictureRun(number, first, last, known_end_ns))
    return runs


def _used_pictures(one: LaidOutPiece, is_first: bool) -> tuple[int, int]:
    video, piece = one.layout.video, one.piece
    start_ns = piece.segment.start_ns
    if (
        piece.from_ns <= start_ns
        and bool(video.are_keyframes[0])
        and start_ns + _ns_after_first(video, int(video.decode_times[-1])) < piece.to_ns
    ):
        return 0, len(video)
    walls_ns, decodes_ns = picture_times(one)
    entry_ns = _entry_ns(one, walls_ns, decodes_ns, is_first)
    return (
        _first_where(video.are_keyframes & (walls_ns >= entry_ns)),
        _first_where(decodes_ns >= piece.to_ns),
    )


def _intact_spans(one: LaidOutPiece, first: int, last: int) -> list[tuple[int, int]]:
    """Return the pictures of [first, last) without those in damaged fragments, and without those
    after them up to the next keyframe.
    """
    if not one.damaged:
        return [(first, last)] if first < last else []
    intact = ~_are_damaged(one, one.layout.video)
    can_begin = intact & one.layout.video.are_keyframes
    spans: list[tuple[int, int]] = []
    while (begin := first + _first_where(can_begin[first:last])) < last:
        first = begin + _first_where(~intact[begin:last])
        spans.append((begin, first))
    return spans


def _are_damaged(one: LaidOutPiece, track: TrackLayout) -> BoolArray:
    """Return for each sample whether it is in a damaged fragment."""
    if not one.damaged:
        return np.zeros(len(track), np.bool_)
    return np.isin(fragments_at(one.layout.fragments, track.offsets), sorted(one.damaged))


def damaged_span(one: LaidOutPiece, fragment: int) -> tuple[int, int]:
    """Return the times (UTC ns) between which a piece cannot be shown without this fragment: from
    its first picture to the next keyframe, or to the end of the piece.
    """
    video, walls_ns = one.layout.video, picture_times(one)[0]
    numbers = fragments_at(one.layout.fragments, video.offsets)
    pictures = walls_ns[numbers == fragment]
    following = walls_ns[(numbers > fragment) & video.are_keyframes]
    end_ns = int(following.min()) if len(following) else one.piece.to_ns
    return (int(pictures.min()) if len(pictures) else end_ns), end_ns


def _ns_after_first(video: TrackLayout, decode_time: int) -> int:
    return (decode_time - video.first_shown) * NS_PER_S // video.header.timescale


def picture_times(one: LaidOutPiece) -> tuple[IntArray, IntArray]:
    """Return the wall time and the decoding time (UTC ns) of the pictures of a segment."""
    video, start_ns = one.layout.video, one.piece.segment.start_ns
    decodes = video.decode_times - video.first_shown
    scale = video.header.timescale
    return start_ns + _to_ns(decodes + video.shown_after, scale), start_ns + _to_ns(decodes, scale)


def first_picture_ns(pieces: Sequence[LaidOutPiece], runs: Sequence[PictureRun]) -> int:
    """Return the wall time of the first picture of all runs."""
    walls_ns, _ = picture_times(pieces[runs[0].number])
    return int(walls_ns[runs[0].first])


def _entry_ns(one: LaidOutPiece, walls_ns: IntArray, decodes_ns: IntArray, is_first: bool) -> int:
    """Return the wall time at or after which the first keyframe is required."""
    from_ns, start_ns = one.piece.from_ns, one.piece.segment.start_ns
    if from_ns <= start_ns or not is_first:
        return from_ns
    known = _first_where(decodes_ns > from_ns)
    before = np.flatnonzero((one.layout.video.are_keyframes & (walls_ns <= from_ns))[:known])
    return int(walls_ns[before[-1]]) if len(before) else start_ns


def placed_pictures(
    pieces: Sequence[LaidOutPiece],
    runs: Sequence[PictureRun],
    times_ns: tuple[IntArray, IntArray],
    zero_ns: int,
    after: int | None = None,
) -> PlacedTrack:
    """Place the pictures of all runs on the timeline that has time 0 at `zero_ns`, with decoding
    times later than `after`. `times_ns` is what `joined_times` returns.
    """
    counts = [run.last - run.first for run in runs]
    walls_ns, decodes_ns = times_ns
    chosen = [(pieces[run.number].layout.video, slice(run.first, run.last)) for run in runs]
    scales = _scales([video.header.timescale for video, _ in chosen], counts)
    durations = np.concatenate([video.durations[part] for video, part in chosen])
    place = np.arange(len(walls_ns))
    free = _to_ticks(decodes_ns - zero_ns, MOVIE_SCALE) - place
    if after is not None:
        free[0] = max(int(free[0]), after + 1)
    times = np.maximum.accumulate(free) + place
    return PlacedTrack(
        chosen[0][0].header,
        MOVIE_SCALE,
        np.repeat([run.number for run in runs], counts),
        np.concatenate([video.offsets[part] for video, part in chosen]),
        np.concatenate([video.sizes[part] for video, part in chosen]),
        _to_ticks(_to_ns(durations, scales), MOVIE_SCALE),
        times,
        np.maximum(_to_ticks(walls_ns - zero_ns, MOVIE_SCALE), times),
        np.concatenate([video.are_keyframes[part] for video, part in chosen]),
    )


def joined_times(
    pieces: Sequence[LaidOutPiece], runs: Sequence[PictureRun]
) -> tuple[IntArray, IntArray]:
    """Return the wall times and the decoding times (UTC ns) of the pictures of all runs."""
    used = [pieces[run.number] for run in runs]
    videos = [one.layout.video for one in used]
    counts = [run.last - run.first for run in runs]
    parts = [slice(run.first, run.last) for run in runs]
    decodes = np.concatenate([v.decode_times[p] for v, p in zip(videos, parts, strict=True)])
    shown = np.concatenate([v.shown_after[p] for v, p in zip(videos, parts, strict=True)])
    firsts = [video.first_shown for video in videos]
    scales = _scales([video.header.timescale for video in videos], counts)
    starts_ns = np.repeat([one.piece.segment.start_ns for one in used], counts)
    decodes = decodes - np.repeat(firsts, counts)
    return starts_ns + _to_ns(decodes + shown, scales), starts_ns + _to_ns(decodes, scales)


@dataclass(frozen=True, slots=True)
class SoundPlace:
    """Which sound is placed, and where."""

    header: TrackHeader
    """Of sound that changes within a range, as of video, one kind fits into a file."""
    from_ns: int
    """Sound that ends before this time is not used."""
    zero_ns: int
    """Time 0 of the timeline."""
    end: int | None = None
    """The end of the sound before, in ticks."""


def first_sound(pieces: Sequence[LaidOutPiece]) -> TrackHeader | None:
    """Return the first kind of sound that there is."""
    return next((one.layout.sound.header for one in pieces if one.layout.sound), None)


def placed_sound(
    pieces: Sequence[LaidOutPiece], runs: Sequence[PictureRun], place: SoundPlace
) -> PlacedTrack | None:
    """Place the sound of the pieces that have pictures; None if there is none.

    Of two pieces of sound that overlap at a seam, the first is used.
    """
    header = place.header
    first_runs = {run.number: run for run in reversed(runs)}
    chosen = [
        part
        for number in sorted(first_runs)
        if (part := _sound_of(first_runs[number], pieces[number], place)) is not None
    ]
    if not chosen:
        return None
    at = [_to_ticks(walls_ns - place.zero_ns, header.timescale) for _, _, walls_ns, _ in chosen]
    durations = [sound.durations[places] for _, sound, _, places in chosen]
    slack = header.timescale * JOIN_GAP_NS // NS_PER_S
    placed, kept = _without_overlaps(at, durations, slack, place.end)
    if not len(kept):
        return None
    counts = [len(places) for _, _, _, places in chosen]
    offsets = np.concatenate([sound.offsets[places] for _, sound, _, places in chosen])
    sizes = np.concatenate([sound.sizes[places] for _, sound, _, places in chosen])
    numbers = np.repeat([number for number, _, _, _ in chosen], counts)
    return PlacedTrack(
        header,
        header.timescale,
        numbers[kept],
        offsets[kept],
        sizes[kept],
        np.concatenate(durations)[kept],
        placed,
        placed,
        np.ones(len(placed), np.bool_),
    )


def _sound_of(
    run: PictureRun, one: LaidOutPiece, place: SoundPlace
) -> tuple[int, TrackLayout, IntArray, IntArray] | None:
    """Return the number of the piece, its sound, and the wall times and places of what is used."""
    sound, header = one.layout.sound, place.header
    if sound is None or sound.header != header:
        return None
    walls_ns = one.piece.segment.start_ns + _to_ns(sound.decode_times, header.timescale)
    ends_ns = walls_ns + _to_ns(sound.durations, header.timescale)
    used = (ends_ns > place.from_ns) & (walls_ns < one.piece.to_ns)
    if run.first:
        first_offset = int(one.layout.video.offsets[run.first])
        (fragment,) = fragments_at(one.layout.fragments, [first_offset])
        used &= sound.offsets >= one.layout.fragments[fragment, 0]
    places = np.flatnonzero(used & ~_are_damaged(one, sound))
    return (run.number, sound, walls_ns[places], places) if len(places) else None


def _without_overlaps(
    at: Sequence[IntArray], durations: Sequence[IntArray], slack: int, end: int | None
) -> tuple[IntArray, IntArray]:
    """Return the start of each piece of sound that is used, not before the end of the one before,
    and the places of these pieces. A piece that begins more than `slack` before that end is left
    out. `end` is the end of the sound before all of them.
    """
    all_at, all_durations = np.concatenate(at), np.concatenate(durations)
    placed = _one_after_another(all_at, all_durations, end)
    is_late = end is None or int(all_at[0]) >= end - slack
    if is_late and not np.any(all_at[1:] < placed[:-1] + all_durations[:-1] - slack):
        return placed, np.arange(len(placed))
    starts, kept = list[IntArray](), list[IntArray]()
    base = 0
    for part, lengths in zip(at, durations, strict=True):
        place = 0
        while place < len(part):
            if end is not None:
                place += _first_where(part[place:] >= end - slack)
            found = _one_after_another(part[place:], lengths[place:], end)
            ends = found + lengths[place:]
            count = _first_where(part[place + 1 :] < ends[:-1] - slack) + 1
            starts.append(found[:count])
            kept.append(np.arange(base + place, base + place + len(found[:count])))
            end = int(ends[count - 1]) if len(found) else end
            place += count
        base += len(part)
    return np.concatenate(starts), np.concatenate(kept)


def _one_after_another(at: IntArray, durations: IntArray, end: int | None) -> IntArray:
    """Return the starts if each is delayed to the end of the one before; the first to `end`."""
    before = np.cumsum(durations) - durations
    free = at - before
    if end is not None and len(free):
        free[0] = max(int(free[0]), end)
    placed: IntArray = np.maximum.accumulate(free) + before
    return placed


def _first_where(holds: BoolArray) -> int:
    """Return the first place at which it holds, or the length."""
    place = int(np.argmax(holds)) if len(holds) else 0
    return place if len(holds) and holds[place] else len(holds)


def _scales(scales: Sequence[int], counts: Sequence[int]) -> int | IntArray:
    """Return the ticks a second of each sample; one number if all agree, which is divided by much
    faster.
    """
    return scales[0] if len(set(scales)) == 1 else np.repeat(scales, counts)


def _to_ns(ticks: IntArray, per_s: int | IntArray) -> IntArray:
    """Convert ticks to nanoseconds, rounded down as `ticks_to_ns` does."""
    return ticks * NS_PER_S // per_s


def _to_ticks(ns: IntArray, per_s: int) -> IntArray:
    """Convert nanoseconds to ticks, rounded to the nearest."""
    whole_s = ns // NS_PER_S
    rest_ns = ns - whole_s * NS_PER_S  # np.divmod takes six times as long
    ticks: IntArray = whole_s * per_s + (rest_ns * per_s + NS_PER_S // 2) // NS_PER_S
    return ticks
