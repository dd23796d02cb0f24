"""The declarations of the routes of the site: its page, health, nodes, holds and the audit log."""

from __future__ import annotations

from api.base_map.tile_archive import JPEG, PNG, VECTOR, WEBP
from api.limits.thread_pools import Pool
from api.requests.declarations import Access, Declaration, Scope
from api.requests.problems import NOT_FOUND, PRECONDITION_FAILED, RECORD_ENDED
from api.site import audit, base_map, console, holds, nodes, site
from domain.people import Right

SITE_ROUTES: tuple[Declaration, ...] = (
    Declaration("GET", "/", console.read_page, Access.ANYONE, Scope.NONE, media_type=console.HTML),
    Declaration(
        "GET",
        "/assets/{name}",
        console.read_asset,
        Access.ANYONE,
        Scope.NONE,
        media_type=console.SCRIPT,
        other_media_types=(console.STYLE, console.SVG),
    ),
    Declaration("GET", "/v1/site", site.read_site, Access.ANYONE, Scope.NONE),
    Declaration("GET", "/healthz", site.read_health, Access.ANYONE, Scope.NONE),
    Declaration("GET", "/readyz", site.read_readiness, Access.ANYONE, Scope.NONE, answers_503=True),
    Declaration(
        "GET",
        "/metrics",
        site.read_metrics,
        Right.METRICS_READ,
        Scope.WHOLE_SITE,
        media_type="text/plain",
    ),
    Declaration("GET", "/openapi.json", site.read_openapi, Access.ANYONE, Scope.NONE),
    Declaration(
        "GET",
        base_map.TILE_ADDRESS,
        base_map.read_map_tile,
        Access.SIGNED_IN,
        Scope.NONE,
        media_type=PNG,
        other_media_types=(JPEG, WEBP, VECTOR),
        answers_204=True,
        headers=("Cache-Control", "Vary", "Content-Encoding"),
    ),
    Declaration("GET", "/v1/nodes", nodes.list_nodes, Right.CAMERAS_READ, Scope.WHOLE_SITE),
    Declaration(
        "GET",
        "/v1/audit",
        audit.list_audit_lines,
        Right.AUDIT_READ,
        Scope.WHOLE_SITE,
        audit="audit.read",
        pool=Pool.PLAYBACK,
    ),
    Declaration(
        "GET",
        "/v1/audit/export",
        audit.export_audit_lines,
        Right.AUDIT_READ,
        Scope.WHOLE_SITE,
        audit="audit.export",
        media_type=audit.NDJSON,
        headers=("Content-Disposition",),
        pool=Pool.PLAYBACK,
    ),
    Declaration("GET", "/v1/alarms", site.list_alarms, Right.CAMERAS_READ, Scope.SITE),
    Declaration(
        "GET", "/v1/holds", holds.list_holds, Right.EVIDENCE, Scope.SITE, audit="holds.list"
    ),
    Declaration(
        "POST",
        "/v1/holds",
        holds.place_hold,
        Right.EVIDENCE,
        Scope.SITE,
        audit="hold.place",
        problems=(NOT_FOUND,),
        creates=True,
        headers=("ETag",),
    ),
    Declaration(
        "GET",
        "/v1/holds/{id}",
        holds.read_hold,
        Right.EVIDENCE,
        Scope.SITE,
        audit="hold.read",
        headers=("ETag",),
    ),
    Declaration(
        "PATCH",
        "/v1/holds/{id}",
        holds.change_hold,
        Right.EVIDENCE,
        Scope.SITE,
        audit="hold.change",
        also_governed_as=("hold.release",),
        problems=(PRECONDITION_FAILED, RECORD_ENDED),
        headers=("ETag",),
    ),
    Declaration(
        "DELETE",
        "/v1/holds/{id}",
        holds.release_hold,
        Right.EVIDENCE,
        Scope.SITE,
        audit="hold.release",
        has_reason_header=True,
        problems=(PRECONDITION_FAILED,),
    ),
)
