"""A real API process whose people sign in with a real OpenID provider."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.openid.metadata import WELL_KNOWN
from api.openid.provider import OpenIdProvider, provider_client
from domain.clock import ManualClock, SystemClock
from domain.openid import ClaimNames, OpenIdSettings
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.keys.tls import server_context
from sightline.processes.people_key import people_key
from sightline.processes.ports import free_ports
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.site.people import People
from tests.api.openid.answering_provider import FIRST, Answers, handler_of
from tests.api.openid.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    RunningProvider,
    TlsFiles,
    Visitor,
    make_tls,
    running_provider,
)
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.conftest import S3Config

ROLES = {
    "city-investigators": {"role": "investigator", "grants": ["audit_read"]},
    "city-operators": {"role": "operator"},
}
CHECK_MINUTES = 0.001


@dataclass(frozen=True)
class OpenIdSite:
    """The API process, its provider, and the people of the site."""

    origin: str
    provider: RunningProvider
    people: People
    redis: Redis
    layout: Layout
    log: Path

    def audit_lines(self, route: str) -> list[dict[str, Any]]:
        lines = [
            json.loads(line)
            for file in sorted(self.layout.audit.glob("*.jsonl"))
            for line in file.read_text("utf-8").splitlines()
        ]
        return [line for line in lines if line["route"] == route]


@pytest.fixture(scope="module")
def running_site(
    valkey_server: str, s3_server: S3Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenIdSite]:
    """Run `sightline api` with the settings of OpenID Connect."""
    folder = tmp_path_factory.mktemp("openid")
    (port,) = free_ports(1)
    origin, layout = f"https://127.0.0.1:{port}", Layout(folder / "data")
    # The records of an earlier site would be missed in the index, which is emptied here.
    bucket, redis = f"openid-tests-{port}", connect(valkey_server)
    redis.do("FLUSHALL")
    objects = ObjectStore(s3_server.endpoint, s3_server.access_key, s3_server.secret_key, bucket)
    objects.ensure_bucket()
    (folder / "secret").write_text(CLIENT_SECRET)
    tls = make_tls(folder)
    with running_provider(folder, tls, origin) as provider:
        environment = os.environ | {
            "SIGHTLINE_REDIS_URL": valkey_server,
            "SIGHTLINE_S3_ENDPOINT": s3_server.endpoint,
            "SIGHTLINE_S3_ACCESS_KEY": s3_server.access_key,
            "SIGHTLINE_S3_SECRET_KEY": s3_server.secret_key,
            "SIGHTLINE_S3_BUCKET": bucket,
            "SIGHTLINE_API_PROCESSES": "1",
            "SIGHTLINE_ORIGINS": origin,
            "SIGHTLINE_OPENID_ISSUER": provider.issuer,
            "SIGHTLINE_OPENID_CLIENT_ID": CLIENT_ID,
            "SIGHTLINE_OPENID_CLIENT_SECRET_FILE": str(folder / "secret"),
            "SIGHTLINE_OPENID_CA": str(provider.ca_file),
            "SIGHTLINE_OPENID_ROLES": json.dumps(ROLES),
            "SIGHTLINE_OPENID_AREAS_CLAIM": "areas",
            "SIGHTLINE_OPENID_CHECK_MINUTES": str(CHECK_MINUTES),
        }
        log = folder / "api.log"
        words = ("api", "--data", str(layout.root), "--host", "127.0.0.1", "--port", str(port))
        files = ("--tls-cert", str(tls.certificate), "--tls-key", str(tls.key))
        with log.open("w") as errors:
            process = subprocess.Popen(
                (sys.executable, "-m", "sightline", *words, *files),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("console: "), log.read_text()
            people = People(redis, objects, people_key(Settings(), layout), SystemClock())
            yield OpenIdSite(origin, provider, people, redis, layout, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
            process.stdout.close()
            redis.close()
            objects.close()


NewVisitor = Callable[[], Visitor]


@pytest.fixture
def visitor(openid_site: OpenIdSite) -> Iterator[NewVisitor]:
    """Return browsers, each with cookies of its own."""
    with ExitStack() as ending:

        def made() -> Visitor:
            one = Visitor(openid_site.origin, openid_site.provider)
            ending.callback(one.http.close)
            return one

        yield made


@pytest.fixture
def openid_site(running_site: OpenIdSite) -> OpenIdSite:
    """The site, with a provider that has its usual accounts and tells the truth."""
    running_site.provider.set_accounts()
    running_site.provider.forge()
    return running_site


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    return make_tls(tmp_path)


@pytest.fixture
def answers(tls: TlsFiles) -> Iterator[Answers]:
    """A server behind TLS whose answers a test sets; at first those of a provider."""
    answers = Answers()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(answers))
    server.socket = server_context(tls.certificate, tls.key).wrap_socket(
        server.socket, server_side=True
    )
    answers.url = f"https://127.0.0.1:{server.server_port}"
    answers.put(WELL_KNOWN, answers.metadata())
    answers.put("/keys", {"keys": [FIRST.as_dict(private=False)]})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield answers
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(answers: Answers, tls: TlsFiles) -> OpenIdSettings:
    return OpenIdSettings(
        issuer=answers.url,
        client_id="site:1",
        client_secret="a secret/of=all&kinds",
        origin="https://sightline.example.cn",
        scopes="openid",
        ca=tls.ca,
        claims=ClaimNames("name", "roles"),
        roles={},
        clock_skew_s=30,
        check_every_s=300,
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def http(settings: OpenIdSettings, clock: ManualClock) -> Iterator[httpx.Client]:
    with provider_client(settings, clock) as client:
        yield client


@pytest.fixture
def provider(settings: OpenIdSettings, http: httpx.Client, clock: ManualClock) -> OpenIdProvider:
    return OpenIdProvider(settings, http, clock)
