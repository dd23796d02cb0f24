"""The list of cameras that were not recorded, in a browser: what no node logged is found too."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from domain.clock import rfc3339
from domain.people import Role
from tests.api.an_hour_ago import Record, at
from tests.api.console.pages import axe, open_in_english
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import Site

ROW = ".outages tbody tr"


def test_the_recordings_are_examined_on_request(
    browser: Browser, street: Site, record: Record
) -> None:
    for camera, start_s in (("east-gate", 0), ("east-gate", 14), ("school", 0), ("school", 4)):
        record(street.layout, camera, at(start_s), 4)
        street.hold(camera)
    open_in_english(browser, street, street.tokens[Role.INTEGRATOR])
    browser.until("cameras", lambda: browser.text(".cameras-main"))
    span = {"from": rfc3339(at(0)), "to": rfc3339(at(8))}
    browser.run(f"location.hash = '#/cameras?{urlencode(span)}'")
    browser.until("no report", lambda: "No outage was reported" in browser.text("main"))
    browser.click("main p.hint button")
    browser.until("gap", lambda: browser.texts(ROW))
    (row,) = browser.texts(ROW)
    assert "4 s" in row
    assert "cause unknown" in row
    assert "The recordings were looked at too" in browser.text("main")
    assert "no node that has the recordings answers" in browser.text("main"), "the west gate"
    assert axe(browser) == []
