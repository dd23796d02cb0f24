"""The paths under a data folder (`--data DIR`). Only this module spells them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one node and, in one-machine mode, of its servers."""

    root: Path

    @property
    def entries(self) -> frozenset[str]:
        """The first components of all paths, by which Sightline recognises its own data folder."""
        names = [name for name, value in vars(Layout).items() if isinstance(value, property)]
        others = ("entries", "moved_files")
        paths = [getattr(self, name) for name in names if name not in others]
        paths.append(self.archive_cache(""))
        return frozenset(path.relative_to(self.root).parts[0] for path in paths)

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def runtime(self) -> Path:
        """The JSON file with the ports and process ids of the running instance; absent if none
        runs.
        """
        return self.run / "instance.json"

    @property
    def registry_faults(self) -> Path:
        """The JSON file with the faults of the given registry; absent if it has none."""
        return self.run / "registry-faults.json"

    @property
    def secrets(self) -> Path:
        """The passwords of the managed servers and the signing key of the node API, with mode
        0600.
        """
        return self.root / "secrets.json"

    @property
    def keys(self) -> Path:
        """Private keys and certificates of the site; `sightline/keys/` names what is in it."""
        return self.root / "keys"

    @property
    def people_key(self) -> Path:
        """The key that authenticates the records of people, with mode 0600. Nodes need none."""
        return self.root / "people-key.json"

    @property
    def registry_folder(self) -> Path:
        """The folder of the registry, which workers read and only the main process writes."""
        return self.root / "registry"

    @property
    def state(self) -> Path:
        """The folder of what the jobs of the node know, which workers write."""
        return self.root / "state"

    @property
    def moved_files(self) -> tuple[tuple[Path, Path], ...]:
        """The former and the present path of each file that an older version had elsewhere."""
        files = (self.registry, self.former_cameras, self.holds, self.site)
        return tuple((self.root / file.name, file) for file in files)

    @property
    def registry(self) -> Path:
        """The JSON file with the active registry and its version."""
        return self.registry_folder / "registry.json"

    @property
    def registry_cache(self) -> Path:
        """The file with the active registry as parsed, which is derived from its text."""
        return self.registry_folder / "cache.json"

    @property
    def policy_folder(self) -> Path:
        """The folder of the access policy, which only the API writes."""
        return self.root / "policy"

    @property
    def policy_copy(self) -> Path:
        """The copy of the policy file that the API reads; absent if the file cannot be read."""
        return self.run / "policy.yaml"

    @property
    def policy(self) -> Path:
        """The JSON file with the last valid access policy."""
        return self.policy_folder / "last_valid.json"

    @property
    def former_cameras(self) -> Path:
        """The JSON file with the last entries of cameras that left the registry."""
        return self.registry_folder / "former_cameras.json"

    @property
    def recordings(self) -> Path:
        """The folder of recordings: `recordings/<camera>/<yyyymmdd>/<segment name>`."""
        return self.root / "recordings"

    @property
    def recording_index(self) -> Path:
        """The folder of the recording index, which is derived from the recordings:
        `recording_index/<camera>/<yyyymmdd>/<hh>.layouts`.
        """
        return self.root / "recording_index"

    @property
    def gaps(self) -> Path:
        """The folder of gaps. `gaps/<camera>/<yyyymmdd>.jsonl` lists unrecorded ranges with their
        causes. `gaps/<camera>/alive` holds the time until which a process managed the camera,
        and `gaps/<camera>/analysed` that until which its analysis is logged.
        """
        return self.root / "gaps"

    @property
    def spool(self) -> Path:
        """The folder of events that are not yet stored everywhere: `spool/<camera>/<event id>/`."""
        return self.root / "spool"

    @property
    def journal(self) -> Path:
        """The folder of journal minutes that are not yet uploaded."""
        return self.root / "journal"

    @property
    def triggers(self) -> Path:
        """The folder of triggers, which say why recordings of an events camera are kept:
        `triggers/<camera>/<yyyymmdd of the start>.jsonl`.
        """
        return self.root / "triggers"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def holds(self) -> Path:
        """The legal holds that were last read from the object store, for use while it is
        unavailable.
        """
        return self.state / "holds.json"

    @property
    def site(self) -> Path:
        """The JSON file with the id of the site whose object store this node uses."""
        return self.state / "site.json"

    @property
    def alarms(self) -> Path:
        """The active alarms of this node, for use while Redis is unavailable."""
        return self.state / "alarms.json"

    @property
    def run(self) -> Path:
        """The folder of what concerns the running instance alone."""
        return self.root / "run"

    @property
    def confinement(self) -> Path:
        """The folder of reports how each process is confined: `run/confinement/<process>.json`."""
        return self.run / "confinement"

    @property
    def temporary(self) -> Path:
        """The folder for temporary files of confined processes; it is emptied at start."""
        return self.run / "temporary"

    @property
    def sockets(self) -> Path:
        return self.run / "sockets"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def metrics(self) -> Path:
        return self.run / "metrics"

    @property
    def statuses(self) -> Path:
        """The folder of camera statuses, which the node API reads: `run/statuses/<worker>.json`."""
        return self.run / "statuses"

    @property
    def worker_loads(self) -> Path:
        """The folder of worker loads: `run/load/<worker>.json`."""
        return self.run / "load"

    @property
    def shed(self) -> Path:
        """The JSON file with the cameras that load shedding or a full disk affects."""
        return self.state / "shed.json"

    @property
    def rosters(self) -> Path:
        return self.root / "rosters"

    def roster(self, worker: int) -> Path:
        """Return the list of cameras of one worker, as the node last assigned them. It survives a
        restart.
        """
        return self.rosters / f"{worker}.json"

    @property
    def scratch(self) -> Path:
        """The folder of files that last as long as one response; it is emptied at start."""
        return self.run / "scratch"

    def archive_cache(self, process: str) -> Path:
        """Return the folder of archive files that a process has read recently. It may be deleted
        while that process does not run.
        """
        return self.root / "archive" / process

    def live_socket(self, worker: int) -> Path:
        """Return the socket on which a worker sends packets to the live process."""
        return self.sockets / f"worker-{worker}"

    @property
    def media(self) -> Path:
        """The folder of the socket of the media process."""
        return self.run / "media"

    @property
    def media_socket(self) -> Path:
        """The socket on which API processes open the sessions of WebRTC viewers."""
        return self.media / "sessions"

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
