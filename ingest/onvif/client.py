"""Subscribes to the events of one ONVIF device over HTTP: by long polls, with renewals, and again
with backoff after failures. It runs in an event loop.

It never connects to another host: of the addresses that a device returns, only path and port are
used.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import httpx

from domain.camera_states import Why
from domain.clock import Clock, rfc3339
from domain.errors import SourceError, SourceRejected, SourceTimeout, SourceUnreachable
from domain.log import FloodGate
from domain.metrics import ONVIF_FAILURES, ONVIF_SUBSCRIBED
from domain.registry import Camera, Credentials, Networks
from ingest.onvif.events import (
    GET_CAPABILITIES,
    GET_TIME,
    PULL,
    PULL_S,
    RENEW,
    RENEW_EVERY_S,
    SUBSCRIBE,
    UNSUBSCRIBE,
    ActiveNotices,
    Notice,
    Subscription,
    device_time_ns,
    events_address,
    notices,
    subscription,
)
from ingest.onvif.soap import Element, SoapRequest, Token, envelope, parse_answer
from ingest.rtsp.auth import RtspLogin, strongest_challenge
from ingest.rtsp.backoff import Backoff

_log = logging.getLogger(__name__)

ANSWER_S = 10.0
GOODBYE_S = 1.0
REFUSED_WAIT_S = 300.0
"""The wait after refused credentials. Devices lock an account after repeated failures, and the
stream uses the same account.
"""
MAX_BYTES = 1 << 20
MIN_PULL_S = 0.25
"""The least time between two polls of a device that answers immediately without events."""
_PATH = "/onvif/device_service"
OnTrigger = Callable[[int, int, str], None]
"""Called with a range (UTC ns) that triggers, and the reason."""


class Device:
    """The requests to one device. They raise SourceError."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        address: str,
        port: int,
        credentials: Credentials | None,
        clock: Clock,
    ) -> None:
        """`address` is the IP address of the device, which the registry allows."""
        self._http = http
        self._address = address
        self._port = port
        self._credentials = credentials
        self._clock = clock
        self._login: RtspLogin | None = None
        self._ahead_ns = 0
        """The device's clock minus ours."""
        self._subscription = Subscription("", "")

    async def subscribe(self) -> None:
        device_ns = device_time_ns(await self._ask(_PATH, GET_TIME))
        self._ahead_ns = device_ns - self._clock.wall_ns() if device_ns is not None else 0
        events = events_address(await self._ask(_PATH, GET_CAPABILITIES))
        self._subscription = subscription(await self._ask(events, SUBSCRIBE))

    async def pull(self) -> tuple[Notice, ...]:
        """Return the new notices; wait a few seconds if there are none."""
        return notices(await self._ask(self._subscription.address, PULL, PULL_S + ANSWER_S))

    async def renew(self) -> None:
        await self._ask(self._subscription.address, RENEW)

    async def unsubscribe(self) -> None:
        """End the subscription, which would otherwise expire within a minute."""
        if self._subscription.address:
            await self._ask(self._subscription.address, UNSUBSCRIBE, GOODBYE_S)

    async def _ask(self, where: str, request: SoapRequest, timeout_s: float = ANSWER_S) -> Element:
        references = "" if where == _PATH else self._subscription.references
        try:
            async with asyncio.timeout(timeout_s):
                response, answer = await self._post(where, request, references)
                if response.status_code == 401 and self._prepare_login(response):
                    response, answer = await self._post(where, request, references)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise SourceTimeout(
                "ONVIF at port {port} did not answer within {timeout_s} s",
                port=self._port,
                timeout_s=timeout_s,
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceUnreachable(
                "ONVIF at port {port} cannot be reached: {reason}",
                port=self._port,
                reason=error or type(error).__name__,
            ) from error
        if response.status_code in (401, 403):
            raise SourceRejected("ONVIF refused the credentials")
        if response.status_code == 404:
            raise SourceUnreachable(
                "ONVIF has nothing at {path}", Why.NO_PATH, path=response.request.url.path
            )
        return parse_answer(answer)

    async def _post(
        self, where: str, request: SoapRequest, references: str
    ) -> tuple[httpx.Response, bytes]:
        url = self._url(where)
        content = envelope(request, where if "://" in where else url, self._token(), references)
        kind = f'application/soap+xml; charset=utf-8; action="{request.action}"'
        headers = {b"Content-Type": kind.encode(), b"Accept-Encoding": b"identity"}
        if self._login is not None:
            headers[b"Authorization"] = self._login.header(
                "POST", httpx.URL(url).raw_path.decode()
            ).encode()
        async with self._http.stream("POST", url, content=content, headers=headers) as response:
            return response, await _read_bounded(response)

    def _url(self, where: str) -> str:
        """Return a URL on the device's own host. Only the path of `where` is used, and its port if
        it names the device itself.
        """
        host = f"[{self._address}]" if ":" in self._address else self._address
        try:
            parts = urlsplit(where)
            port = (parts.port or 80) if parts.hostname == self._address else self._port
        except ValueError:
            raise SourceUnreachable(
                "the ONVIF device gave an address that is none", Why.REJECTED
            ) from None
        return f"http://{host}:{port}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"

    def _token(self) -> Token | None:
        if self._credentials is None:
            return None
        created = rfc3339(self._clock.wall_ns() + self._ahead_ns)
        return Token(
            self._credentials.user,
            self._credentials.password.get_secret_value(),
            secrets.token_bytes(16),
            created,
        )

    def _prepare_login(self, response: httpx.Response) -> bool:
        """Prepare the digest login that the device requires. Basic is refused, because it would
        reveal the password to eavesdroppers.
        """
        challenge = strongest_challenge(response.headers.get_list("www-authenticate"))
        if challenge is None or challenge.is_basic or self._credentials is None:
            return False
        self._login = RtspLogin(
            challenge,
            self._credentials.user,
            self._credentials.password.get_secret_value(),
            secrets.token_hex(8),
        )
        return True


async def _read_bounded(response: httpx.Response) -> bytes:
    answer = bytearray()
    async for chunk in response.aiter_raw():  # compressed data could expand to any size
        answer += chunk
        if len(answer) > MAX_BYTES:
            raise SourceUnreachable("the ONVIF device answers without end", Why.REJECTED)
    return bytes(answer)


class OnvifEvents:
    """Subscribes to the motion events of one camera until `run` is cancelled."""

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        networks: Networks,
        on_trigger: OnTrigger,
        clock: Clock,
    ) -> None:
        self.camera_id = camera.id
        self._camera = camera
        self._credentials = credentials
        self._networks = networks
        self._on_trigger = on_trigger
        self._clock = clock
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)

    async def run(self, http: httpx.AsyncClient) -> None:
        backoff = Backoff()
        subscribed = ONVIF_SUBSCRIBED.labels(self.camera_id)
        while True:
            began_s, is_refused = self._clock.monotonic_s(), False
            try:
                await self._run_subscription(http)
            except SourceError as error:
                ONVIF_FAILURES.labels(self.camera_id).inc()
                self._warn("onvif", f"{self.camera_id}: ONVIF events are not available: {error}")
                is_refused = isinstance(error, SourceRejected)
            finally:
                subscribed.set(0)
            await asyncio.sleep(
                REFUSED_WAIT_S
                if is_refused
                else backoff.next_s(self._clock.monotonic_s() - began_s)
            )

    async def _run_subscription(self, http: httpx.AsyncClient) -> None:
        """Run one subscription until it fails."""
        port = self._camera.onvif_port
        address = await asyncio.to_thread(self._networks.resolve, self._camera.host, port)
        device = Device(http, address, port, self._credentials, self._clock)
        try:
            await device.subscribe()
            ONVIF_SUBSCRIBED.labels(self.camera_id).set(1)
            _log.info("%s: ONVIF events are subscribed", self.camera_id)
            await self._poll(device)
        finally:
            with suppress(SourceError):
                await device.unsubscribe()

    async def _poll(self, device: Device) -> None:
        active, renew_at_s = ActiveNotices(), self._clock.monotonic_s() + RENEW_EVERY_S
        while True:
            asked_s = self._clock.monotonic_s()
            found = active.update(
                await device.pull(), self._clock.monotonic_s(), self._clock.wall_ns()
            )
            if found is not None:
                self._on_trigger(*found)
            if self._clock.monotonic_s() >= renew_at_s:
                renew_at_s = self._clock.monotonic_s() + RENEW_EVERY_S
                with suppress(
                    SourceUnreachable
                ):  # some devices do not support it; a poll renews too, or the next one fails
                    await device.renew()
            await asyncio.sleep(max(0.0, MIN_PULL_S - (self._clock.monotonic_s() - asked_s)))
