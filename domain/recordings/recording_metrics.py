"""The metrics of recordings, and of what is made from them, by the rules of `domain/metrics.py`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

SEGMENTS = Counter(
    "sightline_segments_total", "Number of segments completed on the local disk.", ["camera"]
)
SEGMENT_BYTES = Counter(
    "sightline_segment_bytes_total", "Total size of completed segments in bytes.", ["camera"]
)
SEGMENTS_EVICTED = Counter(
    "sightline_segments_evicted_total",
    "Number of segments deleted to free disk or object store space, by reason.",
    ["camera", "reason"],
)
SEGMENTS_UPLOADED = Counter(
    "sightline_segments_uploaded_total",
    "Number of segments uploaded to the object store and verified there.",
    ["camera"],
)
UPLOAD_BYTES = Counter(
    "sightline_upload_bytes_total", "Total size of uploaded segments in bytes.", ["camera"]
)
UPLOAD_RETRIES = Counter(
    "sightline_upload_retries_total", "Number of uploads that failed and will be retried.", []
)
UPLOADS_WAITING = Gauge(
    "sightline_uploads_waiting",
    "Number of segments waiting to be uploaded.",
    [],
    multiprocess_mode="livemostrecent",
)
OBJECTS_DAMAGED = Counter(
    "sightline_objects_damaged_total",
    "Number of reads of event files and of recordings refused because the SHA-256 differs.",
    ["file"],
)
EXPORTS_MADE = Counter(
    "sightline_exports_made_total",
    "Number of exports whose recordings were read (ready), or that cannot be made (failed).",
    ["state"],
)
CLIPS_MISSING = Counter(
    "sightline_clips_missing_total",
    "Number of events stored without a clip because the recording is missing or damaged.",
    ["camera"],
)
TRIGGERS = Counter(
    "sightline_triggers_total",
    "Number of triggers logged for cameras that keep or upload only triggered recordings.",
    ["camera", "source"],
)
TRIGGERS_LOST = Counter(
    "sightline_triggers_lost_total",
    "Number of triggers lost because the disk refused writes until the memory buffer was full.",
    ["camera"],
)
