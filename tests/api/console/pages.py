"""What the tests of the console's pages share: choices, checks of access, and the way in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.api.console.npm import MODULES

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.web_driver import Browser

AXE = MODULES / "axe-core" / "axe.min.js"
RULES = (
    "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], "
    "resultTypes: ['violations']}"
)


def choose(browser: Browser, label: str, value: str) -> None:
    """Choose an option of the list with one of these labels."""
    chosen = browser.run(
        "const list = [...document.querySelectorAll('label')]"
        ".find((one) => one.innerText.startsWith(arguments[0]))?.querySelector('select');"
        "if (!list) return false;"
        "list.value = arguments[1]; list.dispatchEvent(new Event('change', {bubbles: true}));"
        "return true",
        label,
        value,
    )
    assert chosen, label


def check_access(browser: Browser, page: str, back: str = "zh") -> None:
    """Check a page with axe-core in both themes and languages; go `back` to a language."""
    for language, theme_label in (("zh", "主题"), ("en", "Theme")):
        choose(browser, "语言" if browser.run(LANGUAGE) == "zh-CN" else "Language", language)
        browser.until("language", partial(has_label, browser, theme_label))
        for theme in ("light", "dark"):
            choose(browser, theme_label, theme)
            faults = axe(browser)
            browser.shoot(f"{page}-{language}-{theme}")
            assert faults == [], f"{page} in {language}, {theme}: {faults}"
    choose(browser, "Theme", "light")
    choose(browser, "Language", back)


def check_contrast(browser: Browser, within: str) -> None:
    """Check each text within some elements in both themes, also over pictures, which axe skips."""
    for theme in ("light", "dark"):
        choose(browser, "Theme", theme)
        texts = browser.run(CONTRASTS, within)
        assert texts, within
        faint = [one for one in texts if one[1] < LEAST_CONTRAST]
        assert faint == [], f"{theme}: {faint}"
    choose(browser, "Theme", "light")


LEAST_CONTRAST = 4.5
"""That of WCAG 2.2 AA for text."""
CONTRASTS = r"""
const light = ([r, g, b]) => {
  const [red, green, blue] = [r, g, b].map((one) => one / 255).map(
    (one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const ground = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const color = numbers(getComputedStyle(one).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const says = (element) => [...element.childNodes].some(
  (node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
return [...document.querySelectorAll(arguments[0])]
  .flatMap((one) => [...one.querySelectorAll('*')])
  .filter((one) => says(one) && one.checkVisibility())
  .map((one) => {
    const [dark, bright] = [numbers(getComputedStyle(one).color), ground(one)]
      .map(light).sort((a, b) => a - b);
    return [one.textContent, (bright + 0.05) / (dark + 0.05)];
  })
"""
"""Returns each text with its contrast."""


def has_label(browser: Browser, label: str) -> bool:
    return label in browser.text(".preferences")


LANGUAGE = "return document.documentElement.lang"


def axe(browser: Browser) -> list[Any]:
    """Return what axe-core finds wrong on the page."""
    if not browser.run("return 'axe' in window"):
        browser.run(AXE.read_text("utf-8"))
    found: list[Any] = browser.run_async(
        f"const done = arguments[0]; axe.run(document, {RULES}).then((result) => done("
        "result.violations.map((one) => [one.id, one.nodes.map((node) => "
        "[node.html.slice(0, 200), node.failureSummary])])))"
    )
    return found


MAP_IS_DRAWN = (
    "const canvas = document.querySelector('.map canvas');"
    "if (!canvas || canvas.width === 0) return false;"
    "const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
    "return new Set(new Uint32Array(data.buffer)).size > 3"
)
"""Whether the map has more colours than its ground."""
CLIP_WIDTH = (
    "const video = document.querySelector('dialog video');"
    "return video && video.readyState >= 1 && video.videoWidth"
)
LIVE_WIDTH = (
    "const video = document.querySelector('.tile video');"
    "return video && video.readyState >= 2 && video.videoWidth > 0 && video.currentTime > 0"
)
"""The width of live video, once it is played."""


def loaded_pictures(browser: Browser) -> int:
    found: int = browser.run(
        "return [...document.querySelectorAll('.card img')].filter((one) => one.naturalWidth)"
        ".length"
    )
    return found


def open_in_english(browser: Browser, site: Site, token: str = "") -> None:
    """Open the console, with a token if there is one."""
    browser.open(f"{site.url}/healthz")
    browser.console_errors()  # of an earlier test, which used the same browser
    browser.run("localStorage.setItem('sightline.preferences', '{\"language\": \"en\"}')")
    browser.open(f"{site.url}/#token={token}" if token else f"{site.url}/")


def give_reason(browser: Browser, reason: str) -> None:
    """Answer the question for the reason of the task, and wait for the page behind it."""
    browser.until("question for the reason", lambda: browser.text("form.reason-form"))
    browser.fill("input[name=reason]", reason)
    browser.fill("input[name=case]", "2026-118")
    browser.click("main form button.primary")
    browser.until("page", lambda: reason in browser.text(".reason-bar"))
