"""FitDoor: the part of the engine's door that says whether a model fits into memory."""

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from engine.footprint import FitVerdict
from engine.types import ModelInfo

if TYPE_CHECKING:
    from engine.scheduling.fitting import FitCheck


class FitDoor(ABC):
    """What the fit verdict adds to the door; `Engine` is one."""

    @abstractmethod
    def model(self, name: str) -> ModelInfo:
        """Find a model."""

    @abstractmethod
    def _fit_check(self) -> "FitCheck":
        """Says it, also while the engine is closed."""

    async def fit(
        self, model: str, context_tokens: int | None = None, memory_budget_bytes: int | None = None
    ) -> FitVerdict:
        """Say whether a model fits into the machine's memory, from its header; nothing is loaded.

        Works while the engine is closed as well; then no model is in memory.

        Args:
            model: its id, or path to its file.
            context_tokens: longest prompt plus answer; None takes the setting.
            memory_budget_bytes: what it may take; None takes what is free, and what idle models would give back.

        Raises:
            ModelNotFoundError: there is no such model.
            ModelFileError: the file is broken, or not a model.
            InvalidRequestError: a number makes no sense.
        """
        return await asyncio.to_thread(self._fit, model, context_tokens, memory_budget_bytes)

    def _fit(self, model: str, context_tokens: int | None, memory_budget_bytes: int | None) -> FitVerdict:
        return self._fit_check().of(self.model(model), context_tokens, memory_budget_bytes)
