"""QuantizeDoor: the part of the engine's door that makes models smaller and says what they kept."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from engine.quality import QualityReport, RecipeForecast

if TYPE_CHECKING:
    from engine.jobs import JobControl
    from engine.tasks.quantize_desk import QuantizeDesk


class QuantizeDoor(ABC):
    """What quantizing adds to the door; `Engine` is one. All of it works while the engine is closed too."""

    @abstractmethod
    def _quantize_desk(self) -> "QuantizeDesk":
        """Does it."""

    async def recipes(self, model: str) -> tuple[RecipeForecast, ...]:
        """What can be made of a model, largest first, and which recipe suits this machine.

        Raises:
            ModelNotFoundError: there is none.
            CapabilityError: it cannot be made smaller, because it is quantized already, or of another kind.
        """
        return await asyncio.to_thread(self._quantize_desk().recipes, model)

    async def quantize_model(self, model: str, recipe: str, calibration: Path | None = None) -> int:
        """Begin to make a smaller model beside its source, and to measure it; returns the job.

        Args:
            model: the source, which stays as it is.
            recipe: id of a recipe of `recipes`.
            calibration: a text (for GGUF) or a folder of pictures (for ONNX) to look at; None takes what comes with
                Hearth.

        Raises:
            ModelNotFoundError: there is none.
            CapabilityError: the recipe is not for it.
            ModelError: the disk is too full, or the result is there already.
            JobError: work in the background cannot be done.
        """
        return await asyncio.to_thread(self._quantize_desk().quantize, model, recipe, calibration)

    def quantize_now(
        self, model: str, recipe: str, control: "JobControl", calibration: Path | None = None, *, name: str = ""
    ) -> Path:
        """Make a smaller model without a job, for a program that waits for it; returns the file that came of it.

        Args:
            model: the source, which stays as it is.
            recipe: id of a recipe of `recipes`.
            control: hears how far it is, and can stop it.
            calibration: a text (for GGUF) or a folder of pictures (for ONNX); None takes what comes with Hearth.
            name: of the result's file; empty takes the source's with the recipe's id.

        Raises:
            ModelNotFoundError: there is none.
            CapabilityError: the recipe is not for it.
            ModelError: the disk is too full, or the result is there already.
            JobError: the quantizer failed.
            JobStopped: it was asked to end.
        """
        desk = self._quantize_desk()
        return desk.run(desk.order(model, recipe, calibration, name), control)

    def convert_now(self, place: Path, control: "JobControl", *, name: str = "") -> Path:
        """Make a GGUF file of a model in safetensors, without a job; returns the file, which can be quantized then.

        Args:
            place: folder of the model, or one of its files; stays as it is.
            control: hears how far it is, and can stop it.
            name: of the result's file; empty takes the folder's.

        Raises:
            CapabilityError: it is of a kind that Hearth does not convert.
            ModelFileError: a file is missing or damaged.
            ModelError: the disk is too full, or the result is there already.
            JobStopped: it was asked to end.
        """
        return self._quantize_desk().convert(place, control, name)

    def reports(self, model: str) -> tuple[QualityReport, ...]:
        """The reports of all models that were made from the same source as this one, or from this one; largest first.

        Raises:
            ModelNotFoundError: there is none.
        """
        return self._quantize_desk().reports(model)
