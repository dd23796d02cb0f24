"""What a node needs done once, whatever its cameras are; its first worker does it: journals go up, and the disk stays bounded."""

from __future__ import annotations

import logging
import threading

from domain.clock import Clock
from domain.errors import StoreError
from domain.layout import Layout
from domain.settings import Settings
from sightline.lasting import Job
from sightline.stores import Stores
from sightline.usage import OtherUse
from storage.disk import DiskBound
from storage.journal import Journal, JournalUploader
from storage.ledger import Ledger
from storage.spool import Spool

log = logging.getLogger(__name__)

BOUND_DISK_EVERY_S = 5.0
BUCKET_EVERY_S = 5.0


class NodeJobs:
    def __init__(
        self, settings: Settings, layout: Layout, stores: Stores, spool: Spool, journal: Journal, ledger: Ledger, clock: Clock
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._stores = stores
        self._spool = spool
        self._journal = journal
        self._ledger = ledger
        self._clock = clock

    def jobs(self) -> dict[str, Job]:
        """Each runs in a thread of its own until its event is set."""
        return {"journal": self._upload_journal, "disk": self._bound_disk}

    def _upload_journal(self, stop: threading.Event) -> None:
        while not self._has_bucket() and not self._clock.wait(stop, BUCKET_EVERY_S):
            pass
        JournalUploader(self._journal, self._stores.objects, self._settings.node, self._clock).run(stop)

    def _has_bucket(self) -> bool:
        """Made here too: the store may have been away when the site started for the first time."""
        try:
            self._stores.objects.ensure_bucket()
        except StoreError as error:
            log.warning("the object store has no bucket yet: %s", error)
            return False
        return True

    def _bound_disk(self, stop: threading.Event) -> None:
        others = OtherUse(self._layout, self._clock)
        bound = DiskBound(self._ledger, self._settings, self._clock, self._protected, others.size_bytes)
        while not self._clock.wait(stop, BOUND_DISK_EVERY_S):
            bound.run_once()

    def _protected(self) -> list[tuple[str, int, int]]:
        return self._spool.wanted(self._settings.clip_before_s, self._settings.clip_after_s)
