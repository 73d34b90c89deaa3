"""Predicts how fast a model runs on a device, from the model's shape and the device's measured rates.

One more token takes

    token_s = Σ over the devices that share the model of
        step_overhead_s                                        starting a step
      + layers · layer_overhead_s                              norms, attention of a short text, waiting for each other
      + Σ over types of weights: bytes / decode_bytes_per_s    reading the weights, once per token
      + rows · row_overhead_s                                  beginning the product of each row with the vector
      + 2 · attention · past_tokens / attention_flops          looking back

where a device counts its share of the layers, and one of them the output head. The bytes rule (Williams et al. 2009,
"Roofline": a decoded token does two operations per weight, far below what a processor could do meanwhile). Rows matter
for narrow models: a row of 768 weights is read in about the time in which its product begins and ends, so that by bytes
alone a model of 100 million weights would be predicted a sixth to a third too fast. Looking back costs by query heads,
not by bytes of the KV cache: heads that share keys still multiply by themselves.

More tokens in the same step, of a prompt or of other answers, find the weights read already and add their arithmetic:

    step_s(n) = token_s + (n - 1) · Σ over types of weights: 2 · multiply_adds / prefill_flops

A prompt is read in steps of 512 tokens. Only the layers count there: logits are made for its last token alone. Its n
tokens look back at n² / 2 others, many at once, which costs 2 · attention / prompt_attention_flops for each.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from engine.hardware import DeviceRates
from engine.models.ggml import TENSOR_TYPES
from engine.models.shape import Matrices, ModelShape

STEP_TOKENS: Final = 512
"""Prompt tokens per step, as the llama.cpp backend reads them."""

BITS: Final[Mapping[str, float]] = MappingProxyType(
    {kind.name.lower(): 8 * kind.block_bytes / kind.block_elements for kind in TENSOR_TYPES.values()}
)
"""Type of weights -> bits per weight."""

_MULTIPLY_ADDS_PER_WEIGHT: Final = 150.0
"""A guess, for a graph of which only the size is known: 160 for ResNet-50, 86 for MobileNetV2, 200 for ViT-B."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates(DeviceRates):
    """Measured speed of a device, with what only the prediction needs to know.

    Attributes:
        row_overhead_s: time that a row of a weight matrix costs per decoded token beside its bytes.
        attention_flops: operations per second while a new token looks back at the earlier ones; 0 if unknown.
        prompt_attention_flops: the same for the tokens of a prompt; 0 if unknown.
    """

    row_overhead_s: float = 0.0
    attention_flops: float = 0.0
    prompt_attention_flops: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one device computes of a model.

    Attributes:
        rates: of the device.
        layers: how many of the model's layers.
        has_head: whether it makes the logits.
    """

    rates: DeviceRates
    layers: int
    has_head: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What is predicted for a model in one place, or has been seen there.

    Attributes:
        token_s: for one more token of one answer; for a run of a graph.
        more_s: for each further token in the same step.
        back_s: for each token that a token of a prompt looks back at.
        load_s: for loading it.
    """

    token_s: float
    more_s: float = 0.0
    back_s: float = 0.0
    load_s: float = 0.0

    def prompt_s(self, tokens: int) -> float:
        """Seconds to read a prompt, up to the logits of its last token."""
        steps = max(1, math.ceil(tokens / STEP_TOKENS))
        return steps * self.token_s + max(0, tokens - steps) * self.more_s + tokens**2 / 2 * self.back_s

    def beside(self, others: float) -> float:
        """Seconds for one more token while `others` answers are decoded in the same steps."""
        return self.token_s + others * self.more_s


def predict(
    shape: ModelShape,
    rates: DeviceRates,
    layers_on_device: int | None = None,
    cpu_rates: DeviceRates | None = None,
    *,
    past_tokens: float = 0.0,
) -> Speed:
    """Predict a model that runs on one device, with the rest of its layers on the processor.

    Args:
        shape: of the model.
        rates: of the device.
        layers_on_device: how many of its layers; None puts all of them there. The output head goes with the first.
        cpu_rates: of the processor; needed if layers stay there.
        past_tokens: how many tokens a new one looks back at, on average.

    Raises:
        ValueError: layers stay with the processor, and its rates are not given.
    """
    layers = shape.layers if layers_on_device is None else min(layers_on_device, shape.layers)
    if layers == shape.layers:
        return predict_shares(shape, (Share(rates=rates, layers=layers, has_head=True),), past_tokens=past_tokens)
    if cpu_rates is None:
        raise ValueError("layers stay with the processor, but its rates are not known")
    shares = (
        Share(rates=cpu_rates, layers=shape.layers - layers, has_head=layers == 0),
        *((Share(rates=rates, layers=layers, has_head=True),) if layers else ()),
    )
    return predict_shares(shape, shares, past_tokens=past_tokens)


