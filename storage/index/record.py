"""The conversion of events to index records and back. Pure.

`record_layout` describes the bytes of a record.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from domain.clock import MS_PER_HOUR, NS_PER_MS
from domain.events.event import SCHEMA, Alternative, ClipState, Event, Location, Plate
from domain.events.trusted_models import construct_trusted
from domain.media.packets import WallSource
from domain.plates import PlateColor
from domain.ulid import id_parts, id_text
from storage.index.plate_code import NO_PLATE, pack, unpack
from storage.index.record_layout import (
    ALTERNATIVES,
    CLIP_MASK,
    CLIP_SHIFT,
    COLOR_SHIFT,
    CROSSED_SHIFT,
    DIRECTIONS,
    FACE,
    LANE_MOST,
    LANE_SHIFT,
    NO_PLACE,
    OVERFLOW,
    PARTS,
    PLATE,
    RECORD_STRUCT,
    SENDER,
    SPARE_SHIFT,
    START_BITS,
    IndexRecord,
)

ALTERNATIVE = struct.Struct("<6sH")
NAME_BYTES = 4
COLORS = tuple(PlateColor)
_COLOR_NUMBERS = {color: number for number, color in enumerate(COLORS)}
_MOST = 0xFFFF
_MOST_ALTERNATIVES = 200
_SOURCES = frozenset(WallSource)
_SIDE = (1 << SPARE_SHIFT) - 1
_CROSSED: tuple[tuple[int, ...], ...] = ((), (1,), (-1,))
_SENDER, _RECEIVER = WallSource.SENDER.value, WallSource.RECEIVER.value


class IndexEntry(NamedTuple):
    """One event ready to be written."""

    hour: int
    """Since 1970 in UTC, by the time in the id."""
    record: IndexRecord
    alternatives: bytes
    """A sequence of `ALTERNATIVE`s."""
    json: bytes
    """The whole event if its record is an overflow record, otherwise empty."""
    ended_ms: int
    posts: tuple[bytes, ...]
    """The codes of the plates by which the event is found, alternatives included."""
    is_unpacked: bool
    """Whether it has a reading that no code can represent, so that a search must load it."""
    place: IndexedPlace
    event: Event

    def without_place(self) -> IndexEntry:
        """Return the entry of the same event with an overflow record that names no place.

        It is needed if another place has the same name.
        """
        return self._replace(
            record=self.record.without_place(),
            alternatives=b"",
            json=self.event.to_json().encode(),
            place=IndexedPlace(NO_PLACE, bytes(4), b""),
        )

    @property
    def start_in_hour_ms(self) -> int:
        return self.record.start_in_hour_ms

    @property
    def id_tail(self) -> bytes:
        return self.record.id_tail


@dataclass(frozen=True, slots=True)
class IndexedPlace:
    """Camera, class, area and location of events, under a name that is a hash of them: a name never
    changes its meaning.
    """

    name: bytes
    check: bytes
    """Four more bytes of the hash; they differ for two places that share a name."""
    json: bytes


def place_of(camera: str, class_: str, area: str, location: Location) -> IndexedPlace:
    """Return the place of a camera's events, with the camera's data at that time."""
    return _place(camera, class_, area, location.lon, location.lat, location.heading)


@lru_cache(maxsize=20_000)
def _place(
    camera: str, class_: str, area: str, lon: float, lat: float, heading: float | None
) -> IndexedPlace:
    location = Location.model_construct(lon=lon, lat=lat, heading=heading)
    fields = [camera, class_, area, location.model_dump(exclude_none=True)]
    data = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    digest = hashlib.sha256(data).digest()
    return IndexedPlace(digest[:NAME_BYTES].ljust(4, b"="), digest[4:8], data)


@dataclass(frozen=True, slots=True)
class PlaceFields:
    """The camera data that a place name stands for."""

    camera: str
    class_: Literal["A", "B", "C"]
    area: str
    location: Location

    @classmethod
    def parse(cls, data: bytes) -> PlaceFields:
        camera, class_, area, location, *_ = json.loads(data)
        return cls(camera, class_, area, Location.model_validate(location))


def index_entry(event: Event) -> IndexEntry:
    """Return the entry of an event. Raises ValueError if the event's id is not a ULID."""
    ms, tail = id_parts(event.id)
    hour, start = divmod(ms, MS_PER_HOUR)
    place = place_of(event.camera, event.class_, event.area, event.location)
    plate = event.plate
    shares = [event.confidence, plate.confidence if plate else 0.0, *event.box]
    parts = [round(share * PARTS) for share in shares]
    start_ns = ms * NS_PER_MS
    best, end = (event.best_at - start_ns) // NS_PER_MS, (event.ended_at - start_ns) // NS_PER_MS
    is_exact = (
        event.started_at == start_ns
        and not event.model_extra
        and not event.location.model_extra
        and 0 <= best <= _MOST
        and 0 <= end <= _MOST
        and not event.clip_missing
        and not event.late
        and _are_exact(parts, shares)
        and event.wall_source in _SOURCES
        and event.schema_ == SCHEMA
        and event.lane <= LANE_MOST
        and event.crossed in _CROSSED
    )
    readings = _readings(plate) if plate else _NO_READINGS
    posts = readings.posts
    corrected = pack(event.corrected.text) if event.corrected is not None else None
    if corrected is not None:
        posts = tuple(dict.fromkeys((*posts, corrected)))
    is_overflow = not (is_exact and readings.is_exact) or event.corrected is not None
    if is_overflow:
        best, end, *parts = (min(_MOST, max(0, value)) for value in (best, end, *parts))
    flags = (
        start
        | _flags(event)
        | (ALTERNATIVES if readings.alternatives else 0)
        | (OVERFLOW if is_overflow else 0)
    )
    if not is_overflow:
        way = _way(event)
        parts[2:] = [
            side | (way >> 2 * number & 3) << SPARE_SHIFT for number, side in enumerate(parts[2:])
        ]
    record = IndexRecord(
        RECORD_STRUCT.pack(flags, tail, best, end, readings.code, place.name, *parts)
    )
    body = event.to_json().encode() if is_overflow else b""
    alternatives = b"" if is_overflow else readings.alternatives
    return IndexEntry(
        hour,
        record,
        alternatives,
        body,
        event.ended_at // NS_PER_MS,
        posts,
        readings.is_unpacked,
        place,
        event,
    )


