"""The route of recordings: a range as one virtual MP4 file, whole or in byte ranges."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Query, Request
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.access.privacy_masks import check_unmasked_view
from api.cameras.cameras import check_span, holder
from api.cameras.digest_cache import DigestRequest
from api.cameras.models import RecordingTicket
from api.cameras.ranged_files import RangedFile, WantedRanges, ranged_response
from api.cameras.recording_files import RecordingFile, RecordingFiles
from api.cameras.segment_locator import LocatedSegments, locate, offline_header, with_segments
from api.requests.byte_ranges import ByteRange, IfRange, RangeHeader
from api.requests.conditions import IfNoneMatch
from api.requests.digests import WantReprDigest, repr_digest, wants_sha256
from api.requests.parameters import CameraId, RangeFrom, RangeTo
from api.requests.request_trace import Trace
from api.requests.tickets import TICKET, ticket_for, write_ticket
from domain.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MS, NS_PER_S, S_PER_DAY, moment, rfc3339
from domain.errors import (
    DataLoss,
    Forbidden,
    NodeOffline,
    NotFound,
    ObjectsUnavailable,
    SightlineError,
)
from domain.messages.message import Message
from storage.audit.viewings import Viewed
from storage.recordings.file_reader import Chunk
from storage.recordings.recorded_ranges import LEAST_BYTES
from storage.recordings.virtual.virtual_file import Ranges, VirtualFile

LONGEST_RECORDING_S = S_PER_DAY
SETTLED_BEFORE_END_NS = 2 * NS_PER_S
"""Sound is stored up to a second after its pictures, so the last seconds of a segment that is being
written may still change.
"""
MOST_RANGES_BYTES = 4096
"""The most bytes of a header that lists ranges."""
_RANGE_BYTES = len("2026-01-01T00:00:00.000Z/2026-01-01T00:00:00.000Z")
LONGEST_DIGEST_S = 3600
"""The longest range of which a digest is computed, because all of it is read first."""
MP4 = "video/mp4"
TicketOf = Annotated[
    str | None,
    Query(alias=TICKET, max_length=6_000, description="as its address has it"),
]
_NEAR_NS = (NS_PER_HOUR, NS_PER_DAY)
"""The distances around an empty range in which the nearest recording is searched."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the headers of a request ask for."""

    wanted: WantedRanges
    wants_digest: bool


def read_recording(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    request: Request,
    camera_id: CameraId,
    from_ns: RangeFrom,
    to_ns: RangeTo,
    range_: RangeHeader = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
    want_digest: WantReprDigest = None,
    ticket: TicketOf = None,
) -> Response:
    """Return at most a day as MP4, not re-encoded, from all nodes and the object store.

    `Sightline-Gaps` lists the missing parts, `Sightline-Offline` the sources that do not respond
    and may have some of them. While the end of the range is being recorded, the answer is 307 with
    an earlier `to`.
    """
    check_unmasked_view(trace, context.known_camera(camera_id, visible).camera)
    check_span(from_ns, to_ns, LONGEST_RECORDING_S)
    if trace.ticket is not None and not trace.ticket.contains(from_ns, to_ns):
        raise Forbidden("this ticket is for another range; use its address without a change")
    span = (from_ns, to_ns)
    trace.viewed = Viewed("recording", camera_id, from_ns, to_ns)
    files: RecordingFiles = request.app.state.recordings
    is_short = to_ns - from_ns <= LONGEST_DIGEST_S * NS_PER_S
    wanted = WantedRanges(range_, if_range, if_none_match)
    asked = _Asked(wanted, is_short and wants_sha256(want_digest))
    # A player sends many requests for byte ranges; only these use a file without a new listing.
    recent = None if range_ is None else files.recent(camera_id, span)
    if recent is not None:
        with suppress(NodeOffline, ObjectsUnavailable, NotFound, DataLoss):
            return _answer(context, trace, request, recent, asked)

    def use(found: LocatedSegments) -> Response:
        fixed_to_ns = fixed_end(found, span)
        if fixed_to_ns is not None:
            return _redirect(request, fixed_to_ns)
        recording = _file_of(context, files, camera_id, span, found)
        try:
            return _answer(context, trace, request, recording, asked)
        except DataLoss:  # found before the first byte: the file is made again without it
            recording = _file_of(context, files, camera_id, span, found)
            return _answer(context, trace, request, recording, asked)

    return with_segments(context, camera_id, span, use, with_heads=False)


def read_recording_ticket(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    camera_id: CameraId,
    from_ns: RangeFrom,
    to_ns: RangeTo,
) -> RecordingTicket:
    """Return a URL of the recording of a range, for a browser or a player that sends no headers.

    It is valid for the duration of the range and ten minutes more.
    """
    check_unmasked_view(trace, context.known_camera(camera_id, visible).camera)
    check_span(from_ns, to_ns, LONGEST_RECORDING_S)
    assert trace.person is not None
    ticket = ticket_for(
        trace.person,
        trace.reason,
        trace.case,
        camera_id,
        (from_ns, to_ns),
        context.clock.wall_ns(),
        trace.basis,
    )
    span = {"from": rfc3339(from_ns), "to": rfc3339(to_ns)}
    query = urlencode(span | {TICKET: write_ticket(context.signer, ticket)})
    return RecordingTicket(
        address=f"/v1/cameras/{quote(camera_id)}/recording?{query}",
        until=ticket.expires_s * NS_PER_S,
    )


