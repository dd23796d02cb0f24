"""The RTSP client against the simulator: nothing is lost at either end, and every failure is a
sentence.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import av
import pytest
from pydantic import SecretStr

from domain.errors import (
    SourceError,
    SourceNoVideo,
    SourceRejected,
    SourceTimeout,
    SourceUnreachable,
)
from domain.media.packets import Packet
from domain.registry import Credentials
from ingest.rtsp import libav_watchdog
from ingest.rtsp.source import RtspSource
from simulator import (
    CodecChange,
    ConnectionCut,
    Jump,
    NoVideo,
    PacketLoss,
    Refuse,
    SimCamera,
    Simulator,
    Stall,
)
from tests.adjusted_clock import AdjustedClock
from tests.ingest.conftest import NEVER_S, WATCHDOG, assert_silence_ends_at_the_timeout, pulling
from tests.waiting import PATIENCE_S, wait_event, wait_for

MakeSource = Callable[..., RtspSource]


class Pulled(Protocol):
    packets: list[Packet]
    error: SourceError | None


Puller = Callable[..., Pulled]


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


def test_who_joins_in_the_middle_begins_at_a_keyframe(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], join="held")]) as sim:
        sources = [source_of(sim.url("gate")) for _ in range(2)]
        pulls = [pull(source, most=10) for source in sources]
    assert all(got.packets[0].is_keyframe and got.error is None for got in pulls)
    assert all(decoded(got.packets) == 10 for got in pulls)


PASSWORDS = ["plain", "a:b/c@d%e#f?g[h]", ' space "quote" \\', "密码警用", "%41+&=;"]


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
@pytest.mark.parametrize("password", PASSWORDS)
def test_any_password_logs_in(
    password: str, clips: dict[str, Path], transport: str, source_of: MakeSource, pull: Puller
) -> None:
    credentials = Credentials("操作员", SecretStr(password))
    with Simulator(
        [SimCamera("gate", clips["h264"], mode="on_play", user="操作员", password=password)]
    ) as sim:
        got = pull(source_of(sim.url("gate"), transport, credentials=credentials), most=2)
    assert got.error is None
    assert len(got.packets) == 2


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
@pytest.mark.parametrize("credentials", [None, Credentials("admin", SecretStr("s3cret@wrong"))])
def test_a_wrong_password_is_said_and_never_shown(
    credentials: Credentials | None,
    clips: dict[str, Path],
    transport: str,
    source_of: MakeSource,
    pull: Puller,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], user="admin", password="right")]) as sim:
        source = source_of(sim.url("gate"), transport, credentials=credentials)
        got = pull(source)
    assert isinstance(got.error, SourceRejected)
    seen = (
        "".join(traceback.format_exception(got.error))
        + caplog.text
        + repr(source)
        + repr(vars(source))
    )
    assert got.error.__context__ is None
    assert got.error.__cause__ is None
    assert "s3cret" not in seen


def test_a_login_too_long_for_the_library_is_refused_not_cut(
    source_of: MakeSource, pull: Puller
) -> None:
    got = pull(
        source_of(
            "rtsp://127.0.0.1:9/x",
            "libavformat",
            credentials=Credentials("admin", SecretStr("x" * 140)),
        )
    )
    assert isinstance(got.error, SourceRejected)
    assert "too long" in str(got.error)


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_a_stream_of_sound_alone_is_no_video(
    clips: dict[str, Path], transport: str, source_of: MakeSource, pull: Puller
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], faults=(NoVideo(),))]) as sim:
        got = pull(source_of(sim.url("gate"), transport))
    assert isinstance(got.error, SourceNoVideo)


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_a_camera_that_refuses_or_lacks_the_path_says_so(
    clips: dict[str, Path], transport: str, source_of: MakeSource, pull: Puller
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], faults=(Refuse(),))]) as sim:
        refused, lacking = (
            pull(source_of(sim.url("gate"), transport)),
            pull(source_of(sim.url("gate") + "x", transport)),
        )
    assert isinstance(refused.error, SourceUnreachable)
    assert "refuses the request" in str(refused.error)
    assert "404" in str(lacking.error)


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_a_closed_port_and_a_foreign_host_are_errors(
    transport: str, source_of: MakeSource, pull: Puller
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "Connection refused" in str(
        pull(source_of(f"rtsp://127.0.0.1:{port}/x", transport)).error
    )
    assert "outside `networks`" in str(pull(source_of("rtsp://192.0.2.1/x", transport)).error)


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_a_server_that_is_not_rtsp_is_an_error(
    transport: str, source_of: MakeSource, pull: Puller
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_nonsense, args=(server,), daemon=True).start()
        got = pull(source_of(f"rtsp://127.0.0.1:{server.getsockname()[1]}/x", transport))
    assert isinstance(got.error, SourceUnreachable)


def _answer_nonsense(server: socket.socket) -> None:
    with contextlib.suppress(
        OSError
    ):  # the test is over, and has closed it: how often it was asked is the reader's affair
        while True:
            connection, _ = server.accept()
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
            connection.close()


@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
def test_a_cut_connection_is_an_end(
    transport: str, clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with Simulator(
        [SimCamera("gate", clips["h264"], mode="on_play", faults=(ConnectionCut(0.5),))]
    ) as sim:
        got = pull(source_of(sim.url("gate"), transport))
    assert isinstance(got.error, SourceUnreachable)
    assert 10 <= len(got.packets) <= 13


@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
def test_silence_ends_at_the_timeout(
    transport: str, clips: dict[str, Path], source_of: MakeSource
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], mode="on_play")]) as sim:
        source = source_of(sim.url("gate"), transport)
        got = assert_silence_ends_at_the_timeout(
            source, lambda: sim.fall_silent()["gate"].sent_units
        )
    assert isinstance(got.error, SourceTimeout)


@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
def test_stop_ends_a_silent_stream_immediately(
    transport: str, clips: dict[str, Path], source_of: MakeSource
) -> None:
    with (
        Simulator([SimCamera("gate", clips["h264"], mode="on_play")]) as sim,
        pulling(source_of(sim.url("gate"), transport, timeout_s=NEVER_S)) as pull,
    ):
        wait_for("five packets", lambda: len(pull.got.packets) >= 5)
        pull.wait_packets(sim.fall_silent()["gate"].sent_units)
        pull.stop()
    assert pull.got.error is None


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_a_server_that_accepts_and_says_nothing_times_out_and_stops(
    transport: str, source_of: MakeSource
) -> None:
    with silent_server() as (url, is_asked):
        with pulling(source_of(url, transport, timeout_s=NEVER_S)) as late:
            wait_event("request", is_asked)
            late.assert_ends_at_the_timeout()
        is_asked.clear()
        with pulling(source_of(url, transport, timeout_s=NEVER_S)) as stopped:
            wait_event("request", is_asked)
            stopped.stop()
    assert isinstance(late.got.error, SourceTimeout)
    assert stopped.got.error is None


def test_stop_does_not_wait_for_the_next_check_of_the_watchdog(
    source_of: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libav_watchdog, "_CHECK_EVERY_S", NEVER_S)
    with (
        silent_server() as (url, is_asked),
        pulling(source_of(url, "libavformat", timeout_s=NEVER_S)) as stopped,
    ):
        wait_event("request", is_asked)
        wait_for(
            "its socket found",
            lambda: not any(watched.is_opening for watched in WATCHDOG._connections),
        )
        stopped.stop()
    assert stopped.got.error is None


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """The address of a server that answers nothing, and whether it has read a request."""
    is_asked = threading.Event()

    def serve(server: socket.socket) -> None:
        with ExitStack() as held, suppress(OSError):
            while True:
                connection = held.enter_context(server.accept()[0])
                if connection.recv(4096):
                    is_asked.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/x", is_asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)


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


def test_a_redirect_is_followed_within_the_networks(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with (
        Simulator([SimCamera("gate", clips["h264"], mode="on_play")]) as sim,
        redirecting(sim.url("gate")) as url,
    ):
        got = pull(source_of(url), most=5)
    assert len(got.packets) == 5


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("rtsp://192.0.2.1/x", "outside `networks`"),
        ("http://127.0.0.1/x", "redirects"),
        ("rtsp://[oh", "none"),
        (None, "redirects"),
    ],
)
def test_a_redirect_is_not_followed_out_of_the_networks_or_in_circles(
    to: str | None, why: str, source_of: MakeSource, pull: Puller
) -> None:
    with redirecting(to) as url:
        got = pull(source_of(url))
    assert isinstance(got.error, SourceUnreachable)
    assert why in str(got.error)


def test_libavformat_follows_no_redirect(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with (
        Simulator([SimCamera("gate", clips["h264"], mode="on_play")]) as sim,
        redirecting(sim.url("gate")) as url,
    ):
        got = pull(source_of(url, "libavformat"), most=5)
    assert got.packets == []
    assert "redirects" in str(got.error)


@contextmanager
def redirecting(to: str | None) -> Iterator[str]:
    """The address of a camera that sends its callers elsewhere; None: to itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/x"
        threading.Thread(target=_redirect, args=(server, to or url), daemon=True).start()
        yield url
        server.shutdown(socket.SHUT_RDWR)


