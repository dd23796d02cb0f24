"""The clip of a passing in a browser: awaited while it is being made, and loaded again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.paths.object_keys import CLIP, event_object
from domain.people import Role
from tests.api.console.pages import CLIP_WIDTH, axe, give_reason, open_in_english
from tests.api.console.street import keep_event
from tests.web_driver import Browser

if TYPE_CHECKING:
    from domain.events.event import Event
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

ENDS = "return document.querySelector(arguments[0]).getBoundingClientRect().right"
STARTS = "return document.querySelector(arguments[0]).getBoundingClientRect().left"


def test_a_clip_appears_when_it_is_made(
    browser: Browser, street: Site, make_event: MakeEvent
) -> None:
    event = make_event(12)
    street.context.index.put(event)
    open_event(browser, street, event)
    browser.until("advice", lambda: "appears here when it is ready" in media(browser))
    assert "Play back this moment" in media(browser)
    assert axe(browser) == []
    street.context.feed.add_all([keep_event(street, event)])
    browser.until("clip", lambda: browser.run(CLIP_WIDTH))
    browser.until("picture", lambda: browser.texts(".event-media img"))
    assert browser.run(ENDS, ".event-media img") <= browser.run(STARTS, ".event-facts")
    calls = [
        line
        for line in street.audit_lines()
        if '"events.feed"' in line and f'"{event.camera}"' in line
    ]
    assert len(calls) == 1, "one line of the audit log, however long it takes"


def test_an_event_that_gets_no_clip_says_so(
    browser: Browser, street: Site, make_event: MakeEvent
) -> None:
    event = make_event(12)
    street.context.index.put(event)
    open_event(browser, street, event)
    browser.until("advice", lambda: "appears here when it is ready" in media(browser))
    street.context.feed.add_all([event.model_copy(update={"clip_missing": "nothing was recorded"})])
    browser.until("answer", lambda: "no clip" in media(browser))


def test_a_clip_that_was_not_loaded_is_loaded_again(
    browser: Browser, street: Site, make_event: MakeEvent
) -> None:
    event = make_event(12)
    keep_event(street, event)
    key = event_object(event.camera, event.id, CLIP)
    data = street.context.objects.get(key)
    street.context.objects.delete(key)
    open_event(browser, street, event)
    browser.until("failure", lambda: browser.texts(".event-media [role=alert]"))
    assert axe(browser) == []
    street.context.objects.put(key, data, "video/mp4")
    browser.click(".event-clip-failed button")
    browser.until("clip", lambda: browser.run(CLIP_WIDTH))


def open_event(browser: Browser, street: Site, event: Event) -> None:
    open_in_english(browser, street, street.tokens[Role.OPERATOR])
    give_reason(browser, "stolen vehicle")
    browser.run("location.hash = arguments[0]", f"#/find?to=2025-01-01T00:00:00Z&event={event.id}")


def media(browser: Browser) -> str:
    return browser.text(".event-media")
