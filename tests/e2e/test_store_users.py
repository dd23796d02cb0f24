"""A whole site runs with the rights of its store users: no call to a store is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from sightline.privileges.store_secrets import valkey_url
from sightline.privileges.store_users import StoreUser
from sightline.processes.instance import instance_secrets, runtime_of
from simulator import SimCamera, Simulator
from storage.clients.redis import connect
from tests.e2e.conftest import REASON, Site, camera, have_clips
from tests.footage import Footage
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def _send(site: Site, method: str, path: str, body: dict[str, Any], **more: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {site.token('investigator')}", **REASON, **more}
    url = f"http://127.0.0.1:{site.port}{path}"
    answer = httpx.request(method, url, json=body, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code in (200, 201), answer.text
    return answer


def _is_answered(site: Site, path: str, parameters: dict[str, str]) -> bool:
    """Return whether a route answers; on a busy machine a node may be too slow at first."""
    status = site.get(path, **parameters).status_code
    assert status in (200, 404, 503), (path, status)
    return status != 503


def _use_the_api(site: Site) -> None:
    """Call routes that read and write every kind of key in both stores."""
    event = next(one for one in site.events() if one["clip_ready"])
    for path, parameters in (
        (f"/v1/events/{event['id']}/clip", {}),
        (f"/v1/events/{event['id']}/snapshot", {}),
        ("/v1/events", {"plate": "*A*"}),
        ("/v1/events", {"plate": event["plate"]["text"] or "京A12345", "fuzzy": "1"}),
        ("/v1/events/histogram", {}),
        ("/v1/journeys", {"plate": "京A12345"}),
        ("/v1/journeys/impossible", {}),
        ("/v1/cameras", {}),
        (
            "/v1/cameras/gate/coverage",
            {"from": event["started_at"], "to": event["ended_at"]},
        ),
        ("/v1/alarms", {}),
        ("/readyz", {}),
    ):
        wait_for(path, partial(_is_answered, site, path, parameters))
    hold = {"camera": "gate", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    _send(site, "POST", "/v1/holds", hold | {"reason": "a test"}, **{"Idempotency-Key": "k1"})
    assert site.get("/v1/holds", role="investigator").status_code == 200
    assert site.get("/v1/watches", role="investigator").status_code == 200
    correction = {"plate": "京A12345", "version": 0, "reason": "a test"}
    _send(site, "PATCH", f"/v1/events/{event['id']}", correction)


def _use_the_commands(site: Site) -> None:
    entries = json.loads(site.registry.read_text())
    entries["cameras"][0]["name"] = "another name"
    site.registry.write_text(json.dumps(entries))
    site.run("cameras", "apply", str(site.registry))
    site.run("user", "list")
    site.run("retention", "run")
    site.run("index", "rebuild")
    site.run("audit", "verify")
    site.run("storage", "check")


def test_no_call_to_a_store_is_refused(make_site: Callable[..., Site], footage: Footage) -> None:
    with Simulator([SimCamera("gate", footage.plates)]) as simulator:
        site = make_site([camera("gate", simulator.url("gate"), ["plate"])])
        site.start()
        wait_for("events with clips", partial(have_clips, site))
        _use_the_api(site)
        _use_the_commands(site)
        runtime = runtime_of(site.layout)
        assert runtime is not None
        assert runtime.valkey_port is not None
        redis = connect(valkey_url(runtime.valkey_port, instance_secrets(site.layout).stores))
        assert "NOPERM" not in str(redis.do("INFO", "errorstats")), redis.do("ACL LOG")
        connected = str(redis.do("CLIENT LIST"))
        assert all(user in connected for user in StoreUser)
        redis.close()
        assert site.stop() == 0
    for log in site.layout.logs.glob("*.log"):
        text = log.read_text()
        assert "AccessDenied" not in text, log.name
        assert "NOPERM" not in text, log.name
