"""What a graph may consist of: known operators, bounded nesting, functions that end, weights inside its own folder.

The numbers are those of onnx.proto.
"""

from collections import Counter
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError
from engine.gates.external_data import check_external
from engine.models.protobuf import BYTES, Field, Protobuf

DOMAINS: Final = frozenset(
    {
        "", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training",
        "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc",
    }
)  # fmt: skip
"""Of operators: the standard's, and ONNX Runtime's own."""
MAX_DEPTH: Final = 16  # of branches and loops inside of each other
MAX_CALLS: Final = 64  # of functions inside of each other
MAX_NODES: Final = 1 << 20  # with every call of a function counted as what it does

_Operator = tuple[str, str]
"""Domain and name."""


def check_graph(path: Path) -> None:
    """Walk over all of a graph but its weights.

    Raises:
        ModelFileError: it breaks a rule; says which.
    """
    try:
        with path.open("rb") as file:
            proto = Protobuf(path, file, path.stat().st_size)
            walk = _Walk(proto)
            walk.model()
            _check_operators(proto, walk)
    except OSError as error:  # a name that no file system can hold, say
        raise ModelFileError(
            f"The file {path.name} cannot be read, or one that it names: {error.strerror}.",
            "Check its permissions.",
            "file",
        ) from error


class _Walk:
    """One walk over a ModelProto.

    Attributes:
        main: operators that the graph itself uses, and how often.
        functions: what each of the functions that come with the model uses.
    """

    def __init__(self, proto: Protobuf) -> None:
        self.main: Counter[_Operator] = Counter()
        self.functions: dict[_Operator, Counter[_Operator]] = {}
        self._proto = proto

    def model(self) -> None:
        """Walk over the graph, those for training, and the functions."""
        for part in self._proto.fields(0, self._proto.size):
            if part.kind != BYTES:
                continue
            if part.number == 7:
                self._graph(part, self.main, 0)
            elif part.number == 20:
                for graph in self._messages(part, {1, 2}):
                    self._graph(graph, self.main, 0)
            elif part.number == 25:
                self._function(part)

    def _function(self, message: Field) -> None:
        domain = name = ""
        used: Counter[_Operator] = Counter()
        for part in self._messages(message, {1, 7, 10, 11}):
            if part.number == 1:
                name = self._proto.text(part)
            elif part.number == 7:
                self._node(part, used, 0)
            elif part.number == 10:
                domain = self._proto.text(part)
            else:
                self._attribute(part, used, 0)
        self.functions.setdefault((domain, name), Counter()).update(used)

    def _graph(self, message: Field, used: "Counter[_Operator]", depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._proto.damaged(f"its branches and loops are nested more than {MAX_DEPTH} deep", "subgraphs")
        for part in self._messages(message, {1, 5, 15}):
            if part.number == 1:
                self._node(part, used, depth)
            elif part.number == 5:
                self._tensor(part)
            else:
                self._sparse(part)

    def _node(self, message: Field, used: "Counter[_Operator]", depth: int) -> None:
        domain = name = ""
        for part in self._messages(message, {4, 5, 7}):
            if part.number == 4:
                name = self._proto.text(part)
            elif part.number == 7:
                domain = self._proto.text(part)
            else:
                self._attribute(part, used, depth)
        used[domain, name] += 1

    def _attribute(self, message: Field, used: "Counter[_Operator]", depth: int) -> None:
        for part in self._messages(message, {5, 6, 10, 11, 22, 23}):
            if part.number in {5, 10}:
                self._tensor(part)
            elif part.number in {6, 11}:
                self._graph(part, used, depth + 1)
            else:
                self._sparse(part)

    def _sparse(self, message: Field) -> None:
        for tensor in self._messages(message, {1, 2}):
            self._tensor(tensor)

    def _tensor(self, message: Field) -> None:
        is_external = False
        entries: dict[str, str] = {}
        for part in self._proto.fields(message.start, message.end):
            if part.number == 13 and part.kind == BYTES:
                entry = {field.number: self._proto.text(field) for field in self._messages(part, {1, 2})}
                entries[entry.get(1, "")] = entry.get(2, "")
            elif part.number == 14:
                is_external = part.value == 1
        if is_external:
            check_external(self._proto.path, entries)

    def _messages(self, message: Field, numbers: set[int]) -> list[Field]:
        """The parts with these numbers, as far as they have contents."""
        found = self._proto.fields(message.start, message.end)
        return [part for part in found if part.number in numbers and part.kind == BYTES]


def _check_operators(proto: Protobuf, walk: _Walk) -> None:
    for used in (walk.main, *walk.functions.values()):
        for domain, name in used:
            if domain not in DOMAINS and (domain, name) not in walk.functions:
                raise ModelFileError(
                    f"The graph {proto.path.name} uses the operator {name} of {domain!r}, which is none of the "
                    "standard's or of ONNX Runtime's.",
                    "Get a version of the model that needs no operators of its own.",
                    "operators",
                )
    sizes: dict[_Operator, int] = {}
    total = sum(count * _size(proto, walk, operator, sizes, ()) for operator, count in walk.main.items())
    if total > MAX_NODES:
        raise proto.damaged(f"it comes to more than {MAX_NODES:,} operators", "functions")


def _size(
    proto: Protobuf, walk: _Walk, operator: _Operator, sizes: dict[_Operator, int], callers: tuple[_Operator, ...]
) -> int:
    """How many operators stand for one, with functions written out."""
    used = walk.functions.get(operator)
    if used is None:
        return 1
    if operator in callers or len(callers) > MAX_CALLS:
        raise proto.damaged(f"its function {operator[1]} calls itself, or too many others", "functions")
    if operator not in sizes:
        inside = (*callers, operator)
        size = sum(count * _size(proto, walk, inner, sizes, inside) for inner, count in used.items())
        sizes[operator] = min(size, MAX_NODES + 1)
    return sizes[operator]
