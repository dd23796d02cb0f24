"""Vehicles: which pictures of a track are read, and when the track is a passing."""

from __future__ import annotations

from analytics.detection.best_shot import plate_quality
from analytics.detection.detections import Detections, Detector, Picture
from analytics.passings.continuity import leaves_course
from analytics.passings.subjects import Record
from analytics.passings.unread import GROWN_X, GROWN_Y, counts_unread, moved, why_illegible
from analytics.plates.color import plate_color, votes
from analytics.plates.crop import Crop, around, rectify
from analytics.plates.crop_reading import FRAMINGS, CropReading, cut
from analytics.plates.fusion import Fused, Fusion
from analytics.plates.reader import PlateReader
from analytics.tracking.tracker import AssociationGate, Track, moves_with
from domain.clock import NS_PER_MS
from domain.events.event import Event, Kind, Plate
from domain.plates import PlateColor
from domain.unread_reasons import WhyUnread

MAX_READINGS = 7
READ_EVERY_MS = 250
BETTER = 1.2
"""A picture this much better than the best one that was read is read immediately."""
FAIR = 0.7
"""A picture this much worse than the best one that was read is not read."""
SURE_READINGS, SURE_CONFIDENCE, MUCH_BETTER = 3, 0.98, 2.0
"""After so many readings with this confidence, only a picture so much better is read. The next
reading would share their faults.
"""
SETTLED_READINGS = 2
"""So many readings with `SURE_CONFIDENCE` together settle an event under overload. One alone may be
of a single bad picture.
"""
DETECTIONS_LEAST, SCORE_MASS_LEAST = 3, 1.8
STEADY_SCORE_MEAN_LEAST, STEADY_CONFIDENCE_LEAST = 0.6, 0.9
"""The limits for a track that every look found. Two detections of a legible plate are enough if
there were only two looks.
"""
COMPARE_AFTER_MS = 250
"""After this time without a detection another vehicle may continue the track, so the plate is read
first.
"""
CLEAR_CONFIDENCE, CLEARLY_APART = 0.5, 3
"""Two readings with at least this confidence that differ in so many characters show two vehicles.
"""
SAME_PASSING_NS = 10_000 * NS_PER_MS


