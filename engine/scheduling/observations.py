"""Observations: how fast models really are where they run, learned from their steps.

What was seen is worth more than what was predicted, so the dispatcher asks here first.
"""

import threading
from dataclasses import dataclass, replace
from typing import Final

from engine.scheduling.steps import LEAST_PREFILL_TOKENS, TextStep

_KEPT: Final = 0.8
"""Weight of what was known before, against one more step: some five steps say more than the rest of the past."""
_FIRST_STEPS: Final = 2
"""Steps that are not counted: a driver compiles, caches are cold."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a model on a device; None where nothing is.

    Attributes:
        step_s: seconds of a step that decodes for one answer that runs alone.
        step_tokens: tokens that it got in such a step: more than one with drafts.
        prefill_tokens_per_s: prompt tokens read per second.
        image_s: seconds per image.
        steps: seen so far.
    """

    step_s: float | None = None
    step_tokens: float = 1.0
    prefill_tokens_per_s: float | None = None
    image_s: float | None = None
    steps: int = 0

    @property
    def token_s(self) -> float | None:
        """Seconds per decoded token of one answer that runs alone."""
        return None if self.step_s is None else self.step_s / self.step_tokens


class Observations:
    """What all lanes have seen, by model and device.

    Thread: any.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Observed] = {}  # guarded by _lock
        self._lock = threading.Lock()

    def of(self, model: str, device: str) -> Observed:
        """What is known of a model on a device."""
        with self._lock:
            return self._seen.get((model, device), Observed())

    def all(self) -> dict[tuple[str, str], Observed]:
        """Everything, by model and device."""
        with self._lock:
            return dict(self._seen)

    def forget(self, device: str = "") -> None:
        """Forget what was seen on a device, or everywhere: it was measured anew."""
        with self._lock:
            self._seen = {key: seen for key, seen in self._seen.items() if device and key[1] != device}

    def note_text(self, model: str, device: str, step: TextStep) -> None:
        """Learn from a step of a text model."""
        known = self._counted(model, device)
        if known is None:
            return
        if step.rows == 1 and step.tokens and step.decode_s:
            tokens = step.tokens if known.step_s is None else _blend(known.step_tokens, step.tokens)
            known = replace(known, step_s=_blend(known.step_s, step.decode_s), step_tokens=tokens)
        if step.read_tokens >= LEAST_PREFILL_TOKENS and step.read_s:
            rate = _blend(known.prefill_tokens_per_s, step.read_tokens / step.read_s)
            known = replace(known, prefill_tokens_per_s=rate)
        with self._lock:
            self._seen[model, device] = known

    def note_images(self, model: str, device: str, images: int, duration_s: float) -> None:
        """Learn from a run of an image model."""
        known = self._counted(model, device)
        if known is None or not images:
            return
        with self._lock:
            self._seen[model, device] = replace(known, image_s=_blend(known.image_s, duration_s / images))

    def _counted(self, model: str, device: str) -> Observed | None:
        """What is known, one more step counted; None if this step is not to be learned from."""
        with self._lock:
            known = self._seen.get((model, device), Observed())
            known = self._seen[model, device] = replace(known, steps=known.steps + 1)
        return known if known.steps > _FIRST_STEPS else None


def _blend(known: float | None, seen: float) -> float:
    return seen if known is None else _KEPT * known + (1 - _KEPT) * seen
