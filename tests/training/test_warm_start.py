"""Training goes on from exported weights: the net says at first what the file says."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.inference.onnx_runtime import Model
from analytics.models import OWN_READER
from training.glyphs import Glyphs
from training.samples import Drawer


def test_the_net_starts_as_the_file_reads(glyphs: Glyphs) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from training.model import PlateNet
    from training.warm_start import start_from

    crops = Drawer(glyphs, 11).batch(0, 96).crops
    net = PlateNet()
    start_from(net, OWN_READER, torch.from_numpy(crops[:64]))
    with torch.no_grad():
        symbols, colors = (said.softmax(-1).numpy() for said in net.eval()(torch.from_numpy(crops)))
    expected_symbols, expected_colors = Model(OWN_READER).run(crops.astype(np.float32))
    assert np.abs(symbols - expected_symbols).max() < 1e-3
    assert np.abs(colors - expected_colors).max() < 1e-3
    trained = net.train()(torch.from_numpy(crops[:64]))[0].softmax(-1).detach().numpy()
    assert (trained.argmax(2) == expected_symbols[:64].argmax(2)).mean() > 0.9
