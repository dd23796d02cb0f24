"""The verification of audit lines finds each kind of damage and accepts repeated lines."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from domain.clock import ManualClock
from domain.paths.object_keys import AUDIT_PREFIX
from storage.audit.check import verify
from storage.audit.shipping import AuditShipper
from storage.audit.stored_lines import StoredAudit
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditLog
from tests.kept import START_NS
from tests.storage.site.test_audit import ENTRY

START_S = START_NS // 10**9


def _shipped(objects: ObjectStore, folder: Path, clock: ManualClock) -> str:
    log = AuditLog(folder / "audit", clock)
    log.append(ENTRY)
    log.append(ENTRY)
    AuditShipper(log, objects, "node-1", clock).run_once()
    (key,) = [stat.key for stat in objects.list(AUDIT_PREFIX)]
    return key


def test_whole_and_repeated_lines_are_no_fault(
    objects: ObjectStore, tmp_path: Path, clock: ManualClock
) -> None:
    key = _shipped(objects, tmp_path, clock)
    stored = StoredAudit(objects)
    again = stored.read(key).splitlines()[0] + b"\n"
    stored.put(key.split("/")[1], START_S, again)
    found = verify(objects)
    assert (found.objects, found.lines, found.repeated, found.faults) == (2, 3, 1, [])


def test_each_kind_of_damage_is_a_fault(
    objects: ObjectStore, tmp_path: Path, clock: ManualClock
) -> None:
    key = _shipped(objects, tmp_path, clock)
    stored, writer = StoredAudit(objects), key.split("/")[1]
    line = stored.read(key).splitlines()[0]
    stored.put(writer, START_S, line.replace(b'"li.wei"', b'"wang"') + b"\n")
    stored.put(writer, START_S + 3600, line + b"\n")
    stored.put(writer, START_S, b"no JSON\n")
    objects.put(f"{AUDIT_PREFIX}{writer}/notes.txt", b"foreign", "text/plain")
    packed = gzip.compress(b"{}\n")
    name = hashlib.sha256(b"other").hexdigest()[:16]
    objects.put(f"{key.rpartition('/')[0]}/0000-{name}.jsonl.gz", packed, "application/gzip")
    reasons = " | ".join(fault.reason for fault in verify(objects).faults)
    for part in (
        "has the id of another line",
        "has a time of another hour",
        "line 1 of",
        "notes.txt is not the name of audit lines",
        "does not have the content that its name states",
    ):
        assert reasons.count(part) == 1, part
    assert "no JSON" not in reasons
