"""The table of single faults: what breaks, how long it lasts at least, and what must hold
meanwhile.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.faults.namespace import dropping, hosts_file, small_disk
from benchmarks.faults.stage import Actor, Stage
from domain.clock import NS_PER_S
from domain.recordings.gaps import GapCause
from simulator import Jump, NewPassword, SimCamera, Simulator

HOUR_S = 3600
DISK_MB = 24
OUTSIDE = frozenset({GapCause.CAMERA_DOWN, GapCause.NETWORK})
"""A node cannot distinguish a camera that is off from a cut cable."""
Break = Callable[[Stage], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """While the context of `breaks` lasts the fault is there; when it ends the cause has ended."""

    name: str
    title: str
    breaks: Break
    actor: Actor | None = None
    seconds: float = 12.0
    causes: frozenset[GapCause] = frozenset()
    """What a gap of a camera that is hit may be called. Empty: there must be no gap."""
    hits: Callable[[Stage], set[str]] | None = None
    """The cameras it may affect; by default its own actor, or no camera."""
    needs: tuple[str, ...] = ()
    """Programs, `namespace` and files without which it is skipped."""
    is_clock: bool = False
    """The site's clock is not ours afterwards: what was sent is held against what was recorded."""

    def lacks(self, inside: bool) -> str:
        """What it needs and is not here; empty where it can run."""
        missing = [
            one
            for one in self.needs
            if one != "namespace" and not (Path(one).exists() or shutil.which(one))
        ]
        return ", ".join(
            missing + (["a namespace"] if "namespace" in self.needs and not inside else [])
        )


@contextmanager
def server_killed(stage: Stage, name: str) -> Iterator[None]:
    port = stage.stop_server(name)
    yield
    stage.start_server(name, port)


@contextmanager
def half_open(stage: Stage, name: str) -> Iterator[None]:
    port = stage.servers[name].port
    with dropping(f"tcp sport {port}", f"tcp dport {port}"):
        yield


@contextmanager
def udp_loss(_: Stage) -> Iterator[None]:
    with dropping("meta l4proto udp numgen random mod 100 < 5"):
        yield


@contextmanager
def delay(stage: Stage, name: str) -> Iterator[None]:
    relay = stage.relays[name]
    relay.delay_s, relay.jitter_s = 0.3, 0.1
    yield
    relay.delay_s = relay.jitter_s = 0.0


@contextmanager
def dumb(stage: Stage, name: str) -> Iterator[None]:
    relay = stage.relays[name]
    relay.is_dumb = True
    relay.cut()
    yield
    relay.is_dumb = False
    relay.cut()


@contextmanager
def wrong_password(stage: Stage, name: str) -> Iterator[None]:
    stage.servers[name].fail(name, NewPassword(0, "admin", "another"))
    stage.relays[name].cut()
    yield
    stage.servers[name].fail(name, NewPassword(0, "admin", "right"))


@contextmanager
def name_moves(stage: Stage, name: str) -> Iterator[None]:
    port = stage.stop_server(name)
    yield
    stage.start_server(name, port, "127.0.0.3")
    stage.hosts.write_text(hosts_of(stage, "127.0.0.3"))


@contextmanager
def timestamps_jump(stage: Stage, name: str) -> Iterator[None]:
    stage.servers[name].fail(name, Jump(0, 5 * HOUR_S))
    yield
    stage.servers[name].fail(name, Jump(0, -9 * HOUR_S))


@contextmanager
def codec_change(stage: Stage, name: str) -> Iterator[None]:
    relay, before = stage.relays[name], stage.relays[name].upstream
    with Simulator([SimCamera(name, stage.footage.h265)]) as other:
        relay.upstream = ("127.0.0.1", other.port)
        relay.cut()
        yield
        relay.upstream = before
        relay.cut()


