"""Routes of exports: create, list, read and delete them, and download their file.

Rights, scope, masks, policy and reason are checked at the creation and again at each download. A
person sees the own exports, and with the right `exports` those of others, if every camera is
visible.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.access.privacy_masks import check_unmasked_view
from api.cameras.cameras import check_span
from api.cameras.ranged_files import RangedFile, WantedRanges, ranged_response
from api.cameras.recording_files import RecordingFiles
from api.cameras.recordings import LONGEST_RECORDING_S
from api.exports.export_file import ExportFile
from api.exports.manifest_page import layout_of
from api.exports.models import (
    ExportAsked,
    ExportDetails,
    ExportList,
    ExportView,
    State,
    UnreadableExport,
)
from api.requests.byte_ranges import IfRange, RangeHeader
from api.requests.conditions import IfMatch, IfNoneMatch, expected_version, version_tag
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.languages import Messages
from api.requests.parameters import Next
from api.requests.request_trace import Trace
from domain.camera_scope import VisibleCameras
from domain.clock import NS_PER_DAY, moment
from domain.errors import ExportGone, ExportNotReady, NotFound, QueryInvalid, Unauthenticated
from domain.messages.message import NO_MESSAGE, Message
from domain.paths.object_keys import dated_id
from domain.people import Person, Right
from storage.audit.viewings import Viewed
from storage.exports.records import (
    NO_EXPORT,
    ExportRange,
    ExportRecord,
    ExportState,
)
from storage.site.audit import LIST_SEPARATOR

ZIP = "application/zip"
ExportId = Annotated[
    str,
    Path(
        alias="id",
        pattern=r"^\d{8}-[0-9a-f]{8}$",
        description="the export's id",
        examples=["20261124-5f1c0a52"],
    ),
]
_ENDED: dict[State, Message] = {
    "deleted": Message("the export was deleted; create a new one"),
    "expired": Message("the export has expired; create a new one"),
}


def create_export(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    asked: ExportAsked,
    response: Response,
    messages: Messages,
) -> ExportDetails:
    """Create an export. A process of the API reads and hashes its recordings in the background."""
    person = _person(trace)
    cameras = dict.fromkeys(one.camera for one in asked.ranges)
    trace.terms["cameras"] = LIST_SEPARATOR.join(cameras)
    for camera_id in cameras:
        check_unmasked_view(trace, context.known_camera(camera_id, visible).camera)
    now_ns, settings = context.clock.wall_ns(), context.settings
    ranges = checked_ranges(asked, now_ns)
    record = ExportRecord(
        id=trace.new_id or dated_id(context.clock),
        ranges=ranges,
        person=person.name,
        reason=trace.reason,
        case=trace.case,
        created_at=now_ns,
        expires_at=now_ns + settings.export_days * NS_PER_DAY,
    )
    trace.terms["export"] = record.id
    context.exports.check_limits(
        person, record, settings.exports_per_person, settings.export_hours_per_person
    )
    record = context.exports.add(record, is_repeated=bool(trace.new_id))
    context.export_progress.add([record.id])
    response.headers["Location"] = f"/v1/exports/{record.id}"
    response.headers["ETag"] = version_tag(record.version)
    return _details(context, record, messages)


def list_exports(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
    *,
    messages: Messages,
) -> ExportList:
    """List exports, the newest first, until a week after they have expired."""
    person = _person(trace)
    known = context.exports.recent()
    shown = [record for record in known.records if _may_see(person, visible, record)]
    page = newest_first(
        shown, lambda record: (record.created_at, record.id), "exports", visible, limit, next_
    )
    is_for_all = visible.is_all and person.may(Right.EXPORTS)
    return ExportList(
        items=[
            ExportView.of(record, *_situation(context, record), messages) for record in page.items
        ],
        next=page.next,
        damaged=[UnreadableExport.of(one) for one in known.damaged] if is_for_all else [],
    )


def read_export(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    export_id: ExportId,
    response: Response,
    messages: Messages,
) -> ExportDetails:
    """Return an export with its files and its gaps. Its ETag changes with each change."""
    record = _visible_export(context, _person(trace), visible, export_id)
    response.headers["ETag"] = version_tag(record.version)
    return _details(context, record, messages)


def delete_export(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    export_id: ExportId,
    messages: Messages,
    if_match: IfMatch = None,
) -> ExportView:
    """Delete an export: it can no longer be downloaded. Its record is kept with the person's
    name. No recording is deleted.
    """
    person = _person(trace)
    _visible_export(context, person, visible, export_id)
    record = context.exports.delete(export_id, person.name, expected_version(if_match))
    context.export_progress.remove(export_id)
    return ExportView.of(record, *_situation(context, record), messages)


def read_export_file(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    request: Request,
    export_id: ExportId,
    range_: RangeHeader = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return the file of an export: a ZIP with a manifest and an MP4 for each camera, range and
    coding. Bytes of recordings that changed since they were hashed are never sent.
    """
    record = _visible_export(context, _person(trace), visible, export_id)
    trace.terms["cameras"] = LIST_SEPARATOR.join(record.cameras)
    for camera_id in record.cameras:
        check_unmasked_view(trace, context.known_camera(camera_id, visible).camera)
    check_downloadable(context, record)
    trace.viewed = Viewed("export", record.id)
    files: RecordingFiles = request.app.state.recordings
    file = ExportFile(context, files, record)
    headers = {"Content-Disposition": f'attachment; filename="export-{record.id}.zip"'}
    ranged = RangedFile(
        Message("the export"),
        ZIP,
        file.layout.size_bytes,
        file.layout.etag,
        file.read,
        lambda: headers,
    )
    try:
        if request.method == "HEAD" or record.state is ExportState.INCOMPLETE:
            file.check()
        wanted = WantedRanges(range_, if_range, if_none_match)
        response = ranged_response(request, trace, ranged, wanted)
    except ExportGone as gone:
        _change_state(context, record, ExportState.INCOMPLETE, gone.message)
        raise
    if record.state is ExportState.INCOMPLETE:  # restored, for example from a backup
        _change_state(context, record, ExportState.READY, NO_MESSAGE)
    return response


