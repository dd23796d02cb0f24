"""Beyond loopback the API speaks TLS, with files of the site or a certificate of its own root."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from domain.clock import ManualClock, SystemClock
from domain.errors import AuditUnavailable, BadInput
from domain.paths.data_layout import Layout
from sightline.cli import main
from sightline.keys.register import Purpose
from sightline.keys.site_keys import TLS_LIFETIME, SiteKeys
from sightline.keys.tls import PLAIN_HTTP_WARNING, TlsOptions, api_listener, make_keys
from sightline.processes.certificates import (
    SERVER,
    CertificateRequest,
    certificate_pem,
    fingerprint,
    issue,
    key_pem,
    make_authority,
    wall_time,
)
from sightline.processes.ports import free_ports, is_loopback
from storage.clients.s3 import ObjectStore
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.conftest import S3Config

CLOCK = SystemClock()


@dataclass(frozen=True)
class RunningApi:
    data: Path
    port: int
    address: str
    """What the command printed."""
    log: Path

    def get(self, path: str, verify: ssl.SSLContext | None = None) -> httpx.Response:
        with httpx.Client(verify=verify or True, trust_env=False, timeout=PATIENCE_S) as http:
            return http.get(self.address.rstrip("/") + path)

    def root_context(self) -> ssl.SSLContext:
        return trusting(SiteKeys(Layout(self.data).keys, CLOCK))


def trusting(keys: SiteKeys) -> ssl.SSLContext:
    """A client that trusts the roots of a site and no others."""
    roots = keys.register().trusted_roots(keys.now)
    return ssl.create_default_context(cadata="".join(map(certificate_pem, roots)))


Start = Callable[..., RunningApi]


@pytest.fixture
def start(valkey_server: str, s3_server: S3Config, tmp_path: Path) -> Iterator[Start]:
    """Runs `sightline api` on a site's stores."""
    objects = ObjectStore(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, "api-tls-tests"
    )
    objects.ensure_bucket()
    objects.close()
    environment = os.environ | {
        "SIGHTLINE_REDIS_URL": valkey_server,
        "SIGHTLINE_S3_ENDPOINT": s3_server.endpoint,
        "SIGHTLINE_S3_ACCESS_KEY": s3_server.access_key,
        "SIGHTLINE_S3_SECRET_KEY": s3_server.secret_key,
        "SIGHTLINE_S3_BUCKET": "api-tls-tests",
        "SIGHTLINE_API_PROCESSES": "1",
    }
    with ExitStack() as ending:

        def begin(*options: str) -> RunningApi:
            (port,) = free_ports(1)
            data, log = tmp_path / "data", tmp_path / "api.log"
            words = ("api", "--data", str(data), "--port", str(port), *options)
            with log.open("ab") as errors:
                process = subprocess.Popen(
                    (sys.executable, "-m", "sightline", *words),
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    env=environment,
                )
            ending.callback(_stop, process)
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("console: "), log.read_text()
            return RunningApi(data, port, line.removeprefix("console: ").strip(), log)

        yield begin


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE_S)
    assert process.stdout is not None
    process.stdout.close()


