"""Events as CSV and NDJSON over HTTP: bounded, audited, and never a part that looks whole."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from api.events import exports
from api.events.exports import Exports
from api.events.formats import EventFormat
from domain.camera_scope import CameraScope
from domain.clock import SystemClock
from domain.errors import StoreError
from domain.events.query import EventPage, EventQuery
from domain.people import Role
from sightline.privileges.store_secrets import valkey_url
from sightline.processes.child import Child
from sightline.processes.embedded_servers import valkey
from sightline.processes.ports import free_ports
from storage.clients.redis import connect
from storage.index.event_index import EventIndex
from tests.conftest import STORE_SECRETS

if TYPE_CHECKING:
    from domain.events.event import Event
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

NDJSON = "application/x-ndjson"


def fill(site: Site, make_event: MakeEvent, count: int) -> list[str]:
    """Store events a second apart; return their ids, the newest first."""
    events = [make_event(number) for number in range(count)]
    site.context.index.put_all(events)
    return [event.id for event in reversed(events)]


def csv_rows(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def lines_of(answer: httpx.Response) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows of NDJSON and the summary."""
    *rows, last = [json.loads(line) for line in answer.text.splitlines()]
    return rows, last["summary"]


def audited(site: Site) -> list[dict[str, Any]]:
    return [json.loads(line) for line in site.audit_lines()]


@pytest.mark.parametrize("by", ["format", "Accept"])
def test_csv_has_all_rows_and_headers(site: Site, make_event: MakeEvent, by: str) -> None:
    ids = fill(site, make_event, 7)
    answer = (
        site.get("/v1/events?format=csv")
        if by == "format"
        else site.get("/v1/events", Accept="text/csv")
    )
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert {"Accept", "Accept-Encoding"} == set(re.split(r", *", answer.headers["Vary"]))
    assert (answer.headers["Sightline-Rows"], answer.headers["Sightline-Cut"]) == ("7", "none")
    name = answer.headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="events-\d{8}T\d{6}Z\.csv"', name)
    assert "Link" not in answer.headers
    assert [row["id"] for row in csv_rows(answer)] == ids


def test_ndjson_has_the_items_of_the_list_and_a_summary(site: Site, make_event: MakeEvent) -> None:
    fill(site, make_event, 3)
    rows, summary = lines_of(site.get("/v1/events", Accept=NDJSON))
    items = site.get("/v1/events").json()["items"]
    assert [{**row, "match": None} for row in items] == rows
    assert summary.pop("unanalysed")["camera_count"] == 0
    assert summary == {"rows": 3, "cut": "none", "next": None}


def test_a_list_depends_on_accept_too(site: Site) -> None:
    answer = site.get("/v1/events")
    assert {"Accept", "Accept-Encoding", "Accept-Language"} == set(
        re.split(r", *", answer.headers["Vary"])
    )
    assert "Sightline-Rows" not in answer.headers


def test_a_cut_export_says_so_and_goes_on(
    site: Site, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 2)
    ids = fill(site, make_event, 8)
    found: list[str] = []
    path, accept = "/v1/events?camera=east-gate&limit=3", "text/csv"
    for cut, rows in (("rows", 3), ("rows", 3), ("none", 2)):
        answer = site.get(path, Accept=accept)
        assert (answer.headers["Sightline-Cut"], len(csv_rows(answer))) == (cut, rows)
        assert "-part.csv" in answer.headers["Content-Disposition"]
        found += [row["id"] for row in csv_rows(answer)]
        accept = "*/*"  # the address names the format
        if cut == "rows":
            match = re.fullmatch(r'<(.*)>; rel="next"', answer.headers["Link"])
            assert match is not None
            path = match[1]
    assert found == ids


def test_a_page_and_an_export_share_their_cursors(site: Site, make_event: MakeEvent) -> None:
    ids = fill(site, make_event, 5)
    cursor = site.get("/v1/events?limit=2").json()["next"]
    rows, _ = lines_of(site.get(f"/v1/events?format=ndjson&next={cursor}"))
    assert [row["id"] for row in rows] == ids[2:]
    _, summary = lines_of(site.get("/v1/events?format=ndjson&limit=2"))
    items = site.get(f"/v1/events?next={summary['next']}").json()["items"]
    assert [item["id"] for item in items] == ids[2:]


def test_an_export_ends_after_its_time(
    site: Site, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 2)
    monkeypatch.setattr(exports, "MAX_S", 0.0)
    fill(site, make_event, 5)
    answer = site.get("/v1/events?format=ndjson")
    rows, summary = lines_of(answer)
    assert (len(rows), summary["cut"], answer.headers["Sightline-Cut"]) == (2, "time", "time")
    assert summary["next"] in answer.headers["Link"]


def test_the_number_of_rows_is_bounded(site: Site) -> None:
    for query in ("limit=501", "limit=10001", "format=csv&limit=10001", "format=xml"):
        answer = site.get(f"/v1/events?{query}")
        assert answer.status_code == 400, query
    assert "format=csv" in site.get("/v1/events?limit=501").json()["detail"]
    assert site.get("/v1/events?format=csv&limit=10000").status_code == 200