def fixed_end(found: LocatedSegments, span: tuple[int, int]) -> int | None:
    """Return the latest end that does not change any more if `to` is later, otherwise None."""
    last = found.segments[-1] if found.segments else None
    if last is None or not last.is_open:
        return None
    fixed_ns = (last.end_ns - SETTLED_BEFORE_END_NS) // NS_PER_MS * NS_PER_MS
    return fixed_ns if span[0] < fixed_ns < span[1] else None


def _redirect(request: Request, to_ns: int) -> Response:
    target = request.url.include_query_params(to=rfc3339(to_ns))
    return Response(status_code=307, headers={"Location": f"{target.path}?{target.query}"})


def _file_of(
    context: ApiContext,
    files: RecordingFiles,
    camera_id: str,
    span: tuple[int, int],
    found: LocatedSegments,
) -> RecordingFile:
    if not found.segments:
        holder(context, camera_id)
    try:
        return files.file_of(camera_id, span, found)
    except NotFound as error:
        raise NotFound(
            "{error}; {nearest}", error=error, nearest=_nearest(context, camera_id, span)
        ) from error


def _answer(
    context: ApiContext,
    trace: Trace,
    request: Request,
    recording: RecordingFile,
    asked: _Asked,
) -> Response:
    file = recording.file
    files: RecordingFiles = request.app.state.recordings
    read = partial(_chunks, context, files, recording)

    def headers() -> dict[str, str]:
        found = _headers(file) | offline_header(recording.located.offline)
        found |= _coverage_link(request, file)
        if asked.wants_digest:
            assert trace.person is not None
            wanted = DigestRequest(file.etag, trace.person.name, trace.disconnected)
            found["Repr-Digest"] = repr_digest(files.digests.sha256(wanted, read([ranged.whole])))
        return found

    ranged = RangedFile(Message("the recording"), MP4, file.size_bytes, file.etag, read, headers)
    return ranged_response(request, trace, ranged, asked.wanted)


def _chunks(
    context: ApiContext,
    files: RecordingFiles,
    recording: RecordingFile,
    contents: Sequence[bytes | ByteRange],
) -> Generator[Chunk]:
    """Yield the contents of a response. If a source does not have what it listed, the response is
    aborted, and the next request lists the segments again.
    """
    try:
        for content in contents:
            if isinstance(content, bytes):
                yield content
            else:
                yield from recording.read(context, content.first, content.length_bytes)
    except SightlineError:
        files.forget(recording)
        raise


def _headers(file: VirtualFile) -> dict[str, str]:
    return {
        "Sightline-Start": rfc3339(file.start_ns),
        "Sightline-End": rfc3339(file.end_ns),
        "Sightline-Gaps": ranges_header(file.gaps_ms),
        "Sightline-Apart": ranges_header(file.apart_ms),
    }


def _coverage_link(request: Request, file: VirtualFile) -> dict[str, str]:
    """Return a link to the coverage if a header has no room for all gaps."""
    if not any(_is_too_long(ranges) for ranges in (file.gaps_ms, file.apart_ms)):
        return {}
    query = urlencode({name: request.query_params[name] for name in ("from", "to")})
    path = f"{request.url.path.rpartition('/')[0]}/coverage?{query}"
    return {"Link": f'<{path}>; rel="describedby"'}


def _is_too_long(ranges_ms: Ranges) -> bool:
    return len(ranges_ms) > _most_ranges()


def _most_ranges() -> int:
    """Return how many ranges fit into a header, before `more`."""
    return MOST_RANGES_BYTES // (_RANGE_BYTES + len(", ")) - 1


def ranges_header(ranges_ms: Ranges) -> str:
    """Return the ranges as `2026-…Z/2026-…Z, …`, or `none`. If they are longer than
    MOST_RANGES_BYTES, the last is `more`.
    """
    named = ranges_ms[: _most_ranges()]
    texts = [f"{rfc3339(start * NS_PER_MS)}/{rfc3339(end * NS_PER_MS)}" for start, end in named]
    texts += ["more"] if _is_too_long(ranges_ms) else []
    return ", ".join(texts) or "none"


def _nearest(context: ApiContext, camera_id: str, span: tuple[int, int]) -> Message:
    """Return a sentence about the recordings around a range of which nothing is recorded."""
    from_ns, to_ns = span
    for around_ns in _NEAR_NS:
        try:
            span = (max(0, from_ns - around_ns), to_ns + around_ns)
            near = locate(context, camera_id, *span, with_heads=False)
        except NodeOffline as error:
            return Message("what is recorded around it is not known: {error}", error=error)
        found = [one for one in near.segments if one.size_bytes >= LEAST_BYTES]
        starts = [one.segment.start_ns for one in found]
        before = max((one.end_ns for one in found if one.segment.start_ns < from_ns), default=None)
        after = min((start_ns for start_ns in starts if start_ns >= from_ns), default=None)
        if before is not None or after is not None:
            return _around(before, after)
    return Message("nor is anything within a day of it")


def _around(before_ns: int | None, after_ns: int | None) -> Message:
    """Return where the recordings around a range end and begin; one of the two is known."""
    if before_ns is None:
        assert after_ns is not None
        return Message("what comes after begins at {after}", after=moment(after_ns))
    if after_ns is None:
        return Message("what comes before ends at {before}", before=moment(before_ns))
    return Message(
        "what comes before ends at {before} and what comes after begins at {after}",
        before=moment(before_ns),
        after=moment(after_ns),
    )
