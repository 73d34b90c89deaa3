"""What a GGUF header says about its model: size, quantization, memory per token, whether it can be run at all."""

from collections import Counter
from typing import Final

from engine.errors import ModelFileError
from engine.models.ggml import FILE_TYPES
from engine.models.gguf import GgufHeader
from engine.models.gguf_sampling import recommended_sampling
from engine.types import ModelInfo

_POOLING_RANK: Final = 4
_ENCODER, _DECODER = "enc.", "dec."  # how the names of tensors begin in models that have one of each

_NOT_ALONE: Final = {
    "adapter": "an adapter, which changes another model",
    "mmproj": "the vision part of another model",
    "imatrix": "a table for quantizing, not a model",
}


def describe(header: GgufHeader, model_id: str, *, size_bytes: int | None = None) -> ModelInfo:
    """Describe a model from its header; what can be done with it, plugins say.

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


def can_run(header: GgufHeader) -> bool:
    """Whether Hearth can run such a model at all.

    It cannot rank texts, nor drive an encoder and a decoder together.
    """
    names = [tensor.name for tensor in header.tensors]
    has_both = all(any(name.startswith(part) for name in names) for part in (_ENCODER, _DECODER))
    is_pair = has_both or header.number("{arch}.decoder_start_token_id") is not None
    return not is_pair and header.number("{arch}.pooling_type") != _POOLING_RANK


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
