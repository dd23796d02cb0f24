"""Audit lines are copied to the object store at least once, and none is deleted before that."""

from __future__ import annotations

import os
import threading
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from domain.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_S, S_PER_DAY, ManualClock
from domain.errors import AuditFull, BadInput, DataLoss, StoreError
from domain.paths.object_keys import AUDIT_PREFIX, AUDIT_WRITERS_PREFIX
from domain.settings import Settings, check_settings
from storage.audit.file_positions import exclusive_turn
from storage.audit.shipping import KEPT_LOCALLY_DAYS, LATE_S, AuditShipper
from storage.audit.stored_lines import LineFault, StoredAudit, parsed
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditEntry, AuditLine, AuditLog, Phase
from tests.fuses import Fuse, FusedObjects, Killed
from tests.kept import START_NS
from tests.storage.site.test_audit import ENTRY


@dataclass
class Folder:
    """A data folder with an audit log that is shipped."""

    log: AuditLog
    shipper: AuditShipper
    objects: ObjectStore

    def append(self, *people: str) -> None:
        for person in people:
            self.log.append(entry(person))

    def stored_keys(self) -> list[str]:
        return [stat.key for stat in self.objects.list(AUDIT_PREFIX)]

    def stored(self) -> list[AuditLine | LineFault]:
        store = StoredAudit(self.objects)
        return [line for key in self.stored_keys() for line in parsed(store.read(key), key)]

    def people(self) -> list[str]:
        return [line.person for line in self.stored() if isinstance(line, AuditLine)]

    def files(self) -> list[str]:
        return sorted(path.name for path in self.log.folder.glob("*.jsonl"))


def entry(person: str) -> AuditEntry:
    return ENTRY.model_copy(update={"person": person})


@pytest.fixture
def folder(objects: ObjectStore, tmp_path: Path, clock: ManualClock) -> Folder:
    log = AuditLog(tmp_path / "audit", clock)
    return Folder(log, AuditShipper(log, objects, "node-1", clock), objects)


def test_lines_are_copied_by_writer_day_and_hour_and_never_overwritten(
    folder: Folder, clock: ManualClock
) -> None:
    folder.append("li", "wang")
    folder.shipper.run_once()
    (first,) = folder.stored_keys()
    etag = folder.objects.stat(first)
    prefix, writer, day, hour, name = first.split("/")
    assert (prefix, writer.rpartition("-")[0], day, hour) == ("audit", "node-1", "20251009", "08")
    assert name.startswith("5320-")
    assert folder.shipper.run_once() == 0
    assert folder.stored_keys() == [first]
    clock.advance(3600)
    folder.append("zhao")
    folder.shipper.run_once()
    assert folder.objects.stat(first) == etag
    assert [key.split("/")[3] for key in folder.stored_keys()] == ["08", "09"]
    assert folder.people() == ["li", "wang", "zhao"]
    assert len({line.id for line in folder.stored() if isinstance(line, AuditLine)}) == 3


def test_lines_of_two_hours_in_one_run_are_two_objects(folder: Folder, clock: ManualClock) -> None:
    for _ in range(3):
        folder.append("li")
        clock.advance(1500)
    folder.shipper.run_once()
    assert Counter(key.split("/")[3] for key in folder.stored_keys()) == {"08": 1, "09": 1}
    assert len(folder.people()) == 3


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_call_of_the_store_loses_no_line(
    folder: Folder, clock: ManualClock, after: bool
) -> None:
    killed = 0
    for at in range(1, 12):
        folder.append(f"person-{at}")
        fuse = Fuse(at, after)
        fused = AuditShipper(folder.log, FusedObjects(folder.objects, fuse), "node-1", clock)
        try:
            fused.run_once()
        except Killed:
            killed += 1
    folder.shipper.run_once()
    assert killed == 3
    lines = [line for line in folder.stored() if isinstance(line, AuditLine)]
    assert len({line.id for line in lines}) == 11
    assert {line.person for line in lines} == {f"person-{at}" for at in range(1, 12)}


def test_a_crash_before_the_position_is_saved_repeats_lines_with_their_ids(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.append("li")
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _kill)
        with pytest.raises(Killed):
            folder.shipper.run_once()
    folder.append("wang")
    folder.shipper.run_once()
    lines = [line for line in folder.stored() if isinstance(line, AuditLine)]
    assert Counter(line.person for line in lines) == {"li": 2, "wang": 1}
    assert len({line.id for line in lines}) == 2