def test_an_api_beyond_loopback_has_a_certificate_of_the_root(start: Start) -> None:
    api = start("--host", "0.0.0.0")
    assert api.address.startswith("https://127.0.0.1:")
    key = SiteKeys(Layout(api.data).keys, CLOCK).key(Purpose.API)
    assert key is not None
    assert fingerprint(key.certificate) in api.log.read_text().replace("\n", "")
    answer = api.get("/readyz", api.root_context())
    assert (answer.status_code, answer.json()["warnings"]) == (200, [])
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        api.get("/readyz")
    with (
        httpx.Client(trust_env=False, timeout=PATIENCE_S) as http,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        http.get(f"http://127.0.0.1:{api.port}/readyz")
    assert api.get("/healthz", api.root_context()).status_code == 200, "it still serves"
    (log,) = (api.data / "audit").iterdir()
    lines = [json.loads(one) for one in log.read_text("utf-8").splitlines()]
    made = [line for line in lines if line["route"] == "process.keys_made"]
    assert [line["phase"] for line in made] == ["intent", "outcome"]
    assert made[0]["terms"] == {"purposes": "root, api, api-signing", "host": ""}


def test_an_old_protocol_is_refused(start: Start) -> None:
    api = start("--host", "0.0.0.0")
    context = api.root_context()
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(httpx.ConnectError, match="SSL"):
        api.get("/healthz", context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert api.get("/healthz", context).status_code == 200


def test_plain_http_beyond_loopback_must_be_allowed_and_is_reported(start: Start) -> None:
    api = start("--host", "0.0.0.0", "--allow-plain-http")
    assert api.address.startswith("http://127.0.0.1:")
    assert api.get("/readyz").json()["warnings"] == [PLAIN_HTTP_WARNING]
    assert "without TLS" in api.log.read_text()


def test_files_of_the_site_are_used_on_loopback_too(start: Start, tmp_path: Path) -> None:
    certificate, key, root = _files(tmp_path)
    api = start("--host", "127.0.0.1", "--tls-cert", str(certificate), "--tls-key", str(key))
    assert api.address.startswith("https://")
    context = ssl.create_default_context(cadata=root)
    assert api.get("/healthz", context).status_code == 200


def _files(folder: Path) -> tuple[Path, Path, str]:
    now = wall_time(CLOCK)
    root = make_authority(CertificateRequest("a root of the city", _YEAR), now)
    made = issue(root, CertificateRequest("api", _YEAR, ("127.0.0.1",), (SERVER,)), now)
    certificate, key = folder / "api.pem", folder / "api.key"
    certificate.write_text(certificate_pem(made.certificate))
    key.write_text(key_pem(made.key))
    return certificate, key, certificate_pem(root.certificate)


_YEAR = timedelta(days=365)


def test_loopback_is_plain_and_makes_no_keys(tmp_path: Path) -> None:
    listener = api_listener(Layout(tmp_path), "node-1", ("127.0.0.1", 8080), TlsOptions(), CLOCK)
    assert (listener.url, listener.certificate) == ("http://127.0.0.1:8080", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
    ],
)
def test_only_addresses_of_loopback_are_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="no address"):
        is_loopback("no.such.host.invalid")


def test_a_certificate_is_for_the_address_on_which_the_api_listens(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = api_listener(layout, "node-1", ("192.0.2.7", 8080), TlsOptions(), CLOCK)
    assert first.url == "https://192.0.2.7:8080"
    assert first.certificate is not None
    before = first.certificate.read_bytes()
    api_listener(layout, "node-1", ("192.0.2.7", 8080), TlsOptions(), CLOCK)
    assert first.certificate.read_bytes() == before
    api_listener(layout, "node-1", ("192.0.2.8", 8080), TlsOptions(), CLOCK)
    assert first.certificate.read_bytes() != before


def test_a_full_audit_log_prevents_new_keys_and_no_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layout, clock = Layout(tmp_path / "data"), ManualClock()
    layout.root.mkdir()
    keys = SiteKeys(layout.keys, clock)
    layout.audit.write_text("in the way")
    with pytest.raises(AuditUnavailable):
        make_keys(layout, keys, "node-1", (), tuple(Purpose))
    assert not layout.keys.exists()
    keys.ensure("node-1")
    clock.advance((TLS_LIFETIME - timedelta(days=10)).total_seconds())
    before = keys.files.key(Purpose.API).read_bytes()
    make_keys(layout, keys, "node-1", (), tuple(Purpose))
    assert "cannot be replaced" in caplog.text
    assert keys.files.key(Purpose.API).read_bytes() == before
    layout.audit.unlink()
    make_keys(layout, keys, "node-1", (), tuple(Purpose))
    assert keys.files.key(Purpose.API).read_bytes() != before


@pytest.mark.parametrize("damage", ["absent", "of another certificate", "empty"])
def test_files_that_cannot_be_used_are_named_before_the_start(tmp_path: Path, damage: str) -> None:
    certificate, key, _ = _files(tmp_path)
    (tmp_path / "other").mkdir()
    if damage == "absent":
        key.unlink()
    elif damage == "empty":
        key.write_text("")
    else:
        key.write_bytes(_files(tmp_path / "other")[1].read_bytes())
    options = ("--tls-cert", str(certificate), "--tls-key", str(key))
    command = (sys.executable, "-m", "sightline", "api", "--data", str(tmp_path / "data"))
    done = subprocess.run((*command, *options), capture_output=True, text=True, check=False)
    assert (done.returncode, str(key) in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--tls-cert", "a.pem"],
        ["--tls-key", "a.pem"],
        ["--tls-cert", "a.pem", "--tls-key", "a.pem", "--allow-plain-http"],
    ],
)
def test_contradicting_options_are_wrong_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["api", "--data", "d", *words])
    assert ended.value.code == 2
    assert "--tls-cert" in capsys.readouterr().err