def _redirect(server: socket.socket, to: str) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                while request := connection.recv(4096):
                    number = request.split(b"CSeq:")[1].split()[0].decode()
                    connection.sendall(
                        f"RTSP/1.0 302 Moved\r\nCSeq: {number}\r\nLocation: {to}\r\n\r\n".encode()
                    )


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
def test_of_many_streams_of_one_server_the_silent_one_alone_is_ended(
    clips: dict[str, Path], transport: str, source_of: MakeSource
) -> None:
    """The time is set forward by half of the timeout, three times; the others send between."""
    cameras = [
        SimCamera(
            f"c{i}", clips["h264"], mode="on_play", faults=(Stall(0.4, NEVER_S),) if i == 3 else ()
        )
        for i in range(8)
    ]
    with Simulator(cameras) as sim, ExitStack() as stack:
        clock = AdjustedClock()
        pulls = [
            stack.enter_context(pulling(source_of(sim.url(f"c{i}"), transport), clock=clock))
            for i in range(8)
        ]
        others = [pull for pull in pulls if pull is not pulls[3]]
        wait_for(
            "packets of all",
            lambda: all(len(pull.got.packets) >= 10 - pull.is_by_libavformat for pull in pulls),
        )
        for _ in range(3):
            clock.advance(0.5 * NEVER_S)
            before = [len(pull.got.packets) for pull in others]
            wait_for(
                "more packets",
                lambda: all(
                    len(pull.got.packets) > some
                    for pull, some in zip(others, before, strict=True)  # noqa: B023
                ),
            )
        pulls[3].wait_end()
        assert not any(pull.is_over for pull in others)
    assert isinstance(pulls[3].got.error, SourceTimeout)


def _resources() -> tuple[int, int]:
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), threading.active_count()
