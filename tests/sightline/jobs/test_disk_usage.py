"""The usage counts allocated blocks of everything except recordings and the audit log."""

from __future__ import annotations

from pathlib import Path

from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from sightline.jobs.disk_usage import OtherDiskUsage


def test_recordings_and_the_audit_log_do_not_count_and_the_rest_does(tmp_path: Path) -> None:
    layout, clock = Layout(tmp_path), ManualClock()
    for folder in (layout.recordings / "cam", layout.audit, layout.seaweedfs, layout.spool / "cam"):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x" * 100_000)
    with (layout.seaweedfs / "holes").open("wb") as holes:
        holes.truncate(1 << 30)
    use = OtherDiskUsage(layout, clock)
    assert 200_000 <= use.size_bytes() < 300_000
    (layout.spool / "cam" / "more").write_bytes(b"x" * 100_000)
    assert use.size_bytes() < 300_000
    clock.advance(31)
    assert use.size_bytes() >= 300_000
