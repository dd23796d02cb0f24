"""Packets over the unix socket: whole, from the held keyframe on, and gone cleanly at every end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from domain.errors import NodeOffline, NotFound
from domain.media.packets import AudioInfo, AudioPacket, Packet, StreamInfo, WallSource
from ingest.live.client import live_packets, live_sound
from ingest.live.tap import LiveTap
from tests.live_station import Station, answers
from tests.waiting import PATIENCE_S, wait_for

INFO = StreamInfo("gate", "h264", 320, 240, Fraction(1, 90_000), b"\x00\x01\xff", 3)


def packet_of(number: int, info: StreamInfo = INFO) -> Packet:
    sender_ns = None if number % 2 else 1_760_000_000_000_000_000 + number
    source = WallSource.RECEIVER if number % 2 else WallSource.SENDER
    return Packet(
        info,
        bytes([number % 256]) * 500,
        number * 3600,
        number * 3600 - 7200,
        3600,
        number % 10 == 0,
        number,
        source,
        7,
        sender_ns,
    )


Serve = Callable[[Path], threading.Event]


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture
def serve(station: Station) -> Iterator[Serve]:
    stop, taps, threads = threading.Event(), [], []

    def start(path: Path) -> threading.Event:
        taps.append(LiveTap(path, station.watching, station.watching_detections))
        thread = threading.Thread(target=taps[-1].run, args=(stop,))
        thread.start()
        threads.append(thread)
        wait_for("tap", lambda: answers(path))
        return stop

    yield start
    stop.set()
    for tap in taps:
        tap.wake()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.mark.parametrize("folder", ["s", "x" * 60 + "/" + "y" * 60])
def test_packets_come_whole_from_the_held_keyframe_on(
    folder: str, tmp_path: Path, station: Station, serve: Serve
) -> None:
    path = tmp_path / folder / "worker-0.sock"
    serve(path)
    for number in range(15):
        station.fanout.put(packet_of(number))
    stop = threading.Event()
    packets = live_packets(path, "gate", stop)
    got = [next(packets) for _ in range(5)]
    later = replace(INFO, width_px=640, session=4)
    station.fanout.put(packet_of(20, later))
    got.append(next(packets))
    assert got == [packet_of(number) for number in range(10, 15)] + [packet_of(20, later)]
    stop.set()
    assert list(packets) == []
    wait_for("end of the view", lambda: station.watchers.total() == 0 and not station.fanout.taps)


def test_sound_comes_whole_to_those_who_listen(
    tmp_path: Path, station: Station, serve: Serve
) -> None:
    serve(tmp_path / "w.sock")
    stop = threading.Event()
    audio = AudioInfo("aac", 16_000, 1, b"\x14\x08")
    sounds = [
        AudioPacket(replace(INFO, audio=one), b"s" * (100 + number), number, 1024, number, 7)
        for number, one in enumerate([audio, audio, replace(audio, codec="pcm_alaw")])
    ]

    def put() -> None:
        wait_for("a listener", lambda: station.fanout.sound_taps)
        for sound in sounds:
            station.fanout.put_audio(sound)

    thread = threading.Thread(target=put)
    thread.start()
    heard = live_sound(tmp_path / "w.sock", "gate", stop)
    assert [next(heard) for _ in sounds] == sounds
    thread.join()
    stop.set()
    assert list(heard) == []
    wait_for("the end", lambda: not (station.watchers.total() or station.fanout.sound_taps))


def test_a_camera_without_sound_is_refused_with_what_to_do(
    tmp_path: Path, station: Station, serve: Serve
) -> None:
    serve(tmp_path / "w.sock")
    station.fanout.put(packet_of(0))
    with pytest.raises(NotFound, match=r"gate sends no sound.*microphone.*G\.711 or AAC"):
        next(live_sound(tmp_path / "w.sock", "gate", threading.Event()))


def test_a_camera_that_is_taken_out_ends_the_view(
    tmp_path: Path, station: Station, serve: Serve
) -> None:
    serve(tmp_path / "w.sock")
    station.fanout.put(packet_of(0))
    packets = live_packets(tmp_path / "w.sock", "gate", threading.Event())
    assert next(packets) == packet_of(0)
    station.fanout.close_all()
    assert list(packets) == []


def test_an_unknown_camera_and_a_dead_worker_are_errors(tmp_path: Path, serve: Serve) -> None:
    with pytest.raises(NodeOffline, match="does not answer"):
        next(live_packets(tmp_path / "w.sock", "gate", threading.Event()))
    serve(tmp_path / "w.sock")
    with pytest.raises(NotFound, match="no camera nope here"):
        next(live_packets(tmp_path / "w.sock", "nope", threading.Event()))


def test_a_viewer_that_reads_nothing_is_disconnected_and_blocks_no_other(
    tmp_path: Path, station: Station, serve: Serve
) -> None:
    serve(tmp_path / "w.sock")
    with socket.socket(socket.AF_UNIX) as lazy:
        lazy.connect(str(tmp_path / "w.sock"))
        lazy.sendall(b"gate\n")
        wait_for("watcher", lambda: station.watchers.total() == 1)
        big = replace(packet_of(0), data=b"x" * 1_000_000)
        for _ in range(20):
            station.fanout.put(big)
        wait_for("end of the view", lambda: station.watchers.total() == 0)


def test_the_socket_is_for_this_user_alone(tmp_path: Path, serve: Serve) -> None:
    serve(tmp_path / "w.sock")
    assert (tmp_path / "w.sock").stat().st_mode & 0o077 == 0


def test_a_worker_that_starts_again_takes_the_place_of_a_dead_ones_socket(
    tmp_path: Path, station: Station, serve: Serve
) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "w.sock"))
    serve(tmp_path / "w.sock")
    station.fanout.put(packet_of(0))
    assert next(live_packets(tmp_path / "w.sock", "gate", threading.Event())) == packet_of(0)
