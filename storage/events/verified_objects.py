"""An event's files as evidence: each is compared with the SHA-256 in its sidecar before its first
byte is returned.

A comparison is remembered by the version that the store reports (etag, size, time). A player that
requests many parts of a clip therefore has it hashed once.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from pydantic import ValidationError

from domain.clock import Clock
from domain.errors import DataLoss, IndexUnavailable, NotFound, ObjectsUnavailable
from domain.events.event import Event, ObjectDigest, Sidecar
from domain.log import FloodGate
from domain.paths.object_keys import SIDECAR, event_object
from domain.recordings.recording_metrics import OBJECTS_DAMAGED
from storage.clients.s3 import ObjectStore, ObjectStream
from storage.events.damaged_objects import DamagedObjects

VERIFIED_FOR_S = 600.0
PICTURE_MAX_BYTES = 16 << 20
"""A comparison is valid for this time only, because a disk can change under a store that still
reports the same version.
"""
MOST_REMEMBERED = 10_000
_LOCKS = 64
_log = logging.getLogger(__name__)

IsUnchanged = Callable[[], bool]
"""A function that returns whether an event is still stored as it was when it was looked up; a
passing that continues is published again.
"""


@dataclass(frozen=True, slots=True)
class _Verified:
    version: tuple[str, int, int]
    digest: ObjectDigest
    until_s: float


class VerifiedObjects:
    """The verified files of events. It is thread-safe: one thread at a time hashes an object, and
    others that need it wait.
    """

    def __init__(self, objects: ObjectStore, damaged: DamagedObjects, clock: Clock) -> None:
        self._objects = objects
        self._damaged = damaged
        self._clock = clock
        self._guard = threading.Lock()
        self._known: OrderedDict[str, _Verified] = OrderedDict()
        self._hashing = tuple(threading.Lock() for _ in range(_LOCKS))
        self._say = FloodGate(_log.critical, clock, every_s=60.0)

    def digest(self, event: Event, name: str, is_unchanged: IsUnchanged) -> ObjectDigest:
        """Return size and SHA-256 of a file of a published event, after its bytes were compared.

        Raises DataLoss if they differ, or if the file or its sidecar is missing;
        ObjectsUnavailable.
        """
        key = event_object(event.camera, event.id, name)
        with self._hashing[hash(key) % _LOCKS]:
            stat = self._objects.stat(key)
            known = self._recall(key)
            if known is not None and stat is not None and known.version == stat.version:
                return known.digest
            digest = self._stated(event, name)
            if stat is None:
                raise _gone(event, name, is_unchanged)
            stream = self._objects.read(key)
            seen, version = _digest_of(key, stream), stream.stat.version
            self._compare(event, name, seen, digest, is_unchanged)
            self._remember(version, digest)
            return digest

    def open(self, digest: ObjectDigest, offset: int, length: int | None) -> ObjectStream:
        """Open a part of a file whose `digest` was just read. Raises ObjectsUnavailable,
        NotFound.
        """
        stream = self._objects.read(digest.key, offset, length)
        known = self._recall(digest.key)
        if known is None or known.digest != digest or known.version != stream.stat.version:
            stream.close()
            raise ObjectsUnavailable(
                "{key} was replaced while it was read; ask again", key=digest.key
            )
        return stream

    def picture(self, event: Event, name: str, is_unchanged: IsUnchanged) -> bytes:
        """Return a small file of an event. Raises NotFound, DataLoss, ObjectsUnavailable.

        The pictures of an event that is not published yet may be in the store before their sidecar.
        """
        key = event_object(event.camera, event.id, name)
        try:
            stream = self._objects.read(key)
        except NotFound as error:
            if is_published(event):
                raise _gone(event, name, is_unchanged) from error
            raise
        data = _whole(stream, key)
        known = self._recall(key)
        if known is not None and known.version == stream.stat.version:
            return data
        if not is_published(event) and not self._has_sidecar(event):
            return data
        digest = self._stated(event, name)
        seen = ObjectDigest(key=key, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        self._compare(event, name, seen, digest, is_unchanged)
        self._remember(stream.stat.version, digest)
        return data

    def _compare(
        self,
        event: Event,
        name: str,
        seen: ObjectDigest,
        digest: ObjectDigest,
        is_unchanged: IsUnchanged,
    ) -> None:
        if seen == digest:
            self._clear(digest.key)
            return
        if not is_unchanged() or self._stated(event, name) != digest:
            raise ObjectsUnavailable(
                "event {event} is being stored again; ask again in a moment", event=event.id
            )
        OBJECTS_DAMAGED.labels(name).inc()
        self._report(digest, seen)
        raise DataLoss(
            "the {file} of event {event} is not what was kept: its SHA-256 "
            "differs from the one in its sidecar, so it is not handed out; "
            "`sightline storage check` names it",
            file=name,
            event=event.id,
        )

    def _report(self, digest: ObjectDigest, seen: ObjectDigest) -> None:
        """Report an object once, however many processes and readers find it damaged."""
        message = (
            f"{digest.key} is damaged: it has {seen.size_bytes} bytes of SHA-256 {seen.sha256}, "
            "and its sidecar "
            f"says {digest.size_bytes} of {digest.sha256}; it is not handed out"
        )
        try:
            if self._damaged.add(digest.key):
                _log.critical("%s", message)
        except IndexUnavailable as error:
            self._say(digest.key, f"{message}; the alarm cannot be raised: {error}")

    def _clear(self, key: str) -> None:
        try:
            self._damaged.remove(key)
        except IndexUnavailable as error:
            self._say("alarm", f"the alarm about damaged objects is not up to date: {error}")

    def _stated(self, event: Event, name: str) -> ObjectDigest:
        """Return what the sidecar says of a file. Raises DataLoss if it does not name it."""
        try:
            raw = self._objects.get(event_object(event.camera, event.id, SIDECAR))
            return Sidecar.model_validate_json(raw).objects[name]
        except (NotFound, ValidationError, KeyError) as error:
            raise _lost(event, name) from error

    def _has_sidecar(self, event: Event) -> bool:
        return self._objects.stat(event_object(event.camera, event.id, SIDECAR)) is not None

    def _recall(self, key: str) -> _Verified | None:
        now_s = self._clock.monotonic_s()
        with self._guard:
            known = self._known.get(key)
        return known if known is not None and now_s < known.until_s else None

    def _remember(self, version: tuple[str, int, int], digest: ObjectDigest) -> None:
        verified = _Verified(version, digest, self._clock.monotonic_s() + VERIFIED_FOR_S)
        with self._guard:
            self._known[digest.key] = verified
            self._known.move_to_end(digest.key)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)


def is_published(event: Event) -> bool:
    """Return whether the sidecar exists, which is written last."""
    return event.clip_ready or bool(event.clip_missing)


def _gone(event: Event, name: str, is_unchanged: IsUnchanged) -> NotFound | DataLoss:
    """Return what a missing file of a published event means: damage, unless the event was deleted
    since.
    """
    return (
        _lost(event, name)
        if is_unchanged()
        else NotFound("there is no event {event}", event=event.id)
    )


def _lost(event: Event, name: str) -> DataLoss:
    """Return the error for a file that the index has and the store lacks; this is never a mere
    404.
    """
    what = name.partition(".")[0]
    return DataLoss(
        "the {file} of event {event} was kept and cannot be found whole; "
        "`sightline storage check` tells more",
        file=what,
        event=event.id,
    )


def _whole(stream: ObjectStream, key: str) -> bytes:
    """Return a small object. Raises DataLoss for one that no picture is as large as."""
    with closing(stream):
        if stream.stat.size_bytes > PICTURE_MAX_BYTES:
            raise DataLoss(
                "{key} has {size_bytes} bytes, so it is no picture",
                key=key,
                size_bytes=stream.stat.size_bytes,
            )
        return b"".join(stream)


def _digest_of(key: str, stream: ObjectStream) -> ObjectDigest:
    sha256, size_bytes = hashlib.sha256(), 0
    for chunk in stream:
        sha256.update(chunk)
        size_bytes += len(chunk)
    return ObjectDigest(key=key, size_bytes=size_bytes, sha256=sha256.hexdigest())
