"""Playlists of recorded ranges, with gaps in their real length. This module does no I/O.

A player's time 0 is `zero_ns`; every segment is served with its times relative to that.
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
"""Longer gaps are divided, because HLS players reload by the duration of the longest part."""
M3U8_TYPE = "application/vnd.apple.mpegurl"


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """One part of a playlist: a segment, or a gap if `segment` is None."""

    start_ns: int
    end_ns: int
    segment: Located | None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Builds the URLs of the parts of one playlist."""

    camera_id: str
    zero_ns: int
    ticket: str

    @property
    def gap(self) -> str:
        """The URL of a gap. Players that ignore `EXT-X-GAP` request it, get 404, and continue."""
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
    """Return a player's time 0, in whole milliseconds.

    It is the requested start, or the start of the first segment if that is earlier.
    """
    first_ns = min([from_ns, *(one.segment.start_ns for one in segments)])
    return first_ns // 1_000_000 * 1_000_000


def entries(segments: Sequence[Located], from_ns: int, to_ns: int) -> list[PlaylistEntry]:
    """Return adjacent parts from the player's time 0 to the requested end.

    A pause of up to `JOIN_NS` between two segments is no gap.
    """
    parts: list[PlaylistEntry] = []
    at_ns = zero_of(segments, from_ns)
    for located in segments:
        start_ns = located.segment.start_ns
        if start_ns - at_ns > JOIN_NS:
            parts.append(PlaylistEntry(at_ns, start_ns, None))
        elif parts:  # a short pause, or an overlap, belongs to the previous part
            last = parts[-1]
            parts[-1] = PlaylistEntry(last.start_ns, max(last.start_ns, start_ns), last.segment)
        parts.append(PlaylistEntry(start_ns, located.end_ns, located))
        at_ns = max(at_ns, located.end_ns)
    if to_ns - at_ns > JOIN_NS:
        parts.append(PlaylistEntry(at_ns, to_ns, None))
    return parts


def m3u8(
    parts: Sequence[PlaylistEntry], gaps: Sequence[Gap], addresses: Addresses, from_ns: int
) -> str:
    """Write an HLS playlist of fragmented MP4 (RFC 8216bis).

    Gaps are `EXT-X-GAP`, and their causes are date ranges.
    """
    cut = [piece for part in parts for piece in _divided(part)]
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


def _divided(part: PlaylistEntry) -> list[PlaylistEntry]:
    if part.segment is not None:
        return [part]
    edges = [*range(part.start_ns, part.end_ns, LONGEST_GAP_PART_NS), part.end_ns]
    return [PlaylistEntry(start_ns, end_ns, None) for start_ns, end_ns in pairwise(edges)]


def _date_range(number: int, gap: Gap) -> str:
    duration_s = (gap.end_ns - gap.start_ns) / NS_PER_S
    start = rfc3339(gap.start_ns)
    attributes = f'ID="gap-{number}",CLASS="gap",START-DATE="{start}",DURATION={duration_s:.3f}'
    return f'#EXT-X-DATERANGE:{attributes},X-CAUSE="{gap.cause}"'
