"""A camera that is pulled for ever: states an operator reads, waits that never spin, and rates as they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.errors import SourceError, SourceRejected, SourceUnreachable
from domain.fanout import Fanout, Policy
from domain.media import Packet, StreamInfo, WallSource
from domain.registry import Camera, Networks
from domain.settings import Settings
from domain.states import CameraState, CameraStatus
from ingest.streamer import Streamer
from ingest.timeline import Timeline
from sightline.simulator import Cut, SimCamera, Simulator

INFO = StreamInfo("gate", "h264", 320, 240, Fraction(1, 90_000), b"", 1)


class ScriptedSource:
    """Plays sessions: each is how many seconds of 25 fps media, then an error. Time passes on the manual clock as packets do."""

    def __init__(self, clock: ManualClock, sessions: Sequence[tuple[float, SourceError]], stop_after: threading.Event) -> None:
        self.timeline = Timeline()
        self.before_keyframe_packets = self.broken_packets = self.jumps = 0
        self._clock, self._sessions, self._stop = clock, list(sessions), stop_after

    def packets(self, stop: threading.Event) -> Generator[Packet, None, None]:
        seconds, error = self._sessions.pop(0)
        for number in range(round(seconds * 25)):
            now_ns = self._clock.wall_ns()
            pts = number * 3600
            yield Packet(INFO, b"x" * 1000, pts, pts, 3600, number % 25 == 0, now_ns, WallSource.RECEIVER, now_ns)
            self._clock.advance(0.04)
        if not self._sessions:
            self._stop.set()
        raise error


CAMERA = Camera.model_validate(
    {"id": "gate", "name": "g", "class": "A", "area": "a", "location": {"lon": 1, "lat": 1}, "url": "rtsp://127.0.0.1/x"}
)


def scripted(sessions: Sequence[tuple[float, SourceError]]) -> tuple[Streamer, ManualClock, threading.Event]:
    clock, stop = ManualClock(), threading.Event()
    source = ScriptedSource(clock, sessions, stop)
    return Streamer(CAMERA, None, Networks(()), Fanout(), Settings(), clock, source), clock, stop


def test_sessions_that_open_and_die_at_once_never_spin() -> None:
    streamer, clock, stop = scripted([(0.1, SourceUnreachable("gone"))] * 50)
    streamer.run(stop)
    assert len(clock.waits_s) == 50
    assert all(wait >= 0.25 for wait in clock.waits_s)
    assert all(wait >= 15 for wait in clock.waits_s[8:])
    assert streamer.status().reconnects == 50


def test_after_a_healthy_session_the_next_comes_quickly() -> None:
    dead = (0.0, SourceUnreachable("gone"))
    streamer, clock, stop = scripted([dead] * 10 + [(15.0, SourceUnreachable("the camera ended the stream")), dead])
    streamer.run(stop)
    assert clock.waits_s[9] > 10
    assert clock.waits_s[10] <= 1.0


def test_the_state_and_the_sentence_of_a_failure_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    streamer, _, stop = scripted([(2.0, SourceRejected("the camera refuses the user name or password"))])
    with pytest.raises(SourceRejected):
        streamer.run_once(stop)
    assert streamer.status().state is CameraState.LIVE
    streamer, clock, stop = scripted([(0.0, SourceRejected("refused"))])
    seen: list[CameraState] = []

    def noting_wait(event: threading.Event, timeout_s: float) -> bool:
        seen.append(streamer.status().state)
        clock.advance(timeout_s)
        return event.is_set()

    monkeypatch.setattr(clock, "wait", noting_wait)
    streamer.run(stop)
    assert seen == [CameraState.WRONG_PASSWORD]
    assert streamer.status().last_error == "refused"
    assert streamer.status().state is CameraState.IDLE


def test_rates_are_those_of_the_stream() -> None:
    streamer, _, stop = scripted([(12.0, SourceUnreachable("gone"))])
    with pytest.raises(SourceUnreachable):
        streamer.run_once(stop)
    status = streamer.status()
    assert status.fps == pytest.approx(25, abs=0.2)
    assert status.bitrate_bps == pytest.approx(25 * 8000, rel=0.02)
    assert (status.codec, status.width_px, status.height_px, status.wall_source) == ("h264", 320, 240, "receiver")


def test_packets_without_keyframes_are_a_state_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stop = ManualClock(), threading.Event()
    source = ScriptedSource(clock, [], stop)
    streamer = Streamer(CAMERA, None, Networks(()), Fanout(), Settings(), clock, source)
    seen: list[CameraStatus] = []

    def without_keyframes(stop: threading.Event) -> Generator[Packet, None, None]:
        source.before_keyframe_packets = 500
        for _ in range(2):
            clock.advance(15)
            seen.append(streamer.status())
        raise SourceUnreachable("gone")
        yield

    monkeypatch.setattr(source, "packets", without_keyframes)
    with pytest.raises(SourceUnreachable):
        streamer.run_once(stop)
    assert [status.state for status in (*seen, streamer.status())] == [
        CameraState.CONNECTING,
        CameraState.NO_KEYFRAMES,
        CameraState.CONNECTING,
    ]
    assert seen[1].since_ns == pytest.approx(seen[0].since_ns + 20 * NS_PER_S)
    assert "GOP" in seen[1].last_error


def test_a_camera_that_is_cut_again_and_again_is_pulled_again_and_again(
    footage: dict[str, Path], camera_of: Callable[[str], Camera], networks: Networks
) -> None:
    fanout, clock, stop = Fanout(), SystemClock(), threading.Event()
    tap = fanout.open("test", Policy.RECORD)
    with Simulator([SimCamera("gate", footage["h264"], mode="on_play", faults=(Cut(0.4),))]) as sim:
        streamer = Streamer(camera_of(sim.url("gate")), None, networks, fanout, Settings(), clock)
        thread = threading.Thread(target=streamer.run, args=(stop,))
        thread.start()
        sessions: set[int] = set()
        end_s = clock.monotonic_s() + 15
        while len(sessions) < 3 and clock.monotonic_s() < end_s:
            sessions |= {packet.stream.session for packet in tap.take(0.2)}
        stop.set()
        thread.join(2.0)
    assert not thread.is_alive()
    assert sessions == {1, 2, 3}
    assert streamer.status().reconnects >= 2
