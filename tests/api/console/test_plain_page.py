"""The plain page in a browser: events, search, a clip, no token in the URL, no injection."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.site.console import ConsoleFiles, read_console
from domain.paths.data_layout import Layout
from domain.people import Role
from tests.api.console.street import HOSTILE, open_street
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent


@pytest.fixture
def plain(tmp_path: Path) -> ConsoleFiles:
    """Return the console of an installation that could not build it."""
    (tmp_path / "plain.html").write_bytes(files("console").joinpath("plain.html").read_bytes())
    return read_console(tmp_path)


@pytest.fixture
def street(
    open_site: OpenSite,
    make_event: MakeEvent,
    record: Callable[[Layout, str, int, float], Path],
    plain: ConsoleFiles,
) -> Site:
    return open_street(open_site, make_event, record, console=plain)


def _until(holds: Callable[[], bool]) -> None:
    from tests.api.conftest import Site

    Site.eventually(holds)


def test_the_page_lists_searches_and_plays(browser: Browser, street: Site) -> None:
    browser.open(f"{street.url}/#token={street.tokens[Role.OPERATOR]}")
    _until(lambda: not browser.run("return document.getElementById('gate').hidden"))
    assert browser.run("return location.href") == f"{street.url}/", (
        "the token is gone from the address"
    )
    browser.run(
        "if (document.documentElement.lang === 'en') document.getElementById('language').click()"
    )
    browser.run(
        "document.getElementById('reason').value = '查找被盗车辆';"
        "document.querySelector('#sign-in button').click()"
    )
    pictures = (
        "return [...document.querySelectorAll('.card img')].filter((one) => "
        "one.naturalWidth > 0).length"
    )
    _until(lambda: browser.run(pictures) == 6)
    assert browser.run(
        "return [...document.querySelectorAll('.card .plate')].map((one) => one.textContent)"
    ) == [
        "人脸",
        "粤B·D12345",
        "鄂F·88888",
    ]
    assert browser.run("return document.querySelector('.card .camera').textContent") == HOSTILE
    assert browser.run("return document.querySelectorAll('#cameras li').length") == 3
    assert "密码错误" in browser.run("return document.querySelector('.state-bad').textContent")
    browser.shoot("events")

    browser.run(
        "document.getElementById('plate').value = '鄂f8888?'; document.querySelector('#search "
        ".main').click()"
    )
    _until(lambda: browser.run("return document.querySelectorAll('.card').length") == 1)
    browser.run("document.querySelector('.card').click()")
    _until(
        lambda: (
            browser.run(
                "const video = document.getElementById('video'); return video.readyState >= 2 && "
                "video.videoWidth"
            )
            == 64
        )
    )
    assert browser.run("return document.getElementById('player-title').textContent").endswith(
        " · 驶离 · 车道 2 · 越线 1（右→左）"
    )
    browser.shoot("clip")
    browser.run(
        "document.getElementById('close').click(); document.getElementById('plate').value = '京*'"
    )
    browser.run("document.querySelector('#search .main').click()")
    _until(lambda: not browser.run("return document.getElementById('empty').hidden"))
    browser.run("document.getElementById('language').click()")
    _until(
        lambda: (
            "Nothing matches" in browser.run("return document.getElementById('empty').textContent")
        )
    )
    browser.shoot("empty")
    assert any('"reason":"查找被盗车辆"' in line for line in street.audit_lines())
    assert browser.console_errors() == []


def test_the_page_gets_events_and_clips_from_the_feed(
    browser: Browser, street: Site, make_event: MakeEvent
) -> None:
    browser.open(f"{street.url}/#token={street.tokens[Role.OPERATOR]}")
    _until(lambda: not browser.run("return document.getElementById('gate').hidden"))
    browser.run(
        "document.getElementById('reason').value = 'watch'; document.querySelector('#sign-in "
        "button').click()"
    )
    cards = "return [...document.querySelectorAll('.card .plate')].map((one) => one.textContent)"
    _until(lambda: len(browser.run(cards)) == 3)
    looks = [line for line in street.audit_lines() if '"events.search"' in line]
    assert len(looks) == 1
    new = make_event(5, plate="鄂C12345")
    street.context.feed.add_all([new])
    _until(lambda: "鄂C·12345" in browser.run(cards))
    play = "return document.querySelectorAll('.card .play')[1].textContent"
    soon = browser.run(play)
    street.context.feed.add_all([new.model_copy(update={"clip_ready": True})])
    _until(lambda: browser.run(play) != soon)
    assert browser.run(cards)[1] == "鄂C·12345", "in its place by time"
    assert [line for line in street.audit_lines() if '"events.search"' in line] == looks


def test_a_wrong_token_is_requested_again(browser: Browser, street: Site) -> None:
    browser.open(f"{street.url}/healthz")
    browser.open(f"{street.url}/#token=sl_wrong")
    _until(lambda: not browser.run("return document.getElementById('gate-error').hidden"))
    assert browser.run("return sessionStorage.getItem('token')") is None
    browser.shoot("gate")


def test_the_policy_allows_only_what_the_page_has(street: Site) -> None:
    answer = street.http.get(f"{street.url}/")
    policy = answer.headers["Content-Security-Policy"]
    script = answer.text.partition("<script>")[2].partition("</script>")[0]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for forbidden in (
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "http://",
        "https://",
        " onclick",
        " style=",
    ):
        assert forbidden not in answer.text.replace("<!doctype html>", ""), forbidden
