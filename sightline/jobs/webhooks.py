"""Sends the matches of watches to webhooks: signed, to allowed networks only, with retries.

Each receiver (scheme, host and port) has its own queue, and each exchange has a deadline, so that a
slow receiver delays no other. A delivery that finds a full queue is due again later; none is lost,
because all are in Redis.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from api.feeds.watch_models import WatchMatchView
from api.feeds.webhook_address import target_of
from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.errors import BadInput, DataLoss, NotFound, StoreError
from domain.events.watches import Ended, Watch
from domain.log import FloodGate
from domain.metrics import WEBHOOKS
from domain.settings import Settings
from sightline.jobs.watch_matcher import entry_of
from sightline.jobs.webhook_post import POST_ERRORS, post
from sightline.jobs.webhook_queues import WebhookQueues
from storage.site.audit import AuditLog, Phase
from storage.site.watch_matches import Delivery, WatchMatches
from storage.site.watches import Watches

_log = logging.getLogger(__name__)
POLL_S = 0.25
IDLE_S = 1.0
"""The poll interval while there is no watch, or another node matches."""
RETRY_S = 1.0
CLAIM_SIZE = 16
MAX_RECEIVERS = 32
"""The number of receivers that are sent to concurrently; others wait for a thread."""
MAX_QUEUED = 16
"""The queue length of one receiver."""
EXCHANGE_S = 10.0
"""The deadline of one POST, from the connection to the status of the response."""
CLAIM_MS = 60_000
"""How long a claimed delivery belongs to its process; then another one may send it."""
DEFERRED_MS = 10_000
"""The delay of a delivery that found the queue of its receiver full."""
MAX_TRIES = 15
MAX_PAUSE_S = 3600


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A delivery that this process sends."""

    delivery: Delivery
    watch: Watch
    until_ms: int
    """The time (UTC) until which no other process sends it."""


class Webhooks:
    """Sends the due deliveries; a job of a node."""

    def __init__(
        self,
        matches: WatchMatches,
        watches: Watches,
        audit: AuditLog,
        settings: Settings,
        clock: Clock,
        is_matching: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_matching` returns whether this node matches watches now."""
        self._is_matching = is_matching
        self._matches = matches
        self._watches = watches
        self._audit = audit
        self._settings = settings
        self._clock = clock
        self._receivers = WebhookQueues(self._send, MAX_RECEIVERS, MAX_QUEUED)
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def run(self, stop: threading.Event) -> None:
        pause_s = 0.0
        try:
            while not self._clock.wait(stop, pause_s):
                try:
                    pause_s = 0.0 if self.run_once() else POLL_S if self._is_matching() else IDLE_S
                except StoreError as error:
                    self._warn("store", f"webhooks are delayed: {error}")
                    pause_s = RETRY_S
        finally:
            self._receivers.close()

    def run_once(self) -> int:
        """Queue the due deliveries and return their number."""
        until_ms = self._now_ms() + CLAIM_MS
        due = self._matches.claim(self._now_ms(), until_ms, CLAIM_SIZE)
        for delivery in due:
            try:
                watch = self._watch_of(delivery)
            except DataLoss as error:  # due again after `CLAIM_MS`; the others are sent
                self._warn("watch", f"a webhook waits for the record of its watch: {error}")
                continue
            if watch is None:
                self._matches.settle(delivery)
            elif not self._receivers.add(
                _receiver(watch.webhook), _Claimed(delivery, watch, until_ms)
            ):
                WEBHOOKS.labels("deferred").inc()
                self._matches.retry(delivery, self._now_ms() + DEFERRED_MS)
        return len(due)

    def wait(self) -> None:
        """Wait until all queued deliveries are sent or have failed."""
        self._receivers.wait()

    def _send(self, claimed: _Claimed) -> None:
        """Send one delivery. If a store is unavailable, the delivery is due again after
        `CLAIM_MS`.
        """
        if self._now_ms() + EXCHANGE_S * 1000 >= claimed.until_ms:
            WEBHOOKS.labels("deferred").inc()
            return
        watch, delivery = claimed.watch, claimed.delivery
        terms = {"watch": watch.id, "match": delivery.match.id, "try": str(delivery.tries + 1)}
        try:
            # The intent is first: a full audit log would otherwise have it sent without a line.
            self._audit.append(entry_of(watch, "watch.webhook", terms, None, Phase.INTENT))
            status, error = self._answer(watch, delivery)
            self._audit.append(entry_of(watch, "watch.webhook", terms, status, Phase.OUTCOME))
            self._settle(delivery, error)
        except StoreError as error:
            self._warn("store", f"webhooks are delayed: {error}")

    def _answer(self, watch: Watch, delivery: Delivery) -> tuple[int, str]:
        """Return status and error, which are 0 and empty where there is none."""
        try:
            status = self._post(watch, delivery)
        except (*POST_ERRORS, BadInput) as fault:
            return 0, str(fault) or type(fault).__name__
        return status, "" if 200 <= status < 300 else f"answered {status}"

    def _settle(self, delivery: Delivery, error: str) -> None:
        if error:
            self._failed(
                delivery.model_copy(update={"tries": delivery.tries + 1, "last_error": error[:300]})
            )
        else:
            self._matches.settle(delivery)
            WEBHOOKS.labels("delivered").inc()

    def _watch_of(self, delivery: Delivery) -> Watch | None:
        """Return the watch, or None for a deleted one. An expired watch still gets its matches."""
        try:
            watch = self._watches.get(delivery.match.watch)
        except NotFound:
            return None
        return None if watch.ended is Ended.DELETED else watch

    def _post(self, watch: Watch, delivery: Delivery) -> int:
        """Send the POST and return the status of the response."""
        target = target_of(watch.webhook, self._settings.allowed_webhook_networks)
        body = WatchMatchView.of(delivery.match).model_dump_json(by_alias=True).encode()
        headers = signed(watch.secret, body, self._clock.wall_ns() // NS_PER_S)
        headers |= {
            "Content-Type": "application/json",
            "Sightline-Match": delivery.match.id,
            "Sightline-Try": str(delivery.tries + 1),
        }
        return post(target, headers, body, self._clock, EXCHANGE_S)

    def _failed(self, delivery: Delivery) -> None:
        if delivery.tries >= MAX_TRIES:
            self._matches.settle(delivery, dead=True)
            WEBHOOKS.labels("dead").inc()
            return
        pause_s = min(MAX_PAUSE_S, 2 ** (delivery.tries - 1)) * random.uniform(0.5, 1.5)
        self._matches.retry(delivery, self._now_ms() + round(pause_s * 1000))
        WEBHOOKS.labels("failed").inc()

    def _now_ms(self) -> int:
        return self._clock.wall_ns() // NS_PER_MS


def _receiver(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def signed(secret: str, body: bytes, at_s: int) -> dict[str, str]:
    """Return headers with the time and the HMAC of a body, which the receiver can verify."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Sightline-Timestamp": str(at_s), "Sightline-Signature": f"v1={mac}"}
