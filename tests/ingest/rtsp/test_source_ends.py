"""How the pull of an RTSP source fails or ends: each cause is an error with a sentence."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from domain.errors import SourceNoVideo, SourceTimeout, SourceUnreachable
from ingest.rtsp import libav_watchdog
from simulator import ConnectionCut, NoVideo, Refuse, SimCamera, Simulator, Stall
from tests.adjusted_clock import AdjustedClock
from tests.ingest.conftest import (
    NEVER_S,
    WATCHDOG,
    MakeSource,
    Puller,
    assert_silence_ends_at_the_timeout,
    pulling,
)
from tests.waiting import PATIENCE_S, wait_event, wait_for


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
        answering = threading.Thread(target=_answer_nonsense, args=(server,), daemon=True)
        answering.start()
        got = pull(source_of(f"rtsp://127.0.0.1:{server.getsockname()[1]}/x", transport))
        server.shutdown(socket.SHUT_RDWR)  # a thread that accepts would not notice the close
        answering.join()
    assert isinstance(got.error, SourceUnreachable)


def _answer_nonsense(server: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the test has shut it down
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
