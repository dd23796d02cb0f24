"""Compares the objects of one event with the sizes and hashes in its sidecar."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.errors import DataLoss, NotFound
from domain.events.event import ObjectDigest, Sidecar
from domain.paths.object_keys import CLIP
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.findings import Breach, Finding
from storage.recordings.clip_check import verify


class ObjectCheck:
    """Reads every object completely. A `deep` check also opens each clip and looks for its event in
    it.
    """

    def __init__(self, objects: ObjectStore, deep: bool) -> None:
        self._objects = objects
        self._deep = deep

    def differences(self, sidecar: Sidecar, stats: Mapping[str, ObjectStat]) -> Iterator[Finding]:
        event = sidecar.event
        if event.clip_ready and CLIP not in sidecar.objects:
            yield Finding(
                Breach.OBJECT_MISSING,
                event.id,
                "its clip is said to be ready, and its sidecar names none",
            )
        for digest in sidecar.objects.values():
            stat = stats.get(digest.key)
            if stat is None:
                yield Finding(Breach.OBJECT_MISSING, event.id, f"{digest.key} is gone")
            elif stat.size_bytes != digest.size_bytes:
                yield Finding(
                    Breach.OBJECT_DIFFERS,
                    event.id,
                    f"{digest.key} has {stat.size_bytes} bytes of {digest.size_bytes}",
                )
            else:
                yield from self._content(sidecar, digest)

    def _content(self, sidecar: Sidecar, digest: ObjectDigest) -> Iterator[Finding]:
        with TemporaryDirectory(prefix="sightline-check-") as folder:
            copy = (
                Path(folder) / "object" if self._deep and digest.key.endswith("/" + CLIP) else None
            )
            try:
                sha256 = _fetch(self._objects, digest.key, copy)
            except NotFound:
                yield Finding(Breach.OBJECT_MISSING, sidecar.event.id, f"{digest.key} is gone")
                return
            if sha256 != digest.sha256:
                yield Finding(
                    Breach.OBJECT_DIFFERS,
                    sidecar.event.id,
                    f"{digest.key} has not the SHA-256 that its sidecar says",
                )
            elif copy is not None:
                yield from _opened(sidecar, copy)


def _fetch(objects: ObjectStore, key: str, copy: Path | None) -> str:
    """Return the SHA-256 of an object, read in chunks; they are also written to `copy` if it is
    given.
    """
    digest = hashlib.sha256()
    with nullcontext() if copy is None else copy.open("wb") as file:
        for chunk in objects.read(key):
            digest.update(chunk)
            if file is not None:
                file.write(chunk)
    return digest.hexdigest()


def _opened(sidecar: Sidecar, clip: Path) -> Iterator[Finding]:
    event = sidecar.event
    try:
        verify(clip, sidecar.clip_start_at, event.started_at, event.ended_at, sidecar.gaps_ms)
    except DataLoss as error:
        yield Finding(
            Breach.CLIP_WITHOUT_EVENT,
            event.id,
            str(error).replace(str(clip), sidecar.objects[CLIP].key),
        )
