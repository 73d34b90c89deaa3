"""A context whose speed of reading prompts is noted."""

import time

from engine.backends.llama.context import Context
from engine.backends.llama.restore_rates import RestoreRates
from engine.footprint import PagingInfo
from engine.types import FloatArray


class MeteredContext:
    """Passes everything on, and times decodes.

    Attributes:
        kv: the context's memory of what it has read.
        batch: what the next decode reads.

    Thread: lane only.
    """

    def __init__(self, context: Context, rates: RestoreRates) -> None:
        self.kv = context.kv
        self.batch = context.batch
        self._context = context
        self._rates = rates

    @property
    def paging(self) -> PagingInfo | None:
        """What it costs that weights come and go; None if they do not. Thread: any."""
        return self._context.paging

    def decode(self) -> bool:
        """Run the batch; False if the KV cache has no room for it, and nothing was changed.

        Raises:
            EngineError: it failed; nothing in it can be trusted any more.
        """
        began_s = time.perf_counter()
        is_done = self._context.decode()
        if is_done:  # rows without logits are read for a prompt
            self._rates.note_prefill(self.batch.rows - self.batch.outputs, time.perf_counter() - began_s)
        return is_done

    def logits(self) -> FloatArray:
        """Logits of the rows that wanted them, float32, shape (outputs, vocabulary); valid until the next decode."""
        return self._context.logits()

    def note_tokens(self, tokens: int) -> None:
        """Hear how many tokens came of the last decode."""
        self._context.note_tokens(tokens)

    def set_threads(self, threads: int) -> None:
        """Use this many threads of the processor from the next decode on."""
        self._context.set_threads(threads)

    def free(self) -> None:
        """Free it; safe to call twice."""
        self._context.free()
