"""Every metric, declared once with its unit; docs/metrics.md lists them. Processes of one node
share them through files.

`PROMETHEUS_MULTIPROC_DIR` (set by the composer before anything is imported) makes prometheus_client
keep them in mapped files, so that a process's counts outlive its `kill -9` and `/metrics` answers
for all of them.
"""

from __future__ import annotations

import os

from prometheus_client import REGISTRY as _OWN
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

PACKETS = Counter("sightline_packets_total", "Packets that arrived from cameras", ["camera"])
PACKETS_DROPPED = Counter(
    "sightline_packets_dropped_total",
    "Packets dropped by us, by the consumer that fell behind",
    ["camera", "tap"],
)
PACKETS_BROKEN = Counter(
    "sightline_packets_broken_total",
    "Packets damaged on arrival, by where it was noticed",
    ["camera", "where"],
)
RTP_LOST = Counter(
    "sightline_rtp_packets_lost_total",
    "RTP packets of pictures that a camera sent and the network lost",
    ["camera"],
)
CLOCK_JUMPS = Counter(
    "sightline_clock_jumps_total",
    "Leaps of a camera's own counter of time, taken out of its recording",
    ["camera"],
)
RECONNECTS = Counter(
    "sightline_reconnects_total",
    "Connections to cameras that ended, by the state that they ended in",
    ["camera", "state"],
)
SEGMENTS = Counter("sightline_segments_total", "Segments finished on local disk", ["camera"])
SEGMENT_BYTES = Counter("sightline_segment_bytes_total", "Bytes of finished segments", ["camera"])
SEGMENTS_EVICTED = Counter(
    "sightline_segments_evicted_total",
    "Segments deleted for want of space, by why these: uploaded, past_minimum, early, "
    "clip_waiting; store_full: in the object store",
    ["camera", "why"],
)
SEGMENTS_UPLOADED = Counter(
    "sightline_segments_uploaded_total",
    "Segments uploaded and found in the object store",
    ["camera"],
)
UPLOAD_BYTES = Counter("sightline_upload_bytes_total", "Bytes of segments uploaded", ["camera"])
UPLOAD_RETRIES = Counter(
    "sightline_upload_retries_total", "Uploads that failed and will be tried again", []
)
UPLOADS_WAITING = Gauge(
    "sightline_uploads_waiting",
    "Segments that wait to be uploaded",
    [],
    multiprocess_mode="livemostrecent",
)
ARCHIVED_EVENTS = Counter(
    "sightline_archived_events_total", "Events moved from the index to the archive"
)
RETENTION_DELETED = Counter(
    "sightline_retention_deleted_total",
    "What retention deleted, by what it was: recording, stored_recording, unclaimed_recording, "
    "event, gap_log, journal",
    ["what"],
)
ALARM = Gauge(
    "sightline_alarm", "1 while the alarm stands", ["alarm"], multiprocess_mode="livemostrecent"
)
FRAMES_DECODED = Counter(
    "sightline_frames_decoded_total", "Frames decoded for analytics", ["camera"]
)
FRAMES_SKIPPED = Counter(
    "sightline_frames_skipped_total",
    "Decoded frames that were due to be looked at and were not, by why: backlog, all are looked "
    "at less often; late, one is behind",
    ["camera", "why"],
)
LOOKS_PART = Gauge(
    "sightline_looks_part",
    "Part of the looks that a worker behind with them makes: 1 is all",
    [],
    multiprocess_mode="livemin",
)
LOOKS_BEHIND_S = Gauge(
    "sightline_looks_behind_seconds",
    "How long after its packet came a picture is looked at, in the mean",
    [],
    multiprocess_mode="livemax",
)
LOOK_CPU_S = Counter(
    "sightline_look_cpu_seconds_total", "CPU time of checkpoints, by what it was spent on", ["step"]
)
TRIGGERS = Counter(
    "sightline_triggers_total",
    "Triggers logged, of cameras that keep or upload only what triggers",
    ["camera", "source"],
)
TRIGGERS_LOST = Counter(
    "sightline_triggers_lost_total",
    "Triggers that the disk refused for so long that memory could not hold them",
    ["camera"],
)
ONVIF_FAILURES = Counter(
    "sightline_onvif_failures_total",
    "ONVIF subscriptions that failed, or could not be had",
    ["camera"],
)
ONVIF_SUBSCRIBED = Gauge(
    "sightline_onvif_subscribed",
    "1 while the camera's ONVIF events are subscribed",
    ["camera"],
    multiprocess_mode="livemax",
)
UNREAD = Counter(
    "sightline_plates_unread_total",
    "Tracks of plates that gave no text, by the reason",
    ["camera", "why"],
)
EVENTS = Counter("sightline_events_total", "Events acknowledged to the spool", ["camera", "kind"])
CROSSINGS = Counter(
    "sightline_crossings_total",
    "Events that crossed a count line, by its number and the side they went to",
    ["camera", "line", "way"],
)
KEEP_RETRIES = Counter(
    "sightline_keep_retries_total",
    "Steps of keeping that failed and will be tried again, by step",
    ["step"],
)
RECORDS_UNREADABLE = Counter(
    "sightline_records_unreadable_total",
    "Records in Redis that could not be read and were left out of an answer",
    ["where"],
)
SPOOL_DAMAGED = Counter(
    "sightline_spool_damaged_total",
    "Spool entries that could not be read and were set aside",
    ["camera"],
)
EVENTS_LOST = Counter(
    "sightline_events_lost_total",
    "Events that the disk refused for so long that memory could not hold them",
    ["camera"],
)
JOB_FAILURES = Counter(
    "sightline_job_failures_total",
    "Jobs in workers that failed by a fault of ours and began again",
    ["whose", "job"],
)
OBJECTS_DAMAGED = Counter(
    "sightline_objects_damaged_total",
    "Reads of an event's files that were refused because the file is not what its SHA-256 says",
    ["file"],
)
CLIPS_MISSING = Counter(
    "sightline_clips_missing_total",
    "Events kept without a clip: nothing recorded, or damaged",
    ["camera"],
)
COMPILED = Gauge(
    "sightline_depacketiser_compiled",
    "1 where RTP packets are taken apart in compiled code, 0 in Python alone",
    ["worker"],
    multiprocess_mode="liveall",
)
SPOOL_EVENTS = Gauge(
    "sightline_spool_events",
    "Events in the spool, not yet kept everywhere",
    ["worker"],
    multiprocess_mode="livesum",
)
CAMERA_LIVE = Gauge(
    "sightline_camera_live", "1 while the camera is live", ["camera"], multiprocess_mode="livemax"
)
CLOCK_STEPPED_S = Gauge(
    "sightline_clock_stepped_seconds",
    "By how much this machine's clock was set while the worker ran",
    ["worker"],
    multiprocess_mode="liveall",
)
CAMERA_STATE = Gauge(
    "sightline_camera_state",
    "1 for the state that the camera is in",
    ["camera", "state"],
    multiprocess_mode="livemax",
)
CAMERA_ALARM = Gauge(
    "sightline_camera_alarm",
    "1 while the camera has been down for minutes",
    ["camera"],
    multiprocess_mode="livemax",
)
CAMERA_SKEW_S = Gauge(
    "sightline_camera_skew_seconds",
    "Camera clock less ours, by sender reports",
    ["camera"],
    multiprocess_mode="livemostrecent",
)
CAMERA_SHED = Gauge(
    "sightline_camera_shed",
    "What is given up of a camera under pressure: 0 nothing, 1 looks, 2 analytics, 3 recording",
    ["camera"],
    multiprocess_mode="livemax",
)
CAMERA_OVER_LIMIT = Gauge(
    "sightline_camera_over_limit",
    "1 while a camera sends more than its max_bitrate_kbps",
    ["camera"],
    multiprocess_mode="livemax",
)
STRAIN = Gauge(
    "sightline_strain",
    "How much of what can be borne is borne: 1 is all",
    ["worker", "what"],
    multiprocess_mode="livemax",
)
REQUEST_S = Histogram(
    "sightline_http_request_seconds", "Time to answer, by route", ["route", "status"]
)
POOL_REFUSED = Counter(
    "sightline_pool_refused_total",
    "Requests refused since too many of their pool were being answered",
    ["pool"],
)
SLOW_READERS = Counter(
    "sightline_slow_readers_total", "Readers of exports that were closed since they read too slowly"
)
REFUSALS = Counter(
    "sightline_refusals_total",
    "Requests without a valid token, by the status of their answer",
    ["status"],
)
AUDIT_LINES_LOST = Counter(
    "sightline_audit_lines_lost_total",
    "Lines that the audit log did not take though the answer was given: outcome (of a change "
    "whose intent it has), refused",
    ["phase"],
)
FEED_CLIENTS = Gauge(
    "sightline_feed_clients",
    "Connections that follow a feed now",
    ["feed"],
    multiprocess_mode="livesum",
)
FEED_LEFT_OUT = Counter(
    "sightline_feed_left_out_total",
    "Messages of a feed that a slow reader got a summary of instead",
    ["feed"],
)
WATCH_MATCHES = Counter("sightline_watch_matches_total", "Passings that a vehicle watch asked for")
WEBHOOKS = Counter(
    "sightline_webhooks_total",
    "Webhooks of vehicle watches, by outcome: delivered, failed, dead, deferred",
    ["outcome"],
)
CAMERAS_HELD = Gauge(
    "sightline_cameras_held", "Cameras that this node runs", multiprocess_mode="livemostrecent"
)
LEASES = Counter(
    "sightline_leases_total", "Cameras that this node took, or gave up to another", ["what"]
)
CHILD_RESTARTS = Counter(
    "sightline_child_restarts_total", "Child processes that ended and were started again", ["child"]
)
CHILD_HANGS = Counter(
    "sightline_child_hangs_total", "Child processes that hung and were killed", ["child"]
)


def exposition() -> bytes:
    """All metrics of this node in the Prometheus text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(_OWN)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def forget_process(pid: int | None) -> None:
    """Take the gauges of a process that ended out of `exposition`; its counts stay."""
    if pid is not None and "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
