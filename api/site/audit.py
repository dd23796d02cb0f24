"""Routes of the audit log: a page of lines, and an export of all lines of a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Query

from api.access.api_context import Context, Visible
from api.requests.cursors import NO_CURSOR, read_cursor, write_cursor
from api.requests.parameters import From, Limit, Next, To, exact_plate
from api.requests.streams import HeldStream
from api.requests.times import check_order
from api.site.models import AuditList, AuditSummary
from domain.errors import QueryInvalid
from storage.audit.line_kinds import LineKind
from storage.audit.reader import AuditPage, AuditQuery, LineOutcome, Position, all_pages

NDJSON = "application/x-ndjson"
_EXPORT_PAGE = 5000


async def audit_query(
    person: Annotated[str | None, Query(max_length=200, description="a person's name")] = None,
    call: Annotated[
        str | None,
        Query(max_length=100, description="an audit term", examples=["camera.recording"]),
    ] = None,
    kind: Annotated[LineKind | None, Query(description="what the call is about")] = None,
    camera: Annotated[str | None, Query(max_length=64, description="a camera's id")] = None,
    event: Annotated[str | None, Query(max_length=64, description="an event's id")] = None,
    case: Annotated[str | None, Query(max_length=500, description="a case")] = None,
    outcome: Annotated[LineOutcome | None, Query(description="how the call ended")] = None,
    plate: Annotated[
        str | None,
        Query(max_length=32, description="a whole plate; also searches for a part of it count"),
    ] = None,
    from_ns: From = None,
    to_ns: To = None,
) -> AuditQuery:
    """Return the query of a read. Raises QueryInvalid."""
    check_order(from_ns, to_ns)
    searched = None if plate is None else exact_plate(plate)
    return AuditQuery(person, call, camera, event, case, outcome, from_ns, to_ns, searched, kind)


Asked = Annotated[AuditQuery, Depends(audit_query)]


def list_audit_lines(
    context: Context,
    visible: Visible,
    query: Asked,
    limit: Limit = 100,
    next_: Next = None,
) -> AuditList:
    """List audit lines, the newest first.

    A page may have fewer lines than `limit` although there is a next one. `writers` says until when
    the lines of each data folder are complete.
    """
    before = None if next_ is None else _position(read_cursor(query, visible, next_))
    page = context.audit_reader.page(query, limit, before)
    following = None if page.next is None else write_cursor(query, visible, _text(page.next))
    summary = AuditSummary.of([page])
    return AuditList(
        items=list(page.lines),
        next=following,
        writers=summary.writers,
        damaged=summary.damaged,
        damaged_count=summary.damaged_count,
    )


def export_audit_lines(context: Context, query: Asked) -> HeldStream:
    """Send all audit lines of a query, the newest first, one JSON object a line.

    The last line is `{"summary": …}`, with `writers` and the damaged lines as in the list. An
    export without it is not complete.
    """
    export = _Export(all_pages(context.audit_reader, query, _EXPORT_PAGE))
    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return HeldStream(export, export.close, 200, headers, NDJSON)


class _Export:
    """The bytes of an export. The first page is read before the response starts."""

    def __init__(self, pages: Iterator[AuditPage]) -> None:
        self._pages = pages
        self._first = next(pages)

    def __iter__(self) -> Iterator[bytes]:
        seen = [self._first.without_lines()]
        yield from _ndjson(self._first)
        for page in self._pages:
            seen.append(page.without_lines())
            yield from _ndjson(page)
        summary = AuditSummary.of(seen).model_dump_json(by_alias=True)
        yield f'{{"summary":{summary}}}\n'.encode()

    def close(self) -> None:
        """Nothing is open between two pages."""


def _ndjson(page: AuditPage) -> Iterator[bytes]:
    if page.lines:  # an empty chunk would end the response
        yield "".join(f"{line.model_dump_json(by_alias=True)}\n" for line in page.lines).encode()


def _text(position: Position) -> str:
    return f"{position.at_ns}.{position.line_id}"


def _position(text: str) -> Position:
    at, _, line_id = text.partition(".")
    if not at.isdigit():
        raise QueryInvalid("next", NO_CURSOR)
    return Position(int(at), line_id)
