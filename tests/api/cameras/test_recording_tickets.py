"""Tickets to recordings, for downloads and players that send no headers, and joined keyframes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.clock import ManualClock, SystemClock, rfc3339
from tests.api.an_hour_ago import CAMERA, Record, at, record_twice, span

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site


@pytest.fixture
def recorded(site: Site, record: Record) -> Site:
    record_twice(site, record)
    return site


def address_of(site: Site, from_s: float, to_s: float) -> str:
    answer = site.get(f"{CAMERA}/recording/ticket?{span(from_s, to_s)}", reason="查找")
    assert answer.status_code == 200, answer.text
    address: str = answer.json()["address"]
    return site.url + address


def test_a_recording_is_downloaded_and_continued_without_headers(recorded: Site) -> None:
    address = address_of(recorded, 0, 8)
    whole = recorded.http.get(address)
    assert whole.content == recorded.get(f"{CAMERA}/recording?{span(0, 8)}").content
    rest = recorded.http.get(address, headers={"Range": "bytes=1000-"})
    assert (rest.status_code, rest.content) == (206, whole.content[1000:])
    assert rest.headers["ETag"] == whole.headers["ETag"]


def test_a_ticket_opens_its_range_of_its_camera_alone(recorded: Site) -> None:
    address = address_of(recorded, 0, 4)
    later = address.replace(f"to={quoted(4)}", f"to={quoted(8)}")
    other = address.replace("east-gate", "west-gate")
    assert address not in (later, other)
    for changed in (later, other):
        answer = recorded.http.get(changed)
        assert answer.status_code == 403, changed
        assert answer.json()["type"] == "urn:sightline:problem:forbidden"


def quoted(seconds: float) -> str:
    return rfc3339(at(seconds)).replace(":", "%3A")


def test_a_ticket_to_a_recording_expires(open_site: OpenSite, record: Record) -> None:
    clock = ManualClock(SystemClock().wall_ns())
    site = open_site(clock=clock)
    record_twice(site, record)
    address = address_of(site, 0, 8)
    assert site.http.get(address).status_code == 200
    clock.advance(610)
    assert site.http.get(address).status_code == 401


def test_a_download_by_ticket_is_recorded_for_its_person(recorded: Site) -> None:
    address = address_of(recorded, 0, 8)
    recorded.http.get(address)
    asked, read = (json.loads(line) for line in recorded.audit_lines())
    assert (asked["route"], read["route"]) == ("camera.recording_ticket", "camera.recording")
    assert (read["person"], read["reason"]) == (asked["person"], "查找")
    assert "ticket" not in read["terms"]


def test_keyframes_of_one_hour_are_one_viewing(recorded: Site) -> None:
    for from_s in (0, 1, 2):
        assert recorded.get(f"{CAMERA}/keyframes?{span(from_s, from_s + 2)}").status_code == 200
    (line,) = (json.loads(line) for line in recorded.audit_lines())
    assert line["route"] == "camera.keyframes"
    recorded.viewings.flush(is_last=True)
    closed = json.loads(recorded.audit_lines()[-1])
    assert (closed["phase"], closed["terms"]["requests"]) == ("viewed", "3")


def test_keyframes_belong_to_the_viewing_of_their_playlist(recorded: Site) -> None:
    recorded.get(f"{CAMERA}/playlist?{span(0, 18)}")
    recorded.get(f"{CAMERA}/keyframes?{span(1, 3)}")
    assert len(recorded.audit_lines()) == 1


def test_keyframes_of_a_long_range_are_an_entry_of_their_own(recorded: Site) -> None:
    recorded.get(f"{CAMERA}/playlist?{span(0, 18)}")
    assert recorded.get(f"{CAMERA}/keyframes?{span(1, 120)}").status_code == 200
    assert len(recorded.audit_lines()) == 2
