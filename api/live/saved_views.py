"""Routes of saved views: the cameras of a live wall, which a person saves for themselves or shares.

A person gets their own views, and the shared ones with a camera that the person may see. A camera
outside of the scope is an empty tile and is counted. Only the maker changes a view; administrators
change shared ones too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.live.saved_view_models import (
    DamagedSavedView,
    SavedView,
    SavedViewAsked,
    SavedViewChange,
    SavedViewList,
)
from api.requests.conditions import IfMatch, expected_version, version_tag
from api.requests.cursors import MAX_ITEMS, ListLimit, newest_first
from api.requests.parameters import Next
from api.requests.reasons import one_line
from api.requests.request_trace import Trace
from domain.camera_scope import VisibleCameras
from domain.errors import Forbidden, NotFound, QueryInvalid, Unauthenticated
from domain.paths.object_keys import dated_id
from domain.people import Person, Right
from storage.site.saved_views import NO_SAVED_VIEW, SavedViewRecord

SavedViewId = Annotated[
    str,
    Path(
        alias="id",
        pattern=r"^\d{8}-[0-9a-f]{8}$",
        description="the id of a saved view",
        examples=["20261124-5f1c0a52"],
    ),
]


def list_saved_views(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    limit: ListLimit = MAX_ITEMS,
    next_: Next = None,
) -> SavedViewList:
    """List the person's own views and the shared ones, the newest first."""
    person, known = _person(trace), context.saved_views.all()
    seen = [view for view in known.records if _may_see(person, visible, view)]
    page = newest_first(
        seen, lambda view: (view.made_at, view.id), "saved views", visible, limit, next_
    )
    damaged = known.damaged if visible.is_all else ()
    return SavedViewList(
        items=[_answer(person, visible, view) for view in page.items],
        next=page.next,
        damaged=[DamagedSavedView.of(one) for one in damaged],
    )


def read_saved_view(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    view_id: SavedViewId,
    response: Response,
) -> SavedView:
    """Return a view. Its ETag changes with each change."""
    person = _person(trace)
    view = _visible_view(context, person, visible, view_id)
    response.headers["ETag"] = version_tag(view.version)
    return _answer(person, visible, view)


def save_view(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    asked: SavedViewAsked,
    response: Response,
) -> SavedView:
    """Save a view: for the person alone, or for all who may see one of its cameras."""
    person, now_ns = _person(trace), context.clock.wall_ns()
    view = SavedViewRecord(
        id=trace.new_id or dated_id(context.clock),
        name=one_line("name", asked.name),
        is_shared=asked.is_shared,
        tiles=asked.tiles,
        cameras=_checked_cameras(context, visible, asked.cameras, asked.tiles),
        made_by=person.name,
        made_at=now_ns,
        changed_by=person.name,
        changed_at=now_ns,
    )
    trace.terms["saved_view"] = view.id
    view = context.saved_views.add(view, person, is_repeated=bool(trace.new_id))
    response.headers["Location"] = f"/v1/saved-views/{view.id}"
    response.headers["ETag"] = version_tag(view.version)
    return _answer(person, visible, view)


def change_saved_view(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    view_id: SavedViewId,
    asked: SavedViewChange,
    response: Response,
    if_match: IfMatch = None,
) -> SavedView:
    """Change the name, the cameras or the number of tiles of a view, or whether it is shared."""
    person = _person(trace)
    view = _changeable_view(context, person, visible, view_id)
    update: dict[str, object] = asked.model_dump(exclude_none=True)
    if not update:
        raise QueryInvalid(
            "name", "is absent, and so are `is_shared`, `tiles` and `cameras`; give one of them"
        )
    if asked.name is not None:
        update["name"] = one_line("name", asked.name)
    if asked.cameras is not None or asked.tiles is not None:
        tiles = asked.tiles or view.tiles
        _check_nothing_is_hidden(visible, view)
        cameras = view.cameras if asked.cameras is None else asked.cameras
        update["cameras"] = _checked_cameras(context, visible, cameras, tiles, view.cameras)
    # What was checked above is what is changed, also if the request names no version.
    expected = expected_version(if_match)
    if expected is None:
        expected = view.version
    if asked.is_shared is not None:
        trace.terms["is_shared"] = "1" if asked.is_shared else "0"
    if asked.cameras is not None:
        trace.terms["cameras"] = ",".join(asked.cameras)
    view = context.saved_views.change(view_id, person.name, update, expected)
    response.headers["ETag"] = version_tag(view.version)
    return _answer(person, visible, view)


