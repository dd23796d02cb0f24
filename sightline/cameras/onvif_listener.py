"""Receives the ONVIF events of a worker's cameras in one thread.

Each camera is a long poll that waits nearly all the time, so one event loop serves all of them
instead of hundreds of idle threads. It is separate from the threads that pull and write, so that no
device can delay recording.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

import httpx

from domain.metrics import JOB_FAILURES
from ingest.onvif.client import OnvifEvents
from sightline.processes.supervised_threads import PAUSE_S

_log = logging.getLogger(__name__)
MAX_REQUEST_S = 30.0
"""The longest duration of a request; each request has a shorter limit of its own."""
POLL_S = 0.25
"""How often changes of the cameras and `stop` are checked."""
IDLE_POLL_S = 1.0
"""How often they are checked while there is no camera."""


class OnvifListener:
    """Runs one task for each camera that triggers by ONVIF."""

    def __init__(self, cameras: Callable[[], Sequence[OnvifEvents]]) -> None:
        """`cameras` returns the current cameras; a new object replaces the task of a camera."""
        self._cameras = cameras
        self._tasks: dict[OnvifEvents, asyncio.Task[None]] = {}

    def run(self, stop: threading.Event) -> None:
        # `asyncio.run` would wait for a name server that does not respond.
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._run(stop))
        finally:
            loop.close()

    async def _run(self, stop: threading.Event) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(timeout=MAX_REQUEST_S, trust_env=False, limits=limits) as http:
            try:
                while not stop.is_set():
                    self._update_tasks(http)
                    if len(asyncio.all_tasks()) > 1:  # this task and those of cameras
                        await asyncio.sleep(POLL_S)
                    else:
                        stop.wait(IDLE_POLL_S)  # no other task is in this loop
            finally:
                for task in self._tasks.values():
                    task.cancel()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)
                self._tasks.clear()

    def _update_tasks(self, http: httpx.AsyncClient) -> None:
        cameras = self._cameras()
        for events in [known for known in self._tasks if known not in cameras]:
            self._tasks.pop(events).cancel()
        for events in cameras:
            if events not in self._tasks:
                self._tasks[events] = asyncio.create_task(_run_supervised(events, http))


async def _run_supervised(events: OnvifEvents, http: httpx.AsyncClient) -> None:
    """Run the events of one camera, and restart them after a logged and counted failure."""
    while True:
        try:
            await events.run(http)
        except Exception:  # noqa: BLE001 - logged with its traceback and counted
            _log.exception(
                "%s: the job `onvif` failed; it restarts in %.0f s", events.camera_id, PAUSE_S
            )
            JOB_FAILURES.labels(events.camera_id, "onvif").inc()
        await asyncio.sleep(PAUSE_S)
