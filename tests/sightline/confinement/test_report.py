"""The reports of all processes of a machine become sentences for `/readyz`."""

from __future__ import annotations

from pathlib import Path

from domain.paths.data_layout import Layout
from sightline.confinement.report import ConfinementReport, confinement_warnings


def test_processes_with_the_same_reason_share_a_sentence(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert confinement_warnings(layout) == ()
    layout.confinement.mkdir(parents=True)
    for name in ("api", "live", "worker-0"):
        report = ConfinementReport(
            process=name, landlock="" if name == "api" else "the kernel has ABI 0"
        )
        (layout.confinement / f"{name}.json").write_text(report.model_dump_json())
    (layout.confinement / "worker-1.json").write_text("")  # it is starting
    assert confinement_warnings(layout) == (
        "live, worker-0: not confined by landlock: the kernel has ABI 0",
    )
