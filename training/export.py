"""Writes a checkpoint's averaged weights as the ONNX file that `analytics/` reads. Not shipped in
the package.

Input `crops`: (n, 32, 128, 3) float32, 0 to 255, blue, green, red.
Outputs: `symbols` (n, 32, 74) probabilities, the blank first; `colors` (n, 5).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from domain.plates import ALPHABET
from training.capture import HEIGHT_PX, WIDTH_PX
from training.model import COLORS, PlateNet

OPSET = 17


class _Probabilities(nn.Module):
    def __init__(self, net: PlateNet) -> None:
        super().__init__()
        self._net = net

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        symbols, colors = self._net(crops)
        return symbols.softmax(2), colors.softmax(1)


def export(checkpoint: Path, target: Path, notes: dict[str, str]) -> None:
    """Write `target`, with `notes` and what a reader must know in its metadata."""
    state = torch.load(checkpoint, weights_only=True)
    net = PlateNet()
    net.load_state_dict(state["mean"])
    crops = torch.zeros((1, HEIGHT_PX, WIDTH_PX, 3), dtype=torch.float32)
    torch.onnx.export(
        _Probabilities(net).eval(),
        (crops,),
        str(target),
        opset_version=OPSET,
        dynamo=False,
        input_names=["crops"],
        output_names=["symbols", "colors"],
        dynamic_axes={"crops": {0: "n"}, "symbols": {0: "n"}, "colors": {0: "n"}},
    )
    model = onnx.load(str(target))
    known = {
        "alphabet": ALPHABET,
        "colors": ",".join(COLORS),
        "input": f"float32 0-255 n,{HEIGHT_PX},{WIDTH_PX},3 blue green red",
        "seed": str(state["seed"]),
        "progress": json.dumps(state["progress"]),
    }
    for key, value in {**known, **notes}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString())


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        help="a file that it was trained on; its hash is noted",
    )
    parser.add_argument("--command", default="", help="the command that trained it")
    given = parser.parse_args()
    hashes = {file.name: sha256(file) for file in given.data}
    export(given.checkpoint, given.target, {"data": json.dumps(hashes), "command": given.command})
    sys.stdout.write(
        f"{given.target}: {given.target.stat().st_size} bytes, sha256 {sha256(given.target)}\n"
    )


if __name__ == "__main__":
    main()
