"""Six tasks of a new user, by what the page says. Each needs at most six clicks, without typing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from api.access.api_context import SiteRegistry
from api.base_map.tile_archive import TileArchive
from api.site.console import built_console
from domain.clock import NS_PER_S, SystemClock, rfc3339
from domain.events.event import Event, Location
from domain.messages.message import Message
from domain.people import Role
from domain.plates import PlateColor
from domain.recordings.gaps import Gap, GapCause
from domain.registry import Registry
from domain.settings import Settings
from domain.ulid import event_id
from storage.recordings.gaps.log import GapLog
from tests.api.console.drawn_map import draw_map
from tests.api.console.drawn_passings import keep_pictures
from tests.api.console.new_user import NewUser
from tests.api.console.pages import (
    MAP_IS_DRAWN,
    axe,
    check_access,
    check_contrast,
    choose,
    give_reason,
    loaded_pictures,
    open_in_english,
)
from tests.api.site_data import REGISTRY, START_NS
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.paths.data_layout import Layout
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

ZONE = ZoneInfo("Asia/Shanghai")
VEHICLE = "鄂CA12BK"
OTHERS = (
    (3, "east-gate", "鄂F6K218"),
    (8, "west-gate", "豫R3088Q"),
    (13, "east-gate", "鄂CD07725"),
    (17, "west-gate", "陕G51902"),
    (22, "east-gate", "鄂A9Z357"),
    (29, "west-gate", "粤BD12345"),
)
"""Other vehicles, with the minutes since they passed."""

PLACES = {
    "daba-bridge": ("大坝桥头卡口", 111.4950),
    "station-hall": ("汽车站进站口", 111.5090),
    "station-exit": ("汽车站出站口", 111.5092),
    "station-square": ("汽车站广场", 111.5094),
    "station-car-park": ("汽车站停车场", 111.5096),
}

CROPS = """
const crops = [...document.querySelectorAll('.sighting img')];
return crops.filter((one) => one.naturalWidth).length
"""
TO_THE_END = """
const list = document.querySelector('.results');
if (list !== null) list.scrollTop = list.scrollHeight;
return list !== null
"""
"""The first search is the last line, and only lines in view are in the document."""


def local_ns(now_ns: int, days: int, at: time) -> int:
    """Return a time of a day in the time zone of the site, counted from today."""
    today = datetime.fromtimestamp(now_ns // NS_PER_S, ZONE).date()
    moment = datetime.combine(today + timedelta(days=days), at, ZONE)
    return int(moment.timestamp()) * NS_PER_S


@pytest.fixture
def now_ns() -> int:
    """The time of the task. The page has the same, so that midnight makes no difference."""
    return SystemClock().wall_ns()


@pytest.fixture
def town(
    browser: Browser,
    open_site: OpenSite,
    make_event: MakeEvent,
    record: Callable[[Layout, str, int, float], Path],
    now_ns: int,
    tmp_path: Path,
) -> Iterator[Site]:
    """A site with a bridge and a station, a vehicle of yesterday evening, and a bad night."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    settings = Settings(viewer_overlay=True)
    base_map = TileArchive(draw_map(tmp_path / "streets.pmtiles"))
    site = open_site(
        registry=lambda: SiteRegistry(_registry()), settings=settings, base_map=base_map
    )
    evening_ns = local_ns(now_ns, -1, time(19))
    drive(site, make_event, evening_ns)
    pass_by(site, make_event, now_ns)
    record(site.layout, "east-gate", save_from_ns(now_ns) + 60 * NS_PER_S, 8)
    log = GapLog(site.layout, SystemClock())
    night_ns = local_ns(now_ns, -1, time(21))
    template = "{address}:{port} did not answer within {timeout_s} s"
    cause = Message(template, address="10.1.2.3", port=554, timeout_s=5)
    down = Gap("school", night_ns, night_ns + 2400 * NS_PER_S, GapCause.CAMERA_DOWN, cause)
    log.add(down)
    for camera in ("east-gate", "school"):
        site.hold(camera)
    site.get(f"/v1/events?plate={VEHICLE}", Role.OPERATOR, reason="a theft")
    browser.console_errors()  # of an earlier test, which used the same browser
    yield site
    browser.open("about:blank")
    base_map.close()


def _registry() -> Registry:
    cameras = [
        {
            "id": camera,
            "name": name,
            "class": "A",
            "area": "danjiangkou",
            "location": {"lon": lon, "lat": 32.5403},
            "url": f"rtsp://10.1.2.3:554/{camera}",
            "checkpoint": ["plate"],
        }
        for camera, (name, lon) in PLACES.items()
    ]
    added = Registry.model_validate(
        {"version": 1, "areas": {"danjiangkou": {"name": "丹江口市"}}, "cameras": cameras}
    )
    return REGISTRY.model_copy(update={"cameras": (*REGISTRY.cameras, *added.cameras)})


