"""Starts a cluster of three primaries with a replica each on loopback."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from domain.clock import SystemClock
from domain.errors import IndexUnavailable
from sightline.processes.embedded_servers import valkey_binary
from sightline.processes.ports import answers
from storage.clients.redis import Redis, connect, number

SLOTS = 16_384
NODE_TIMEOUT_MS = 1000
PATIENCE_S = 60.0
_CLOCK = SystemClock()


class Cluster:
    """Its nodes forget everything with `stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ports = _ports(6)
        self._servers = {port: self._server(port) for port in self.ports}
        self._nodes: dict[int, Redis] = {
            port: connect(f"redis://127.0.0.1:{port}") for port in self.ports
        }

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    @property
    def primaries(self) -> list[Redis]:
        """Those that were the primaries at the start."""
        return [self._nodes[port] for port in self.ports[:3]]

    def start(self) -> None:
        for node in self._nodes.values():
            _wait(partial(node.do, "PING"))
        primaries = self.ports[:3]
        for part, port in enumerate(primaries):
            self._nodes[port].do(
                "CLUSTER", "ADDSLOTSRANGE", part * SLOTS // 3, (part + 1) * SLOTS // 3 - 1
            )
        for port in self.ports[1:]:
            self._nodes[port].do("CLUSTER", "MEET", "127.0.0.1", self.ports[0])
        _wait(lambda: all(len(self._known(port)) == 6 for port in self.ports))
        for primary, replica in zip(primaries, self.ports[3:], strict=True):
            name = str(self._nodes[primary].do("CLUSTER", "MYID"))
            _wait(partial(self._nodes[replica].do, "CLUSTER", "REPLICATE", name))
        _wait(lambda: all(self._is_well(port) for port in self.ports))
        self.wait_for_replicas()

    def kill(self, port: int) -> None:
        """End one node as `kill -9` does, and wait until another has its slots and all others
        agree.
        """
        server = self._servers.pop(port)
        server.kill()
        server.wait()
        self._nodes.pop(port).close()
        _wait(
            lambda: all(
                self._is_well(other) and self._has_failed(other, port) for other in self._nodes
            )
        )

    def move(self, key: str, by_keys: bool) -> None:
        """Move the slot of a key to another primary.

        Valkey 9 moves a slot as a whole; earlier versions move it key by key (`by_keys`).
        """
        slot = number(self.primaries[0].do("CLUSTER", "KEYSLOT", key))
        names = [str(node.do("CLUSTER", "MYID")) for node in self.primaries]
        has = next(n for n, name in enumerate(names) if name == self._owner(slot))
        gets = (has + 1) % len(names)
        if by_keys:
            self._move_by_keys(slot, has, gets, names)
        else:
            self.primaries[has].do(
                "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", names[gets]
            )
        _wait(lambda: self._owner(slot) == names[gets])

    def _owner(self, slot: int) -> str:
        ranges = cast("list[list[Any]]", self.primaries[0].do("CLUSTER", "SLOTS"))
        return next(str(node[2]) for first, last, node, *_ in ranges if first <= slot <= last)

    def _move_by_keys(self, slot: int, has: int, gets: int, names: Sequence[str]) -> None:
        source, target = self.primaries[has], self.primaries[gets]
        target.do("CLUSTER", "SETSLOT", slot, "IMPORTING", names[has])
        source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", names[gets])
        while keys := cast("list[str]", source.do("CLUSTER", "GETKEYSINSLOT", slot, 5)):
            source.do("MIGRATE", "127.0.0.1", self.ports[gets], "", 0, 5000, "KEYS", *keys)
        for node in (target, source, self.primaries[3 - has - gets]):
            node.do("CLUSTER", "SETSLOT", slot, "NODE", names[gets])

    def wait_for_replicas(self) -> None:
        """Wait until each replica has all writes of its primary."""
        for port in self.ports[:3]:
            _wait(partial(self._is_replicated, port))

    def stop(self) -> None:
        for node in self._nodes.values():
            node.close()
        for server in self._servers.values():
            server.kill()
            server.wait()

    def _server(self, port: int) -> subprocess.Popen[bytes]:
        folder = self._folder / str(port)
        folder.mkdir()
        options = {
            "port": port,
            "bind": "127.0.0.1",
            "dir": folder,
            "save": "",
            "cluster-enabled": "yes",
            "repl-diskless-sync-delay": 0,
            "cluster-node-timeout": NODE_TIMEOUT_MS,
            "cluster-replica-validity-factor": 0,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return subprocess.Popen([str(valkey_binary()), *words], stdout=subprocess.DEVNULL)

    def _known(self, port: int) -> dict[str, str]:
        """The nodes that one knows, by port, as it describes each."""
        lines = str(self._nodes[port].do("CLUSTER", "NODES")).splitlines()
        return {
            found[1]: line for line in lines if (found := re.match(r"[0-9a-f]+ [^ ]*:(\d+)@", line))
        }

    def _is_well(self, port: int) -> bool:
        return "cluster_state:ok" in str(self._nodes[port].do("CLUSTER", "INFO"))

    def _is_replicated(self, port: int) -> bool:
        return number(self._nodes[port].do("WAIT", 1, 1000)) == 1

    def _has_failed(self, port: int, dead: int) -> bool:
        return "fail" in self._known(port)[str(dead)].split()[2].split(",")


def _ports(count: int) -> tuple[int, ...]:
    """Ports below those that the machine gives out, each free, and its bus ten thousand above
    as well.
    """
    drawn = random.SystemRandom().sample(range(12_000, 22_000), 40 * count)
    return tuple(
        islice((port for port in drawn if not answers(port) and not answers(port + 10_000)), count)
    )


def _wait(is_so: Callable[[], object]) -> None:
    until_s = _CLOCK.monotonic_s() + PATIENCE_S
    while _CLOCK.monotonic_s() < until_s:
        with suppress(IndexUnavailable):
            if is_so():
                return
        _CLOCK.sleep(0.05)
    raise AssertionError("the cluster did not come to be as it should")
