"""Which files each kind of process may use, and on which ports it may listen.

docs/security.md has the same as a table for people.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from domain.paths.data_layout import Layout
from domain.settings import Settings
from domain.settings_groups.analysis import DecoderDevice
from sightline.confinement.landlock import Access

_PACKAGES = ("domain", "storage", "ingest", "analytics", "api", "console", "sightline")
_SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/proc", "/sys",
    "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies",
    "/etc/hosts", "/etc/host.conf", "/etc/resolv.conf", "/run/systemd/resolve", "/etc/gai.conf",
    "/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/mime.types",
    "/etc/localtime", "/etc/timezone", "/etc/ld.so.cache", "/etc/ld.so.preload",
)  # fmt: skip
"""What libraries read on every system. None of it is secret.

The kernel protects `/proc` of processes outside in addition: their memory and environment are
those of another Landlock domain.
"""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_GPU_DEVICES = ("nvidia*", "dri", "kfd")


class ProcessKind(StrEnum):
    """A kind of process, by the module that it runs."""

    WORKER = "sightline.worker"
    LIVE = "sightline.live_process"
    API = "sightline.api_process"
    MEDIA = "sightline.media_process"
    REANALYSIS = "sightline.reanalysis_process"


@dataclass(frozen=True, slots=True)
class ProcessArguments:
    """The arguments of a process that matter for its confinement."""

    name: str
    """Its name, unique in its data folder."""
    layout: Layout
    port: int | None = None
    files: tuple[Path, ...] = ()
    """Further files that it reads, such as certificates."""


def access_of(kind: ProcessKind, arguments: ProcessArguments, settings: Settings) -> Access:
    """Return what a process may use: code, models, libraries, and its part of the data folder."""
    layout = arguments.layout
    common = Access(
        reads=(*_code(layout), *map(Path, _SYSTEM), *_named_files(settings), *arguments.files),
        devices=tuple(_devices(settings)),
        listens=() if arguments.port is None else (arguments.port,),
    )
    own = _OF_KIND[kind](layout, arguments.name)
    return Access(
        lists=own.lists,
        reads=(*common.reads, *own.reads, *_own_files(kind, settings)),
        writes=(*_shared_writes(layout), *own.writes),
        devices=common.devices,
        listens=common.listens,
    )


def data_folders(layout: Layout) -> tuple[Path, ...]:
    """Return the folders that processes share. They exist before a process is confined, because a
    rule cannot name a folder that another process makes later.
    """
    return (
        layout.recordings, layout.gaps, layout.spool, layout.journal, layout.triggers,
        layout.audit, layout.state, layout.registry_folder, layout.rosters, layout.confinement,
        layout.metrics, layout.statuses, layout.worker_loads, layout.sockets, layout.scratch,
        layout.temporary, layout.recording_index, layout.media,
    )  # fmt: skip


def _shared_writes(layout: Layout) -> tuple[Path, ...]:
    return layout.metrics, layout.temporary


def _of_worker(layout: Layout, _: str) -> Access:
    """A worker has no key of the site, no password of the stores' servers, and no secrets file.

    The first worker measures the disk usage of the whole data folder, so it may list it.
    """
    return Access(
        lists=(layout.root,),
        reads=(layout.run, layout.rosters, layout.registry_folder, layout.lock),
        writes=(
            layout.recordings, layout.gaps, layout.spool, layout.journal, layout.triggers,
            layout.audit, layout.archive_cache("node"), layout.state, layout.statuses,
            layout.worker_loads, layout.sockets, layout.recording_index,
        ),
    )  # fmt: skip


def _of_live(layout: Layout, _: str) -> Access:
    return Access(
        reads=(
            layout.run, layout.rosters, layout.recordings, layout.gaps, layout.spool,
            layout.keys / "node", layout.keys / "public",
        ),
        writes=(layout.recording_index, layout.triggers),
    )  # fmt: skip


def _of_api(layout: Layout, name: str) -> Access:
    return Access(
        reads=(
            layout.run, layout.registry_folder, layout.state, layout.people_key,
            layout.keys / "api", layout.keys / "evidence", layout.keys / "public",
            layout.recordings, layout.recording_index,
        ),
        writes=(layout.scratch, layout.audit, layout.policy_folder, layout.archive_cache(name)),
    )  # fmt: skip


def _of_reanalysis(layout: Layout, _: str) -> Access:
    return Access(
        reads=(
            layout.run, layout.rosters, layout.registry_folder, layout.recordings,
        ),
        writes=(
            layout.gaps, layout.spool, layout.scratch, layout.archive_cache("reanalysis"),
        ),
    )  # fmt: skip


def _of_media(layout: Layout, _: str) -> Access:
    """The media process answers datagrams of anyone, so it has no key and no data of the site. The
    supervisor has opened its sockets.
    """
    return Access()


_OF_KIND = {
    ProcessKind.WORKER: _of_worker,
    ProcessKind.LIVE: _of_live,
    ProcessKind.API: _of_api,
    ProcessKind.MEDIA: _of_media,
    ProcessKind.REANALYSIS: _of_reanalysis,
}


def _code(layout: Layout) -> Iterator[Path]:
    """Yield the folders of Python, of libraries and of Sightline's own packages.

    The folder of a checkout is not among them, because it may contain the data folder.
    """
    yield from (Path(path) for path in (sys.prefix, sys.base_prefix, sys.exec_prefix))
    yield from (Path(path) for path in sysconfig.get_paths().values())
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None:
            yield from (Path(path) for path in spec.submodule_search_locations or ())
    for name in ("PYTHONPATH", "LD_LIBRARY_PATH"):
        for path in _paths(os.environ, name):
            if not layout.root.is_relative_to(path.absolute()):
                yield path


def _named_files(settings: Settings) -> Iterator[Path]:
    """Yield the files that settings and variables name."""
    yield settings.models_dir
    if os.sep in settings.face_model:
        yield Path(settings.face_model)
    authorities = (settings.redis_ca, settings.s3_ca, settings.rtsps_ca, settings.openid_ca)
    yield from filter(None, authorities)
    yield from (Path(path) for path in settings.confinement_reads.split(os.pathsep) if path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        yield from _paths(os.environ, name)


def _own_files(kind: ProcessKind, settings: Settings) -> Iterator[Path]:
    """Yield the files that settings name for one kind of process."""
    if kind is ProcessKind.API:
        named = (settings.openid_client_secret_file, settings.map_file)
        yield from filter(None, named)


def _paths(environ: Mapping[str, str], name: str) -> Iterator[Path]:
    yield from (Path(path) for path in environ.get(name, "").split(os.pathsep) if path)


def _devices(settings: Settings) -> Iterator[Path]:
    yield from map(Path, _DEVICES)
    if settings.onnx_providers != "cpu" or settings.decoder is not DecoderDevice.SOFTWARE:
        for pattern in _GPU_DEVICES:
            yield from Path("/dev").glob(pattern)
