"""The adapter of ONNX Runtime: it loads a model file, and runs it on arrays.

Each session has one thread. Two threads halve the latency of a look and then spin, which costs
twice the CPU time at a steady rate of frames (76 ms instead of 33 ms a frame). A process has many
cameras, each with a thread of its own. Any thread may call `run`.
"""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as native

from domain.cpu_time import CpuTime
from domain.errors import BadInput, NotFound
from domain.metrics import ANALYSIS_CPU_S

_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
CPU = (_NAMES["cpu"],)
_log = logging.getLogger(__name__)
_LOG_ERRORS_ONLY = 3
_AS_REQUESTED, _DEFAULT = 1, -1
"""Values of the configuration of an arena (`onnxruntime_c_api.h`, CreateArenaCfgV2)."""
_ERRORS = (
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NoModel,
    native.NotImplemented,
    native.RuntimeException,
    RuntimeError,
    ValueError,
)
"""The errors that ONNX Runtime raises; they have no common base but Exception."""


def providers_of(requested: str) -> tuple[str, ...]:
    """Return ONNX Runtime's names of the providers in `SIGHTLINE_ONNX_PROVIDERS`.

    Providers that this installation lacks are omitted, with a warning. The processor is the last.
    """
    available = onnxruntime.get_available_providers()
    names = [name for name in requested.split(",") if name != "cpu"]
    missing = [name for name in names if _NAMES[name] not in available]
    if missing:
        _log.warning(
            "SIGHTLINE_ONNX_PROVIDERS: %s not in this onnxruntime (%s): install the onnxruntime "
            "package that has it; models run without",
            ", ".join(missing),
            onnxruntime.__version__,
        )
    return (*(_NAMES[name] for name in names if name not in missing), *CPU)


class Model:
    """A session with one input tensor."""

    def __init__(self, path: Path, providers: tuple[str, ...] = CPU) -> None:
        """Load the model; raises NotFound or BadInput with the file's name."""
        if not path.is_file():
            raise NotFound(
                "model {path} is not there; fetch the models with `python -m "
                "analytics.models fetch {parent}`",
                path=path,
                parent=path.parent,
            )
        _share_memory()
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), _options(), providers=list(providers)
            )
        except _ERRORS as error:
            raise BadInput(
                "model {path} cannot be loaded: {error}", path=path, error=error
            ) from error
        self.path = path
        self.providers: tuple[str, ...] = tuple(self._session.get_providers())
        """The providers that the session uses. One without a device is skipped."""
        self._cpu = ANALYSIS_CPU_S.labels(path.stem)
        self._input: str = self._session.get_inputs()[0].name
        self.picture_px = _picture_px(self._session.get_inputs()[0].shape)
        """The width and height of its input, or None if these are free."""
        self.output_names: tuple[str, ...] = tuple(
            output.name for output in self._session.get_outputs()
        )

    def run(self, tensor: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the outputs of the model, in the order of `output_names`.

        Raises BadInput if the tensor does not fit the model.
        """
        try:
            with CpuTime(self._cpu):
                outputs = self._session.run(None, {self._input: tensor})
        except _ERRORS as error:
            raise BadInput(
                "model {path} refuses an input of shape {shape}: {error}",
                path=self.path,
                shape=str(tensor.shape),
                error=error,
            ) from error
        return cast("list[NDArray[np.float32]]", outputs)


def _picture_px(shape: list[int | str | None]) -> tuple[int, int] | None:
    """Return the fixed width and height of an input (pictures, planes, height, width)."""
    sides = [side for side in shape[:1:-1] if isinstance(side, int)]
    return (sides[0], sides[1]) if len(shape) == 4 and len(sides) == 2 else None


@cache
def _share_memory() -> None:
    """Let all sessions of this process use one memory for intermediate results.

    It is extended by what a result needs, and not to the next power of two.
    """
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    arena = onnxruntime.OrtArenaCfg(
        {
            "max_mem": 0,
            "arena_extend_strategy": _AS_REQUESTED,
            "initial_chunk_size_bytes": _DEFAULT,
            "max_dead_bytes_per_chunk": _DEFAULT,
        }
    )
    onnxruntime.create_and_register_allocator(place, arena)


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _LOG_ERRORS_ONLY
    # A pattern plans the memory for inputs of one size as one block. Windows have dozens of
    # sizes, and their blocks take more memory than the intermediate results of the largest one.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
