"""The sub-stream of a camera, which is pulled only for viewers and never recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from domain.clock import Clock
from domain.media.fanout import Fanout
from domain.registry import Camera, Credentials, Networks
from domain.settings import Settings
from ingest.rtsp.pull_loop import PullLoop
from ingest.rtsp.source import RtspSource
from ingest.streamer import Streamer
from sightline.cameras.pull_policy import PullPolicy


def as_camera(camera: Camera) -> Camera | None:
    """Return the sub-stream as a camera with the id `<id>/sub`; None where there is none."""
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
    """Pulls the sub-stream of one camera while it has viewers."""

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        networks: Networks,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """`camera` is the result of `as_camera`."""
        self._fanout = Fanout()
        self._streamer = Streamer(
            camera,
            RtspSource(camera, credentials, networks, settings),
            self._fanout,
            settings,
            clock,
            is_urgent=True,
        )
        self._policy = PullPolicy(camera, lambda: False, clock)
        self._update_lock = threading.Lock()
        self._is_pulled = False
        self._is_over = False

    @contextmanager
    def watching(self, loop: PullLoop) -> Iterator[Fanout]:
        """Yield the packets for a viewer; the sub-stream is pulled a little longer than that."""
        with self._policy.watching():
            self.update(loop)
            yield self._fanout

    def update(self, loop: PullLoop) -> None:
        """Start or stop the pull as viewers require. It is to be called about once a second."""
        with self._update_lock:
            if self._is_over:
                return
            is_pulled = self._policy.is_pulled()
            if is_pulled and not self._is_pulled:
                self._streamer.start(loop)
            elif self._is_pulled and not is_pulled:
                self._streamer.stop()
            self._is_pulled = is_pulled

    def stop(self) -> None:
        """Begin to stop; `join` waits for the end."""
        with self._update_lock:
            self._is_over = True
            self._streamer.stop()

    def join(self) -> None:
        self._streamer.join()
        self._fanout.close_all()
