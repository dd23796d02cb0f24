"""A browser that has signed in, as the API sees it: a cookie, an origin and a CSRF token."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from domain.people import Role
from storage.site.sessions import NewSession, SignInMethod

if TYPE_CHECKING:
    from tests.api.conftest import Site

COOKIE = "sightline-session"
_numbers = itertools.count()


@dataclass
class Browser:
    """Sends the headers that a page of the site has its browser send."""

    site: Site
    person: str
    started: NewSession
    url: str = ""
    """The process of the API that it talks to; empty: that of the site."""
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cookies.setdefault(COOKIE, self.started.cookie)
        self.url = self.url or self.site.url

    @property
    def id(self) -> str:
        return self.started.session.record.id

    @property
    def csrf_token(self) -> str:
        return self.site.context.sessions.csrf_token(self.started.session.record)

    def headers(self, **others: str | None) -> dict[str, str]:
        """Return the headers of a change; `others` replace them, and None leaves one out."""
        usual: dict[str, str | None] = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Origin": self.url,
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": self.csrf_token,
        }
        given = {name.replace("_", "-"): value for name, value in others.items()}
        known = {name.lower(): name for name in usual}
        merged = usual | {known.get(name.lower(), name): value for name, value in given.items()}
        return {name: value for name, value in merged.items() if value is not None}

    def get(self, path: str, **others: str | None) -> httpx.Response:
        """Send what a browser sends for a page's own `fetch`, `<img>` or `EventSource`."""
        headers = {"Origin": None, "X-CSRF-Token": None} | others
        return self.site.http.get(self.url + path, headers=self.headers(**headers))

    def change(
        self, method: str, path: str, body: object = None, **others: str | None
    ) -> httpx.Response:
        return self.site.http.request(
            method, self.url + path, headers=self.headers(**others), json=body
        )


def signed_in(site: Site, role: Role = Role.INVESTIGATOR, name: str = "") -> Browser:
    """Return a browser in which a person of `role` has signed in; the person is added if new."""
    if not name:
        name = f"browser-{role}-{next(_numbers)}"
        site.context.people.add(name, role)
    started = site.context.sessions.start(name, SignInMethod.PASSWORD, "127.0.0.1", "a test")
    assert started is not None
    return Browser(site, name, started)
