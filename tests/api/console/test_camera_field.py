"""A field for a camera never searches for another camera than the one that it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.people import Right, Role
from tests.api.console.pages import give_reason, open_in_english
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import Site

FIELD = ".camera-field input"
ALERT = ".camera-field [role=alert]"
EMPTY = """
const field = document.querySelector(arguments[0]);
field.value = '';
field.dispatchEvent(new Event('input', {bubbles: true}));
"""
"""Empties a field as a person does; the driver does it without an event."""


def test_a_text_that_is_no_camera_takes_the_former_choice_away(
    browser: Browser, street: Site
) -> None:
    open_in_english(browser, street, street.tokens[Role.OPERATOR])
    give_reason(browser, "stolen vehicle")
    browser.click("form.search summary")
    browser.fill(FIELD, "east-gate")
    browser.click("form button.primary")
    browser.until("search of a camera", lambda: "camera=east-gate" in address(browser))
    browser.run(EMPTY, FIELD)
    browser.fill(FIELD, "gate")
    browser.run("document.activeElement.blur()")
    browser.until("advice", lambda: browser.text(ALERT) == "Choose a camera of the list.")
    browser.click("form button.primary")
    browser.until("search of all cameras", lambda: "camera=" not in address(browser))
    assert browser.run("return document.querySelector(arguments[0]).value", FIELD) == "gate"
    browser.run(EMPTY, FIELD)
    browser.fill(FIELD, "nowhere")
    browser.until("fault", lambda: browser.text(ALERT) == "No camera has this name or id.")


def test_the_audit_log_is_searched_for_a_camera_that_is_not_in_the_registry(
    browser: Browser, street: Site
) -> None:
    added = street.context.people.add("auditor-of-cameras", Role.AUDITOR, [Right.CAMERAS_READ])
    open_in_english(browser, street, added.token)
    browser.click("nav a[href='#/audit']")
    browser.fill(FIELD, "former-gate")
    browser.click("main form button.primary")
    browser.until("search of the camera", lambda: "camera=former-gate" in address(browser))
    assert browser.text(ALERT) == ""


def address(browser: Browser) -> str:
    found: str = browser.run("return location.hash")
    return found
