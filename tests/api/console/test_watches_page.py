"""Watches in a browser: from a search to a watch, a hit that rings in one of two tabs, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.events.misreadings import MatchKind
from domain.events.watches import WatchMatch, match_id
from domain.people import Role
from tests.api.browser import PASSWORD, set_password
from tests.api.console.pages import axe, check_access, give_reason, open_in_english
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.events.event import Event
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

COUNT_CALLS = """
window.rung = {notes: 0, notifications: []};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  window.rung.notes += 1;
  return start.apply(this, when);
};
window.Notification = class extends Notification {
  constructor(title, options) {
    super(title, options);
    window.rung.notifications.push(`${title}: ${options.body}`);
  }
};
"""
"""Counts what a page plays and shows; both still happen."""


def test_an_investigator_is_called_when_a_vehicle_comes_back(
    browser: Browser, street: Site, make_event: MakeEvent
) -> None:
    sign_in_with_reason(browser, street)
    browser.allow("notifications")
    browser.until("results", lambda: len(browser.texts(".card")) == 3)

    # Three clicks from Find; the form has reason and case of the task.
    browser.click(".card[data-index='2']")
    browser.click("dialog a[href^='#/watches']")
    browser.until("form", lambda: browser.text(".watch-form"))
    values = browser.run(
        "return [...document.querySelectorAll('.watch-form input:not([type=checkbox])')]"
        ".map((one) => one.value)"
    )
    assert values == ["鄂F88888", "stolen vehicle", "2026-118"]
    assert "Case number (required)" in browser.text(".watch-form")
    assert "A hit makes a sound and a line" in browser.text(".watch-form")
    browser.click(".watch-form button.primary")
    browser.until("watch", lambda: "鄂F·88888" in browser.text(".watches tbody"))
    check_access(browser, "watches", back="en")

    first = browser.tab()
    browser.open_tab(f"{street.url}/#/watches")
    browser.until("watch in another tab", lambda: "鄂F·88888" in browser.text(".watches tbody"))
    second = browser.tab()
    street.eventually(lambda: feeds_of_matches(street) > 0)
    ring_in_one_tab(browser, street, make_event(90, "west-gate"), (first, second))
    assert feeds_of_matches(street) == 1, "both tabs share one feed"
    browser.use_tab(second)
    browser.close_tab()
    browser.use_tab(first)
    end_the_watch(browser, street)
    # The passing of the hit has no pictures in the store, and its camera sends no live video.
    absent = ("/v1/events/", "/v1/cameras/west-gate/")
    errors = browser.console_errors()
    assert [one for one in errors if not any(part in one for part in absent)] == []


def sign_in_with_reason(browser: Browser, street: Site) -> None:
    """Sign in with a password: the tabs of a browser share the session."""
    street.context.people.add("console.chen", Role.INVESTIGATOR)
    set_password(street, "console.chen")
    open_in_english(browser, street)
    browser.fill("input[name=name]", "console.chen")
    browser.fill("input[name=password]", PASSWORD)
    browser.click("main form button.primary")
    browser.until("sign-in", lambda: browser.text("nav"))
    # A page without a session asks for it, and is refused.
    assert all(" 401 " in error for error in browser.console_errors())
    give_reason(browser, "stolen vehicle")


def feeds_of_matches(street: Site) -> int:
    return sum('"watches.feed"' in line for line in street.audit_lines())


def ring_in_one_tab(browser: Browser, street: Site, event: Event, tabs: tuple[str, str]) -> None:
    """Publish a hit: every tab shows it, one rings; it leads to the passing and to the camera."""
    for tab in tabs:
        browser.use_tab(tab)
        browser.run(COUNT_CALLS)
    street.context.index.put(event)
    (watch,) = street.context.watches.active()
    match = WatchMatch(
        id=match_id(watch.id, event.id),
        watch=watch.id,
        plate=watch.plate,
        tie=MatchKind.EXACT,
        why="the plate is the same",
        case=watch.case,
        matched_at=event.ended_at,
        event=event,
    )
    street.context.matches.add([(match, False)], 1, 0)
    for tab in tabs:
        browser.use_tab(tab)
        browser.until("hit", lambda: "鄂F·88888" in browser.text(".hits"))
    # The tabs agree which of them rings after both have shown the hit.
    browser.until("sound", lambda: any(one["notes"] == 4 for one in rung_in(browser, tabs)))
    rung = rung_in(browser, tabs)
    assert sorted(one["notes"] for one in rung) == [0, 4], rung
    (notification,) = [text for one in rung for text in one["notifications"]]
    assert notification.startswith("鄂F·88888 has been seen: ")
    assert axe(browser) == []
    browser.shoot("hit")
    browser.click(".hits a[href^='#/find']")
    browser.until("passing", lambda: event.id in browser.text("dialog"))
    browser.press("Escape")
    browser.until("no dialog", lambda: browser.text("dialog") == "")
    assert "event=" not in browser.run("return location.hash")
    browser.click(".hits a.primary")
    browser.until("wall", lambda: browser.text(".wall"))
    assert "cameras=west-gate" in browser.run("return location.hash")
    browser.click(".hits button")
    for tab in tabs:
        browser.use_tab(tab)
        browser.until("no hit", lambda: browser.text(".hits") == "")


def rung_in(browser: Browser, tabs: tuple[str, str]) -> list[dict[str, Any]]:
    """Return what each tab has played and shown."""
    found = []
    for tab in tabs:
        browser.use_tab(tab)
        found.append(browser.run("return window.rung"))
    return found


def end_the_watch(browser: Browser, street: Site) -> None:
    browser.click("nav a[href='#/watches']")
    browser.click(".watches tbody button")
    browser.fill("dialog input[name=reason]", "found in the car park")
    assert axe(browser) == []
    browser.click("dialog button.primary")
    browser.until("no watch", lambda: "No vehicle is being watched for" in browser.text("main"))
    assert not street.context.watches.active()
    ended = [line for line in street.audit_lines() if '"watch.delete"' in line]
    assert any("found in the car park" in line for line in ended)
