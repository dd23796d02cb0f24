"""Routes of events: search and export, and one event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.events.exports import MAX_ROWS, Cut, EventExport, ExportForm, Exports, match_views
from api.events.formats import EventFormat, FormatOf, event_format
from api.events.models import EventList, EventView
from api.events.unanalysed import unanalysed
from api.limits.rate_limits import PersonLimits
from api.requests.audit_recorder import AuditRecorder
from api.requests.cursors import MAX_ITEMS, NO_CURSOR, read_cursor, write_cursor
from api.requests.languages import Messages
from api.requests.numbers import WholeNumber
from api.requests.parameters import EventId, Next, event_query
from api.requests.request_trace import Trace
from api.requests.streams import HeldStream
from domain.camera_scope import VisibleCameras
from domain.clock import NS_PER_S, Clock, rfc3339
from domain.errors import NotFound, QueryInvalid
from domain.events.event import Event
from domain.events.query import EventQuery
from storage.index.fuzzy_search import is_cursor

_PAGE_ITEMS = 50


def find_event(context: ApiContext, visible: VisibleCameras, event_id: str) -> Event:
    """Return an event of a visible camera. Raises NotFound."""
    event = context.events.get(event_id, visible)
    if event is None:
        raise NotFound("there is no event {event}", event=event_id)
    return event


@dataclass(frozen=True, slots=True)
class EventSearch:
    """A request for a page of events, or for many rows of them."""

    query: EventQuery
    format: EventFormat
    limit: int
    next: str | None

    def after(self, visible: VisibleCameras) -> str | None:
        """Return the position in the search after which the answer begins. Raises QueryInvalid."""
        after = None if self.next is None else read_cursor(self.query, visible, self.next)
        if after is not None and not is_cursor(self.query, after):
            raise QueryInvalid("next", NO_CURSOR)
        return after


async def event_search(
    request: Request,
    query: Annotated[EventQuery, Depends(event_query)],
    asked_format: FormatOf = None,
    limit: Annotated[
        WholeNumber | None,
        Query(
            ge=1,
            le=MAX_ROWS,
            description=f"most items of a page: 50 without it, at most {MAX_ITEMS}; or most rows "
            f"of an export: {MAX_ROWS} without it",
        ),
    ] = None,
    next_: Next = None,
) -> EventSearch:
    """Return the request. Raises QueryInvalid."""
    format_ = event_format(request, asked_format)
    if limit is None:
        limit = MAX_ROWS if format_.is_export else _PAGE_ITEMS
    if limit > MAX_ITEMS and not format_.is_export:
        raise QueryInvalid(
            "limit",
            "is at most {max_items} for a page; `format=csv` and "
            "`format=ndjson` have up to {max_rows} rows",
            max_items=MAX_ITEMS,
            max_rows=MAX_ROWS,
        )
    return EventSearch(query, format_, limit, next_)


def search_events(
    context: Context,
    visible: Visible,
    search: Annotated[EventSearch, Depends(event_search)],
    request: Request,
    response: Response,
    trace: RequestTrace,
    messages: Messages,
) -> EventList | Response:
    """Search events, by default the newest first.

    Pages are stable while events arrive: pass `next` on with the same filters. A page with
    `archived` was also searched in the archive, which is slower. It may have fewer items than
    `limit`, or none, although there is a `next`.

    With `Accept: text/csv` or `application/x-ndjson`, or `format`, the answer is a file of rows.
    If the search has more rows, `Link` has the address of the rest.
    """
    if search.format.is_export:
        return _export(context, visible, search, request, trace)
    response.headers.add_vary_header("Accept")
    page = context.events.query(search.query, visible, search.limit, search.after(visible))
    cursor = None if page.next is None else write_cursor(search.query, visible, page.next)
    matches = [view for view in match_views(page.events, search.query) if view is not None]
    items = [EventView.of(event, messages) for event in page.events]
    return EventList(
        items=items,
        next=cursor,
        matches=matches,
        archived=page.archived,
        unanalysed=unanalysed(context, search.query, visible) if search.next is None else None,
    )


def _export(
    context: ApiContext,
    visible: VisibleCameras,
    search: EventSearch,
    request: Request,
    trace: Trace,
) -> HeldStream:
    """Return a file of rows, whose number is in the audit log before its first byte."""
    exports: Exports = request.app.state.exports
    recorder: AuditRecorder = request.app.state.recorder
    limits: PersonLimits = request.app.state.person_limits
    stated = unanalysed(context, search.query, visible) if search.next is None else None
    form = ExportForm(search.format, search.limit, search.after(visible), stated)
    with limits.export(trace.person.name if trace.person else ""):
        export = exports.make(context.events, search.query, visible, form)
    export.on_end = lambda rows, is_complete: recorder.record_export_end(trace, rows, is_complete)
    trace.is_export, trace.result_count = True, export.rows
    trace.terms |= {"format": search.format, "limit": str(search.limit)}
    name = _file_name(search, export, context.clock)
    headers = {
        "Content-Length": str(export.size_bytes),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Sightline-Rows": str(export.rows),
        "Sightline-Cut": export.cut,
        "Vary": "Accept",
    }
    if export.next is not None:
        headers["Link"] = f'<{_following(request, search.format, export.next)}>; rel="next"'
    return HeldStream(export, export.close, 200, headers, search.format.media_type)


def _file_name(search: EventSearch, export: EventExport, clock: Clock) -> str:
    """Return a name that says if the file has only a part of the rows."""
    now = rfc3339(clock.wall_ns() // NS_PER_S * NS_PER_S)
    moment = "".join(character for character in now.partition(".")[0] if character.isalnum())
    part = "" if export.cut is Cut.NONE and search.next is None else "-part"
    return f"events-{moment}Z{part}.{search.format}"


def _following(request: Request, format_: EventFormat, cursor: str) -> str:
    """Return the address of the rows after this export."""
    asked = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in ("format", "next")
    ]
    return f"{request.url.path}?{urlencode([*asked, ('format', format_), ('next', cursor)])}"


def read_event(
    context: Context, visible: Visible, event_id: EventId, messages: Messages
) -> EventView:
    """Return one event."""
    return EventView.of(find_event(context, visible, event_id), messages)
