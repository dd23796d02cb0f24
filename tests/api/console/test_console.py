"""The console in a browser, by keys and clicks: sign-in, reason, search, clip, cameras, access.

One test follows the way of an operator, because one browser and one site serve all of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyotp
import pytest

from api.access.api_context import SiteRegistry
from api.site.console import built_console
from domain.clock import NS_PER_S
from domain.media.live_detections import LiveDetection, LiveDetections
from domain.one_time_codes import new_secret
from domain.people import Role
from storage.sign_in.second_factors import SecondFactors
from tests.api.browser import PASSWORD, set_password
from tests.api.console.pages import (
    CLIP_WIDTH,
    LIVE_WIDTH,
    axe,
    check_access,
    choose,
    give_reason,
    loaded_pictures,
    open_in_english,
)
from tests.api.console.street import HOSTILE, open_street, report_cameras
from tests.api.live.conftest import CAMERA, Camera
from tests.api.live.media_process import media_process
from tests.api.site_data import REGISTRY
from tests.live_station import Station, tapped
from tests.recorded import PLAIN, START_NS
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.events.event import Event
    from domain.paths.data_layout import Layout
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

    Record = Callable[[Layout, str, int, float], Path]

DAY = "from=2025-11-24T00:00:00Z&to=2025-11-25T00:00:00Z"
"""The day of the events of the tests."""


def add_person(site: Site, name: str) -> str:
    """Add an investigator with a password and a second factor; return its secret."""
    context = site.context
    context.people.add(name, Role.INVESTIGATOR)
    set_password(site, name)
    factors, secret = SecondFactors(context.people, context.attempts, context.clock), new_secret()
    factors.enrol(name, factors.encrypted(name, secret))
    return secret


def sign_in(browser: Browser, name: str, code: str) -> None:
    browser.fill("input[name=name]", name)
    browser.fill("input[name=password]", PASSWORD)
    browser.fill("input[name=code]", code)
    browser.click("main form button.primary")


def test_an_operator_signs_in_finds_and_plays(browser: Browser, street: Site) -> None:
    secret = add_person(street, "console.li")
    browser.open(f"{street.url}/#/find?plate=鄂F8888?&{DAY}")
    browser.until("sign-in page", lambda: "登录" in browser.text() or "Sign in" in browser.text())
    check_access(browser, "sign-in")
    sign_in(browser, "console.li", "wrong")
    browser.until("refusal", lambda: "密码" in browser.text(".notice"))
    assert all("401" in error for error in browser.console_errors()), "only the refusals"
    now_s = street.context.clock.wall_ns() // NS_PER_S
    sign_in(browser, "console.li", pyotp.TOTP(secret).at(now_s))

    browser.until("question for the reason", lambda: "请填写查阅事由" in browser.text())
    assert browser.run("return document.querySelector('input[name=reason]').value") == ""
    check_access(browser, "reason")
    browser.fill("input[name=reason]", "查找被盗车辆")
    browser.fill("input[name=case]", "2026-118")
    browser.click("main form button.primary")

    # The search of the address that was opened before the sign-in.
    browser.until("one result", lambda: browser.texts(".card .plate") == ["鄂F·88888"])
    assert "查找被盗车辆" in browser.text(".reason-bar")
    browser.until("pictures", lambda: loaded_pictures(browser) == 2)
    browser.until("histogram", lambda: "共 1 条" in browser.text(".histogram"))
    check_access(browser, "find")

    # By keyboard: the result, its clip, and back.
    browser.run("document.querySelector('.card').focus()")
    browser.press("Enter")
    browser.until("clip", lambda: browser.run(CLIP_WIDTH) == 64)
    assert "驶离，车道 2" in browser.text("dialog")
    assert axe(browser) == []
    browser.shoot("event")
    browser.press("Escape")
    browser.until("no dialog", lambda: browser.text("dialog") == "")
    focus = browser.run("return document.activeElement.className")
    assert focus == "card", "the focus is back where it was"

    search_with_pad_and_misreadings(browser)
    narrow_by_histogram(browser)
    show_table_and_states(browser)
    show_cameras(browser, street)
    end_task_and_sign_out(browser)

    lines = street.audit_lines()
    searches = [line for line in lines if '"events.search"' in line]
    assert searches
    assert all('"查找被盗车辆"' in line and '"2026-118"' in line for line in searches)
    # Chromium itself logs the refused search that a step makes on purpose.
    assert [one for one in browser.console_errors() if " 400 " not in one] == []


def search_with_pad_and_misreadings(browser: Browser) -> None:
    browser.fill("input[name=plate]", "ef8888b")
    browser.until("suggestion", lambda: "鄂F·8888B" in browser.text(".suggestions"))
    browser.click(".suggestions button")
    browser.click(".plate-box input[type=checkbox]")
    browser.click(".search button.primary")
    browser.until("likely matches", lambda: browser.texts(".card .tie") == ["候选读法"] * 2)
    assert "fuzzy=1" in browser.run("return location.hash")
    browser.click(".plate-row button[aria-expanded]")
    browser.until("pad", lambda: len(browser.texts(".pad button")) == 31)
    assert axe(browser) == []
    browser.run(
        "[...document.querySelectorAll('.pad button')]"
        ".find((one) => one.innerText.startsWith('京')).click()"
    )
    typed = browser.run("return document.querySelector('input[name=plate]').value")
    assert typed == "京F8888B"
    browser.click(".search button.primary")
    browser.until("no result", lambda: "没有符合条件的记录" in browser.text("main"))
    check_access(browser, "empty")


def narrow_by_histogram(browser: Browser) -> None:
    browser.run(f"location.hash = '#/find?{DAY}'")
    browser.until("three results", lambda: len(browser.texts(".card")) == 3)
    assert browser.texts(".card .plate") == ["人脸", "粤B·D12345", "鄂F·88888"]
    assert HOSTILE in browser.texts(".card-camera"), "a name is never HTML"
    browser.until("histogram", lambda: "共 3 条" in browser.text(".histogram"))
    browser.drag(".bars", 0.02, 0.05)
    browser.until("a part of the day", lambda: "没有符合条件的记录" in browser.text("main"))
    assert "to=2025-11-25" not in browser.run("return decodeURIComponent(location.hash)")
    browser.run("history.back()")
    browser.until("three results", lambda: len(browser.texts(".card")) == 3)


def show_table_and_states(browser: Browser) -> None:
    browser.run("document.querySelector('.card').focus()")
    browser.press("ArrowRight")
    browser.until(
        "focus on the second",
        lambda: browser.run("return document.activeElement.dataset.index") == "1",
    )
    browser.press("t")
    browser.until("table", lambda: len(browser.texts("button.line")) == 3)
    check_access(browser, "table")
    browser.run("location.hash = '#/find?from=2025-11-25T00:00:00Z&to=2025-11-24T00:00:00Z'")
    browser.until("problem", lambda: browser.text(".state[role=alert]"))
    check_access(browser, "problem")


def show_cameras(browser: Browser, street: Site) -> None:
    report_cameras(street)
    browser.click("nav a[href='#/cameras']")
    browser.until("cameras", lambda: len(browser.texts("button.camera-line")) == 3)
    first = browser.texts("button.camera-line")[0]
    assert "密码错误" in first, "faults are first"
    assert "credentials" in first, "what to do"
    check_access(browser, "cameras")
    report_cameras(street)
    choose(browser, "状态", "live")
    browser.until("one camera", lambda: len(browser.texts("button.camera-line")) == 1)
    browser.click("button.camera-line")
    browser.until("camera", lambda: "rtsp://10.1.2.3:554/east-gate" in browser.text("dialog"))
    assert axe(browser) == []
    browser.press("Escape")
    report_cameras(street)
    browser.click("nav a[href='#/city']")
    browser.until(
        "a camera down", lambda: browser.texts(".city-figure strong")[:3] == ["1", "0", "1"]
    )
    browser.until(
        "the analysis", lambda: "当前未完全分析的卡口" in browser.texts(".city-figure > span")
    )
    browser.until("the map", lambda: browser.run("return !!document.querySelector('canvas')"))
    check_access(browser, "city")


def end_task_and_sign_out(browser: Browser) -> None:
    browser.run("document.querySelectorAll('.reason-bar button')[1].click()")
    browser.until("no reason", lambda: "尚未填写事由" in browser.text(".reason-bar"))
    # The page reads the nodes again; a request that is under way at the sign-out would get 401.
    browser.until("nodes", lambda: browser.run("return !!document.querySelector('.city-nodes')"))
    browser.run("document.querySelectorAll('.person button')[1].click()")
    browser.until("sign-in page", lambda: "动态验证码" in browser.text("main"))


def test_a_token_signs_in_until_it_is_revoked(
    browser: Browser, street: Site, make_event: MakeEvent
) -> None:
    added = street.context.people.add("console.wang", Role.OPERATOR)
    browser.open(f"{street.url}/healthz")
    browser.run("localStorage.setItem('sightline.preferences', '{\"language\": \"en\"}')")
    browser.open(f"{street.url}/#token=sl_wrong")
    browser.until("refusal", lambda: "This token is not valid" in browser.text("main"))
    assert browser.run("return sessionStorage.length") == 0

    open_in_english(browser, street, street.context.people.add("console.li", Role.OPERATOR).token)
    give_reason(browser, "another theft")

    # The reason of the person before is not that of the next one.
    browser.open(f"{street.url}/healthz")
    browser.open(f"{street.url}/#token={added.token}")
    browser.until("question for the reason", lambda: browser.text("form.reason-form"))
    assert browser.run("return location.hash") == "", "the token is gone from the address"
    browser.fill("input[name=reason]", "stolen vehicle")
    browser.click("main form button.primary")
    browser.until("pictures", lambda: loaded_pictures(browser) == 6)
    browser.click(".card")
    browser.until("clip", lambda: browser.run(CLIP_WIDTH) == 64)
    browser.press("Escape")
    follow_a_new_passing(browser, street, make_event(61, "west-gate"))

    street.context.people.revoke("console.wang")
    # A feed or a request of the page may have found out already.
    browser.run("document.querySelector(\"nav a[href='#/find']\")?.click()")
    browser.until("end of the session", lambda: "Your session has ended" in browser.text("main"))
    assert "鄂F" not in browser.text(), "nothing of the person before is left"


def follow_a_new_passing(browser: Browser, street: Site, new: Event) -> None:
    """Show an event that was indexed after the search, and the journey that it belongs to."""
    street.context.index.put(new)
    street.context.feed.add_all([new])
    browser.until("news", lambda: "Show 1 new passing" in browser.text(".results-bar"))
    browser.click(".results-bar button.primary")
    browser.until("four results", lambda: len(browser.texts(".card")) == 4)
    browser.click(".card")
    browser.click("dialog a[href^='#/journeys']")
    browser.until("sightings", lambda: len(browser.texts("button.sighting")) == 2)
    leg = browser.text(".leg-impossible")
    assert leg.startswith("9.4 km, 1 min, at least 56"), leg
    assert browser.run("return document.querySelector('.journey-map canvas').width") > 0
    check_access(browser, "journeys", back="en")
    correct_side_by_side(browser, street, new)


def correct_side_by_side(browser: Browser, street: Site, new: Event) -> None:
    """Compare both sightings of the impossible leg, and correct the reading of the second."""
    browser.click(".leg button")
    browser.until("two pictures", lambda: len(browser.texts(".compare section")) == 2)
    assert axe(browser) == []
    second = ".compare section:nth-child(2)"
    browser.click(f"{second} summary")
    browser.fill(f"{second} input[name=plate]", "鄂F8888")
    browser.fill(f"{second} input[name=reason]", "the picture shows 0")
    browser.click(f"{second} button.primary")
    browser.until("refusal", lambda: browser.text(f"{second} .notice"))
    browser.fill(f"{second} input[name=plate]", "鄂F88880")
    browser.click(f"{second} button.primary")
    browser.until("correction", lambda: "鄂F·88880" in browser.text(f"{second} .plate"))
    browser.shoot("compare")
    corrected = street.get(f"/v1/events/{new.id}").json()["corrected"]
    assert (corrected["text"], corrected["by"]) == ("鄂F88880", "console.wang")
    browser.press("Escape")
    browser.until("one sighting", lambda: len(browser.texts("button.sighting")) == 1)


def test_a_tile_whose_cause_stays_is_not_tried_again_by_itself(
    browser: Browser, open_site: OpenSite, make_event: MakeEvent, record: Record
) -> None:
    """A camera with privacy masks is not shown without the right to it."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    street = open_street(open_site, make_event, record, registry=masked_registry)
    open_in_english(browser, street, street.tokens[Role.OPERATOR])
    give_reason(browser, "stolen vehicle")
    browser.run("location.hash = '#/live?size=1&cameras=school'")
    browser.until("cause", lambda: "privacy masks" in browser.text(".tile-message"))
    assert browser.text(".tile-message").startswith("No video. "), "it says that it tries again"
    assert refused_views(street) == 1
    browser.click(".tile-message .connect")
    browser.until("another try", lambda: refused_views(street) == 2)
    browser.open("about:blank")


