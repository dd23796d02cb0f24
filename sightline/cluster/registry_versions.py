"""Follows the applied versions of the registry in the object store."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator

from domain.clock import Clock
from domain.errors import DataLoss, NotFound, StoreError
from domain.log import FloodGate
from domain.paths.data_layout import Layout
from domain.registry.check import check_text
from domain.registry.record import RegistryRecord
from domain.registry.secrets import load_secrets
from sightline.cluster.former_cameras import learn, read_former
from sightline.cluster.registry_cache import write_cached
from sightline.cluster.site_registry import record, secrets_path, store_record
from storage.site.registries import Registries

_log = logging.getLogger(__name__)
FOLLOW_EVERY_S = 1.0


class RegistryFollower:
    """Updates this machine's copy to the newest applied version; a job of the supervisor."""

    def __init__(self, registries: Registries, layout: Layout, clock: Clock) -> None:
        self._registries = registries
        self._layout = layout
        self._clock = clock
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)
        self._learning: Iterator[None] | None = None
        self._has_learned = False

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.run_once()
            self._clock.wait(stop, FOLLOW_EVERY_S)

    def run_once(self) -> None:
        """Store the registry given at the start as a version, or fetch a newer version.

        While a store is unavailable the registry in use stays.
        """
        try:
            self._update()
            self._learn()
        except (NotFound, StoreError) as error:  # without a bucket the store raises NotFound
            self._warn(
                "follow", f"the registry cannot be updated and remains in use unchanged: {error}"
            )

    def _update(self) -> None:
        known = record(self._layout)
        if known is not None and known.version == 0:
            store_record(self._layout, self._registries.adopt(known.text))
        elif known is None or self._registries.announced() > known.version:
            newest = self._registries.newest()
            if newest is not None and (known is None or newest.version > known.version):
                self._apply(newest)

    def _learn(self) -> None:
        """Do one step of finding the cameras that left before this data folder existed."""
        known = None if self._has_learned else record(self._layout)
        if known is None or known.version == 0:
            return
        if read_former(self._layout).is_complete:
            self._has_learned = True
            return
        try:
            self._learning = self._learning or learn(self._layout, self._older(known), known)
            next(self._learning)
        except StopIteration:
            self._learning = None
        except BaseException:
            self._learning = None
            raise

    def _older(self, known: RegistryRecord) -> Iterator[RegistryRecord]:
        """Yield the readable versions before `known` and its own, oldest first."""
        for version in self._registries.versions():
            if version > known.version:
                return
            try:
                yield self._registries.read(version)
            except DataLoss as error:
                _log.error("%s; cameras that are only in this version remain unknown", error)

    def _apply(self, newest: RegistryRecord) -> None:
        """Put a version into use. It was checked before, so faults concern secrets."""
        secrets, _ = load_secrets(secrets_path(None, self._layout), os.environ)
        registry, faults = check_text(newest.text, newest.source, secrets)
        for fault in faults:
            self._warn(str(fault), str(fault))
        if registry is not None:
            store_record(self._layout, newest)
            write_cached(self._layout, newest.text, registry)
            self._layout.registry_faults.unlink(missing_ok=True)
            _log.info(
                "version %d of the registry is in use: %d cameras",
                newest.version,
                len(registry.cameras),
            )
