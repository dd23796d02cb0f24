"""The audit page in a browser: an auditor reads who searched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from domain.people import Role
from tests.api.console.pages import axe, check_access
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.paths.data_layout import Layout
    from tests.api.conftest import Site

    Record = Callable[[Layout, str, int, float], Path]


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
