"""Video of cameras with privacy masks is stored without them, so it needs a right of its own."""

from __future__ import annotations

from api.access.api_context import ApiContext
from api.requests.request_trace import Trace
from domain.camera_scope import VisibleCameras
from domain.errors import Forbidden, NotFound
from domain.people import Right
from domain.registry import Camera


def check_unmasked_view(trace: Trace, camera: Camera) -> None:
    """Check that the person may see unmasked video of this camera. Raises Forbidden."""
    if camera.masks and (trace.person is None or not trace.person.may(Right.UNMASKED_VIEW)):
        raise Forbidden(
            "{camera} has privacy masks, and its video is not masked; it needs the right `{right}`",
            camera=camera.id,
            right=Right.UNMASKED_VIEW,
        )


def check_unmasked_clip(
    context: ApiContext, trace: Trace, visible: VisibleCameras, camera_id: str
) -> None:
    """Check the same for a clip, whose camera may be unknown by now."""
    try:
        known = context.known_camera(camera_id, visible)
    except NotFound:
        return
    check_unmasked_view(trace, known.camera)
