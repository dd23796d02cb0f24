"""A blocking route runs in one thread with guard and audit; waiting for the loop is an error."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import httpx
from fastapi import Depends

from api.app import make_app
from api.requests.declarations import Declaration, Scope
from api.routes import ROUTES
from domain.people import Right, Role
from storage.site.audit import AuditEntry, AuditLog
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    import pytest

    from tests.api.conftest import Site

THREADS: list[str] = []


async def _waits() -> None:
    await asyncio.sleep(0)


def _impossible(nothing: Annotated[None, Depends(_waits)]) -> dict[str, str]:
    return {}


def _noted() -> dict[str, str]:
    THREADS.append(threading.current_thread().name)
    return {"said": "so"}


def _asked(site: Site, path: str, *added: Declaration) -> httpx.Response:
    headers = {"Authorization": f"Bearer {site.tokens[Role.INVESTIGATOR]}", "X-Reason": "test"}
    with site.serve(make_app(site.context, (*ROUTES, *added))) as url:
        return httpx.get(url + path, headers=headers, trust_env=False, timeout=PATIENCE_S)


def _look(path: str, endpoint: Callable[..., Any]) -> Declaration:
    return Declaration(
        "GET",
        path,
        endpoint,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="test.look",
        is_evidence_access=True,
    )


def test_the_audit_line_is_written_by_the_thread_of_the_endpoint(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = AuditLog.append

    def noted(self: AuditLog, entry: AuditEntry) -> None:
        THREADS.append(threading.current_thread().name)
        append(self, entry)

    monkeypatch.setattr(AuditLog, "append", noted)
    THREADS.clear()
    answer = _asked(site, "/v1/noted", _look("/v1/noted", _noted))
    assert (answer.status_code, answer.json()) == (200, {"said": "so"})
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["route"], entry["status"]) == ("test.look", 200)
    assert len(THREADS) == 2, "one entry"
    assert THREADS[0] == THREADS[1] != threading.main_thread().name


def test_a_blocking_route_that_waits_for_the_loop_fails_and_is_recorded(site: Site) -> None:
    answer = _asked(site, "/v1/waits", _look("/v1/waits", _impossible))
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:sightline:problem:internal")
    assert json.loads(site.audit_lines()[-1])["status"] == 500