def predict_shares(shape: ModelShape, shares: Sequence[Share], *, past_tokens: float = 0.0) -> Speed:
    """Predict a model whose layers are shared out over devices, which work one after the other."""
    token_s = more_s = back_s = load_s = 0.0
    for share in shares:
        rates, part = share.rates, share.layers / shape.layers if shape.layers else 1.0
        layers, head = _scaled(shape.layer_work, part), shape.head_work if share.has_head else {}
        token_s += rates.step_overhead_s + share.layers * rates.layer_overhead_s
        token_s += _reading_s(layers, rates) + _reading_s(head, rates)
        token_s += part * _attention_s(shape, rates, past_tokens)
        more_s += _arithmetic_s(layers, rates)
        if isinstance(rates, Rates) and rates.prompt_attention_flops:
            back_s += 2 * shape.attention * part / rates.prompt_attention_flops
        size_bytes = shape.layer_bytes * part + (shape.head_bytes if share.has_head else 0)
        load_s += size_bytes / rates.load_bytes_per_s if rates.load_bytes_per_s else 0.0
    return Speed(token_s=token_s, more_s=more_s, back_s=back_s, load_s=load_s)


def predict_graph(shape: ModelShape, rates: DeviceRates) -> Speed:
    """Predict a run of a graph; `token_s` is the run, and `more_s` one more input in the same run.

    Good enough to put devices in order. The operations are a guess from the header, and a graph need not run as fast
    as the one that was measured; once real runs have been seen, those count.
    """
    operations = shape.run_operations or 2 * _MULTIPLY_ADDS_PER_WEIGHT * shape.parameters
    work_s = operations / rates.graph_flops if rates.graph_flops else 0.0
    load_s = shape.size_bytes / rates.load_bytes_per_s if rates.load_bytes_per_s else 0.0
    return Speed(token_s=rates.graph_overhead_s + work_s, more_s=work_s, load_s=load_s)


def can_predict(rates: DeviceRates | None) -> bool:
    """Whether enough was measured to predict anything."""
    return rates is not None and (rates.graph_flops > 0 or bool(rates.decode_bytes_per_s and rates.prefill_flops))


def decode_rate(rates: DeviceRates, kind: str) -> float:
    """Bytes per second of a type of weights while decoding, estimated if it was not measured.

    The estimate takes the measured type with the most similar number of bits. Fewer bits than that are no faster per
    weight: unpacking them takes as long, and less is gained by reading less.
    """
    nearest = _nearest(rates.decode_bytes_per_s, kind)
    return rates.decode_bytes_per_s[nearest] * min(1.0, _bits(kind) / _bits(nearest))


def prefill_rate(rates: DeviceRates, kind: str) -> float:
    """Operations per second of a type of weights in a prompt; that of the most similar type if it was not measured."""
    return rates.prefill_flops[_nearest(rates.prefill_flops, kind)]


def _nearest(measured: Mapping[str, float], kind: str) -> str:
    if kind in measured:
        return kind
    return min(measured, key=lambda name: (abs(math.log(_bits(name) / _bits(kind))), measured[name], name))


def _bits(kind: str) -> float:
    return BITS.get(kind, 16.0)


def _scaled(work: Mapping[str, Matrices], part: float) -> Mapping[str, Matrices]:
    return {kind: Matrices(m.bytes * part, m.rows * part, m.multiply_adds * part) for kind, m in work.items()}


def _reading_s(work: Mapping[str, Matrices], rates: DeviceRates) -> float:
    row_s = rates.row_overhead_s if isinstance(rates, Rates) else 0.0
    return sum(cost.bytes / decode_rate(rates, kind) + cost.rows * row_s for kind, cost in work.items())


def _arithmetic_s(work: Mapping[str, Matrices], rates: DeviceRates) -> float:
    return sum(2 * cost.multiply_adds / prefill_rate(rates, kind) for kind, cost in work.items())


def _attention_s(shape: ModelShape, rates: DeviceRates, past_tokens: float) -> float:
    flops = rates.attention_flops if isinstance(rates, Rates) else 0.0
    return 2 * shape.attention * past_tokens / flops if flops else 0.0
