"""What a model's header says about the work that the model makes: bytes read and multiplied per token, and memory.

Everything is counted from the list of tensors; nothing is loaded. The names of tensors are llama.cpp's own, which are
the same for every architecture.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.gguf import GgufHeader, Tensor, read_header
from engine.models.gguf_info import kv_bytes_per_token, split_count
from engine.models.split_files import later_parts
from engine.models.tensor_names import EMBEDDING, HEAD, LAYER, LOOKED_UP
from engine.types import ModelInfo

_EXPERTS: Final = "_exps."  # the weights of all experts of a layer, stacked
_WORD_LISTS: Final = ("tokenizer.ggml.tokens", "tokenizer.ggml.merges")
_NOTHING: Final[Mapping[str, "Matrices"]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Matrices:
    """What some matrices of one type of weights cost, per token.

    Attributes:
        bytes: read while decoding.
        rows: products of a row with the token's vector.
        multiply_adds: multiplications, each with an addition; a prompt costs two operations for each.
    """

    bytes: float = 0.0
    rows: float = 0.0
    multiply_adds: float = 0.0

    def __add__(self, other: "Matrices") -> "Matrices":
        return Matrices(self.bytes + other.bytes, self.rows + other.rows, self.multiply_adds + other.multiply_adds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """The work that a model makes, and the room that it takes.

    Norms and biases count as memory only: their time is part of what a layer costs beside its matrices.

    Attributes:
        size_bytes: of all weights.
        parameters: number of weights; 0 if unknown.
        layers: number of layers; 0 for a graph.
        layer_work: of all layers together, by type of weights (`q8_0`, ...); of stacked experts, the share that works.
        head_work: of what turns the last layer's vector into logits, by type of weights.
        layer_bytes: memory of all layers together.
        largest_layer_bytes: memory of the largest one.
        head_bytes: memory of the output head; of its copy on a device, where it shares its weights with the embedding.
        embedding_bytes: memory of what is only looked up; stays with the processor.
        kv_bytes_per_token: of the KV cache, all layers together, as F16.
        attention: multiplications, each with an addition, for every token that a new one looks back at.
        context_tokens: that it was trained for; 0 if unknown.
        width: of the vector between two layers; 0 if unknown.
        vocabulary: number of different tokens; 0 if unknown.
        words: entries of its vocabulary and rules for joining them; 0 if unknown.
        step_values: numbers per token of a prompt that computing a layer keeps at once; 0 if unknown.
        run_operations: floating-point operations of one run of a graph; 0 if unknown.
        is_complete: whether all files of a split model are there.
    """

    size_bytes: int
    parameters: int = 0
    layers: int = 0
    layer_work: Mapping[str, Matrices] = field(default_factory=lambda: _NOTHING)
    head_work: Mapping[str, Matrices] = field(default_factory=lambda: _NOTHING)
    layer_bytes: int = 0
    largest_layer_bytes: int = 0
    head_bytes: int = 0
    embedding_bytes: int = 0
    kv_bytes_per_token: int = 0
    attention: int = 0
    context_tokens: int = 0
    width: int = 0
    vocabulary: int = 0
    words: int = 0
    step_values: int = 0
    run_operations: float = 0.0
    is_complete: bool = True

    @property
    def bits_per_weight(self) -> float:
        """How fine the weights are; 0 if it is not known how many there are."""
        return 8 * self.size_bytes / self.parameters if self.parameters else 0.0

    @property
    def bytes_per_token(self) -> float:
        """Weight bytes read for each token that is written."""
        return sum(part.bytes for work in (self.layer_work, self.head_work) for part in work.values())

    @property
    def multiply_adds(self) -> float:
        """Per token, without attention."""
        return sum(part.multiply_adds for work in (self.layer_work, self.head_work) for part in work.values())


def shape_of(info: ModelInfo) -> ModelShape:
    """Count what a model on disk costs; of a graph only its size is known.

    Takes milliseconds, and tens of them for a large vocabulary.

    Raises:
        ModelNotFoundError: the file is gone.
        ModelFileError: it is damaged.
    """
    if info.format == "onnx":
        return ModelShape(size_bytes=info.size_bytes, parameters=info.parameters or 0)
    return shape_of_gguf(info.path)


def shape_of_gguf(path: Path) -> ModelShape:
    """Count what a GGUF file costs, or all files of a split model, of which this is the first.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is not GGUF, incomplete or damaged.
    """
    header = read_header(path)
    tensors, missing = list(header.tensors), False
    for part in later_parts(path, split_count(header)):
        found: tuple[Tensor, ...] = ()
        with suppress(ModelFileError, ModelNotFoundError):
            found = read_header(part).tensors
        tensors += found
        missing = missing or not found
    return _count(header, tensors, is_complete=not missing)


def shape_of_tensors(header: GgufHeader, tensors: Iterable[Tensor]) -> ModelShape:
    """Count what a model would cost if these were its tensors, whatever its file holds."""
    return _count(header, list(tensors), is_complete=True)


def _count(header: GgufHeader, tensors: list[Tensor], *, is_complete: bool) -> ModelShape:
    by_layer: Counter[int] = Counter()
    work: dict[bool, dict[str, Matrices]] = {True: {}, False: {}}  # by whether it is of a layer
    sizes = {tensor.name: tensor.size_bytes for tensor in tensors}
    share = _active_share(header)
    for tensor in tensors:
        layer = LAYER.match(tensor.name)
        if layer:
            by_layer[int(layer[1])] += tensor.size_bytes
        if tensor.name not in LOOKED_UP or (tensor.name == EMBEDDING and HEAD not in sizes):
            _add(work[layer is not None], tensor, share if _EXPERTS in tensor.name else 1.0)
    size_bytes, layer_bytes = sum(sizes.values()), by_layer.total()
    looked_up = sum(size for name, size in sizes.items() if name in LOOKED_UP)
    tied = sizes.get(EMBEDDING, 0) if HEAD not in sizes else 0
    width = header.number("{arch}.embedding_length") or 0
    embedding = next((tensor for tensor in tensors if tensor.name == EMBEDDING), None)
    return ModelShape(
        size_bytes=size_bytes,
        parameters=sum(tensor.elements for tensor in tensors),
        layers=header.number("{arch}.block_count") or len(by_layer),
        layer_work=work[True],
        head_work=work[False],
        layer_bytes=layer_bytes,
        largest_layer_bytes=max(by_layer.values(), default=0),
        head_bytes=size_bytes - layer_bytes - looked_up + tied,
        embedding_bytes=looked_up,
        kv_bytes_per_token=kv_bytes_per_token(header),
        attention=_attention(header),
        context_tokens=header.number("{arch}.context_length") or 0,
        width=width,
        vocabulary=embedding.elements // width if embedding is not None and width else 0,
        words=sum(len(array) for name in _WORD_LISTS if (array := header.array(name)) is not None),
        step_values=_step_values(header),
        is_complete=is_complete,
    )


def _active_share(header: GgufHeader) -> float:
    """Share of the stacked experts that work for one token."""
    experts, used = header.number("{arch}.expert_count") or 0, header.number("{arch}.expert_used_count") or 0
    return used / experts if 0 < used < experts else 1.0


def _step_values(header: GgufHeader) -> int:
    """What llama.cpp keeps of a layer at once: in its feed-forward part three vectors as wide as that (gate, up, their
    product) and four as wide as the model, to the byte for models like Llama; a guess where attention is wider.
    """
    width, heads = header.number("{arch}.embedding_length") or 0, header.number("{arch}.attention.head_count") or 0
    key = header.number("{arch}.attention.key_length") or (width // heads if heads else 0)
    forward = _largest(header, "{arch}.feed_forward_length") or 4 * width
    experts = header.number("{arch}.expert_used_count") or 0
    expert = experts * (3 * (header.number("{arch}.expert_feed_forward_length") or forward) + 2 * width)
    return max(3 * forward if not experts else 0, expert, 4 * heads * key) + 4 * width


def _largest(header: GgufHeader, key: str) -> int:
    """A number that may differ from layer to layer."""
    array = header.array(key)
    if array is not None and not array.is_text:
        return int(max(array.numbers(), default=0))
    return header.number(key) or 0


def _attention(header: GgufHeader) -> int:
    """Every head of every layer compares one key and adds one value; heads that share keys save memory, not work."""
    layers, heads = header.number("{arch}.block_count") or 0, header.number("{arch}.attention.head_count") or 0
    usual = (header.number("{arch}.embedding_length") or 0) // heads if heads else 0
    key = header.number("{arch}.attention.key_length") or usual
    value = header.number("{arch}.attention.value_length") or usual
    per_layer = header.array("{arch}.attention.head_count")
    if per_layer is not None and not per_layer.is_text:
        return int(sum(per_layer.numbers()[:layers])) * (key + value)
    return layers * heads * (key + value)


def _add(work: dict[str, Matrices], tensor: Tensor, share: float) -> None:
    if len(tensor.dims) < 2:  # a norm or a bias
        return
    cost = Matrices(tensor.size_bytes * share, tensor.elements // tensor.dims[0] * share, tensor.elements * share)
    name = tensor.type.name.lower()
    work[name] = work.get(name, Matrices()) + cost
