"""A library desk over real files, and what tests do with it."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.background import JobUnit
from engine.config import EngineConfig
from engine.gates import Gatekeeper
from engine.jobs import JobControl
from engine.models.opening import library_of
from engine.tasks.library_desk import LibraryDesk
from resources import models_dir

STARTER = models_dir() / "starter.gguf"
READER = models_dir() / "reader.onnx"


class Desk(LibraryDesk):
    """A desk of its own home; what it would do in the background is noted in `jobs`."""

    def __init__(
        self, home: Path, *, is_open: bool = False, trusted: tuple[Path, ...] = (), **settings: object
    ) -> None:
        self.home = home
        self.jobs: list[tuple[object, str, object]] = []
        self.in_use: set[Path] = set()
        self.gatekeeper = Gatekeeper(home / "gates.json", (models_dir(), *trusted))
        config = EngineConfig(home=home, **settings)  # type: ignore[arg-type]
        self.library = library_of(config)
        super().__init__(
            config, self.library, self.gatekeeper, self.in_use.__contains__, self._add, is_open=lambda: is_open
        )

    def _add(self, *job: object) -> int:
        self.jobs.append(job)  # type: ignore[arg-type]
        return len(self.jobs)

    @property
    def models(self) -> Path:
        return self.home / "models"


class Told:
    """What a job says of itself."""

    def __init__(self, stop_at: Callable[[int], bool] = lambda _done: False) -> None:
        self.steps: list[tuple[int, int, str]] = []
        self._stop_at = stop_at
        self.control = JobControl(self._tell, lambda _spec: None)

    def _tell(self, done: int, total: int, _unit: JobUnit, detail: str) -> None:
        self.steps.append((done, total, detail))
        if done and self._stop_at(done):
            self.control.stop()


def copied(source: Path, target: Path) -> Path:
    """A copy of a file, in a folder that is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def hidden_in(folder: Path) -> list[str]:
    """What imports have left."""
    return sorted(it.name for it in folder.glob(".*")) if folder.exists() else []


def wait_until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait for what another thread does."""
    until_s, tick = time.monotonic() + within_s, threading.Event()
    while not condition():
        assert time.monotonic() < until_s, "it did not happen"
        tick.wait(0.01)


def graph(path: Path, external: str = "") -> Path:
    """A small graph; its weights lie in another file if one is named."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    path.parent.mkdir(parents=True, exist_ok=True)
    made = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 300])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 10])],
        [numpy_helper.from_array(np.ones((300, 10), np.float32), "weight")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    how = {"save_as_external_data": True, "location": external, "size_threshold": 100} if external else {}
    onnx.save(model, path, **how)
    return path
