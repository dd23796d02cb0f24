"""People of a test site, under a key that all tests share."""

from __future__ import annotations

from domain.clock import Clock, SystemClock
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.site.people import People

PEOPLE_KEY = b"the people key of every test site"


def people_of(redis: Redis, objects: ObjectStore, clock: Clock | None = None) -> People:
    return People(redis, objects, PEOPLE_KEY, clock or SystemClock())
