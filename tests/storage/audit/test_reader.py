"""Audit lines are read newest first, each once, from all data folders and with what is not shipped
yet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.clock import NS_PER_HOUR, NS_PER_S, S_PER_DAY, ManualClock
from domain.errors import StoreError
from domain.paths.object_keys import AUDIT_PREFIX
from storage.audit import reader
from storage.audit.line_kinds import LineKind
from storage.audit.reader import AuditQuery, AuditReader, LineOutcome, Position, all_pages
from storage.audit.shipping import AuditShipper
from storage.audit.stored_lines import AuditWriter, StoredAudit
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditEntry, AuditLine, AuditLog, Phase
from tests.kept import START_NS
from tests.storage.site.test_audit import ENTRY

ANY = AuditQuery()


@dataclass
class Machine:
    """A data folder that writes, ships and reads lines."""

    log: AuditLog
    shipper: AuditShipper
    reader: AuditReader

    @classmethod
    def at(cls, folder: Path, objects: ObjectStore, clock: ManualClock) -> Machine:
        log = AuditLog(folder / "audit", clock)
        shipper = AuditShipper(log, objects, folder.name, clock)
        return cls(log, shipper, AuditReader(objects, shipper, clock))

    def append(self, *people: str, **changes: object) -> None:
        for person in people:
            self.log.append(ENTRY.model_copy(update={"person": person, **changes}))

    def people(self, query: AuditQuery = ANY, limit: int = 100) -> list[str]:
        return [line.person for line in self.reader.page(query, limit).lines]


@pytest.fixture
def machines(objects: ObjectStore, tmp_path: Path, clock: ManualClock) -> tuple[Machine, Machine]:
    first, second = (Machine.at(tmp_path / name, objects, clock) for name in ("api-1", "node-2"))
    return first, second


def test_lines_of_all_machines_are_read_newest_first(
    machines: tuple[Machine, Machine], clock: ManualClock
) -> None:
    first, second = machines
    for number in range(6):
        (first, second)[number % 2].append(f"person-{number}")
        clock.advance(1800)
        if number == 3:
            first.shipper.run_once()
            second.shipper.run_once()
    assert first.people() == ["person-4", "person-3", "person-2", "person-1", "person-0"]
    assert second.people() == ["person-5", "person-3", "person-2", "person-1", "person-0"]
    first.shipper.run_once()
    second.shipper.run_once()
    assert first.people() == second.people() == [f"person-{n}" for n in (5, 4, 3, 2, 1, 0)]


def test_pages_follow_each_other_without_gap_or_repetition(
    machines: tuple[Machine, Machine], clock: ManualClock
) -> None:
    first, second = machines
    for number in range(30):
        first.append(f"a-{number}")
        second.append(f"b-{number}")  # at the same time
        clock.advance(700)
        if number % 4 == 0:
            first.shipper.run_once()
    second.shipper.run_once()
    pages = list(all_pages(first.reader, ANY, 7))
    assert [len(page.lines) for page in pages] == [7] * 8 + [4]
    lines = [line for page in pages for line in page.lines]
    assert len({line.person for line in lines}) == 60
    places = [Position(line.at, line.id) for line in lines]
    assert places == sorted(places, reverse=True)


def test_a_page_ends_with_the_hour_after_many_objects(
    machines: tuple[Machine, Machine], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_OBJECTS", 2)
    first, _ = machines
    for number in range(12):
        first.append("li" if number == 0 else "wang")
        first.shipper.run_once()
        clock.advance(1000)
    first.append("li")
    pages = list(all_pages(first.reader, AuditQuery(person="li"), 10))
    assert [len(page.lines) for page in pages] == [1, 0, 1] or len(pages) > 2
    assert sum(len(page.lines) for page in pages) == 2
    assert all(page.next is not None for page in pages[:-1])


def test_a_line_that_was_shipped_twice_is_read_once(
    machines: tuple[Machine, Machine], objects: ObjectStore
) -> None:
    first, second = machines
    first.append("li", "wang")
    first.shipper.run_once()
    (first.log.folder / "shipping.json").unlink()
    first.append("zhao")
    first.shipper.run_once()
    assert len(list(objects.list(AUDIT_PREFIX))) == 2
    assert Counter(second.people()) == {"li": 1, "wang": 1, "zhao": 1}
    assert len(list(all_pages(second.reader, ANY, 2))) == 2


def test_each_filter_keeps_its_lines(machines: tuple[Machine, Machine], clock: ManualClock) -> None:
    first, _ = machines
    first.append("li", terms={"camera": "gate", "event": "E1"}, case="c-1")
    clock.advance(60)
    first.append("wang", route="camera.recording", terms={"id": "gate"}, status=403)
    clock.advance(60)
    first.append("zhao", route="event.read", terms={"id": "E1"}, status=503)
    clock.advance(60)
    first.append("local:x", route="command.x", terms={}, status=1, phase=Phase.OUTCOME)
    first.append("local:y", route="command.x", terms={}, status=None, phase=Phase.INTENT)
    first.append("local:z", route="command.x", terms={}, status=0, phase=Phase.OUTCOME)
    first.shipper.run_once()
    found = {
        "person": first.people(AuditQuery(person="li")),
        "call": first.people(AuditQuery(call="camera.recording")),
        "kind": first.people(AuditQuery(kind=LineKind.EXPORT)),
        "camera": first.people(AuditQuery(camera="gate")),
        "event": first.people(AuditQuery(event="E1")),
        "case": first.people(AuditQuery(case="c-1")),
        "refused": first.people(AuditQuery(outcome=LineOutcome.REFUSED)),
        "failed": first.people(AuditQuery(outcome=LineOutcome.FAILED)),
        "intended": first.people(AuditQuery(outcome=LineOutcome.INTENDED)),
        "done": sorted(first.people(AuditQuery(outcome=LineOutcome.DONE))),
        "range": first.people(
            AuditQuery(from_ns=START_NS + 60 * NS_PER_S, to_ns=START_NS + 120 * NS_PER_S)
        ),
    }
    assert found == {
        "person": ["li"],
        "call": ["wang"],
        "kind": ["wang"],
        "camera": ["wang", "li"],
        "event": ["zhao", "li"],
        "case": ["li"],
        "refused": ["wang"],
        "failed": ["local:x", "zhao"],
        "intended": ["local:y"],
        "done": ["li", "local:z"],
        "range": ["wang"],
    }


def test_only_hours_of_the_range_are_read(
    machines: tuple[Machine, Machine], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = machines
    for _ in range(4):
        first.append("li")
        first.shipper.run_once()
        clock.advance(S_PER_DAY // 2)
    read: list[str] = []
    original = StoredAudit.read

    def counted(self: StoredAudit, key: str) -> bytes:
        read.append(key)
        return original(self, key)

    monkeypatch.setattr(StoredAudit, "read", counted)
    from_ns = START_NS + 12 * NS_PER_HOUR
    assert first.people(AuditQuery(from_ns=from_ns, to_ns=from_ns + NS_PER_HOUR)) == ["li"]
    assert len(read) == 1
    read.clear()
    assert first.people(ANY, 1) == ["li"]
    assert len(read) == 2


def test_damaged_lines_and_objects_are_reported_with_the_others(
    machines: tuple[Machine, Machine], objects: ObjectStore
) -> None:
    first, second = machines
    first.append("li")
    with (first.log.folder / "20251009.jsonl").open("ab") as file:
        file.write(b"no JSON\n")
    first.shipper.run_once()
    second.append("wang")
    second.shipper.run_once()
    (lost,) = [stat.key for stat in objects.list(f"{AUDIT_PREFIX}node-2-") if stat.key]
    objects.put(lost, b"damaged", "application/gzip")
    page = first.reader.page(ANY, 10)
    assert [line.person for line in page.lines] == ["li"]
    assert sorted(fault.number for fault in page.faults) == [0, 2]
    assert {fault.where for fault in page.faults} >= {lost}


def test_a_page_says_until_when_each_machine_is_complete(
    machines: tuple[Machine, Machine], clock: ManualClock
) -> None:
    first, second = machines
    for machine in machines:
        machine.append("li")
        machine.shipper.run_once()
    clock.advance(300)
    second.append("not shipped yet")
    page = first.reader.page(ANY, 10)
    assert len(page.lines) == 2
    until = {writer.node: writer.complete_until for writer in page.writers}
    assert until == {"api-1": START_NS + 300 * NS_PER_S, "node-2": START_NS - 10 * NS_PER_S}
    assert all(isinstance(writer, AuditWriter) for writer in page.writers)


def test_without_the_object_store_nothing_is_answered(
    machines: tuple[Machine, Machine], clock: ManualClock
) -> None:
    first, _ = machines
    first.append("li")
    away = ObjectStore("127.0.0.1:1", "key", "secret", "storage-tests")
    with pytest.raises(StoreError):
        AuditReader(away, first.shipper, clock).page(ANY, 10)


def test_an_outcome_is_that_of_the_status() -> None:
    def outcome(status: int | None) -> LineOutcome:
        entry: AuditEntry = ENTRY.model_copy(update={"status": status})
        return LineOutcome.from_line(AuditLine(id="1", at=START_NS, **entry.__dict__))

    assert [outcome(status) for status in (None, 0, 1, 200, 206, 401, 404, 500, 503)] == [
        "intended", "done", "failed", "done", "done", "refused", "refused", "failed", "failed",
    ]  # fmt: skip


def test_a_plate_keeps_the_searches_for_it_and_for_patterns_that_find_it(
    machines: tuple[Machine, Machine],
) -> None:
    first, _ = machines
    searched = {
        "whole": "鄂C12345",
        "as typed": " 鄂c·1２345",
        "begin": "鄂C12*",
        "one missing": "鄂C1?345",
        "other": "鄂C12346",
        "other pattern": "京*",
        "no plate": "!",
    }
    for person, plate in searched.items():
        first.append(person, terms={"plate": plate})
    first.append("without a plate", terms={"camera": "gate"})
    first.append("suggestions", terms={"start": "鄂C1234"})
    found = first.people(AuditQuery(plate="鄂C12345"))
    assert sorted(found) == ["as typed", "begin", "one missing", "suggestions", "whole"]
