"""TLS of the API's server: which certificate it has, and the context in which it is used."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.clock import Clock
from domain.errors import AuditUnavailable, BadInput
from domain.paths.data_layout import Layout
from sightline.keys.register import Purpose
from sightline.keys.site_keys import SiteKeys
from sightline.processes.command_audit import recorded_change
from sightline.processes.ports import is_loopback
from sightline.processes.process_plan import ApiListener

_log = logging.getLogger(__name__)

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; TLS 1.3 has suites of its own."""
PLAIN_HTTP_WARNING = (
    "the API listens beyond this machine without TLS (--allow-plain-http): tokens, plates and "
    "video can be read on the network"
)
_WILDCARDS = ("0.0.0.0", "::", "")
API_PURPOSES = (Purpose.ROOT, Purpose.API, Purpose.API_SIGNING)


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """What the command line says of TLS."""

    certificate: Path | None = None
    key: Path | None = None
    allows_plain_http: bool = False


def api_listener(
    layout: Layout, node: str, address: tuple[str, int], options: TlsOptions, clock: Clock
) -> ApiListener:
    """Return how the API listens at `address`: plain on loopback, otherwise with TLS.

    Without files of its own it gets a certificate of the site's root, which is made if it is
    absent. Raises BadInput if a certificate cannot be used.
    """
    host, port = address
    if options.certificate is not None and options.key is not None:
        server_context(options.certificate, options.key)
        return ApiListener(host, port, options.certificate.resolve(), options.key.resolve())
    if is_loopback(host) or options.allows_plain_http:
        return ApiListener(host, port, is_exposed=not is_loopback(host))
    keys = SiteKeys(layout.keys, clock)
    make_keys(layout, keys, node, () if host in _WILDCARDS else (host,), API_PURPOSES)
    file = keys.files.key(Purpose.API)
    server_context(file, file)
    return ApiListener(host, port, file, file)


def make_keys(
    layout: Layout, keys: SiteKeys, node: str, hosts: Sequence[str], purposes: Sequence[Purpose]
) -> None:
    """Make the keys of `purposes` that are missing, after the audit log has the intent.

    A key that only expires soon is left alone if the disk or the audit log is full: recording
    starts all the same.
    """
    missing = keys.missing(node, hosts, purposes)
    if not missing:
        return
    terms = {"purposes": ", ".join(missing), "host": ", ".join(hosts)}
    try:
        with recorded_change(layout, "process.keys_made", terms) as outcome:
            keys.ensure(node, hosts, purposes)
            outcome.exit_code = 0
    except (AuditUnavailable, OSError) as error:
        if keys.missing(node, hosts, purposes, renews=False):
            raise
        _log.warning("keys that expire soon cannot be replaced: %s", error)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the TLS context of a server. Raises BadInput for files without a certificate and its
    key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An encrypted key is refused, where OpenSSL would ask for its password on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise BadInput(
            "{certificate} and {key} are no certificate with its unencrypted "
            "private key, both PEM: {reason}",
            certificate=certificate,
            key=key,
            reason=getattr(error, "reason", None) or error,
        ) from error
    return context
