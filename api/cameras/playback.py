"""Routes for players: playlists, segments, keyframes and pictures of a camera."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Request
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.access.privacy_masks import check_unmasked_view
from api.cameras.cameras import check_span, holder
from api.cameras.coverage import coverage_of
from api.cameras.keyframes import keyframes_response
from api.cameras.models import GapView, PlaylistPart, PlaylistView
from api.cameras.playlists import M3U8_TYPE, Addresses, PlaylistEntry, entries, m3u8, zero_of
from api.cameras.recording_files import RecordingFiles
from api.cameras.segment_locator import (
    Located,
    LocatedSegments,
    locate,
    offline_header,
    with_segment,
    with_segments,
)
from api.cameras.verified_segments import VerifiedSegments
from api.requests.languages import Messages
from api.requests.numbers import Decimal
from api.requests.parameters import CameraId, RangeFrom, RangeTo
from api.requests.request_trace import Trace
from api.requests.tickets import TICKET, ticket_for, write_ticket
from api.requests.times import Moment
from domain.camera_scope import VisibleCameras
from domain.clock import NS_PER_HOUR, NS_PER_S, S_PER_DAY, moment, rfc3339
from domain.errors import DataLoss, Forbidden, NotFound, QueryInvalid, Unauthenticated
from domain.recordings.gaps import Gap
from domain.registry import Camera
from storage.audit.viewings import Viewed
from storage.mp4.fragment_times import moved
from storage.recordings.pictures import picture_at

MP4 = "video/mp4"
LONGEST_PLAYLIST_S = S_PER_DAY
LONGEST_KEYFRAMES_S = 6 * 3600
LONGEST_JOINED_NS = 60 * NS_PER_S
"""Keyframes of a longer range have an entry of their own in the audit log.

