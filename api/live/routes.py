"""The declarations of the routes of live video."""

from __future__ import annotations

from api.live import live_video, whep
from api.requests.declarations import Declaration, Scope
from api.requests.problems import CODEC_UNSUPPORTED, PRECONDITION_FAILED, UPGRADE_REQUIRED
from domain.people import Right

LIVE_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/cameras/{id}/live",
        live_video.watch_camera,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit="camera.live",
        is_evidence_access=True,
        allows_ticket=True,
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
        answers_secret=True,
    ),
    Declaration(
        "POST",
        "/v1/cameras/{id}/whep",
        whep.watch_by_whep,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit="camera.whep",
        is_evidence_access=True,
        has_reason_header=True,
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
        answers_secret=True,
        answers_204=True,
        body_text=whep.SDP_FRAGMENT,
        problems=(PRECONDITION_FAILED,),
        media_type=whep.SDP_FRAGMENT,
        headers=("ETag",),
    ),
    Declaration(
        "DELETE",
        "/v1/cameras/{id}/whep/{session}",
        whep.end_whep,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit="camera.whep_end",
    ),
)
