"""FakeLibrary: models without files, for engines over fake backends."""

from collections.abc import Sequence

from engine.errors import ModelNotFoundError
from engine.models.library import ModelLibrary
from engine.types import ModelInfo


class FakeLibrary(ModelLibrary):
    """A library of models that are nowhere on disk.

    Attributes:
        models: what it lists; may be changed.
    """

    def __init__(self, models: Sequence[ModelInfo]) -> None:
        """List these models."""
        super().__init__([])
        self.models = list(models)

    def scan(self) -> tuple[ModelInfo, ...]:
        """All of them."""
        return tuple(self.models)

    def find(self, name: str) -> ModelInfo:
        """Find one by its id.

        Raises:
            ModelNotFoundError: there is none.
        """
        for info in self.models:
            if info.id == name:
                return info
        raise ModelNotFoundError(f"There is no model {name}.", "Choose another.")
