"""What a GGUF header says about its model: what it accepts, size, quantization, memory per token."""

from collections import Counter
from typing import Final

from engine.errors import ModelFileError
from engine.models.ggml import FILE_TYPES
from engine.models.gguf import GgufHeader
from engine.models.gguf_sampling import recommended_sampling
from engine.types import Accepts, ModelInfo

_EMBEDDERS: Final = frozenset({
    "bert", "eurobert", "gemma-embedding", "jina-bert-v2", "jina-bert-v3", "llama-embed", "modern-bert", "neo-bert",
    "nomic-bert", "nomic-bert-moe", "t5encoder",
})  # fmt: skip
_ENCODER_DECODERS: Final = frozenset({"t5"})  # their prompt goes through an encoder, which nothing here drives
_POOLING_VECTOR: Final = frozenset({1, 2, 3})  # mean, first, last token
_POOLING_RANK: Final = 4

_INFILL_KEYS: Final = ("tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id")
_INFILL_TOKENS: Final = (
    "<|fim_prefix|>", "<fim_prefix>", "<fim-prefix>", "▁<PRE>", "<PRE>", "<|fim▁begin|>", "<｜fim▁begin｜>",
    "<|fim_begin|>", "<|code_prefix|>", "[PREFIX]",
)  # fmt: skip

_NOT_ALONE: Final = {
    "adapter": "an adapter, which changes another model",
    "mmproj": "the vision part of another model",
    "imatrix": "a table for quantizing, not a model",
}


def describe(header: GgufHeader, model_id: str, *, size_bytes: int | None = None) -> ModelInfo:
    """Describe a model from its header.

    Args:
        header: of the file, or of the first part of a split model.
        model_id: id in the library.
        size_bytes: of all parts together; None takes the file's.

    Raises:
        ModelFileError: the file holds no model that can be used by itself.
    """
    check_is_model(header)
    return ModelInfo(
        id=model_id,
        path=header.path,
        format="gguf",
        name=header.text("general.name") or header.path.stem,
        architecture=header.architecture,
        size_bytes=header.size_bytes if size_bytes is None else size_bytes,
        parameters=_parameters(header),
        quantization=quantization(header),
        context_tokens=header.number("{arch}.context_length"),
        accepts=accepts(header),
        tasks=tuple(sorted(_TASKS[form] for form in accepts(header))),
        licence=header.text("general.license"),
        sampling=recommended_sampling(header),
    )


def check_is_model(header: GgufHeader) -> None:
    """Refuse files that are GGUF but no model by themselves.

    Raises:
        ModelFileError: it has no architecture or no weights, or belongs to another model; says which.
    """
    name = header.path.name
    if not header.architecture:
        raise ModelFileError(f"The file {name} does not say which architecture it has.", "Get another file.")
    kind = header.text("general.type") or ("mmproj" if header.architecture == "clip" else "")
    if kind in _NOT_ALONE:
        raise ModelFileError(f"The file {name} is {_NOT_ALONE[kind]}.", "Choose the model that it belongs to.")
    if not header.tensors and split_count(header) < 2:
        raise ModelFileError(f"The file {name} holds a vocabulary but no weights.", "Get the complete model.")


def split_count(header: GgufHeader) -> int:
    """Number of files that the model is split into; 1 if it is not."""
    return header.number("split.count") or 1


def chat_template(header: GgufHeader) -> str | None:
    """Jinja source of the model's chat template, or None."""
    return header.text("tokenizer.chat_template") or None


_TASKS: Final = {
    Accepts.MESSAGES: "chat",
    Accepts.PROMPT: "completion",
    Accepts.SUFFIX: "infill",
    Accepts.TEXTS: "embedding",
}


def accepts(header: GgufHeader) -> frozenset[Accepts]:
    """What the model can be asked to do; empty for kinds that Hearth cannot run."""
    pooling = header.number("{arch}.pooling_type")
    if pooling == _POOLING_RANK or header.architecture in _ENCODER_DECODERS:
        return frozenset()
    if header.architecture in _EMBEDDERS or pooling in _POOLING_VECTOR:
        return frozenset({Accepts.TEXTS})
    found = {Accepts.PROMPT}
    if chat_template(header):
        found.add(Accepts.MESSAGES)
    if _can_infill(header):
        found.add(Accepts.SUFFIX)
    return frozenset(found)


def _can_infill(header: GgufHeader) -> bool:
    if any(header.number(key) is not None for key in _INFILL_KEYS):
        return True
    tokens = header.array("tokenizer.ggml.tokens")
    return tokens is not None and any(text in tokens for text in _INFILL_TOKENS)


def quantization(header: GgufHeader) -> str | None:
    """Name of the quantization: the recipe that the file names, else the type that holds most bytes of it."""
    number = header.number("general.file_type")
    if number in FILE_TYPES:
        return FILE_TYPES[number]
    sizes: Counter[str] = Counter()
    for tensor in header.tensors:
        sizes[tensor.type.name] += tensor.size_bytes
    return sizes.most_common(1)[0][0] if sizes else None


def kv_bytes_per_token(header: GgufHeader, element_bytes: float = 2.0) -> int:
    """Bytes of KV cache that one token of one sequence takes, all layers together.

    Args:
        header: of the model.
        element_bytes: bytes per value, 2 for F16.

    Returns:
        0 if the header does not say enough (or the model has no attention).
    """
    layers = header.number("{arch}.block_count") or 0
    heads = header.number("{arch}.attention.head_count") or 0
    width = (header.number("{arch}.embedding_length") or 0) // heads if heads else 0
    key = header.number("{arch}.attention.key_length") or width
    value = header.number("{arch}.attention.value_length") or width
    per_layer = header.array("{arch}.attention.head_count_kv")
    if per_layer is not None and not per_layer.is_text:
        total = sum(per_layer.numbers()[:layers])
    else:
        total = layers * (header.number("{arch}.attention.head_count_kv") or heads)
    return int(total * (key + value) * element_bytes)


def _parameters(header: GgufHeader) -> int | None:
    if split_count(header) > 1:  # the first part does not hold all tensors
        return header.number("general.parameter_count")
    return sum(tensor.elements for tensor in header.tensors)
