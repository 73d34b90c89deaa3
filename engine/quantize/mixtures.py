"""Which type each tensor of a model gets by a recipe: the rules of llama.cpp's quantizer, for a forecast.

The quantizer itself decides; this says beforehand what it will decide, without opening the model. Where it treats one
family of models differently, this does not, which changes a size by a percent at most.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.models.ggml import TENSOR_TYPES, TensorType
from engine.models.gguf import GgufHeader, Tensor
from engine.models.tensor_names import EMBEDDING, HEAD, LAYER

TYPES: Final = {kind.name: kind for kind in TENSOR_TYPES.values()}
UNQUANTIZED: Final = frozenset({"F32", "F16", "BF16"})

_BASE: Final = {
    "q8_0": "Q8_0", "q6_k": "Q6_K", "q5_k_m": "Q5_K", "q4_k_m": "Q4_K", "q4_0": "Q4_0", "iq4_xs": "IQ4_XS",
    "q3_k_m": "Q3_K",
}  # fmt: skip
_FALLBACK: Final = {"IQ4_XS": "IQ4_NL", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
"""What rows get that hold no whole blocks of 256."""

_KEPT: Final = (
    "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj",
    "ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight", "time_mix_first.weight",
    "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight",
    "time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight",
    "time_mix_g2.weight", "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight",
    "attn_rel_b.weight", "position_embd", "token_types.weight",
)  # fmt: skip
"""Parts of names of tensors that stay as they are: small, or too fragile."""

_VALUES: Final = ("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight")
_MANY_EXPERTS: Final = 8
_SHARED_HEADS: Final = 4


@dataclass(frozen=True, slots=True)
class _Model:
    """What the rules ask of a model."""

    layers: int
    values: int  # tensors that make values
    experts: int
    sharing: int  # heads that share a key
    is_tied: bool  # the table of words is the head as well


def plan(header: GgufHeader, tensors: Iterable[Tensor], recipe: str) -> Iterator[tuple[Tensor, TensorType, bool]]:
    """What each tensor becomes: its new type, and whether its shape forced a coarser grain on it.

    Args:
        header: of the model.
        tensors: of all its files.
        recipe: id of one for GGUF.
    """
    ordered = sorted(tensors, key=_place)
    model = _model(header, ordered)
    value_number = down_number = 0
    for tensor in ordered:
        if not can_quantize(tensor):
            yield tensor, tensor.type, False
            continue
        is_value, is_down = _is_value(tensor.name), "ffn_down" in tensor.name
        number = down_number if model.experts < 2 else _layer(tensor.name)
        name = _type(tensor.name, recipe, model, value_number if is_value else number)
        value_number += is_value
        down_number += is_down
        fitting = _fitting(tensor, name)
        yield tensor, TYPES[fitting], fitting != name


def can_quantize(tensor: Tensor) -> bool:
    """Whether the quantizer touches a tensor at all."""
    is_matrix = sum(size > 1 for size in tensor.dims[1:]) > 0
    return is_matrix and tensor.name.endswith("weight") and not any(part in tensor.name for part in _KEPT)


def is_quantized(tensors: Iterable[Tensor]) -> bool:
    """Whether weights have been made smaller already; doing so twice loses more than either."""
    return any(can_quantize(tensor) and tensor.type.name not in UNQUANTIZED for tensor in tensors)


def _model(header: GgufHeader, tensors: list[Tensor]) -> _Model:
    heads, kv_heads = _first(header, "{arch}.attention.head_count"), _first(header, "{arch}.attention.head_count_kv")
    return _Model(
        layers=header.number("{arch}.block_count") or 0,
        values=sum(_is_value(tensor.name) for tensor in tensors),
        experts=header.number("{arch}.expert_count") or 0,
        sharing=heads // (kv_heads or heads) if heads else 0,
        is_tied=all(tensor.name != HEAD for tensor in tensors),
    )


def _first(header: GgufHeader, key: str) -> int:
    """A number that may differ from layer to layer: that of the first."""
    array = header.array(key)
    if array is not None and not array.is_text:
        return int(next(iter(array.numbers()), 0))
    return header.number(key) or 0


def _type(name: str, recipe: str, model: _Model, number: int) -> str:
    """The type that a recipe gives a tensor, whatever its shape.

    Args:
        name: of the tensor.
        recipe: id of the recipe.
        model: that it belongs to.
        number: how many like it came before it; with experts, its layer.
    """
    base = _BASE[recipe]
    if name == HEAD or (model.is_tied and _is_embedding(name)):
        return base if base == "Q8_0" else "Q6_K"
    if _is_embedding(name):
        return base
    if _is_value(name):
        return "Q8_0" if model.experts == _MANY_EXPERTS else _value_type(base, recipe, model, number)
    if "attn_k.weight" in name:
        return "Q8_0" if model.experts == _MANY_EXPERTS else base
    if "ffn_down" in name:
        return _down_type(base, recipe, model, number)
    if "attn_output.weight" in name and recipe in {"q4_k_m", "iq4_xs", "q3_k_m"}:
        return "Q5_K" if model.experts == _MANY_EXPERTS else "Q4_K" if recipe == "q3_k_m" else base
    return base


def _value_type(base: str, recipe: str, model: _Model, number: int) -> str:
    if recipe == "q3_k_m":
        return "Q5_K" if number < 2 else "Q4_K"
    if recipe == "iq4_xs" and model.sharing >= _SHARED_HEADS:
        return "Q5_K"
    if recipe in {"q4_k_m", "q5_k_m"} and _gets_more_bits(number, model.values):
        return "Q6_K"
    return base


def _down_type(base: str, recipe: str, model: _Model, number: int) -> str:
    if recipe == "q3_k_m":
        return "Q5_K" if number < model.layers // 16 else "Q4_K"
    if recipe in {"q4_k_m", "q5_k_m"} and _gets_more_bits(number, model.layers):
        return "Q6_K"
    return base


def _gets_more_bits(number: int, count: int) -> bool:
    return number < count // 8 or number >= 7 * count // 8 or (number - count // 8) % 3 == 2


def _fitting(tensor: Tensor, name: str) -> str:
    """A type whose blocks fill this tensor's rows: the wanted one, else one with smaller blocks, else none at all."""
    if tensor.dims[0] % TYPES[name].block_elements == 0:
        return name
    smaller = _FALLBACK.get(name, name)
    return smaller if tensor.dims[0] % TYPES[smaller].block_elements == 0 else "F16"


def _is_embedding(name: str) -> bool:
    return name in {EMBEDDING, "per_layer_token_embd.weight"}


def _is_value(name: str) -> bool:
    return name.endswith(_VALUES)


def _layer(name: str) -> int:
    match = LAYER.match(name)
    return int(match[1]) if match is not None else -1


def _place(tensor: Tensor) -> tuple[int, str]:
    """The order in which the quantizer takes them."""
    return _layer(tensor.name), tensor.name
