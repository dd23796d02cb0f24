"""Tracks of one kind at one camera -> passings: one a vehicle or person that went by, never one a
frame.

An event is given out when its track is lost, and once more where that is found again before it
ends; or after a minute in view (a vehicle that parks), after which the track is followed in silence
until it leaves. A track that continues a passing which just ended takes its id, so that keeping it
again extends it. A passing whose plate was not read is held back first (`held_passings.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from analytics.detection.detections import Detections, Floats, Picture
from analytics.detection.motion import Thumbnail, moves
from analytics.passings.continuity import has_course
from analytics.passings.held_passings import HeldPassing, HeldPassings
from analytics.passings.recent_passings import RECENT_MOST, REMEMBERED_NS, RecentPassings, is_unread
from analytics.passings.subjects import Record, Shot, Subject
from analytics.passings.unread import width_px
from analytics.tracking.lanes import CountLines, direction_of, lane_at
from analytics.tracking.roi_scheduler import LazyPicture, RoiScheduler
from analytics.tracking.tracker import Track, Tracker
from domain import unread_reasons as unread
from domain.clock import NS_PER_MS
from domain.cpu_time import CpuTime
from domain.events.event import Event, Passing
from domain.media.packets import Frame
from domain.metrics import ANALYSIS_CPU_S, UNREAD
from domain.registry.model import Camera
from domain.ulid import event_id

DWELL_MS = 60_000
LOST_NS = 300 * NS_PER_MS
"""What was missed at two looks and for this long is told, though it may still be found again,
and is told once more then.
"""
LOOK_ANYWAY_NS = 2_000 * NS_PER_MS
"""However still the picture is, it is looked at this often."""
CLOCK_STEP_NS = 1_000 * NS_PER_MS
"""A camera whose clock steps back by more ends its tracks: they would otherwise wait for the
old time to come again.
"""
CLEARLY_BETTER = 1.2
JPEG_QUALITY = 85
_JPEG = ANALYSIS_CPU_S.labels("jpeg")
_KEY_GRID_PX = 8


class Passings:
    """One kind of subject at one camera. Not thread-safe."""

    def __init__(self, camera: Camera, subject: Subject) -> None:
        self._camera = camera
        self._subject = subject
        self._lines = CountLines(camera.count_lines)
        self._tracker = Tracker(subject.gate)
        self._roi_scheduler = RoiScheduler(subject.detector, self._tracker)
        self._records: dict[int, Record] = {}
        self._lately = RecentPassings(subject, self._lines)
        self._held = HeldPassings(subject.gate.unseen_ms * NS_PER_MS, DWELL_MS * NS_PER_MS)
        self._clear: list[Track] = []
        """Tracks that ended lately and were events by themselves."""
        self.unread: tuple[unread.Unread, ...] = ()
        """The last few that gave no text, the newest last."""
        self._before: Thumbnail | None = None
        self._looked_ns = 0
        self._detected_ns = 0

    def look(
        self, frame: Frame, shown: LazyPicture, thumbnail: Callable[[], Thumbnail]
    ) -> list[Passing]:
        """Look at one frame (`shown`: its picture with masks black), where the last look is not
        too fresh; the passings that it ended.
        """
        now_ns = frame.wall_ns
        given = self.close() if now_ns < self._looked_ns - CLOCK_STEP_NS else []
        if self._looked_ns:
            self._lately.no_looks(now_ns - self._looked_ns)
        if self._roi_scheduler.is_due(now_ns):
            self._look(frame, shown, thumbnail())
            self._looked_ns = now_ns
        return given + self.pass_time(now_ns)

    def _look(self, frame: Frame, shown: LazyPicture, thumbnail: Thumbnail) -> None:
        now_ns = frame.wall_ns
        rested = not 0 <= now_ns - self._detected_ns < LOOK_ANYWAY_NS
        if rested or moves(self._before, thumbnail):
            self._follow(self._roi_scheduler.detect(shown, thumbnail, now_ns), frame, shown())
            self._before, self._detected_ns = thumbnail, now_ns
        else:
            self._tracker.mark_still(now_ns, self._looked_ns)

    def _follow(self, found: Detections, frame: Frame, bgr: Picture) -> None:
        def is_another(track: Track, at: int) -> bool:
            return self._subject.is_another(
                self._records[track.number], found.keep(np.array([at])), bgr, frame.wall_ns
            )

        for track in self._tracker.update(found, frame.wall_ns, is_another):
            self._note(track, frame, bgr)

    def pass_time(self, now_ns: int) -> list[Passing]:
        """The passings that have ended by `now_ns`, in the frames' time, seem to have, or have
        been in view for a minute.
        """
        given = self._end(self._tracker.remove_ended(now_ns))
        given += [
            passing
            for record in self._records.values()
            for passing in self._give_dwelling(record) + self._give_lost(record, now_ns)
        ]
        given += self._give_held(self._held.release(now_ns, self._records.values()))
        self._forget(now_ns)
        return given

    def in_view(self) -> bool:
        """Whether something is followed, or may be found again and continue what is held back."""
        return bool(self._tracker.tracks or self._held)

    def drafts(self) -> list[Passing]:
        records = [
            record
            for record in self._records.values()
            if not self._is_told(record) and self._counts(record)
        ]
        made = [self._passing(record) for record in records]
        drafts = [
            self._lately.continued(passing, record)[0]
            for passing, record in zip(made, records, strict=True)
            if passing is not None
        ]
        continued_ids = {draft.event.id for draft in drafts}
        return drafts + [
            passing for passing in self._held.passings if passing.event.id not in continued_ids
        ]

    def resume(self, recent: list[Passing]) -> None:
        self._lately.resume(recent)

    def close(self) -> list[Passing]:
        return self._end(self._tracker.close()) + self._give_held(self._held.close())

    def _forget(self, now_ns: int) -> None:
        """What no track in view can continue or go beside any more: a track may end long after
        what it continues.
        """
        # While no pictures come nothing is forgotten: what stands in front of a camera that is
        # reconnected stands there still.
        seen_ns = min(now_ns, self._looked_ns)
        earliest_ns = min([seen_ns, *(record.track.first_ns for record in self._records.values())])
        self._lately.forget(
            earliest_ns,
            self._held.event_ids | {record.continues_id for record in self._records.values()},
        )
        if self.unread and now_ns - self.unread[0].at_ns > unread.MAX_UNREAD_AGE_NS:
            self.unread = self.unread[1:]
        self._clear = [
            track for track in self._clear if earliest_ns - track.last_ns < REMEMBERED_NS
        ][-RECENT_MOST:]

    def _end(self, tracks: list[Track]) -> list[Passing]:
        self._clear += [
            track for track in tracks if self._subject.is_clear(self._records[track.number])
        ]
        return [passing for track in tracks for passing in self._finish(track)]

    def _counts(self, record: Record) -> bool:
        return self._subject.counts(record, self._clear_beside(record))

    def _clear_beside(self, record: Record) -> list[Track]:
        clear = [
            other.track
            for other in self._records.values()
            if other is not record and self._subject.is_clear(other)
        ]
        return clear + [track for track in self._clear if track is not record.track]

    def _note_unread(self, record: Record) -> None:
        why = self._subject.why_unread(record, self._clear_beside(record))
        if why is None:
            return
        UNREAD.labels(self._camera.id, why).inc()
        if why is not unread.WhyUnread.SEEN_ONCE:
            one = unread.Unread(
                record.track.last_ns,
                why,
                width_px(record),
                record.track.detections,
                bool(record.told),
            )
            self.unread = (*self.unread, one)[-unread.MAX_UNREAD :]

    def _note(self, track: Track, frame: Frame, bgr: Picture) -> None:
        record = self._records.get(track.number)
        if record is None:
            record = self._records[track.number] = Record(
                track, self._id_of(track), str(frame.wall_source), (bgr.shape[1], bgr.shape[0])
            )
        if not record.is_placed and has_course(track) and not self._follows_lost(record):
            self._place(record)
        if record.given:
            return
        quality = self._subject.quality(track, bgr)
        self._subject.study(record, quality, bgr)
        # Not at the first sight: most false alarms are never seen again, and a JPEG of the whole
        # frame takes a quarter of a look's time.
        if track.detections > 1 and (
            record.shot is None or quality > CLEARLY_BETTER * record.shot.quality
        ):
            with CpuTime(_JPEG):
                pictures = _jpeg(bgr), _jpeg(self._subject.crop(track, bgr))
            record.shot = Shot(quality, frame.wall_ns, _parts(track.box, bgr), *pictures)

    def _finish(self, track: Track) -> list[Passing]:
        record = self._records.pop(track.number)
        if record.given:
            self._remember_dwelling(record)
            return []
        was_told = bool(record.told)
        given = [] if self._is_told(record) else self._give(record, dwelt=False)
        if given and not was_told and is_unread(given[0].event):
            self._held.hold(given[0], record)
            return []
        self._note_unread(record)
        return given

    def _give_held(self, released: list[HeldPassing]) -> list[Passing]:
        """What is still evidence enough: the vehicle that it is writing on may have been read
        since.
        """
        for held in released:
            held.record.told = held.record.track.detections if self._counts(held.record) else 0
            self._note_unread(held.record)
        return [held.passing for held in released if held.record.told]

    def _give_dwelling(self, record: Record) -> list[Passing]:
        if record.given or record.track.duration_ms < DWELL_MS or not self._counts(record):
            return []
        record.given = True
        given = self._give(record, dwelt=True)
        self._note_unread(record)
        return given

    def _give_lost(self, record: Record, now_ns: int) -> list[Passing]:
        is_lost = record.track.is_missed_again and now_ns - record.track.last_ns >= LOST_NS
        # Once: who stands behind passers-by is lost again and again.
        if not is_lost or record.told or self._waits(record) or self._follows_lost(record):
            return []
        return self._give(record, dwelt=False)

    def _waits(self, record: Record) -> bool:
        """Whether its plate is not read yet: the track that continues it may read it."""
        plate = self._subject.plate(record)
        return plate is not None and not plate.text

    def _follows_lost(self, record: Record) -> bool:
        """Whether a track was lost before this one began and has not ended: this one may
        continue it once it has.
        """
        if record.is_placed:
            return False
        return any(other.track.last_ns < record.track.first_ns for other in self._records.values())

    def _place(self, record: Record) -> None:
        """Decide which passing the track continues in place, if any; each is continued by one
        track.
        """
        taken_ids = {other.continues_id for other in self._records.values() if other is not record}
        record.continues_id = self._lately.continued_in_place(
            record.track, self._records.keys(), taken_ids
        )
        record.is_placed = True

    def _is_told(self, record: Record) -> bool:
        """Its event has been given out as it stands."""
        return record.given or record.told == record.track.detections

    def _give(self, record: Record, dwelt: bool) -> list[Passing]:
        passing = self._passing(record) if self._counts(record) else None
        if passing is None:
            return []
        record.told = record.track.detections
        if not record.is_placed:
            self._place(record)
        passing, before = self._lately.continued(passing, record)
        self._lately.add(passing, record.track, dwelt or (before is not None and before.dwelt))
        self._held.drop(passing.event.id)
        # A stay that was told is not told again because something drove past in front of it.
        return [] if before is not None and before.dwelt else [passing]

    def _remember_dwelling(self, record: Record) -> None:
        """A stay ends now, whatever its event said: what continues it within seconds is the
        same stay.
        """
        passing = self._passing(record)
        if passing is not None:
            self._lately.add(passing, record.track, dwelt=True)

    def _passing(self, record: Record) -> Passing | None:
        track, shot, camera = record.track, record.shot, self._camera
        if shot is None:
            return None
        event = Event(
            id=record.event_id,
            kind=self._subject.kind,
            camera=camera.id,
            class_=camera.class_,
            area=camera.area,
            location=camera.location,
            started_at=track.first_ns,
            best_at=shot.wall_ns,
            ended_at=track.last_ns,
            plate=self._subject.plate(record),
            confidence=min(1.0, track.score_best),
            box=shot.box,
            direction=direction_of(track),
            lane=lane_at(camera.lanes, shot.box),
            crossed=self._lines.crossed_by(track, record.size_px),
            wall_source=record.wall_source,
        )
        return Passing(event, shot.snapshot_jpeg, shot.crop_jpeg)

    def _id_of(self, track: Track) -> str:
        key = ",".join(str(round(float(value) / _KEY_GRID_PX)) for value in track.first_box)
        return event_id(self._camera.id, self._subject.kind, track.first_ns, key)


def _parts(box: Floats, bgr: Picture) -> tuple[float, float, float, float]:
    size = np.array([bgr.shape[1], bgr.shape[0]] * 2, np.float64)
    left, top, right, bottom = (round(float(part), 4) for part in np.clip(box / size, 0, 1))
    return left, top, right, bottom


def _jpeg(bgr: Picture) -> bytes:
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError(f"a picture of shape {bgr.shape} cannot be encoded as JPEG")
    return encoded.tobytes()
