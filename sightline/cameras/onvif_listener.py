"""The ONVIF events of a worker's cameras: one thread for all of them.

Each camera is a long poll that waits nearly all its life, so a thread a camera would be hundreds
that sleep. One event loop holds them, and as it is none of the threads that pull and write, nothing
that a device does or leaves undone can hold recording up.
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
MOST_S = 30.0
"""No request lasts longer; each has a shorter limit of its own."""
LOOK_EVERY_S = 0.25
"""How soon a camera that comes or goes, and `stop`, is seen."""
NONE_S = 1.0
"""And how soon the first camera."""


class OnvifListener:
    def __init__(self, wanted: Callable[[], Sequence[OnvifEvents]]) -> None:
        """`wanted`: the cameras to be listened to now; each for as long as it is the same
        object.
        """
        self._wanted = wanted
        self._tasks: dict[OnvifEvents, asyncio.Task[None]] = {}

    def run(self, stop: threading.Event) -> None:
        loop = (
            asyncio.new_event_loop()
        )  # asyncio.run would wait for a name server that does not answer
        try:
            loop.run_until_complete(self._run(stop))
        finally:
            loop.close()

    async def _run(self, stop: threading.Event) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(timeout=MOST_S, trust_env=False, limits=limits) as http:
            try:
                while not stop.is_set():
                    self._follow(http)
                    if (
                        len(asyncio.all_tasks()) > 1
                    ):  # this one, and those that listen or are ending
                        await asyncio.sleep(LOOK_EVERY_S)
                    else:
                        stop.wait(NONE_S)  # nothing else is in this loop
            finally:
                for task in self._tasks.values():
                    task.cancel()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)
                self._tasks.clear()

    def _follow(self, http: httpx.AsyncClient) -> None:
        wanted = self._wanted()
        for events in [gone for gone in self._tasks if gone not in wanted]:
            self._tasks.pop(events).cancel()
        for events in wanted:
            if events not in self._tasks:
                self._tasks[events] = asyncio.create_task(_lasting(events, http))


async def _lasting(events: OnvifEvents, http: httpx.AsyncClient) -> None:
    """A fault of ours is its camera's alone, is seen, and begins again."""
    while True:
        try:
            await events.run(http)
        except Exception:  # noqa: BLE001 - logged with its traceback and counted
            _log.exception(
                "%s: the job `onvif` failed; it restarts in %.0f s", events.camera_id, PAUSE_S
            )
            JOB_FAILURES.labels(events.camera_id, "onvif").inc()
        await asyncio.sleep(PAUSE_S)
