"""The live process of a node: it serves the node API.

It is started as `python -m sightline.live_process`.
"""

from __future__ import annotations

import argparse
import threading
from functools import partial
from pathlib import Path

from api.limits.send_limits import LeastRate
from api.node_api.app import make_node_api, node_routes
from api.node_api.context import NodeApiContext
from domain.clock import Clock, SystemClock
from domain.errors import NotFound, SourceTimeout
from domain.log import set_up_logging
from domain.media.fanout import Tap
from domain.media.packets import Frame
from domain.paths.data_layout import Layout
from domain.settings import Settings
from ingest.frames.decoder import FrameReader
from ingest.live.client import live_packets
from ingest.live.detection_streams import DetectionStreams
from ingest.live.fragment_streams import FragmentStreams
from ingest.live.source import LiveLimits, LiveSources
from sightline.cluster.roster import NodeRosters
from sightline.confinement.report import log_confinement
from sightline.connection_limits import MAX_CONNECTIONS, ConnectionLimits
from sightline.http_server import HttpServer, raise_descriptor_limit, server_config
from sightline.keys.api_trust import ApiTrust, node_server_context
from sightline.keys.site_keys import SiteKeys
from sightline.processes.ports import is_loopback
from sightline.processes.status_file import read_statuses
from storage.events.spool import Spool
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.pictures import jpeg_of
from storage.recordings.trigger_log import TriggerLog
from storage.recordings.virtual.layouts import Layouts, RecordingIndex
from storage.recordings.virtual.segment_headers import SegmentHeads

PICTURE_WITHIN_S = 8.0
SLACK = 2.0
"""The factor by which the node tolerates a slow client longer than the API does.

So the API, which knows the client, disconnects it first.
"""


def live_sources(layout: Layout, settings: Settings, clock: Clock) -> LiveSources:
    """Return the live sources of the node on this data folder."""
    rosters = NodeRosters(layout)
    limits = LiveLimits(
        round(settings.live_memory_mb * 1_000_000),
        settings.live_grace_s,
        settings.live_streams_per_node,
    )
    return LiveSources(
        lambda camera_id: _live_socket(layout, rosters, camera_id),
        partial(_last_error, layout),
        limits,
        clock,
    )


def detection_streams(layout: Layout, settings: Settings, clock: Clock) -> DetectionStreams:
    """Return the live detections of the node on this data folder."""
    rosters = NodeRosters(layout)
    return DetectionStreams(
        lambda camera_id: _live_socket(layout, rosters, camera_id),
        settings.live_streams_per_node,
        clock,
    )


def _live_socket(layout: Layout, rosters: NodeRosters, camera_id: str) -> Path:
    """Return the socket of the worker that pulls a camera. Raises NotFound."""
    worker = rosters.workers().get(camera_id)
    if worker is None:
        raise NotFound("no worker of this node has camera {camera}", camera=camera_id)
    return layout.live_socket(worker)


def _last_error(layout: Layout, camera_id: str) -> str:
    """Return the error of a camera that is not live; empty if there is none."""
    return next(
        (
            status.last_error
            for status in read_statuses(layout)
            if status.camera_id == camera_id and not status.state.is_live
        ),
        "",
    )


def picture_now(
    layout: Layout, rosters: NodeRosters, clock: Clock, camera_id: str, is_sub: bool
) -> bytes:
    """Return a current picture (JPEG) of a camera or its sub-stream, from its worker's packets.

    Raises NotFound, NodeOffline or SourceTimeout.
    """
    path = _live_socket(layout, rosters, camera_id)
    return jpeg_of(_first_frame(path, f"{camera_id}/sub" if is_sub else camera_id, clock).bgr)


def _first_frame(path: Path, camera_id: str, clock: Clock) -> Frame:
    stop = threading.Event()
    timer = threading.Timer(PICTURE_WITHIN_S, stop.set)
    timer.start()
    tap = Tap("picture", max_packets=512, max_bytes=32 << 20)
    frames = iter(FrameReader(tap, clock, 1000.0, camera_id))
    try:
        for packet in live_packets(path, camera_id, stop):
            tap.put(packet)
            frame = next(frames, None)
            if frame is not None:
                return frame
    finally:
        timer.cancel()
    raise SourceTimeout(
        "camera {camera} gave no picture within {picture_within_s} s",
        camera=camera_id,
        picture_within_s=round(PICTURE_WITHIN_S),
    )


def preload() -> None:
    """Make the routes, which processes then share."""
    node_routes()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.live_process", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    settings, layout, clock = Settings(), Layout(arguments.data), SystemClock()
    set_up_logging(settings.log_level, "live")
    log_confinement()
    keys = SiteKeys(layout.keys, clock)
    tls = None if is_loopback(arguments.host) else node_server_context(keys, settings.node)
    context = NodeApiContext(
        node=settings.node,
        key_of_api=ApiTrust(keys).key_of_api,
        spool=Spool(layout, clock),
        ledger=Ledger(layout.recordings, clock),
        gaps=GapLog(layout, clock),
        statuses=lambda: read_statuses(layout),
        picture=partial(picture_now, layout, NodeRosters(layout), clock),
        live=FragmentStreams(live_sources(layout, settings, clock), clock).watch,
        detections=detection_streams(layout, settings, clock).watch,
        layouts=Layouts(RecordingIndex(layout.recording_index)),
        heads=SegmentHeads(RecordingIndex(layout.recording_index)),
        clock=clock,
        triggers=TriggerLog(layout, settings),
        least_rate=LeastRate.from_settings(settings, SLACK),
    )
    app = make_node_api(context)
    config = server_config(
        app,
        # All processes of an API have one address, and many connections.
        ConnectionLimits(clock, max_per_address=MAX_CONNECTIONS),
        tls=tls,
        host=arguments.host,
        port=arguments.port,
    )
    raise_descriptor_limit()
    HttpServer(config, app.state.streams.end).run()


if __name__ == "__main__":
    main()