def _way(event: Event) -> int:
    """Return direction, lane and count line as the byte that the spare bits of the box hold."""
    return (
        DIRECTIONS.index(event.direction)
        | event.lane << LANE_SHIFT
        | _CROSSED.index(event.crossed) << CROSSED_SHIFT
    )


def _are_exact(parts: list[int], shares: list[float]) -> bool:
    return [part / PARTS for part in parts] == shares and min(parts) >= 0 and max(parts) <= PARTS


class _Readings(NamedTuple):
    """The texts of a plate as codes."""

    code: bytes
    posts: tuple[bytes, ...]
    alternatives: bytes
    is_unpacked: bool
    is_exact: bool


_NO_READINGS = _Readings(NO_PLATE, (), b"", False, True)


def _readings(plate: Plate) -> _Readings:
    code = pack(plate.text) if plate.text else NO_PLATE
    others = plate.alternatives
    is_known = not plate.model_extra and not any(other.model_extra for other in others)
    if not others:
        is_exact = code is not None and is_known
        own = () if code is None or code == NO_PLATE else (code,)
        return _Readings(code or NO_PLATE, own, b"", code is None, is_exact)
    codes = [pack(other.text) if other.text else NO_PLATE for other in others]
    parts = [round(other.confidence * PARTS) for other in others]
    packed = b"".join(
        ALTERNATIVE.pack(other or NO_PLATE, min(_MOST, max(0, part)))
        for other, part in zip(codes, parts, strict=True)
    )
    is_unpacked = code is None or None in codes
    is_exact = (
        is_known
        and not is_unpacked
        and len(others) <= _MOST_ALTERNATIVES
        and _are_exact(parts, [other.confidence for other in others])
    )
    posts = dict.fromkeys(
        found for found in (code, *codes) if found is not None and found != NO_PLATE
    )
    return _Readings(code or NO_PLATE, tuple(posts), packed, is_unpacked, is_exact)


def event_from_record(
    hour: int, record: bytes, alternatives: bytes, place: PlaceFields, json_: bytes
) -> Event:
    """Return the event that was written; `json_` is the stored JSON of an overflow record."""
    return Event.model_validate_json(json_) if json_ else _event(hour, record, alternatives, place)


def _event(hour: int, record: bytes, alternatives: bytes, place: PlaceFields) -> Event:
    bits, tail, best, end, code, _, share, plate_share, *box = RECORD_STRUCT.unpack(record)
    ms = hour * MS_PER_HOUR + (bits & START_BITS)
    clip = bits >> CLIP_SHIFT & CLIP_MASK
    plate = _plate(bits, code, plate_share, alternatives) if bits & PLATE else None
    left, top, right, bottom = ((side & _SIDE) / PARTS for side in box)
    way = sum(side >> SPARE_SHIFT << 2 * number for number, side in enumerate(box))
    return construct_trusted(
        Event,
        {
            "id": id_text(ms, tail),
            "kind": "face" if bits & FACE else "vehicle",
            "camera": place.camera,
            "class_": place.class_,
            "area": place.area,
            "location": place.location,
            "started_at": ms * NS_PER_MS,
            "best_at": (ms + best) * NS_PER_MS,
            "ended_at": (ms + end) * NS_PER_MS,
            "plate": plate,
            "corrected": None,
            "confidence": share / PARTS,
            "box": (left, top, right, bottom),
            "direction": DIRECTIONS[min(way & 7, len(DIRECTIONS) - 1)],
            "lane": way >> LANE_SHIFT & LANE_MOST,
            "crossed": _CROSSED[min(way >> CROSSED_SHIFT, len(_CROSSED) - 1)],
            "wall_source": _SENDER if bits & SENDER else _RECEIVER,
            "late": False,
            "clip_ready": clip == ClipState.READY,
            "clip_missing": "",
            "schema_": 1,
        },
    )


def _plate(bits: int, code: bytes, share: int, alternatives: bytes) -> Plate:
    others = tuple(
        construct_trusted(Alternative, {"text": unpack(other), "confidence": other_share / PARTS})
        for other, other_share in ALTERNATIVE.iter_unpack(alternatives)
    )
    color = COLORS[min(bits >> COLOR_SHIFT & 7, len(COLORS) - 1)]
    return construct_trusted(
        Plate,
        {"text": unpack(code), "color": color, "confidence": share / PARTS, "alternatives": others},
    )


def _flags(event: Event) -> int:
    color = _COLOR_NUMBERS[event.plate.color] if event.plate else 0
    return (
        (FACE if event.kind == "face" else 0)
        | event.clip_state << CLIP_SHIFT
        | (PLATE if event.plate else 0)
        | color << COLOR_SHIFT
        | (SENDER if event.wall_source == WallSource.SENDER else 0)
    )
