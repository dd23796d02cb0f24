"""The machine on which benchmarks run, as every report states it, and the folder of the reports."""

from __future__ import annotations

import platform
from pathlib import Path

OUT = Path(__file__).parent / "out"


def machine() -> dict[str, str | int]:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(models),
        "python": platform.python_version(),
    }
