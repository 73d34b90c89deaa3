"""The ONNX Runtime backend: vision models and sentence embedders."""

from engine.backends.onnx.backend import OnnxBackend

__all__ = ["OnnxBackend"]
