"""Whether putting a state back is worth it: predicted from how fast this model reads prompts, and states come back.

All three speeds are measured while the model runs; as long as one of them is not known, restoring is tried. With every
verdict against it, it seems a little faster, so that it is tried again some time: a disk may have been busy when it was
measured, and the closer the verdict, the sooner.
"""

import math
from typing import Final

_NEWER_SHARE: Final = 0.5  # weight of the newest measurement: the speeds of a machine change within seconds
_TELLING_TOKENS: Final = 16  # fewer in one batch say nothing about reading prompts
_TELLING_BYTES: Final = 1 << 18  # a smaller state comes back in less time than can be told from noise
_DOUBT: Final = 1.1


class RestoreRates:
    """Speeds of one loaded model.

    Attributes:
        prefill_tokens_per_s: of reading prompts.
        put_bytes_per_s: of putting states into the KV cache.
        read_bytes_per_s: of reading states from disk, and checking them.

    They are None until they were measured. Thread: any; that an update may get lost does no harm.
    """

    def __init__(
        self,
        prefill_tokens_per_s: float | None = None,
        put_bytes_per_s: float | None = None,
        read_bytes_per_s: float | None = None,
    ) -> None:
        self.prefill_tokens_per_s = prefill_tokens_per_s
        self.put_bytes_per_s = put_bytes_per_s
        self.read_bytes_per_s = read_bytes_per_s

    def note_prefill(self, tokens: int, seconds: float) -> None:
        """Learn from a batch that was read."""
        if tokens >= _TELLING_TOKENS and seconds > 0:
            self.prefill_tokens_per_s = _blend(self.prefill_tokens_per_s, tokens / seconds)

    def note_put(self, size_bytes: int, seconds: float) -> None:
        """Learn from a state that was put into the cache."""
        if size_bytes >= _TELLING_BYTES and seconds > 0:
            self.put_bytes_per_s = _blend(self.put_bytes_per_s, size_bytes / seconds)

    def note_read(self, size_bytes: int, seconds: float) -> None:
        """Learn from a state that was read from disk."""
        if size_bytes >= _TELLING_BYTES and seconds > 0:
            self.read_bytes_per_s = _blend(self.read_bytes_per_s, size_bytes / seconds)

    def puts_faster(self, size_bytes: int, tokens: int) -> bool:
        """Whether a state in memory is put back sooner than so many tokens are read."""
        return size_bytes < _TELLING_BYTES or _seconds(size_bytes, self.put_bytes_per_s) < self._prefill_s(tokens)

    def reads_faster(self, size_bytes: int, tokens: int) -> bool:
        """Whether a state on disk is read and put back sooner than so many tokens are read."""
        restore_s = _seconds(size_bytes, self.read_bytes_per_s) + _seconds(size_bytes, self.put_bytes_per_s)
        return restore_s < self._prefill_s(tokens)

    def doubt(self) -> None:
        """Note that a state was not put back, because reading the prompt seemed faster."""
        self.put_bytes_per_s = _DOUBT * self.put_bytes_per_s if self.put_bytes_per_s else None
        self.read_bytes_per_s = _DOUBT * self.read_bytes_per_s if self.read_bytes_per_s else None

    def _prefill_s(self, tokens: int) -> float:
        return tokens / self.prefill_tokens_per_s if self.prefill_tokens_per_s else math.inf


def _seconds(size_bytes: int, bytes_per_s: float | None) -> float:
    return size_bytes / bytes_per_s if bytes_per_s else 0.0


def _blend(known: float | None, seen: float) -> float:
    return seen if known is None else (1 - _NEWER_SHARE) * known + _NEWER_SHARE * seen
