"""Which parts of a camera's recordings are damaged, as far as they were read."""

from __future__ import annotations

from api.access.api_context import ApiContext, KnownCamera
from api.cameras.segment_locator import locate, state_of
from domain.clock import NS_PER_DAY
from domain.errors import NodeOffline
from storage.recordings.damaged_fragments import DamagedFragment
from storage.recordings.recorded_ranges import Range


def damaged_parts(context: ApiContext, known: KnownCamera, span: Range) -> list[Range]:
    """Return the parts of a range for which a recording has a damaged fragment.

    A segment that was replaced since is not damaged, until it is read and found to be. Raises
    IndexUnavailable.
    """
    camera_id = known.camera.id
    kept_ns = context.clock.wall_ns() - known.kept_days * NS_PER_DAY
    fragments = context.damaged_fragments.of(camera_id)
    if fragments and fragments[0].end_ns < kept_ns:
        context.damaged_fragments.forget_before(camera_id, kept_ns - NS_PER_DAY)
    fragments = [one for one in fragments if one.start_ns < span[1] and one.end_ns > span[0]]
    if not fragments:
        return []
    from_ns = max(span[0], min(one.start_ns for one in fragments))
    to_ns = min(span[1], max(one.end_ns for one in fragments))
    try:
        found = locate(context, camera_id, from_ns, to_ns, with_heads=False)
    except NodeOffline:  # nothing is located, so nothing of it is recorded as far as is known
        return []
    by_state: dict[str, list[DamagedFragment]] = {}
    for one in fragments:
        by_state.setdefault(one.state, []).append(one)
    states = {one.key: state_of(one) for one in found.segments}
    return sorted(
        (start_ns, end_ns)
        for piece in found.pieces
        for one in by_state.get(states[piece.segment.key], ())
        if (start_ns := max(one.start_ns, piece.from_ns)) < (end_ns := min(one.end_ns, piece.to_ns))
    )
