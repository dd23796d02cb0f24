"""The dependencies of a node API of tests, with the data folder of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.node_api.context import NodeApiContext
from domain.camera_states import CameraStatus
from domain.clock import SystemClock
from domain.errors import NotFound
from domain.paths.data_layout import Layout
from domain.settings import Settings
from storage.events.spool import Spool
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog
from tests.api.site_data import NODE, heads_of, key_of_api, layouts_of
from tests.live_station import detection_streams, live_streams


def no_picture(camera_id: str, is_sub: bool) -> bytes:
    raise NotFound(f"{camera_id} has shown nothing yet")


def node_context(
    layout: Layout,
    node: str = NODE,
    picture: Callable[[str, bool], bytes] = no_picture,
    statuses: Callable[[], Sequence[CameraStatus]] = tuple,
) -> NodeApiContext:
    """Return what the node API of a node whose cameras are all pulled by worker 0 uses."""
    clock = SystemClock()
    return NodeApiContext(
        node=node,
        key_of_api=key_of_api,
        spool=Spool(layout, clock),
        ledger=Ledger(layout.recordings),
        gaps=GapLog(layout, clock),
        statuses=statuses,
        picture=picture,
        live=live_streams(layout).watch,
        detections=detection_streams(layout).watch,
        layouts=layouts_of(layout),
        heads=heads_of(layout),
        clock=clock,
        triggers=TriggerLog(layout, Settings()),
    )
