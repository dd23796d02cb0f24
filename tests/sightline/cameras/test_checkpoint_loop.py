"""A checkpoint whose disk refuses passings: they wait in memory in order, and are spooled later."""

from __future__ import annotations

from pathlib import Path

from domain.clock import NS_PER_S, ManualClock
from domain.media.live_detections import DetectionFeed, DetectionQueue
from domain.metrics import EVENTS_LOST
from domain.recordings.missed_passings import missed_starts
from domain.recordings.partly_analysed import PartlyCause
from ingest.frames.decoder import FrameReader
from sightline.cameras.passing_store import MOST_WAITING
from sightline.cameras.turns import InView
from tests.recorded import PLAIN, packets_of
from tests.sightline.cameras.idle_checkpoint import (
    CAMERA,
    FullDisk,
    IdleAnalyser,
    checkpoint_loop,
    passing,
)


def test_an_event_that_the_disk_refuses_waits_and_is_kept_later(
    spool: FullDisk, tmp_path: Path
) -> None:
    analyser, woken = IdleAnalyser(), list[int]()
    checkpoint, tap = checkpoint_loop(spool, analyser, tmp_path, woken)
    analyser.ready = [passing(0), passing(1)]
    analyser.seen = [passing(2)]
    tap.close()
    checkpoint.run()
    assert spool.pending([CAMERA]) == []
    assert woken == []
    spool.is_full = False
    checkpoint.run()
    assert [entry.event_id for entry in spool.pending([CAMERA])] == [
        passing(0).event.id,
        passing(1).event.id,
    ]
    assert woken


def test_a_checkpoint_yields_its_turns_only_if_all_that_it_shows_is_settled(
    spool: FullDisk, tmp_path: Path
) -> None:
    analyser = IdleAnalyser()
    checkpoint, _ = checkpoint_loop(spool, analyser, tmp_path, [])
    shown = list[InView]()
    for seen, is_settled in ([], False), ([passing(0)], False), ([passing(0)], True):
        analyser.seen, checkpoint._rests.is_settled = seen, is_settled
        shown.append(checkpoint._in_view())
    assert shown == [InView.NOTHING, InView.UNSETTLED, InView.SETTLED]


def test_the_time_in_which_a_vehicle_stands_in_view_is_partly_analysed(
    spool: FullDisk, tmp_path: Path
) -> None:
    analyser = IdleAnalyser()
    checkpoint, _ = checkpoint_loop(spool, analyser, tmp_path, [])
    for second, analyser.has_standing in enumerate([False, True, True, True, False, True, False]):
        checkpoint._note_standing(second * NS_PER_S)
    (stood,) = checkpoint._reader.losses.take()
    assert stood == (NS_PER_S, 3 * NS_PER_S, PartlyCause.STANDING_VEHICLE)


def test_memory_is_bounded_and_the_oldest_give_way(spool: FullDisk, tmp_path: Path) -> None:
    analyser = IdleAnalyser()
    checkpoint, tap = checkpoint_loop(spool, analyser, tmp_path, [])
    analyser.ready = [passing(second) for second in range(MOST_WAITING + 1)]
    lost, before = EVENTS_LOST.labels(CAMERA), EVENTS_LOST.labels(CAMERA)._value.get()
    tap.close()
    checkpoint.run()
    assert lost._value.get() == before + 1
    (missed,) = missed_starts(checkpoint._reader.losses.take())
    assert missed.start_ns < passing(0).event.started_at < missed.end_ns
    spool.is_full = False
    checkpoint.run()
    kept = [entry.event_id for entry in spool.pending([CAMERA])]
    assert kept == [passing(second).event.id for second in range(1, MOST_WAITING + 1)]


def test_detections_are_made_only_while_somebody_watches(spool: FullDisk, tmp_path: Path) -> None:
    analyser, feed = IdleAnalyser(), DetectionFeed()
    packets, shown = packets_of(PLAIN)[:50], list[int]()
    for is_watched in (False, True):
        queue = DetectionQueue("live", lambda: None)
        if is_watched:
            feed.join(queue)
        checkpoint, tap = checkpoint_loop(spool, analyser, tmp_path, [], feed)
        checkpoint._reader = FrameReader(tap, ManualClock(), 100.0, CAMERA)
        for packet in packets[:8]:
            tap.put(packet)
        tap.close()
        checkpoint.run()
        shown = [one.wall_ns for one in queue.take()]
        assert bool(shown) is is_watched
    assert analyser.shown == shown
    assert set(shown) <= {one.wall_ns for one in packets}
