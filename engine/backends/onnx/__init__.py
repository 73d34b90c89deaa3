"""The ONNX Runtime backend: vision models and sentence embedders.

ONNX Runtime writes an id of the machine into the person's cache folder and sends events to its makers, from the moment
on that it is imported. Hearth sends nobody anything, so this is switched off before any module here imports it.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from engine.backends.onnx.backend import OnnxBackend  # after that: it reads the variable

__all__ = ["OnnxBackend"]
