"""Running models. Only this package imports ONNX Runtime, which reads the variable at its import.

Otherwise its official builds report to Microsoft which models and processors are used, and keep an
id of the machine under `~/.cache/Microsoft`.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
