"""The console in a browser loads the texts of one language, and of the other when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from domain.clock import NS_PER_S, SystemClock, rfc3339
from domain.messages.message import Message
from domain.people import Role
from domain.recordings.gaps import Gap, GapCause
from storage.exports.records import ExportState
from storage.recordings.gaps.log import GapLog
from tests.api.console.pages import LANGUAGE, choose, give_reason, open_in_english
from tests.api.site_data import START_NS
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


def test_sentences_of_the_api_are_read_again_in_another_language(
    browser: Browser, street: Site
) -> None:
    from_ns, to_ns = (START_NS + seconds * NS_PER_S for seconds in (6, 40))
    why = Message("the camera ended the connection")
    gap = Gap("east-gate", from_ns, to_ns, GapCause.NETWORK).with_detail(why)
    GapLog(street.layout, SystemClock()).add(gap)
    street.hold("east-gate")
    span = {"from": rfc3339(from_ns), "to": rfc3339(to_ns)}
    asked = {"ranges": [{"camera": "east-gate", **span}], "reason": "a test"}
    export = street.get("/v1/exports", Role.OPERATOR, method="POST", body=asked).json()
    damaged = Message("the recording is damaged")
    street.context.exports.change(
        export["id"], lambda record: record.in_state(ExportState.FAILED, damaged)
    )
    open_in_english(browser, street, street.tokens[Role.OPERATOR])
    give_reason(browser, "stolen vehicle")
    playback = urlencode({"camera": "east-gate", "at": rfc3339(from_ns + NS_PER_S)})
    for page, shown, english, chinese in (
        ("exports", ".export-list", "the recording is damaged", "录像已损坏"),
        (f"playback?{playback}", ".tile", "the camera ended the connection", "摄像机断开了连接"),
    ):
        browser.run("location.hash = arguments[0]", f"#/{page}")
        browser.until("English", lambda: english in browser.text(shown))  # noqa: B023
        choose(browser, "Language", "zh")
        browser.until("Chinese", lambda: chinese in browser.text(shown))  # noqa: B023
        choose(browser, "语言", "en")
        browser.until("English again", lambda: english in browser.text(shown))  # noqa: B023