def delete_saved_view(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    view_id: SavedViewId,
    if_match: IfMatch = None,
) -> SavedView:
    """Delete a view. Its record is kept with the person's name."""
    person = _person(trace)
    _changeable_view(context, person, visible, view_id)
    view = context.saved_views.delete(view_id, person.name, expected_version(if_match))
    return _answer(person, visible, view)


def _checked_cameras(
    context: ApiContext,
    visible: VisibleCameras,
    cameras: Sequence[str],
    tiles: int,
    known: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the cameras by tile, up to the last used one. Those in `known` may have left the
    registry.

    Raises QueryInvalid, and NotFound for an unknown camera.
    """
    named = [camera for camera in cameras if camera]
    if not named:
        raise QueryInvalid("cameras", "has only empty tiles; name at least one camera")
    used = max(tile for tile, camera in enumerate(cameras, 1) if camera)
    if used > tiles:
        raise QueryInvalid(
            "cameras",
            "has a camera for tile {tile}, and the view has {tile_count}; leave it out",
            tile=used,
            tile_count=tiles,
        )
    if len(set(named)) < len(named):
        raise QueryInvalid("cameras", "has a camera twice; give it one tile")
    for camera in named:
        if camera not in known:
            context.camera(camera, visible)
    return tuple(cameras[:used])


def _check_nothing_is_hidden(visible: VisibleCameras, view: SavedViewRecord) -> None:
    """Check that a change of the cameras removes none that the person cannot see. Raises
    Forbidden.
    """
    hidden_count = sum(1 for camera in view.cameras if camera and camera not in visible)
    if hidden_count:
        raise Forbidden(
            "this view has cameras outside of your scope ({hidden_count}), so "
            "you cannot change its tiles; save a new view",
            hidden_count=hidden_count,
        )


def _answer(person: Person, visible: VisibleCameras, view: SavedViewRecord) -> SavedView:
    cameras = [camera if camera in visible else "" for camera in view.cameras]
    return SavedView.of(view, cameras, _may_change(person, view))


def _visible_view(
    context: ApiContext, person: Person, visible: VisibleCameras, view_id: str
) -> SavedViewRecord:
    """Return a view that a person may see. Raises NotFound for any other."""
    view = context.saved_views.get(view_id)
    if not _may_see(person, visible, view):
        raise NotFound(NO_SAVED_VIEW, view=repr(view_id))
    return view


def _changeable_view(
    context: ApiContext, person: Person, visible: VisibleCameras, view_id: str
) -> SavedViewRecord:
    view = _visible_view(context, person, visible, view_id)
    if not _may_change(person, view):
        raise Forbidden(
            "only {maker} and administrators change this view; save a new one instead",
            maker=view.made_by,
        )
    return view


def _may_see(person: Person, visible: VisibleCameras, view: SavedViewRecord) -> bool:
    is_shared = view.is_shared and any(camera in visible for camera in view.cameras if camera)
    return is_shared or view.is_of(person)


def _may_change(person: Person, view: SavedViewRecord) -> bool:
    return view.is_of(person) or (view.is_shared and person.may(Right.PEOPLE_ADMIN))


def _person(trace: Trace) -> Person:
    if trace.person is None:
        raise Unauthenticated("saved views belong to a person; send a token")
    return trace.person
