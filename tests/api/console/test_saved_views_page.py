"""Saved views of the live wall in a browser: save, change, open by the address, rename, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.paths.object_keys import SAVED_VIEWS_PREFIX
from domain.people import Role
from tests.api.console.pages import axe, give_reason, open_in_english
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import Site

PRESS = (
    "const button = [...document.querySelectorAll(arguments[0] + ' button')]"
    ".find((one) => one.innerText === arguments[1]);"
    "button?.click(); return !!button"
)
CHOSEN = "return document.querySelector('.saved-views select')?.selectedOptions[0]?.innerText"
HASH = "return location.hash"


def press(browser: Browser, within: str, text: str) -> None:
    browser.until(f"button {text}", lambda: browser.run(PRESS, within, text))


def saved(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get("/v1/saved-views", Role.OPERATOR).json()["items"]
    return found


def test_a_wall_is_saved_opened_renamed_and_deleted(browser: Browser, street: Site) -> None:
    for old in list(street.context.objects.list(SAVED_VIEWS_PREFIX)):
        street.context.objects.delete(old.key)
    open_in_english(browser, street, street.tokens[Role.OPERATOR])
    give_reason(browser, "the morning shift")
    browser.run("location.hash = '#/live?size=4&cameras=east-gate,,school'")
    browser.until("two tiles", lambda: len(browser.texts(".tile")) == 2)
    press(browser, ".saved-views", "Save as a view")
    browser.fill("dialog input[name=name]", "the gates")
    browser.click("dialog input[name=is_shared]")
    assert axe(browser) == []
    browser.click("dialog button.primary")
    browser.until("view", lambda: browser.run(CHOSEN) == "the gates (shared)")
    (view,) = saved(street)
    assert (view["cameras"], view["is_shared"]) == (["east-gate", "", "school"], True)
    address = browser.run(HASH)
    assert address == f"#/live?view={view['id']}"

    browser.click(".tile-bar button:last-child")
    press(browser, ".saved-views", "Save the changes")
    browser.until("saved tiles", lambda: saved(street)[0]["cameras"] == ["", "", "school"])
    browser.until("the address of the view", lambda: browser.run(HASH) == address)

    browser.open(f"{street.url}/healthz")
    browser.open(f"{street.url}/{address}")
    browser.until("the saved tile", lambda: len(browser.texts(".tile")) == 1)
    press(browser, ".saved-views", "Rename or share")
    browser.fill("dialog input[name=name]", "the school")
    browser.click("dialog button.primary")
    browser.until("new name", lambda: browser.run(CHOSEN) == "the school (shared)")
    assert axe(browser) == []
    browser.shoot("saved-view")

    press(browser, ".saved-views", "Delete the view")
    browser.until("question", lambda: "Delete the view “the school”?" in browser.text("dialog"))
    assert len(saved(street)) == 1, "nothing is deleted before the answer"
    browser.click("dialog form button.primary")
    browser.until("no view", lambda: browser.run(CHOSEN) == "None")
    assert saved(street) == []
    assert len(browser.texts(".tile")) == 1, "the tiles stay"
