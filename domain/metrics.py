"""The metrics of cameras, processes, the API and the audit log; docs/metrics.md lists all metrics.
Those of live video, of recordings and of what was analysed are in `domain/media/viewer_metrics.py`,
`domain/recordings/recording_metrics.py` and `domain/recordings/analysis_metrics.py`.

Names follow the conventions of Prometheus: base units, `_total` for counters and `_ratio` for
shares. All processes of a node share the values through files: the `up`, `node` and `api` commands
set `PROMETHEUS_MULTIPROC_DIR` before this module is imported. The counts of a process therefore
survive its `kill -9`, and `/metrics` answers for all processes.
"""

from __future__ import annotations

import os

from prometheus_client import Counter, Gauge, Histogram, multiprocess

PACKETS = Counter("sightline_packets_total", "Number of packets received from cameras.", ["camera"])
PACKETS_DROPPED = Counter(
    "sightline_packets_dropped_total",
    "Number of packets dropped because a consumer (tap) fell behind.",
    ["camera", "tap"],
)
PACKETS_BROKEN = Counter(
    "sightline_packets_broken_total",
    "Number of packets that arrived damaged, by where the damage was detected.",
    ["camera", "where"],
)
RTP_LOST = Counter(
    "sightline_rtp_packets_lost_total",
    "Number of RTP video packets that a camera sent and the network lost.",
    ["camera"],
)
CLOCK_JUMPS = Counter(
    "sightline_clock_jumps_total",
    "Number of jumps in a camera's RTP timestamps that were removed from its recording.",
    ["camera"],
)
RECONNECTS = Counter(
    "sightline_reconnects_total",
    "Number of connections to cameras that ended, by the camera state that resulted.",
    ["camera", "state"],
)
ARCHIVED_EVENTS = Counter(
    "sightline_archived_events_total", "Number of events moved from the index to the archive."
)
RETENTION_DELETIONS = Counter(
    "sightline_retention_deletions_total",
    "Number of items deleted by retention, by kind of item.",
    ["kind"],
)
ALARM = Gauge(
    "sightline_alarm",
    "Whether the alarm is active (1) or not (0).",
    ["alarm"],
    multiprocess_mode="livemostrecent",
)
FRAMES_DECODED = Counter(
    "sightline_frames_decoded_total", "Number of frames decoded for analytics.", ["camera"]
)
HARDWARE_DECODER = Gauge(
    "sightline_hardware_decoder",
    "Whether a device decodes the pictures of a checkpoint (1) or software does (0).",
    ["camera"],
    multiprocess_mode="livemostrecent",
)
PACKETS_NOT_DECODED = Counter(
    "sightline_packets_not_decoded_total",
    "Number of packets of a checkpoint that were not decoded because the worker was behind.",
    ["camera", "reason"],
)
FRAMES_ANALYSED = Counter(
    "sightline_frames_analysed_total",
    "Number of decoded frames that were given to the analyser of a checkpoint.",
    ["camera"],
)
FRAMES_SKIPPED = Counter(
    "sightline_frames_skipped_total",
    "Number of decoded frames that were due for analysis and were skipped, by reason.",
    ["camera", "reason"],
)
ANALYSED_FRAMES_RATIO = Gauge(
    "sightline_analysed_frames_ratio",
    "Ratio of due frames analysed by the worker with the largest backlog; 1 means all.",
    [],
    multiprocess_mode="livemin",
)
ANALYSIS_DELAY_S = Gauge(
    "sightline_analysis_delay_seconds",
    "Mean time in seconds from the arrival of a frame's packet to its analysis.",
    [],
    multiprocess_mode="livemax",
)
ANALYSIS_CPU_S = Counter(
    "sightline_analysis_cpu_seconds_total",
    "Total CPU time in seconds spent on checkpoints, by step.",
    ["step"],
)
ONVIF_FAILURES = Counter(
    "sightline_onvif_failures_total",
    "Number of ONVIF subscriptions that failed or could not be created.",
    ["camera"],
)
ONVIF_SUBSCRIBED = Gauge(
    "sightline_onvif_subscribed",
    "Whether the ONVIF events of the camera are subscribed (1) or not (0).",
    ["camera"],
    multiprocess_mode="livemax",
)
UNREAD = Counter(
    "sightline_plates_unread_total",
    "Number of plate tracks that produced no text, by reason.",
    ["camera", "reason"],
)
EVENTS = Counter(
    "sightline_events_total", "Number of events written durably to the spool.", ["camera", "kind"]
)
CROSSINGS = Counter(
    "sightline_crossings_total",
    "Number of events that crossed a count line, by line number and direction.",
    ["camera", "line", "way"],
)
PUBLISH_RETRIES = Counter(
    "sightline_publish_retries_total",
    "Number of steps of publishing an event that failed and will be retried, by step.",
    ["step"],
)
RECORDS_UNREADABLE = Counter(
    "sightline_records_unreadable_total",
    "Number of Redis records that could not be read and were omitted from a result.",
    ["where"],
)
SPOOL_ENTRIES_DAMAGED = Counter(
    "sightline_spool_entries_damaged_total",
    "Number of spool entries that could not be read and were moved aside.",
    ["camera"],
)
EVENTS_LOST = Counter(
    "sightline_events_lost_total",
    "Number of events lost because the disk refused writes for too long.",
    ["camera"],
)
JOB_FAILURES = Counter(
    "sightline_job_failures_total",
    "Number of times that a job in a process failed because of a software fault and restarted.",
    ["component", "job"],
)
COMPILED = Gauge(
    "sightline_depacketiser_compiled",
    "Whether the worker parses RTP packets with compiled code (1) or only in Python (0).",
    ["worker"],
    multiprocess_mode="liveall",
)
SPOOL_EVENTS = Gauge(
    "sightline_spool_events",
    "Number of events in the spool that are not yet stored everywhere.",
    ["worker"],
    multiprocess_mode="livesum",
)
CAMERA_LIVE = Gauge(
    "sightline_camera_live",
    "Whether the camera is live (1) or not (0).",
    ["camera"],
    multiprocess_mode="livemax",
)
CLOCK_STEPPED_S = Gauge(
    "sightline_clock_stepped_seconds",
    "Sum of the steps in seconds by which the machine's clock was set while the worker ran.",
    ["worker"],
    multiprocess_mode="liveall",
)
CAMERA_STATE = Gauge(
    "sightline_camera_state",
    "Current state of the camera: 1 for that state, 0 for other states.",
    ["camera", "state"],
    multiprocess_mode="livemax",
)
CAMERA_ALARM = Gauge(
    "sightline_camera_alarm",
    "Whether the camera has been down for at least 5 minutes (1) or not (0).",
    ["camera"],
    multiprocess_mode="livemax",
)
CAMERA_SKEW_S = Gauge(
    "sightline_camera_skew_seconds",
    "Camera clock minus node clock in seconds, according to RTCP sender reports.",
    ["camera"],
    multiprocess_mode="livemostrecent",
)
CAMERA_SHED = Gauge(
    "sightline_camera_shed",
    "Load shedding level of the camera, from 0 (none) to 4 (not recorded, disk full).",
    ["camera"],
    multiprocess_mode="livemax",
)
CAMERA_OVER_LIMIT = Gauge(
    "sightline_camera_over_limit",
    "Whether the camera exceeds its max_bitrate_kbps (1) or not (0).",
    ["camera"],
    multiprocess_mode="livemax",
)
ANALYSIS_STOPPED = Gauge(
    "sightline_camera_analysis_stopped",
    "Whether the analysis of the checkpoint hangs or fails (1) or works (0).",
    ["camera"],
    multiprocess_mode="livemax",
)
LOAD_RATIO = Gauge(
    "sightline_load_ratio",
    "Ratio of the load to the highest load that the resource sustains; 1 is the limit.",
    ["worker", "resource"],
    multiprocess_mode="livemax",
)
REQUEST_DURATION_S = Histogram(
    "sightline_http_request_duration_seconds",
    "Time in seconds to answer an HTTP request, by route and status.",
    ["route", "status"],
)
POOL_REQUESTS_REFUSED = Counter(
    "sightline_pool_requests_refused_total",
    "Number of requests refused because their thread pool was full.",
    ["pool"],
)
REQUESTS_LIMITED = Counter(
    "sightline_requests_limited_total",
    "Number of requests refused because of a limit for one address or person.",
    ["limit"],
)
CONNECTIONS_CLOSED = Counter(
    "sightline_connections_closed_total",
    "Number of client connections closed by a server because they exceeded a limit or sent "
    "no valid request.",
    ["reason"],
)
SLOW_READERS = Counter(
    "sightline_slow_readers_total",
    "Number of export connections closed because the client read too slowly.",
)
REFUSALS = Counter(
    "sightline_refusals_total",
    "Number of requests without a valid token, by response status.",
    ["status"],
)
AUDIT_LINES_LOST = Counter(
    "sightline_audit_lines_lost_total",
    "Number of audit log lines that could not be written although the response was sent.",
    ["phase"],
)
PERSON_RECORDS_REFUSED = Counter(
    "sightline_person_records_refused_total",
    "Number of records of people in Redis that were not used because their HMAC is wrong or "
    "because they are older than a record that was in force.",
)
SIGN_INS = Counter(
    "sightline_sign_ins_total",
    "Number of sign-ins of browsers by method and result: `succeeded`, `failed`, or `delayed` "
    "because of earlier failures.",
    ["method", "result"],
)
SESSION_RECORDS_REFUSED = Counter(
    "sightline_session_records_refused_total",
    "Number of session records in Redis that were not used because their HMAC is wrong.",
)
OPENID_CHECKS = Counter(
    "sightline_openid_checks_total",
    "Number of checks of sessions with the identity provider, by result: confirmed, refused, "
    "unavailable.",
    ["result"],
)
AUDIT_BYTES_SHIPPED = Counter(
    "sightline_audit_shipped_bytes_total",
    "Total size in bytes of audit log lines copied to the object store.",
)
AUDIT_SYSLOG_LINES = Counter(
    "sightline_audit_syslog_lines_total",
    "Number of audit log lines sent to the syslog receiver.",
)
AUDIT_SYSLOG_FAILURES = Counter(
    "sightline_audit_syslog_failures_total",
    "Number of attempts to send audit log lines to the syslog receiver that failed.",
)
AUDIT_SHIPPING_FAILURES = Counter(
    "sightline_audit_shipping_failures_total",
    "Number of attempts to copy audit log lines that failed and will be retried.",
)
FEED_CLIENTS = Gauge(
    "sightline_feed_clients",
    "Number of open connections to a live feed.",
    ["feed"],
    multiprocess_mode="livesum",
)
FEED_MESSAGES_OMITTED = Counter(
    "sightline_feed_messages_omitted_total",
    "Number of feed messages replaced by a summary because the client read too slowly.",
    ["feed"],
)
WATCH_MATCHES = Counter(
    "sightline_watch_matches_total", "Number of passings that matched a vehicle watch."
)
WEBHOOKS = Counter(
    "sightline_webhooks_total",
    "Number of webhook deliveries for vehicle watches, by outcome.",
    ["outcome"],
)
CAMERAS_HELD = Gauge(
    "sightline_cameras_held",
    "Number of cameras assigned to this node.",
    multiprocess_mode="livemostrecent",
)
LEASES = Counter(
    "sightline_leases_total",
    "Number of camera leases that this node acquired or released.",
    ["action"],
)
CHILD_RESTARTS = Counter(
    "sightline_child_restarts_total",
    "Number of child processes that ended and were restarted.",
    ["child"],
)
CHILD_HANGS = Counter(
    "sightline_child_hangs_total", "Number of child processes that hung and were killed.", ["child"]
)
PROCESS_CONFINED = Gauge(
    "sightline_process_confined",
    "Whether the kernel restricts a process by the mechanism `landlock` (files), `seccomp` "
    "(system calls) or `capabilities` (privileges of root).",
    ["component", "mechanism"],
    multiprocess_mode="livemostrecent",
)


def forget_process(pid: int | None) -> None:
    """Remove the gauges of an ended process from `/metrics`; its counters remain."""
    if pid is not None and "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(pid)
