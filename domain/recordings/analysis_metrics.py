"""The metrics of what was analysed, by the rules of `domain/metrics.py`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

PARTLY_ANALYSED_S = Counter(
    "sightline_partly_analysed_seconds_total",
    "Total time in seconds in which passings of a checkpoint may have been missed, by cause.",
    ["camera", "cause"],
)
ANALYSED_AGAIN_S = Counter(
    "sightline_analysed_again_seconds_total",
    "Total time in seconds that was analysed from the recording afterwards.",
    ["camera"],
)
EVENTS_LATE = Counter(
    "sightline_events_late_total",
    "Number of events that were found in the recording afterwards.",
    ["camera"],
)
GAP_LOGS_UNREADABLE = Gauge(
    "sightline_gap_logs_unreadable",
    "Number of days of the node's checkpoints whose gap logs cannot be read.",
    [],
    multiprocess_mode="livemostrecent",
)
