"""Verifies the audit lines in the object store: that each can be read, is where its time says, and
is the same wherever it is stored.

It reveals damage, not a deliberate change: the lines are not chained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from domain.clock import NS_PER_HOUR
from domain.errors import DataLoss, NotFound
from domain.paths.object_keys import AUDIT_PREFIX, audit_hash_of_key, day_start_ns
from storage.audit.stored_lines import LineFault, StoredAudit, parsed
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditLine


@dataclass(slots=True)
class Verified:
    """What was read."""

    objects: int = 0
    lines: int = 0
    repeated: int = 0
    """Lines that are stored more than once, which is no fault."""
    faults: list[LineFault] = field(default_factory=list)


def verify(objects: ObjectStore, progress: Callable[[int], None] = lambda _: None) -> Verified:
    """Read every line of every writer. Raises StoreError if the store is not reachable."""
    stored, found = StoredAudit(objects), Verified()
    hour, known = "", dict[str, AuditLine]()
    for key in (stat.key for stat in objects.list(AUDIT_PREFIX)):
        if audit_hash_of_key(key) is None:
            found.faults.append(LineFault(key, 0, f"{key} is not the name of audit lines"))
            continue
        folder = key.rpartition("/")[0]
        if folder != hour:
            hour, known = folder, {}
        found.objects += 1
        progress(found.objects)
        for line in _lines(stored, key):
            if isinstance(line, LineFault):
                found.faults.append(line)
                continue
            found.lines += 1
            found.repeated += line.id in known
            reason = _fault(key, line, known.setdefault(line.id, line))
            if reason is not None:
                found.faults.append(LineFault(key, 0, f"line {line.id} of {key} {reason}"))
    return found


def _lines(stored: StoredAudit, key: str) -> Iterator[AuditLine | LineFault]:
    try:
        yield from parsed(stored.read(key), key)
    except DataLoss as error:
        yield LineFault(key, 0, str(error))
    except NotFound:
        return  # deleted by retention since it was listed


def _fault(key: str, line: AuditLine, first: AuditLine) -> str | None:
    """Return what is wrong with a line of which `first` has the same id."""
    _, _, day, hour, _ = key.split("/")
    since_ns = line.at - day_start_ns(day) - int(hour) * NS_PER_HOUR
    if not 0 <= since_ns < NS_PER_HOUR:
        return "has a time of another hour"
    return "has the id of another line" if line != first else None