def refused_views(site: Site) -> int:
    lines = [json.loads(line) for line in site.audit_lines()]
    return sum((line["route"], line["status"]) == ("camera.whep", 403) for line in lines)


def masked_registry() -> SiteRegistry:
    masks = (((0.0, 0.0), (1.0, 0.0), (1.0, 0.2)),)
    cameras = tuple(one.model_copy(update={"masks": masks}) for one in REGISTRY.cameras)
    return SiteRegistry(REGISTRY.model_copy(update={"cameras": cameras}))


def test_an_auditor_reads_who_searched(browser: Browser, street: Site) -> None:
    found = street.get("/v1/events", Role.OPERATOR, reason="stolen vehicle", X_Case="2026-118")
    assert found.status_code == 200
    street.get("/v1/events/histogram", Role.OPERATOR, reason="stolen vehicle", X_Case="2026-118")
    for _ in range(3):  # a page that tries again
        street.get("/v1/cameras/east-gate/picture", Role.OPERATOR, reason="look", method="GET")
    browser.open(f"{street.url}/healthz")
    browser.open(f"{street.url}/#token={street.tokens[Role.AUDITOR]}")
    browser.until("a line", lambda: "Search for passings" in browser.text(".results"))
    assert "reason" not in browser.text(".reason-bar").lower(), "an auditor reads no evidence"
    assert "Look at a picture 3 times" in browser.text(".results")
    browser.run("location.hash = '#/find'")
    browser.until("no right", lambda: "search passings" in browser.text("main"))
    check_access(browser, "no-right", back="en")
    browser.click("nav a[href='#/audit']")
    browser.until("the line", lambda: "stolen vehicle, 2026-118" in browser.text(".results"))
    check_access(browser, "audit", back="en")
    open_one_action(browser)
    recover_from_a_break(browser)
    browser.fill("input[name=case]", "2026-119")
    browser.click(".search button.primary")
    browser.until("no line", lambda: "No line matches" in browser.text("main"))


