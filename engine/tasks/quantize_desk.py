"""QuantizeDesk: says what can be made of a model here, and makes it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.background import JobKind
from engine.cards import ModelCard
from engine.config import EngineConfig
from engine.devices.machine import cpu_name
from engine.errors import CapabilityError
from engine.footprint import FitVerdict
from engine.gates import Gatekeeper
from engine.jobs import JobControl, Spec, Work
from engine.models.variants import base_name
from engine.quality import QualityReport, RecipeForecast
from engine.quantize.advice import advise
from engine.quantize.convert import plan_conversion
from engine.quantize.places import check_room, target_of
from engine.quantize.planning import Outcome, outcome_of, outcomes
from engine.quantize.recipes import recipe_of
from engine.quantize.work import QuantizeOrder, QuantizeWork
from engine.types import ModelInfo

if TYPE_CHECKING:
    from engine.scheduling.fitting import FitCheck
    from engine.tasks.library_desk import LibraryDesk

_KNOWN_S: Final = 5.0
"""A window asks again and again; what fits changes with what else runs, but not faster than this."""


class QuantizeDesk:
    """Makes models smaller.

    Thread: any; all methods but `reports` block while headers are read, `run` until it is done.
    """

    def __init__(
        self,
        config: EngineConfig,
        library_desk: "LibraryDesk",
        gatekeeper: Gatekeeper,
        fit_check: "Callable[[], FitCheck]",
        add_job: Callable[[JobKind, str, Spec], int],
    ) -> None:
        """Make a desk; nothing is read yet.

        Args:
            config: of the engine.
            library_desk: knows the models, and is told of new ones.
            gatekeeper: tries sources and results.
            fit_check: gives what says whether models fit.
            add_job: begins work in the background.
        """
        self._config = config
        self._library_desk = library_desk
        self._gatekeeper = gatekeeper
        self._fit_check = fit_check
        self._add_job = add_job
        self._said: dict[Path, tuple[float, tuple[RecipeForecast, ...]]] = {}

    def recipes(self, model: str) -> tuple[RecipeForecast, ...]:
        """What can be made of a model, largest first.

        Raises:
            ModelNotFoundError: there is none.
            CapabilityError: it cannot be made smaller.
        """
        info = self._library_desk.card(model).info
        at_s, said = self._said.get(info.path, (0.0, ()))
        if not said or time.monotonic() - at_s > _KNOWN_S:
            found = outcomes(info.path)
            said = advise(found, [self._verdict(info, outcome) for outcome in found])
            self._said = {info.path: (time.monotonic(), said)}
        return said

    def order(self, model: str, recipe: str, calibration: Path | None = None, name: str = "") -> QuantizeOrder:
        """Check what is wanted, and say where it will be.

        Args:
            model: the source.
            recipe: id or name of a recipe for it.
            calibration: to look at; None takes what comes with Hearth.
            name: of the result's file; empty takes the source's with the recipe's id.

        Raises:
            ModelNotFoundError: there is no such model.
            CapabilityError: the recipe is not for it, or what it is to look at is not there.
            ModelError: the disk is too full, or the result is there already.
        """
        info = self._library_desk.card(model).info
        chosen = recipe_of(recipe, info.format)
        outcome = outcome_of(info.path, chosen)
        if calibration is not None and not calibration.exists():
            raise CapabilityError(f"There is no {calibration}.", "Choose another text or folder for calibration.")
        target = target_of(info.path, chosen.id, self._config.home / "models", info.id)
        if name:
            target = _named(target, name)
        check_room(target, outcome.size_bytes)
        return QuantizeOrder(
            info.path,
            chosen.id,
            target,
            calibration.resolve() if calibration is not None else None,
            made_from=info.id,
        )

    def quantize(self, model: str, recipe: str, calibration: Path | None = None) -> int:
        """Begin to make a smaller model; returns the job.

        Raises:
            ModelNotFoundError: there is no such model.
            CapabilityError: the recipe is not for it.
            ModelError: the disk is too full, or the result is there already.
            JobError: work in the background cannot be done.
        """
        order = self.order(model, recipe, calibration)
        title = f"{base_name(order.made_from)} → {recipe_of(order.recipe, order.kind).name}"
        return self._add_job(JobKind.QUANTIZE, title, {**order.spec(), "subject": order.made_from})

    def run(self, order: QuantizeOrder, control: JobControl) -> Path:
        """Do it now, without a job; returns the file that came of it.

        Raises:
            JobStopped: it was asked to end.
            EngineError: it failed.
        """
        return Path(self._work.run(order.spec(), control))

    def convert(self, place: Path, control: JobControl, name: str = "") -> Path:
        """Make a GGUF file of a model in safetensors now; returns it.

        Raises:
            CapabilityError: it is of a kind that Hearth does not convert.
            ModelFileError: a file is missing or damaged.
            ModelError: the disk is too full, or the result is there already.
            JobStopped: it was asked to end.
        """
        conversion = plan_conversion(place)
        target = _named(self._config.home / "models" / f"{conversion.name}.gguf", name or f"{conversion.name}.gguf")
        self._work.convert(conversion, target, control)
        return target

    def reports(self, model: str) -> tuple[QualityReport, ...]:
        """The reports of all that was made from the same source; largest first.

        Raises:
            ModelNotFoundError: there is no such model.
        """
        card = self._library_desk.card(model)
        source = _source_of(card)
        found = [
            other.report
            for other in self._library_desk.cards()
            if other.report is not None and _source_of(other) == source
        ]
        return tuple(sorted(found, key=lambda report: -report.result_bytes))

    def works(self) -> Mapping[JobKind, Work]:
        """The kinds of work that it does in the background."""
        return {JobKind.QUANTIZE: self._work}

    @cached_property
    def _work(self) -> QuantizeWork:
        """Does it; what a Hearth that was killed has left goes before anything new is made."""
        work = QuantizeWork(self._config.home, self._gatekeeper.admit, self._library_desk.arrived, cpu_name())
        work.sweep()
        return work

    def _verdict(self, source: ModelInfo, outcome: Outcome) -> FitVerdict:
        """Whether a result would fit: by its shape where that is known, else by its size."""
        info = replace(
            source,
            id=f"{base_name(source.id)}.{outcome.recipe.id}",
            size_bytes=outcome.size_bytes,
            quantization=outcome.recipe.id.upper(),
        )
        return self._fit_check().of_shape(info, outcome.shape, None, source.path)


def _source_of(card: ModelCard) -> str:
    return card.provenance.made_from or card.info.id


def _named(target: Path, name: str) -> Path:
    """A target under another name; a name is no path, and ends as its format does."""
    plain = Path(name).name
    if plain != name or not name.strip(". "):
        raise CapabilityError(f"{name!r} is no name for a file.", "Give a name without folders.")
    suffix = target.suffix
    return target.with_name(name if name.lower().endswith(suffix) else f"{name}{suffix}")