def drive(site: Site, make_event: MakeEvent, evening_ns: int) -> None:
    """Let the vehicle pass the bridge, then two gates; another one passes the bridge too."""
    begin_s = (evening_ns - START_NS) / NS_PER_S
    for plate in (VEHICLE, "鄂C88888"):
        event = make_event(begin_s, plate=plate)
        keep(
            site,
            event.model_copy(
                update={
                    "id": event_id("daba-bridge", "vehicle", event.started_at, plate[-1]),
                    "camera": "daba-bridge",
                    "location": Location(lon=PLACES["daba-bridge"][1], lat=32.5403),
                }
            ),
        )
    for after_s, camera in ((240, "east-gate"), (3000, "west-gate")):
        keep(site, make_event(begin_s + after_s, camera, VEHICLE))


def pass_by(site: Site, make_event: MakeEvent, now_ns: int) -> None:
    """Let other vehicles pass the gates in the last half an hour."""
    now_s = (now_ns - START_NS) / NS_PER_S
    for minutes, camera, plate in OTHERS:
        event = make_event(now_s - 60 * minutes, camera, plate)
        assert event.plate is not None
        color = PlateColor.GREEN if len(plate) == 8 else PlateColor.BLUE
        of_color = event.plate.model_copy(update={"color": color})
        keep(site, event.model_copy(update={"plate": of_color}))


def keep(site: Site, event: Event) -> None:
    site.context.index.put(event)
    keep_pictures(site, event)


def save_from_ns(now_ns: int) -> int:
    """Return the latest 3:10 whose 3:20 has passed."""
    today_ns = local_ns(now_ns, 0, time(3, 10))
    return today_ns if today_ns + 600 * NS_PER_S <= now_ns else local_ns(now_ns, -1, time(3, 10))


def test_six_tasks_need_at_most_six_clicks_each(browser: Browser, town: Site, now_ns: int) -> None:
    open_in_english(browser, town, town.tokens[Role.INVESTIGATOR])
    browser.run(f"Date.now = () => {now_ns // 1_000_000}")
    give_reason(browser, "stolen vehicle")
    browser.until("pictures", lambda: loaded_pictures(browser) >= 2 * len(OTHERS))
    browser.shoot("newest")
    user = NewUser(browser)
    where_did_it_go(browser, user)
    tell_me_when_it_comes_back(browser, user, town)
    show_the_stations_cameras(browser, user)
    save_what_the_gate_recorded(browser, user, town, now_ns)
    which_cameras_failed(browser, user)
    who_searched(browser, user, town, now_ns)


def where_did_it_go(browser: Browser, user: NewUser) -> None:
    """Blue plate, 鄂C, something, 12, ends in K, yesterday evening near the bridge."""
    user.type("Plate", "鄂C*12*K")
    user.click("blue")
    user.click("Yesterday evening")
    user.type("Place", "bridge")
    user.click("500 m around 大坝桥头卡口")
    browser.until("old cards", lambda: browser.texts(".outdated .card"))
    user.click("Search")
    browser.until("one result", lambda: browser.texts(".card .plate") == ["鄂C·A12BK"])
    check_access(browser, "find-quick", back="en")
    assert browser.texts(".outdated") == []
    user.click("Follow its journey", ".results-bar")
    browser.until("journey", lambda: len(browser.texts("button.sighting")) == 3)
    seen = browser.texts("button.sighting")
    for place, text in zip(("大坝桥头卡口", "东口", "西口"), seen, strict=True):
        assert place in text
    browser.until("map", lambda: browser.run(MAP_IS_DRAWN))
    browser.until("crops", lambda: browser.run(CROPS) == 3)
    browser.shoot("journey")
    user.finish("where did it go")


def tell_me_when_it_comes_back(browser: Browser, user: NewUser, town: Site) -> None:
    user.click("Find", "nav")
    user.type("Plate", "鄂CA1")
    user.click("鄂C·A12BK", ".suggestions")
    user.click("Search")
    browser.until("three results", lambda: len(browser.texts(".card")) == 3)
    see_results_over_time(browser)
    user.click("Tell me when it comes back")
    user.click("Watch for this plate", ".watch-form")
    browser.until("watch", lambda: "鄂C·A12BK" in browser.text(".watches tbody"))
    user.finish("tell me when it comes back")
    assert [watch.plate for watch in town.context.watches.active()] == [VEHICLE]


def see_results_over_time(browser: Browser) -> None:
    choose(browser, "View", "time")
    browser.until("marks", lambda: len(browser.texts(".passing-mark")) == 3)
    rows = browser.texts(".passing-row")
    assert [row for row in rows if "大坝桥头卡口" in row], rows
    browser.point_at(".passing-mark", 0.5, 0.5)
    browser.until("mark in the list", lambda: len(browser.texts(".card.pointed")) == 1)
    check_access(browser, "find-time", back="en")


def show_the_stations_cameras(browser: Browser, user: NewUser) -> None:
    user.click("Live", "nav")
    user.type("Camera or place", "站 汽车")
    user.click("Show these 4")
    browser.until("four tiles", lambda: len(browser.texts(".tile")) == 4)
    assert all("汽车站" in text for text in browser.texts(".tile"))
    marks = browser.texts(".viewer-mark")
    assert len(marks) == 4
    sentence = "No video. The connection is tried again. No node is connected to this camera, so"
    browser.until("why", lambda: all(sentence in text for text in browser.texts(".tile-message")))
    check_contrast(browser, ".tile")
    assert all(mark.startswith("investigator-") for mark in marks), "who watches, over each picture"
    user.finish("show the station's four cameras")


