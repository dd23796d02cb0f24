"""The pull policy by camera, viewers, triggers and load shedding; and the gate of the recorder."""

from __future__ import annotations

import pytest

from domain.camera_states import Shed
from domain.clock import ManualClock
from domain.media.packet_batch import PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet
from domain.recordings.gaps import GapCause
from domain.registry import Camera
from sightline.cameras.bitrate_limit import MINUTE, BitrateLimit
from sightline.cameras.pull_policy import LINGER_S, PullPolicy, SinkGate
from tests.ingest.conftest import make_camera
from tests.recorded import PLAIN, packets_of


def camera(record: str, checkpoint: tuple[str, ...] = ()) -> Camera:
    return make_camera("rtsp://127.0.0.1/1").model_copy(
        update={"record": record, "checkpoint": checkpoint}
    )


@pytest.mark.parametrize(
    ("record", "checkpoint", "asked", "watched", "shed", "expected"),
    [
        ("continuous", (), False, False, Shed.NOTHING, (True, True)),
        ("events", (), False, False, Shed.NOTHING, (True, True)),
        ("on_demand", (), False, False, Shed.NOTHING, (False, False)),
        ("on_demand", (), False, True, Shed.NOTHING, (True, False)),
        ("on_demand", (), True, False, Shed.NOTHING, (True, True)),
        ("on_demand", ("plate",), False, False, Shed.NOTHING, (True, True)),
        ("continuous", ("plate",), False, False, Shed.ANALYTICS, (True, True)),
        ("continuous", (), False, False, Shed.RECORDING, (False, False)),
        ("continuous", (), False, True, Shed.RECORDING, (True, False)),
        ("on_demand", (), True, False, Shed.RECORDING, (False, False)),
        ("continuous", (), False, False, Shed.RECORDING_FOR_DISK, (False, False)),
    ],
)
def test_a_camera_is_pulled_and_recorded_by_its_policy(
    record: str,
    checkpoint: tuple[str, ...],
    asked: bool,
    watched: bool,
    shed: Shed,
    expected: tuple[bool, bool],
) -> None:
    demand = PullPolicy(camera(record, checkpoint), lambda: asked, ManualClock())
    demand.shed = shed
    why = demand.why_not_recorded()
    assert (why is None) is expected[1]
    causes = {Shed.RECORDING: GapCause.SHED, Shed.RECORDING_FOR_DISK: GapCause.DISK}
    assert why is None or why[0] is causes.get(shed, GapCause.NOT_ASKED)
    if watched:
        with demand.watching():
            assert (demand.is_pulled(), demand.is_recorded()) == expected
    else:
        assert (demand.is_pulled(), demand.is_recorded()) == expected


def test_a_camera_lingers_after_its_last_viewer() -> None:
    clock = ManualClock()
    demand = PullPolicy(camera("on_demand"), lambda: False, clock)
    with demand.watching(), demand.watching():
        clock.advance(1000)
        assert demand.is_pulled()
    clock.advance(LINGER_S - 1)
    assert demand.is_pulled()
    clock.advance(2)
    assert not demand.is_pulled()


def test_a_gate_lets_through_from_a_keyframe_on() -> None:
    class Through:
        def put(self, *received: PacketOrBatch) -> None:
            through.extend(single_packets(received))

        def put_audio(self, packet: AudioPacket, /) -> None: ...

    through = list[Packet]()
    gate = SinkGate(Through())
    packets = packets_of(PLAIN)  # a keyframe each 25
    for number, packet in enumerate(packets[:100]):
        gate.is_open = 10 <= number < 60 or number >= 70
        gate.put(packet)
    assert [packets.index(packet) for packet in through] == [*range(25, 60), *range(75, 100)]


def test_a_bitrate_above_the_limit_for_a_minute_is_reported_until_it_was_kept_for_one() -> None:
    limit = BitrateLimit("gate", 1000)
    for _ in range(MINUTE - 1):
        limit.feed(2_000_000)
        assert not limit.is_over
    limit.feed(2_000_000)
    assert limit.is_over
    limit.feed(0)
    assert limit.is_over, "what is not pulled keeps its word"
    for _ in range(MINUTE):
        limit.feed(900_000)
    assert not limit.is_over
    unlimited = BitrateLimit("gate", None)
    for _ in range(2 * MINUTE):
        unlimited.feed(1 << 40)
    assert not unlimited.is_over
