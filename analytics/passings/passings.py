"""Makes passings from the tracks of one kind at one camera: one for each vehicle or person.

An event is published when its track is lost, and once more if the track is found again before it
ends. A vehicle that parks is published after a minute in view, and its track continues without
further events. A track that continues a passing which just ended takes its id, so that storing it
again extends the event. A passing whose plate was not read is held back first
(`held_passings.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analytics.detection.detections import Detections, Picture
from analytics.detection.motion import Thumbnail, moves
from analytics.passings.continuity import has_course
from analytics.passings.held_passings import HeldPassing, HeldPassings
from analytics.passings.recent_passings import MAX_RECENT, REMEMBERED_NS, RecentPassings, is_unread
from analytics.passings.shots import parts_of, shot_of
from analytics.passings.subjects import Record, Subject
from analytics.passings.unread import width_px
from analytics.tracking.lanes import CountLines, direction_of, lane_at
from analytics.tracking.roi_scheduler import LazyPicture, RoiScheduler
from analytics.tracking.tracker import Track, Tracker
from domain import unread_reasons as unread
from domain.clock import NS_PER_MS
from domain.events.event import Event, Passing
from domain.media.live_detections import LiveDetection
from domain.media.packets import Frame
from domain.metrics import UNREAD
from domain.registry.model import Camera
from domain.ulid import event_id

DWELL_MS = 60_000
LOST_NS = 300 * NS_PER_MS
"""A track that two looks and this time missed is published, and so is one that no frame
showed for this time while frames are held. If it is found again, it is published once more.
"""
STILL_SEARCH_EVERY_NS = 2_000 * NS_PER_MS
"""A still picture is searched this often."""
CLOCK_STEP_NS = 1_000 * NS_PER_MS
"""If the clock of a camera steps back by more, its tracks end. They would otherwise last until the
old time is reached again.
"""
CLEARLY_BETTER = 1.2
_KEY_GRID_PX = 8


class Passings:
    """The passings of one kind of subject at one camera. It is not thread-safe."""

    def __init__(self, camera: Camera, subject: Subject) -> None:
        self._camera = camera
        self._subject = subject
        self._lines = CountLines(camera.count_lines)
        self._tracker = Tracker(subject.gate)
        self._roi_scheduler = RoiScheduler(subject.detector, self._tracker)
        self._records: dict[int, Record] = {}
        self._recent = RecentPassings(subject, self._lines)
        self._held = HeldPassings(subject.gate.unseen_ms * NS_PER_MS, DWELL_MS * NS_PER_MS)
        self._clear: list[Track] = []
        """The tracks that ended recently and are evidence enough for an event by themselves."""
        self.unread: tuple[unread.Unread, ...] = ()
        """The last plates without a text, the newest last."""
        self._before: Thumbnail | None = None
        self._last_look_ns = 0
        self._detected_ns = 0

    def analyse(
        self, frame: Frame, shown: LazyPicture, thumbnail: Callable[[], Thumbnail]
    ) -> list[Passing]:
        """Analyse one frame if a look is due, and return the passings to be published.

        `shown` and `thumbnail` give its picture and its thumbnail, with black masks.
        """
        now_ns = frame.wall_ns
        published = self.close() if now_ns < self._last_look_ns - CLOCK_STEP_NS else []
        if self._last_look_ns:
            self._recent.on_blind_time(now_ns - self._last_look_ns)
        if self._roi_scheduler.is_due(now_ns):
            self._search(frame, shown, thumbnail())
            self._last_look_ns = now_ns
        return published + self.pass_time(now_ns)

    def _search(self, frame: Frame, shown: LazyPicture, thumbnail: Thumbnail) -> None:
        now_ns = frame.wall_ns
        is_search_due = not 0 <= now_ns - self._detected_ns < STILL_SEARCH_EVERY_NS
        if is_search_due or moves(self._before, thumbnail):
            self._update_tracks(
                self._roi_scheduler.detect(shown, thumbnail, now_ns), frame, shown()
            )
            self._before, self._detected_ns = thumbnail, now_ns
        else:
            self._tracker.mark_still(now_ns, self._last_look_ns)

    def _update_tracks(self, found: Detections, frame: Frame, bgr: Picture) -> None:
        def is_another(track: Track, at: int) -> bool:
            return self._subject.is_another(
                self._records[track.number], found.keep(np.array([at])), bgr, frame.wall_ns
            )

        for track in self._tracker.update(found, frame.wall_ns, is_another):
            self._update_record(track, frame, bgr)

    def pass_time(self, now_ns: int) -> list[Passing]:
        """Return the passings to be published at `now_ns`, in the time of the frames.

        They have ended, are lost, or have been in view for a minute.
        """
        published = self._end(self._tracker.remove_ended(now_ns))
        published += [
            passing
            for record in self._records.values()
            for passing in self._publish_dwelling(record)
            + (self._publish_lost(record, now_ns) if record.track.is_missed_again else [])
        ]
        published += self._publish_held(self._held.release(now_ns, self._records.values()))
        self._forget(now_ns)
        return published

    def publish_unseen(self, now_ns: int) -> list[Passing]:
        """Return the passings that no frame showed for a while at `now_ns`, because later ones are
        held. Their tracks have not ended: a held frame may show them.
        """
        records = list(self._records.values())
        return [one for record in records for one in self._publish_lost(record, now_ns)]

    def in_view(self) -> bool:
        """Return whether there are tracks, or passings that a later track may continue."""
        return bool(self._tracker.tracks or self._held)

    def has_tracks(self) -> bool:
        return bool(self._records)

    def settled(self) -> frozenset[str]:
        """Return the ids of the tracks if no further frame would change the events of any of them.

        A mark on a vehicle counts as another vehicle, because one that drives parallel to it looks
        the same for some looks. Which count lines a vehicle crosses is known at its end only.
        """
        if self._camera.count_lines:
            return frozenset()
        records = self._records.values()
        is_all = all(self._subject.is_settled(record) for record in records)
        return frozenset(record.event_id for record in records) if is_all else frozenset()

    def publish_settled(self, ids: frozenset[str]) -> list[Passing]:
        """Return those of these passings of `settled` that are not published as they are now."""
        return [
            passing
            for record in self._records.values()
            if record.event_id in ids
            and not self._is_published(record)
            and not self._follows_lost(record)
            for passing in self._publish(record, dwelt=False)
        ]

    def stands(self) -> bool:
        """Return whether a vehicle is in view whose stay is published."""
        if self._subject.kind != "vehicle":
            return False
        return any(record.is_stay_published for record in self._records.values())

    def drafts(self) -> list[Passing]:
        records = [
            record
            for record in self._records.values()
            if not self._is_published(record) and self._counts(record)
        ]
        passings = [self._passing(record) for record in records]
        drafts = [
            self._recent.continued(passing, record)[0]
            for passing, record in zip(passings, records, strict=True)
            if passing is not None
        ]
        continued_ids = {draft.event.id for draft in drafts}
        return drafts + [
            passing for passing in self._held.passings if passing.event.id not in continued_ids
        ]

    def detections(self, wall_ns: int) -> list[LiveDetection]:
        """Return the tracks that the look at this time found. One with a single detection is left
        out, because most false detections are not repeated.
        """
        return [
            LiveDetection(
                kind=self._subject.kind,
                track=record.track.number,
                box=parts_of(record.track.box, record.size_px),
                confidence=min(1.0, record.track.score),
                plate=self._subject.reading(record),
            )
            for record in self._records.values()
            if record.track.last_ns == wall_ns and record.track.detections > 1
        ]

    def resume(self, recent: list[Passing]) -> None:
        self._recent.resume(recent)

    def close(self) -> list[Passing]:
        return self._end(self._tracker.close()) + self._publish_held(self._held.close())

    def _forget(self, now_ns: int) -> None:
        """Forget what no track in view can continue or move with.

        A track may end long after the passing that it continues.
        """
        # Nothing is forgotten while there are no pictures, because a vehicle may still stand in
        # front of a camera that is reconnected.
        seen_ns = min(now_ns, self._last_look_ns)
        earliest_ns = min([seen_ns, *(record.track.first_ns for record in self._records.values())])
        self._recent.forget(
            earliest_ns,
            self._held.event_ids | {record.continues_id for record in self._records.values()},
        )
        if self.unread and now_ns - self.unread[0].at_ns > unread.MAX_UNREAD_AGE_NS:
            self.unread = self.unread[1:]
        self._clear = [
            track for track in self._clear if earliest_ns - track.last_ns < REMEMBERED_NS
        ][-MAX_RECENT:]

    def _end(self, tracks: list[Track]) -> list[Passing]:
        self._clear += [
            track for track in tracks if self._subject.is_clear(self._records[track.number])
        ]
        return [passing for track in tracks for passing in self._finish(track)]

    def _counts(self, record: Record) -> bool:
        return self._subject.counts(record, self._other_clear_tracks(record))

    def _other_clear_tracks(self, record: Record) -> list[Track]:
        clear = [
            other.track
            for other in self._records.values()
            if other is not record and self._subject.is_clear(other)
        ]
        return clear + [track for track in self._clear if track is not record.track]

    def _record_unread(self, record: Record) -> None:
        why = self._subject.why_unread(record, self._other_clear_tracks(record))
        if why is None:
            return
        UNREAD.labels(self._camera.id, why).inc()
        if why is not unread.WhyUnread.SEEN_ONCE:
            plate = unread.Unread(
                record.track.last_ns,
                why,
                width_px(record),
                record.track.detections,
                bool(record.published_detections),
            )
            self.unread = (*self.unread, plate)[-unread.MAX_UNREAD :]

    def _update_record(self, track: Track, frame: Frame, bgr: Picture) -> None:
        record = self._records.get(track.number)
        if record is None:
            record = self._records[track.number] = Record(
                track, self._id_of(track), str(frame.wall_source), (bgr.shape[1], bgr.shape[0])
            )
        if not record.is_placed and has_course(track) and not self._follows_lost(record):
            self._place(record)
        if record.is_stay_published:
            return
        quality = self._subject.quality(track, bgr)
        self._subject.study(record, quality, bgr)
        # There is no picture of the first detection. Most false detections are not repeated, and a
        # JPEG of the whole frame takes a quarter of a look's time.
        if track.detections > 1 and (
            record.shot is None or quality > CLEARLY_BETTER * record.shot.quality
        ):
            record.shot = shot_of(track, quality, bgr, self._subject.crop(track, bgr))

    def _finish(self, track: Track) -> list[Passing]:
        record = self._records.pop(track.number)
        if record.is_stay_published:
            self._remember_dwelling(record)
            return []
        was_published = bool(record.published_detections)
        published = [] if self._is_published(record) else self._publish(record, dwelt=False)
        if published and not was_published and is_unread(published[0].event):
            self._held.hold(published[0], record)
            return []
        self._record_unread(record)
        return published

    def _publish_held(self, released: list[HeldPassing]) -> list[Passing]:
        """Publish the held passings that are still evidence enough for an event.

        The vehicle of which one is other writing may have been read meanwhile.
        """
        for held in released:
            held.record.published_detections = (
                held.record.track.detections if self._counts(held.record) else 0
            )
            self._record_unread(held.record)
        return [held.passing for held in released if held.record.published_detections]

    def _publish_dwelling(self, record: Record) -> list[Passing]:
        if (
            record.is_stay_published
            or record.track.duration_ms < DWELL_MS
            or not self._counts(record)
        ):
            return []
        record.is_stay_published = True
        published = self._publish(record, dwelt=True)
        self._record_unread(record)
        return published

    def _publish_lost(self, record: Record, now_ns: int) -> list[Passing]:
        # It is published once, because a person behind others is lost again and again.
        if (
            now_ns - record.track.last_ns < LOST_NS
            or record.published_detections
            or self._waits(record)
            or self._follows_lost(record)
        ):
            return []
        return self._publish(record, dwelt=False)

    def _waits(self, record: Record) -> bool:
        """Return whether its plate is not read yet, so that a later track may read it."""
        plate = self._subject.plate(record)
        return plate is not None and not plate.text

    def _follows_lost(self, record: Record) -> bool:
        """Return whether an earlier track is lost and has not ended.

        This track may continue it after its end.
        """
        if record.is_placed:
            return False
        return any(other.track.last_ns < record.track.first_ns for other in self._records.values())

    def _place(self, record: Record) -> None:
        """Decide which passing the track continues in place, if any.

        Only one track may continue a passing.
        """
        other_ids = {other.continues_id for other in self._records.values() if other is not record}
        record.continues_id = self._recent.continued_in_place(
            record.track, self._records.keys(), other_ids
        )
        record.is_placed = True

    def _is_published(self, record: Record) -> bool:
        """Return whether its event has been published in its present state."""
        return record.is_stay_published or record.published_detections == record.track.detections

    def _publish(self, record: Record, dwelt: bool) -> list[Passing]:
        passing = self._passing(record) if self._counts(record) else None
        if passing is None:
            return []
        record.published_detections = record.track.detections
        if not record.is_placed:
            self._place(record)
        passing, before = self._recent.continued(passing, record)
        self._recent.add(passing, record.track, dwelt or (before is not None and before.dwelt))
        self._held.drop(passing.event.id)
        # A stay that was published is not published again because something hid it for a while.
        return [] if before is not None and before.dwelt else [passing]

    def _remember_dwelling(self, record: Record) -> None:
        """Remember that a stay ends now; a track that continues it within seconds is the same."""
        passing = self._passing(record)
        if passing is not None:
            self._recent.add(passing, record.track, dwelt=True)

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
