"""The text of one answer while it grows: whole characters, stop strings, spans, log-probabilities."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.backends.base import ToolBlock
from engine.backends.llama.detokenizer import Detokenizer
from engine.backends.llama.spans import Part, Piece, SpanScanner, hidden, with_hidden, without_hidden
from engine.backends.llama.stops import StopScanner
from engine.types import FloatArray, TokenLogprob


class AnswerText:
    """Turns chosen tokens into text that is certain, with the log-probabilities of exactly that text.

    Thread: lane only.

    Attributes:
        is_split: whether it can hold anything but the answer itself.
    """

    is_split = False

    def __init__(self, pieces: Callable[[int], bytes], stops: Sequence[str]) -> None:
        self._detokenizer = Detokenizer(pieces)
        self._stops = StopScanner(stops) if stops else None
        self._reports = _Reports()
        self._made = 0  # characters that came out of the detokenizer
        self._shown = 0  # characters that left this object

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
            self._reports.add(self._made, replace(logprob, text=text))
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
        return self._reports.take(self._shown, ended=ended)

    def take_thinking(self) -> str:
        """What has been thought since the last call."""
        return ""

    def blocks(self) -> tuple[ToolBlock, ...]:
        """What stood in tool spans, the last of which may not be closed."""
        return ()


class SplitAnswer(AnswerText):
    """An answer that also holds thoughts and calls of tools. Stop strings count in what is said only.

    Tokens that hold a part of a mark, or anything that is not said, have no log-probabilities.

    Thread: lane only.
    """

    is_split = True

    def __init__(
        self, pieces: Callable[[int], bytes], special: Callable[[int], str], stops: Sequence[str], scanner: SpanScanner
    ) -> None:
        """Begin an answer.

        Args:
            pieces: bytes of a token id, none of a special one.
            special: text of a special token id.
            stops: texts that end what is said.
            scanner: a fresh one.
        """
        super().__init__(pieces, stops)
        self._pieces = pieces
        self._special = special
        self._scanner = scanner
        self._thinking: list[str] = []
        self._blocks: list[_OpenBlock] = []
        self._is_block_open = False
        self._unsplit: deque[tuple[int, TokenLogprob]] = deque()  # as in _Reports, with places in the whole text
        self._split = 0  # characters that came out of the scanner
        self._said = 0  # of these, those that are said

    def push(self, token: int, logprob: TokenLogprob | None) -> tuple[str, bool]:
        """Add a token; as for any answer, what is returned is said."""
        text = self._text_of(token)
        self._made += len(text)
        if logprob is not None:
            self._unsplit.append((self._made, replace(logprob, text=without_hidden(text))))
        return self._say(self._sort(self._scanner.push(text)))

    def flush(self) -> str:
        """End an answer that no stop string ended: the text that was held back."""
        text = self._detokenizer.flush()
        self._made += len(text)
        said, stopped = self._say(self._sort([*self._scanner.push(text), *self._scanner.flush()]))
        if stopped or self._stops is None:
            return said
        held = self._stops.flush()
        self._shown += len(held)
        return said + held

    def take_thinking(self) -> str:
        """What has been thought since the last call."""
        text = "".join(self._thinking)
        self._thinking.clear()
        return text

    def blocks(self) -> tuple[ToolBlock, ...]:
        """What stood in tool spans, the last of which may not be closed."""
        return tuple(block.closed() for block in self._blocks)

    def _text_of(self, token: int) -> str:
        if self._pieces(token):
            return self._detokenizer.push(token)
        special = self._special(token)
        return self._detokenizer.flush() + hidden(special) if special else ""

    def _say(self, text: str) -> tuple[str, bool]:
        stopped = False
        if self._stops is not None:
            text, stopped = self._stops.push(text)
        self._shown += len(text)
        return text, stopped

    def _sort(self, pieces: list[Piece]) -> str:
        """Put every piece where it belongs; return what is said."""
        said = []
        for piece in pieces:
            if piece.kind == "answer" and piece.part is Part.TEXT:
                self._sort_reports(piece)
                text = without_hidden(piece.text)
                self._said += len(text)
                said.append(text)
                continue
            self._split += len(piece.text)
            while self._unsplit and self._unsplit[0][0] <= self._split:
                self._unsplit.popleft()
            if piece.kind == "tool":
                self._add_to_block(piece)
            elif piece.kind == "thinking" and piece.part is Part.TEXT:
                self._thinking.append(without_hidden(piece.text))
        return "".join(said)

    def _sort_reports(self, piece: Piece) -> None:
        """Keep the reports of the tokens that end in a piece that is said, cut to what of them is in it."""
        start, self._split = self._split, self._split + len(piece.text)
        while self._unsplit and self._unsplit[0][0] <= self._split:
            end, report = self._unsplit.popleft()
            inside = end - start
            text = report.text[-inside:] if inside else ""
            place = self._said + len(without_hidden(piece.text[:inside]))
            self._reports.add(place, replace(report, text=text))

    def _add_to_block(self, piece: Piece) -> None:
        if piece.part is Part.OPEN or not self._is_block_open:
            self._blocks.append(_OpenBlock())
        self._is_block_open = piece.part is not Part.CLOSE
        text = with_hidden(piece.text)
        self._blocks[-1].written.append(text)
        if piece.part is Part.TEXT:
            self._blocks[-1].texts.append(text)


@dataclass(slots=True)
class _OpenBlock:
    """What stands in a tool span that may still grow."""

    texts: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def closed(self) -> ToolBlock:
        return ToolBlock("".join(self.texts), "".join(self.written))


class _Reports:
    """Log-probabilities that wait until the text of their token has left."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, TokenLogprob]] = deque()  # where the token's text ends, and its report

    def add(self, end: int, report: TokenLogprob) -> None:
        self._waiting.append((end, report))

    def take(self, shown: int, *, ended: bool) -> tuple[TokenLogprob, ...]:
        """Reports of the tokens within the first `shown` characters; at the end also the part of one that is cut."""
        taken: list[TokenLogprob] = []
        while self._waiting and self._waiting[0][0] <= shown:
            taken.append(self._waiting.popleft()[1])
        if ended and self._waiting:
            end, report = self._waiting[0]
            kept = shown - (end - len(report.text))
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
