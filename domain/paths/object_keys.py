"""All keys in the object store, which is one bucket. A key alone tells the kind, the time and the
camera of its object.

    events/<yyyy>/<mm>/<dd>/<camera>/<event id>/
        {snapshot.jpg,crop.jpg,clip.mp4,event.json,corrected.<version>.json}
    journal/<node>/<yyyy>/<mm>/<dd>/<hhmm>.jsonl.gz
    journal/_corrections/<yyyy>/<mm>/<dd>/<hhmm>.<event id>.<version>.jsonl.gz
    recordings/<camera>/<yyyymmdd>/<segment name>
    recording_index/<camera>/<yyyymmdd>/<hh>/<node>.layouts
    archive/events/<yyyy>/<mm>/<dd>/<area>/<generation>-<hash>.parquet
    archive/catalogue/<yyyymmdd>/<version>
    gaps/cameras/<camera>/<node>/<yyyymmdd>.jsonl
    gaps/nodes/<node>.json
    audit/<writer>/<yyyymmdd>/<hh>/<mmss>-<sha256>.jsonl.gz
    state/audit/<writer>.json
    state/watches/<watch>/<version>.json
    state/people/<name>/<version>.json
    state/registry/<version>.json
    state/holds/<hold>/<version>.json
    state/cases/<case>/<version>.json
    state/approvals/<approval>/<version>.json
    state/emergencies/<emergency>/<version>.json
    state/exports/<export>/<version>.json
    state/saved_views/<view>/<version>.json
    state/site.json

No node can have the name `_corrections`. `gaps/cameras` holds what a node did not record of a
camera, with the causes; `gaps/nodes` holds the time up to which a node's gaps are complete. A
writer of audit lines is a data folder.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from domain.clock import LATEST_NS, NS_PER_S, Clock
from domain.paths.segment_name import SegmentName
from domain.ulid import wall_ms_of

SNAPSHOT, CROP, CLIP, SIDECAR = "snapshot.jpg", "crop.jpg", "clip.mp4", "event.json"
EVENTS_PREFIX, JOURNAL_PREFIX, PEOPLE_PREFIX = "events/", "journal/", "state/people/"
RECORDINGS_PREFIX, HOLDS_PREFIX, WATCHES_PREFIX = "recordings/", "state/holds/", "state/watches/"
RECORDING_INDEX_PREFIX = "recording_index/"
CASES_PREFIX, APPROVALS_PREFIX = "state/cases/", "state/approvals/"
EMERGENCIES_PREFIX, EXPORTS_PREFIX = "state/emergencies/", "state/exports/"
SAVED_VIEWS_PREFIX = "state/saved_views/"
GAPS_PREFIX, NODE_GAPS_PREFIX = "gaps/cameras/", "gaps/nodes/"


def event_prefix(camera_id: str, event_id: str) -> str:
    """Return the prefix of an event's objects, which contains the day (UTC) of its start."""
    return f"{event_day_prefix(event_id)}{camera_id}/{event_id}/"


def event_day_prefix(event_id: str) -> str:
    """Return the prefix of all events of the day (UTC) on which this one started."""
    day = datetime.fromtimestamp(wall_ms_of(event_id) / 1000, UTC)
    return f"{EVENTS_PREFIX}{day:%Y/%m/%d}/"


def event_object(camera_id: str, event_id: str, name: str) -> str:
    return event_prefix(camera_id, event_id) + name


def journal_object(node: str, minute_wall_s: int) -> str:
    minute = datetime.fromtimestamp(minute_wall_s, UTC)
    return f"journal/{node}/{minute:%Y/%m/%d/%H%M}.jsonl.gz"


CORRECTED = "corrected."
_CORRECTION = re.compile(r"corrected\.\d{10,15}\.json")


def corrections_prefix(camera_id: str, event_id: str) -> str:
    """Return the common prefix of an event's corrections; the highest version is the last
    correction.
    """
    return event_prefix(camera_id, event_id) + CORRECTED


def correction_object(camera_id: str, event_id: str, version: int) -> str:
    return f"{corrections_prefix(camera_id, event_id)}{version:010d}.json"


def is_correction(key: str) -> bool:
    return (
        key.startswith(EVENTS_PREFIX) and _CORRECTION.fullmatch(key.rpartition("/")[2]) is not None
    )


def correction_journal_object(wall_s: int, event_id: str, version: int) -> str:
    minute = datetime.fromtimestamp(wall_s, UTC)
    return f"{JOURNAL_PREFIX}_corrections/{minute:%Y/%m/%d/%H%M}.{event_id}.{version}.jsonl.gz"


def day_of(wall_ns: int) -> str:
    """Return the day (`yyyymmdd`, UTC) under which a segment with this start is stored, on disk and
    in the object store.

    A time before 1970 or after 9999, such as the end of a range plus a margin, counts as the first
    or the last possible day.
    """
    wall_s = min(max(0, wall_ns), LATEST_NS - 1) // NS_PER_S
    return f"{datetime.fromtimestamp(wall_s, UTC):%Y%m%d}"


