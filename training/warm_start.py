"""Takes training up again from exported weights, where no checkpoint is left. Not shipped in the
package.

Export folds each batch normalisation into the convolution before it. Here each gets statistics
again, measured on drawn plates, and the scale and shift that undo them, so that the net says at
first what the file says, and normalises by its batches as it trains on.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from domain.plates import ALPHABET
from training.model import PlateNet


def start_from(net: PlateNet, file: Path, crops: Tensor) -> None:
    """Give `net` the weights of `file`, and statistics as on `crops` (n, 32, 128, 3).

    Raises ValueError for a file of another alphabet or shape.
    """
    model = onnx.load(str(file))
    if {entry.key: entry.value for entry in model.metadata_props}.get("alphabet") != ALPHABET:
        raise ValueError(f"{file} reads another alphabet than this generator draws")
    held = {
        entry.name: torch.from_numpy(numpy_helper.to_array(entry).copy())
        for entry in model.graph.initializer
    }
    folded = [
        (held[node.input[1]], held[node.input[2]])
        for node in model.graph.node
        if node.op_type == "Conv"
    ]
    convolutions = [part for part in net.modules() if isinstance(part, nn.Conv2d)]
    norms = [part for part in net.modules() if isinstance(part, nn.BatchNorm2d)]
    with torch.no_grad():
        for convolution, (weight, _) in zip(convolutions, folded, strict=True):
            _fill(convolution.weight, weight)
        for norm, (_, bias) in zip(norms, folded[: len(norms)], strict=True):
            _pass_on(norm, bias)
        _fill_all(net, held, folded[-1][1])
        _measure(net, norms, crops)


def _fill_all(net: PlateNet, held: dict[str, Tensor], symbols_bias: Tensor) -> None:
    """What no normalisation follows: the two heads."""
    if net.symbols.bias is None:
        raise ValueError("the head of the symbols has no bias to fill")
    _fill(net.symbols.bias, symbols_bias)
    _fill(net.colors.weight, held["_net.colors.weight"])
    _fill(net.colors.bias, held["_net.colors.bias"])


def _fill(parameter: Tensor, value: Tensor) -> None:
    if parameter.shape != value.shape:
        raise ValueError(
            f"the file has weights of {tuple(value.shape)} where this net has "
            f"{tuple(parameter.shape)}"
        )
    parameter.copy_(value)


def _pass_on(norm: nn.BatchNorm2d, bias: Tensor) -> None:
    """The normalisation that only adds the folded bias."""
    mean, variance = _statistics(norm)
    mean.zero_()
    variance.fill_(1 - norm.eps)
    norm.weight.fill_(1)
    _fill(norm.bias, bias)


def _measure(net: PlateNet, norms: list[nn.BatchNorm2d], crops: Tensor) -> None:
    """One pass in which each normalisation sees what it will normalise; then its statistics,
    and what undoes them.
    """
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def note(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[norm] = inputs[0].mean(dim=(0, 2, 3)), inputs[0].var(dim=(0, 2, 3), unbiased=False)

    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    was_training = net.training
    net.eval()(crops)
    net.train(was_training)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        mean, variance = _statistics(norm)
        for target, value in zip((mean, variance), seen[norm], strict=True):
            target.copy_(value)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)


def _statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a normalisation without statistics cannot be started from a file")
    return norm.running_mean, norm.running_var
