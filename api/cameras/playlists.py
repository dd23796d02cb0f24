"""Playlists of a camera's recording: what a player needs to play any range of it, holes kept as
long as they were. Pure.

A player's time 0 is `zero_ns`; every segment is served with its times moved to its place after it,
so that nothing has to be guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote, urlencode

from api.cameras.segment_locator import Located
from api.requests.tickets import TICKET
from domain.clock import NS_PER_S, rfc3339
from domain.recordings.gaps import Gap
from storage.recordings.recorded_ranges import JOIN_NS

LONGEST_GAP_PART_NS = 10 * NS_PER_S
"""HLS makes the longest part the time between looks, so that long gaps are cut."""
M3U8_TYPE = "application/vnd.apple.mpegurl"


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """One part: a segment, or (`segment` is None) a gap."""

    start_ns: int
    end_ns: int
    segment: Located | None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of one playlist are had."""

    camera_id: str
    zero_ns: int
    ticket: str

    @property
    def gap(self) -> str:
        """Where nothing is: players that know no gaps ask for it, are refused, and go on."""
        query = urlencode({TICKET: self.ticket})
        return f"/v1/cameras/{quote(self.camera_id)}/segments/gap.mp4?{query}"

    def media(self, one: Located) -> str:
        return self._segment(one, "media")

    def head(self, one: Located) -> str:
        return self._segment(one, "head")

    def _segment(self, one: Located, part: str) -> str:
        query = urlencode({"part": part, "zero": rfc3339(self.zero_ns), TICKET: self.ticket})
        return f"/v1/cameras/{quote(self.camera_id)}/segments/{quote(one.name)}?{query}"


def zero_of(segments: Sequence[Located], from_ns: int) -> int:
    """A player's time 0: the asked start, or the first segment's where that begins before it.
    Whole milliseconds.
    """
    first_ns = min([from_ns, *(one.segment.start_ns for one in segments)])
    return first_ns // 1_000_000 * 1_000_000


def entries(segments: Sequence[Located], from_ns: int, to_ns: int) -> list[PlaylistEntry]:
    """The parts from the first segment (or the asked start) to the asked end, without a moment
    left out; a second or less is no gap.
    """
    made: list[PlaylistEntry] = []
    at_ns = zero_of(segments, from_ns)
    for one in segments:
        if one.segment.start_ns - at_ns > JOIN_NS:
            made.append(PlaylistEntry(at_ns, one.segment.start_ns, None))
        elif made:  # what little is between them belongs to the one before, and what they share too
            made[-1] = PlaylistEntry(
                made[-1].start_ns, max(made[-1].start_ns, one.segment.start_ns), made[-1].segment
            )
        made.append(PlaylistEntry(one.segment.start_ns, one.end_ns, one))
        at_ns = max(at_ns, one.end_ns)
    if to_ns - at_ns > JOIN_NS:
        made.append(PlaylistEntry(at_ns, to_ns, None))
    return made


def m3u8(
    parts: Sequence[PlaylistEntry], gaps: Sequence[Gap], addresses: Addresses, from_ns: int
) -> str:
    """The playlist as HLS of fragmented MP4 (RFC 8216bis): gaps as `EXT-X-GAP`, and their
    causes as date ranges.
    """
    cut = [piece for part in parts for piece in _short(part)]
    longest_s = max((-(-(part.end_ns - part.start_ns) // NS_PER_S) for part in cut), default=1)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:8",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXT-X-TARGETDURATION:{longest_s}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    if from_ns > addresses.zero_ns:
        lines.append(
            f"#EXT-X-START:TIME-OFFSET={(from_ns - addresses.zero_ns) / NS_PER_S:.3f},PRECISE=YES"
        )
    lines += [_date_range(number, gap) for number, gap in enumerate(gaps, 1)]
    head = ""
    for part in cut:
        if part.segment is not None and part.segment.head != head:
            lines += ["#EXT-X-DISCONTINUITY"] if head else []
            lines.append(f'#EXT-X-MAP:URI="{addresses.head(part.segment)}"')
            head = part.segment.head
        lines += _lines(part, addresses)
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _lines(part: PlaylistEntry, addresses: Addresses) -> list[str]:
    lines = [f"#EXT-X-PROGRAM-DATE-TIME:{rfc3339(part.start_ns)}"]
    if part.segment is None:
        lines.append("#EXT-X-GAP")
    lines.append(f"#EXTINF:{(part.end_ns - part.start_ns) / NS_PER_S:.3f},")
    lines.append(addresses.gap if part.segment is None else addresses.media(part.segment))
    return lines


def _short(part: PlaylistEntry) -> list[PlaylistEntry]:
    if part.segment is not None:
        return [part]
    edges = [*range(part.start_ns, part.end_ns, LONGEST_GAP_PART_NS), part.end_ns]
    return [PlaylistEntry(start_ns, end_ns, None) for start_ns, end_ns in pairwise(edges)]


def _date_range(number: int, gap: Gap) -> str:
    duration_s = (gap.end_ns - gap.start_ns) / NS_PER_S
    start = rfc3339(gap.start_ns)
    said = f'ID="gap-{number}",CLASS="gap",START-DATE="{start}",DURATION={duration_s:.3f}'
    return f'#EXT-X-DATERANGE:{said},X-CAUSE="{gap.cause}"'
