"""Reads from a model's file what the dispatcher must know of it."""

from contextlib import suppress
from dataclasses import replace

from engine.backends.onnx.estimating import estimated_flops
from engine.devices.situation import Variant
from engine.errors import ModelFileError
from engine.models.shape import shape_of
from engine.types import ModelInfo

_BACKENDS = {"gguf": "llama.cpp", "onnx": "onnxruntime"}


def variant_of(info: ModelInfo) -> Variant:
    """Read the header of a model; takes milliseconds, so keep the answer as long as the file does not change.

    Raises:
        ModelNotFoundError: the file is gone.
        ModelFileError: a GGUF file is damaged.
    """
    shape = shape_of(info)
    if info.format == "onnx":
        with suppress(ModelFileError):  # whoever loads it will say so; until then its size has to do
            shape = replace(shape, run_operations=float(estimated_flops(info.path)))
    return Variant(id=info.id, backend=_BACKENDS[info.format], shape=shape)
