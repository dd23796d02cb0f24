"""A site on whose clock a test decides, with recordings and the job that reads exports."""

from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.cameras.recording_files import FRESH_S, RecordingFiles
from api.exports.export_job import ExportJob
from domain.clock import NS_PER_S, ManualClock, SystemClock, rfc3339
from domain.people import Role
from ingest.recording.segments import Segments
from storage.recordings.virtual.layouts import RecordingIndex
from tests.recorded import PLAIN, Material, packets_of

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

START_NS = SystemClock().wall_ns() // NS_PER_S * NS_PER_S - 1800 * NS_PER_S


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


def asked(*ranges: tuple[str, float, float], **fields: object) -> dict[str, object]:
    """Return the body of a request for an export of ranges: camera, from and to in seconds."""
    return {
        "ranges": [
            {"camera": camera, "from": rfc3339(at(start)), "to": rfc3339(at(end))}
            for camera, start, end in ranges
        ],
        "reason": "theft 2026-118",
        **fields,
    }


@dataclass
class ExportSite:
    """A site, its clock, and a job that reads exports when a test says so."""

    site: Site
    clock: ManualClock
    job: ExportJob
    stop: threading.Event = field(default_factory=threading.Event)

    def record(self, camera_id: str, *materials: Material, start_ns: int = START_NS) -> list[Path]:
        """Record 12 s of each material, one after the other, in segments of about 4 s with the
        hashes of their fragments; return the new files.
        """
        folder = self.site.layout.recordings_of(camera_id)
        before = set(folder.rglob("*.mp4"))
        for number, material in enumerate(materials or (PLAIN,)):
            segments = Segments(
                camera_id,
                folder,
                lambda: 1,
                4.0,
                pytest.fail,
                lambda start_ns, end_ns, cause: None,
                index=RecordingIndex(self.site.layout.recording_index),
            )
            first_ns = start_ns + number * 12 * NS_PER_S
            packets = packets_of(material, start_ns=first_ns, session=number + 1)
            for first in range(0, len(packets), 25):
                segments.write(packets[first : first + 25])
            segments.close()
        self.site.hold(camera_id)
        return sorted(set(folder.rglob("*.mp4")) - before)

    def create(
        self, body: dict[str, object], role: Role = Role.OPERATOR, **headers: str
    ) -> httpx.Response:
        return self.site.get("/v1/exports", role, method="POST", body=body, **headers)

    def made(
        self, *ranges: tuple[str, float, float], role: Role = Role.OPERATOR, **fields: object
    ) -> dict[str, Any]:
        """Create an export, have it read, and return it."""
        created = self.create(asked(*ranges, **fields), role)
        assert created.status_code == 201, created.text
        self.job.run_once(self.stop)
        return self.read(created.json()["id"], role)

    def read(self, export_id: str, role: Role = Role.OPERATOR) -> dict[str, Any]:
        answer = self.site.get(f"/v1/exports/{export_id}", role)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def download(
        self,
        export: dict[str, Any],
        role: Role = Role.OPERATOR,
        method: str = "GET",
        **headers: str,
    ) -> httpx.Response:
        return self.site.get(f"/v1/exports/{export['id']}/file", role, method=method, **headers)

    def restart(self) -> None:
        """Empty the site, set its clock back, and replace the job."""
        self.site.forget()
        self.clock.step(-self.clock.stepped_ns / NS_PER_S)
        self.later()
        self.job = ExportJob(self.site.context, RecordingFiles(self.site.context))

    def later(self) -> None:
        """Let the segments be listed again by the next request."""
        self.clock.advance(FRESH_S)


def open_export_site(open_site: OpenSite, **changes: object) -> ExportSite:
    """Open a site whose clock stands still, some minutes ahead: its people were added before."""
    clock = ManualClock(SystemClock().wall_ns() + 600 * NS_PER_S)
    site = open_site(clock=clock, **changes)
    return ExportSite(site, clock, ExportJob(site.context, RecordingFiles(site.context)))


def unpacked(content: bytes) -> zipfile.ZipFile:
    """Return the opened ZIP file, whose members all have their CRC-32."""
    opened = zipfile.ZipFile(io.BytesIO(content))
    assert opened.testzip() is None
    return opened
