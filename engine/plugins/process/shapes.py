"""The values of the contract on the wire: how each is sent, and what is checked when one arrives.

What Hearth receives is a stranger's word. Every function that reads raises `ShapeError` unless it gets exactly the type
that the contract promises, with numbers in their ranges, so that nonsense ends here and not deep in the engine.
"""

import math
import re
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec
import numpy as np

from engine.plugins.contract.models import Composition, ModelFacts, Recognition, Span, TensorFacts, Text, Token
from engine.plugins.contract.offers import Sample
from engine.plugins.contract.values import InputFile, Json, Table, Value, Values
from engine.plugins.contract.vision import Prepared, Tensors
from engine.plugins.process.failures import printable
from engine.plugins.process.wire import Attached, long_text
from engine.types import Detection, GenerateRequest, TextLine, ToolCall, VisionOutput

T = TypeVar("T")

MAX_DEPTH: Final = 32
"""Of lists and objects inside each other."""
_MAX_RUNS: Final = 4096
_MAX_PIXELS: Final = 1 << 24  # of a side; what a QRect and an int32 can hold anyway
_MAX_FILE_NAME: Final = 120
_MAX_SAMPLES: Final = 100
_MAX_TASKS: Final = 16
_TASK_NAME: Final = re.compile(r"[a-z][a-z0-9 _-]{0,39}")


class ShapeError(Exception):
    """A value is not what the contract promises; the text says what is wrong, as in `no text at parts[2]`."""


def convert(plain: Any, kind: type[T]) -> T:
    """Make a dataclass, or a list of them, of plain values.

    Raises:
        ShapeError: they do not fit.
    """
    try:
        return msgspec.convert(plain, kind, dec_hook=_unknown_type)
    except (msgspec.ValidationError, RecursionError, ValueError) as error:
        raise ShapeError(str(error)) from error


def is_json(value: object, depth: int = MAX_DEPTH) -> bool:
    """Whether JSON could hold a value."""
    if value is None or type(value) in {bool, int, str}:
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if depth <= 0:
        return False
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_json(item, depth - 1) for key, item in value.items())
    return isinstance(value, list) and all(is_json(item, depth - 1) for item in value)


# --------------------------------------------------------------------------------------------- from Hearth to plugins


def facts_of(plain: dict[str, Any]) -> ModelFacts:
    """What is known of a model; from Hearth, hence not checked."""
    for side in ("inputs", "outputs"):
        plain[side] = tuple(TensorFacts(item["name"], tuple(item["shape"]), item["dtype"]) for item in plain[side])
    return ModelFacts(**plain)


# ------------------------------------------------------------------------------------------------------- both ways


def send_values(values: Values) -> dict[str, object]:
    """Values of fields, for sending."""
    return {name: _send_value(value) for name, value in dict(values).items()}


def read_values(plain: Any) -> dict[str, Value]:
    """Values of fields. Whether each one is what its field wants is the reader's to check.

    Raises:
        ShapeError: something is no value.
    """
    if not isinstance(plain, dict) or not all(isinstance(name, str) for name in plain):
        raise ShapeError("no values by name")
    return {name: _read_value(name, value) for name, value in plain.items()}


def _send_value(value: Value) -> object:
    if isinstance(value, InputFile):
        return {"name": value.name, "data": Attached(value.data)}
    if isinstance(value, Table):
        return {"columns": list(value.columns), "rows": [list(row) for row in value.rows]}
    return long_text(value) if isinstance(value, str) else value


def _read_value(name: str, plain: Any) -> Value:
    if isinstance(plain, (str, bool, int)) or (isinstance(plain, float) and math.isfinite(plain)):
        return plain
    if isinstance(plain, list) and all(isinstance(item, str) for item in plain):
        return tuple(plain)
    if isinstance(plain, dict) and plain.keys() == {"name", "data"} and isinstance(plain["data"], bytes):
        return InputFile(_file_name(plain["name"]), plain["data"])
    if isinstance(plain, dict) and plain.keys() == {"columns", "rows"}:
        table = convert(plain, Table)
        if all(len(row) == len(table.columns) for row in table.rows):
            return table
    raise ShapeError(f"no value of a field at {name}")


def _file_name(plain: Any) -> str:
    """A name under which a file can be offered for saving: of no folder, not hidden, and no more than it looks like."""
    last = re.split(r"[/\\]", printable(read_text(plain)))[-1]
    return last[-_MAX_FILE_NAME:].strip(". ") or "file"


# --------------------------------------------------------------------------------------------- from plugins to Hearth


def send_request(request: GenerateRequest) -> dict[str, object]:
    """A request to a model, for sending; texts of any length."""
    plain: dict[str, Any] = msgspec.to_builtins(request)
    for message in plain["messages"]:
        message["content"] = long_text(message["content"])
    for name in ("prompt", "suffix", "json_schema", "grammar"):
        plain[name] = long_text(plain[name])
    return plain