def save_what_the_gate_recorded(browser: Browser, user: NewUser, town: Site, now_ns: int) -> None:
    user.click("Playback", "nav")
    browser.fill(".camera-field input", "gate east")
    user.click("均州路东口卡口", ".camera-matches")
    user.click("Range", ".playback-controls")
    user.type("From–to, such as", "3:10-3:20")
    browser.run(
        "window.saved = []; HTMLAnchorElement.prototype.click = function () "
        "{ window.saved.push(this.href); }"
    )
    part = "8 s of 10 min are recorded"
    browser.until("warning", lambda: browser.text("strong.recorded-part") == part)
    user.click("Save to this computer")
    browser.until("address", lambda: browser.run("return window.saved.length"))
    saving = f"Saving 均州路东口卡口 03:10–03:20: {part}"
    browser.until("answer", lambda: browser.text("[role=status].saving") == saving)
    assert axe(browser) == []
    browser.shoot("task-save")
    from_ns = save_from_ns(now_ns)
    span = {"from": rfc3339(from_ns), "to": rfc3339(from_ns + 600 * NS_PER_S)}
    keep_it_from_deletion(browser, user, town, span)
    whole = town.get(f"/v1/cameras/east-gate/recording?{urlencode(span)}")
    assert whole.status_code == 200
    assert town.http.get(browser.run("return window.saved[0]")).content == whole.content
    user.finish("save what the east gate recorded")


def keep_it_from_deletion(
    browser: Browser, user: NewUser, town: Site, span: dict[str, str]
) -> None:
    """Place a legal hold on the same range, which asks for confirmation and reason."""
    user.click("Do not delete")
    browser.until("question", lambda: "legal hold on 均州路东口卡口" in browser.text("dialog"))
    assert axe(browser) == []
    browser.fill("dialog input[name=reason]", "evidence of the theft")
    user.click("Do not delete", "dialog form")
    browser.until("hold", lambda: "Kept from deletion" in browser.text(".range-bar"))
    newest = town.get("/v1/holds").json()["items"][0]
    held = (newest["camera"], newest["from"], newest["to"], newest["reason"])
    assert held == ("east-gate", span["from"], span["to"], "evidence of the theft")
    release_the_hold(browser, town)


def release_the_hold(browser: Browser, town: Site) -> None:
    """Release it again, with another confirmation and reason; these clicks are not of the task."""
    assert "evidence of the theft" in browser.text(".holds li")
    browser.click(".holds button")
    browser.until("question", lambda: "Release this legal hold?" in browser.text("dialog"))
    assert axe(browser) == []
    browser.shoot("release-hold")
    browser.fill("dialog input[name=reason]", "the trial is over")
    browser.click("dialog form button.primary")
    browser.until("no hold", lambda: browser.text(".holds") == "")
    browser.until("way to hold it", lambda: "Do not delete" in browser.text(".range-bar"))
    released = town.get("/v1/holds").json()["items"][0]
    assert released["released_by"].startswith("investigator-")
    line = next(one for one in town.audit_lines()[::-1] if '"hold.release"' in one)
    assert "the trial is over" in line


def which_cameras_failed(browser: Browser, user: NewUser) -> None:
    user.click("Cameras", "nav")
    user.click("Last night")
    browser.until("outage", lambda: browser.texts(".outages tbody th") == ["实验小学"])
    row = browser.text(".outages tbody tr")
    for fact in ("40 min", "once", "camera down", "did not answer within 5 s"):
        assert fact in row
    choose(browser, "Language", "zh")
    browser.until("cause in Chinese", lambda: "秒内无应答" in browser.text(".outages tbody tr"))
    check_access(browser, "outages", back="en")
    assert "1 of 8 cameras was not recorded all the time" in browser.text(".outages")
    assert "This list has what the nodes have reported" in browser.text(".cameras-main")
    user.click("实验小学", ".outages")
    browser.until("camera", lambda: "rtsp://10.1.2.3:554/school" in browser.text("dialog"))
    browser.press("Escape")
    user.finish("which cameras failed last night and why")


def who_searched(browser: Browser, user: NewUser, town: Site, now_ns: int) -> None:
    open_in_english(browser, town, town.tokens[Role.AUDITOR])
    browser.run(f"Date.now = () => {now_ns // 1_000_000}")
    assert "Find" not in browser.texts("nav a"), "an auditor reads no events"
    user.type("Whole plate", VEHICLE)
    user.click("This week")
    assert "Press Search" in browser.text(".unsearched")
    user.click("Search", "main")
    browser.until(
        "lines", lambda: browser.run(TO_THE_END) and "a theft" in browser.text(".results")
    )
    lines = browser.text(".results")
    assert "operator-" in lines
    assert "鄂C*12*K" in lines, "a search for a part of it counts"
    user.finish("who searched for it")