def open_one_action(browser: Browser) -> None:
    """The search and its distribution are one row; it opens with all fields, by keyboard too."""
    browser.click(".choices [data-choice=search]")
    browser.click(".search button.primary")
    browser.until("searches only", lambda: len(browser.texts("button.audit-line")) == 1)
    (row,) = browser.texts("button.audit-line")
    assert "Search for passings" in row
    assert "times" not in row, "the person searched once"
    assert "events.search" not in row
    browser.run("document.querySelector('button.audit-line').focus()")
    browser.press("Enter")
    browser.until("entry", lambda: "Entry of the audit log" in browser.text("dialog"))
    assert axe(browser) == []
    browser.shoot("audit-entry")
    entry = browser.text("dialog")
    for fact in ("operator-", "stolen vehicle", "2026-118", "search passings", "events.search"):
        assert fact in entry
    browser.click("dialog details summary")
    assert len(browser.texts("dialog .audit-lines tr")) == 2
    browser.press("Escape")
    browser.click(".choices [data-choice=search]")


def recover_from_a_break(browser: Browser) -> None:
    """While the API cannot be reached, a line says so; the page recovers by itself."""
    browser.set_offline(True)
    browser.fill("input[name=case]", "2026-118")
    browser.click(".search button.primary")
    browser.until("line", lambda: "cannot be reached" in browser.text(".offline-line"))
    browser.until("failure", lambda: "does not answer" in browser.text("main"))
    assert axe(browser) == []
    browser.shoot("offline")
    browser.set_offline(False)
    browser.until("lines", lambda: "stolen vehicle, 2026-118" in browser.text(".results"))
    assert browser.text(".offline-line") == ""


