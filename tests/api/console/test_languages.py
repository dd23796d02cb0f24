"""The console in a browser loads the texts of one language, and of the other when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.people import Role
from tests.api.console.pages import LANGUAGE, choose, give_reason, open_in_english
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import Site

LOADED = """
return performance.getEntriesByType('resource').map((one) => one.name)
  .flatMap((name) => /assets\\/(en|zh)-/.exec(name)?.[1] ?? []).sort()
"""


def test_the_texts_of_a_language_are_loaded_when_it_is_chosen(
    browser: Browser, street: Site
) -> None:
    open_in_english(browser, street, street.tokens[Role.OPERATOR])
    give_reason(browser, "stolen vehicle")
    assert browser.run(LOADED) == ["en"]
    browser.set_offline(True)
    choose(browser, "Language", "zh")
    browser.until("offline", lambda: "cannot be reached" in browser.text(".offline-line"))
    assert browser.run(LANGUAGE) == "en"
    assert browser.run("return document.querySelector('.preferences select').value") == "en"
    browser.set_offline(False)
    browser.until("server", lambda: browser.text(".offline-line") == "")
    choose(browser, "Language", "zh")
    browser.until("Chinese", lambda: browser.run(LANGUAGE) == "zh-CN")
    assert "查找" in browser.text("nav")