A shorter one may extend beyond the viewing that it belongs to by no more than this.
"""
TicketOf = Annotated[
    str | None, Query(alias=TICKET, max_length=6_000, description="as a playlist gave it")
]
Name = Annotated[str, Path(max_length=120, description="the segment's name, as a playlist gave it")]
Part = Annotated[
    Literal["all", "head", "media"],
    Query(description="the head that a player is given first, what follows it, or both"),
]
Zero = Annotated[
    Moment | None,
    Query(alias="zero", description="the player's time 0; by default the segment's own start"),
]
At = Annotated[Moment | None, Query(alias="at", description="a moment (RFC 3339); without it, now")]
Stream = Annotated[
    Literal["main", "sub"],
    Query(
        description="`sub`: of the smaller stream, where the camera has one; else, and by "
        "default, of the main one"
    ),
]
Every = Annotated[
    Decimal,
    Query(
        alias="every", ge=0, le=3600, description="at least this many seconds between two keyframes"
    ),
]


def read_playlist(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    camera_id: CameraId,
    from_ns: RangeFrom,
    to_ns: RangeTo,
    messages: Messages,
) -> PlaylistView:
    """Return a playlist of at most a day: the URLs of its segments, its gaps, and the HLS URL.

    The URLs contain a ticket.
    """
    parts, gaps, addresses, offline = _playlist(
        context, trace, visible, camera_id, (from_ns, to_ns)
    )
    now_ns = context.clock.wall_ns()
    span = f"from={rfc3339(from_ns)}&to={rfc3339(to_ns)}"
    hls = f"/v1/cameras/{camera_id}/playlist.m3u8?{span}&{TICKET}={addresses.ticket}"
    return PlaylistView(
        camera=camera_id,
        from_=from_ns,
        to=to_ns,
        zero=addresses.zero_ns,
        hls=hls,
        segments=[
            _view(part, part.segment, addresses) for part in parts if part.segment is not None
        ],
        gaps=[GapView.of(gap, now_ns, messages) for gap in gaps],
        offline=list(offline),
    )


def read_hls(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    camera_id: CameraId,
    from_ns: RangeFrom,
    to_ns: RangeTo,
    ticket: TicketOf = None,
) -> Response:
    """Return an HLS playlist of fragmented MP4; gaps are `EXT-X-GAP`."""
    if trace.ticket is not None and not trace.ticket.contains(from_ns, to_ns):
        raise _of_another_time()
    parts, gaps, addresses, offline = _playlist(
        context, trace, visible, camera_id, (from_ns, to_ns)
    )
    return Response(
        m3u8(parts, gaps, addresses, from_ns), headers=offline_header(offline), media_type=M3U8_TYPE
    )


def read_segment(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    request: Request,
    camera_id: CameraId,
    name: Name,
    part: Part = "all",
    zero_ns: Zero = None,
    ticket: TicketOf = None,
) -> Response:
    """Return a segment (fragmented MP4, not re-encoded) with its times relative to `zero`.

    Its fragments are compared with their SHA-256; a damaged one is left out.
    """
    check_unmasked_view(trace, context.known_camera(camera_id, visible).camera)
    files: RecordingFiles = request.app.state.recordings

    def use(located: Located) -> Response:
        _check_ticket(trace, located.segment.start_ns, located.end_ns)
        trace.viewed = _viewed(trace, camera_id, located)
        if part == "head":
            return Response(files.segments.head(located).data, media_type=MP4)
        found = files.segments.read(located)
        media = found.media
        if zero_ns is not None:
            media = moved(media, found.head, located.segment.start_ns - zero_ns)
        return Response(media if part == "media" else found.head.data + media, media_type=MP4)

    return with_segment(context, camera_id, name, use)


def read_keyframes(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    request: Request,
    camera_id: CameraId,
    from_ns: RangeFrom,
    to_ns: RangeTo,
    every_s: Every = 0.0,
) -> Response:
    """Return the keyframes of at most six hours (fragmented MP4, not re-encoded), for scrubbing.

    Their times are relative to `from`. They end where the camera changed its codec parameters;
    `Sightline-End` has that time. `Sightline-Offline` lists the sources that did not respond at the
    start and may have more keyframes.
    """
    check_unmasked_view(trace, context.known_camera(camera_id, visible).camera)
    check_span(from_ns, to_ns, LONGEST_KEYFRAMES_S)
    span, every_ns = (from_ns, to_ns), round(every_s * NS_PER_S)
    if to_ns - from_ns <= LONGEST_JOINED_NS:
        trace.viewed = Viewed("playback", camera_id, from_ns, to_ns, _hours(from_ns, to_ns))
    files: RecordingFiles = request.app.state.recordings
    return with_segments(
        context,
        camera_id,
        span,
        lambda found: keyframes_response(context, files.segments, camera_id, found, span, every_ns),
    )


def read_picture(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    request: Request,
    camera_id: CameraId,
    at_ns: At = None,
    stream: Stream = "main",
) -> Response:
    """Return a current picture of the camera, or the picture `at` a moment from its recording.

    `Sightline-Start` has the time of the recorded picture.
    """
    if at_ns is not None:
        known = context.known_camera(camera_id, visible)
        if stream == "sub":
            raise QueryInvalid(
                "stream", "the sub-stream is not recorded; leave out `stream`, or `at`"
            )
        check_unmasked_view(trace, known.camera)
        files: RecordingFiles = request.app.state.recordings
        return _recorded_picture(context, files.segments, camera_id, at_ns)
    camera = context.camera(camera_id, visible)
    check_unmasked_view(trace, camera)
    return _current_picture(context, camera, is_sub=stream == "sub")


def read_test_picture(
    context: Context, trace: RequestTrace, visible: Visible, camera_id: CameraId
) -> Response:
    """Return a current picture of the camera, for the person who installs and aims it."""
    camera = context.camera(camera_id, visible)
    check_unmasked_view(trace, camera)
    return _current_picture(context, camera, is_sub=False)


def _viewed(trace: Trace, camera_id: str, located: Located) -> Viewed:
    """Return what a segment shows. Without a ticket, its viewing covers the segment's hour."""
    start_ns, end_ns = located.segment.start_ns, located.end_ns
    span = _hours(start_ns, end_ns)
    if trace.ticket is not None:
        span = (trace.ticket.from_ns, trace.ticket.to_ns)
    return Viewed("playback", camera_id, start_ns, end_ns, span)


