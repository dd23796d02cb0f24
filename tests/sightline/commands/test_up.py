"""What `sightline up` prints before it starts the processes of a site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from sightline.cluster import site_registry
from sightline.commands.up import _print_missing_registry
from sightline.processes.process_plan import Parts

WHOLE_SITE = Parts(servers=True, node=True, api=True)


def test_a_site_without_a_registry_says_how_to_apply_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path)
    _print_missing_registry(layout, WHOLE_SITE)
    assert f"sightline cameras apply FILE --data {tmp_path}" in capsys.readouterr().err
    _print_missing_registry(layout, Parts(servers=False, node=True, api=False))
    assert capsys.readouterr().err == "", "the site may have one"
    file = tmp_path / "camera_registry.yaml"
    file.write_text(json.dumps({"version": 1}))
    assert site_registry.settle(file, layout, SystemClock()) is None
    _print_missing_registry(layout, WHOLE_SITE)
    assert capsys.readouterr().err == ""
