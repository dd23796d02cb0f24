"""People in a browser: an administrator adds one, changes the scope, and removes the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.camera_scope import CameraScope
from domain.people import Role
from tests.api.console.pages import axe, check_access, choose, give_reason, open_in_english
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import Site


def test_an_administrator_adds_changes_and_removes_a_person(browser: Browser, street: Site) -> None:
    scope = CameraScope(areas=("danjiangkou/junzhou",), classes=("A",))
    street.context.people.add("zhao.min", Role.OPERATOR, scope=scope)
    open_in_english(browser, street, street.tokens[Role.ADMIN])
    browser.click("nav a[href='#/people']")
    browser.until("people", lambda: len(browser.texts(".people tbody tr")) == 2)
    assert "areas 均州路街道, classes A" in row_of(browser, "zhao.min")
    check_access(browser, "people", back="en")

    token = add_operator(browser)
    change_scope(browser, street)
    sign_out_by_removal(browser, street, token)
    expected = (" 400 ", " 401 ")  # the wrong name, and the requests after the removal
    errors = browser.console_errors()
    assert [one for one in errors if not any(status in one for status in expected)] == []


def row_of(browser: Browser, name: str) -> str:
    return next(one for one in browser.texts(".people tbody tr") if name in one)


def open_person(browser: Browser, name: str) -> None:
    browser.run(
        "[...document.querySelectorAll('.people tbody button')]"
        ".find((one) => one.innerText === arguments[0]).click()",
        name,
    )
    browser.until("person", lambda: "Remove" in browser.text("dialog"))


def add_operator(browser: Browser) -> str:
    """Add a person by the form and return the token, which is shown once."""
    browser.click("main button.primary")
    assert axe(browser) == []
    browser.fill("dialog input[name=name]", "li wei")
    browser.fill("dialog input[name=reason]", "new colleague")
    browser.click("dialog button.primary")
    browser.until("refusal", lambda: "name" in browser.text("dialog .notice"))
    browser.fill("dialog input[name=name]", "li.wei")
    browser.click("dialog button.primary")
    browser.until("token", lambda: browser.text("output.token").startswith("sl_"))
    assert axe(browser) == []
    token = browser.text("output.token")
    browser.press("Escape")
    browser.until("the person", lambda: len(browser.texts(".people tbody tr")) == 3)
    assert token not in browser.run("return document.documentElement.innerHTML")
    assert "operator" in row_of(browser, "li.wei")
    return token


def change_scope(browser: Browser, street: Site) -> None:
    open_person(browser, "li.wei")
    choose(browser, "Role", "investigator")
    browser.click("dialog .check input")
    browser.fill("dialog input[name=reason]", "moved to investigation")
    check_access_of_dialog(browser)
    browser.click("dialog button.primary")
    browser.until("change", lambda: "investigator" in row_of(browser, "li.wei"))
    assert "classes A" in row_of(browser, "li.wei")
    assert any("moved to investigation" in line for line in street.audit_lines())


def check_access_of_dialog(browser: Browser) -> None:
    assert axe(browser) == []
    browser.shoot("person")


def sign_out_by_removal(browser: Browser, street: Site, token: str) -> None:
    """Remove a person who has the console open: that page signs out, without a click."""
    first = browser.tab()
    second = browser.open_tab(f"{street.url}/#token={token}")
    give_reason(browser, "stolen vehicle")
    browser.until("results", lambda: browser.texts(".card"))
    browser.use_tab(first)
    open_person(browser, "li.wei")
    browser.click("dialog .danger")
    browser.fill("dialog dialog input[name=reason]", "has left")
    browser.click("dialog dialog button.primary")
    browser.until("removal", lambda: len(browser.texts(".people tbody tr")) == 2)
    browser.use_tab(second)
    browser.until("end of the session", lambda: "Your session has ended" in browser.text("main"))
    assert "鄂F" not in browser.text()
    browser.close_tab()
    browser.use_tab(first)
