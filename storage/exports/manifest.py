"""The manifest of an export, which is the first member of its ZIP file: what it has and what is
missing, by whom and why it was made, and the SHA-256 of each file. The last member has the same
hashes for `sha256sum -c`. The member before it is a page for people. Pure.
"""

from __future__ import annotations

import hashlib
import json

from domain.clock import NS_PER_MS, rfc3339
from storage.exports.records import ExportMember, ExportRange, ExportRecord, RangeResult

MANIFEST_NAME = "manifest.json"
PAGE_NAME = "manifest.html"
SUMS_NAME = "SHA256SUMS"
SCHEMA = "sightline.export/1"


def manifest_of(record: ExportRecord) -> bytes:
    """Return the manifest of an export whose ranges were read, as JSON with a final line break.

    It depends on the record alone, so that each process returns the same bytes. `signature` is
    the place for a signature over the manifest with `signature` null.
    """
    document = {
        "schema": SCHEMA,
        "id": record.id,
        "person": record.person,
        "reason": record.reason,
        "case": record.case or None,
        "created_at": rfc3339(record.created_at),
        "finished_at": None if record.finished_at is None else rfc3339(record.finished_at),
        "ranges": [
            _range_entry(requested, result)
            for requested, result in zip(record.ranges, record.results, strict=False)
        ],
        "signature": None,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def sums_of(record: ExportRecord, manifest: bytes, page: bytes) -> bytes:
    """Return the SHA-256 of the manifest, its page and each recording, as `sha256sum` writes them.

    A name has no character that `sha256sum` escapes.
    """
    contents = {MANIFEST_NAME: manifest, PAGE_NAME: page}
    sums = [(hashlib.sha256(content).hexdigest(), name) for name, content in contents.items()]
    sums += [(member.sha256, member.name) for _, member in record.members]
    return "".join(f"{sha256}  {name}\n" for sha256, name in sums).encode()


def _range_entry(requested: ExportRange, result: RangeResult) -> dict[str, object]:
    return {
        "camera": requested.camera,
        "camera_name": result.camera_name,
        "from": rfc3339(requested.from_),
        "to": rfc3339(requested.to),
        "files": [
            {
                "name": member.name,
                "from": rfc3339(member.from_),
                "to": rfc3339(member.to),
                "start": rfc3339(member.start),
                "end": rfc3339(member.end),
                "size_bytes": member.size_bytes,
                "crc32": f"{member.crc32:08x}",
                "sha256": member.sha256,
                "hashed_late": _late_parts(member),
            }
            for member in result.members
        ],
        "gaps": [
            {
                "from": rfc3339(gap.from_),
                "to": rfc3339(gap.to),
                "cause": gap.cause,
                "detail": gap.detail or None,
            }
            for gap in result.gaps
        ],
        "offline": list(result.offline),
    }


def _late_parts(member: ExportMember) -> list[dict[str, str]] | None:
    """Return the parts of a file that were first hashed when they were exported, or when they were
    first read. Nothing proves what was recorded there. None if it is not known.
    """
    if member.hashed_late_ms is None:
        return None
    return [
        {"from": rfc3339(start_ms * NS_PER_MS), "to": rfc3339(end_ms * NS_PER_MS)}
        for start_ms, end_ms in member.hashed_late_ms
    ]
