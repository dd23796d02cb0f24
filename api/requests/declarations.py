"""What every route must say of itself before it may answer: the right it needs, the scope it
acts in, what the audit calls it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.requests.thread_pools import Pool
from domain.people import Person, Right


class Access(StrEnum):
    """What needs no right of its own."""

    ANYONE = "anyone"  # also without a token
    SIGNED_IN = "signed_in"  # any person with a token


class Scope(StrEnum):
    """Whose material the answer holds: what a person limited to some areas must be checked
    against.
    """

    NONE = "none"  # nobody's
    SITE = "site"  # every camera's that the answer names
    CAMERA = "camera"  # that of the camera in the path
    EVENT = "event"  # that of the camera of the event in the path


@dataclass(frozen=True, slots=True)
class Declaration:
    """One route. `audit` is empty where nothing is recorded. A `look` sees evidence, so it needs a
    reason and is recorded before it is answered; a change (any method but GET and HEAD) is recorded
    before it is made.
    """

    method: str
    path: str
    endpoint: Callable[..., Any]
    right: Right | Access
    scope: Scope
    audit: str = ""
    is_evidence_access: bool = False
    media_type: str = "application/json"
    """The media type of a good answer."""
    allows_head: bool = False
    """HEAD is answered as well."""
    allows_ticket: bool = False
    """A ticket in the address stands for the token and the reason: players can send no headers."""

    pool: Pool = Pool.QUERIES
    """The threads in which it blocks."""

    def __post_init__(self) -> None:
        if self.is_evidence_access and not self.audit:
            raise ValueError(f"{self.path}: a look is always recorded; give it an audit term")
        if self.is_evidence_access and isinstance(self.right, Access):
            raise ValueError(f"{self.path}: a look needs a right of its own")
        if self.is_change:
            self._check_change()

    def _check_change(self) -> None:
        """A change has its intent written by the thread that makes it, from its trace
        (`recorder.py`).
        """
        if not self.audit:
            raise ValueError(f"{self.path}: a change is always recorded; give it an audit term")
        if inspect.iscoroutinefunction(self.endpoint):
            raise ValueError(f"{self.path}: the endpoint of a change blocks, and runs in a thread")
        if "trace" not in inspect.signature(self.endpoint).parameters:
            raise ValueError(f"{self.path}: the endpoint of a change takes `trace: RequestTrace`")

    @property
    def is_change(self) -> bool:
        """By its method, so that no route can leave it out."""
        return self.method not in ("GET", "HEAD")

    def allows(self, person: Person) -> bool:
        return isinstance(self.right, Access) or person.may(self.right)

    @property
    def methods(self) -> tuple[str, ...]:
        return (self.method, "HEAD") if self.allows_head else (self.method,)


class Declarations:
    """All routes of an app, by method and path."""

    def __init__(self, declared: tuple[Declaration, ...]) -> None:
        self.all = declared
        self._by_key = {(method, one.path): one for one in declared for method in one.methods}

    def find(self, method: str, path: str) -> Declaration | None:
        return self._by_key.get((method, path))

    def check(self, app: FastAPI) -> None:
        """Raises ValueError where a route of `app` is not declared: such an app does not start."""
        for route in app.routes:
            if not isinstance(route, APIRoute):
                raise ValueError(f"{route!r} is not declared; add it to the table of routes")
            missing = [
                method
                for method in sorted(route.methods or ())
                if self.find(method, route.path) is None
            ]
            if missing:
                raise ValueError(
                    f"{missing[0]} {route.path} is not declared; add it to the table of routes"
                )
