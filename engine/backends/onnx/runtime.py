"""ONNX Runtime as all of Hearth imports it: told to report nothing before it is used.

On Windows ONNX Runtime 1.24 reports names and notes of models, and what goes wrong, as events of the system, which
hands them on to Microsoft where the person's settings allow that. It knows no variable against it, as newer ones do
(`__init__.py`); all of them take this call.
"""

import onnxruntime

onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
