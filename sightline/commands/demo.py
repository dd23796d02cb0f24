"""`sightline demo`: a whole site on a fresh machine, its cameras simulated, playing footage that the project makes itself."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from domain.layout import Layout
from domain.people import Role
from sightline.child import ChildSpec
from sightline.commands.up import console, serve
from sightline.instance import write_atomically
from sightline.plan import Parts
from sightline.ports import answers, free_ports
from sightline.simulator.footage import Footage, make_footage
from sightline.stores import open_stores

VISITOR = "visitor"
AREAS = {
    "danjiangkou": "丹江口市",
    "danjiangkou/junzhou": "均州路街道",
    "danjiangkou/daba": "大坝街道",
}


def demo(args: argparse.Namespace) -> int:
    os.environ.setdefault("SIGHTLINE_REASON_REQUIRED", "0")
    layout = Layout(args.data.resolve())
    with console.status("drawing the demo's streets (once) …"):
        footage = make_footage(layout.demo, console.print)
    (port,) = free_ports(1)
    cameras = _cameras(footage)
    registry = _write_registry(layout, cameras, port)
    simulator = _simulator(layout, cameras, port)
    parts = Parts(servers=True, node=True, api=True)
    return serve(registry, args.data, parts, args.host, args.port, first=(simulator,), greeting=lambda: f"#token={_token(layout)}")


def _cameras(footage: Footage) -> list[dict[str, Any]]:
    """The demo's cameras, as registry entries whose `url` is still the file to play; two gates play the same street, 20 s apart."""
    rows: list[tuple[str, str, str, str, float, float, Path, list[str]]] = [
        ("junzhou-east-gate", "均州路东口卡口", "A", "danjiangkou/junzhou", 111.5130, 32.5400, footage.plates, ["plate"]),
        ("daba-bridge", "大坝桥头卡口", "A", "danjiangkou/daba", 111.4870, 32.5520, footage.plates, ["plate"]),
        ("junzhou-station-hall", "均州汽车站进站口", "A", "danjiangkou/junzhou", 111.5090, 32.5420, footage.faces, ["face"]),
        ("daba-primary-school", "大坝小学南门", "B", "danjiangkou/daba", 111.4890, 32.5530, footage.street, []),
        ("junzhou-market-shop-12", "均州市场12号商铺", "C", "danjiangkou/junzhou", 111.5150, 32.5390, footage.street, []),
    ]
    return [
        {"id": i, "name": name, "class": c, "area": area, "location": {"lon": lon, "lat": lat}, "url": str(file)}
        | ({"checkpoint": kinds} if kinds else {})
        for i, name, c, area, lon, lat, file, kinds in rows
    ]  # fmt: skip


def _write_registry(layout: Layout, cameras: list[dict[str, Any]], port: int) -> Path:
    """JSON is YAML too."""
    entries = [{**camera, "url": f"rtsp://127.0.0.1:{port}/{camera['id']}"} for camera in cameras]
    registry = {"version": 1, "areas": {path: {"name": name} for path, name in AREAS.items()}, "cameras": entries}
    file = layout.demo / "camera_registry.yaml"
    write_atomically(file, json.dumps(registry, ensure_ascii=False, indent=1))
    return file


def _simulator(layout: Layout, cameras: list[dict[str, Any]], port: int) -> ChildSpec:
    config = layout.demo / "simulator.json"
    write_atomically(config, json.dumps([{"path": camera["id"], "file": camera["url"]} for camera in cameras]))
    command = (sys.executable, "-m", "sightline.simulator", "--config", str(config), "--port", str(port))
    return ChildSpec("simulator", command, layout.logs / "simulator.log", ready=lambda: answers(port))


def _token(layout: Layout) -> str:
    """The visitor's token, the same every time on one data folder; only this user of the machine can read where it is kept."""
    file = layout.demo / "token"
    if not file.exists():
        with open_stores(layout) as stores:
            write_atomically(file, stores.people.add(VISITOR, Role.INVESTIGATOR), mode=0o600)
    return file.read_text()
