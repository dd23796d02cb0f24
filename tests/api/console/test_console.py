"""The console in a browser, by keys and clicks: sign-in, reason, search, clip, cameras, access.

One test follows the way of an operator, because one browser and one site serve all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp

from domain.clock import NS_PER_S
from domain.one_time_codes import new_secret
from domain.people import Role
from storage.sign_in.second_factors import SecondFactors
from tests.api.browser import PASSWORD, set_password
from tests.api.console.pages import (
    CLIP_WIDTH,
    axe,
    check_access,
    choose,
    give_reason,
    loaded_pictures,
    open_in_english,
)
from tests.api.console.street import HOSTILE, report_cameras
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.events.event import Event
    from domain.paths.data_layout import Layout
    from tests.api.conftest import Site
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
