"""The keyframes of a range as one fragmented MP4, which is sent while its segments are fetched."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence

from starlette.responses import Response

from api.access.api_context import ApiContext
from api.cameras.segment_locator import (
    Located,
    LocatedSegments,
    locate,
    offline_header,
    unresponsive_source,
)
from api.cameras.verified_segments import VerifiedSegments
from api.requests.streams import HeldStream
from domain.clock import moment, rfc3339
from domain.errors import NodeOffline, NotFound, ObjectsUnavailable
from storage.mp4.fragment_times import moved

_log = logging.getLogger(__name__)
_Chunks = Generator[bytes, None, None]


def keyframes_response(
    context: ApiContext,
    reader: VerifiedSegments,
    camera_id: str,
    found: LocatedSegments,
    span: tuple[int, int],
    every_ns: int,
) -> Response:
    """Respond with the keyframes of [from, to), up to a change of the camera's codec parameters.

    The first keyframes are fetched before the response starts, so an error there has its status.
    """
    segments = found.segments
    ends_ns = min(
        [span[1], *(one.segment.start_ns for one in segments if one.head != segments[0].head)]
    )
    same_head = _with_first_head(segments, ends_ns)
    chunks = _keyframes(context, reader, camera_id, same_head, (span[0], ends_ns), every_ns)
    head = next(chunks, None)
    if head is None:
        raise NotFound(
            "nothing of {camera} is recorded between {start} and {end}",
            camera=camera_id,
            start=moment(span[0]),
            end=moment(span[1]),
        )
    headers = {
        "Sightline-Start": rfc3339(span[0]),
        "Sightline-End": rfc3339(ends_ns),
        **offline_header(found.offline),
    }
    return HeldStream(_prepended(head, chunks), chunks.close, 200, headers, "video/mp4")


def _with_first_head(segments: Sequence[Located], ends_ns: int) -> list[Located]:
    return [
        one for one in segments if one.head == segments[0].head and one.segment.start_ns < ends_ns
    ]


def _prepended(first: bytes, rest: _Chunks) -> _Chunks:
    yield first
    yield from rest


def _keyframes(
    context: ApiContext,
    reader: VerifiedSegments,
    camera_id: str,
    segments: Sequence[Located],
    span: tuple[int, int],
    every_ns: int,
) -> _Chunks:
    """Yield the head, then the keyframes of each segment.

    A source that stops responding is replaced by the others. Only keyframes that no other source
    has are missing; where no source has any of the rest, the response is aborted.
    """
    left, gone, due_ns, is_first = list(segments), tuple[str, ...](), span[0], True
    damaged = reader.damaged(left)
    while left:
        one = left.pop(0)
        if one.end_ns <= due_ns:  # none of its keyframes is due, so its file is not opened
            continue
        try:
            head, found = reader.keyframes(
                one, (due_ns, span[1]), every_ns, damaged.get(one.key, ())
            )
        except NotFound:  # deleted since it was listed
            continue
        except (NodeOffline, ObjectsUnavailable) as error:
            if is_first or unresponsive_source(error) in ("", *gone):
                raise
            _log.warning(
                "the keyframes of %s are incomplete because %s did not respond: %s",
                camera_id,
                unresponsive_source(error),
                error,
            )
            gone = (*gone, unresponsive_source(error))
            rest = locate(
                context, camera_id, max(due_ns, one.segment.start_ns), span[1], gone
            ).segments
            left = [other for other in rest if other.head == one.head]
            damaged = reader.damaged(left)
            continue
        if is_first:
            yield head.data
            is_first = False
        if found.last_ns is not None:
            yield moved(found.data, head, one.segment.start_ns - span[0])
            due_ns = found.last_ns + max(every_ns, 1)
