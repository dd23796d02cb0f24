"""The cameras page in a browser: what is wrong with the registry and with a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.access.api_context import SiteRegistry
from api.site.console import built_console
from domain.camera_states import CameraState, CameraStatus, Why
from domain.errors import Fault, SourceRejected
from domain.messages.message import Message
from domain.people import Role
from tests.api.console.pages import axe, choose, open_in_english
from tests.api.site_data import REGISTRY, START_NS
from tests.web_driver import Browser

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite

FAULT = Fault(
    "/etc/sightline/camera_registry.yaml",
    7,
    3,
    Message("unknown key `{key}`", key="urll"),
    Message("did you mean `{word}`?", word="url"),
)
WRONG_PASSWORD = CameraStatus(
    "school",
    CameraState.WRONG_PASSWORD,
    START_NS,
    SourceRejected("the camera refuses the user name or password").message,
    why=Why.LOGIN,
)


def test_faults_of_the_registry_and_of_a_camera_are_in_both_languages(
    browser: Browser, open_site: OpenSite
) -> None:
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    faults = [FAULT]
    site = open_site(registry=lambda: SiteRegistry(REGISTRY, tuple(faults)))
    site.context.states.publish([WRONG_PASSWORD])
    open_in_english(browser, site, site.tokens[Role.INTEGRATOR])
    browser.run("location.hash = '#/cameras?state=faulty'")
    browser.until("fault", lambda: "registry has a fault" in browser.text(".cameras-main"))
    browser.until("one camera", lambda: len(browser.texts("button.camera-line")) == 1)
    browser.click(".cameras-main details summary")
    assert "camera_registry.yaml:7:3: unknown key `urll`" in browser.text(".cameras-main details")
    assert axe(browser) == []
    browser.click("button.camera-line")
    browser.until("dialog", lambda: browser.text("dialog"))
    shown = browser.text("dialog")
    assert "The user name or the password is wrong. Check the credentials." in shown
    assert "the camera refuses the user name or password" in shown
    browser.press("Escape")
    choose(browser, "Language", "zh")
    browser.until("fault", lambda: "没有键 `urll`" in browser.text(".cameras-main details"))
    assert "新的登记表有 1 处错误" in browser.text(".cameras-main")
    assert "没有键 `urll`（是否指 `url`？）" in browser.text(".cameras-main details")
    faults.clear()
    browser.until("no fault", lambda: "登记表" not in browser.text(".cameras-main"))
    browser.until("cause", lambda: "用户名或密码错误" in browser.text(".cameras-main"))
    browser.open("about:blank")
