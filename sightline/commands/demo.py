"""`sightline demo`: a whole site with simulated cameras, which play generated footage."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from domain.paths.data_layout import Layout
from domain.people import Role
from sightline.commands.messages import print_message
from sightline.commands.up import api_address, serve
from sightline.processes.child import ChildSpec
from sightline.processes.ports import answers, free_ports
from sightline.processes.private_files import write_atomically
from sightline.processes.process_plan import Parts
from sightline.processes.store_clients import opened_people
from simulator.footage import Footage, make_footage

VISITOR = "visitor"
AREAS = {
    "danjiangkou": "丹江口市",
    "danjiangkou/junzhou": "均州路街道",
    "danjiangkou/daba": "大坝街道",
}


def demo(args: argparse.Namespace) -> int:
    os.environ.setdefault("SIGHTLINE_REASON_REQUIRED", "0")
    layout = Layout(args.data.resolve())
    print_message("footage: three films are drawn at the first start, which takes a minute")
    footage = make_footage(layout.demo, lambda done: print_message(f"footage: {done}"))
    (port,) = free_ports(1)
    cameras = _cameras(footage)
    registry = _write_registry(layout, cameras, port)
    simulator = _simulator(layout, cameras, port)
    parts = Parts(servers=True, node=True, api=True)
    return serve(
        registry,
        args.data,
        parts,
        args.fork_server,
        api_address(args),
        first=(simulator,),
        greeting=lambda: f"#token={_token(layout)}",
    )


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """A simulated camera."""

    id: str
    name: str
    class_: str
    area: str
    lon: float
    lat: float
    file: Path
    kinds: tuple[str, ...] = ()
    ahead_s: float = 0.0
    """How much earlier it shows the same file than other cameras."""

    def entry(self, port: int) -> dict[str, object]:
        """Return its entry in the registry."""
        entry: dict[str, object] = {
            "id": self.id,
            "name": self.name,
            "class": self.class_,
            "area": self.area,
        }
        entry |= {
            "location": {"lon": self.lon, "lat": self.lat},
            "url": f"rtsp://127.0.0.1:{port}/{self.id}",
        }
        return entry | ({"checkpoint": self.kinds} if self.kinds else {})


def _cameras(footage: Footage) -> tuple[DemoCamera, ...]:
    """Return cameras of all classes and both kinds of checkpoint.

    A vehicle at the east gate reaches the bridge, 400 m further, half a minute later.
    """
    junzhou, daba = "danjiangkou/junzhou", "danjiangkou/daba"
    return (
        DemoCamera(
            "junzhou-east-gate",
            "均州路东口卡口",
            "A",
            junzhou,
            111.5130,
            32.5400,
            footage.plates,
            ("plate",),
            30.0,
        ),
        DemoCamera(
            "daba-bridge", "大坝桥头卡口", "A", daba, 111.5088, 32.5403, footage.plates, ("plate",)
        ),
        DemoCamera(
            "junzhou-station-hall",
            "均州汽车站进站口",
            "A",
            junzhou,
            111.5090,
            32.5420,
            footage.faces,
            ("face",),
        ),
        DemoCamera(
            "daba-primary-school", "大坝小学南门", "B", daba, 111.5071, 32.5411, footage.street
        ),
        DemoCamera(
            "junzhou-market-shop-12",
            "均州市场12号商铺",
            "C",
            junzhou,
            111.5150,
            32.5390,
            footage.street,
        ),
    )


def _write_registry(layout: Layout, cameras: tuple[DemoCamera, ...], port: int) -> Path:
    """Write the registry as JSON, which is valid YAML."""
    entries = [camera.entry(port) for camera in cameras]
    registry = {
        "version": 1,
        "areas": {path: {"name": name} for path, name in AREAS.items()},
        "cameras": entries,
    }
    file = layout.demo / "camera_registry.yaml"
    write_atomically(file, json.dumps(registry, ensure_ascii=False, indent=1))
    return file


def _simulator(layout: Layout, cameras: tuple[DemoCamera, ...], port: int) -> ChildSpec:
    config = layout.demo / "simulator.json"
    simulated = [
        {"path": camera.id, "file": str(camera.file), "phase_s": camera.ahead_s}
        for camera in cameras
    ]
    write_atomically(config, json.dumps(simulated))
    command = (sys.executable, "-m", "simulator", "--config", str(config), "--port", str(port))
    return ChildSpec(
        "simulator", command, layout.logs / "simulator.log", ready=lambda: answers(port)
    )


def _token(layout: Layout) -> str:
    """Return the visitor's token, which stays the same in one data folder.

    Only this user of the machine can read its file.
    """
    file = layout.demo / "token"
    if not file.exists():
        with opened_people(layout) as people:
            write_atomically(file, people.add(VISITOR, Role.INVESTIGATOR).token)
    return file.read_text()
