"""Composer: requests in the words of one model, as its plugins put them, turned into tokens."""

from dataclasses import dataclass
from typing import Final, Literal

from engine.backends.llama.spans import MarkedSpan, SpanScanner, hidden
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.text_formats import TextFormats, asks_outside
from engine.errors import CapabilityError, PluginError
from engine.plugins.contract.models import Composition, Span, Text, TextFormat, Token
from engine.types import Accepts, GenerateRequest, ModelInfo

# Every token of an answer is searched for the beginnings of all marks, so that these bound what a plugin can make it
# cost: well below a millisecond. Real formats have up to ten marks of up to sixty characters.
MAX_SPANS: Final = 32
MAX_STOPS: Final = 64
MAX_MARK_CHARS: Final = 128
MAX_KNOWN_RULES: Final = 256  # per model; formats have a few

Beginning = Literal["thinking", "tool"] | None
"""Kind of the span in which an answer begins."""
_BEGINNINGS: Final = (None, "thinking", "tool")

_FORMS: Final = {
    Accepts.MESSAGES: ("take conversations", "Give it a plain prompt, or pick a chat model."),
    Accepts.PROMPT: ("continue plain text", "Pick another model."),
    Accepts.SUFFIX: ("fill in the middle", "Pick a code model that can."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """How an answer ends and how it is split.

    Attributes:
        stop: texts that end it.
        ends: ids of tokens that end it, beside the model's own end tokens.
        spans: what it may hold beside what is said.
        begins_in: kind of the span in which it begins.
    """

    stop: tuple[str, ...] = ()
    ends: frozenset[int] = frozenset()
    spans: tuple[MarkedSpan, ...] = ()
    begins_in: Beginning = None

    @property
    def splits(self) -> bool:
        """Whether it may hold anything but what is said."""
        return bool(self.spans) or self.begins_in is not None

    def scanner(self) -> SpanScanner:
        """What splits one answer."""
        return SpanScanner(self.spans, self.begins_in)


class Composer:
    """Composes requests for one model.

    Thread: any; keeps only what is equal whoever computes it.
    """

    def __init__(self, info: ModelInfo, vocabulary: Vocabulary, formats: TextFormats) -> None:
        self._name = info.name
        self._plugins = ", ".join(info.plugins)
        self._vocabulary = vocabulary
        self._formats = formats
        self._known: dict[tuple[tuple[str, ...], tuple[Span, ...], Beginning], AnswerRules] = {}

    @property
    def asks_outside(self) -> bool:
        """Whether composing may have to wait for a plugin in a process of its own."""
        return asks_outside(self._formats)

    def format_for(self, request: GenerateRequest) -> TextFormat:
        """Who puts this form of request into words.

        Raises:
            CapabilityError: nobody does.
            EngineError: the plugins have changed, and one refuses the model.
        """
        form = _form(request)
        found = self._formats.get().get(form)
        if found is None:
            what, remedy = _FORMS[form]
            raise CapabilityError(f"{self._name} cannot {what}: no plugin knows how.", remedy)
        return found

    def tokens(self, composition: Composition) -> list[int]:
        """Tokens of a prompt, BOS first where the model wants it, never EOS at the end.

        Raises:
            InvalidRequestError: the text is not valid Unicode, or absurdly long.
            PluginError: a part of the prompt is none.
        """
        if not isinstance(composition, Composition):
            raise self._wrong(f"{str(composition)[:80]!r} is no composition")
        tokens: list[int] = []
        for part in _joined(composition.parts):
            if isinstance(part, Text) and isinstance(part.text, str):
                tokens += self._vocabulary.tokenize(part.text, add_special=False, parse_special=bool(part.special))
            elif isinstance(part, Token) and type(part.id) is int and 0 <= part.id < self._vocabulary.size:
                tokens.append(part.id)
            else:
                raise self._wrong(f"{str(part)[:80]!r} is neither text nor a token of the model")
        bos = self._vocabulary.bos_tokens
        return tokens if tokens[:1] == bos else [*bos, *tokens]  # most chat templates write it themselves

    def rules(self, composition: Composition, *, splits: bool) -> AnswerRules:
        """How the answer to a composition ends, and how it is split unless it must be taken as a whole.

        Raises:
            PluginError: a stop string or a span is none.
        """
        if composition.begins_in not in _BEGINNINGS:
            raise self._wrong(f"an answer cannot begin in {str(composition.begins_in)[:80]!r}")
        stops, spans = tuple(composition.stop), tuple(composition.spans)
        if not splits:
            return self._rules(stops, (), None)
        return self._rules(stops, spans, composition.begins_in)

    def _rules(self, stops: tuple[str, ...], spans: tuple[Span, ...], begins_in: Beginning) -> AnswerRules:
        """Checked rules; those of the same marks are made once."""
        key = (stops, spans, begins_in)
        try:
            known = self._known.get(key)
        except TypeError:  # what cannot be hashed is none of what belongs there
            known = None
        if known is not None:
            return known
        self._check_stops(stops)
        self._check_spans(spans)
        ends = {stop: self._end_token(stop) for stop in stops}
        rules = AnswerRules(
            stop=tuple(stop for stop in stops if ends[stop] is None),
            ends=frozenset(token for token in ends.values() if token is not None),
            spans=tuple(MarkedSpan(s.kind, self._ways(s.open), self._ways(s.close) if s.close else ()) for s in spans),
            begins_in=begins_in,
        )
        if len(self._known) < MAX_KNOWN_RULES:
            self._known[key] = rules
        return rules

    def _ways(self, mark: str) -> tuple[str, ...]:
        """How a mark can arrive: as plain text, and as the special tokens that it names."""
        parts, at = [], 0
        for token in self._vocabulary.tokenize(mark, add_special=False, parse_special=True):
            text = "" if self._vocabulary.piece(token) else self._vocabulary.special(token)
            start = mark.find(text, at)
            if text and start >= 0:
                parts += [mark[at:start], hidden(text)]
                at = start + len(text)
        return tuple(dict.fromkeys((mark, "".join([*parts, mark[at:]]))))

    def _end_token(self, stop: str) -> int | None:
        """The special token that a stop string names; it never shows up as text."""
        tokens = self._vocabulary.tokenize(stop, add_special=False, parse_special=True)
        return tokens[0] if len(tokens) == 1 and not self._vocabulary.piece(tokens[0]) else None

    def _check_stops(self, stops: tuple[str, ...]) -> None:
        if len(stops) > MAX_STOPS:
            raise self._wrong(f"it has {len(stops)} stop strings, more than {MAX_STOPS}")
        if not all(_is_mark(stop) for stop in stops):
            raise self._wrong(f"a stop string is no text of 1 to {MAX_MARK_CHARS} characters")

    def _check_spans(self, spans: tuple[Span, ...]) -> None:
        if len(spans) > MAX_SPANS:
            raise self._wrong(f"it has {len(spans)} spans, more than {MAX_SPANS}")
        for span in spans:
            is_span = isinstance(span, Span) and span.kind in {"thinking", "tool", "mark"}
            if not is_span or not _is_mark(span.open) or not (span.close == "" or _is_mark(span.close)):
                raise self._wrong(f"{str(span)[:80]!r} is no span")

    def _wrong(self, what: str) -> PluginError:
        cause = f"A plugin ({self._plugins or 'unknown'}) has put a request for {self._name} into words"
        return PluginError(self._plugins, f"{cause} that cannot be used: {what}.", "Update or disable the plugin.")


def _form(request: GenerateRequest) -> Accepts:
    if request.prompt is None:
        return Accepts.MESSAGES
    return Accepts.PROMPT if request.suffix is None else Accepts.SUFFIX


def _joined(parts: tuple[Text | Token, ...]) -> list[Text | Token]:
    """Parts with texts of a kind that follow one another made one: a tokenizer may begin each text with a space."""
    joined: list[Text | Token] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Text) and isinstance(last, Text) and part.special == last.special:
            joined[-1] = Text(last.text + part.text, part.special)
        else:
            joined.append(part)
    return joined


def _is_mark(text: object) -> bool:
    """Whether a model can write this: some characters, none of them half a surrogate pair."""
    return (
        isinstance(text, str)
        and 0 < len(text) <= MAX_MARK_CHARS
        and not any("\ud800" <= letter <= "\udfff" for letter in text)
    )
