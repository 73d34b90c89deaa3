"""PagedContext: decodes with weights of which a part is not in memory until it is needed."""

from dataclasses import replace

from engine.backends.llama.context import DecodeContext
from engine.backends.llama.paging.pager import Pager
from engine.backends.llama.paging.watch import LayerWatch
from engine.footprint import PagingInfo

_BY_THE_SYSTEM = PagingInfo(pinned_bytes=0, streamed_bytes=0, buffer_bytes=0)


class PagedContext(DecodeContext):
    """A context whose layers wait for their weights.

    Until `attach`, and for ever if there is no pager, it decodes with what the system's cache holds.

    Thread: lane only.
    """

    def __init__(self, handle: int, vocabulary_size: int, threads: int) -> None:
        super().__init__(handle, vocabulary_size, threads)
        self._pager: Pager | None = None
        self._watch: LayerWatch | None = None
        self._note = ""

    def attach(self, watch: LayerWatch, pager: Pager | None, note: str = "") -> None:
        """Let a pager provide the weights.

        Args:
            watch: whose callback the context was made with.
            pager: pinned and started; None leaves it to the system.
            note: why there is none.
        """
        self._watch, self._pager, self._note = watch, pager, note
        watch.pager = pager

    @property
    def paging(self) -> PagingInfo | None:
        """What paging costs. Thread: any."""
        if self._pager is None:
            return replace(_BY_THE_SYSTEM, note=self._note)
        return self._pager.meter.info()

    def decode(self) -> bool:
        """Run the batch; False if the KV cache has no room for it, and nothing was changed.

        Raises:
            OutOfMemoryError: compute buffers could not be allocated.
            EngineError: llama.cpp failed, or the disk.
        """
        if self._pager is None:
            return super().decode()
        self._pager.begin_step()
        is_done = super().decode()
        self._pager.end_step()
        return is_done

    def note_tokens(self, tokens: int) -> None:
        """Hear how many tokens came of the last decode."""
        if self._pager is not None:
            self._pager.meter.note_tokens(tokens)

    def free(self) -> None:
        """Free the context, and stop reading; safe to call twice."""
        super().free()
        if self._pager is not None:
            self._pager.close()
            self._pager = None
