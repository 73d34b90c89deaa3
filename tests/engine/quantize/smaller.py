"""What the tests of reports need: models made with llama.cpp's own quantizer, and controls of jobs."""

import ctypes
from pathlib import Path

from engine.jobs import JobControl
from resources import models_dir

STARTER = models_dir() / "starter.gguf"
READER = models_dir() / "reader.onnx"
Q8_0, Q2_K, Q5_K_M = 7, 10, 17  # enum llama_ftype


def quantized(path: Path, kind: int) -> Path:
    """The starter, made smaller by llama.cpp alone."""
    import llama_cpp.llama_cpp as llama

    from engine.backends.llama.native import ensure_initialised

    ensure_initialised()
    params = llama.llama_model_quantize_default_params()
    params.ftype, params.nthread = kind, 1
    assert llama.llama_model_quantize(str(STARTER).encode(), str(path).encode(), ctypes.byref(params)) == 0
    return path


class Told:
    """A job's control that keeps what it was told."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self.control = JobControl(self._tell, lambda _spec: None)

    def _tell(self, done: int, total: int, _unit: object, _detail: str) -> None:
        if total:
            self.shares.append(done / total)
