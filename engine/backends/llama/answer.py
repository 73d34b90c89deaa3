"""The text of one answer while it grows: whole characters, stop strings, log-probabilities."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from engine.backends.llama.detokenizer import Detokenizer
from engine.backends.llama.stops import StopScanner
from engine.types import FloatArray, TokenLogprob


class AnswerText:
    """Turns chosen tokens into text that is certain, with the log-probabilities of exactly that text.

    Thread: lane only.
    """

    def __init__(self, pieces: Callable[[int], bytes], stops: Sequence[str]) -> None:
        self._detokenizer = Detokenizer(pieces)
        self._stops = StopScanner(stops) if stops else None
        self._made = 0  # characters that came out of the detokenizer
        self._shown = 0  # characters that left this object
        self._waiting: deque[tuple[int, TokenLogprob]] = deque()  # where the token's text ends, and its report

    def push(self, token: int, logprob: TokenLogprob | None) -> tuple[str, bool]:
        """Add a token.

        Args:
            token: its id.
            logprob: its report, if one was asked for; its text is filled in here.

        Returns:
            Text that is certain now, and whether a stop string was completed.
        """
        text = self._detokenizer.push(token)
        self._made += len(text)
        if logprob is not None:
            self._waiting.append((self._made, replace(logprob, text=text)))
        stopped = False
        if self._stops is not None:
            text, stopped = self._stops.push(text)
        self._shown += len(text)
        return text, stopped

    def flush(self) -> str:
        """End an answer that no stop string ended: the text that was held back."""
        text = self._detokenizer.flush()
        self._made += len(text)
        if self._stops is not None:
            head, stopped = self._stops.push(text)
            text = head if stopped else head + self._stops.flush()
        self._shown += len(text)
        return text

    def take_logprobs(self, *, ended: bool) -> tuple[TokenLogprob, ...]:
        """Reports of the tokens whose text has left; at the end also the part of one that a stop string cut."""
        taken: list[TokenLogprob] = []
        while self._waiting and self._waiting[0][0] <= self._shown:
            taken.append(self._waiting.popleft()[1])
        if ended and self._waiting:
            end, report = self._waiting[0]
            kept = self._shown - (end - len(report.text))
            if kept > 0:
                taken.append(replace(report, text=report.text[:kept]))
        return tuple(taken)


def report_logprob(logits: FloatArray, token: int, top: int, pieces: Callable[[int], bytes]) -> TokenLogprob:
    """Log-probabilities of a token and of the `top` most likely ones, before any sampling setting changed them.

    Args:
        logits: float32, shape (vocabulary,).
        token: id of the chosen token.
        top: how many alternatives, at least 1.
        pieces: bytes of a token id.
    """
    shifted = logits - logits.max()
    logprobs = shifted - np.log(np.exp(shifted).sum())
    top = min(top, len(logprobs))
    best = np.argpartition(logprobs, -top)[-top:]
    best = best[np.argsort(-logprobs[best], kind="stable")]
    return TokenLogprob(
        text="",
        logprob=float(logprobs[token]),
        top=tuple((pieces(int(other)).decode("utf-8", "replace"), float(logprobs[other])) for other in best),
    )
