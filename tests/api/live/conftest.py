"""A node with one camera that a test feeds: its main stream and its sub-stream."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from domain.media.packets import Packet
from tests.live_station import Station, tapped
from tests.recorded import PLAIN, START_NS, Material, packets_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.api.conftest import Site

CAMERA = "east-gate"
LIVE = f"/v1/cameras/{CAMERA}/live"


@dataclass
class Camera:
    """The camera `east-gate` of the node of a site."""

    site: Site
    station: Station
    put_count: dict[str, int] = field(default_factory=dict)

    def put(
        self,
        count: int,
        stream: str = CAMERA,
        material: Material = PLAIN,
        start_ns: int = START_NS,
        session: int = 1,
    ) -> list[Packet]:
        """Put the next packets of a stream once it is pulled; return them."""
        first = self.put_count.get(stream, 0)
        self.put_count[stream] = first + count
        packets = packets_of(material, start_ns, session)[first : first + count]
        return self.put_packets(packets, stream)

    def put_packets(self, packets: list[Packet], stream: str = CAMERA) -> list[Packet]:
        fanout = self.station.fanouts[stream]
        wait_for("the pull", lambda: fanout.taps)
        for packet in packets:
            fanout.put(packet)
        return packets

    @contextmanager
    def feeding(self) -> Iterator[None]:
        """Put the main stream picture by picture meanwhile, faster than a camera sends it."""
        stop = threading.Event()

        def feed() -> None:
            while not stop.wait(0.01):
                self.put(1)

        thread = threading.Thread(target=feed)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def station(site: Site) -> Iterator[Station]:
    station = Station(CAMERA, f"{CAMERA}/sub")
    site.hold(CAMERA)
    with tapped(site.layout.live_socket(0), station):
        yield station
        wait_for("end of the pulls", lambda: not station.watchers.total())


@pytest.fixture
def camera(site: Site, station: Station) -> Camera:
    return Camera(site, station)
