"""The declarations of the routes of live video."""

from __future__ import annotations

from api.live import live_video, saved_views, whep
from api.live.live_tickets import LIVE_OF_CAMERA, WHEP_SESSION
from api.requests.declarations import Declaration, Scope
from api.requests.problems import (
    CODEC_UNSUPPORTED,
    NOT_FOUND,
    PRECONDITION_FAILED,
    UPGRADE_REQUIRED,
)
from domain.people import Right

LIVE, WHEP = "camera.live", "camera.whep"
"""Both show the same video, so a policy for one of them is in force for the other too."""
LIVE_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/cameras/{id}/live",
        live_video.watch_camera,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit=LIVE,
        also_governed_as=(WHEP,),
        is_evidence_access=True,
        right_of_term={"detections": Right.EVENTS_READ},
        allows_ticket=True,
        ticket_path=LIVE_OF_CAMERA,
        upgrades=True,
        begins_viewing=True,
        problems=(UPGRADE_REQUIRED,),
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/live/ticket",
        live_video.read_live_ticket,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit="camera.live_ticket",
        is_evidence_access=True,
        right_of_term={"detections": Right.EVENTS_READ},
        answers_secret=True,
    ),
    Declaration(
        "POST",
        "/v1/cameras/{id}/whep",
        whep.watch_by_whep,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit=WHEP,
        also_governed_as=(LIVE,),
        is_evidence_access=True,
        has_reason_header=True,
        allows_ticket=True,
        ticket_path=LIVE_OF_CAMERA,
        creates=True,
        answers_secret=True,
        begins_viewing=True,
        body_text=whep.SDP,
        problems=(CODEC_UNSUPPORTED,),
        media_type=whep.SDP,
        headers=("ETag", "Accept-Patch", "Link"),
    ),
    Declaration(
        "PATCH",
        "/v1/cameras/{id}/whep/{session}",
        whep.change_whep,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit="camera.whep_change",
        allows_ticket=True,
        ticket_path=WHEP_SESSION,
        is_of_viewing=True,
        answers_secret=True,
        answers_204=True,
        body_text=whep.SDP_FRAGMENT,
        problems=(PRECONDITION_FAILED,),
        media_type=whep.SDP_FRAGMENT,
        headers=("ETag",),
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/whep/{session}/state",
        whep.read_whep,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        allows_ticket=True,
        ticket_path=WHEP_SESSION,
    ),
    Declaration(
        "DELETE",
        "/v1/cameras/{id}/whep/{session}",
        whep.end_whep,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit="camera.whep_end",
        allows_ticket=True,
        ticket_path=WHEP_SESSION,
        is_of_viewing=True,
    ),
)
SAVED_VIEW_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET", "/v1/saved-views", saved_views.list_saved_views, Right.LIVE_VIEW, Scope.SITE
    ),
    Declaration(
        "POST",
        "/v1/saved-views",
        saved_views.save_view,
        Right.LIVE_VIEW,
        Scope.SITE,
        audit="saved_view.create",
        problems=(NOT_FOUND,),
        creates=True,
        headers=("ETag",),
    ),
    Declaration(
        "GET",
        "/v1/saved-views/{id}",
        saved_views.read_saved_view,
        Right.LIVE_VIEW,
        Scope.SITE,
        headers=("ETag",),
    ),
    Declaration(
        "PATCH",
        "/v1/saved-views/{id}",
        saved_views.change_saved_view,
        Right.LIVE_VIEW,
        Scope.SITE,
        audit="saved_view.change",
        problems=(PRECONDITION_FAILED,),
        headers=("ETag",),
    ),
    Declaration(
        "DELETE",
        "/v1/saved-views/{id}",
        saved_views.delete_saved_view,
        Right.LIVE_VIEW,
        Scope.SITE,
        audit="saved_view.delete",
        problems=(PRECONDITION_FAILED,),
    ),
)
"""A saved view names cameras and has no picture, so its changes need no reason of their own."""
