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
_BURST_BYTES = 3_000
"""What a limited path sends at once: the kernel divides larger sequences of packets."""


@dataclass(frozen=True, slots=True)
class ViewerNetwork:
    """The name of the namespace, and the addresses of both ends."""

    namespace: str
    server: str
    viewers: str
    device: str
    """The device of the server, by which packets to viewers leave."""

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
    outer, inner = f"sl{os.getpid()}", f"sv{os.getpid()}"
    network = ViewerNetwork(name, f"{_PREFIX}.1", f"{_PREFIX}.2", outer)
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


@contextmanager
def narrow_path(network: ViewerNetwork, bits_per_s: int, queue_ms: int) -> Iterator[None]:
    """Let the path to viewers carry at most this rate, with a queue of so long."""
    rate = ("rate", f"{bits_per_s}bit", "burst", str(_BURST_BYTES))
    queue = ("limit", str(_BURST_BYTES + bits_per_s * queue_ms // 8000))
    _run("tc", "qdisc", "replace", "dev", network.device, "root", "tbf", *rate, *queue)
    try:
        yield
    finally:
        _run("tc", "qdisc", "delete", "dev", network.device, "root")


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
