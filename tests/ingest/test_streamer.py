"""A camera that is pulled without end: its states, waits that never spin, and rates."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from domain.camera_states import CameraState, CameraStatus, Why
from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.errors import SourceRejected, SourceUnreachable
from domain.media.fanout import Fanout
from domain.media.packets import Packet, StreamInfo, WallSource
from domain.metrics import CAMERA_ALARM, CAMERA_STATE
from domain.registry import Camera, Networks
from domain.settings import Settings
from ingest.packets.packet_builder import SourceCounts
from ingest.packets.timeline import Timeline
from ingest.rtsp.backoff import FIRST_S, MAX_S
from ingest.rtsp.pull_loop import Action, Owner, PullLoop
from ingest.rtsp.source import Receiver, RtspSource
from ingest.streamer import Streamer
from simulator import ConnectionCut, SimCamera, Simulator
from tests.waiting import PATIENCE_S, wait_for

INFO = StreamInfo("gate", "h264", 320, 240, Fraction(1, 90_000), b"", 1)


class ManualLoop(PullLoop):
    """A loop without a thread: `run` does all that was asked for, and waits by moving the clock."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.close()
        self.waits_s: list[float] = []
        self._manual = clock
        self._asked: deque[tuple[float, Owner, Action]] = deque()

    def call(self, owner: Owner, action: Action) -> None:
        self._asked.append((0.0, owner, action))

    def call_later(self, seconds: float, owner: Owner, action: Action) -> None:
        self.waits_s.append(seconds)
        self._asked.append((seconds, owner, action))

    def run(self) -> None:
        while self._asked:
            seconds, _, action = self._asked.popleft()
            self._manual.advance(seconds)
            action()


class ScriptedSource:
    """Plays sessions: each is how many seconds of 25 fps media, then an error. Time passes on
    the manual clock as packets do.
    """

    gop = 25
    """In pictures."""

    def __init__(self, clock: ManualClock, sessions: Sequence[tuple[float, Exception]]) -> None:
        self.counts = SourceCounts(Timeline())
        self.seen: list[CameraStatus] = []
        self.streamer: Streamer | None = None
        self._clock, self._sessions = clock, list(sessions)
        self._receiver: Receiver | None = None

    def open(self, loop: PullLoop, receiver: Receiver) -> None:
        assert self.streamer is not None
        self._receiver = receiver
        self.seen.append(self.streamer.status())
        if not self._sessions:
            self.streamer.stop()
            return
        seconds, error = self._sessions.pop(0)
        for number in range(round(seconds * 25)):
            now_ns = self._clock.wall_ns()
            pts = number * 3600
            receiver.on_packets(
                [
                    Packet(
                        INFO,
                        b"x" * 1000,
                        pts,
                        pts,
                        3600,
                        number % self.gop == 0,
                        now_ns,
                        WallSource.RECEIVER,
                        now_ns,
                    )
                ]
            )
            self._clock.advance(0.04)
        self.seen.append(self.streamer.status())
        receiver.ended(error)

    def close(self) -> None:
        assert self._receiver is not None
        self._receiver.ended(None)

    def read_now(self) -> None:
        """All that there is was given already."""


CAMERA = Camera.model_validate(
    {
        "id": "gate",
        "name": "g",
        "class": "A",
        "area": "a",
        "location": {"lon": 1, "lat": 1},
        "url": "rtsp://127.0.0.1/x",
    }
)


def scripted(
    sessions: Sequence[tuple[float, Exception]],
) -> tuple[Streamer, ManualLoop, ScriptedSource]:
    """Has played them all, and was stopped after the last."""
    clock = ManualClock()
    source, loop = ScriptedSource(clock, sessions), ManualLoop(clock)
    streamer = source.streamer = Streamer(CAMERA, source, Fanout(), Settings(), clock)
    streamer.start(loop)
    loop.run()
    return streamer, loop, source


def test_sessions_that_open_and_die_at_once_never_spin() -> None:
    streamer, loop, _ = scripted([(0.1, SourceUnreachable("gone"))] * 50)
    assert len(loop.waits_s) == 50
    assert all(wait >= FIRST_S / 2 for wait in loop.waits_s)
    assert all(wait >= MAX_S / 2 for wait in loop.waits_s[8:])
    assert streamer.status().reconnects == 50
    assert streamer.join(0)


def test_after_a_healthy_session_the_next_comes_quickly() -> None:
    dead = (0.0, SourceUnreachable("gone"))
    _, loop, _ = scripted(
        [dead] * 10 + [(15.0, SourceUnreachable("the camera ended the stream")), dead]
    )
    assert loop.waits_s[9] >= MAX_S / 2
    assert loop.waits_s[10] <= 1.0


