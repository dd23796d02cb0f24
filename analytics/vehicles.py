"""Vehicles, by their plates: what is read of a track, and when it is a passing."""

from __future__ import annotations

from analytics.best_shot import plate_quality
from analytics.detections import Detections, Picture
from analytics.fusion import Fused, Fusion, Reading
from analytics.plate_color import plate_color, votes
from analytics.plate_crop import HEIGHT_PX, WIDTH_PX, around, rectify
from analytics.plate_detector import PlateDetector
from analytics.plate_reader import PlateReader
from analytics.subjects import Crop, Record
from analytics.tracker import Gate, Track, in_step
from analytics.two_rows import is_two_rows, unroll
from domain.clock import NS_PER_MS
from domain.events import Alternative, Event, Kind, Plate
from domain.plates import PlateColor

READINGS_MOST = 7
READ_EVERY_MS = 250
BETTER = 1.2
"""A picture this much better than the best one read is read at once."""
FAIR = 0.7
"""A picture this much worse than the best one read is not worth reading."""
FRAMINGS = ((0.0, 0.0), (0.02, 0.04))
"""Readings take turns: corners as found, and grown by these parts of the plate's sides, for the corners' own faults to differ."""
DETECTIONS_LEAST, SCORE_MASS_LEAST = 3, 1.8
CONFIDENCE_LEAST, LOG_EVIDENCE_LEAST = 0.3, -8.0
"""Plates read right had evidence over -7; two rows, which the reader takes for one, and other writing mostly have less."""
UNREAD_DETECTIONS_LEAST, UNREAD_SCORE_LEAST, UNREAD_TRAVEL_LEAST, UNREAD_GROWTH_LEAST = 4, 0.6, 1.0, 1.35
SAME_PASSING_NS = 10_000 * NS_PER_MS


class Vehicles:
    kind: Kind = "vehicle"
    gate = Gate(reach=2.5, reach_per_s=6.0, growth=1.8, lost_ms=750)

    def __init__(self, detector: PlateDetector, reader: PlateReader, fusion: Fusion) -> None:
        self._detector = detector
        self._reader = reader
        self._fusion = fusion

    def detect(self, bgr: Picture) -> Detections:
        return self._detector.detect(bgr)

    def quality(self, track: Track, bgr: Picture) -> float:
        rectified = rectify(bgr, track.points)
        return plate_quality(track.score, track.box, track.points, rectified, (bgr.shape[1], bgr.shape[0]))

    def crop(self, track: Track, bgr: Picture) -> Picture:
        return around(bgr, track.box, 0.15, 0.3)

    def study(self, record: Record, quality: float, bgr: Picture) -> None:
        grow_x, grow_y = FRAMINGS[len(record.readings) % len(FRAMINGS)]
        rectified = rectify(bgr, record.track.points, grow_x, grow_y)
        for color, share in votes(rectified).items():
            record.color_votes[color] = record.color_votes.get(color, 0.0) + quality * share
        crop = Crop(rectified, quality, is_two_rows(record.track.points))
        if _worth_reading(record, quality):
            self._read(record, crop)
        elif record.unread is None or quality > record.unread.quality:
            record.unread = crop

    def plate(self, record: Record) -> Plate:
        fused = self._fused(record)
        color = _color(record)
        if _is_read(fused):
            return Plate(text=fused.text, color=color, confidence=min(1.0, fused.confidence), alternatives=fused.alternatives)
        guess = (Alternative(text=fused.text, confidence=min(1.0, fused.confidence)),) if fused.text else ()
        return Plate(text="", color=color, confidence=0.0, alternatives=guess + fused.alternatives)

    def is_clear(self, record: Record) -> bool:
        track = record.track
        if track.detections < DETECTIONS_LEAST or track.score_mass < SCORE_MASS_LEAST:
            return False
        return _is_read(self._fused(record))

    def counts(self, record: Record, clear: list[Track]) -> bool:
        """A plate that was read; or an unreadable one that went by, and is no other writing on a vehicle whose plate was read."""
        track = record.track
        if self.is_clear(record):
            return True
        if any(in_step(track, other) for other in clear):
            return False
        moved = track.travel >= UNREAD_TRAVEL_LEAST or track.growth >= UNREAD_GROWTH_LEAST
        return moved and track.detections >= UNREAD_DETECTIONS_LEAST and track.score_best >= UNREAD_SCORE_LEAST

    def continues(self, event: Event, before: Event, from_process_before: bool) -> bool:
        near = event.started_at - before.ended_at <= SAME_PASSING_NS
        return near and event.plate is not None and before.plate is not None and same_plate(event.plate, before.plate)

    def _read(self, record: Record, crop: Crop) -> None:
        record.readings.append(self._reading(crop))
        record.readings.sort(key=lambda reading: -reading.quality)
        del record.readings[READINGS_MOST:]
        record.last_read_ns = record.track.last_ns
        record.fused = record.unread = None

    def _reading(self, crop: Crop) -> Reading:
        """A high crop is two rows, or one seen from the side: whichever it looks more like when read."""
        flat = self._fusion.reading(self._reader.read(crop.picture), crop.quality)
        if not crop.is_high:
            return flat
        unrolled = self._fusion.reading(self._reader.read(unroll(crop.picture, WIDTH_PX, HEIGHT_PX)), crop.quality)
        return max(flat, unrolled, key=lambda one: self._fusion.fuse([one], PlateColor.UNKNOWN).log_evidence)

    def _fused(self, record: Record) -> Fused:
        if record.unread is not None and not record.readings:
            self._read(record, record.unread)
        if record.fused is None:
            record.fused = self._fusion.fuse(record.readings, _color(record))
        return record.fused


def same_plate(plate: Plate, other: Plate) -> bool:
    """Whether two readings may be of one plate: equal, or one character apart and either has the other among its alternatives."""
    if not plate.text or not other.text:
        return False
    if plate.text == other.text:
        return True
    apart = sum(a != b for a, b in zip(plate.text, other.text, strict=False)) + abs(len(plate.text) - len(other.text))
    named = {one.text for one in plate.alternatives} | {one.text for one in other.alternatives}
    return apart == 1 and bool({plate.text, other.text} & named)


def _worth_reading(record: Record, quality: float) -> bool:
    best = max((reading.quality for reading in record.readings), default=0.0)
    if not record.readings or quality > BETTER * best:
        return record.track.detections > 1
    rested = record.track.last_ns - record.last_read_ns >= READ_EVERY_MS * NS_PER_MS
    worst = min(reading.quality for reading in record.readings)
    wanted = len(record.readings) < READINGS_MOST or quality > BETTER * worst
    return rested and wanted and quality > FAIR * best


def _is_read(fused: Fused) -> bool:
    return bool(fused.text) and fused.confidence >= CONFIDENCE_LEAST and fused.log_evidence >= LOG_EVIDENCE_LEAST


def _color(record: Record) -> PlateColor:
    total = sum(record.color_votes.values())
    if total <= 0:
        return PlateColor.UNKNOWN
    return plate_color({color: vote / total for color, vote in record.color_votes.items()})
