"""A client that asks for the SHA-256 of a recording and leaves does not have it computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from api.app import make_app
from api.cameras.digest_cache import RecordingDigests
from api.requests.error_responses import CLIENT_DISCONNECTED
from domain.people import Role
from tests.api.cameras.held_reading import HeldReading
from tests.api.cameras.recorded_site import Record, address, at
from tests.api.cameras.test_recordings_of_nodes import another_node
from tests.security.raw_http import connected, request_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

DIGEST = "Want-Repr-Digest: sha-256=10"


def test_a_digest_stops_when_its_client_disconnects(
    open_site: OpenSite, record: Record, tmp_path: Path
) -> None:
    reading = HeldReading()
    site = open_site(node_client=reading)
    app = make_app(site.context)
    digests: RecordingDigests = app.state.recordings.digests
    with another_node(site, tmp_path / "node-2") as (layout, node), site.serve(app) as url:
        for start_s in (0, 4, 8):
            record(layout, "east-gate", at(start_s), 4)
        site.hold("east-gate", "node-2", node)
        with connected(url) as connection:
            connection.sendall(request_of(site, address(1, 11), DIGEST))
            wait_for("reading", lambda: reading.opened == 1 and digests._requests)
            second = site.http.get(url + address(1, 11), headers=_headers(site))
            assert (second.status_code, second.headers["Retry-After"]) == (429, "2")
        wait_for("disconnect", lambda: not any(one.is_open for one in digests._requests))
        reading.released.set()
        wait_for("audit line", lambda: CLIENT_DISCONNECTED in _statuses(site))
        assert reading.opened == 1
        answer = site.http.get(url + address(1, 11), headers=_headers(site))
        assert (answer.status_code, "Repr-Digest" in answer.headers) == (200, True)


def _headers(site: Site) -> dict[str, str]:
    name, _, value = DIGEST.partition(": ")
    token = f"Bearer {site.tokens[Role.INVESTIGATOR]}"
    return {name: value, "X-Reason": "a test", "Authorization": token}


def _statuses(site: Site) -> list[int | None]:
    return [json.loads(line)["status"] for line in site.audit_lines()]
