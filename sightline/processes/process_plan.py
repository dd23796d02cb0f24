"""Plans the child processes of an instance, with their ports and settings."""

from __future__ import annotations

import os
import shutil
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from pathlib import Path

from domain.errors import SightlineError
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.forking.served_sockets import ServedSockets
from sightline.privileges.store_users import StoreUser
from sightline.processes.child import ChildSpec
from sightline.processes.embedded_servers import seaweedfs, valkey
from sightline.processes.environment import API, LIVE, MEDIA, WORKER
from sightline.processes.instance import Runtime, instance_secrets, store_environment
from sightline.processes.message_pipe import MessagePipe
from sightline.processes.ports import answers, free_ports, http_answer, reserve
from sightline.processes.preloading import LAUNCH
from sightline.processes.status_file import status_file

MOST_API_PROCESSES = 4
"""The default maximum: each process uses memory, and may search the archive."""


class StopTurn(IntEnum):
    """The order in which the processes of a site stop, the highest number first. Each one ends
    before the processes that it gets data from, so that it ends its own responses in order.
    """

    WORKERS = 0
    LIVE = 1
    MEDIA = 2
    API = 3


@dataclass(frozen=True, slots=True)
class ApiListener:
    """Where the API listens: with TLS if it has a certificate, otherwise in plain HTTP."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    is_exposed: bool = False
    """Whether a person allowed plain HTTP on an address beyond loopback."""

    @property
    def url(self) -> str:
        """The address of the API on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def arguments(self) -> tuple[object, ...]:
        """The options of the API's process."""
        options: tuple[object, ...] = ("--host", self.host, "--port", self.port)
        if self.certificate is not None:
            options += ("--tls-cert", self.certificate, "--tls-key", self.key)
        return (*options, "--exposed") if self.is_exposed else options


