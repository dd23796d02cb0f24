"""A new user, who acts by the texts of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.web_driver import Browser

if TYPE_CHECKING:
    pass


MOST_CLICKS = 6


class NewUser:
    """Acts by the texts of a page, and counts clicks."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.clicks = 0

    def click(self, text: str, within: str = "body") -> None:
        """Click on the first visible control that has a text or a name."""

        def marked() -> bool:
            found: bool = self._browser.run(MARK, text, within)
            return found

        self._browser.until(f"control {text!r}", marked)
        self._browser.click("[data-marked]")
        self.clicks += 1

    def type(self, field: str, text: str) -> None:
        """Type into the field with this name or label, and leave it as by the tabulator key."""
        self._browser.until(f"field {field!r}", lambda: self._browser.run(MARK_FIELD, field))
        self._browser.fill("[data-marked]", text)
        self._browser.run("document.activeElement.blur()")

    def finish(self, task: str) -> None:
        assert self.clicks <= MOST_CLICKS, f"{task}: {self.clicks} clicks"
        self.clicks = 0


MARK = """
for (const one of document.querySelectorAll('[data-marked]')) one.removeAttribute('data-marked');
const [text, within] = arguments;
const controls = [...document.querySelectorAll('a, button, summary')]
  .filter((one) => one.closest(within) && one.checkVisibility() && !one.disabled);
const says = (one) => [one.innerText, one.getAttribute('aria-label') ?? ''];
const found = controls.find((one) => says(one).some((words) => words.trim() === text))
  ?? controls.find((one) => says(one).some((words) => words.includes(text)));
found?.setAttribute('data-marked', '');
return found !== undefined
"""
MARK_FIELD = """
for (const one of document.querySelectorAll('[data-marked]')) one.removeAttribute('data-marked');
const label = [...document.querySelectorAll('main label')]
  .find((one) => one.innerText.trim().startsWith(arguments[0]));
const field = label?.querySelector('input');
field?.setAttribute('data-marked', '');
return field !== undefined && field !== null
"""
