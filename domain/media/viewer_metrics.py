"""The metrics of live video, by the rules of `domain/metrics.py`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

LIVE_VIEWERS = Gauge(
    "sightline_live_viewers",
    "Number of viewers of live video.",
    ["camera"],
    multiprocess_mode="livesum",
)
LIVE_STREAMS = Gauge(
    "sightline_live_streams",
    "Number of streams that the live process of the node receives for viewers.",
    [],
    multiprocess_mode="livesum",
)
LIVE_BYTES = Counter(
    "sightline_live_bytes_total", "Number of bytes of live video sent to viewers.", ["camera"]
)
LIVE_SKIPPED = Counter(
    "sightline_live_fragments_skipped_total",
    "Number of fragments of live video not sent because the receiver (viewer, media, api, or sound "
    "for the sound of a viewer) was too slow.",
    ["camera", "receiver"],
)
LIVE_SWITCHES = Counter(
    "sightline_live_switches_total",
    "Number of changes between main stream and sub-stream during a live view, by cause.",
    ["camera", "cause"],
)
LIVE_NARROW_PATHS = Counter(
    "sightline_live_narrow_paths_total",
    "Number of times that a WebRTC viewer got the sub-stream because its path was too narrow for "
    "the main stream, by what showed it (estimate, loss).",
    ["cause"],
)
LIVE_ENDS = Counter(
    "sightline_live_views_ended_total",
    "Number of live views that this site ended, by the problem that the viewer received.",
    ["problem"],
)
LIVE_SESSIONS = Gauge(
    "sightline_live_webrtc_sessions",
    "Number of WebRTC sessions of the media process, also those that are not connected yet.",
    [],
    multiprocess_mode="livesum",
)
LIVE_RETRANSMITTED = Counter(
    "sightline_live_packets_retransmitted_total",
    "Number of RTP packets sent again because a WebRTC viewer reported them lost.",
)
LIVE_DATAGRAMS_REFUSED = Counter(
    "sightline_live_datagrams_refused_total",
    "Number of datagrams at the WebRTC port that were ignored, by cause (stun, address, rtcp, rtp, "
    "unknown).",
    ["cause"],
)
LIVE_DATAGRAMS_NOT_SENT = Counter(
    "sightline_live_datagrams_not_sent_total",
    "Number of datagrams to WebRTC viewers that the kernel could not send.",
)
LIVE_DETECTIONS_DROPPED = Counter(
    "sightline_live_detections_dropped_total",
    "Number of messages with live detections that were dropped because a receiver (live, api, "
    "viewer) was too slow.",
    ["receiver"],
)
LIVE_GOPS_NOT_HELD = Counter(
    "sightline_live_gops_not_held_total",
    "Number of groups of pictures not held for new viewers because of a memory bound.",
)
LIVE_PACKETS_NOT_SENT = Counter(
    "sightline_live_packets_not_sent_total",
    "Number of packets of live video that no fragment can hold.",
    ["camera"],
)
