"""The registry that a site runs: given at start or applied since; where it has faults the last
good one, with the faults shown.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from domain.clock import Clock
from domain.errors import Fault, NotFound, RegistryInvalid, StoreError
from domain.log import FloodGate
from domain.paths.data_layout import Layout
from domain.registry import Camera, Registry, Secrets
from domain.registry.check import check_text, read_registry
from domain.registry.former import FormerCamera
from domain.registry.secrets import FILE_NAME, load_secrets
from sightline.cluster.former_cameras import learn, note_applied, read_former
from sightline.processes.private_files import write_atomically
from storage.site.registries import Registries, RegistryRecord

_log = logging.getLogger(__name__)
FOLLOW_EVERY_S = 1.0
_FAULTS = TypeAdapter(tuple[Fault, ...])
NONE = Registry(version=1)


def settle(file: Path, layout: Layout, clock: Clock) -> RegistryInvalid | None:
    """Make the registry of `file` the one to run; its faults where the last good one runs instead.

    Raises RegistryInvalid where `file` has faults and there is no last good one.
    """
    known = record(layout)
    try:
        text, _, _ = read_registry(file, os.environ)
    except RegistryInvalid as invalid:
        if known is None:
            raise
        write_atomically(
            layout.registry_faults, json.dumps([asdict(fault) for fault in invalid.faults])
        )
        return invalid
    if known is None or known.text != text:
        _keep(layout, RegistryRecord(version=0, applied_at=clock.wall_ns(), text=text))
    layout.registry_faults.unlink(missing_ok=True)
    return None


def secrets_file(registry: Path | None, layout: Layout) -> Path:
    """Where the processes of the instance find the cameras' passwords: beside the registry
    given, else in the data folder.
    """
    named = os.environ.get("SIGHTLINE_SECRETS_FILE")
    return (
        Path(named)
        if named
        else (registry.resolve() if registry else layout.registry).with_name(FILE_NAME)
    )


def record(layout: Layout) -> RegistryRecord | None:
    """The registry that runs, as it is kept on this machine; None where none ever ran."""
    try:
        return RegistryRecord.model_validate_json(layout.registry.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        _log.error(
            "%s cannot be read; the newest version in the object store is used instead",
            layout.registry,
        )
        return None


def running(layout: Layout) -> tuple[Registry, Secrets]:
    """The registry that runs, one without cameras where none does. A password that went missing
    since is that camera's trouble alone.
    """
    secrets, faults_of_secrets = load_secrets(layout.registry, os.environ)
    for fault in faults_of_secrets:
        _log.error("%s", fault)
    return running_registry(layout), secrets


def running_registry(layout: Layout) -> Registry:
    """The registry that runs, without reading any secret; one without cameras where none does."""
    known = record(layout)
    if known is None:
        return NONE
    registry, faults = check_text(known.text, _name(known), Secrets())
    if registry is None:
        raise RegistryInvalid(faults)
    return registry


def faults_shown(layout: Layout) -> tuple[Fault, ...]:
    """The faults of the registry that was given and refused; none when it runs."""
    try:
        return _FAULTS.validate_json(layout.registry_faults.read_bytes())
    except FileNotFoundError:
        return ()


@dataclass(frozen=True, slots=True)
class Running:
    """`version`: 0 while it is not in the object store yet. `former`: cameras that it has no
    more.
    """

    version: int
    registry: Registry
    former: Mapping[str, FormerCamera] = field(default_factory=dict)

    @property
    def kept_cameras(self) -> tuple[Camera, ...]:
        """Every camera of which something may be kept: those of the registry, and those that
        left it.
        """
        return (*self.registry.cameras, *(one.camera for one in self.former.values()))


class RunningRegistry:
    """What runs, for those who ask often: read again only when it has changed. Thread-safe."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, int], ...] = ()
        self._now = Running(0, NONE)

    def now(self) -> Running:
        with self._lock:
            seen = (_mark(self._layout.registry), _mark(self._layout.former_cameras))
            if seen != self._seen:
                known, former = record(self._layout), read_former(self._layout).by_id
                registry = (
                    self._now.registry
                    if seen[:1] == self._seen[:1]
                    else running_registry(self._layout)
                )
                self._now = Running(known.version if known else 0, registry, former)
                self._seen = seen
            return self._now


def _mark(file: Path) -> tuple[int, int]:
    """What differs between two states of a file that is replaced as a whole."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_ino


class RegistryFollower:
    """Keeps this machine's copy the newest version that was applied; one job of an instance, in
    its supervisor.
    """

    def __init__(self, registries: Registries, layout: Layout, clock: Clock) -> None:
        self._registries = registries
        self._layout = layout
        self._clock = clock
        self._say = FloodGate(_log.warning, clock, every_s=10.0)
        self._learning: Iterator[None] | None = None
        self._has_learned = False

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.run_once()
            self._clock.wait(stop, FOLLOW_EVERY_S)

    def run_once(self) -> None:
        """Keep what was given at start as a version, or fetch what was applied since. While a
        store is away what runs goes on.
        """
        try:
            self._follow()
            self._learn()
        except (NotFound, StoreError) as error:  # not found: the store has no bucket yet
            self._say(
                "follow", f"the registry cannot be updated and remains in use unchanged: {error}"
            )

    def _follow(self) -> None:
        known = record(self._layout)
        if known is not None and known.version == 0:
            _keep(self._layout, self._registries.adopt(known.text))
        elif known is None or self._registries.announced() > known.version:
            newest = self._registries.newest()
            if newest is not None and (known is None or newest.version > known.version):
                self._take(newest)

    def _learn(self) -> None:
        """One step of what has to be done once: find the cameras that left before this data
        folder began.
        """
        known = None if self._has_learned else record(self._layout)
        if known is None or known.version == 0:
            return
        if read_former(self._layout).is_complete:
            self._has_learned = True
            return
        try:
            self._learning = self._learning or learn(self._layout, self._registries, known)
            next(self._learning)
        except StopIteration:
            self._learning = None
        except BaseException:
            self._learning = None
            raise

    def _take(self, newest: RegistryRecord) -> None:
        """Its faults, if any, are the secrets' of this machine: it was checked before it was
        kept.
        """
        secrets, _ = load_secrets(self._layout.registry, os.environ)
        registry, faults = check_text(newest.text, _name(newest), secrets)
        for fault in faults:
            self._say(str(fault), str(fault))
        if registry is not None:
            _keep(self._layout, newest)
            self._layout.registry_faults.unlink(missing_ok=True)
            _log.info(
                "version %d of the registry is in use: %d cameras",
                newest.version,
                len(registry.cameras),
            )


def _keep(layout: Layout, kept: RegistryRecord) -> None:
    note_applied(layout, record(layout), kept)
    write_atomically(layout.registry, kept.model_dump_json(by_alias=True))


def _name(known: RegistryRecord) -> str:
    return f"registry, version {known.version}"
