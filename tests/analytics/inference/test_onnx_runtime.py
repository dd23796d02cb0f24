"""What runs the models: the requested and available providers, the processor last, and a warning
for what is not there.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from analytics.inference.onnx_runtime import CPU, Model, providers_of
from analytics.models import OWN_READER, Models
from domain.settings import Settings
from tests.conftest import ROOT

GROWTH_OF_SIZES = """
import sys
from pathlib import Path
import numpy as np
from analytics.inference.onnx_runtime import Model

def resident_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

model = Model(Path(sys.argv[1]))
largest = (512, 512)
sizes = [(256, 192), (448, 320), (192, 512), (320, 480), (512, 288), (384, 384)]
tensors = {size: np.zeros((1, 3, *size), np.float32) for size in (largest, *sizes)}
model.run(tensors[largest])
before_kb = resident_kb()
for size in sizes * 3:
    model.run(tensors[size])
print(resident_kb() - before_kb)
"""

GROWTH_OF_SESSIONS = """
import sys
from pathlib import Path
import numpy as np
from analytics.inference.onnx_runtime import Model

def resident_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

models = [Model(Path(sys.argv[1])) for _ in range(2)]
tensor = np.zeros((1, 3, 544, 960), np.float32)
grown_kb = []
for model in models:
    before_kb = resident_kb()
    model.run(tensor)
    grown_kb.append(resident_kb() - before_kb)
print(*grown_kb)
"""


def test_onnx_runtime_sends_no_telemetry(tmp_path: Path) -> None:
    """It would keep an id of the machine in the home folder."""
    program = (
        "import sys; from pathlib import Path; from analytics.inference.onnx_runtime import Model; "
        "Model(Path(sys.argv[1]))"
    )
    # Variables of a CI service switch it off, too.
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run((sys.executable, "-c", program, OWN_READER), env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_without_a_setting_only_the_processor_is_requested(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert providers_of(Settings().onnx_providers) == CPU
    assert not caplog.records


def test_what_this_runtime_lacks_is_named_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert providers_of("tensorrt,cuda,cpu") == CPU
    assert "tensorrt, cuda not in this onnxruntime" in caplog.text


def test_models_run_on_the_processor_where_nothing_else_is_there(
    models: Models, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        _ = Models.load(settings.model_copy(update={"onnx_providers": "cuda"})).plates
    assert "the model clp_det runs on CPUExecutionProvider" in caplog.text
    assert Model(settings.models_dir / "clp_det.onnx").providers == CPU


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(ValidationError, match="onnx_providers"):
        Settings(onnx_providers="cuda,gpu")


def test_inputs_of_many_sizes_take_no_more_memory_than_the_largest(
    models_folder: Path, settings: Settings
) -> None:
    """Windows have many sizes, and a memory pattern of each would keep a block of its own."""
    command = [sys.executable, "-c", GROWTH_OF_SIZES, str(settings.models_dir / "clp_det.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000


def test_sessions_share_the_memory_of_their_results(
    models_folder: Path, settings: Settings
) -> None:
    command = [sys.executable, "-c", GROWTH_OF_SESSIONS, str(settings.models_dir / "clp_det.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first_kb, second_kb = map(int, done.stdout.split())
    assert first_kb > 10_000
    assert second_kb < first_kb / 4
