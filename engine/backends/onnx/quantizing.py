"""Makes graphs smaller with ONNX Runtime's quantizer: in a process of its own, which may take all the memory it needs.

ONNX Runtime's quantizer is Python, reads the whole graph into memory, and cannot be stopped otherwise.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process

from engine.backends.base import LoadOptions
from engine.backends.onnx.backend import OnnxBackend
from engine.backends.onnx.graph_outline import read_outline
from engine.backends.onnx.graph_session import Array
from engine.backends.onnx.quantize_rules import (
    DYNAMIC_TYPES,
    INT4_TYPES,
    STATIC_TYPES,
    float_nodes,
    reduces_range_here,
)
from engine.backends.onnx.session import Session
from engine.backends.onnx.vision import OnnxVisionModel
from engine.backends.process.child import Answer, Method, Tell
from engine.backends.process.frames import Payload
from engine.backends.process.ticks import Progress, ticks
from engine.errors import CapabilityError, ModelFileError
from engine.models.onnx import describe, read_onnx_header
from engine.types import RecognizeRequest

MOST_PROTOBUF_BYTES: Final = 1900 << 20
"""A protobuf file ends at 2 GiB; larger graphs keep their weights beside it."""
_BLOCK: Final = 32
_INT8_COMPUTING: Final = 4  # ONNX Runtime's accuracy level: products of 8-bit integers
_OPSET: Final = 13
"""Oldest version of the operators that knows a scale for each channel."""
_ADDED_DOMAIN: Final = "com.microsoft"
"""Of the operators that compute with packed weights."""
_MOST_RUNS: Final = 256
_PREPARED, _CALIBRATED = 0.3, 0.6  # of the progress


class QuantizingWorker:
    """Quantizes one graph; the call is `quantize`."""

    def methods(self) -> dict[str, Method]:
        """The calls that it takes, by name."""
        return {"quantize": self.quantize}

    def quantize(self, body: Any, payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Write a smaller graph.

        The body has `source`, `target` and `recipe`; the payloads are pictures, for a recipe that calibrates.
        """
        logging.getLogger().setLevel(logging.ERROR)  # the quantizer warns of what is done on purpose
        with ticks(tell) as progress:
            pictures = [bytes(payload) for payload in payloads]
            quantize_graph(Path(body["source"]), Path(body["target"]), body["recipe"], pictures, progress)
        return None, ()


