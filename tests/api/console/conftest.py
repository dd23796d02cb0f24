"""One browser for the tests of this folder, and a street with cameras, passings and clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.site.console import built_console
from tests.api.console.street import open_street
from tests.web_driver import Browser, open_browser

if TYPE_CHECKING:
    from domain.paths.data_layout import Layout
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def street(
    browser: Browser,
    open_site: OpenSite,
    make_event: MakeEvent,
    record: Callable[[Layout, str, int, float], Path],
) -> Iterator[Site]:
    if not built_console().assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    browser.console_errors()  # of an earlier test, which used the same browser
    yield open_street(open_site, make_event, record)
    # A page that is open keeps its feeds, for which the API would wait when it stops.
    browser.open("about:blank")
