"""The checkpoints of a worker decode in turns; none keeps its turn for long while another waits."""

from __future__ import annotations

import threading

from domain.clock import ManualClock
from sightline.cameras.decode_turns import MOST_S, CameraDecodeTurn
from sightline.cameras.turns import InView, Turns
from tests.waiting import PATIENCE_S, wait_for


class Cameras:
    """Two cameras that share one core. The second one decodes in a thread of its own."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.turns = Turns(1, self.clock)
        self.first = CameraDecodeTurn("first", self.turns, self.clock)
        self.second = CameraDecodeTurn("second", self.turns, self.clock)
        self.has_decoded = threading.Event()
        self._thread = threading.Thread(target=self._decode)

    def _decode(self) -> None:
        self.second.begin()
        self.has_decoded.set()
        self.second.end()

    def let_second_wait(self) -> None:
        self._thread.start()
        wait_for("the second camera to wait", lambda: self.turns.has_waiting or None)

    def join(self) -> None:
        self._thread.join(PATIENCE_S)
        assert self.has_decoded.is_set()
        assert not self.turns.has_waiting


def test_a_camera_keeps_its_turn_for_several_packets() -> None:
    cameras = Cameras()
    cameras.first.begin()
    cameras.let_second_wait()
    cameras.clock.advance(MOST_S / 2)
    cameras.first.begin()
    assert not cameras.has_decoded.is_set()
    cameras.first.end()
    cameras.join()


def test_a_long_turn_ends_if_another_camera_waits() -> None:
    cameras = Cameras()
    cameras.first.begin()
    cameras.clock.advance(2 * MOST_S)
    cameras.first.begin()  # no other camera waits
    cameras.let_second_wait()
    cameras.clock.advance(2 * MOST_S)
    cameras.first.begin()
    cameras.first.end()
    cameras.join()


def test_a_turn_is_ended_once_and_what_is_settled_comes_last() -> None:
    cameras = Cameras()
    cameras.first.begin()
    for _ in range(3):
        cameras.first.end()
    cameras.first.in_view = InView.SETTLED
    held = cameras.turns.begin("other", InView.UNSETTLED)
    cameras.let_second_wait()
    assert not cameras.has_decoded.is_set(), "there is one turn, however often it was ended"
    cameras.turns.end("other", held)
    cameras.first.begin()
    assert cameras.has_decoded.is_set()
    cameras.first.end()
    cameras.join()