def quantize_graph(
    source: Path,
    target: Path,
    recipe: str,
    pictures: Sequence[bytes],
    progress: Progress,
    *,
    reduce_range: bool | None = None,
    most_bytes: int = MOST_PROTOBUF_BYTES,
) -> None:
    """Write a smaller graph; what is in between goes to a folder beside the target.

    Args:
        source: the graph; stays as it is.
        target: of the smaller graph; large weights go to a file beside it, of the same name with `.data`.
        recipe: `int8`, `int8-static` or `int4`.
        pictures: files to calibrate `int8-static` with.
        progress: takes how far it is.
        reduce_range: 7-bit weights; None asks the processor.
        most_bytes: of a graph that keeps its weights inside.

    Raises:
        CapabilityError: the recipe cannot be used for it.
        ModelFileError: it is broken.
        EngineError: ONNX Runtime cannot open the result.
    """
    size = read_onnx_header(source).size_bytes
    reduces = reduces_range_here() if reduce_range is None else reduce_range
    # On Windows a file that is still mapped stays; what is left goes with the folder of the whole work.
    with tempfile.TemporaryDirectory(prefix=".between-", dir=target.parent, ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder  # the quantizer's own files can be as large as the graph
        try:
            prepared = _prepared(source, Path(folder), is_large=size > most_bytes)
            progress.share = _PREPARED
            is_large = size / 2 > most_bytes
            if recipe == "int8":
                quantize_dynamic(
                    prepared, target, list(DYNAMIC_TYPES), per_channel=True, reduce_range=reduces,
                    weight_type=QuantType.QInt8, use_external_data_format=is_large,
                )  # fmt: skip
            elif recipe == "int8-static":
                feeds = _Feeds(source, pictures, progress)
                _quantize_static(prepared, target, feeds, reduces=reduces, is_large=is_large)
            else:
                _quantize_int4(prepared, target, is_large=is_large)
        finally:
            tempfile.tempdir = None
    _sign(source, target)
    Session(target, threads=1).close()


def _prepared(source: Path, folder: Path, *, is_large: bool) -> Path:
    """Simplify a graph (constants computed, normalisations merged), infer its shapes, and name its operators.

    Raises:
        ModelFileError: it is broken.
    """
    simple, named = folder / "simple.onnx", folder / "named.onnx"
    try:
        quant_pre_process(
            source, simple, skip_symbolic_shape=True, save_as_external_data=is_large,
            all_tensors_to_one_file=is_large, external_data_location="simple.data" if is_large else None,
        )  # fmt: skip
        model = onnx.load(simple)
    except Exception as error:  # the onnx package and protobuf raise what they like for a broken graph
        raise ModelFileError(f"{source.name} cannot be prepared: {error}.", "Get the file again.") from error
    version = next((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), 0)
    if version < _OPSET:
        model = onnx.version_converter.convert_version(model, _OPSET)
    for index, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{index}"
    onnx.save_model(
        model, named, save_as_external_data=is_large, all_tensors_to_one_file=True, location="named.data",
    )  # fmt: skip
    return named


class _Feeds(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
    """What pictures become before a graph sees them, one after another."""

    def __init__(self, source: Path, pictures: Sequence[bytes], progress: Progress) -> None:
        model = OnnxBackend().load(describe(source, source.stem), LoadOptions(), lambda _fraction: True)
        try:
            if not isinstance(model, OnnxVisionModel):
                raise CapabilityError(f"{source.name} does not look at pictures.", "Choose the recipe int8.")
            self._runs = list(_runs_of(model, pictures, read_onnx_header(source).inputs[0].shape))[:_MOST_RUNS]
        finally:
            model.close()
        if not self._runs:
            raise CapabilityError("The graph takes nothing of any picture.", "Choose typical pictures.")
        self._next = iter(self._runs)
        self._progress, self._done = progress, 0

    def get_next(self) -> dict[str, Array] | None:
        """The inputs of one run; None after the last."""
        self._done += 1
        share = min(1.0, self._done / len(self._runs))
        self._progress.share = _PREPARED + (_CALIBRATED - _PREPARED) * share
        return next(self._next, None)


def _runs_of(
    model: OnnxVisionModel, pictures: Sequence[bytes], sides: Sequence[int | None]
) -> Iterator[dict[str, Array]]:
    """The inputs of each run; `sides` are those of the graph's first input."""
    rows = sides[0] if sides else None
    for picture in pictures:
        prepared = model.prepare(RecognizeRequest(model="", image=picture))
        for feeds in prepared.prepared.runs:
            yield {name: _filled(array, rows or 0) for name, array in feeds.items()}


def _filled(array: Array, rows: int) -> Array:
    """Repeat the last row where a graph wants a certain number of them."""
    missing = rows - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing > 0 and len(array) else array


def _quantize_static(prepared: Path, target: Path, feeds: _Feeds, *, reduces: bool, is_large: bool) -> None:
    outline = read_outline(prepared)
    quantize_static(
        prepared, target, feeds, quant_format=QuantFormat.QDQ, op_types_to_quantize=list(STATIC_TYPES),
        per_channel=True, reduce_range=reduces, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        nodes_to_exclude=[f"{outline.nodes[index].kind}_{index}" for index in float_nodes(outline)],
        use_external_data_format=is_large,
    )  # fmt: skip


def _quantize_int4(prepared: Path, target: Path, *, is_large: bool) -> None:
    quantizer = MatMulNBitsQuantizer(
        onnx.load(prepared), bits=4, block_size=_BLOCK, is_symmetric=False, accuracy_level=_INT8_COMPUTING,
        quant_format=QuantFormat.QOperator, op_types_to_quantize=INT4_TYPES,
    )  # fmt: skip
    quantizer.process()
    quantizer.model.save_model_to_file(str(target), is_large)


def _sign(source: Path, target: Path) -> None:
    """Give the result the notes of its source, by which plugins know it, without those of the quantizer.

    It also names no sets of operators but its own: ONNX Runtime adds all that it knows, in its own versions, and an
    older one (Windows has one) would refuse the graph for what is not in it.
    """
    before = onnx.load(source, load_external_data=False)
    model = onnx.load(target, load_external_data=False)
    del model.metadata_props[:]
    model.metadata_props.extend(before.metadata_props)
    used = {"", "ai.onnx", _ADDED_DOMAIN, *(entry.domain for entry in before.opset_import)}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.save_model(model, target)
