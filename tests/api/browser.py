"""A browser that signs in, as the API sees it: cookies, an origin and a CSRF token."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from domain.passwords import HashCost, PasswordHasher
from domain.people import Role
from storage.sign_in.secrets import SignInSecrets
from storage.site.sessions import SignInMethod

if TYPE_CHECKING:
    from tests.api.conftest import Site

COOKIE = "sightline-session"
PASSWORD = "correct horse battery"
_numbers = itertools.count()


@dataclass
class Browser:
    """Sends the headers that a page of the site has its browser send."""

    site: Site
    person: str
    url: str = ""
    """The process of the API that it talks to; empty: that of the site."""
    cookies: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""
    id: str = ""
    """The id of its session."""

    def __post_init__(self) -> None:
        self.url = self.url or self.site.url

    @property
    def cookie(self) -> str:
        return self.cookies[COOKIE]

    def sign_in(self, password: str = PASSWORD, /, **others: str | None) -> httpx.Response:
        """Sign in with a password; `others` are headers. A success sets cookies and token."""
        body = {"name": self.person, "password": password}
        return self.adopt(self.change("POST", "/v1/session", body, **others))

    def adopt(self, answer: httpx.Response) -> httpx.Response:
        """Use the cookies and the token of an answer that has started a session."""
        if answer.status_code == 200:
            self.cookies |= dict(answer.cookies)
            self.csrf_token, self.id = answer.json()["csrf_token"], answer.json()["session"]["id"]
        return answer

    def headers(self, **others: str | None) -> dict[str, str]:
        """Return the headers of a change; `others` replace them, and None leaves one out."""
        usual: dict[str, str | None] = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()) or None,
            "Origin": self.url,
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": self.csrf_token or None,
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
        # The client of the site would keep the cookies of one browser for all others.
        hooks = self.site.http.event_hooks
        timeout = self.site.http.timeout
        with httpx.Client(trust_env=False, timeout=timeout, event_hooks=hooks) as client:
            return client.request(
                method, self.url + path, headers=self.headers(**others), json=body
            )


def new_browser(site: Site, role: Role = Role.INVESTIGATOR) -> Browser:
    """Return a browser of a new person of `role`, who has the password `PASSWORD`."""
    name = f"browser-{role}-{next(_numbers)}"
    site.context.people.add(name, role)
    set_password(site, name)
    return Browser(site, name)


def set_password(site: Site, name: str, password: str = PASSWORD) -> None:
    hasher = PasswordHasher(HashCost(memory_mb=19, passes=2))
    SignInSecrets(site.context.people, site.context.clock).set_password(name, hasher.hash(password))


def signed_in(site: Site, role: Role = Role.INVESTIGATOR, name: str = "") -> Browser:
    """Return a browser in which a person of `role` has signed in; the person is added if new."""
    if not name:
        name = f"browser-{role}-{next(_numbers)}"
        site.context.people.add(name, role)
    person = site.context.people.get(name)
    started = site.context.sessions.start(person, SignInMethod.PASSWORD, "127.0.0.1", "a test")
    assert started is not None
    record = started.session.record
    csrf_token = site.context.sessions.csrf_token(record)
    return Browser(site, name, site.url, {COOKIE: started.cookie}, csrf_token, record.id)