def test_a_camera_waits_longer_while_thousands_of_its_worker_are_unreachable() -> None:
    clock = ManualClock()
    dead = (0.0, SourceUnreachable("gone", Why.REFUSED))
    source, loop = ScriptedSource(clock, [dead, dead, (15.0, dead[1]), dead]), ManualLoop(clock)
    for number in range(2999):
        loop.unreachable.add(str(number))
    streamer = source.streamer = Streamer(CAMERA, source, Fanout(), Settings(), clock)
    streamer.start(loop)
    loop.run()
    assert all(20 <= wait_s <= 40 for wait_s in loop.waits_s[:2])
    assert all(wait_s <= 1 for wait_s in loop.waits_s[2:]), "it was healthy before"
    assert loop.unreachable.step_s == pytest.approx(2999 / 75), "a stopped camera is not tried"


def test_an_urgent_camera_waits_no_longer_while_thousands_of_its_worker_are_unreachable() -> None:
    clock = ManualClock()
    dead = (0.0, SourceUnreachable("gone", Why.REFUSED))
    source, loop = ScriptedSource(clock, [dead] * 12), ManualLoop(clock)
    for number in range(2999):
        loop.unreachable.add(str(number))
    streamer = source.streamer = Streamer(
        CAMERA, source, Fanout(), Settings(), clock, is_urgent=True
    )
    streamer.start(loop)
    loop.run()
    assert len(loop.waits_s) == 12
    assert loop.waits_s[0] <= FIRST_S
    assert max(loop.waits_s) <= MAX_S


def test_a_camera_that_could_be_connected_does_not_wait_for_the_unreachable_ones() -> None:
    clock = ManualClock()
    silent = (0.0, SourceUnreachable("it said nothing", Why.SILENT))
    source, loop = ScriptedSource(clock, [silent] * 12), ManualLoop(clock)
    for number in range(2999):
        loop.unreachable.add(str(number))
    streamer = source.streamer = Streamer(CAMERA, source, Fanout(), Settings(), clock)
    streamer.start(loop)
    loop.run()
    assert len(loop.waits_s) == 12
    assert loop.waits_s[0] <= FIRST_S
    assert max(loop.waits_s) <= MAX_S


def test_a_camera_that_sent_nothing_has_no_counters_of_packets() -> None:
    def sample(metric: str) -> float | None:
        return REGISTRY.get_sample_value(f"sightline_{metric}_total", {"camera": "silent"})

    clock = ManualClock()
    source = ScriptedSource(clock, [(0.0, SourceUnreachable("gone"))])
    silent = CAMERA.model_copy(update={"id": "silent"})
    source.streamer = Streamer(silent, source, Fanout(), Settings(), clock)
    loop = ManualLoop(clock)
    source.streamer.start(loop)
    loop.run()
    assert (sample("packets"), sample("rtp_packets_lost")) == (None, None)
    source._sessions = [(1.0, SourceUnreachable("gone"))]
    source.streamer.start(loop)
    loop.run()
    assert (sample("packets"), sample("rtp_packets_lost")) == (25.0, 0.0)


def test_the_state_and_the_sentence_of_a_failure_are_shown() -> None:
    streamer, _, source = scripted(
        [(2.0, SourceRejected("the camera refuses the user name or password"))]
    )
    assert [status.state for status in source.seen] == [
        CameraState.CONNECTING,
        CameraState.LIVE,
        CameraState.WRONG_PASSWORD,
    ]
    assert source.seen[-1].last_error == "the camera refuses the user name or password"
    assert streamer.status().state is CameraState.IDLE


def test_a_software_fault_is_logged_counted_and_retried(caplog: pytest.LogCaptureFixture) -> None:
    streamer, loop, source = scripted(
        [(1.0, ZeroDivisionError("secret")), (1.0, SourceUnreachable("gone"))]
    )
    assert "ZeroDivisionError" in caplog.text
    assert source.seen[2].last_error == "a software fault of Sightline: ZeroDivisionError"
    assert (streamer.status().reconnects, len(loop.waits_s)) == (2, 2)


def test_what_was_stopped_while_it_waited_is_over_and_can_be_started_again() -> None:
    clock = ManualClock()
    source, loop = ScriptedSource(clock, [(0.0, SourceUnreachable("gone"))] * 2), ManualLoop(clock)
    streamer = source.streamer = Streamer(CAMERA, source, Fanout(), Settings(), clock)
    for opened in (2, 4):  # it is seen at the beginning and at the end of each session
        streamer.start(loop)
        streamer.stop()
        assert not streamer.join(0)
        loop.run()
        assert streamer.join(0)
        assert len(source.seen) == opened


def test_rates_are_those_of_the_stream() -> None:
    _, _, source = scripted([(12.0, SourceUnreachable("gone"))])
    status = source.seen[1]
    assert status.fps == pytest.approx(25, abs=0.2)
    assert status.bitrate_bps == pytest.approx(25 * 8000, rel=0.02)
    assert (status.codec, status.width_px, status.height_px, status.wall_source) == (
        "h264",
        320,
        240,
        "receiver",
    )


