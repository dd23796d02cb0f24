"""Exports: what their file has, in any byte ranges, and what is said when recordings change."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import av
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.exports.manifest_page import CAUSES
from api.translations.catalogue import in_chinese
from domain.clock import S_PER_DAY, moment, rfc3339
from domain.messages.message import Message
from domain.people import Role
from domain.recordings.gaps import GapCause
from domain.settings import Settings
from storage.exports.records import ExportGap
from tests.api.exports.export_site import (
    ExportSite,
    asked,
    at,
    open_export_site,
    unpacked,
)
from tests.examples import examples
from tests.recorded import HEVC, PLAIN

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite


@pytest.fixture(scope="module")
def module_exports(open_module_site: OpenSite) -> ExportSite:
    return open_export_site(open_module_site, settings=LIMITS)


@pytest.fixture
def exports(module_exports: ExportSite) -> ExportSite:
    module_exports.restart()
    return module_exports


LIMITS = Settings(
    exports_per_person=3,
    export_hours_per_person=1,
    person_requests_per_s=0,
    address_requests_per_s=0,
)


_CHARSET = '<meta charset="utf-8">'
"""The only element of the page that XML would have to close."""


def recording(exports: ExportSite, camera: str, from_s: float, to_s: float) -> bytes:
    address = f"/v1/cameras/{camera}/recording?from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"
    return exports.site.get(address).content


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_the_file_has_the_recordings_of_all_cameras_and_a_manifest(exports: ExportSite) -> None:
    for camera in ("east-gate", "west-gate"):
        exports.record(camera)
    export = exports.made(("east-gate", 1, 11), ("west-gate", 2, 8), ("west-gate", 9, 14))
    assert (export["state"], export["file_count"]) == ("ready", 3)
    answer = exports.download(export)
    assert int(answer.headers["Content-Length"]) == len(answer.content) == export["size_bytes"]
    zipped = unpacked(answer.content)
    assert zipped.namelist()[0] == "manifest.json"
    expected = [
        recording(exports, "east-gate", 1, 11),
        recording(exports, "west-gate", 2, 8),
        recording(exports, "west-gate", 9, 14),
    ]
    names = zipped.namelist()[1:-2]
    assert [zipped.read(name) for name in names] == expected
    manifest = json.loads(zipped.read("manifest.json"))
    assert (manifest["reason"], manifest["signature"]) == ("theft 2026-118", None)
    files = [file for entry in manifest["ranges"] for file in entry["files"]]
    assert [file["sha256"] for file in files] == [
        hashlib.sha256(content).hexdigest() for content in expected
    ]
    assert [file["name"] for file in files] == names
    (gap,) = manifest["ranges"][2]["gaps"]
    assert (gap["from"], gap["to"]) == (rfc3339(at(12)), rfc3339(at(14)))
    for content in expected:
        with av.open(io.BytesIO(content), "r") as container:
            assert next(container.decode(video=0)).width == 128


def test_other_programs_unpack_the_file_and_check_its_hashes(
    exports: ExportSite, tmp_path: Path
) -> None:
    for camera in ("east-gate", "west-gate"):
        exports.record(camera)
    export = exports.made(("east-gate", 1, 11), ("west-gate", 2, 8))
    packed, folder = tmp_path / "export.zip", tmp_path / "unpacked"
    packed.write_bytes(exports.download(export).content)
    assert run_in(tmp_path, "unzip", "-tq", packed.name).startswith("No errors detected")
    run_in(tmp_path, "unzip", "-q", packed.name, "-d", folder.name)
    checked = run_in(folder, "sha256sum", "--strict", "-c", "SHA256SUMS").splitlines()
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert sorted([*checked, "SHA256SUMS: OK"]) == [f"{name}: OK" for name in names]
    assert len(names) == 5
    video = next(folder.rglob("*.mp4"))
    damaged = bytearray(video.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    video.write_bytes(damaged)
    with pytest.raises(subprocess.CalledProcessError):
        run_in(folder, "sha256sum", "--strict", "-c", "SHA256SUMS")


def run_in(folder: Path, *command: str) -> str:
    """Run a program; return what it prints. Raises CalledProcessError."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def test_the_manifest_marks_what_the_recorder_did_not_hash(exports: ExportSite) -> None:
    """Without the recording index, the hash of the export is the first one."""
    for camera in ("east-gate", "west-gate"):
        exports.record(camera)
    shutil.rmtree(exports.site.layout.recording_index / "west-gate")
    export = exports.made(("east-gate", 1, 11), ("west-gate", 1, 11))
    manifest = json.loads(unpacked(exports.download(export).content).read("manifest.json"))
    late = [file["hashed_late"] for entry in manifest["ranges"] for file in entry["files"]]
    assert late == [[], [{"from": rfc3339(at(1)), "to": rfc3339(at(11))}]]


