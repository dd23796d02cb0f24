"""The plate reader: a small convolutional network with a CTC head, and a second head for the
plate's colour. Not shipped in the package.

Input: (n, 32, 128, 3) crops, blue, green, red, 0 to 255. Each is standardised inside the graph, so
darkness and low contrast cost nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from domain.plates import ALPHABET, PlateColor

SYMBOLS = 1 + len(ALPHABET)
"""The blank first, then the alphabet in its order."""
COLORS = (PlateColor.BLUE, PlateColor.YELLOW, PlateColor.GREEN, PlateColor.WHITE, PlateColor.BLACK)
STEPS = 32


def _conv(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    pad: tuple[int, int] = (0, 0),
) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels, (3, 3), pad=(1, 1))
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(features + self.norm(self.second(self.first(features))))


class PlateNet(nn.Module):
    """(n, 32 steps, 74 symbols) and (n, 5 colours), as logits."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(3, 24, (5, 5), (2, 2), (2, 2)),
            _conv(24, 40, (3, 3), pad=(1, 1)),
            _conv(40, 64, (3, 3), (2, 2), (1, 1)),
            _conv(64, 64, (3, 3), pad=(1, 1)),
            _conv(64, 104, (3, 3), (2, 1), (1, 1)),
            _Residual(104),
        )
        self.rows = _conv(104, 160, (4, 1))
        self.context = nn.Sequential(_conv(160, 160, (1, 5), pad=(0, 2)), nn.Dropout(0.1))
        self.symbols = nn.Conv2d(160, SYMBOLS, 1)
        self.colors = nn.Linear(64 + 3, len(COLORS))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        pixels = crops.permute(0, 3, 1, 2).float()
        mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
        deviation = ((pixels - mean) ** 2).mean(dim=(1, 2, 3), keepdim=True).sqrt()
        standard = (pixels - mean) / (deviation + 4.0)
        early = self.features[:4](standard)
        late = self.rows(self.features[4:](early))
        symbols = self.symbols(self.context(late)).squeeze(2).transpose(1, 2)
        summary = torch.cat([early.mean(dim=(2, 3)), standard.mean(dim=(2, 3))], dim=1)
        return symbols, self.colors(summary)
