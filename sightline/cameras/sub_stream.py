"""A camera's second, smaller stream: pulled only while somebody asks for it, and never recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from domain.clock import Clock
from domain.media.fanout import Fanout
from domain.registry import Camera, Credentials, Networks
from domain.settings import Settings
from ingest.rtsp.pull_loop import PullLoop
from ingest.streamer import Streamer
from sightline.cameras.pull_policy import PullPolicy


def as_camera(camera: Camera) -> Camera | None:
    """The sub-stream as a camera of its own, `<id>/sub` in logs and metrics; None where there
    is none.
    """
    if camera.substream is None:
        return None
    changes = {
        "id": f"{camera.id}/sub",
        "url": camera.substream.url,
        "record": "on_demand",
        "checkpoint": (),
    }
    return camera.model_copy(update=changes)


class SubStreamPull:
    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        networks: Networks,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """`camera`: by `as_camera`."""
        self._fanout = Fanout()
        self._streamer = Streamer(camera, credentials, networks, self._fanout, settings, clock)
        self._demand = PullPolicy(camera, lambda: False, clock)
        self._tending = threading.Lock()
        self._is_pulled = False
        self._is_over = False

    @contextmanager
    def watching(self, loop: PullLoop) -> Iterator[Fanout]:
        """Its packets; it is pulled meanwhile, and a little longer."""
        with self._demand.watching():
            self.tend(loop)
            yield self._fanout

    def tend(self, loop: PullLoop) -> None:
        """Pull, or not, as is wanted now. To be called about once a second."""
        with self._tending:
            if self._is_over:
                return
            is_pulled = self._demand.is_pulled()
            if is_pulled and not self._is_pulled:
                self._streamer.start(loop)
            elif self._is_pulled and not is_pulled:
                self._streamer.stop()
            self._is_pulled = is_pulled

    def stop(self) -> None:
        """Ask it to end; `join` waits for that."""
        with self._tending:
            self._is_over = True
            self._streamer.stop()

    def join(self) -> None:
        self._streamer.join()
        self._fanout.close_all()