def test_a_page_for_people_has_what_the_manifest_has(exports: ExportSite) -> None:
    for camera in ("east-gate", "west-gate"):
        exports.record(camera)
    shutil.rmtree(exports.site.layout.recording_index / "west-gate")
    reason = "<b>盗窃</b> & theft"
    export = exports.made(("east-gate", 1, 11), ("west-gate", 2, 14), reason=reason)
    zipped = unpacked(exports.download(export).content)
    assert zipped.namelist()[-2:] == ["manifest.html", "SHA256SUMS"]
    page, manifest = zipped.read("manifest.html").decode(), zipped.read("manifest.json")
    root = ElementTree.fromstring(page.replace("<!DOCTYPE html>", "").replace(_CHARSET, ""))
    cells = ["".join(cell.itertext()) for cell in root.iter("td")]
    assert reason in cells
    assert hashlib.sha256(manifest).hexdigest() in cells
    ranges = json.loads(manifest)["ranges"]
    for file in (file for entry in ranges for file in entry["files"]):
        assert {file["name"], str(file["size_bytes"])} <= set(cells)
        assert any(cell.startswith(file["sha256"]) for cell in cells)
    (gap,) = ranges[1]["gaps"]
    assert CAUSES[GapCause(gap["cause"])] in cells
    start = moment(at(12)).astimezone(ZoneInfo("Asia/Shanghai"))
    assert f"{start:%Y-%m-%d %H:%M:%S}.000 +08:00" in cells
    assert page.count("不能证明此前的内容") == 1
    headings = ["".join(one.itertext()) for one in root.iter("h2")]
    assert [one.rpartition(" ")[2] for one in headings] == ["(east-gate)", "(west-gate)"]


def test_each_cause_of_a_gap_is_named_on_the_page() -> None:
    assert set(CAUSES) == set(GapCause)


def test_a_change_of_codec_makes_several_files_and_no_gap(exports: ExportSite) -> None:
    exports.record("east-gate", PLAIN, HEVC, PLAIN)
    export = exports.made(("east-gate", 1, 35))
    assert (export["state"], export["gaps"]) == ("ready", [])
    zipped = unpacked(exports.download(export).content)
    codecs = []
    names = zipped.namelist()[1:-2]
    for name in names:
        with av.open(io.BytesIO(zipped.read(name)), "r") as container:
            codecs.append(container.streams.video[0].codec_context.name)
    assert codecs == ["h264", "hevc", "h264"]
    assert [name.partition("_part")[2] for name in names] == ["", "2.mp4", "3.mp4"]


def test_ranges_head_and_if_range_are_of_one_file(exports: ExportSite) -> None:
    exports.record("east-gate")
    export = exports.made(("east-gate", 1, 11))
    whole = exports.download(export)
    etag = whole.headers["ETag"]
    head = exports.download(export, method="HEAD")
    assert (head.headers["ETag"], head.headers["Content-Length"], head.content) == (
        etag,
        whole.headers["Content-Length"],
        b"",
    )
    assert f"export-{export['id']}.zip" in head.headers["Content-Disposition"]
    part = exports.download(export, Range="bytes=100-9999", If_Range=etag)
    assert (part.status_code, part.content) == (206, whole.content[100:10000])
    stale = exports.download(export, Range="bytes=100-9999", If_Range='"another"')
    assert (stale.status_code, stale.content) == (200, whole.content)
    assert exports.download(export, Range="bytes=-7").content == whole.content[-7:]
    many = exports.download(export, Range="bytes=0-9,200-299")
    assert (many.status_code, whole.content[200:300] in many.content) == (206, True)
    assert exports.download(export, If_None_Match=etag).status_code == 304
    outside = exports.download(export, Range=f"bytes={len(whole.content)}-")
    assert problem(outside) == (416, "range_not_satisfiable")


