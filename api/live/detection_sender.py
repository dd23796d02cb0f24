"""What one viewer of live video is sent of the detections, while the person may read events."""

from __future__ import annotations

from collections.abc import Callable

from api.live.detection_channels import DetectionChannels, DetectionSubscription
from api.live.models import LiveDetectionMessage, LiveDetectionsStateMessage
from api.requests.answers import Answer
from api.requests.problems import Problem
from domain.clock import NS_PER_S, Clock
from domain.errors import Forbidden, SightlineError
from domain.people import Right

RETRY_AFTER_S = 5.0
"""The time after which detections that have ended are requested from the node again."""


class DetectionSender:
    """The detections of one viewer who requested them.

    Messages are taken together with the pictures, so they never delay or interrupt these.
    """

    def __init__(
        self,
        channels: DetectionChannels,
        camera_id: str,
        describe: Callable[[SightlineError], Problem],
        clock: Clock,
        on_ready: Callable[[], None],
    ) -> None:
        """`on_ready` is called when `take` has something to return."""
        self._channels = channels
        self._camera_id = camera_id
        self._describe = describe
        self._clock = clock
        self._on_ready = on_ready
        self._is_permitted = True
        self._subscription: DetectionSubscription | None = None
        self._retry_s = 0.0
        self._reports: list[Answer] = []
        self._begin()

    def check(self, may_read_events: bool) -> None:
        """Apply the present right of the person. It is to be called about once a second."""
        if not self._is_permitted:
            return
        if not may_read_events:
            self._is_permitted = False
            self._stop(Forbidden("detections need the right `{right}`", right=Right.EVENTS_READ))
        elif self._subscription is None and self._clock.monotonic_s() >= self._retry_s:
            self._begin()

    def take(self, media_after_wall_ns: int) -> list[Answer]:
        """Return the messages that are due. The media time of a picture is its wall time plus
        `media_after_wall_ns`.
        """
        subscription = self._subscription
        if subscription is None:
            messages, self._reports = self._reports, []
            return messages
        found = [
            LiveDetectionMessage(
                picture_at=one.wall_ns,
                media_s=(one.wall_ns + media_after_wall_ns) / NS_PER_S,
                items=one.items,
            )
            for one in subscription.take()
        ]
        if subscription.error is not None:
            self._retry_s = self._clock.monotonic_s() + RETRY_AFTER_S
            self._stop(subscription.error)
        messages, self._reports = [*self._reports, *found], []
        return messages

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _begin(self) -> None:
        self._subscription = self._channels.join(self._camera_id, self._on_ready)
        self._report(LiveDetectionsStateMessage(is_on=True))

    def _stop(self, cause: SightlineError) -> None:
        self.close()
        self._report(LiveDetectionsStateMessage(is_on=False, problem=self._describe(cause)))

    def _report(self, message: Answer) -> None:
        self._reports.append(message)
        self._on_ready()