class Vehicles:
    """Implements `Subject` for vehicles, which are recognised by their plates."""

    kind: Kind = "vehicle"
    gate = AssociationGate(reach=2.5, reach_per_s=6.0, growth=1.8, growth_per_s=2.0, lost_ms=750)

    def __init__(self, detector: Detector, reader: PlateReader, fusion: Fusion) -> None:
        self.detector = detector
        self._fusion = fusion
        self._crops = CropReading(reader, fusion)

    def quality(self, track: Track, bgr: Picture) -> float:
        rectified = rectify(bgr, track.points)
        return plate_quality(
            track.score, track.box, track.points, rectified, (bgr.shape[1], bgr.shape[0])
        )

    def crop(self, track: Track, bgr: Picture) -> Picture:
        return around(bgr, track.box, GROWN_X, GROWN_Y)

    def is_another(self, record: Record, found: Detections, bgr: Picture, wall_ns: int) -> bool:
        track, box = record.track, found.xyxy[0]
        unseen_ms = (wall_ns - track.last_ns) // NS_PER_MS
        is_rested = wall_ns - record.compared_ns >= COMPARE_AFTER_MS * NS_PER_MS
        leaves = leaves_course(track, box, wall_ns)
        is_off_course = leaves or (bool(record.readings) and track.is_off_course(box, wall_ns))
        if not is_off_course and (
            not is_rested or (unseen_ms < COMPARE_AFTER_MS and not record.is_doubtful)
        ):
            return False
        record.compared_ns = wall_ns
        # If the plates cannot be compared, place and size decide.
        is_elsewhere = leaves or (unseen_ms >= self.gate.lost_ms and track.reverses_growth(box))
        before = self._fused(record)
        if not _is_clear(before):
            return is_elsewhere
        now = self._fusion.fuse(
            [self._crops.reading(cut(bgr, found.points[0], quality=1.0))], _color(record)
        )
        if _is_clear(now):
            record.is_doubtful = False
            return characters_apart(now.text, before.text) >= CLEARLY_APART
        record.is_doubtful = record.is_doubtful or not is_elsewhere
        return is_elsewhere

    def study(self, record: Record, quality: float, bgr: Picture) -> None:
        if record.is_doubtful:
            return
        crop = cut(
            bgr, record.track.points, quality, FRAMINGS[len(record.readings) % len(FRAMINGS)]
        )
        for color, share in votes(crop.picture).items():
            record.color_votes[color] = record.color_votes.get(color, 0.0) + quality * share
        if _worth_reading(record, quality) and not self._is_sure(record, quality):
            self._read(record, crop)
        elif record.unread is None or quality > record.unread.quality:
            record.unread = crop

    def plate(self, record: Record) -> Plate:
        return self._fused(record).plate(_color(record))

    def reading(self, record: Record) -> str:
        return self.plate(record).text if record.readings else ""

    def is_clear(self, record: Record) -> bool:
        track = record.track
        if track.detections >= DETECTIONS_LEAST and track.score_mass >= SCORE_MASS_LEAST:
            return self._fused(record).is_read
        if not track.is_steady or track.score_mean < STEADY_SCORE_MEAN_LEAST:
            return False
        return (
            self._fused(record).is_read
            and self._fused(record).confidence >= STEADY_CONFIDENCE_LEAST
        )

    def counts(self, record: Record, clear: list[Track]) -> bool:
        """Return whether the plate was read, or is an unreadable one that moved through the view.

        Other writing on a vehicle whose plate was read does not count.
        """
        track = record.track
        if self.is_clear(record):
            return True
        if any(moves_with(track, other) for other in clear):
            return False
        return counts_unread(track)

    def is_settled(self, record: Record) -> bool:
        if record.is_stay_published:
            return True
        if record.is_doubtful or record.shot is None or len(record.readings) < SETTLED_READINGS:
            return False
        return self.is_clear(record) and self._fused(record).confidence >= SURE_CONFIDENCE

    def why_unread(self, record: Record, clear: list[Track]) -> WhyUnread | None:
        if self.is_clear(record):
            return None
        if record.shot is None:
            return WhyUnread.SEEN_ONCE
        if any(moves_with(record.track, other) for other in clear):
            return WhyUnread.WRITING
        if record.fused is not None and record.fused.is_read:
            return WhyUnread.SEEN_TOO_LITTLE
        return why_illegible(record) if moved(record.track) else WhyUnread.STILL

    def continues(self, event: Event, before: Event, is_from_earlier_process: bool) -> bool:
        near = event.started_at - before.ended_at <= SAME_PASSING_NS
        return (
            near
            and event.plate is not None
            and before.plate is not None
            and same_plate(event.plate, before.plate)
        )

    def _is_sure(self, record: Record, quality: float) -> bool:
        """Return whether a picture of this quality would not improve the reading."""
        if (
            len(record.readings) < SURE_READINGS
            or quality > MUCH_BETTER * record.readings[0].quality
        ):
            return False
        fused = self._fused(record)
        return fused.is_read and fused.confidence >= SURE_CONFIDENCE

    def _read(self, record: Record, crop: Crop) -> None:
        record.readings.append(self._crops.reading(crop))
        record.readings.sort(key=lambda reading: -reading.quality)
        del record.readings[MAX_READINGS:]
        record.last_read_ns = record.track.last_ns
        record.fused = record.unread = None

    def _fused(self, record: Record) -> Fused:
        if record.unread is not None and not record.readings:
            self._read(record, record.unread)
        if record.fused is None:
            record.fused = self._fusion.fuse(record.readings, _color(record))
        return record.fused


def same_plate(plate: Plate, other: Plate) -> bool:
    """Return whether two readings may show one plate.

    They are equal, or they differ in one character and one is an alternative of the other.
    """
    if not plate.text or not other.text:
        return False
    if plate.text == other.text:
        return True
    named = {alternative.text for alternative in (*plate.alternatives, *other.alternatives)}
    return characters_apart(plate.text, other.text) == 1 and bool({plate.text, other.text} & named)


def characters_apart(text: str, other: str) -> int:
    """Return in how many positions the characters differ."""
    return sum(a != b for a, b in zip(text, other, strict=False)) + abs(len(text) - len(other))


def _worth_reading(record: Record, quality: float) -> bool:
    best = max((reading.quality for reading in record.readings), default=0.0)
    if not record.readings or quality > BETTER * best:
        return record.track.detections > 1
    is_rested = record.track.last_ns - record.last_read_ns >= READ_EVERY_MS * NS_PER_MS
    worst = min(reading.quality for reading in record.readings)
    is_useful = len(record.readings) < MAX_READINGS or quality > BETTER * worst
    return is_rested and is_useful and quality > FAIR * best


def _is_clear(fused: Fused) -> bool:
    return fused.is_read and fused.confidence >= CLEAR_CONFIDENCE


def _color(record: Record) -> PlateColor:
    total = sum(record.color_votes.values())
    if total <= 0:
        return PlateColor.UNKNOWN
    return plate_color({color: vote / total for color, vote in record.color_votes.items()})
