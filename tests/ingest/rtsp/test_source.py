"""The RTSP client against the simulator: nothing is lost at either end, and every failure is a
sentence.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import av
import pytest

from domain.errors import SourceUnreachable
from domain.media.packets import Packet
from simulator import CodecChange, Jump, PacketLoss, SimCamera, Simulator, Stall
from tests.ingest.conftest import NEVER_S, MakeSource, Puller, pulling
from tests.waiting import wait_for


def decoded(packets: list[Packet]) -> int:
    """How many whole frames a decoder makes of `packets`, opened with the stream's own
    extradata.
    """
    info = packets[0].stream
    context = av.CodecContext.create("h264" if info.codec == "h264" else "hevc", "r")
    context.extradata = info.extradata
    frames = [
        frame for packet in packets for frame in context.decode(av.Packet(packet.data))
    ] + context.decode(None)
    return sum(not frame.is_corrupt for frame in frames)


@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_every_packet_of_a_stream_comes_and_can_be_recorded(
    codec: str, transport: str, clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with Simulator([SimCamera("gate", clips[codec], mode="on_play", loop=False)]) as sim:
        got = pull(source_of(sim.url("gate"), transport))
    assert isinstance(got.error, SourceUnreachable)
    assert len(got.packets) == 50
    first = got.packets[0]
    assert first.is_keyframe
    assert (first.stream.codec, first.stream.width_px, first.stream.height_px) == (codec, 320, 240)
    assert {packet.stream for packet in got.packets} == {first.stream}
    assert all(a.dts < b.dts for a, b in pairwise(got.packets))
    assert all(packet.pts >= packet.dts for packet in got.packets)
    pts = sorted(packet.pts for packet in got.packets)
    assert [b - a for a, b in pairwise(pts)] == [3600] * 49
    assert sum(packet.is_keyframe for packet in got.packets) == 2
    # Over UDP the server hangs up as it sends the last picture, and a piece of that one may come
    # too late.
    whole = got.packets[:-1] if transport == "udp" else got.packets
    assert decoded(whole) == len(whole)


def test_a_viewer_that_joins_in_the_middle_begins_at_a_keyframe(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], join="held")]) as sim:
        sources = [source_of(sim.url("gate")) for _ in range(2)]
        pulls = [pull(source, most=10) for source in sources]
    assert all(got.packets[0].is_keyframe and got.error is None for got in pulls)
    assert all(decoded(got.packets) == 10 for got in pulls)


@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
def test_the_first_picture_waits_for_few_that_follow(
    transport: str, clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    """The camera sends five pictures and no more: no reader may need more of them to begin."""
    with Simulator(
        [SimCamera("gate", clips["h264"], mode="on_play", faults=(Stall(0.19, NEVER_S),))]
    ) as sim:
        got = pull(source_of(sim.url("gate"), transport), most=1)
        assert sim.counters("gate").sent_units <= 5
    assert got.error is None
    assert got.packets[0].is_keyframe


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_another_resolution_is_another_session(
    clips: dict[str, Path], transport: str, source_of: MakeSource, pull: Puller
) -> None:
    camera = SimCamera(
        "gate", clips["h264"], mode="on_play", faults=(CodecChange(1.0, clips["large"]),)
    )
    with Simulator([camera]) as sim:
        got = pull(source_of(sim.url("gate"), transport), most=40)
    streams = list(dict.fromkeys(packet.stream for packet in got.packets))
    assert [(stream.session, stream.width_px, stream.height_px) for stream in streams] == [
        (1, 320, 240),
        (2, 640, 480),
    ]
    assert streams[0].extradata != streams[1].extradata
    change = next(packet for packet in got.packets if packet.stream is streams[1])
    assert change.is_keyframe


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
@pytest.mark.parametrize("by_s", [3600.0, -3600.0, 3.0])
def test_a_leap_of_the_cameras_counter_is_none_in_the_packets(
    by_s: float, clips: dict[str, Path], transport: str, source_of: MakeSource, pull: Puller
) -> None:
    with Simulator(
        [SimCamera("gate", clips["h264"], mode="on_play", faults=(Jump(1.0, by_s),))]
    ) as sim:
        source = source_of(sim.url("gate"), transport)
        got = pull(source, most=40)
    assert source.counts.jumps == 1
    steps = [b.pts - a.pts for a, b in pairwise(got.packets)]
    assert max(steps) < 90_000 / 2
    assert min(steps) > 0
    walls = [packet.wall_ns for packet in got.packets]
    assert walls == sorted(walls)
    assert all(abs(packet.wall_ns - packet.received_ns) < 1.5e9 for packet in got.packets)


def test_lost_packets_break_pictures_and_nothing_else(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with Simulator(
        [
            SimCamera(
                "gate", clips["h264"], mode="on_play", loop=False, faults=(PacketLoss(0.2, 1.0, 4),)
            )
        ]
    ) as sim:
        got = pull(source_of(sim.url("gate"), "udp"))
    assert 20 < len(got.packets) <= 50
    assert isinstance(got.error, SourceUnreachable)


def test_where_the_kernels_queues_are_small_they_are_read_at_once(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.rtsp.udp._RECEIVE_BYTES", 1 << 30)
    with Simulator([SimCamera("gate", clips["h264"], mode="on_play", loop=False)]) as sim:
        source = source_of(sim.url("gate"), "udp")
        got = pull(source)
    assert (len(got.packets), source.counts.lost_packets) == (50, 0)


def free_pair() -> tuple[int, int]:
    """An even UDP port and the next, both free: RTP wants them so."""
    for port in range(40_000 + 2 * (os.getpid() % 5_000), 60_000, 2):
        with ExitStack() as held, suppress(OSError):
            for one in (port, port + 1):
                held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(
                    ("127.0.0.1", one)
                )
            return port, port + 1
    raise AssertionError("no two UDP ports are free")


def test_what_the_network_loses_and_what_a_stranger_sends_is_counted(
    clips: dict[str, Path], source_of: MakeSource
) -> None:
    """A stranger: another loopback address, which floods the port that the camera sends to."""
    lossy = SimCamera("gate", clips["h264"], mode="on_play", faults=(PacketLoss(0.2, 1.0, 4),))
    picture = struct.pack(">BBHII", 0x80, 0x80 | 96, 1, 1, 1) + b"\x41\x9a"
    with Simulator([lossy]) as sim, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        ports = free_pair()
        source = source_of(sim.url("gate"), "udp", udp_ports=ports)
        with pulling(source) as pull:
            wait_for("a packet", lambda: bool(pull.got.packets))
            for _ in range(2):
                stranger.sendto(picture, ("127.0.0.1", ports[0]))
            wait_for("packets after the loss", lambda: sim.counters("gate").sent_units > 40)
            wait_for("packets of the stranger", lambda: source.counts.strange_packets == 2)
            sent = sim.fall_silent()["gate"]
            wait_for("count of the lost", lambda: source.counts.lost_packets == sent.lost_packets)
    assert sent.lost_packets > 0
    assert source.counts.strange_packets == 2
    assert (
        len(pull.got.packets) + source.counts.broken_packets <= sent.sent_units + sent.lost_packets
    )
    assert {packet.stream.session for packet in pull.got.packets} == {1}


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_the_senders_clock_is_used_and_its_skew_known(
    clips: dict[str, Path], transport: str, source_of: MakeSource, pull: Puller
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], mode="on_play")]) as sim:
        source = source_of(sim.url("gate"), transport)
        got = pull(source, most=160)
    assert got.packets[-1].wall_source == "sender"
    assert abs(got.packets[-1].wall_ns - (got.packets[-1].sender_wall_ns or 0)) < 25e6
    assert abs(source.counts.timeline.skew_ns or 10**10) < 2e9


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_sources_leave_no_descriptor_and_no_thread(
    clips: dict[str, Path], transport: str, source_of: MakeSource, pull: Puller
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], mode="on_play")]) as sim:
        url = sim.url("gate")
        pull(source_of(url, transport), most=1)
        before = _resources()
        for number in range(30):
            pull(source_of(url, "udp" if number % 3 == 0 else transport), most=1)
        # Until the simulator has closed its ends and the watching thread is gone.
        wait_for("return of descriptors and threads", lambda: _resources() <= before)


def _resources() -> tuple[int, int]:
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), threading.active_count()
