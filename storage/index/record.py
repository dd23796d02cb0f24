"""An event as the index holds it: forty bytes of the same form for nearly all, and what does not
fit them beside. Pure.

| bytes | field |
|---|---|
| 4 | bits 0-21: start within its hour, ms; then face 1, clip 2 (0 none yet, 1 missing, 2 ready), has a plate 1, colour 3, sender's time 1,\
  has alternatives 1, odd 1 |
| 10 | the id but for its time |
| 2 + 2 | best moment and end, ms after the start |
| 6 | the plate's code (`plate_code`); zeros: none, or not read |
| 4 | the place: the first bytes of the SHA-256 of camera, class, area and location |
| 2 + 2 | confidence, and the plate's, in ten-thousandths |
| 8 | the box, each side in ten-thousandths, which take 14 bits; bits 14 and 15 of all four, the left's lowest, are a byte:\
  3 bits direction, 3 lane, 2 count line (0 none, 1 the first from its left, 2 the first from its
  right) |

An event that its record does not give back exactly is odd: it lies beside as JSON, and the record
only helps to find it. All zeros are a record that was removed.
"""  # noqa: E501

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from domain.clock import MS_PER_HOUR, NS_PER_MS
from domain.events.event import SCHEMA, Alternative, Direction, Event, Location, Plate
from domain.media.packets import WallSource
from domain.plates import PlateColor
from domain.trusted_models import construct_trusted
from domain.ulid import id_parts, id_text
from storage.index.plate_code import NO_PLATE, pack, unpack

RECORD = struct.Struct("<I10sHH6s4sHHHHHH")
RECORDS = np.dtype(
    [
        ("bits", "<u4"),
        ("tail_high", ">u8"),
        ("tail_low", ">u2"),
        ("best", "<u2"),
        ("end", "<u2"),
        ("plate", "u1", 6),
        ("place", "<u4"),
        ("share", "<u2"),
        ("plate_share", "<u2"),
        ("box", "<u2", 4),
    ]
)
"""The same, to look at many at once."""
_ENDING_IN_PLATE = np.dtype(
    {"names": ["eight"], "formats": [">u8"], "offsets": [16], "itemsize": RECORD.size}
)
_PLATE = np.uint64((1 << 48) - 1)
ALTERNATIVE = struct.Struct("<6sH")
START_BITS = (1 << 22) - 1
FACE, PLATE, SENDER, ALTERNATIVES, ODD = 1 << 22, 1 << 25, 1 << 29, 1 << 30, 1 << 31
CLIP_SHIFT, COLOR_SHIFT = 23, 26
CLIP_MISSING, CLIP_READY = 1, 2
PARTS = 10_000
NAME_BYTES = 4
NOWHERE = bytes(4)
COLORS = tuple(PlateColor)
_COLOR_NUMBERS = {color: number for number, color in enumerate(COLORS)}
_MOST = 0xFFFF
_MOST_ALTERNATIVES = 200
_SOURCES = frozenset(WallSource)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
"""By number; 0, as events of before have it, is none."""
_SPARE_SHIFT = 14
_SIDE = (1 << _SPARE_SHIFT) - 1
_LANE_SHIFT, _MOST_LANES, _CROSSED_SHIFT = 3, 7, 6
_CROSSED: tuple[tuple[int, ...], ...] = ((), (1,), (-1,))
_SENDER, _RECEIVER = WallSource.SENDER.value, WallSource.RECEIVER.value


def plates_of(records: NDArray[np.void]) -> NDArray[np.uint64]:
    """The code of each of many records' plates as a number; 0: none."""
    eight: NDArray[np.uint64] = records.view(_ENDING_IN_PLATE)["eight"].astype(np.uint64)
    return eight & _PLATE


class IndexEntry(NamedTuple):
    """One event ready to be written."""

    hour: int
    """Since 1970 in UTC, by the time in the id."""
    record: bytes
    alternatives: bytes
    """A run of `ALTERNATIVE`s."""
    json: bytes
    """The whole event where it is odd, else nothing."""
    ended_ms: int
    posts: tuple[bytes, ...]
    """The codes of the plates that it is found by, alternatives included."""
    is_unpacked: bool
    """It has a reading that no code can hold, so that it is found by looking at it."""
    place: IndexedPlace
    event: Event

    def placeless(self) -> IndexEntry:
        """The same as an odd one, whose record names no place: another place has the name of
        its own.
        """
        bits = int.from_bytes(self.record[:4], "little") | ODD
        record = bits.to_bytes(4, "little") + self.record[4:24] + NOWHERE + self.record[28:]
        return self._replace(
            record=record,
            alternatives=b"",
            json=self.event.to_json().encode(),
            place=IndexedPlace(NOWHERE, bytes(4), b""),
        )

    @property
    def start_ms(self) -> int:
        """Within its hour."""
        return int.from_bytes(self.record[:4], "little") & START_BITS

    @property
    def event_tail(self) -> bytes:
        return self.record[4:14]


