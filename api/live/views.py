"""The live views of an API process: how many may be open, and who may still watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from anyio import CancelScope, to_thread
from starlette.types import Receive, Scope, Send

from api.access.api_context import ApiContext
from api.access.privacy_masks import check_unmasked_view
from api.access.standing_access import FollowerAccess, StandingAccess
from api.live.channels import LiveChannels
from api.live.detection_channels import DetectionChannels
from api.live.viewer import LiveTarget, LiveView
from api.requests.audit_recorder import AuditRecorder
from api.requests.request_trace import Trace
from api.websockets.handshakes import ServerSocket, WebSocketAnswer
from domain.errors import RateLimited
from domain.media.viewer_metrics import LIVE_VIEWERS
from domain.messages.message import Message
from domain.metrics import REQUESTS_LIMITED
from domain.people import Right

_RETRY_AFTER_S = 2.0


class LiveViews:
    """The live views of one app. Only its event loop may open them."""

    def __init__(self, context: ApiContext, recorder: AuditRecorder) -> None:
        self.context = context
        self.recorder = recorder
        self.channels = LiveChannels(context)
        self.detections = DetectionChannels(context)
        self.access = StandingAccess.of_site(context)
        self._of_person: Counter[str] = Counter()
        self._of_camera: Counter[str] = Counter()

    @contextmanager
    def opened(self, person: str, camera_id: str) -> Iterator[None]:
        """Count a view while it is open. Raises RateLimited if there are too many."""
        settings = self.context.settings
        if self._of_person[person] >= settings.live_views_per_person:
            self._refuse(
                Message(
                    "{person} has {most_views} live views open already",
                    person=person,
                    most_views=settings.live_views_per_person,
                )
            )
        if self._of_camera[camera_id] >= settings.live_views_per_camera:
            self._refuse(
                Message(
                    "{camera} has {most_viewers} viewers already",
                    camera=camera_id,
                    most_viewers=settings.live_views_per_camera,
                )
            )
        self._count(person, camera_id, 1)
        try:
            yield
        finally:
            self._count(person, camera_id, -1)

    async def record_end(self, trace: Trace) -> None:
        """Write the closing line of a viewing, if it has an opening line."""
        if trace.viewing is not None:
            with CancelScope(shield=True):
                await to_thread.run_sync(self.recorder.viewings.end, trace.viewing)

    def _refuse(self, sentence: Message) -> None:
        REQUESTS_LIMITED.labels("live").inc()
        raise RateLimited(
            "{limit_reached}, through this API process; close one of them",
            _RETRY_AFTER_S,
            limit_reached=sentence,
        )

    def _count(self, person: str, camera_id: str, more: int) -> None:
        for counter, key in ((self._of_person, person), (self._of_camera, camera_id)):
            counter[key] += more
            if not counter[key]:
                del counter[key]
        LIVE_VIEWERS.labels(camera_id).inc(more)


class LiveAnswer(WebSocketAnswer):
    """Answers the handshake of a live view. The route has checked right, scope and parameters."""

    def __init__(self, views: LiveViews, trace: Trace, target: LiveTarget) -> None:
        super().__init__()
        self._views = views
        self._trace = trace
        self._target = target

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises RateLimited before the handshake is accepted."""
        person = self._trace.person
        assert person is not None
        with self._views.opened(person.name, self._target.camera_id):
            try:
                await super().__call__(scope, receive, send)
            finally:
                await self._views.record_end(self._trace)

    async def serve(self, socket: ServerSocket) -> None:
        views = self._views
        access = LiveAccess(views, self._trace, self._target.camera_id)
        detections = views.detections if self._target.has_detections else None
        clock = views.context.clock
        view = LiveView(socket, views.channels, self._target, access, clock, detections)
        await view.run()


class LiveAccess:
    """The access of one view."""

    def __init__(self, views: LiveViews, trace: Trace, camera_id: str) -> None:
        self._context = views.context
        self._trace = trace
        self._camera_id = camera_id
        self._access: FollowerAccess = views.access.of(trace)

    async def check(self) -> None:
        """Raises Forbidden if the token or the right has ended, if the policy no longer permits the
        view, or if the camera has privacy masks now that the person may not see through. Raises
        NotFound if the camera has left the registry or the scope of the person.
        """
        await self._access.check()
        self._trace.person = self._access.person
        camera = self._context.camera(self._camera_id, self._access.visible)
        check_unmasked_view(self._trace, camera)

    def may_read_events(self) -> bool:
        """Whether the person may see what is detected, as of the last check."""
        return self._access.person.may(Right.EVENTS_READ)
