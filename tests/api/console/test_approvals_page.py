"""Approvals in a browser: a refused search, its request, and the decision of a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.site.console import built_console
from domain.people import Role
from tests.api.console.pages import axe, check_access, give_reason, open_in_english
from tests.api.policy.policy_site import PolicySite, open_policy_site
from tests.web_driver import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import OpenSite
    from tests.api.site_data import MakeEvent


@pytest.fixture
def city(browser: Browser, open_site: OpenSite, make_event: MakeEvent) -> Iterator[PolicySite]:
    """A site where searches need an approval, or are an emergency that is reviewed."""
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    found = open_policy_site(open_site)
    found.apply("{search: {calls: [events.search], needs: [approval]}}", emergency_access=True)
    found.site.context.index.put(make_event(1))
    for name, role in (("zhao", Role.OPERATOR), ("li", Role.INVESTIGATOR)):
        found.add(name, role)
    yield found
    browser.open("about:blank")


def test_a_second_person_approves_a_search(browser: Browser, city: PolicySite) -> None:
    urgent = city.get("zhao", "/v1/events?plate=鄂F88889", X_Emergency="1")
    assert urgent.status_code == 200
    open_in_english(browser, city.site, city.tokens["zhao"])
    browser.run("location.hash = '#/find?plate=鄂F88888'")
    give_reason(browser, "stolen vehicle")
    browser.until("refusal", lambda: "Request an approval" in browser.text(".state"))
    browser.click(".state button.primary")
    browser.fill("dialog input[name=reason]", "the owner waits here")
    assert axe(browser) == []
    browser.click("dialog button.primary")
    browser.until("request", lambda: "waits for a second person" in browser.text(".state"))
    first = browser.tab()

    # A new tab has a token of its own.
    browser.open_tab(f"{city.site.url}/#token={city.tokens['li']}")
    go_to_by_palette(browser, "appr")
    browser.until("requests", lambda: "the owner waits here" in browser.text("main"))
    check_access(browser, "approvals", back="en")
    decide(browser, "Requests for approval", "Approve")
    decide(browser, "Emergency accesses", "Justified")
    browser.close_tab()
    browser.use_tab(first)
    browser.click(".state > button")
    browser.until("result", lambda: browser.texts(".card .plate") == ["鄂F·88888"])
    (approval,) = city.site.context.approvals.all().records
    assert (approval.person, approval.decided_by, approval.note) == ("zhao", "li", "it is right")
    (emergency,) = city.site.context.emergencies.all().records
    assert (emergency.verdict, emergency.reviewed_by) == ("justified", "li")


def go_to_by_palette(browser: Browser, letters: str) -> None:
    """Go to a place by Ctrl+K, a few letters and Enter."""
    browser.until("page", lambda: browser.text("nav"))
    browser.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true}))")
    browser.fill("dialog input", letters)
    assert axe(browser) == []
    browser.press("Enter")
    browser.until("no palette", lambda: browser.text("dialog") == "")


def decide(browser: Browser, section: str, button: str) -> None:
    """Click on a button of the first line of a section, and give the reason."""
    browser.run(
        "const section = document.querySelector(`section[aria-label='${arguments[0]}']`);"
        "[...section.querySelectorAll('button')].find((one) => one.innerText === arguments[1])"
        ".click()",
        section,
        button,
    )
    browser.fill("dialog input[name=reason]", "it is right")
    browser.click("dialog button.primary")
    browser.until(
        "no line",
        lambda: "There is none" in browser.text(f"section[aria-label='{section}']"),
    )
