"""The route of triggers, which have a camera recorded or its recording kept."""

from __future__ import annotations

from starlette.responses import Response

from api.access.api_context import Context, RequestTrace, Visible
from api.cameras.cameras import holder
from api.cameras.models import TriggerAsked, TriggerView
from api.requests.parameters import CameraId
from domain.clock import NS_PER_S, rfc3339
from domain.errors import TriggerRefused
from domain.recordings.triggers import Trigger, accepts_triggers_from
from domain.registry import Camera


def add_trigger(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    camera_id: CameraId,
    asked: TriggerAsked,
    response: Response,
) -> TriggerView:
    """Record a camera for a while and keep that for its retention.

    An on-demand camera is pulled meanwhile. The trigger is on the node's disk before the response
    is sent, whose `Location` is the coverage of the time.
    """
    camera = context.camera(camera_id, visible)
    _check(camera)
    lease = holder(context, camera_id)
    now_ns = context.clock.wall_ns()
    trigger = Trigger(
        camera_id, "api", now_ns, now_ns + round(asked.duration_s * NS_PER_S), trace.reason
    )
    context.node_client.trigger(lease.node_api_url, lease.node, trigger)
    span = f"from={rfc3339(trigger.start_ns)}&to={rfc3339(trigger.end_ns)}"
    response.headers["Location"] = f"/v1/cameras/{camera_id}/coverage?{span}"
    return TriggerView(
        camera=camera_id, from_=trigger.start_ns, to=trigger.end_ns, reason=trigger.reason
    )


def _check(camera: Camera) -> None:
    if not camera.enabled:
        raise TriggerRefused(
            "{camera} is disabled in the registry, so nothing records it", camera=camera.id
        )
    if not accepts_triggers_from(camera, "api"):
        raise TriggerRefused("`triggers` of {camera} in the registry lacks `api`", camera=camera.id)