def test_any_ranges_joined_are_the_whole(exports: ExportSite) -> None:
    for camera in ("east-gate", "west-gate"):
        exports.record(camera)
    export = exports.made(("east-gate", 1, 6), ("west-gate", 2, 8))
    whole = exports.download(export).content

    @given(st.lists(st.integers(0, len(whole)), max_size=4))
    @settings(max_examples=examples(20), suppress_health_check=list(HealthCheck), deadline=None)
    def check(cuts: list[int]) -> None:
        edges = sorted({0, len(whole), *cuts})
        joined = b"".join(
            exports.download(export, Range=f"bytes={first}-{last - 1}").content
            for first, last in pairwise(edges)
        )
        assert joined == whole

    check()


def test_an_export_is_not_ready_until_it_was_read(exports: ExportSite) -> None:
    exports.record("east-gate")
    created = exports.create(asked(("east-gate", 1, 11)))
    assert created.headers["Location"] == f"/v1/exports/{created.json()['id']}"
    assert (created.json()["state"], created.json()["progress"]) == ("waiting", 0)
    answer = exports.download(created.json())
    assert problem(answer) == (409, "export_not_ready")
    assert answer.headers["Retry-After"] == "5"


def test_a_deleted_and_an_expired_export_are_gone(exports: ExportSite) -> None:
    exports.record("east-gate")
    deleted, expired = (exports.made(("east-gate", 1, end)) for end in (10, 11))
    address = f"/v1/exports/{deleted['id']}"
    assert exports.site.get(address, Role.OPERATOR, method="DELETE").json()["state"] == "deleted"
    assert problem(exports.download(deleted)) == (410, "export_gone")
    exports.clock.step(7 * S_PER_DAY)
    assert exports.read(expired["id"])["state"] == "expired"
    assert "has expired" in exports.download(expired).json()["detail"]


def test_a_deleted_recording_is_named_and_a_restored_one_is_sent(exports: ExportSite) -> None:
    paths = exports.record("east-gate")
    export = exports.made(("east-gate", 1, 11))
    whole = exports.download(export).content
    content = paths[1].read_bytes()
    paths[1].unlink()
    exports.later()
    gone = exports.download(export, Range="bytes=0-")
    assert problem(gone) == (410, "export_gone")
    assert f"east-gate lacks {rfc3339(at(4))} to {rfc3339(at(8))}" in gone.json()["detail"]
    found = exports.read(export["id"])
    assert (found["state"], found["file"]) == ("incomplete", None)
    assert found["why"] == gone.json()["detail"]
    chinese = exports.site.get(f"/v1/exports/{export['id']}", Accept_Language="zh").json()
    assert chinese["why"] == (
        f"east-gate 自读取后缺少 {rfc3339(at(4))} 至 {rfc3339(at(8))}（unknown）；"
        "请将其余录像新建导出"
    )
    assert chinese["message"]["parts"]["spans"]["parts"]["start"] == {"at": rfc3339(at(4))}
    # Bytes of the manifest are of no recording, and are still those that were promised.
    assert exports.download(export, method="HEAD").status_code == 410
    paths[1].write_bytes(content)  # from a backup
    exports.later()
    assert exports.download(export).content == whole
    assert exports.read(export["id"])["state"] == "ready"


def test_damaged_bytes_are_never_sent(exports: ExportSite) -> None:
    paths = exports.record("east-gate")
    export = exports.made(("east-gate", 0, 12))
    whole = exports.download(export).content
    damaged = bytearray(paths[1].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    paths[1].write_bytes(damaged)
    exports.later()
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        receive(exports, export["id"], received)
    assert whole.startswith(bytes(received))
    gone = exports.download(export)
    assert problem(gone) == (410, "export_gone")
    assert "(damaged)" in gone.json()["detail"]


def receive(exports: ExportSite, export_id: str, received: bytearray) -> None:
    site = exports.site
    headers = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "a test"}
    with site.http.stream(
        "GET", f"{site.url}/v1/exports/{export_id}/file", headers=headers
    ) as answer:
        for chunk in answer.iter_raw():
            received += chunk


