"""What lies where under a data folder (`--data DIR`). Only this file spells these paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one node (and, in one-machine mode, of its servers)."""

    root: Path

    @property
    def entries(self) -> frozenset[str]:
        """The names in the data folder that are Sightline's own: the first parts of all paths."""
        names = [name for name, value in vars(Layout).items() if isinstance(value, property)]
        paths = [getattr(self, name) for name in names if name != "entries"]
        paths.append(self.archive_cache(""))
        return frozenset(path.relative_to(self.root).parts[0] for path in paths)

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def runtime(self) -> Path:
        """Ports and process ids of the running instance, as JSON; absent when none runs."""
        return self.root / "run" / "instance.json"

    @property
    def registry_faults(self) -> Path:
        """What is wrong with the registry that was given, as JSON; absent when nothing is."""
        return self.root / "run" / "registry-faults.json"

    @property
    def secrets(self) -> Path:
        """Passwords of the own servers and the door's signing key, mode 0600."""
        return self.root / "secrets.json"

    @property
    def registry(self) -> Path:
        """The registry that runs, with its version, as JSON."""
        return self.root / "registry.json"

    @property
    def former_cameras(self) -> Path:
        """The cameras that left the registry, as they last were, as JSON."""
        return self.root / "former_cameras.json"

    @property
    def recordings(self) -> Path:
        """`recordings/<camera>/<yyyymmdd>/<segment name>`."""
        return self.root / "recordings"

    @property
    def gaps(self) -> Path:
        """`gaps/<camera>/<yyyymmdd>.jsonl`: what was not recorded, and why;
        `gaps/<camera>/alive`: until when somebody looked after it.
        """
        return self.root / "gaps"

    @property
    def spool(self) -> Path:
        """`spool/<camera>/<event id>/`: events not yet kept everywhere."""
        return self.root / "spool"

    @property
    def journal(self) -> Path:
        """Journal minutes not yet uploaded."""
        return self.root / "journal"

    @property
    def triggers(self) -> Path:
        """`triggers/<camera>/<yyyymmdd of the start>.jsonl`: why something of an events camera
        is kept.
        """
        return self.root / "triggers"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def holds(self) -> Path:
        """The legal holds that were last read from the object store, for when it is away."""
        return self.root / "holds.json"

    @property
    def site(self) -> Path:
        """The id of the site whose object store this node uses, as JSON."""
        return self.root / "site.json"

    @property
    def alarms(self) -> Path:
        """What this node's alarms are, for when Redis is away."""
        return self.root / "run" / "alarms.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def metrics(self) -> Path:
        return self.root / "run" / "metrics"

    @property
    def statuses(self) -> Path:
        """`run/statuses/<worker>.json`: how each worker's cameras are, for the node's door."""
        return self.root / "run" / "statuses"

    @property
    def strains(self) -> Path:
        """`run/strain/<worker>.json`: how strained each worker is."""
        return self.root / "run" / "strain"

    @property
    def shed(self) -> Path:
        """What of which camera is given up under pressure, as JSON."""
        return self.root / "run" / "shed.json"

    @property
    def rosters(self) -> Path:
        return self.root / "rosters"

    def roster(self, worker: int) -> Path:
        """The cameras that worker number `worker` runs, as the node last said; it outlives a
        restart.
        """
        return self.rosters / f"{worker}.json"

    @property
    def scratch(self) -> Path:
        """Recordings being cut for somebody who asked; emptied at start."""
        return self.root / "run" / "scratch"

    def archive_cache(self, process: str) -> Path:
        """Files of the archive that a process of this node has read lately; may be deleted
        while it does not run.
        """
        return self.root / "archive" / process

    def live_socket(self, worker: int) -> Path:
        """Where worker number `worker` gives its cameras' packets to the live process."""
        return self.root / "run" / "sockets" / f"worker-{worker}"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def seaweedfs(self) -> Path:
        return self.root / "seaweedfs"

    @property
    def demo(self) -> Path:
        return self.root / "demo"

    def recordings_of(self, camera_id: str) -> Path:
        return self.recordings / camera_id

    def spool_of(self, camera_id: str) -> Path:
        return self.spool / camera_id