def checked_ranges(asked: ExportAsked, now_ns: int) -> tuple[ExportRange, ...]:
    """Return the ranges of a request. Raises QueryInvalid."""
    for number, one in enumerate(asked.ranges, 1):
        check_span(one.from_, one.to, LONGEST_RECORDING_S)
        if one.to > now_ns:
            raise QueryInvalid(
                "ranges",
                "number {number} ends at {end}, which lies in the future; export what is recorded",
                number=number,
                end=moment(one.to),
            )
    ranges = tuple(
        ExportRange(camera=one.camera, from_=one.from_, to=one.to) for one in asked.ranges
    )
    if len({(one.camera, one.from_, one.to) for one in ranges}) != len(ranges):
        raise QueryInvalid("ranges", "has the same range twice; give it once")
    return ranges


def check_downloadable(context: ApiContext, record: ExportRecord) -> None:
    """Raises ExportNotReady, ExportGone."""
    state, _, _ = _situation(context, record)
    if state in ("waiting", "reading"):
        raise ExportNotReady("the recordings of this export are still being read; try again later")
    if state == "failed":
        raise ExportGone("the export failed: {reason}", reason=record.reason_of_state)
    if state in _ENDED:
        raise ExportGone(_ENDED[state])


def _change_state(
    context: ApiContext, record: ExportRecord, state: ExportState, why: Message
) -> None:
    """Record that a ready export is incomplete, or that an incomplete one is ready again."""

    def changed(current: ExportRecord) -> ExportRecord:
        if current.state not in (ExportState.READY, ExportState.INCOMPLETE):
            return current
        return current.in_state(state, why)

    context.exports.change(record.id, changed)


def _details(context: ApiContext, record: ExportRecord, messages: Messages) -> ExportDetails:
    return ExportDetails.of(record, *_situation(context, record), messages)


def _situation(context: ApiContext, record: ExportRecord) -> tuple[State, float | None, int | None]:
    """Return the present state, the part that was read, and the size of the file."""
    has_ended = context.clock.wall_ns() >= record.expires_at
    state = record.state
    if state is ExportState.DELETED:
        return "deleted", None, None
    if state is ExportState.FAILED:
        return "failed", None, None
    if has_ended:
        return "expired", None, None
    if state is ExportState.WAITING:
        progress = context.export_progress.of(record.id) or 0.0
        return ("reading" if progress else "waiting"), progress, None
    size_bytes = layout_of(record, context.settings.time_zone).size_bytes
    return ("ready" if state is ExportState.READY else "incomplete"), None, size_bytes


def _person(trace: Trace) -> Person:
    if trace.person is None:
        raise Unauthenticated("exports belong to a person; send a token")
    return trace.person


def _may_see(person: Person, visible: VisibleCameras, record: ExportRecord) -> bool:
    is_own = person.has_made(record.person, record.created_at)
    may_see = is_own or person.may(Right.EXPORTS)
    return may_see and all(camera_id in visible for camera_id in record.cameras)


def _visible_export(
    context: ApiContext, person: Person, visible: VisibleCameras, export_id: str
) -> ExportRecord:
    """Return an export that a person may see. Raises NotFound for any other."""
    record = context.exports.get(export_id)
    if not _may_see(person, visible, record):
        raise NotFound(NO_EXPORT, export=repr(export_id))
    return record
