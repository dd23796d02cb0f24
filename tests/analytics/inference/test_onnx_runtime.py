"""What runs the models: the requested and available providers, the processor last, and a warning
for what is not there.
"""

from __future__ import annotations

import logging

import pytest
from pydantic import ValidationError

from analytics.inference.onnx_runtime import CPU, Model, providers_of
from analytics.models import Models
from domain.settings import Settings


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
        Models.load(settings.model_copy(update={"onnx_providers": "cuda"}))
    assert "models run on CPUExecutionProvider" in caplog.text
    assert Model(settings.models_dir / "clp_det.onnx").providers == CPU


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(ValidationError, match="onnx_providers"):
        Settings(onnx_providers="cuda,gpu")
