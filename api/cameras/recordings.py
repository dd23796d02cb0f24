"""The route of recordings: a range as one MP4.

A node cuts it if it has all segments; otherwise the API copies the segments and cuts them.
"""

from __future__ import annotations

from functools import partial

from fastapi import Request
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.access.privacy_masks import check_unmasked_view
from api.cameras.cameras import check_span, holder
from api.cameras.segment_locator import (
    LocatedSegments,
    offline_header,
    segment_bytes,
    with_segments,
)
from api.requests.byte_ranges import ByteRange, IfRange, RangeHeader, select_part
from api.requests.cutting import CutStream, RemoteSegment
from api.requests.parameters import CameraId, RangeFrom, RangeTo
from api.requests.problems import RANGE_NOT_SATISFIABLE, problem_response
from api.requests.request_trace import Trace
from api.requests.streams import HeldStream
from storage.audit.viewings import Viewed
from storage.site.leases import Lease

LONGEST_RECORDING_S = 3600
MP4 = "video/mp4"


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
) -> Response:
    """Return at most an hour as MP4, not re-encoded, from all nodes and the object store.

    `Sightline-Gaps` lists the missing parts, `Sightline-Offline` the sources that do not respond
    and may have some of them.
    """
    check_unmasked_view(trace, context.known_camera(camera_id, visible).camera)
    check_span(from_ns, to_ns, LONGEST_RECORDING_S)
    span = (from_ns, to_ns)
    trace.viewed = Viewed("recording", camera_id, from_ns, to_ns)

    def use(found: LocatedSegments) -> Response:
        answer = _answer(context, trace, request, camera_id, span, found, (range_, if_range))
        if answer.status_code < 400:
            answer.headers.update(offline_header(found.offline))
        return answer

    return with_segments(context, camera_id, span, use)


def _answer(
    context: ApiContext,
    trace: Trace,
    request: Request,
    camera_id: str,
    span: tuple[int, int],
    found: LocatedSegments,
    part: tuple[str | None, str | None],
) -> Response:
    places = {one.lease for one in found.segments} or {holder(context, camera_id)}
    if len(places) == 1 and (lease := places.pop()) is not None:
        return _from_node(context, request, lease, camera_id, span)
    remote = [
        RemoteSegment(one.segment, one.size_bytes, partial(segment_bytes, context, one))
        for one in found.segments
    ]
    cut = context.cutting.cut_remote(remote, *span)
    return cut_response(cut, trace.request_id, *part, only_head=request.method == "HEAD")


def cut_response(
    cut: CutStream,
    request_id: str,
    range_: str | None,
    if_range: str | None,
    only_head: bool = False,
) -> Response:
    """Respond with a cut, or with the requested byte range of it."""
    part = select_part(range_, if_range, cut.etag, cut.size_bytes)
    if part == "outside":
        cut.close()
        detail = f"the recording is {cut.size_bytes} bytes long"
        headers = {"Content-Range": f"bytes */{cut.size_bytes}"}
        return problem_response(
            RANGE_NOT_SATISFIABLE, detail, request_id, field="Range", headers=headers
        )
    headers = {**cut.headers, "Content-Length": str(cut.size_bytes)}
    if isinstance(part, ByteRange):
        cut.select(part)
        headers |= {"Content-Length": str(part.length_bytes), "Content-Range": part.content_range}
    status = 206 if isinstance(part, ByteRange) else 200
    if only_head:
        cut.close()
        return Response(status_code=status, headers=headers, media_type=MP4)
    return HeldStream(cut, cut.close, status, headers, MP4)


def _from_node(
    context: ApiContext, request: Request, lease: Lease, camera_id: str, span: tuple[int, int]
) -> Response:
    range_headers = {
        name: value
        for name in ("range", "if-range")
        if (value := request.headers.get(name)) is not None
    }
    stream = context.node_client.recording(
        lease.node_api_url, lease.node, camera_id, *span, range_headers
    )
    if request.method == "HEAD":
        stream.close()
        return Response(status_code=stream.status, headers=stream.headers, media_type=MP4)
    return HeldStream(stream, stream.close, stream.status, stream.headers, stream.media_type)