def _kill(_: int) -> None:
    raise Killed


def test_while_the_store_is_away_lines_wait_and_an_alarm_says_since_when(
    folder: Folder, clock: ManualClock
) -> None:
    away = ObjectStore("127.0.0.1:1", "key", "secret", "storage-tests")
    shipper = AuditShipper(folder.log, away, "node-1", clock)
    folder.append("li")
    with pytest.raises(StoreError):
        shipper.run_once()
    assert shipper.alarm() is None
    clock.advance(LATE_S)
    assert "2025-10-09T08:53:20.000Z" in (shipper.alarm() or "")
    folder.shipper.run_once()
    assert folder.people() == ["li"]
    assert shipper.alarm() is None


def test_the_thread_ships_within_a_minute(folder: Folder, clock: ManualClock) -> None:
    stop = threading.Event()
    began_ns = clock.wall_ns()
    shipped_ns: list[int] = []

    class Watched(AuditShipper):
        def run_once(self) -> int:
            size_bytes = super().run_once()
            if size_bytes:
                shipped_ns.append(clock.wall_ns())
            if len(shipped_ns) == 3:
                stop.set()
            else:
                folder.append("li")
            return size_bytes

    folder.append("li")
    Watched(folder.log, folder.objects, "node-1", clock).run(stop)
    waits = [after - before for before, after in pairwise([began_ns, *shipped_ns])]
    assert max(waits) <= 50 * NS_PER_S


def test_one_process_ships_at_a_time(folder: Folder, clock: ManualClock) -> None:
    folder.append("li")
    other = AuditShipper(folder.log, folder.objects, "node-1", clock)
    with exclusive_turn(folder.log.folder / "shipping.lock") as is_ours:
        assert is_ours
        assert other.run_once() == 0
    assert folder.people() == []
    other.run_once()
    assert folder.people() == ["li"]


def test_damaged_lines_are_copied_and_hide_no_other(folder: Folder) -> None:
    folder.append("li")
    path = folder.log.folder / folder.files()[0]
    with path.open("ab") as file:
        file.write(b"\xff\x00 no JSON\n" + b'{"at": 7}\n' + b'{"person": "torn')
    folder.shipper.run_once()
    folder.append("wang")
    folder.shipper.run_once()
    assert sorted(folder.people()) == ["li", "wang"]
    faults = [line for line in folder.stored() if isinstance(line, LineFault)]
    assert [fault.number for fault in faults] == [2, 3, 4]  # the object of `wang` has none
    assert all("20251009/08" in fault.reason and "torn" not in fault.reason for fault in faults)


def test_a_line_of_another_version_is_read(folder: Folder) -> None:
    """Before 0.1.0 lines had no id; a newer version adds fields, such as those of a chain."""
    folder.append("li")
    path = folder.log.folder / folder.files()[0]
    text = path.read_text("utf-8").splitlines()[0]
    without_id = text.replace('"id":', '"former":')
    newer = text.replace('"access"', '"later"').replace('"operator"', '"pilot"')[:-1]
    path.write_text(f'{without_id}\n{newer},"previous":"00","signature":"11"}}\n', "utf-8")
    folder.shipper.run_once()
    old, new = folder.stored()
    assert isinstance(old, AuditLine)
    assert isinstance(new, AuditLine)
    assert len(old.id) == 16
    assert (old.phase, new.phase, new.role) == (Phase.ACCESS, "later", "pilot")
    assert (new.model_extra or {}) == {"previous": "00", "signature": "11"}


def test_shipped_files_are_deleted_after_some_days_and_others_never(
    folder: Folder, clock: ManualClock
) -> None:
    folder.append("li")
    folder.shipper.run_once()
    clock.advance(KEPT_LOCALLY_DAYS * S_PER_DAY)
    folder.append("wang")
    folder.shipper.run_once()
    assert folder.files() == ["20251009.jsonl", "20251016.jsonl"]
    clock.advance(S_PER_DAY)
    with (folder.log.folder / "20251009.jsonl").open("ab") as file:
        file.write(b'{"late": "line"}\n')
    away = ObjectStore("127.0.0.1:1", "key", "secret", "storage-tests")
    with pytest.raises(StoreError):
        AuditShipper(folder.log, away, "node-1", clock).run_once()
    assert folder.files() == ["20251009.jsonl", "20251016.jsonl"]
    folder.shipper.run_once()
    assert folder.files() == ["20251016.jsonl"]
    assert folder.people() == ["li", "wang"]


