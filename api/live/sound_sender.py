"""What one viewer of live video is sent of the camera's sound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from api.live.channels import LiveChannels, LiveSubscription
from api.live.models import LiveSoundInitMessage, LiveSoundProblemMessage
from api.requests.answers import Answer
from api.requests.problems import Problem
from domain.clock import NS_PER_S, Clock
from domain.errors import SightlineError
from domain.media.live_stream import LiveFragment, LiveInit
from domain.media.viewer_metrics import LIVE_SKIPPED

RETRY_AFTER_S = 5.0
"""The time after which sound that has ended is requested from the node again."""


class SoundSender:
    """The sound of one viewer who requested it.

    It is taken together with the pictures, and its end is reported, so it never delays or
    interrupts the pictures.
    """

    def __init__(
        self,
        channels: LiveChannels,
        camera_id: str,
        describe: Callable[[SightlineError], Problem],
        clock: Clock,
        ready: asyncio.Event,
    ) -> None:
        """`ready` is set when `take` has something to return."""
        self._channels = channels
        self._camera_id = camera_id
        self._describe = describe
        self._clock = clock
        self._ready = ready
        self._init: LiveInit | None = None
        self._skipped = 0
        self._reported = ""
        """The last problem that was reported, while there is no sound."""
        self._retry_s = 0.0
        self._subscription: LiveSubscription | None = self._join()

    def check(self) -> None:
        """Request sound that has ended again. It is to be called about once a second."""
        if self._subscription is None and self._clock.monotonic_s() >= self._retry_s:
            self._skipped = 0
            self._subscription = self._join()

    def take(self) -> list[Answer | bytes]:
        """Return the messages that are due: texts, and the data of fragments."""
        if self._subscription is None:
            return []
        queue = self._subscription.queue
        messages = self._messages(queue.take())
        if queue.skipped > self._skipped:
            LIVE_SKIPPED.labels(self._camera_id, "sound").inc(queue.skipped - self._skipped)
            self._skipped = queue.skipped
        if queue.error is not None:
            messages += self._stop(queue.error)
        return messages

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _join(self) -> LiveSubscription:
        return self._channels.join(self._camera_id, "sound", self._ready)

    def _messages(self, fragments: Sequence[LiveFragment]) -> list[Answer | bytes]:
        messages: list[Answer | bytes] = []
        waiting: list[bytes] = []
        for one in fragments:
            if one.init is not self._init:
                messages += [b"".join(waiting)] if waiting else []
                waiting = []
                messages += self._begin(one)
            waiting.append(one.data)
        return [*messages, b"".join(waiting)] if waiting else messages

    def _begin(self, first: LiveFragment) -> list[Answer | bytes]:
        init = self._init = first.init
        self._reported = ""
        message = LiveSoundInitMessage(
            mime=init.mime, codec=init.codec, starts_at_s=first.media_ns / NS_PER_S
        )
        return [message, init.data]

    def _stop(self, cause: SightlineError) -> list[Answer | bytes]:
        self.close()
        self._init = None
        self._retry_s = self._clock.monotonic_s() + RETRY_AFTER_S
        if self._reported == str(cause):
            return []
        self._reported = str(cause)
        return [LiveSoundProblemMessage(problem=self._describe(cause))]
