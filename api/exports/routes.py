"""The declarations of the routes of exports of recordings."""

from __future__ import annotations

from api.exports import exports
from api.limits.thread_pools import Pool
from api.requests.declarations import Declaration, Scope
from api.requests.problems import (
    EXPORT_GONE,
    EXPORT_NOT_READY,
    NOT_FOUND,
    PRECONDITION_FAILED,
)
from domain.people import Right

RECORDING = "camera.recording"
"""An export gives the same material as this call, so a policy for it is in force here too."""

EXPORT_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/exports",
        exports.list_exports,
        Right.RECORDINGS_READ,
        Scope.SITE,
    ),
    Declaration(
        "POST",
        "/v1/exports",
        exports.create_export,
        Right.RECORDINGS_READ,
        Scope.SITE,
        audit="export.create",
        also_governed_as=(RECORDING,),
        problems=(NOT_FOUND,),
        creates=True,
        headers=("ETag",),
    ),
    Declaration(
        "GET",
        "/v1/exports/{id}",
        exports.read_export,
        Right.RECORDINGS_READ,
        Scope.SITE,
        headers=("ETag",),
    ),
    Declaration(
        "DELETE",
        "/v1/exports/{id}",
        exports.delete_export,
        Right.RECORDINGS_READ,
        Scope.SITE,
        audit="export.delete",
        has_reason_header=True,
        problems=(PRECONDITION_FAILED,),
    ),
    Declaration(
        "GET",
        "/v1/exports/{id}/file",
        exports.read_export_file,
        Right.RECORDINGS_READ,
        Scope.SITE,
        audit="export.download",
        is_evidence_access=True,
        also_governed_as=(RECORDING,),
        media_type=exports.ZIP,
        allows_head=True,
        allows_many_ranges=True,
        allows_if_none_match=True,
        problems=(EXPORT_NOT_READY, EXPORT_GONE),
        headers=("Content-Disposition",),
        pool=Pool.RECORDINGS,
    ),
)
