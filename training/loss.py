"""What the reader is trained for, and how many plates it reads exactly. Not shipped in the
package.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from domain.plates import ALPHABET
from training.model import COLORS, STEPS
from training.samples import Batch, step_targets, symbols

COLOR_WEIGHT = 0.1
GUIDE_WEIGHT = 3.0


def loss_of(net: nn.Module, batch: Batch, guided: float) -> Tensor:
    """CTC, plus `guided` times what each step should say: drawn plates know where their
    characters stand, which CTC learns slowly.
    """
    said, colours = net(torch.from_numpy(batch.crops))
    targets = [symbols(text) for text in batch.texts]
    flat = torch.tensor([symbol for target in targets for symbol in target])
    lengths = torch.tensor([len(target) for target in targets])
    steps = torch.full((len(targets),), STEPS)
    reading = nn.functional.ctc_loss(
        said.log_softmax(2).transpose(0, 1), flat, steps, lengths, zero_infinity=True
    )
    truth = torch.tensor([COLORS.index(kind.color) for kind in batch.kinds])
    loss = reading + COLOR_WEIGHT * nn.functional.cross_entropy(colours, truth)
    if guided > 0:
        loss = loss + guided * GUIDE_WEIGHT * nn.functional.cross_entropy(
            said.transpose(1, 2), torch.from_numpy(step_targets(batch, STEPS))
        )
    return loss


def greedy(said: Tensor) -> list[str]:
    """The likeliest symbol of each step, repeats and blanks taken out."""
    texts = []
    for row in said.argmax(2).tolist():
        kept = [
            symbol
            for place, symbol in enumerate(row)
            if symbol and (place == 0 or row[place - 1] != symbol)
        ]
        texts.append("".join(ALPHABET[symbol - 1] for symbol in kept))
    return texts


def exact_rate(net: nn.Module, batch: Batch) -> float:
    with torch.no_grad():
        read = [
            text
            for part in torch.from_numpy(batch.crops).split(64)
            for text in greedy(net(part)[0])
        ]
    return float(
        np.mean([got == expected for got, expected in zip(read, batch.texts, strict=True)])
    )