def send_composition(composition: Composition) -> dict[str, object]:
    """A prompt, for sending; texts of any length."""
    parts = composition.parts
    return {
        "parts": [[long_text(part.text), part.special] if isinstance(part, Text) else part.id for part in parts],
        "stop": list(composition.stop),
        "spans": list(composition.spans),
        "begins_in": composition.begins_in,
    }


def read_composition(plain: Any) -> Composition:
    """A prompt.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(plain, dict) or not isinstance(plain.get("parts"), list):
        raise ShapeError("no prompt")
    parts = tuple(_read_part(index, part) for index, part in enumerate(plain.pop("parts")))
    rest = convert(plain, _Rest)
    return Composition(parts=parts, stop=rest.stop, spans=rest.spans, begins_in=rest.begins_in)


def read_recognition(plain: Any) -> Recognition | None:
    """What can be done with a model.

    Raises:
        ShapeError: it is no recognition.
    """
    if plain is None:
        return None
    recognition = convert(plain, Recognition)
    if not 0 <= recognition.confidence <= 1:
        raise ShapeError(f"a confidence of {recognition.confidence}")
    if len(recognition.tasks) > _MAX_TASKS or not all(_TASK_NAME.fullmatch(task) for task in recognition.tasks):
        raise ShapeError("names of tasks that nobody could show")
    return recognition


def read_tool_calls(plain: Any) -> tuple[ToolCall, ...]:
    """Calls that a model asks for.

    Raises:
        ShapeError: they are none.
    """
    calls = convert(plain, tuple[ToolCall, ...])
    if not all(is_json(dict(call.arguments)) for call in calls):
        raise ShapeError("arguments of a call that JSON cannot hold")
    return calls


def read_text(plain: Any) -> str:
    """A text.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(plain, str):
        raise ShapeError("no text")
    return plain


def read_samples(plain: Any) -> tuple[Sample, ...]:
    """Numbers of a telemetry source.

    Raises:
        ShapeError: they are none.
    """
    samples = convert(plain, tuple[Sample, ...])
    for sample in samples:
        is_short = len(sample.name) <= 80 and len(sample.unit) <= 20
        if not (is_short and (sample.name + sample.unit).isprintable() and math.isfinite(sample.value)):
            raise ShapeError("a sample that nobody could show")
    if len(samples) > _MAX_SAMPLES:
        raise ShapeError(f"{len(samples):,} samples, more than anybody could watch")
    return samples


def read_prepared(plain: Any) -> Prepared:
    """Tensors made of a picture.

    Raises:
        ShapeError: they are none.
    """
    if not isinstance(plain, dict) or not isinstance(plain.get("runs"), list) or len(plain["runs"]) > _MAX_RUNS:
        raise ShapeError("no runs")
    notes: Json = plain.get("notes")
    if not is_json(notes):
        raise ShapeError("notes that JSON cannot hold")
    return Prepared(runs=tuple(_read_tensors(run) for run in plain["runs"]), notes=notes)


def read_vision_output(plain: Any) -> VisionOutput:
    """A result of a picture.

    Raises:
        ShapeError: it is none.
    """
    output = convert(plain, VisionOutput)
    if not (0 < len(output.task) <= 40 and all(0 < side <= _MAX_PIXELS for side in output.image_size)):
        raise ShapeError(f"a result of the task {output.task[:40]!r} for a picture of {output.image_size}")
    boxed: list[TextLine | Detection] = [*(output.lines or ()), *(output.detections or ())]
    scores = [item.score for item in boxed] + [label.score for label in output.labels or ()]
    if not all(0 <= score <= 1 for score in scores):
        raise ShapeError("a score outside 0 to 1")
    boxes = [item.box for item in boxed]
    if not all(abs(side) <= _MAX_PIXELS for box in boxes for side in box):
        raise ShapeError("a box outside every picture")
    if output.mask is not None and (output.mask.ndim != 2 or output.mask.dtype != np.uint8):
        raise ShapeError("a mask that is no picture of bytes")
    if output.features is not None and (output.features.ndim != 1 or output.features.dtype != np.float32):
        raise ShapeError("features that are no vector of float32")
    return output


class _Rest(msgspec.Struct, frozen=True):
    """A prompt without its parts."""

    stop: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    begins_in: Literal["thinking", "tool"] | None = None


def _read_part(index: int, plain: Any) -> Text | Token:
    match plain:
        case [str(text), bool(special)]:
            return Text(text, special)
        case int(token) if not isinstance(token, bool) and 0 <= token < 1 << 31:
            return Token(token)
    raise ShapeError(f"neither text nor token at parts[{index}]")


def _read_tensors(plain: Any) -> Tensors:
    if not isinstance(plain, dict):
        raise ShapeError("a run without tensors")
    for name, tensor in plain.items():
        if not isinstance(name, str) or not isinstance(tensor, np.ndarray) or tensor.ndim == 0:
            raise ShapeError("a run with something that is no tensor")
    return dict(plain)


def _unknown_type(kind: Any, value: Any) -> Any:
    """What msgspec asks about types that it does not know, which are paths and arrays here."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is not Path and isinstance(value, np.ndarray):
        return value
    raise ValueError(f"no {kind} but {type(value).__name__}")
