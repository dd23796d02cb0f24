"""Detects an emptied index and a replaced object store by the id of the site.

A random id is generated once for a site. The object store, Redis and each node's data folder store
it. A store that answers without it, or with another one, has lost its contents.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from domain.clock import Clock
from domain.errors import DataLoss, NotFound, StoreError
from domain.messages.message import Message
from domain.paths.object_keys import JOURNAL_PREFIX, PEOPLE_PREFIX, SITE_OBJECT
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.clients.redis import Redis, text
from storage.clients.s3 import ObjectStore
from storage.site.people_index import PeopleIndex

_log = logging.getLogger(__name__)
_MARK = "{site}:id"
_CREATING = "{site}:creating"
_CREATES_WITHIN_S = 60
FRESH_S = 5.0
_REMEDY = Message(
    "put the right store back, or accept the loss with `sightline index rebuild --force`"
)


class SiteRecord(StoredModel):
    """The content of `state/site.json`, in the object store and in a data folder."""

    id: str = Field(min_length=1)
    created_at: WallNs
    schema_: int = schema_field()


@dataclass(frozen=True, slots=True)
class SiteFaults:
    """What the stores have lost, each in a sentence with a remedy; None if nothing is lost."""

    index: Message | None = None
    objects: Message | None = None

    def sentences(self) -> tuple[str, ...]:
        return tuple(one for one in (self.objects, self.index) if one is not None)


@dataclass(frozen=True, slots=True)
class _Ids:
    """The id in each place; None if it is missing."""

    stored: str | None
    is_readable: bool
    """Whether the record of the object store is readable; False if it is damaged."""
    indexed: str | None
    local: str | None


class SiteIdentity:
    """The identity of a site. Every method raises StoreError while a store does not answer."""

    def __init__(self, redis: Redis, objects: ObjectStore, file: Path | None, clock: Clock) -> None:
        """Store the id on a node's disk in `file`, which is None in a process without a data
        folder.
        """
        self._redis = redis
        self._objects = objects
        self._file = file
        self._clock = clock

    def check(self) -> SiteFaults:
        """Return what the stores have lost, without writing."""
        return self._judge(self._read())

    def settle(self) -> SiteFaults:
        """Do the same as `check`; also generate the id of a new site, and copy it to where it is
        missing.
        """
        ids = self._read()
        faults = self._judge(ids)
        if faults.objects is not None:
            return faults
        stored = ids.stored or self._create()
        if stored is None:
            return faults
        if faults.index is None and ids.indexed is None:
            self._redis.do("SET", _MARK, stored)
        if ids.local is None:
            self._write_file(stored)
        return faults

    def accept(self) -> None:
        """Accept both stores as those of this site, after Redis was rebuilt from the object store.
        A store without a readable id gets the earlier id, or a new one.
        """
        ids = self._read()
        site_id = ids.stored or ids.local or ids.indexed or secrets.token_hex(16)
        if ids.stored is None:
            self._put(site_id)
        self._redis.do("SET", _MARK, site_id)
        if ids.local != site_id:
            self._write_file(site_id)

    def _read(self) -> _Ids:
        try:
            data: bytes | None = self._objects.get(SITE_OBJECT)
        except NotFound:
            data = None
        except DataLoss:
            data = b""  # It holds no id of a site.
        stored = None if data is None else _id_in(data)
        indexed = text(self._redis.do("GET", _MARK))
        return _Ids(stored, data is None or stored is not None, indexed, self._read_file())

    def _judge(self, ids: _Ids) -> SiteFaults:
        if not ids.is_readable:
            why = Message(
                "{site_object} in the object store cannot be read, so it may be another store: "
                "{remedy}",
                site_object=SITE_OBJECT,
                remedy=_REMEDY,
            )
            return SiteFaults(objects=why)
        if ids.stored is None and (ids.local or ids.indexed):
            why = Message(
                "the object store is not the one that this site used: it has no {site_object}; "
                "{remedy}",
                site_object=SITE_OBJECT,
                remedy=_REMEDY,
            )
            return SiteFaults(objects=why)
        if ids.local is not None and ids.stored != ids.local:
            why = Message(
                "the object store belongs to site {stored_site}, and this node to "
                "{local_site}; {remedy}",
                stored_site=ids.stored,
                local_site=ids.local,
                remedy=_REMEDY,
            )
            return SiteFaults(objects=why)
        if ids.indexed is not None and ids.stored != ids.indexed:
            why = Message(
                "Redis holds the index of site {indexed_site}, and the object store is of "
                "another: run "
                "`sightline index rebuild` if the store is right",
                indexed_site=ids.indexed,
            )
            return SiteFaults(index=why)
        is_emptied = self._has_records() if ids.stored else self._lacks_people()
        if ids.indexed is None and is_emptied:
            why = Message(
                "Redis was emptied: it lacks the people and events that the object store has; run "
                "`sightline index rebuild`, and tokens work again"
            )
            return SiteFaults(index=why)
        return SiteFaults()

    def _has_records(self) -> bool:
        """Return whether the object store has a person or a journal; without one nothing can be
        lost.
        """
        prefixes = (PEOPLE_PREFIX, JOURNAL_PREFIX)
        return any(next(self._objects.list(prefix), None) is not None for prefix in prefixes)

    def _lacks_people(self) -> bool:
        """Return whether Redis knows none of the people of the object store. This decides for a
        site without an id, which is new or was run by an older version.
        """
        if next(self._objects.list(PEOPLE_PREFIX), None) is None:
            return False
        return not PeopleIndex(self._redis, self._objects).names()

    def _create(self) -> str | None:
        """Return the id of this site, generated by one process; None while another one does."""
        if self._redis.do("SET", _CREATING, "1", "NX", "EX", _CREATES_WITHIN_S) is None:
            return None
        stored = self._read().stored
        if stored is None:
            stored = secrets.token_hex(16)
            self._put(stored)
        return stored

    def _put(self, site_id: str) -> None:
        self._objects.put(SITE_OBJECT, self._record(site_id).encode(), "application/json")

    def _record(self, site_id: str) -> str:
        record = SiteRecord(id=site_id, created_at=self._clock.wall_ns())
        return record.model_dump_json(by_alias=True)

    def _read_file(self) -> str | None:
        if self._file is None:
            return None
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return None
        return _id_in(data)

    def _write_file(self, site_id: str) -> None:
        """Write the id to the disk. If the disk refuses, the next call repeats it; until then Redis
        has the id.
        """
        if self._file is None:
            return
        unfinished = self._file.with_name(
            f".{self._file.name}.{os.getpid()}.{threading.get_ident()}"
        )
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(self._record(site_id), "utf-8")
            unfinished.replace(self._file)
        except OSError as error:
            _log.warning("the id of the site cannot be written to %s: %s", self._file, error)


class RecentSiteFaults:
    """The faults of the stores as of a few seconds ago, for frequent callers. It is thread-safe."""

    def __init__(self, identity: SiteIdentity, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock
        self._asking = threading.Lock()
        self._faults = SiteFaults()
        self._asked_s = float("-inf")

    def __call__(self) -> SiteFaults:
        """Return the faults; the last known ones while a store does not answer or another thread
        asks.
        """
        is_old = self._clock.monotonic_s() - self._asked_s >= FRESH_S
        if is_old and self._asking.acquire(blocking=False):
            try:
                self._faults = self._identity.check()
            except StoreError as error:
                _log.info("whether the stores are those of this site is not known: %s", error)
            finally:
                self._asked_s = self._clock.monotonic_s()
                self._asking.release()
        return self._faults


def _id_in(data: bytes) -> str | None:
    """Return the id in a record, or None if the record is damaged."""
    try:
        return SiteRecord.model_validate_json(data).id
    except ValidationError:
        return None
