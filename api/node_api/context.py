"""The dependencies of the node API. Its routes receive them as `NodeContext`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Annotated, Protocol, cast

from fastapi import Depends, Path, Query, Request

from api.limits.send_limits import LeastRate
from api.limits.thread_pools import Pools
from api.nodes.tokens import KeyOfApi
from domain.camera_states import CameraStatus
from domain.clock import LATEST_NS, Clock
from domain.media.live_detections import LiveDetections
from domain.media.live_stream import LiveQueue, LiveStreamName
from domain.registry.model import CAMERA_ID
from storage.events.spool import Spool
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog
from storage.recordings.virtual.layouts import Layouts
from storage.recordings.virtual.segment_headers import SegmentHeads

WatchLive = Callable[[str, LiveStreamName, asyncio.Event], AbstractAsyncContextManager[LiveQueue]]
"""Opens the queue of a new viewer of one stream of a camera. The event is set when the queue has
something. Raises StoreError.
"""


class WaitingDetections(Protocol):
    """The detections of a camera that wait for one viewer."""

    def take(self) -> list[LiveDetections]:
        """Return what waits. Raises the error with which the detections have ended."""


WatchDetections = Callable[[str, asyncio.Event], AbstractContextManager[WaitingDetections]]
"""Opens the detections of a camera for a viewer. The event is set when there is something to take.
Raises StoreError.
"""


@dataclass(frozen=True, slots=True)
class NodeApiContext:
    """What the routes of the node API use; `sightline` creates it."""

    node: str
    key_of_api: KeyOfApi
    spool: Spool
    ledger: Ledger
    gaps: GapLog
    statuses: Callable[[], Sequence[CameraStatus]]
    picture: Callable[[str, bool], bytes]
    """Return a picture of a camera, or of its sub-stream where the second argument is True.

    Raises NotFound or SourceError where the camera delivers none.
    """
    live: WatchLive
    detections: WatchDetections
    layouts: Layouts
    heads: SegmentHeads
    clock: Clock
    triggers: TriggerLog
    least_rate: LeastRate = field(default_factory=LeastRate)
    pools: Pools = field(default_factory=Pools)


async def _context(request: Request) -> NodeApiContext:
    return cast(NodeApiContext, request.app.state.context)


NodeContext = Annotated[NodeApiContext, Depends(_context)]
FromNs = Annotated[int, Query(ge=0, le=LATEST_NS)]
ToNs = Annotated[int, Query(ge=0, le=LATEST_NS)]
CameraOfPath = Annotated[str, Path(alias="camera", pattern=CAMERA_ID)]
"""A camera's id, which is part of the paths of files."""
