"""QuantizeWork: makes a smaller model, measures what it kept, and puts it beside the others."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import filelock

from engine.cards import Arrival
from engine.errors import CapabilityError, EngineError, JobError, ModelFileError
from engine.jobs import JobControl, Spec
from engine.models.onnx import read_onnx_header
from engine.models.split_files import later_parts, named_count
from engine.quality import QualityReport, Recipe
from engine.quantize.convert import Conversion, convert
from engine.quantize.places import begin_part, check_room, digest, discard, publish, sweep
from engine.quantize.planning import forecast_bytes
from engine.quantize.recipes import recipe_of
from engine.quantize.stage import StageControl

log = logging.getLogger(__name__)

_WAIT_S: Final = 0.5
_READ, _MADE, _CHECKED = 0.04, 0.56, 0.6  # shares of the whole, by what they usually take


@dataclass(frozen=True, slots=True)
class QuantizeOrder:
    """What is to be made of what.

    Attributes:
        source: file of the model; stays as it is.
        recipe: id of the recipe.
        target: file of the result.
        calibration: a text, or a folder of pictures; None takes what comes with Hearth.
        made_from: id of the source.
    """

    source: Path
    recipe: str
    target: Path
    calibration: Path | None = None
    made_from: str = ""

    @property
    def kind(self) -> Literal["gguf", "onnx"]:
        """Format of the model."""
        return "onnx" if self.source.suffix.lower() == ".onnx" else "gguf"

    def spec(self) -> dict[str, str]:
        """As a job keeps it."""
        calibration = str(self.calibration) if self.calibration is not None else ""
        return {
            "source": str(self.source),
            "recipe": self.recipe,
            "target": str(self.target),
            "calibration": calibration,
            "made_from": self.made_from,
        }


def order_of(spec: Spec) -> QuantizeOrder:
    """Read an order from what a job has kept.

    Raises:
        JobError: it makes no sense.
    """
    try:
        calibration = str(spec.get("calibration", ""))
        return QuantizeOrder(
            Path(spec["source"]),
            str(spec["recipe"]),
            Path(spec["target"]),
            Path(calibration) if calibration else None,
            str(spec.get("made_from", "")),
        )
    except (KeyError, TypeError) as error:
        raise JobError("What this job was to do is not known any more.", "Begin it anew.") from error


class QuantizeWork:
    """Quantizes models, one at a time for all of Hearth: each needs all cores and a lot of memory.

    Attributes:
        can_pause: a stopped job begins anew.
        at_once: one.
    """

    can_pause = False
    at_once = 1

    def __init__(
        self,
        home: Path,
        admit: Callable[[Path, Callable[[], bool]], None],
        arrived: Callable[[Path, Arrival], None],
        processor: str = "",
    ) -> None:
        """Make the work.

        Args:
            home: Hearth's data folder; its `models` is where results go, its `cache` keeps what can be used again.
            admit: raises `ModelFileError` if a file may not be loaded; its second argument says whether to go on.
            arrived: told of each result.
            processor: name of the machine's, for reports; empty asks Python.
        """
        self._processor = processor
        self._models, self._cache = home / "models", home / "cache"
        self._admit, self._arrived = admit, arrived

    def run(self, spec: Spec, control: JobControl) -> str:
        """Do it; begins anew each time.

        Raises:
            JobStopped: it was asked to end.
            ModelFileError: the source is broken, refused, or changed meanwhile.
            CapabilityError: the recipe is not for it.
            ModelError: the disk is too full, or the result is there already.
        """
        order = order_of(spec)
        recipe = recipe_of(order.recipe, order.kind)
        with self._alone(control):
            part = begin_part(order.target)
            try:
                arrival = self._make(order, recipe, part, control)
                self._try(part, control)
                publish(order.target)
            except BaseException:
                discard(order.target)
                raise
        self._announce(order.target, arrival)
        return str(order.target)

    def convert(self, conversion: Conversion, target: Path, control: JobControl) -> None:
        """Make a GGUF file of a model in safetensors, and try it out before it is listed.

        Raises:
            JobStopped: it was asked to end.
            ModelFileError: what came of it cannot be loaded.
            ModelError: the disk is too full, or the result is there already.
        """
        check_room(target, conversion.size_bytes)
        with self._alone(control):
            part = begin_part(target)
            try:
                convert(conversion, part, control)
                self._try(part, control)
                sha256 = digest([part], control)
                publish(target)
            except BaseException:
                discard(target)
                raise
        self._announce(target, Arrival(sha256=sha256))

    def discard(self, spec: Spec) -> None:
        """Remove what a cancelled job has left."""
        discard(order_of(spec).target)

    def sweep(self) -> None:
        """Remove what a Hearth that was killed has left; does nothing while another one makes something."""
        if not self._models.is_dir():
            return
        with contextlib.suppress(filelock.Timeout, OSError), self._lock().acquire(blocking=False):
            sweep(self._models)

    def _make(self, order: QuantizeOrder, recipe: Recipe, part: Path, control: JobControl) -> Arrival:
        self._try(order.source, control)
        check_room(order.target, forecast_bytes(order.source, recipe))
        files = tuple(files_of(order.source))
        before = digest(files, StageControl(control, 0.0, _READ, "Reading the source"))
        stage = StageControl(control, _READ, _MADE, f"Making {recipe.name}")
        if order.kind == "onnx":
            from engine.quantize.onnx import quantize_onnx

            quantize_onnx(order.source, part, recipe.id, order.calibration, stage)
        else:
            from engine.quantize.gguf import quantize_gguf

            quantize_gguf(
                order.source, part, recipe.id, order.calibration, stage, cache=self._cache, source_digest=before
            )
        if digest(files, StageControl(control, _MADE, _CHECKED, "Checking the source")) != before:
            raise ModelFileError(f"{order.source.name} changed while it was read.", "Try again when it is at rest.")
        made = digest(files_of(part), StageControl(control, _CHECKED, _CHECKED, "Checking the result"))
        stage = StageControl(control, _CHECKED, 1.0, "Measuring what it kept")
        report = self._measured(order, part, recipe, before, stage)
        return Arrival(made_from=order.made_from, report=report, sha256=made)

    def _try(self, path: Path, control: JobControl) -> None:
        """Let the gates try a file, unless they know it."""
        with _stoppable(control):
            self._admit(path, lambda: not control.is_stopping)

    def _announce(self, target: Path, arrival: Arrival) -> None:
        """Tell of a result, which the gates know by its content; then they know its place as well."""
        self._arrived(target, arrival)
        with contextlib.suppress(EngineError):
            self._admit(target, lambda: True)

    def _measured(
        self, order: QuantizeOrder, result: Path, recipe: Recipe, source_sha256: str, control: JobControl
    ) -> QualityReport | None:
        """What the result kept; None where that cannot be said. A result is worth keeping without it."""
        from engine.quantize.report import measure

        try:
            return measure(
                order.source,
                result,
                recipe.id,
                control,
                pictures=order.calibration if order.kind == "onnx" else None,
                source_sha256=source_sha256,
                processor=self._processor,
            )
        except CapabilityError as error:
            log.info("no report of %s: %s", result.name, error)
        except ModelFileError:
            raise  # the result cannot be loaded
        except EngineError:
            log.warning("%s could not be measured", result.name, exc_info=True)
        return None

    def _lock(self) -> filelock.BaseFileLock:
        self._cache.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(self._cache / "quantize.lock")

    @contextlib.contextmanager
    def _alone(self, control: JobControl) -> Iterator[None]:
        """Wait until no other program of Hearth quantizes."""
        lock = self._lock()
        while True:
            with contextlib.suppress(filelock.Timeout):
                lock.acquire(blocking=False)
                break
            control.tell(0, 0, "Waiting for another window of Hearth that quantizes")
            control.sleep(_WAIT_S)
        try:
            yield
        finally:
            lock.release()


@contextlib.contextmanager
def _stoppable(control: JobControl) -> Iterator[None]:
    """Say that the job was stopped, where something else says that it was cancelled."""
    try:
        yield
    except EngineError:
        control.check()
        raise
    control.check()


def files_of(source: Path) -> Iterator[Path]:
    """All files of a model: the parts of a split one, the weights beside a graph."""
    yield source
    if source.suffix.lower() == ".onnx":
        yield from (source.parent / name for name in sorted(read_onnx_header(source).locations))
    else:
        yield from later_parts(source, named_count(source))
