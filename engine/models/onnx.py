"""Bounded reader of ONNX files: a walk over the protobuf that skips the weights, and what it says about the model."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.gguf import DOWNLOAD_AGAIN
from engine.models.onnx_card import card_text, read_card
from engine.models.protobuf import VARINT, Field, Protobuf
from engine.plugins.contract.models import TensorFacts
from engine.types import ModelInfo

MAX_PROTO_BYTES: Final = (1 << 31) - 1  # of Protobuf itself; larger models keep their weights beside the graph
MAX_DIMS: Final = 16
MAX_ELEMENTS: Final = 1 << 48
MAX_IR_VERSION: Final = 64  # 13 in 2026; a file that claims more is something else
MAX_PORTS: Final = 1 << 16  # inputs or outputs; old files list their weights among the inputs
MAX_PROPERTIES: Final = 256
MAX_PROPERTY_BYTES: Final = 1 << 15  # a longer one is left out

_DATA_TYPES: Final = {1: "F32", 2: "U8", 3: "I8", 10: "F16", 11: "F64", 16: "BF16", 21: "U4", 22: "I4"}
_ELEMENTS: Final = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OnnxHeader:
    """What an ONNX file says about itself, its weights left out.

    Attributes:
        size_bytes: of the file and of the files that hold its weights.
        ir_version: version of the format.
        opset: version of the standard operators; 0 if the file names none.
        producer: program that wrote it; may be empty.
        parameters: number of weights.
        data_type: the type that most weights have, `F32` say; None if there are none.
        inputs: of the graph, weights left out.
        outputs: of the graph.
        properties: what its author noted, by key; what is too long or too much is left out.
        locations: files beside it that hold its weights, relative to its folder.
    """

    size_bytes: int
    ir_version: int
    opset: int
    producer: str
    parameters: int
    data_type: str | None
    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    locations: tuple[str, ...] = ()


def describe(path: Path, model_id: str, header: OnnxHeader | None = None) -> ModelInfo:
    """Describe an ONNX model from its file and its card, without what plugins know about it.

    Args:
        path: of the file.
        model_id: what it is to be called.
        header: of the file, if it has been read already.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file is not ONNX, incomplete or damaged, or its card is wrong; says which.
    """
    header = header or read_onnx_header(path)
    card = read_card(path)
    return ModelInfo(
        id=model_id,
        path=path,
        format="onnx",
        name=card_text(path, card, "name") or (model_id if path.stem.lower() == "model" else path.stem),
        architecture="onnx",
        size_bytes=header.size_bytes,
        parameters=header.parameters or None,
        quantization=header.data_type,
        licence=card_text(path, card, "licence") or card_text(path, card, "license") or None,
    )


def read_onnx_header(path: Path) -> OnnxHeader:
    """Walk over an ONNX file without reading its weights.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file is not ONNX, incomplete or damaged, or a file with its weights is missing.
    """
    try:
        if path.is_dir():
            raise ModelFileError(f"{path} is a folder, not a model file.", "Choose a file in it.", "file")
        with path.open("rb") as file:
            return _Model(path, file, path.stat().st_size).header()
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"There is no file {path}.", "Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a path that no file system can hold
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ModelFileError(f"The file {path} cannot be read: {reason}.", "Check its permissions.", "file") from error


class _Model:
    """One walk over a ModelProto; the numbers are those of onnx.proto."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._proto = Protobuf(path, file, size)
        self._ir_version = self._opset = 0
        self._producer = ""
        self._graphs = 0
        self._weights: Counter[int] = Counter()  # data type -> number of weights
        self._names: set[str] = set()  # of the weights
        self._locations: set[str] = set()
        self._inputs: list[TensorFacts] = []
        self._outputs: list[TensorFacts] = []
        self._properties: dict[str, str] = {}

    def header(self) -> OnnxHeader:
        proto = self._proto
        self._check_size()
        for part in proto.fields(0, proto.size):
            if part.number == 1:
                self._ir_version = part.value
                if not 1 <= part.value <= MAX_IR_VERSION:
                    raise proto.damaged(f"its format version is {part.value:,}", "version")
            elif part.number == 2:
                self._producer = proto.text(part)
            elif part.number == 7:
                self._graph(part)
            elif part.number == 8:
                self._opset_import(part)
            elif part.number == 14:
                self._property(part)
        if not self._ir_version or not self._graphs:
            raise proto.damaged("it has no graph", "graph")
        common = self._weights.most_common(1)
        return OnnxHeader(
            size_bytes=proto.size + self._external_bytes(),
            ir_version=self._ir_version,
            opset=self._opset,
            producer=self._producer,
            parameters=self._weights.total(),
            data_type=_DATA_TYPES.get(common[0][0]) if common else None,
            inputs=tuple(port for port in self._inputs if port.name not in self._names),
            outputs=tuple(self._outputs),
            properties=self._properties,
            locations=tuple(sorted(self._locations)),
        )

    def _check_size(self) -> None:
        proto = self._proto
        if proto.size == 0:
            raise ModelFileError(f"The file {proto.path.name} is empty.", DOWNLOAD_AGAIN, "incomplete")
        if proto.size > MAX_PROTO_BYTES:
            raise proto.damaged(
                f"it has {proto.size:,} bytes, but a graph has {MAX_PROTO_BYTES:,} at most", "proto-size"
            )

    def _opset_import(self, message: Field) -> None:
        domain, version = "", 0
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1:
                domain = self._proto.text(part)
            elif part.number == 2:
                version = part.value
        if domain in {"", "ai.onnx"}:
            self._opset = version

    def _graph(self, message: Field) -> None:
        self._graphs += 1
        for part in self._proto.fields(message.start, message.end):
            if part.number == 5:
                self._initializer(part)
            elif part.number in {11, 12}:
                ports = self._inputs if part.number == 11 else self._outputs
                ports.append(self._port(part))
                if len(ports) > MAX_PORTS:
                    raise self._proto.damaged(f"it has more than {MAX_PORTS:,} inputs or outputs", "graph")

    def _initializer(self, message: Field) -> None:
        dims: list[int] = []
        data_type, external = 0, False
        entries: dict[str, str] = {}
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1:
                dims.extend(self._dims(part))
            elif part.number == 2:
                data_type = part.value
            elif part.number == 8:
                self._names.add(self._proto.text(part))
            elif part.number == 13:
                key, text = self._entry(part)
                entries[key] = text
            elif part.number == 14:
                external = part.value == 1
        if len(dims) > MAX_DIMS or (elements := math.prod(dims)) > MAX_ELEMENTS:
            raise self._proto.damaged("a weight has an impossible shape", "tensor-shapes")
        self._weights[data_type] += elements
        if external and "location" in entries:
            self._locations.add(entries["location"])

    def _dims(self, part: Field) -> list[int]:
        if part.kind == VARINT:  # one number per part; otherwise all are packed into one
            return [part.value]
        dims: list[int] = []
        at = part.start
        while at < part.end:
            if len(dims) == MAX_DIMS:
                raise self._proto.damaged("a weight has an impossible shape", "tensor-shapes")
            dim, at = self._proto.varint(at, part.end)
            dims.append(dim)
        return dims

    def _port(self, message: Field) -> TensorFacts:
        """An input or output, from a ValueInfoProto; what is no tensor has no type."""
        name, dtype, shape = "", "", list[int | None]()
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1:
                name = self._proto.text(part)
            elif part.number == 2:
                for kind in self._proto.fields(part.start, part.end):
                    if kind.number == 1:
                        dtype, shape = self._tensor_type(kind)
        return TensorFacts(name, tuple(shape), dtype)

    def _tensor_type(self, message: Field) -> tuple[str, list[int | None]]:
        dtype, shape = "", list[int | None]()
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1:
                dtype = _ELEMENTS.get(part.value, "")
            elif part.number == 2:
                for dim in self._proto.fields(part.start, part.end):
                    shape.append(self._side(dim))
                    if len(shape) > MAX_DIMS:
                        raise self._proto.damaged("an input or output has an impossible shape", "tensor-shapes")
        return dtype, shape

    def _side(self, message: Field) -> int | None:
        """A side of a tensor; None if it is free."""
        side = None
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1 and 0 < part.value < MAX_ELEMENTS:
                side = part.value
        return side

    def _property(self, message: Field) -> None:
        if message.end - message.start <= MAX_PROPERTY_BYTES and len(self._properties) < MAX_PROPERTIES:
            key, text = self._entry(message)
            self._properties[key] = text

    def _entry(self, message: Field) -> tuple[str, str]:
        """Key and value of a StringStringEntryProto."""
        found = {1: "", 2: ""}
        for part in self._proto.fields(message.start, message.end):
            if part.number in found:
                found[part.number] = self._proto.text(part)
        return found[1], found[2]

    def _external_bytes(self) -> int:
        """Bytes of the files that hold the weights; each must lie beside the model."""
        path, total = self._proto.path, 0
        for location in sorted(self._locations):
            place = path.parent / location
            if Path(location).is_absolute() or ".." in Path(location).parts or "\\" in location:
                raise ModelFileError(
                    f"The file {path.name} wants to read {location!r}, which lies outside its folder.",
                    "Do not use it, or get it from its author again.",
                    "external-data",
                )
            if not place.is_file():
                raise ModelFileError(
                    f"The weights of {path.name} are in {location}, which is missing.",
                    "Put it beside the model.",
                    "external-data",
                )
            total += place.stat().st_size
        return total
