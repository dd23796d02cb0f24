"""Exports of a search: many rows in one answer.

The rows are written to a file without a name before the answer starts. So the number of rows is in
the audit log before the first byte, a failure of a store is a problem document and no part of a
file, and the answer can say where the search goes on. Its memory does not depend on its size.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import SpooledTemporaryFile

from api.events.formats import EventFormat
from api.events.models import MatchView
from api.events.rows import Row, csv_head, csv_rows, csv_unanalysed, ndjson_rows, summary_line
from api.events.unanalysed import UnanalysedView
from api.requests.cursors import write_cursor
from domain.camera_scope import VisibleCameras
from domain.clock import Clock
from domain.errors import StoreError
from domain.events.event import Event
from domain.events.misreadings import match_of
from domain.events.query import EventQuery
from storage.events.store import EventStore
from storage.index.plate_query import found_by

MAX_ROWS = 10_000
MAX_RUNNING = 4
"""An export reads as much as a hundred searches."""
MAX_S = 20.0
"""An export reads no further page after this time: proxies do not wait much longer."""
PAGE_ROWS = 500
_MEMORY_BYTES = 1 << 20
"""A larger export is in a file."""


class Cut(StrEnum):
    """Why an export ends before its search does."""

    NONE = "none"
    ROWS = "rows"
    TIME = "time"


@dataclass(slots=True)
class EventExport:
    """The bytes of an export. `on_end` gets the number of rows that were sent, and if all were."""

    file: SpooledTemporaryFile[bytes]
    next: str | None = None
    """The cursor of the rows after this export; None if there are none."""
    cut: Cut = Cut.NONE
    rows: int = 0
    size_bytes: int = 0
    on_end: Callable[[int, bool], None] = lambda rows, is_complete: None
    _parts: list[tuple[int, int]] = field(default_factory=list)
    """The bytes and the rows of each part."""
    _sent_rows: int = 0
    _is_complete: bool = False

    def add(self, content: bytes, rows: int = 0) -> None:
        """Append a part. Raises OSError."""
        self.file.write(content)
        self._parts.append((len(content), rows))
        self.size_bytes += len(content)
        self.rows += rows

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(0)
        for size_bytes, rows in self._parts:
            self._sent_rows += rows  # A row that was sent in part counts.
            yield self.file.read(size_bytes)
        self._is_complete = True

    def close(self) -> None:
        self.file.close()
        self.on_end(self._sent_rows, self._is_complete)


class Exports:
    """Makes the exports of a process. Thread-safe."""

    def __init__(self, scratch: Path, clock: Clock, max_running: int = MAX_RUNNING) -> None:
        """`scratch` is the folder for large exports."""
        self._scratch = scratch
        self._clock = clock
        self._max_running = max_running
        self._turns = threading.BoundedSemaphore(max_running)

    def make(
        self,
        events: EventStore,
        query: EventQuery,
        visible: VisibleCameras,
        form: ExportForm,
    ) -> EventExport:
        """Search and write all rows. Raises StoreError."""
        if not self._turns.acquire(blocking=False):
            raise StoreError(
                "{max_running} exports are being made already; try again in a moment",
                max_running=self._max_running,
            )
        file = SpooledTemporaryFile(_MEMORY_BYTES, dir=str(self._scratch))  # noqa: SIM115 - see EventExport
        export = EventExport(file)
        try:
            self._fill(export, events, query, visible, form)
        except OSError as error:
            file.close()
            raise StoreError(
                "the export cannot be written: {reason}", reason=error.strerror or error
            ) from error
        except BaseException:
            file.close()
            raise
        finally:
            self._turns.release()
        return export

    def _fill(
        self,
        export: EventExport,
        events: EventStore,
        query: EventQuery,
        visible: VisibleCameras,
        form: ExportForm,
    ) -> None:
        until_s, after = self._clock.monotonic_s() + MAX_S, form.after
        if form.format is EventFormat.CSV:
            export.add(csv_head())
        while True:
            page = events.query(query, visible, min(PAGE_ROWS, form.limit - export.rows), after)
            if page.events:
                export.add(form.content(page.events, query), len(page.events))
            after = page.next
            if after is None:
                break
            if export.rows >= form.limit or self._clock.monotonic_s() >= until_s:
                export.cut = Cut.ROWS if export.rows >= form.limit else Cut.TIME
                export.next = write_cursor(query, visible, after)
                break
        if form.format is EventFormat.NDJSON:
            export.add(summary_line(export.rows, export.cut, export.next, form.unanalysed))
        elif form.unanalysed is not None:
            export.add(csv_unanalysed(form.unanalysed))


@dataclass(frozen=True, slots=True)
class ExportForm:
    """The form of an export: its format, its most rows, where it begins in the search, and what it
    states of times that were not analysed.
    """

    format: EventFormat
    limit: int
    after: str | None
    unanalysed: UnanalysedView | None = None

    def content(self, events: Sequence[Event], query: EventQuery) -> bytes:
        rows: list[Row] = list(zip(events, match_views(events, query), strict=True))
        return csv_rows(rows) if self.format is EventFormat.CSV else ndjson_rows(rows)


def match_views(events: Sequence[Event], query: EventQuery) -> list[MatchView | None]:
    """Return for each event what ties it to the plate of a fuzzy query."""
    plate = query.plate if query.fuzzy else None
    if plate is None:
        return [None] * len(events)
    matches = (match_of(event, plate, found_by(event)) for event in events)
    return [None if match is None else MatchView.of(match) for match in matches]
