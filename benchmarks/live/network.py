"""A network namespace for receivers, joined to this machine by a pair of virtual Ethernet devices.

Janus offers no candidates on loopback, and loopback costs less than a network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PREFIX = "10.199.7"


@dataclass(frozen=True, slots=True)
class ViewerNetwork:
    """The name of the namespace, and the addresses of both ends."""

    namespace: str
    server: str
    viewers: str

    @property
    def inside(self) -> tuple[str, ...]:
        """The start of a command that runs in the namespace."""
        return ("ip", "netns", "exec", self.namespace)


def missing_for_network() -> str:
    """Return why there can be no namespace; empty if nothing is missing."""
    if os.getuid() != 0:
        return "a network namespace needs root"
    return "" if shutil.which("ip") else "the Debian package iproute2 is absent"


@contextmanager
def viewer_network() -> Iterator[ViewerNetwork]:
    """Raises subprocess.CalledProcessError if the kernel refuses a namespace."""
    name = f"sightline-{os.getpid()}"
    network = ViewerNetwork(name, f"{_PREFIX}.1", f"{_PREFIX}.2")
    outer, inner = f"sl{os.getpid()}", f"sv{os.getpid()}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
        _ip("address", "add", f"{network.server}/30", "dev", outer)
        _ip("link", "set", outer, "up")
        _ip("-n", name, "address", "add", f"{network.viewers}/30", "dev", inner)
        _ip("-n", name, "link", "set", inner, "up")
        yield network
    finally:
        _ip("netns", "delete", name)  # The devices end with the namespace.


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True, text=True)