def test_a_damaged_recording_is_a_gap_with_its_cause(exports: ExportSite) -> None:
    paths = exports.record("east-gate")
    damaged = bytearray(paths[1].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    paths[1].write_bytes(damaged)
    export = exports.made(("east-gate", 0, 12))
    assert export["state"] == "ready"
    assert {gap["cause"] for gap in export["gaps"]} == {"damaged"}
    unpacked(exports.download(export).content)


def test_a_range_without_recordings_fails_with_a_sentence(exports: ExportSite) -> None:
    exports.record("east-gate")
    export = exports.made(("east-gate", 500, 600))
    assert (export["state"], export["why"]) == (
        "failed",
        "nothing is recorded in any of its ranges",
    )
    assert export["gaps"][0]["camera"] == "east-gate"
    chinese = exports.site.get(f"/v1/exports/{export['id']}", Accept_Language="zh").json()
    assert chinese["why"] == "所选时段均没有录像"
    assert problem(exports.download(export)) == (410, "export_gone")


def test_a_gap_keeps_the_parts_of_its_detail() -> None:
    offline = Message("{offline}, which may have it, does not answer", offline="node-2")
    gap = ExportGap.of(at(1), at(2), "unknown", offline)
    read = ExportGap.model_validate_json(gap.model_dump_json(by_alias=True))
    assert in_chinese(read.sentence) == "node-2 可能存有该录像，但无应答"
    older = ExportGap(from_=at(1), to=at(2), cause="unknown", detail=str(offline))
    assert in_chinese(older.sentence) == offline, "a record of an older version has no parts"


@pytest.mark.parametrize(
    ("ranges", "sentence"),
    [
        ([("east-gate", 5, 5)], "must come after"),
        ([("east-gate", 0, 90_000)], "request at most"),
        ([("east-gate", 86_000, 86_400)], "lies in the future"),
        ([("east-gate", 0, 9), ("east-gate", 0, 9)], "same range twice"),
        ([("never-gate", 0, 9)], "there is no camera"),
    ],
)
def test_a_wrong_range_is_refused_with_what_to_do(
    exports: ExportSite, ranges: list[tuple[str, float, float]], sentence: str
) -> None:
    answer = exports.create(asked(*ranges))
    assert answer.status_code in (400, 404)
    assert sentence in answer.json()["detail"]


def test_one_person_has_a_limited_number_of_exports_and_hours(exports: ExportSite) -> None:
    first = exports.create(asked(("east-gate", 0, 60))).json()
    too_long = exports.create(asked(("east-gate", -3600, 60)))
    assert problem(too_long) == (429, "rate_limited")
    assert "hours of recordings" in too_long.json()["detail"]
    assert exports.create(asked(("east-gate", 1, 60))).status_code == 201
    assert exports.create(asked(("east-gate", 2, 60))).status_code == 201
    assert "has 3 exports" in exports.create(asked(("east-gate", 3, 60))).json()["detail"]
    address = f"/v1/exports/{first['id']}"
    exports.site.get(address, Role.OPERATOR, method="DELETE")
    assert exports.create(asked(("east-gate", 3, 60))).status_code == 201


def test_a_repeated_request_creates_one_export(exports: ExportSite) -> None:
    body = asked(("east-gate", 1, 11))
    answers = [exports.create(body, Idempotency_Key="a-key") for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_lists_have_the_newest_first_and_pages(exports: ExportSite) -> None:
    created = []
    for end in (5, 6, 7):
        created.append(exports.create(asked(("east-gate", 1, end))).json()["id"])
        exports.clock.advance(1)
    first = exports.site.get("/v1/exports?limit=2", Role.OPERATOR).json()
    second = exports.site.get(f"/v1/exports?limit=2&next={first['next']}", Role.OPERATOR).json()
    assert [one["id"] for one in first["items"] + second["items"]] == created[::-1]


def test_an_old_record_is_not_listed(exports: ExportSite) -> None:
    export = exports.create(asked(("east-gate", 1, 11))).json()
    exports.clock.step(15 * S_PER_DAY)
    assert exports.site.get("/v1/exports", Role.OPERATOR).json()["items"] == []
    assert exports.read(export["id"])["state"] == "expired"