@dataclass(frozen=True, slots=True)
class IndexedPlace:
    """Camera, class, area and location of events, under a name made of their content: what it
    names never changes.
    """

    name: bytes
    check: bytes
    """Four more bytes of the hash: two places that share a name differ in these."""
    json: bytes


def place_of(camera: str, class_: str, area: str, location: Location) -> IndexedPlace:
    """The place of events of a camera as it stood."""
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
    """What a place stands for."""

    camera: str
    class_: Literal["A", "B", "C"]
    area: str
    location: Location

    @classmethod
    def parse(cls, data: bytes) -> PlaceFields:
        camera, class_, area, location, *_ = json.loads(data)
        return cls(camera, class_, area, Location.model_validate(location))


def entry_of(event: Event) -> IndexEntry:
    """Raises ValueError where the event's id is not a ULID."""
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
        and _are_exact(parts, shares)
        and event.wall_source in _SOURCES
        and event.schema_ == SCHEMA
        and event.lane <= _MOST_LANES
        and event.crossed in _CROSSED
    )
    readings = _readings(plate) if plate else _NO_READINGS
    posts = readings.posts
    corrected = pack(event.corrected.text) if event.corrected is not None else None
    if corrected is not None:
        posts = tuple(dict.fromkeys((*posts, corrected)))
    is_odd = not (is_exact and readings.is_exact) or event.corrected is not None
    if is_odd:
        best, end, *parts = (min(_MOST, max(0, value)) for value in (best, end, *parts))
    flags = (
        start
        | _flags(event)
        | (ALTERNATIVES if readings.alternatives else 0)
        | (ODD if is_odd else 0)
    )
    if not is_odd:
        way = _way(event)
        parts[2:] = [
            side | (way >> 2 * number & 3) << _SPARE_SHIFT for number, side in enumerate(parts[2:])
        ]
    record = RECORD.pack(flags, tail, best, end, readings.code, place.name, *parts)
    body = event.to_json().encode() if is_odd else b""
    alternatives = b"" if is_odd else readings.alternatives
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


def went(
    boxes: NDArray[np.uint16], direction: Direction | None, lane: int | None
) -> NDArray[np.bool_]:
    """Of records that are not odd whether their events went this way and in this lane, by their
    boxes; None: any.
    """
    parts = boxes >> _SPARE_SHIFT
    ways = parts[:, 0] | parts[:, 1] << 2 | parts[:, 2] << 4 | parts[:, 3] << 6
    fits = np.ones(len(boxes), np.bool_)
    if direction is not None:
        fits &= (ways & 7) == DIRECTIONS.index(direction)
    if lane is not None:
        fits &= (ways >> _LANE_SHIFT & _MOST_LANES) == lane
    return fits


def _way(event: Event) -> int:
    """Direction, lane and count line as the byte that the box's sides have room for."""
    return (
        DIRECTIONS.index(event.direction)
        | event.lane << _LANE_SHIFT
        | _CROSSED.index(event.crossed) << _CROSSED_SHIFT
    )


def _are_exact(parts: list[int], shares: list[float]) -> bool:
    return [part / PARTS for part in parts] == shares and min(parts) >= 0 and max(parts) <= PARTS


class _Readings(NamedTuple):
    """A plate's texts as codes."""

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


def event_of(
    hour: int, record: bytes, alternatives: bytes, place: PlaceFields, json_: bytes
) -> Event:
    """The event that was written; `json_` is what lies beside an odd one."""
    return Event.model_validate_json(json_) if json_ else _event(hour, record, alternatives, place)


def _event(hour: int, record: bytes, alternatives: bytes, place: PlaceFields) -> Event:
    bits, tail, best, end, code, _, share, plate_share, *box = RECORD.unpack(record)
    ms = hour * MS_PER_HOUR + (bits & START_BITS)
    clip = bits >> CLIP_SHIFT & 3
    plate = _plate(bits, code, plate_share, alternatives) if bits & PLATE else None
    left, top, right, bottom = ((side & _SIDE) / PARTS for side in box)
    way = sum(side >> _SPARE_SHIFT << 2 * number for number, side in enumerate(box))
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
            "lane": way >> _LANE_SHIFT & _MOST_LANES,
            "crossed": _CROSSED[min(way >> _CROSSED_SHIFT, len(_CROSSED) - 1)],
            "wall_source": _SENDER if bits & SENDER else _RECEIVER,
            "clip_ready": clip == CLIP_READY,
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
    clip = CLIP_READY if event.clip_ready else CLIP_MISSING if event.clip_missing else 0
    color = _COLOR_NUMBERS[event.plate.color] if event.plate else 0
    return (
        (FACE if event.kind == "face" else 0)
        | clip << CLIP_SHIFT
        | (PLATE if event.plate else 0)
        | color << COLOR_SHIFT
        | (SENDER if event.wall_source == WallSource.SENDER else 0)
    )
