"""A machine with a given memory, for tests of what stays in it."""

from pathlib import Path

from engine.backends.base import LoadedModel, LoadOptions
from engine.memory.residency import Residency
from engine.testing import FakeBackend
from engine.types import Accepts, ModelInfo

GB = 1_000_000_000


def info(name: str, size_bytes: int = GB) -> ModelInfo:
    return ModelInfo(
        id=name,
        path=Path(f"/models/{name}.gguf"),
        format="gguf",
        name=name,
        architecture="fake",
        size_bytes=size_bytes,
        accepts=frozenset({Accepts.MESSAGES}),
    )


class Machine:
    """Memory for a given number of bytes; models that are retired give theirs back."""

    def __init__(self, total_bytes: int, backend: FakeBackend | None = None, budget_bytes: int | None = None) -> None:
        self.backend = FakeBackend() if backend is None else backend
        self.total_bytes = total_bytes
        self.gpu_bytes: int | None = None
        self.residency = Residency(
            {"gguf": self.backend},
            LoadOptions(),
            self.retire,
            self.available,
            device_free_bytes=self.gpu_free,
            budget_bytes=budget_bytes,
        )

    def gpu_free(self, _device: str) -> int | None:
        if self.gpu_bytes is None:
            return None
        return self.gpu_bytes - sum(r.model.whereabouts.device_bytes for r in self.residency.residents())

    def available(self) -> int:
        return self.total_bytes - sum(r.model.info.size_bytes for r in self.residency.residents())

    def retire(self, model: LoadedModel, on_closed) -> None:
        model.close()
        on_closed()

    def load(self, model: ModelInfo) -> LoadedModel:
        return self.residency.load(model, lambda _fraction: True)

    @property
    def names(self) -> set[str]:
        return {r.model.info.id for r in self.residency.residents()}
