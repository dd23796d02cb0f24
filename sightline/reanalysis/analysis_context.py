"""What the analysis of recordings reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analytics.analyser import make_analyser
from analytics.models import Models
from domain.clock import Clock
from domain.events.analyser import Analyser
from domain.paths.data_layout import Layout
from domain.registry import Camera
from domain.settings import Settings
from sightline.processes.store_clients import Stores
from sightline.reanalysis.known_passings import KnownPassings
from storage.archive.archive import Archive
from storage.events.spool import Spool
from storage.events.store import EventStore
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.recorded_packets import RecordedPackets
from storage.recordings.segment_files import SegmentFiles
from storage.recordings.stored_segments import StoredSegments


@dataclass(frozen=True, slots=True)
class AnalysisContext:
    """The dependencies of the analysis of one camera's recordings."""

    packets: RecordedPackets
    analyser: Callable[[Camera], Analyser]
    known: KnownPassings
    spool: Spool
    gaps: GapLog
    fps: float


def make_context(
    camera: Camera,
    models: Models,
    settings: Settings,
    layout: Layout,
    stores: Stores,
    archive: Archive,
    folder: Path,
    clock: Clock,
) -> AnalysisContext:
    """Create the context for a camera. Segments from the object store are copied to `folder`."""
    spool = Spool(layout, clock)
    rates = {"plate": settings.plate_detect_fps, "face": settings.face_detect_fps}
    return AnalysisContext(
        RecordedPackets(
            SegmentFiles(Ledger(layout.recordings), StoredSegments(stores.objects, clock), folder)
        ),
        partial(make_analyser, models=models, settings=settings),
        KnownPassings(spool, EventStore(stores.index, archive, clock, settings.index_days)),
        spool,
        GapLog(layout, clock),
        max(rates[kind] for kind in camera.checkpoint),
    )