@contextmanager
def clock_step(stage: Stage, by_s: int) -> Iterator[None]:
    """The clock stays where it is put."""
    stage.ahead_ns += by_s * NS_PER_S
    waiting = stage.folder / "clock.new"
    waiting.write_text(str(stage.ahead_ns // NS_PER_S))
    waiting.replace(stage.folder / "clock")
    yield


@contextmanager
def disk_full(stage: Stage) -> Iterator[None]:
    """Something else fills the recordings' disk to its last byte."""
    ballast = stage.data / "recordings" / ".ballast"
    with ballast.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(1 << 16))
    yield
    ballast.unlink()


@contextmanager
def stopped(stage: Stage, *words: str) -> Iterator[None]:
    """A server that hangs, which is worse than one that is dead."""
    pids = stage.site.pids(*words)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def killed(stage: Stage, *words: str) -> Iterator[None]:
    for pid in stage.site.pids(*words):
        os.kill(pid, signal.SIGKILL)
    yield


def hosts_of(stage: Stage, address: str) -> str:
    names = [actor.name for actor in stage.actors.values() if actor.name]
    return "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name in names)


def _of(act: Callable[[Stage, str], AbstractContextManager[None]], name: str) -> Break:
    return lambda stage: act(stage, name)


def _camera(
    name: str, title: str, act: Callable[[Stage, str], AbstractContextManager[None]], actor: Actor,
    causes: frozenset[GapCause] = OUTSIDE, needs: tuple[str, ...] = (), seconds: float = 12.0,
) -> Scenario:  # fmt: skip
    return Scenario(name, title, _of(act, name), actor, seconds, causes, needs=needs)


SHARED = (
    _camera("server-killed", "server killed in mid-GOP", server_killed, Actor("server-killed")),
    _camera(
        "half-open",
        "half-open TCP, dropped in silence",
        half_open,
        Actor("half-open"),
        needs=("namespace", "nft"),
        seconds=20.0,
    ),
    Scenario(
        "udp-loss",
        "5 % loss on UDP",
        udp_loss,
        Actor("udp-loss", transport="udp"),
        12.0,
        frozenset({GapCause.NETWORK}),
        needs=("namespace", "nft"),
    ),
    _camera(
        "delay", "300 ms delay, 100 ms jitter", delay, Actor("delay", relayed=True), frozenset()
    ),
    _camera("dumb", "server accepts and sends nothing", dumb, Actor("dumb", relayed=True)),
    _camera(
        "wrong-password",
        "wrong password that becomes right",
        wrong_password,
        Actor("wrong-password", relayed=True, has_password=True),
        frozenset({GapCause.CAMERA_DOWN}),
    ),
    _camera(
        "name-moves",
        "name that moves to another address",
        name_moves,
        Actor("name-moves", name="moves.camera.test"),
        needs=("namespace",),
    ),
    _camera(
        "timestamps-jump",
        "RTP timestamps jump by hours",
        timestamps_jump,
        Actor("timestamps-jump"),
        frozenset(),
    ),
    _camera(
        "codec-change",
        "camera switches H.264 to H.265 and back",
        codec_change,
        Actor("codec-change", relayed=True),
    ),
    Scenario(
        "store-away", "object store hangs", lambda stage: stopped(stage, "weed"), seconds=600.0
    ),
    Scenario(
        "redis-restarted",
        "Redis killed, and started again",
        lambda stage: killed(stage, "valkey-server"),
        seconds=5.0,
    ),
    Scenario(
        "redis-away", "Redis hangs", lambda stage: stopped(stage, "valkey-server"), seconds=600.0
    ),
    Scenario(
        "worker-killed",
        "worker killed in the middle of a segment",
        lambda stage: killed(stage, "sightline.worker", "--index 0"),
        seconds=0.0,
        causes=frozenset({GapCause.RESTART}),
        hits=lambda stage: stage.worker_cameras(0),
    ),
)
CLOCKS = (
    Scenario(
        "clock-forward",
        "wall clock set an hour forward",
        partial(clock_step, by_s=HOUR_S),
        is_clock=True,
    ),
    Scenario(
        "clock-back",
        "wall clock set an hour back",
        partial(clock_step, by_s=-HOUR_S),
        is_clock=True,
    ),
)
DISKS = (
    Scenario(
        "disk-full",
        "disk full",
        disk_full,
        seconds=15.0,
        causes=frozenset({GapCause.DISK, GapCause.DELETED}),
        hits=lambda stage: {one.camera_id for one in stage.statuses()},
        needs=("namespace",),
    ),
)
EVERY = (*SHARED, *CLOCKS, *DISKS)


def clock_environment(folder: Path) -> dict[str, str]:
    """A site under this adds `folder`/clock to its wall clock; its servers keep the machine's."""
    (folder / "clock").write_text("0")
    return {
        "PYTHONPATH": str(Path(__file__).parent / "clock"),
        "PYTHON_CLOCK_FILE": str(folder / "clock"),
    }


def prepared(stage: Stage, scenarios: tuple[Scenario, ...]) -> AbstractContextManager[None]:
    """What the machine needs before the site starts."""
    return _prepared(stage, {one.name for one in scenarios})


@contextmanager
def _prepared(stage: Stage, names: set[str]) -> Iterator[None]:
    if "name-moves" in names:
        stage.hosts.write_text(hosts_of(stage, "127.0.0.1"))
        with hosts_file(stage.hosts):
            yield
    elif "disk-full" in names:
        with small_disk(stage.data / "recordings", DISK_MB):
            yield
    else:
        yield
