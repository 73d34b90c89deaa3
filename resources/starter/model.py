"""The network: a small Llama, written so that its weights map one to one onto a GGUF file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network. Every row of a matrix is a multiple of 256 long, so that K-quants apply."""

    vocab: int = 4096
    width: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    hidden: int = 768
    context: int = 1024
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def head_size(self) -> int:
        """Elements of one attention head."""
        return self.width // self.heads

    def to_dict(self) -> dict[str, Any]:
        """The sizes as plain values, for a checkpoint."""
        return asdict(self)


class Attention(nn.Module):
    """Causal self-attention with rotary positions and fewer key/value heads than query heads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_size
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, kv_width, bias=False)
        self.v = nn.Linear(shape.width, kv_width, bias=False)
        self.o = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Map ``(batch, length, width)`` to the same shape; ``cos`` and ``sin`` are ``(length, head_size)``."""
        batch, length, width = x.shape
        shape = self.shape
        q = self.q(x).view(batch, length, shape.heads, shape.head_size).transpose(1, 2)
        k = self.k(x).view(batch, length, shape.kv_heads, shape.head_size).transpose(1, 2)
        v = self.v(x).view(batch, length, shape.kv_heads, shape.head_size).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o(out.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """One layer: attention, then a gated feed-forward network, each behind an RMS norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, shape.norm_eps)
        self.attention = Attention(shape)
        self.feed_norm = nn.RMSNorm(shape.width, shape.norm_eps)
        self.gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Map ``(batch, length, width)`` to the same shape."""
        x = x + self.attention(self.attention_norm(x), cos, sin)
        h = self.feed_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Starter(nn.Module):
    """The whole network; the embedding also serves as the output matrix."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.norm_eps)
        cos, sin = rotary_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02 if "embedding" in name else parameter.shape[1] ** -0.5 * 0.6)
            if name.endswith(("o.weight", "down.weight")):
                # Each layer starts as a no-op; that makes the first steps of training calm.
                nn.init.zeros_(parameter)

    def forward(self, tokens: Tensor, targets: Tensor | None = None) -> Tensor:
        """Logits ``(batch, length, vocab)`` for ``tokens`` ``(batch, length)``, or the mean loss in nats."""
        length = tokens.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, cos, sin)
        x = self.norm(x)
        logits = functional.linear(x, self.embedding.weight)
        if targets is None:
            return logits
        return functional.cross_entropy(logits.view(-1, self.shape.vocab), targets.reshape(-1))


def rotary_tables(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary positions, each ``(context, head_size)``, halves repeated."""
    half = shape.head_size // 2
    frequencies = shape.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = torch.outer(torch.arange(shape.context, dtype=torch.float32), frequencies)
    angles = torch.cat((angles, angles), dim=1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs ``(i, i + head_size/2)`` of ``x`` ``(batch, heads, length, head_size)`` by their position."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin
