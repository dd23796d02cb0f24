"""The routes of the site are made once, and each app that has them uses its own services."""

from __future__ import annotations

import json
from dataclasses import replace

from api.app import make_app
from api.app_routes import routes_of, site_routes
from api.routes import ROUTES
from storage.site.audit import AuditLog
from tests.api.conftest import OpenSite


def test_two_apps_share_the_routes_and_each_writes_its_own_audit_log(open_site: OpenSite) -> None:
    site = open_site()
    folder = site.layout.scratch / "audit of the other"
    app = make_app(replace(site.context, audit=AuditLog(folder, site.context.clock)))
    assert app.routes == make_app(site.context).routes == list(site_routes())
    assert all(one is other for one, other in zip(app.routes, site_routes(), strict=True))
    assert site.get("/v1/events").status_code == 200
    lines = site.audit_lines()
    assert lines
    with site.serve(app) as url:
        site.url = url
        assert site.get("/v1/events").status_code == 200
    assert site.audit_lines() == lines
    (file,) = folder.glob("*.jsonl")
    (line,) = file.read_text("utf-8").splitlines()
    assert json.loads(line)["route"] == json.loads(lines[-1])["route"] == "events.search"


def test_other_declarations_have_routes_of_their_own() -> None:
    first, *_ = ROUTES
    (route, *_) = routes_of((first,))
    assert all(route is not one for one in site_routes())
