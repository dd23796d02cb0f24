"""Recordings as files: whole, as byte ranges, and while they are recorded."""

from __future__ import annotations

import base64
import email
import hashlib
from typing import TYPE_CHECKING

import httpx
import pytest

from api.cameras import layout_reader, recordings
from api.cameras.recording_files import FRESH_S
from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_MS, ManualClock, SystemClock, rfc3339
from storage.recordings.ledger import open_name
from tests.api.cameras.recorded_site import Record, address, at, store

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().wall_ns())


@pytest.fixture
def whole(site: Site, record: Record) -> bytes:
    record(site.layout, "east-gate", at(0), 4)
    site.hold("east-gate")
    return site.get(address(1, 4)).content


def test_a_part_is_the_same_bytes(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=100-299")
    assert (answer.status_code, answer.content) == (206, whole[100:300])
    assert answer.headers["Content-Range"] == f"bytes 100-299/{len(whole)}"
    assert site.get(address(1, 4), Range="bytes=-50").content == whole[-50:]


def test_a_part_of_another_file_is_the_whole(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=0-9", If_Range='"another"')
    assert (answer.status_code, answer.content) == (200, whole)
    etag = answer.headers["ETag"]
    assert site.get(address(1, 4), Range="bytes=0-9", If_Range=etag).content == whole[:10]


def test_several_parts_are_one_response(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=0-9,100-199, -20")
    assert answer.status_code == 206
    assert answer.headers["Content-Length"] == str(len(answer.content))
    kind = answer.headers["Content-Type"]
    parts = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.content)
    assert [part.get_payload(decode=True) for part in parts.walk()][1:] == [
        whole[:10],
        whole[100:200],
        whole[-20:],
    ]
    last = f"bytes {len(whole) - 20}-{len(whole) - 1}/{len(whole)}"
    assert [part["Content-Range"] for part in parts.walk()][1:] == [
        f"bytes 0-9/{len(whole)}",
        f"bytes 100-199/{len(whole)}",
        last,
    ]
    assert site.get(address(1, 4), Range=f"bytes={'0-1,' * 17}").status_code == 416


def test_a_deleted_segment_makes_another_file(
    open_site: OpenSite, record: Record, clock: ManualClock
) -> None:
    site = open_site(clock=clock)
    paths = [record(site.layout, "east-gate", at(start_s), 4) for start_s in (0, 4, 8)]
    site.hold("east-gate")
    before = site.get(address(1, 12))
    clock.advance(FRESH_S)
    assert site.get(address(1, 12), Range="bytes=5-9").content == before.content[5:10]
    paths[1].unlink()
    clock.advance(FRESH_S)
    etag = before.headers["ETag"]
    after = site.get(address(1, 12), Range="bytes=5-9", If_Range=etag)
    assert (after.status_code, len(after.content)) == (200, int(after.headers["Content-Length"]))
    assert after.headers["ETag"] != etag
    assert after.headers["Sightline-Gaps"] == f"{rfc3339(at(4))}/{rfc3339(at(8))}"


def test_a_segment_that_is_deleted_while_it_is_sent_ends_the_response(
    open_site: OpenSite, record: Record, clock: ManualClock
) -> None:
    site = open_site(clock=clock)
    paths = [record(site.layout, "east-gate", at(start_s), 4) for start_s in (0, 4)]
    site.hold("east-gate")
    before = site.get(address(0, 8))
    paths[1].unlink()
    with pytest.raises(httpx.RemoteProtocolError):
        site.get(address(0, 8), Range="bytes=0-")
    # The next request lists the segments again at once.
    again = site.get(address(0, 8), Range="bytes=0-", If_Range=before.headers["ETag"])
    assert again.status_code == 200
    assert again.headers["ETag"] != before.headers["ETag"]
    assert again.headers["Sightline-Gaps"] == f"{rfc3339(at(4))}/{rfc3339(at(8))}"


def test_the_digest_of_the_whole_file_is_sent_on_request(site: Site, whole: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(whole).digest()).decode()
    answer = site.get(address(1, 4), Want_Repr_Digest="md5=3, sha-256=10")
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    part = site.get(address(1, 4), Want_Repr_Digest="sha-256=10", Range="bytes=10-19")
    assert part.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    head = site.get(address(1, 4), method="HEAD", Want_Repr_Digest="sha-256=1")
    assert head.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    for unwanted in ("sha-256=0", "sha-512=5", "sha-256=99"):
        assert "Repr-Digest" not in site.get(address(1, 4), Want_Repr_Digest=unwanted).headers
    assert "Repr-Digest" not in site.get(address(1, 3602), Want_Repr_Digest="sha-256=1").headers


def test_all_ranges_of_a_file_are_one_line_of_the_audit_log(site: Site, whole: bytes) -> None:
    lines = len(site.audit_lines())
    for first in range(0, 1000, 100):
        site.get(address(1, 4), Range=f"bytes={first}-{first + 99}")
    assert len(site.audit_lines()) == lines == 1


def test_while_the_end_is_recorded_the_answer_is_the_address_of_a_fixed_range(
    site: Site, record: Record
) -> None:
    written = record(site.layout, "east-gate", at(0), 10)
    written.rename(written.with_name(open_name("east-gate", at(0) // NS_PER_MS, 1)))
    site.statuses.append(
        CameraStatus("east-gate", CameraState.LIVE, at(0), recorded_until_ns=at(10))
    )
    site.hold("east-gate")
    answer = site.get(address(1, 60))
    fixed_range = httpx.URL(answer.headers["Location"])
    assert (answer.status_code, fixed_range.params) == (307, httpx.URL(address(1, 8)).params)
    fixed = site.get(answer.headers["Location"])
    assert (fixed.status_code, fixed.headers["Sightline-Gaps"]) == (200, "none")


def test_a_range_outside_the_file_is_refused(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range=f"bytes={len(whole)}-")
    assert (answer.status_code, answer.json()["type"]) == (
        416,
        "urn:sightline:problem:range_not_satisfiable",
    )
    assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"


def test_a_head_request_has_no_body(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(whole))
    assert answer.headers["Sightline-Gaps"] == "none"
    ranged = site.get(address(1, 4), method="HEAD", Range="bytes=0-9")
    assert (ranged.status_code, ranged.headers["Content-Length"]) == (200, str(len(whole)))
    assert "Content-Range" not in ranged.headers
    assert site.get(address(1, 4), method="HEAD", Range=f"bytes={len(whole)}-").status_code == 200


def test_a_recording_that_the_client_has_is_not_sent_again(site: Site, whole: bytes) -> None:
    etag = site.get(address(1, 4), method="HEAD").headers["ETag"]
    for method in ("GET", "HEAD"):
        answer = site.get(
            address(1, 4), method=method, If_None_Match=f'"a", W/{etag}', Range="bytes=0-9"
        )
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    assert site.get(address(1, 4), If_None_Match='"a"').content == whole


def test_ranges_that_overlap_are_sent_once(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=0-,0-,100-,-500")
    assert (answer.status_code, answer.content) == (206, whole)
    assert answer.headers["Content-Range"] == f"bytes 0-{len(whole) - 1}/{len(whole)}"


def test_a_range_with_too_much_to_read_in_the_store_is_refused(
    open_site: OpenSite, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site()
    store(site, record(site.layout, "school", at(200), 4))
    site.hold("school")
    monkeypatch.setattr(layout_reader, "MOST_UNKNOWN_BYTES", 1000)
    answer = site.get(address(200, 204, "school"))
    assert answer.status_code == 400
    assert "request it in parts" in answer.json()["detail"]


def test_more_gaps_than_a_header_holds_are_in_the_linked_coverage(
    site: Site, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start_s in (0, 6, 12, 18):
        record(site.layout, "east-gate", at(start_s), 2)
    site.hold("east-gate")
    all_listed = site.get(address(0, 20))
    assert len(all_listed.headers["Sightline-Gaps"].split(", ")) == 3
    assert "Link" not in all_listed.headers
    monkeypatch.setattr(recordings, "MOST_RANGES_BYTES", 160)
    answer = site.get(address(0, 20))
    gaps = answer.headers["Sightline-Gaps"]
    assert gaps == f"{rfc3339(at(2))}/{rfc3339(at(6))}, {rfc3339(at(8))}/{rfc3339(at(12))}, more"
    assert len(gaps) <= 160
    coverage = site.get(answer.links["describedby"]["url"]).json()
    found = [(gap["from"], gap["to"]) for gap in coverage["gaps"]]
    assert found == [(rfc3339(at(end)), rfc3339(at(end + 4))) for end in (2, 8, 14)]
