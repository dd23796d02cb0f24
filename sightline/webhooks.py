"""Sends the matches of vehicle watches to other systems: signed, to allowed networks alone, again and again with growing pauses."""

from __future__ import annotations

import hashlib
import hmac
import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from api.watch_models import WatchMatchView
from api.webhook_address import Target, target_of
from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.errors import BadInput, NotFound, StoreError
from domain.log import FloodGate
from domain.metrics import WEBHOOKS
from domain.settings import Settings
from domain.watches import Ended, Watch
from sightline.vehicle_watches import entry_of
from storage.audit import AuditLog
from storage.watch_matches import Delivery, WatchMatches
from storage.watches import Watches

log = logging.getLogger(__name__)
LOOK_EVERY_S = 0.25
IDLE_S = 1.0
"""Where there is no watch, or another node matches."""
AWAY_S = 1.0
AT_ONCE = 4
TIMEOUT_S = 5.0
HELD_MS = 60_000
"""A sender that died with a delivery in hand: another sends it after this."""
MOST_TRIES = 15
LONGEST_PAUSE_S = 3600


class Webhooks:
    def __init__(
        self,
        matches: WatchMatches,
        watches: Watches,
        audit: AuditLog,
        settings: Settings,
        clock: Clock,
        is_matching: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_matching`: whether this node may find something at any moment."""
        self._is_matching = is_matching
        self._matches = matches
        self._watches = watches
        self._audit = audit
        self._settings = settings
        self._clock = clock
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False)
        self._warn = FloodGate(log.warning, clock, every_s=10.0)

    def run(self, stop: threading.Event) -> None:
        pause_s = 0.0
        with ThreadPoolExecutor(AT_ONCE, "webhook") as pool:
            while not self._clock.wait(stop, pause_s):
                try:
                    pause_s = 0.0 if self.run_once(pool) else LOOK_EVERY_S if self._is_matching() else IDLE_S
                except StoreError as error:
                    self._warn("store", f"webhooks wait: {error}")
                    pause_s = AWAY_S

    def run_once(self, pool: ThreadPoolExecutor) -> int:
        """Send what is due; how many that were."""
        now_ms = self._clock.wall_ns() // NS_PER_MS
        due = self._matches.claim(now_ms, now_ms + HELD_MS, AT_ONCE)
        list(pool.map(self._send, due))
        return len(due)

    def _send(self, delivery: Delivery) -> None:
        watch = self._watch_of(delivery)
        if watch is None:
            self._matches.settle(delivery)
            return
        try:
            status = self._post(watch, delivery)
            error = "" if 200 <= status < 300 else f"answered {status}"
        except (httpx.HTTPError, BadInput) as fault:
            status, error = 0, str(fault) or type(fault).__name__
        terms = {"watch": watch.id, "match": delivery.match.id, "try": str(delivery.tries + 1)}
        self._audit.append(entry_of(watch, "watch.webhook", terms, status))
        if error:
            self._failed(delivery.model_copy(update={"tries": delivery.tries + 1, "last_error": error[:300]}))
        else:
            self._matches.settle(delivery)
            WEBHOOKS.labels("delivered").inc()

    def _watch_of(self, delivery: Delivery) -> Watch | None:
        """None where nobody wants it any more. One that is over is still told of what was found in its time."""
        try:
            watch = self._watches.get(delivery.match.watch)
        except NotFound:
            return None
        return None if watch.ended is Ended.DELETED else watch

    def _post(self, watch: Watch, delivery: Delivery) -> int:
        """The status of the answer, of which nothing else is read."""
        target = target_of(watch.webhook, self._settings.allowed_webhook_networks)
        body = WatchMatchView.of(delivery.match).model_dump_json(by_alias=True).encode()
        headers = signed(watch.secret, body, self._clock.wall_ns() // NS_PER_S)
        headers |= {"Content-Type": "application/json", "Sightline-Match": delivery.match.id, "Sightline-Try": str(delivery.tries + 1)}
        return self._answer(target, headers, body)

    def _answer(self, target: Target, headers: dict[str, str], body: bytes) -> int:
        headers, extensions = headers | {"Host": target.authority}, {"sni_hostname": target.host}
        with self._http.stream("POST", target.url, headers=headers, content=body, extensions=extensions) as answer:
            return answer.status_code

    def _failed(self, delivery: Delivery) -> None:
        if delivery.tries >= MOST_TRIES:
            self._matches.settle(delivery, dead=True)
            WEBHOOKS.labels("dead").inc()
            return
        pause_s = min(LONGEST_PAUSE_S, 2 ** (delivery.tries - 1)) * random.uniform(0.5, 1.5)
        self._matches.retry(delivery, self._clock.wall_ns() // NS_PER_MS + round(pause_s * 1000))
        WEBHOOKS.labels("failed").inc()


def signed(secret: str, body: bytes, at_s: int) -> dict[str, str]:
    """The headers that prove to a receiver who knows the secret that a body is ours, and of when."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Sightline-Timestamp": str(at_s), "Sightline-Signature": f"v1={mac}"}