def test_an_export_needs_right_and_reason(site: Site) -> None:
    assert site.get("/v1/events?format=csv", Role.ADMIN).status_code == 403
    answer = site.get("/v1/events?format=csv", reason=None)
    assert (answer.status_code, answer.json()["type"]) == (
        403,
        "urn:sightline:problem:reason_missing",
    )


def test_an_export_has_only_the_cameras_of_the_person(site: Site, make_event: MakeEvent) -> None:
    site.context.index.put_all([make_event(0, "east-gate"), make_event(1, "school")])
    scope = CameraScope(cameras=("school",))
    site.tokens[Role.OPERATOR] = site.context.people.add(
        "limited-export", Role.OPERATOR, (), scope
    ).token
    for form in ("csv", "ndjson"):
        answer = site.get(f"/v1/events?format={form}", Role.OPERATOR)
        assert answer.headers["Sightline-Rows"] == "1"
        assert b"east-gate" not in answer.content


def test_rows_are_in_the_audit_log_before_and_after(site: Site, make_event: MakeEvent) -> None:
    fill(site, make_event, 4)
    site.get("/v1/events?format=csv&plate=鄂F88888", X_Case="c-7")
    site.eventually(lambda: len(site.audit_lines()) == 2)
    before, after = audited(site)
    assert (before["phase"], before["status"], before["results"]) == ("intent", None, 4)
    assert before["terms"] == {"format": "csv", "plate": "鄂F88888", "limit": "10000"}
    assert (before["reason"], before["case"]) == ("a test", "c-7")
    assert (after["phase"], after["status"], after["results"]) == ("outcome", 200, 4)
    assert after["terms"]["sent"] == "all"
    assert before["request"] == after["request"]


def test_a_client_that_leaves_early_is_in_the_audit_log(site: Site, make_event: MakeEvent) -> None:
    fill(site, make_event, 10_000)
    parts = urlsplit(site.url)
    request = (
        "GET /v1/events?format=ndjson HTTP/1.1\r\nHost: x\r\nX-Reason: a test\r\n"
        f"Authorization: Bearer {site.tokens[Role.INVESTIGATOR]}\r\n\r\n"
    )
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((parts.hostname, parts.port))
        client.sendall(request.encode())
        head = client.recv(4096)
    size_bytes = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert size_bytes is not None
    assert int(size_bytes[1]) > 4_000_000
    site.eventually(lambda: len(site.audit_lines()) == 2)
    before, after = audited(site)
    assert (before["phase"], before["results"]) == ("intent", 10_000)
    assert (after["phase"], after["terms"]["sent"]) == ("outcome", "part")
    assert after["results"] < 10_000


def test_without_the_audit_log_nothing_is_sent(site: Site, make_event: MakeEvent) -> None:
    fill(site, make_event, 2)
    site.get("/v1/session")  # the token exists
    folder = site.layout.audit
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("no folder")
    try:
        answer = site.get("/v1/events?format=csv")
    finally:
        folder.unlink()
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:audit_unavailable",
    )


class _DyingIndex(EventIndex):
    """An index whose server is killed after the first page."""

    child: Child

    def query(self, query: EventQuery, limit: int, after: str | None = None) -> EventPage:
        page = super().query(query, limit, after)
        self.child.kill()
        self.child.join()
        return page


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_lost_index_gives_a_problem_and_no_part(
    open_site: OpenSite,
    make_event: MakeEvent,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 5)
    (port,) = free_ports(1)
    folder = tmp_path / "valkey"
    folder.mkdir()
    child = Child(valkey(folder, port, STORE_SECRETS, folder / "log"), SystemClock())
    child.start()
    child.wait_ready()
    with closing(connect(valkey_url(port, STORE_SECRETS))) as redis:
        index = _DyingIndex(redis)
        index.child = child
        events: list[Event] = [make_event(number) for number in range(20)]
        index.put_all(events)
        site = open_site(index=index)
        answer = site.get(f"/v1/events?format={form}")
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:sightline:problem:index_unavailable",
        )
    (line,) = audited(site)
    assert (line["phase"], line["status"], line["results"]) == ("access", 503, None)
    child.stop()


def test_few_exports_are_made_at_a_time(site: Site, make_event: MakeEvent, tmp_path: Path) -> None:
    """A further export is refused at once; its place is free again after a success or a failure."""
    fill(site, make_event, 1)
    app_exports = Exports(tmp_path, SystemClock(), max_running=1)
    began, goes_on = threading.Event(), threading.Event()

    class Waiting:
        def query(self, *arguments: object) -> object:
            began.set()
            goes_on.wait()
            raise OSError(28, "No space left on device")

    form = exports.ExportForm(EventFormat.CSV, 10, None)
    failures: list[Exception] = []

    def make(events: Any) -> None:
        try:
            visible = site.context.visible(site.context.people.by_token(token))  # type: ignore[arg-type]
            export = app_exports.make(events, EventQuery(), visible, form)
            export.close()
        except StoreError as error:
            failures.append(error)

    token = site.tokens[Role.INVESTIGATOR]
    first = threading.Thread(target=make, args=(Waiting(),))
    first.start()
    began.wait()
    make(site.context.events)
    goes_on.set()
    first.join()
    assert ["already" in str(error) for error in failures] == [True, False]
    assert "No space left" in str(failures[1])
    make(site.context.events)
    assert len(failures) == 2
