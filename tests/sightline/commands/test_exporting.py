"""`sightline export` on the stores of a site, with recordings in the object store."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from domain.clock import NS_PER_S, rfc3339
from domain.paths.data_layout import Layout
from domain.paths.object_keys import segment_object
from domain.paths.segment_name import SegmentName
from domain.registry.record import RegistryRecord
from sightline.cli import main
from sightline.processes.store_clients import open_stores
from tests.api.site_data import START_NS, record_segment

REGISTRY = {
    "version": 1,
    "areas": {"dan": {"name": "Dan"}},
    "cameras": [
        {
            "id": "east-gate",
            "name": "East gate",
            "class": "A",
            "area": "dan",
            "location": {"lon": 111.5, "lat": 32.5},
            "url": "rtsp://10.1.2.3:554/east",
        }
    ],
}


def at(seconds: float) -> str:
    return rfc3339(START_NS + round(seconds * NS_PER_S))


@pytest.fixture
def site(empty_site: Path) -> Path:
    """The data folder of a site with one camera and eight seconds of recordings."""
    layout = Layout(empty_site)
    assert main(["keys", "init", "--data", str(empty_site)]) == 0
    layout.registry.parent.mkdir(parents=True, exist_ok=True)
    record = RegistryRecord(version=1, applied_at=START_NS, text=json.dumps(REGISTRY))
    layout.registry.write_text(record.model_dump_json(by_alias=True))
    with open_stores(layout) as stores:
        for start_s in (0, 4):
            path = record_segment(layout, "east-gate", START_NS + start_s * NS_PER_S, 4)
            name = SegmentName.parse(path.name)
            assert name is not None
            stores.objects.put_file(segment_object(name), path, "video/mp4")
            path.unlink()
    return empty_site


def export(site: Path, *more: str) -> int:
    return main(["export", "--data", str(site), "--json", *more])


RANGE = ("--camera", "east-gate", "--from", at(1), "--to", at(10), "--reason", "theft")


def test_an_export_is_written_with_what_is_missing(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = site / "out.zip"
    assert export(site, *RANGE, "--case", "2026-118", "--out", str(out)) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (shown["files"], shown["size_bytes"]) == (1, out.stat().st_size)
    (gap,) = shown["gaps"]
    assert (gap["camera"], gap["from"], gap["to"]) == ("east-gate", at(8), at(10))
    with zipfile.ZipFile(out) as zipped:
        assert zipped.testzip() is None
        manifest = json.loads(zipped.read("manifest.json"))
    assert (manifest["reason"], manifest["case"]) == ("theft", "2026-118")
    # The same export again, under its id.
    again = site / "again.zip"
    assert export(site, "--id", shown["id"], "--out", str(again)) == 0
    assert again.read_bytes() == out.read_bytes()


def test_wrong_usage_is_refused_with_what_to_do(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = site / "out.zip"
    assert export(site, "--camera", "east-gate", "--out", str(out)) == 1
    assert "give --from, --to, --reason, or --id" in capsys.readouterr().err
    assert export(site, *RANGE[:3], "soon", *RANGE[4:], "--out", str(out)) == 1
    shown = capsys.readouterr().err
    assert "--from: must be a time of RFC 3339" in shown
    assert "reading" not in shown, "the work has not begun"
    out.write_bytes(b"")
    assert export(site, *RANGE, "--out", str(out)) == 1
    assert "exists already" in capsys.readouterr().err