@dataclass(frozen=True, slots=True)
class Plan:
    """The child processes of an instance."""

    runtime: Runtime
    groups: tuple[tuple[ChildSpec, ...], ...]
    """Children that start together: first servers, then the processes that need them."""
    worker_pipes: Mapping[int, MessagePipe]
    """The pipe to each worker by number, for the credentials of its cameras."""

    @property
    def has_own_store(self) -> bool:
        """Whether one of the children is the object store."""
        return self.runtime.s3_port is not None


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an instance that a command runs; `up` runs all."""

    servers: bool
    node: bool
    api: bool


def plan(
    layout: Layout,
    settings: Settings,
    parts: Parts,
    listener: ApiListener,
    media: ServedSockets | None = None,
) -> Plan:
    """Plan the processes of an instance. `media` are the sockets of WebRTC, if the API has it.

    Raises SightlineError where the API's port is in use, or a site of several machines lacks the
    settings of its stores or its key.
    """
    if parts.api and answers(listener.port):
        raise SightlineError(
            "port {port} is used by another program; choose one with --port", port=listener.port
        )
    if not parts.servers and (settings.redis_url is None or settings.s3_endpoint is None):
        raise SightlineError(
            "SIGHTLINE_REDIS_URL and SIGHTLINE_S3_ENDPOINT must name the site's stores"
        )
    runtime = new_runtime(settings, listener.port)
    stores = partial(store_environment, layout, runtime.valkey_port, runtime.s3_port)
    pipes = {worker: MessagePipe() for worker in range(most_workers(settings))}
    children = _node(layout, settings, runtime, stores(StoreUser.NODE), pipes) if parts.node else []
    if parts.api:
        if media is not None:
            children.append(_media(layout, media))
        children += _api(layout, listener, stores(StoreUser.API), api_names(settings, parts))
    return Plan(runtime, (tuple(own_servers(layout, settings, runtime)), tuple(children)), pipes)


def new_runtime(settings: Settings, api_port: int) -> Runtime:
    """Choose free ports; a server that the site already has gets none."""
    reserve(api_port)
    valkey_port, s3_port, node_api_port = free_ports(3)
    return Runtime(
        pid=os.getpid(),
        api_port=api_port,
        node_api_port=settings.node_api_port or node_api_port,
        valkey_port=valkey_port if settings.redis_url is None else None,
        s3_port=s3_port if settings.s3_endpoint is None else None,
        secrets_file=os.environ.get("SIGHTLINE_SECRETS_FILE", ""),
    )


def own_servers(layout: Layout, settings: Settings, runtime: Runtime) -> list[ChildSpec]:
    """Return the servers that the runtime has ports for, in the order of their start."""
    secrets = instance_secrets(layout).stores
    specs = []
    if runtime.valkey_port is not None:
        specs.append(
            valkey(layout.valkey, runtime.valkey_port, secrets, layout.logs / "valkey.log")
        )
    if runtime.s3_port is not None:
        specs.append(
            seaweedfs(
                layout.seaweedfs,
                runtime.s3_port,
                secrets,
                layout.logs / "seaweedfs.log",
                bucket=settings.s3_bucket,
            )
        )
    return specs


def most_workers(settings: Settings) -> int:
    """Return the largest number of workers: the configured one, or one for each core."""
    return settings.workers or len(os.sched_getaffinity(0))


def worker_names(settings: Settings) -> list[str]:
    return [f"worker-{index}" for index in range(most_workers(settings))]


def _node(
    layout: Layout,
    settings: Settings,
    runtime: Runtime,
    shared: dict[str, str],
    pipes: Mapping[int, MessagePipe],
) -> list[ChildSpec]:
    live = ChildSpec(
        "live",
        _module(
            "sightline.live_process",
            layout,
            "--host",
            settings.node_api_host,
            "--port",
            runtime.node_api_port,
        ),
        layout.logs / "live.log",
        ready=lambda: answers(runtime.node_api_port, settings.node_api_host),
        allowed=LIVE,
        is_forkable=True,
        stop_turn=StopTurn.LIVE,
    )
    workers = [
        ChildSpec(
            name,
            _module("sightline.worker", layout, "--index", index),
            layout.logs / f"worker-{index}.log",
            ready=status_file(layout, index).exists,
            allowed=WORKER,
            is_forkable=True,
            env=shared,
            stop_turn=StopTurn.WORKERS,
            stop_timeout_s=30,
            messages=pipes[index],
            # The first worker also has the jobs of the node.
            is_wanted=layout.roster(index).exists if index else lambda: True,
            heartbeat=status_file(layout, index),
        )
        for index, name in enumerate(worker_names(settings))
    ]
    return [live, *workers, *_reanalysis(layout, settings, shared)]


def _reanalysis(layout: Layout, settings: Settings, shared: dict[str, str]) -> list[ChildSpec]:
    """Return the process that analyses recordings, if the settings have hours for it."""
    if not settings.reanalysis_hours:
        return []
    return [
        ChildSpec(
            "reanalysis",
            _module("sightline.reanalysis_process", layout),
            layout.logs / "reanalysis.log",
            allowed=WORKER,
            env=shared,
            stop_turn=StopTurn.WORKERS,
        )
    ]


def _media(layout: Layout, media: ServedSockets) -> ChildSpec:
    """Return the process that sends WebRTC. It runs while API processes have viewers for it."""
    return ChildSpec(
        "media",
        _module("sightline.media_process", layout),
        layout.logs / "media.log",
        is_wanted=media.has_connection,
        ends_when_idle=True,
        refuse_waiting=media.refuse_waiting,
        sockets=media.descriptors,
        allowed=MEDIA,
        is_forkable=True,
        stop_turn=StopTurn.MEDIA,
    )


def api_names(settings: Settings, parts: Parts) -> list[str]:
    """Return the names of the API processes; with workers on the machine there is only one."""
    count = settings.api_processes or (
        1 if parts.node else min(MOST_API_PROCESSES, len(os.sched_getaffinity(0)))
    )
    return ["api", *(f"api-{index}" for index in range(1, count))]


def _api(
    layout: Layout, listener: ApiListener, shared: dict[str, str], names: Sequence[str]
) -> list[ChildSpec]:
    """Return the API processes. All listen on one port; the kernel distributes connections."""
    port_is_shared = ("--shared",) if len(names) > 1 else ()
    return [
        ChildSpec(
            name,
            _module(
                "sightline.api_process",
                layout,
                *listener.arguments(),
                "--name",
                name,
                *port_is_shared,
            ),
            layout.logs / f"{name}.log",
            ready=partial(_is_healthy, listener),
            allowed=API,
            is_forkable=True,
            env=shared,
            stop_turn=StopTurn.API,
        )
        for name in names
    ]


def _module(name: str, layout: Layout, *arguments: object) -> tuple[str, ...]:
    """Return the command that runs a module in a process that confines itself first."""
    return (sys.executable, "-m", LAUNCH, name, "--data", str(layout.root), *map(str, arguments))


def _is_healthy(listener: ApiListener) -> bool:
    """Whether the API answers. Its certificate may be for any name, and must be the one it has."""
    context = None if listener.certificate is None else _pinned(listener.certificate)
    return http_answer(f"{listener.url}/healthz", context) is not None


def _pinned(certificate: Path) -> ssl.SSLContext:
    """A context that trusts this certificate alone, under whatever name."""
    context = ssl.create_default_context(cafile=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


def clear_earlier_run(layout: Layout) -> None:
    """Delete the files that only an earlier run used, except this process's own metrics."""
    own = f"_{os.getpid()}.db"
    reports = layout.confinement.glob("*.json")
    for file in [*layout.metrics.glob("*.db"), *layout.statuses.glob("*.json"), *reports]:
        if not file.name.endswith(own):
            file.unlink()
    for folder in (layout.temporary, layout.scratch):
        shutil.rmtree(folder, ignore_errors=True)