def test_packets_without_keyframes_are_a_state_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    source, loop = ScriptedSource(clock, []), ManualLoop(clock)
    streamer = Streamer(CAMERA, source, Fanout(), Settings(), clock)
    seen: list[CameraStatus] = []

    def without_keyframes(loop: PullLoop, receiver: Receiver) -> None:
        source.counts.before_keyframe_packets = 500
        for _ in range(2):
            clock.advance(15)
            streamer.tick()
            seen.append(streamer.status())
        streamer.stop()
        monkeypatch.setattr(source, "close", lambda: receiver.ended(None))

    monkeypatch.setattr(source, "open", without_keyframes)
    streamer.start(loop)
    loop.run()
    assert [status.state for status in (*seen, streamer.status())] == [
        CameraState.CONNECTING,
        CameraState.NO_KEYFRAMES,
        CameraState.IDLE,
    ]
    assert seen[1].since_ns == pytest.approx(seen[0].since_ns + 20 * NS_PER_S)
    assert "GOP" in seen[1].last_error


def test_a_camera_of_a_keyframe_a_minute_is_live_with_its_rates_and_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ScriptedSource, "gop", 60 * 25)
    _, _, source = scripted([(55.0, SourceUnreachable("gone"))])
    status = source.seen[1]
    assert status.state is CameraState.SPARSE_KEYFRAMES
    assert status.state.is_live
    assert status.fps == pytest.approx(25, abs=0.2)
    assert "GOP" in status.last_error


def test_keyframes_without_parameter_sets_are_not_called_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    source, loop = ScriptedSource(clock, []), ManualLoop(clock)
    streamer = Streamer(CAMERA, source, Fanout(), Settings(), clock)
    seen: list[CameraStatus] = []

    def without_sets(loop: PullLoop, receiver: Receiver) -> None:
        counts = source.counts
        counts.before_keyframe_packets, counts.unreadable_keyframes = 500, 20
        counts.lacking_sets = "SPS, PPS"
        clock.advance(25)
        streamer.tick()
        seen.append(streamer.status())
        streamer.stop()
        monkeypatch.setattr(source, "close", lambda: receiver.ended(None))

    monkeypatch.setattr(source, "open", without_sets)
    streamer.start(loop)
    loop.run()
    assert seen[0].state is CameraState.NO_PARAMETER_SETS
    assert "SPS, PPS" in seen[0].last_error
    assert "GOP" not in seen[0].last_error


def test_a_status_changes_nothing_and_a_tick_reports_the_state(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    source, loop = ScriptedSource(clock, []), ManualLoop(clock)
    camera = CAMERA.model_copy(update={"id": "silent"})
    streamer = Streamer(camera, source, Fanout(), Settings(), clock)
    reported: list[tuple[float, float, bool]] = []

    def report() -> None:
        reported.append(
            (
                CAMERA_STATE.labels("silent", CameraState.UNREACHABLE.value)._value.get(),
                CAMERA_ALARM.labels("silent")._value.get(),
                "silent: down for 10 minutes" in caplog.text,
            )
        )

    def refuse(loop: PullLoop, receiver: Receiver) -> None:
        if not has_failed:
            has_failed.append(True)
            receiver.ended(SourceUnreachable("no route"))
            return
        clock.advance(600)
        assert streamer.status() == streamer.status()
        report()
        streamer.tick()
        report()
        streamer.stop()
        monkeypatch.setattr(source, "close", lambda: receiver.ended(None))

    has_failed: list[bool] = []
    monkeypatch.setattr(source, "open", refuse)
    streamer.start(loop)
    loop.run()
    assert reported == [(0.0, 0.0, False), (1.0, 1.0, True)]


def test_a_camera_that_is_cut_again_and_again_is_pulled_again_and_again(
    clips: dict[str, Path], camera_of: Callable[[str], Camera], networks: Networks
) -> None:
    fanout, clock = Fanout(), SystemClock()
    tap = fanout.open("test")
    with Simulator(
        [SimCamera("gate", clips["h264"], mode="on_play", faults=(ConnectionCut(0.4),))]
    ) as sim:
        camera = camera_of(sim.url("gate"))
        source = RtspSource(camera, None, networks, Settings())
        streamer = Streamer(camera, source, fanout, Settings(), clock)
        loop = PullLoop(clock)
        loop.start()
        streamer.start(loop)
        sessions: set[int] = set()

        def has_three() -> bool:
            sessions.update(packet.stream.session for packet in tap.take(0.2))
            return len(sessions) >= 3

        wait_for("three sessions", has_three)
        streamer.stop()
        assert streamer.join(PATIENCE_S)
        loop.stop()
        loop.join()
    assert sessions == {1, 2, 3}
    assert streamer.status().reconnects >= 2
