"""The declarations of the routes of live video."""

from __future__ import annotations

from api.live import live_video
from api.requests.declarations import Declaration, Scope
from api.requests.problems import UPGRADE_REQUIRED
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
)