def _hours(from_ns: int, to_ns: int) -> tuple[int, int]:
    """Return the hour that begins at or before `from_ns`, or longer if the range is longer.

    A player that shows keyframes while a person scrubs sends many requests within an hour.
    """
    hour_ns = from_ns - from_ns % NS_PER_HOUR
    return hour_ns, max(hour_ns + NS_PER_HOUR, to_ns)


def _current_picture(context: ApiContext, camera: Camera, is_sub: bool) -> Response:
    lease = holder(context, camera.id)
    from_substream = is_sub and camera.substream is not None
    return Response(
        context.node_client.camera_picture(
            lease.node_api_url, lease.node, camera.id, from_substream
        ),
        media_type="image/jpeg",
    )


def _recorded_picture(
    context: ApiContext, reader: VerifiedSegments, camera_id: str, at_ns: int
) -> Response:
    """Return the picture of a moment from the recording."""

    def use(found: LocatedSegments) -> Response:
        if not found.segments:
            raise NotFound(
                "nothing of {camera} is recorded at {at}", camera=camera_id, at=moment(at_ns)
            )
        last = found.segments[-1]
        verified = reader.read(last)
        if any(start_ns <= at_ns < end_ns for start_ns, end_ns in verified.damaged_ns):
            raise DataLoss(
                "the recording of {camera} at {at} is damaged; request the "
                "picture of another moment",
                camera=camera_id,
                at=moment(at_ns),
            )
        data = verified.head.data + verified.media
        jpeg, shown_ns = picture_at(data, last.segment.start_ns, at_ns, verified.first_shown)
        return Response(
            jpeg, headers={"Sightline-Start": rfc3339(shown_ns)}, media_type="image/jpeg"
        )

    return with_segments(context, camera_id, (at_ns, at_ns + 1), use)


def _playlist(
    context: ApiContext,
    trace: Trace,
    visible: VisibleCameras,
    camera_id: str,
    span: tuple[int, int],
) -> tuple[list[PlaylistEntry], tuple[Gap, ...], Addresses, tuple[str, ...]]:
    from_ns, to_ns = span
    known = context.known_camera(camera_id, visible)
    check_unmasked_view(trace, known.camera)
    check_span(from_ns, to_ns, LONGEST_PLAYLIST_S)
    if trace.person is None:
        raise Unauthenticated("send a token")
    now_ns = context.clock.wall_ns()
    found = locate(context, camera_id, from_ns, to_ns)
    coverage = coverage_of(context, known, from_ns, to_ns)
    ticket = trace.ticket or ticket_for(
        trace.person, trace.reason, trace.case, camera_id, (from_ns, to_ns), now_ns, trace.basis
    )
    trace.viewed = Viewed("playback", camera_id, from_ns, to_ns)
    addresses = Addresses(
        camera_id, zero_of(found.segments, from_ns), write_ticket(context.signer, ticket)
    )
    offline = tuple(dict.fromkeys((*found.offline, *coverage.offline)))
    return (
        entries(found.segments, from_ns, min(to_ns, max(from_ns, now_ns))),
        coverage.account.gaps,
        addresses,
        offline,
    )


def _view(part: PlaylistEntry, located: Located, addresses: Addresses) -> PlaylistPart:
    return PlaylistPart(
        from_=part.start_ns,
        to=part.end_ns,
        at_s=(part.start_ns - addresses.zero_ns) / NS_PER_S,
        codec=located.head,
        mime=located.mime,
        head=addresses.head(located),
        media=addresses.media(located),
        size_bytes=located.size_bytes,
    )


def _check_ticket(trace: Trace, from_ns: int, to_ns: int) -> None:
    if trace.ticket is not None and not trace.ticket.covers(from_ns, to_ns):
        raise _of_another_time()


def _of_another_time() -> Forbidden:
    return Forbidden("this ticket is for another time; use the URLs of a playlist without a change")