def test_a_half_full_folder_is_emptied_once_it_is_shipped(
    objects: ObjectStore, tmp_path: Path, clock: ManualClock
) -> None:
    log = AuditLog(tmp_path / "audit", clock, limit_gb=4e-6)
    folder = Folder(log, AuditShipper(log, objects, "node-1", clock), objects)
    with pytest.raises(AuditFull):
        folder.append(*["li"] * 100)
    count = sum(len(path.read_bytes().splitlines()) for path in log.folder.glob("*.jsonl"))
    folder.shipper.run_once()
    assert folder.files() == []
    clock.advance(11)
    folder.append("wang")
    folder.shipper.run_once()
    assert folder.people() == ["li"] * count + ["wang"]


def test_a_file_that_was_replaced_is_copied_from_its_start(folder: Folder) -> None:
    folder.append("li", "wang")
    folder.shipper.run_once()
    (folder.log.folder / folder.files()[0]).unlink()
    folder.append("zhao", "qian", "sun")
    folder.shipper.run_once()
    assert Counter(folder.people()) == Counter(["li", "wang", "zhao", "qian", "sun"])


def test_a_damaged_state_copies_all_lines_again(folder: Folder) -> None:
    folder.append("li")
    folder.shipper.run_once()
    (folder.log.folder / "shipping.json").write_text("{")
    folder.shipper.run_once()
    assert folder.people() == ["li", "li"]
    assert len({key.split("/")[1] for key in folder.stored_keys()}) == 2


def test_large_logs_are_copied_in_parts(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.audit.file_positions.READ_BYTES", 1000)
    people = [f"person-{number}" for number in range(20)]
    folder.append(*people)
    folder.shipper.run_once()
    assert len(folder.stored_keys()) > 3
    assert sorted(folder.people()) == sorted(people)


def test_the_store_names_its_writers_and_until_when_they_are_complete(
    folder: Folder, clock: ManualClock
) -> None:
    folder.append("li")
    folder.shipper.run_once()
    (writer,) = StoredAudit(folder.objects).writers()
    assert (writer.node, writer.complete_until) == ("node-1", START_NS - 10 * NS_PER_S)
    assert writer.writer in StoredAudit(folder.objects).names()
    folder.objects.put(f"{AUDIT_WRITERS_PREFIX}damaged.json", b"{", "application/json")
    assert StoredAudit(folder.objects).writers() == [writer]
    clock.advance(60)
    folder.shipper.run_once()
    (later,) = StoredAudit(folder.objects).writers()
    assert later.complete_until == START_NS + 50 * NS_PER_S


def test_an_object_that_differs_from_its_name_is_reported(folder: Folder) -> None:
    folder.append("li")
    folder.shipper.run_once()
    (key,) = folder.stored_keys()
    packed = folder.objects.get(key)
    for damaged in (packed[:-9], b"plain"):
        folder.objects.put(key, damaged, "application/gzip")
        with pytest.raises(DataLoss, match="20251009/08"):
            StoredAudit(folder.objects).read(key)


def test_old_days_are_deleted_and_younger_ones_stay(folder: Folder, clock: ManualClock) -> None:
    folder.append("li")
    folder.shipper.run_once()
    clock.advance(2 * S_PER_DAY)
    folder.append("wang")
    folder.shipper.run_once()
    stored = StoredAudit(folder.objects)
    assert stored.remove_before(START_NS) == 0
    assert stored.remove_before(START_NS + NS_PER_DAY, dry=True) == 1
    assert folder.people() == ["li", "wang"]
    assert stored.remove_before(START_NS + NS_PER_DAY) == 1
    assert folder.people() == ["wang"]
    assert len(stored.writers()) == 1
    assert stored.remove_before(START_NS + 4 * NS_PER_DAY + NS_PER_HOUR) == 1
    assert (stored.writers(), folder.stored_keys()) == ([], [])


def test_less_than_180_days_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().audit_days == 365
    monkeypatch.setenv("SIGHTLINE_AUDIT_DAYS", "179")
    with pytest.raises(BadInput, match="SIGHTLINE_AUDIT_DAYS"):
        check_settings()
