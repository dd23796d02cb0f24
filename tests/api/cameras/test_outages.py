"""Outages of a site: which cameras failed in a range, how long and why."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from domain.clock import NS_PER_DAY, SystemClock, rfc3339
from domain.people import Role
from domain.recordings.gaps import Gap, GapCause
from storage.recordings.gaps.log import GapLog
from tests.api.an_hour_ago import START_NS, Record, at, span
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site


def log_gaps(site: Site) -> None:
    log = GapLog(site.layout, SystemClock())
    log.add(Gap("east-gate", at(0), at(60), GapCause.CAMERA_DOWN, "connection refused"))
    log.add(Gap("east-gate", at(70), at(75), GapCause.NETWORK, "lost packets"))
    log.add(Gap("school", at(10), at(30), GapCause.NOT_ASKED, ""))
    log.add(Gap("gone", at(10), at(30), GapCause.DISK, "of a camera that is not in the registry"))
    log.open(Gap("west-gate", at(90), SystemClock().wall_ns(), GapCause.DECODER, "no keyframes"))
    log.beat("west-gate")
    for camera in ("east-gate", "west-gate", "school"):
        site.hold(camera)


def test_outages_have_their_causes_and_say_whether_they_last(site: Site) -> None:
    log_gaps(site)
    body = site.get(f"/v1/outages?{span(30, 7200)}", Role.OPERATOR, None).json()
    east, west = body["items"]
    assert (body["next"], body["offline"]) == (None, [])
    assert (east["camera"], east["missing_ms"], east["ongoing"]) == ("east-gate", 35_000, False)
    assert [(one["cause"], one["detail"], one["gaps"]) for one in east["causes"]] == [
        ("camera_down", "connection refused", 1),
        ("network", "lost packets", 1),
    ]
    assert (east["causes"][0]["first_at"], east["causes"][0]["last_at"]) == (
        rfc3339(at(30)),
        rfc3339(at(60)),
    )
    assert (west["camera"], west["ongoing"], west["causes"][0]["cause"]) == (
        "west-gate",
        True,
        "decoder",
    )


def test_the_list_has_filters_and_pages(site: Site) -> None:
    log_gaps(site)
    path = f"/v1/outages?{span(0, 600)}"
    assert site.get(f"{path}&area=danjiangkou/nowhere").json()["items"] == []
    assert len(site.get(f"{path}&near=111.513,32.54,500").json()["items"]) == 1
    first = site.get(f"{path}&limit=1").json()
    second = site.get(f"{path}&limit=1&next={first['next']}").json()
    assert [one["camera"] for one in first["items"] + second["items"]] == [
        "east-gate",
        "west-gate",
    ]


def test_a_silent_node_is_named_if_it_ran_in_the_range(site: Site) -> None:
    log_gaps(site)
    now_ns = SystemClock().wall_ns()
    site.beat("silent", "http://127.0.0.1:1", now_ns)
    site.beat("long-gone", "http://127.0.0.1:1", START_NS - NS_PER_DAY)
    body = site.get(f"/v1/outages?{span(0, 600)}").json()
    assert body["offline"] == ["silent"]
    assert [one["camera"] for one in body["items"]] == ["east-gate", "west-gate"]


def test_what_no_node_logged_is_found_in_the_recordings(site: Site, record: Record) -> None:
    """A gap that is not in the log has no cause; one that is in the log keeps its cause."""
    for start_s in (0, 4, 14, 24):
        record(site.layout, "east-gate", at(start_s), 4)
    logged = Gap("east-gate", at(18), at(24), GapCause.CAMERA_DOWN, "refused")
    GapLog(site.layout, SystemClock()).add(logged)
    record(site.layout, "school", at(0), 4)
    for camera in ("east-gate", "school"):
        site.hold(camera)
    path = f"/v1/outages?{span(0, 28)}"
    (east,) = site.get(path).json()["items"]
    assert [one["cause"] for one in east["causes"]] == ["camera_down"]
    body = site.get(f"{path}&unknown=1").json()
    outages = {one["camera"]: one for one in body["items"]}
    causes = [(one["cause"], one["missing_ms"]) for one in outages["east-gate"]["causes"]]
    assert causes == [("unknown", 6_000), ("camera_down", 6_000)]
    (cause,) = outages["school"]["causes"]
    assert (cause["cause"], cause["missing_ms"]) == ("unknown", 24_000)
    assert cause["first_at"] == rfc3339(at(4))
    assert body["unexamined"] == ["west-gate"], "no node has held it"


def test_a_page_examines_some_cameras_also_without_outages(site: Site, record: Record) -> None:
    for camera in ("east-gate", "school"):
        record(site.layout, camera, at(0), 4)
        site.hold(camera)
    path = f"/v1/outages?{span(0, 4)}&unknown=1&limit=1"
    first = site.get(path).json()
    assert (first["items"], first["unexamined"], first["examined"]) == ([], [], 1)
    second = site.get(f"{path}&next={first['next']}").json()
    assert second["items"] == []
    assert second["next"] is not None
    assert site.get(path.replace("limit=1", "limit=100")).json()["examined"] == 3
    assert site.get(f"/v1/outages?{span(0, 4)}").json()["examined"] == 0
    long = f"from={rfc3339(START_NS - 2 * NS_PER_DAY)}&to={rfc3339(START_NS)}"
    assert site.get(f"/v1/outages?{long}&unknown=1").status_code == 400


def test_a_page_waits_once_for_a_node_that_does_not_respond(site: Site) -> None:
    """Its cameras would otherwise take 10 s each, twice, if the node hangs."""
    requests = list[int]()

    def hang_up() -> None:
        while True:
            with listener.accept()[0] as connection:
                if not connection.recv(1):
                    return
                requests.append(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        node = threading.Thread(target=hang_up)
        node.start()
        for camera in ("east-gate", "school", "west-gate"):
            site.hold(camera, "hangs", f"http://127.0.0.1:{port}")
        body = site.get(f"/v1/outages?{span(0, 28)}&unknown=1").json()
        socket.create_connection(("127.0.0.1", port)).close()
        node.join(PATIENCE_S)
    assert (body["items"], body["unexamined"]) == ([], ["east-gate", "school", "west-gate"])
    assert len(requests) == 1


def test_a_range_has_at_most_a_week(site: Site) -> None:
    long = f"from={rfc3339(START_NS - 8 * NS_PER_DAY)}&to={rfc3339(START_NS)}"
    refused = site.get(f"/v1/outages?{long}")
    assert (refused.status_code, "604800" in refused.text) == (400, True)


def test_details_are_in_the_language_of_the_client(site: Site) -> None:
    log = GapLog(site.layout, SystemClock())
    log.add(Gap("east-gate", at(0), at(60), GapCause.CAMERA_DOWN, "the camera ended the stream"))
    log.add(Gap("east-gate", at(60), at(70), GapCause.DISK, "no words for it"))
    site.hold("east-gate")
    outages = f"/v1/outages?{span(0, 600)}"
    coverage = f"/v1/cameras/east-gate/coverage?{span(0, 70)}"
    chinese = site.get(outages, Accept_Language="zh-CN,zh;q=0.9")
    assert "Accept-Language" in chinese.headers["Vary"]
    (east,) = chinese.json()["items"]
    details = ["摄像机结束了码流", "no words for it"]
    assert [one["detail"] for one in east["causes"]] == details
    gaps = site.get(coverage, Accept_Language="zh").json()["gaps"]
    assert [gap["detail"] for gap in gaps][:2] == details
    english = site.get(coverage, Accept_Language="en").json()["gaps"]
    assert english[0]["detail"] == "the camera ended the stream"
