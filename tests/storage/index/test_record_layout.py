"""The fields of a record have the values of its event."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import MS_PER_HOUR, NS_PER_MS
from domain.events.event import Event
from domain.ulid import id_parts
from storage.index.plate_code import pack
from storage.index.record import index_entry
from storage.index.record_layout import (
    NO_PLACE,
    RECORD_BYTES,
    RECORD_DTYPE,
    IndexRecord,
    overflow_flags,
    plate_numbers,
    split_records,
)
from tests.kept import make_event
from tests.searched import events_that

EVENTS = events_that(st.integers(0, 12).map(lambda n: n / 2), "1234")


@given(EVENTS)
def test_each_field_has_the_value_of_the_event(event: Event) -> None:
    record = index_entry(event).record
    start_ms, tail = id_parts(event.id)
    assert len(record) == RECORD_BYTES
    assert record.start_in_hour_ms == start_ms % MS_PER_HOUR
    assert record.id_tail == tail
    assert record.is_face == (event.kind == "face")
    assert record.clip_state == event.clip_state
    assert record.end_after_ms == min(0xFFFF, event.ended_at // NS_PER_MS - start_ms)
    code = pack(event.plate.text) if event.plate is not None and event.plate.text else None
    assert record.has_plate_code == (code is not None)
    if code is not None:
        assert record.plate_code == code


def test_the_overflow_record_without_a_place_differs_only_in_that() -> None:
    record = index_entry(make_event()).record
    without = record.without_place()
    assert (record.is_overflow, without.is_overflow) == (False, True)
    assert (without.place_name, without.id_tail, without.plate_code) == (
        NO_PLACE,
        record.id_tail,
        record.plate_code,
    )


def test_many_records_have_the_fields_of_each() -> None:
    entries = [index_entry(make_event(after_s=n, plate=f"鄂C1234{n}")) for n in range(3)]
    block = b"".join([*(entry.record for entry in entries), bytes(RECORD_BYTES)])
    records = split_records(block)
    many = np.frombuffer(block, RECORD_DTYPE)
    assert [record.is_removed for record in records] == [False, False, False, True]
    assert overflow_flags(many).tolist() == [record.is_overflow for record in records]
    assert plate_numbers(many).tolist() == [
        int.from_bytes(record.plate_code, "big") for record in records
    ]
    assert records[0] == IndexRecord(entries[0].record)
