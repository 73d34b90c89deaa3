"""What a load takes of the machine's memory, from the model's header alone, by how much it may take. Only arithmetic.

Most models take more when they may: room for more answers at once, and for conversations that pause. So what a load
takes depends on what it is allowed, and the least that is enough is where both are equal.

Where the numbers come from: the sizes of tensors and of the KV cache are what llama.cpp makes of the header; its
compute buffer was compared with what it announces (`engine.models.shape`); what a vocabulary takes, and what ONNX
Runtime does, was measured (`hearth bench fit`). What is a guess says so.
"""

from dataclasses import dataclass, fields, replace
from typing import Final

from engine.backends.base import CPU_TARGET, DeviceTarget, LoadOptions
from engine.backends.llama.batch import BATCH_TOKENS
from engine.backends.llama.cells import (
    PAGED_RESERVE_BYTES,
    kv_cells,
    paged_parking_bytes,
    parking_bytes,
    rounded_cells,
)
from engine.backends.llama.drafting import DRAFT_ROWS
from engine.backends.onnx.graph_memory import GraphMemory
from engine.models.page_plan import PagePlan, WeightLayout, least_plan, plan_pages
from engine.models.shape import ModelShape
from engine.types import Accepts, ModelInfo

_VALUE_BYTES: Final = 4
_MASK_BYTES: Final = 2
_WIDTHS: Final = 16  # vectors of a text that is read as a whole: 8 to 13 were seen
_WORD_BYTES: Final = 340  # of a vocabulary, per entry: texts, tables to find them; 310 to 340 were measured
_BUFFERS_BYTES: Final = 1 << 20  # a guess: whatever is small
_PROGRAM_BYTES: Final = 8 << 20  # up to 9 MB were measured
_COMPUTE_BOUNDS: Final = (0.5, 2.0)
_PROCESS_BYTES: Final = 100 << 20  # of a device process; 80 MB were measured
_GRAPH_COPIES: Final = 1  # a guess, for a graph whose file cannot be read
_ROUNDS: Final = 24  # each brings the estimate at least twice closer to where it settles


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a model takes of the machine's memory, in bytes.

    Attributes:
        weights: that stay.
        copies: of a graph's weights, in the order that the processor likes.
        kv: the KV cache.
        conversations: room for those that pause.
        compute: buffers for a step and its results.
        vocabulary: texts of the tokens.
        program: threads, working memory, texts that are being read; no backend announces it, nor the vocabulary.
        process: of another device, if the model is there.
        reserve: left free where weights are paged.
    """

    weights: int
    copies: int = 0
    kv: int = 0
    conversations: int = 0
    compute: int = 0
    vocabulary: int = 0
    program: int = 0
    process: int = 0
    reserve: int = 0

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return sum(getattr(self, field.name) for field in fields(self))

    @property
    def announced_bytes(self) -> int:
        """What backends say of it once it is loaded."""
        return self.total_bytes - self.vocabulary - self.program


@dataclass(frozen=True, slots=True)
class Correction:
    """What measured loads have shown.

    Attributes:
        kv: KV cache, as loads of this architecture took it, over what was expected.
        compute: likewise, buffers.
        surprise_bytes: what this very file took more than expected, less than none if it took less.
    """

    kv: float = 1.0
    compute: float = 1.0
    surprise_bytes: int = 0

    @property
    def is_known(self) -> bool:
        """Whether it changes anything."""
        return (self.kv, self.compute, self.surprise_bytes) != (1.0, 1.0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSize:
    """A model that is to be loaded, and what is known of it.

    Attributes:
        info: the model.
        shape: from its header; None if that cannot be read, which whoever loads it will say.
        options: how it is to be loaded.
        target: where.
        layout: of its file, if it could be paged there.
        graph: what a graph takes beside its weights; None if that is unknown.
        correction: what loads have shown.
    """

    info: ModelInfo
    shape: ModelShape | None
    options: LoadOptions
    target: DeviceTarget = CPU_TARGET
    layout: WeightLayout | None = None
    graph: GraphMemory | None = None
    correction: Correction = Correction()

    @property
    def context_tokens(self) -> int:
        """Longest prompt plus answer, as far as the model goes."""
        trained = self.shape.context_tokens if self.shape is not None else 0
        return min(self.options.context_tokens, trained or self.options.context_tokens)

    @property
    def is_text(self) -> bool:
        """Whether it writes, and so has a context to choose."""
        return self.shape is not None and self.info.format == "gguf" and self.info.accepts != {Accepts.TEXTS}

    @property
    def weight_bytes(self) -> int:
        """Of all weights."""
        return self.shape.size_bytes if self.shape is not None else self.info.size_bytes

    @property
    def least_bytes(self) -> int:
        """What is enough: where what a load takes is what it may take."""
        size = 0
        for _ in range(_ROUNDS):
            before, size = size, self.within(size).total_bytes
            if size == before:
                break
        return size

    @property
    def paged_bytes(self) -> int | None:
        """What is enough if a part of the weights is read in every step; None if it cannot be."""
        if self.layout is None or not self._can_page:
            return None
        return self._around(least_plan(self.layout)).total_bytes

    def within(self, allowed_bytes: int) -> Parts:
        """What a load takes that may take this much.

        Args:
            allowed_bytes: what the backend is told.
        """
        return self._corrected(self._plain(allowed_bytes))

    def paged(self, room_bytes: int) -> tuple[Parts, PagePlan] | None:
        """What a load takes that pages its weights in this room, and how it does; None if it cannot."""
        if self.layout is None or not self._can_page:
            return None
        around = self._around(None).total_bytes
        plan = plan_pages(self.layout, room_bytes - around)
        return None if plan is None else (self._around(plan), plan)

    def surprise(self, allowed_bytes: int, took_bytes: int) -> int:
        """What a load took, as it was announced, more than is expected of it without any correction."""
        return took_bytes - self._plain(allowed_bytes).announced_bytes

    def ratios(self, allowed_bytes: int, took_bytes: int) -> tuple[float, float] | None:
        """What a load took of KV cache and of buffers, over what is expected; None if that says nothing.

        Only their sum is known. As far as they can explain it, buffers do: a KV cache follows from the header, but for
        architectures that look back only so far.
        """
        plain = self._plain(allowed_bytes)
        if not (plain.kv and plain.compute):
            return None
        took = took_bytes - (plain.announced_bytes - plain.kv - plain.compute)
        low, high = _COMPUTE_BOUNDS
        compute = min(high, max(low, (took - plain.kv) / plain.compute))
        return max(0.0, (took - compute * plain.compute) / plain.kv), compute

    @property
    def _can_page(self) -> bool:
        return self.is_text and not self.target.targets

    def _around(self, plan: PagePlan | None) -> Parts:
        """A paged load with these pages; with none, all that it takes beside them."""
        assert self.shape is not None
        kv, compute = self._context(self.shape, 0)
        pages = plan.memory_bytes if plan is not None else 0
        return self._corrected(
            Parts(
                weights=pages,
                kv=kv,
                conversations=paged_parking_bytes(kv),
                compute=compute,
                reserve=PAGED_RESERVE_BYTES,
                vocabulary=_WORD_BYTES * self.shape.words,
            )
        )

    def _corrected(self, parts: Parts) -> Parts:
        if not self.correction.is_known and parts.weights > 0:
            return parts
        scaled = replace(
            parts, kv=int(parts.kv * self.correction.kv), compute=int(parts.compute * self.correction.compute)
        )
        left = self.correction.surprise_bytes
        for name in ("compute", "kv", "copies", "conversations", "weights"):  # what can be wrong most comes first
            size = max(0, getattr(scaled, name) + left)
            left -= size - getattr(scaled, name)
            scaled = replace(scaled, **{name: size})
        return scaled if scaled.total_bytes > 0 else Parts(weights=1)

    def _plain(self, allowed_bytes: int) -> Parts:
        shape, size = self.shape, self.info.size_bytes
        if shape is None:
            return Parts(weights=size)
        if self.info.format != "gguf":
            graph = self.graph or GraphMemory(_GRAPH_COPIES * size, 0)
            return Parts(weights=size, copies=graph.copies_bytes, compute=graph.run_bytes + _BUFFERS_BYTES)
        parts = Parts(
            weights=_here_bytes(shape, self.target),
            vocabulary=_WORD_BYTES * shape.words,
            program=_PROGRAM_BYTES,
        )
        if not self.is_text:
            return replace(parts, compute=self._reading_bytes(shape))
        left_bytes = max(0, allowed_bytes - parts.weights)
        kv, compute = self._context(shape, left_bytes)
        parked = parking_bytes(kv, left_bytes)
        if self.target.targets:
            here = int(kv * (1 - _share(shape, self.target)))
            return replace(parts, kv=here, conversations=parked, process=_PROCESS_BYTES)
        return replace(parts, kv=kv, conversations=parked, compute=compute)

    def _context(self, shape: ModelShape, left_bytes: int) -> tuple[int, int]:
        """KV cache, and buffers of a step, of a model whose weights leave so much memory."""
        token_bytes, sequences = shape.kv_bytes_per_token, self.options.max_sequences
        cells = rounded_cells(kv_cells(self.context_tokens, sequences, max(1, token_bytes), left_bytes))
        rows = min(BATCH_TOKENS, cells)
        logits = _VALUE_BYTES * (sequences + DRAFT_ROWS) * shape.vocabulary
        step = rows * (_VALUE_BYTES * (shape.step_values or _WIDTHS * shape.width) + _MASK_BYTES * cells)
        return cells * token_bytes, max(step, logits) + logits + _BUFFERS_BYTES

    def _reading_bytes(self, shape: ModelShape) -> int:
        """Buffers of a model that reads texts as a whole, and keeps nothing."""
        context = self.context_tokens
        outputs = _VALUE_BYTES * 2 * self.options.max_sequences * shape.vocabulary
        return _VALUE_BYTES * context * (_WIDTHS * shape.width + context) + outputs + _BUFFERS_BYTES


def _here_bytes(shape: ModelShape, target: DeviceTarget) -> int:
    """Weights that stay in the machine's memory."""
    if not target.targets:
        return shape.size_bytes
    return int(shape.layer_bytes * (1 - _share(shape, target))) + shape.embedding_bytes


def _share(shape: ModelShape, target: DeviceTarget) -> float:
    """Share of the layers on the device."""
    if target.layers is None or not shape.layers:
        return 1.0
    return min(1.0, target.layers / shape.layers)