def test_a_camera_is_watched_live(browser: Browser, street: Site) -> None:
    site = street
    station = Station(CAMERA, f"{CAMERA}/sub")
    site.hold(CAMERA)
    with tapped(site.layout.live_socket(0), station):
        camera = Camera(site, station)
        browser.open(f"{site.url}/healthz")
        browser.open(f"{site.url}/#token={site.tokens[Role.OPERATOR]}")
        browser.until("question for the reason", lambda: browser.text("form.reason-form"))
        browser.fill("input[name=reason]", "a theft in progress")
        browser.click("main form button.primary")
        browser.until("results", lambda: browser.text(".results-bar"))
        browser.run("location.hash = '#/live?size=1'")
        browser.click(".areas li button")
        with camera.feeding():
            browser.until("picture", lambda: browser.run(LIVE_WIDTH))
            browser.until("delay", lambda: "s behind" in browser.text(".tile-bar"))
        note = browser.text(".tile-route")
        assert "WebSocket" in note
        assert "The site serves no WebRTC" in note
        check_access(browser, "live", back="en")
        with camera.feeding():
            show_boxes(browser, camera)
            switch_on_sound(browser)
        browser.click(".tile-bar button:last-child")
        browser.until("free tile", lambda: "Choose a camera" in browser.text(".wall"))
        with media_process(site.layout):
            browser.open(f"{site.url}/healthz")  # The page forgets that there was no WebRTC.
            browser.open(f"{site.url}/#/live?size=1&cameras={CAMERA}")
            with camera.feeding():
                browser.until("picture by WebRTC", lambda: browser.run(LIVE_WIDTH))
                browser.until("WebRTC", lambda: browser.text(".tile-route").strip() == "WebRTC")
                browser.until("delay", lambda: "s behind" in browser.text(".tile-bar"))
            browser.click(".tile-bar button:last-child")
            browser.until("free tile", lambda: "Choose a camera" in browser.text(".wall"))
            site.eventually(lambda: _whep_phases(site)[-2:] == ["outcome", "viewed"])


def switch_on_sound(browser: Browser) -> None:
    """Switch the sound of a camera without sound on, which says so, and off again."""
    loudspeaker = "document.querySelector('.tile-bar .sound')"
    name = browser.run(f"return {loudspeaker}.getAttribute('aria-label')")
    assert str(name).startswith("Sound of ")
    browser.run(f"{loudspeaker}.focus()")
    browser.press("Enter")
    browser.until("reason", lambda: "sends no sound" in browser.text(".tile-message"))
    assert browser.run(f"return {loudspeaker}.getAttribute('aria-pressed')") == "true"
    browser.until("picture", lambda: browser.run(LIVE_WIDTH))
    browser.click(".tile-bar .sound")
    browser.until("no reason", lambda: "sends no sound" not in browser.text(".tile"))


def show_boxes(browser: Browser, camera: Camera) -> None:
    """Switch boxes on, let the analysis find a vehicle in each picture, and switch them off."""
    browser.click(".tile-bar .boxes")
    feed = camera.station.detections
    browser.until("a viewer watches the analysis", lambda: feed.is_watched)

    def plate_in_the_picture() -> object:
        car = LiveDetection(
            kind="vehicle", track=1, box=(0.1, 0.5, 0.4, 0.7), confidence=0.9, plate="鄂F88880"
        )
        newest_ns = START_NS + camera.put_count[CAMERA] * PLAIN.frame_ns
        feed.put(LiveDetections(wall_ns=newest_ns, items=(car,)))
        return browser.run(BOX)

    browser.until("box over the picture", plate_in_the_picture)
    label, text, left, right = cast("list[Any]", plate_in_the_picture())
    assert (label, text) == ("Detected vehicles: 1, faces: 0. 鄂F88880", "鄂F88880")
    assert (left, right) == (pytest.approx(0.1, abs=0.02), pytest.approx(0.4, abs=0.02))
    assert axe(browser) == []
    browser.click(".tile-bar .boxes")
    browser.until("no box", lambda: browser.run("return !document.querySelector('.detections')"))
    browser.until("no viewer watches the analysis", lambda: not feed.is_watched)


BOX = """
const drawn = document.querySelector('.detections'), box = drawn && drawn.querySelector('rect');
const video = document.querySelector('.tile video');
if (!box || !video.videoWidth) return null;
const outer = video.getBoundingClientRect(), inner = box.getBoundingClientRect();
const widthPx = Math.min(outer.width, outer.height * video.videoWidth / video.videoHeight);
const startPx = outer.left + (outer.width - widthPx) / 2;
const part = (xPx) => (xPx - startPx) / widthPx;
return [drawn.getAttribute('aria-label'), drawn.querySelector('text').textContent,
        part(inner.left), part(inner.right)]
"""
"""The label, the reading, and where the box is in the picture, whose sides may be black."""


def _whep_phases(site: Site) -> list[str]:
    lines = [json.loads(line) for line in site.audit_lines()]
    return [one["phase"] for one in lines if one["route"] == "camera.whep"]
