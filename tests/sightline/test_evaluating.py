"""`sightline eval` on films and pictures: its JSON, and files that cannot be opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sightline.cli import main
from simulator.footage import truth_of
from tests.footage import Footage

pytestmark = pytest.mark.usefixtures("models_folder")


def _some(folder: Path, into: Path, most: int) -> Path:
    into.mkdir()
    for file in sorted(folder.glob("*.jpg"))[:most]:
        shutil.copy(file, into)
    return into


def test_plates(footage: Footage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _some(footage.crops, tmp_path / "crops", 8)
    (folder / "鄂C12345.jpg").write_bytes(b"no picture")
    assert main(["eval", "plates", str(folder), "--json"]) == 1
    said = capsys.readouterr()
    outcome = json.loads(said.out)
    assert [set(one) for one in outcome["plates"]] == [{"truth", "read", "confidence"}] * 8
    assert sum(one["truth"] == one["read"] for one in outcome["plates"]) >= 8 - footage.unsure
    assert all(0 <= one["confidence"] <= 1 for one in outcome["plates"])
    assert [Path(one["file"]).name for one in outcome["errors"]] == ["鄂C12345.jpg"]
    assert "鄂C12345.jpg: it is no picture" in said.err


def test_photos(footage: Footage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _some(footage.photos, tmp_path / "photos", 4)
    assert main(["eval", "photos", str(folder), "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert [set(one) for one in outcome["photos"]] == [{"truth", "read"}] * 4
    assert sum(one["truth"] in one["read"] for one in outcome["photos"]) >= 4 - footage.unsure
    assert main(["eval", "photos", str(folder)]) == 0
    assert "of 4 photographs right" in capsys.readouterr().out


def test_faces(footage: Footage, capsys: pytest.CaptureFixture[str]) -> None:
    video, truth = footage.faces, truth_of(footage.faces)
    assert main(["eval", "faces", str(video), "--truth", str(truth), "--fps", "4", "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["passings"], outcome["doubled"], outcome["false"]) == (6, 0, 0)
    assert outcome["found"] >= 6 - footage.unsure
    assert outcome["latency_s"]["worst"] < 3
    assert "plates_right" not in outcome


def test_material_that_is_not_there_fails_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "truth.json").write_text('{"passes": []}')
    (tmp_path / "film.mp4").write_bytes(b"no film")
    assert main(["eval", "plates", str(tmp_path / "absent")]) == 1
    assert "there is no folder" in capsys.readouterr().err
    assert (
        main(["eval", "video", str(tmp_path / "film.mp4"), "--truth", str(tmp_path / "truth.json")])
        == 1
    )
    assert "cannot be read as video" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["eval", "video", str(tmp_path / "film.mp4")])
    assert ended.value.code == 2