def day_start_ns(day: str) -> int:
    return int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * NS_PER_S


def is_day(text: str) -> bool:
    """Return whether `text` is a day as `day_of` writes it."""
    try:
        return day_of(day_start_ns(text)) == text
    except ValueError:
        return False


def segment_object(name: SegmentName) -> str:
    return f"{RECORDINGS_PREFIX}{name.camera_id}/{day_of(name.start_ns)}/{name.file_name}"


def layouts_object(camera_id: str, hour_ns: int, node: str) -> str:
    """Return the key of the layouts of the segments that a node recorded, and that begin in the
    hour (UTC) of `hour_ns`.
    """
    hour = datetime.fromtimestamp(hour_ns // NS_PER_S, UTC)
    return f"{RECORDING_INDEX_PREFIX}{camera_id}/{hour:%Y%m%d/%H}/{node}.layouts"


def gaps_object(camera_id: str, node: str, day: str) -> str:
    return f"{GAPS_PREFIX}{camera_id}/{node}/{day}.jsonl"


def node_gaps_object(node: str) -> str:
    return f"{NODE_GAPS_PREFIX}{node}.json"


def holds_prefix(hold_id: str) -> str:
    """Return the common prefix of all versions of a hold."""
    return f"{HOLDS_PREFIX}{hold_id}/"


def hold_object(hold_id: str, version: int) -> str:
    return f"{holds_prefix(hold_id)}{version:010d}.json"


def watches_prefix(watch_id: str) -> str:
    """Return the common prefix of all versions of a watch."""
    return f"{WATCHES_PREFIX}{watch_id}/"


def watch_object(watch_id: str, version: int) -> str:
    return f"{watches_prefix(watch_id)}{version:010d}.json"


def dated_id(clock: Clock) -> str:
    """Create an id of a hold, a watch, an export or a saved view: the day (UTC), random digits."""
    return f"{day_of(clock.wall_ns())}-{secrets.token_hex(4)}"


def person_prefix(name: str) -> str:
    """Return the common prefix of all versions of a person."""
    return f"{PEOPLE_PREFIX}{name}/"


def person_object(name: str, version: int) -> str:
    return f"{person_prefix(name)}{version:010d}.json"


REGISTRY_PREFIX = "state/registry/"
SITE_OBJECT = "state/site.json"


def registry_object(version: int) -> str:
    return f"{REGISTRY_PREFIX}{version:010d}.json"


ARCHIVE_PREFIX, ARCHIVED_PREFIX, CATALOGUE_PREFIX = (
    "archive/",
    "archive/events/",
    "archive/catalogue/",
)

ARCHIVE_MOVED = "archive/moved.json"
"""The object that says up to when all events of the index were moved to the archive."""


def archive_object(day: str, area: str, generation: int, sha256: str) -> str:
    """Return the key of an archive file for one day (`yyyymmdd`) of an area. Every version has its
    own key, so that a file never changes; the highest generation is valid.
    """
    folder = f"{ARCHIVED_PREFIX}{day[:4]}/{day[4:6]}/{day[6:]}/{area}"
    return f"{folder}/{generation:06d}-{sha256[:16]}.parquet"


_ARCHIVED = re.compile(
    rf"{ARCHIVED_PREFIX}(\d{{4}})/(\d\d)/(\d\d)/(.+)/\d{{6,}}-[0-9a-f]+\.parquet"
)


def place_of_key(key: str) -> tuple[str, str] | None:
    """Return day and area of an archive file's key; None for other keys."""
    match = _ARCHIVED.fullmatch(key)
    return None if match is None else (match[1] + match[2] + match[3], match[4])


def catalogue_object(day: str, version: int) -> str:
    return f"{CATALOGUE_PREFIX}{day}/{version:010d}"


AUDIT_PREFIX, AUDIT_WRITERS_PREFIX = "audit/", "state/audit/"
_AUDIT_LINES = re.compile(
    rf"{AUDIT_PREFIX}[a-z0-9-]+/(\d{{8}})/(\d\d)/\d{{4}}-([0-9a-f]{{16}})\.jsonl\.gz"
)


def audit_lines_object(writer: str, first_wall_s: int, sha256: str) -> str:
    """Return the key for audit lines of one hour (UTC) that begin at this second. The hash of the
    lines is part of it, so that an object never changes.
    """
    first = datetime.fromtimestamp(first_wall_s, UTC)
    return f"{AUDIT_PREFIX}{writer}/{first:%Y%m%d/%H/%M%S}-{sha256[:16]}.jsonl.gz"


def audit_hour_prefix(writer: str, day: str, hour: str) -> str:
    return f"{AUDIT_PREFIX}{writer}/{day}/{hour}/"


def audit_hash_of_key(key: str) -> str | None:
    """Return the digits of the hash that a key of audit lines states; None for another key."""
    match = _AUDIT_LINES.fullmatch(key)
    return None if match is None else match[3]


def audit_writer_object(writer: str) -> str:
    return f"{AUDIT_WRITERS_PREFIX}{writer}.json"
