"""Makes ONNX graphs smaller, in a disposable process, with everything beside them that belongs to them."""

import shutil
from pathlib import Path
from typing import Final

from engine.errors import ModelError
from engine.jobs import JobControl
from engine.models.onnx_card import card_path, find_tokenizer
from engine.quantize.held_out import calibration_pictures
from engine.quantize.onnx_recipes import INT8_STATIC, check_suits
from engine.quantize.report_child import MeasuringProcess, check_memory

WORKER: Final = "engine.backends.onnx.quantizing:QuantizingWorker"
_STEPS: Final = 1000
_COPIES: Final = 3  # of the weights in memory, at most: as read, as arrays, as written


def quantize_onnx(source: Path, target_part: Path, recipe: str, calibration: Path | None, control: JobControl) -> None:
    """Write a smaller graph; the source stays as it is.

    Args:
        source: the graph, in 32-bit floats.
        target_part: file to write, in a folder of its own; what belongs to it comes beside it, under its final name.
        recipe: id of a recipe of `onnx_recipes`.
        calibration: a folder of pictures, of which half is taken, for recipes that calibrate; None draws some.
        control: of the job.

    Raises:
        JobStopped: the job has to end; what is in the folder is of no use.
        CapabilityError: the recipe does not suit the graph, or the folder has no pictures.
        ModelFileError: the graph is damaged.
        OutOfMemoryError: the machine has too little memory.
        EngineError: ONNX Runtime's quantizer failed on it.
    """
    check_suits(source, recipe)
    check_memory(_COPIES * _size_bytes(source), f"{source.name} and making it smaller")
    pictures = calibration_pictures(calibration) if recipe == INT8_STATIC else []
    with MeasuringProcess(WORKER, f"{recipe} for {source.name}", control) as process:
        process.ask(
            "quantize",
            {"source": str(source), "target": str(target_part), "recipe": recipe},
            pictures,
            lambda share: control.tell(round(_STEPS * share), _STEPS, "Quantizing"),
        )
    _copy_companions(source, target_part)


def _copy_companions(source: Path, target: Path) -> None:
    """Copy the card, which is named after its graph, and what says how to cut texts, where the result lacks it."""
    final_folder = target.parent.parent
    companions = [(card_path(source), target.with_suffix(".json"))]
    if (tokenizer := find_tokenizer(source)) is not None:
        names = ("tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json", "config.json")
        companions += [
            (tokenizer.with_name(name), target.with_name(name)) for name in names if not (final_folder / name).exists()
        ]
    try:
        for original, copy in companions:
            if original.is_file():
                shutil.copyfile(original, copy)
    except OSError as error:
        raise ModelError(f"What belongs to {source.name} cannot be copied: {error.strerror}.", "Free space.") from error


def _size_bytes(source: Path) -> int:
    from engine.models.onnx import read_onnx_header

    return read_onnx_header(source).size_bytes
